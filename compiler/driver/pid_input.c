#include "driver/pid_input.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads to the end; the buffer grows, so that pipes will do. */
static Status read_stream(FILE *stream, const char *path, char **text, size_t *size) {
    size_t room = 1 << 16;
    *size = 0;
    *text = malloc(room);
    while (*text) {
        *size += fread(*text + *size, 1, room - 1 - *size, stream);
        if (ferror(stream)) return mml_fail(MML_EIO, "cannot read %s: %s", path, strerror(errno));
        if (feof(stream)) {
            (*text)[*size] = 0;
            return MML_OK;
        }
        if (*size < room - 1) continue;
        char *larger = realloc(*text, room *= 2);
        if (!larger) break;
        *text = larger;
    }
    return mml_fail(MML_ENOMEM, "out of memory for %s", path);
}

static Status read_file(const char *path, char **text, size_t *size) {
    if (strcmp(path, "-") == 0) return read_stream(stdin, "standard input", text, size);
    FILE *stream = fopen(path, "rb");
    if (!stream) return mml_fail(MML_EIO, "cannot open %s: %s", path, strerror(errno));
    Status status = read_stream(stream, path, text, size);
    fclose(stream);
    return status;
}

/* "data/and.json" -> "and" */
static const char *base_name(const char *path, MmlArena *arena) {
    if (strcmp(path, "-") == 0) return "-";
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path, *dot = strrchr(base, '.');
    return mml_arena_format(arena, "%.*s", (int)(dot && dot > base ? (size_t)(dot - base) : strlen(base)), base);
}

static Status (*form_of(const PidFile *file))(const PidFile *, MmlArena *, PidInput *) {
    static const char magic[] = "\x93NUMPY";
    if (file->size >= 6 && memcmp(file->text, magic, 6) == 0) return pid_input_npy;
    const char *text = file->text;
    if (strncmp(text, "\xEF\xBB\xBF", 3) == 0) text += 3;
    text += strspn(text, " \t\r\n");
    return *text == '{' || *text == '[' ? pid_input_json : pid_input_csv;
}

Status pid_input_check(const PidFile *file, const char *place, const PidDistribution *distribution) {
    const MmlTable *table = &distribution->table;
    i64 cells = (i64)table->bins[0] * table->bins[1] * table->labels;
    double sum = 0;
    for (i64 c = 0; c < cells; c++) {
        double weight = table->p[c];
        i64 y = c % table->labels, tuple = c / table->labels;
        if (!(weight >= 0) || isinf(weight))
            return mml_fail(MML_EDATA, "%s: %s[%lld][%lld][%lld] is %g; weights must be finite and not negative", file->path,
                            place, (long long)(tuple / table->bins[1]), (long long)(tuple % table->bins[1]), (long long)y, weight);
        if (distribution->counted && weight != floor(weight))
            return mml_fail(MML_EDATA, "%s: %s[%lld][%lld][%lld] is %g; counts must be whole numbers", file->path,
                            place, (long long)(tuple / table->bins[1]), (long long)(tuple % table->bins[1]), (long long)y, weight);
        sum += weight > 0;
    }
    if (sum == 0) return mml_fail(MML_EDATA, "%s: all weights of %s are zero", file->path, place);
    return MML_OK;
}

Status pid_input_read(const char *path, MmlArena *arena, PidInput *out) {
    char *text = NULL;
    PidFile file = {.path = strcmp(path, "-") == 0 ? "standard input" : path, .name = base_name(path, arena)};
    *out = (PidInput){0};
    Status status = file.name ? read_file(path, &text, &file.size) : MML_ENOMEM;
    file.text = text;
    if (status == MML_OK && file.size == 0) status = mml_fail(MML_EDATA, "%s is empty", file.path);
    if (status == MML_OK) status = form_of(&file)(&file, arena, out);
    free(text);
    return status;
}
