#include "train/sweep_plan.h"

#include "train/files.h"
#include "train/folder.h"
#include "train/json.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT "mml-sweep/1"

const char *mml_sweep_folder(const MmlExperiment *experiment, MmlArena *arena) {
    const char *name = mml_arena_format(arena, "%s-sweep", experiment->name);
    return name ? mml_folder_fresh(arena, name, "") : NULL;
}

Status mml_sweep_plan_write(const MmlExperiment *experiment, const MmlCall *call, i64 cells, const char *path) {
    MmlJson json = {.lines = 1};
    mml_json_open(&json, '{');
    mml_json_key(&json, "format");
    mml_json_text(&json, FORMAT);
    mml_json_key(&json, "experiment");
    mml_json_text(&json, experiment->name);
    mml_json_key(&json, "hash");
    mml_json_text(&json, experiment->hash);
    mml_json_key(&json, "arguments");
    mml_json_open(&json, '[');
    for (int i = 1; i < call->argc; i++) mml_json_text(&json, call->argv[i]);
    mml_json_close(&json, ']');
    mml_json_key(&json, "cells");
    mml_json_int(&json, cells);
    mml_json_close(&json, '}');
    mml_json_newline(&json);
    Status status = mml_json_status(&json);
    if (status == MML_OK) status = mml_replace_file(path, json.text, json.used);
    mml_json_free(&json);
    return status;
}

/* The call that a sweep's folder began with: argv in arena. */
Status mml_sweep_plan_read(const MmlExperiment *experiment, const char *folder, MmlArena *arena, int *argc, char ***argv) {
    char *bytes;
    size_t count;
    const char *path = mml_arena_format(arena, "%s/sweep.json", folder);
    if (!path) return MML_ENOMEM;
    MML_TRY(mml_read_file(path, &bytes, &count));
    json_t *plan = json_loadb(bytes, count, 0, NULL);
    free(bytes);
    const char *hash = json_string_value(json_object_get(plan, "hash"));
    const json_t *arguments = json_object_get(plan, "arguments");
    Status status = MML_OK;
    if (!hash || !json_is_array(arguments)) status = mml_fail(MML_EDATA, "%s is not the sweep.json of a sweep", path);
    else if (strcmp(hash, experiment->hash))
        status = mml_fail(MML_ECALL, "--resume: the sweep in %s is of another program or another build of it (hash %s; this one has %s)", folder, hash, experiment->hash);
    if (status == MML_OK) {
        *argc = (int)json_array_size(arguments) + 1;
        *argv = MML_NEW(arena, char *, *argc + 1);
        for (int i = 1; *argv && i < *argc; i++) {
            const char *word = json_string_value(json_array_get(arguments, (size_t)i - 1));
            (*argv)[i] = mml_arena_format(arena, "%s", word ? word : "");
            if (!(*argv)[i]) status = MML_ENOMEM;
        }
        if (!*argv) status = MML_ENOMEM;
    }
    json_decref(plan);
    return status;
}

/* ---- Words ---- */

int mml_sweep_takes_value(const char *word) { return !strchr(word, '=') && strcmp(word, "--json") && strcmp(word, "--quiet"); }

int mml_sweep_is_for_cells(const char *word) {
    static const char *const own[] = {"--sweep", "--out", "--resume", "--jobs", "--json", "--quiet"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        size_t length = strlen(own[i]);
        if (!strncmp(word, own[i], length) && (!word[length] || word[length] == '=')) return 0;
    }
    return 1;
}

int mml_sweep_only_resumes(const MmlCall *call) {
    static const char *const taken[] = {"--resume", "--jobs", "--quiet", "--json"};
    for (int i = 1; i < call->argc; i++) {
        const char *word = call->argv[i];
        int known = 0;
        for (size_t t = 0; t < sizeof taken / sizeof *taken; t++) {
            size_t length = strlen(taken[t]);
            known |= !strncmp(word, taken[t], length) && (!word[length] || word[length] == '=');
        }
        if (!known) return 0;
        if (mml_sweep_takes_value(word)) i++;
    }
    return 1;
}
