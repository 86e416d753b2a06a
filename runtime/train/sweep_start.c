#define _GNU_SOURCE
#include "train/sweep_start.h"

#include "train/files.h"
#include "train/json_read.h"
#include "train/setting_json.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *mml_start_name(const MmlExperiment *experiment, i64 quantity, char text[96]) {
    i64 modalities = experiment->modality_count;
    if (quantity == 0) return "R";
    if (quantity == modalities + 1) return "S";
    if (quantity == modalities + 2) return "imbalance";
    snprintf(text, 96, "U_%.90s", experiment->modalities[quantity - 1].name);
    return text;
}

double mml_imbalance(const double *unique, i64 modalities) {
    double low = INFINITY, high = 0;
    for (i64 m = 0; m < modalities; m++) {
        low = fmin(low, fmax(unique[m], 0));
        high = fmax(high, unique[m]);
    }
    return log2((high + MML_IMBALANCE_FLOOR) / (low + MML_IMBALANCE_FLOOR));
}

/* Before the epoch that it is labelled with, or after the epochs that it is labelled with? */
static int is_after(const json_t *run, const char *stage, const char *measure) {
    char path[256];
    snprintf(path, sizeof path, "%.120s.%.120s.when", stage, measure);
    char digits[MML_NUMBER_TEXT];
    const char *when = mml_setting_json_text(json_object_get(json_object_get(run, "settings"), path), digits);
    return when && !strcmp(when, "after");
}

static int is_start(const MmlExperiment *experiment, const json_t *run, const json_t *line) {
    const char *stage = json_string_value(json_object_get(line, "stage")), *measure = json_string_value(json_object_get(line, "measure"));
    if (!stage || !measure || strcmp(stage, experiment->stages[1].name) || isnan(mml_json_number(line, "synergy", NULL))) return 0;
    return mml_json_number(line, "epoch", NULL) == (is_after(run, experiment->stages[1].path, measure) ? 0 : 1);
}

static void fill(const MmlExperiment *experiment, const json_t *line, MmlStart *out) {
    i64 modalities = experiment->modality_count;
    out->known = 1;
    out->values[0] = mml_json_number(line, "redundancy", NULL);
    for (i64 m = 0; m < modalities; m++) out->values[1 + m] = mml_json_number(line, "unique", experiment->modalities[m].name);
    out->values[modalities + 1] = mml_json_number(line, "synergy", NULL);
    out->values[modalities + 2] = mml_imbalance(out->values + 1, modalities);
}

Status mml_start_read(const MmlExperiment *experiment, const char *folder, MmlArena *arena, MmlStart *out) {
    char *path = mml_arena_format(arena, "%s/probes.jsonl", folder), *run_path = mml_arena_format(arena, "%s/run.json", folder), *bytes;
    size_t count;
    *out = (MmlStart){0};
    for (int q = 0; q < MML_START_MOST; q++) out->values[q] = NAN;
    if (!path || !run_path) return MML_ENOMEM;
    if (experiment->stage_count < 2 || !mml_exists(path)) return MML_OK;
    json_t *run = json_load_file(run_path, 0, NULL);
    Status status = mml_read_file(path, &bytes, &count);
    char *rest = status == MML_OK ? bytes : NULL;
    for (char *text; rest && !out->known && (text = strsep(&rest, "\n"));) {
        json_t *line = json_loads(text, 0, NULL);
        if (is_start(experiment, run, line)) fill(experiment, line, out);
        json_decref(line);
    }
    if (status == MML_OK) free(bytes);
    json_decref(run);
    return status;
}
