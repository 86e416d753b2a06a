#define _GNU_SOURCE
#include "train/report_run.h"

#include "train/files.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static Status read_whole(const char *folder, const char *name, char **bytes) {
    char *path;
    size_t count;
    if (asprintf(&path, "%s/%s", folder, name) < 0) return mml_fail(MML_ENOMEM, "out of memory for a path");
    Status status = mml_read_file(path, bytes, &count);
    free(path);
    return status;
}

static Status read_object(const char *folder, const char *name, json_t **out) {
    char *bytes;
    MML_TRY(read_whole(folder, name, &bytes));
    json_error_t error;
    *out = json_loads(bytes, 0, &error);
    free(bytes);
    if (json_is_object(*out)) return MML_OK;
    if (*out) return mml_fail(MML_EDATA, "%s/%s is no JSON object", folder, name);
    return mml_fail(MML_EDATA, "%s/%s is no JSON object (line %d: %s)", folder, name, error.line, error.text);
}

/* A last line that a kill cut short is left out: it is not part of the run. */
static Status read_lines(const char *folder, const char *name, json_t **out) {
    char *bytes;
    MML_TRY(read_whole(folder, name, &bytes));
    *out = json_array();
    char *rest = bytes;
    for (char *line; (line = strsep(&rest, "\n"));) {
        json_t *object = *line ? json_loads(line, 0, NULL) : NULL;
        if (json_is_object(object)) json_array_append(*out, object);
        json_decref(object);
    }
    free(bytes);
    return *out ? MML_OK : mml_fail(MML_ENOMEM, "out of memory for %s/%s", folder, name);
}

const char *mml_report_string(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

int mml_report_stage_start(const MmlReportRun *run, const char *stage) {
    const json_t *stages = json_object_get(run->summary, "stages");
    int start = 0;
    for (size_t i = 0; i < json_array_size(stages); i++) {
        const json_t *one = json_array_get(stages, i);
        if (!strcmp(mml_report_string(one, "name"), stage)) return start;
        start += (int)json_integer_value(json_object_get(one, "epochs"));
    }
    return -1;
}

static void find_names(MmlReportRun *run) {
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(run->summary, "head"), name, value) {
        if (run->modalities < MML_REPORT_MODALITIES) run->names[run->modalities++] = name;
    }
    const json_t *stages = json_object_get(run->summary, "stages");
    for (size_t i = 0; i < json_array_size(stages); i++)
        run->epochs += (int)json_integer_value(json_object_get(json_array_get(stages, i), "epochs"));
}

Status mml_report_run_read(const char *folder, MmlReportRun *out) {
    *out = (MmlReportRun){0};
    Status status = read_object(folder, "run.json", &out->run);
    if (status == MML_OK) status = read_object(folder, "summary.json", &out->summary);
    if (status == MML_OK) status = read_lines(folder, "metrics.jsonl", &out->metrics);
    if (status == MML_OK) status = read_lines(folder, "probes.jsonl", &out->probes);
    if (status == MML_OK) find_names(out);
    else mml_report_run_free(out);
    return status;
}

void mml_report_run_free(MmlReportRun *run) {
    json_decref(run->run);
    json_decref(run->summary);
    json_decref(run->metrics);
    json_decref(run->probes);
    *run = (MmlReportRun){0};
}
