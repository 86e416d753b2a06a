#define _GNU_SOURCE
#include "train/sweep_warnings.h"

#include "train/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Behind "NAME: warning: ", NULL: the line is no warning. */
static const char *text_of(const MmlExperiment *experiment, const char *line) {
    static const char mark[] = ": warning: ";
    size_t name = strlen(experiment->name);
    if (strncmp(line, experiment->name, name) || strncmp(line + name, mark, sizeof mark - 1)) return NULL;
    return line + name + sizeof mark - 1;
}

static Status count(MmlWarnings *w, const char *text, i64 cell) {
    for (i64 i = 0; i < w->count; i++) {
        if (strcmp(w->list[i].text, text)) continue;
        w->list[i].cells += w->list[i].last != cell;
        w->list[i].last = cell;
        return MML_OK;
    }
    MmlWarning *list = MML_GROW(w->arena, w->list, w->count, &w->room, 16);
    if (!list) return MML_ENOMEM;
    w->list = list;
    const char *copy = mml_arena_format(w->arena, "%s", text);
    w->list[w->count++] = (MmlWarning){copy, 1, cell};
    return copy ? MML_OK : MML_ENOMEM;
}

Status mml_warnings_add(MmlWarnings *warnings, const MmlExperiment *experiment, const char *log, i64 cell) {
    char *bytes;
    size_t size;
    if (!mml_exists(log) || mml_read_file(log, &bytes, &size) != MML_OK) return MML_OK;
    Status status = MML_OK;
    char *rest = bytes;
    for (char *line; status == MML_OK && (line = strsep(&rest, "\n"));) {
        const char *text = text_of(experiment, line);
        if (text) status = count(warnings, text, cell);
    }
    free(bytes);
    return status;
}

void mml_warnings_print(const MmlWarnings *warnings, const MmlExperiment *experiment, i64 cells) {
    for (i64 i = 0; i < warnings->count; i++)
        fprintf(stderr, "%s: warning: %s (%lld of %lld cells)\n", experiment->name, warnings->list[i].text, (long long)warnings->list[i].cells,
                (long long)cells);
}
