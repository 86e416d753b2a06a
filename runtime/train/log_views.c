#define _GNU_SOURCE
#include "train/log_views.h"

#include "train/csv.h"
#include "train/event_file.h"
#include "train/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

/* ---- Columns ---- */

typedef enum { ONE, EACH, GROUPS, LIST } ColumnForm;      /* a value; one a modality; one a modality and the fusion; a list of texts */

/* key: of the line's object; within: of the object there, or NULL. A column of EACH and GROUPS is called name.MODALITY. */
typedef struct { const char *name, *within, *key; ColumnForm form; } Column;

static const Column metrics_columns[] = {
    {"stage", NULL, "stage", ONE},         {"epoch", NULL, "epoch", ONE},         {"split", NULL, "split", ONE},
    {"loss", NULL, "loss", ONE},           {"accuracy", NULL, "accuracy", ONE},   {"head", NULL, "head", EACH},
    {"head_loss", NULL, "head_loss", EACH}, {"lr", NULL, "lr", GROUPS},           {"active", NULL, "active", LIST},
    {"samples", NULL, "samples", ONE},     {"seconds", NULL, "seconds", ONE},
};

static const Column probes_columns[] = {
    {"stage", NULL, "stage", ONE},           {"epoch", NULL, "epoch", ONE},             {"measure", NULL, "measure", ONE},
    {"redundancy", NULL, "redundancy", ONE}, {"unique", NULL, "unique", EACH},          {"synergy", NULL, "synergy", ONE},
    {"synergy_plugin", NULL, "synergy_plugin", ONE}, {"synergy_error", NULL, "synergy_error", ONE}, {"mutual", NULL, "mutual", EACH},
    {"total", NULL, "total", ONE},           {"entropy", NULL, "entropy", ONE},         {"gap", NULL, "gap", ONE},
    {"samples", NULL, "samples", ONE},       {"active", NULL, "active", LIST},          {"actions", "decision", "actions", LIST},
    {"finish", "decision", "finish", ONE},   {"iterations", NULL, "iterations", ONE},   {"seconds", NULL, "seconds", ONE},
};

#define COUNT(table) (sizeof (table) / sizeof *(table))

/* ---- CSV ---- */

static void csv_value(FILE *out, const json_t *value) {
    if (json_is_string(value)) mml_csv_text(out, json_string_value(value));
    else if (json_is_integer(value)) fprintf(out, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value)) mml_csv_number(out, json_real_value(value));
}

static void csv_list(FILE *out, const json_t *list) {
    char *joined = NULL;
    size_t size;
    FILE *text = open_memstream(&joined, &size);
    if (!text) return;
    const char *gap = "";
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *one = json_string_value(json_array_get(list, i));
        if (one) fprintf(text, "%s%s", gap, one), gap = " ";
    }
    fclose(text);
    mml_csv_text(out, joined);
    free(joined);
}

static const char *group_name(const MmlExperiment *experiment, i64 group) {
    return group < experiment->modality_count ? experiment->modalities[group].name : "fusion";
}

static i64 fields_of(const MmlExperiment *experiment, ColumnForm form) {
    return form == EACH ? experiment->modality_count : form == GROUPS ? experiment->modality_count + 1 : 1;
}

static int is_active(const json_t *line, const char *name) {
    const json_t *active = json_object_get(line, "active");
    for (size_t i = 0; i < json_array_size(active); i++) {
        const char *one = json_string_value(json_array_get(active, i));
        if (one && !strcmp(one, name)) return 1;
    }
    return 0;
}

/* A learning rate that all groups share stands in the log once: it is that of the groups that were trained. */
static const json_t *rate_of(const MmlLogViews *v, const json_t *line, const json_t *rate, i64 group) {
    const char *name = group_name(v->experiment, group);
    if (json_is_object(rate)) return json_object_get(rate, name);
    if (group < v->experiment->modality_count) return is_active(line, name) ? rate : NULL;
    const char *stage = json_string_value(json_object_get(line, "stage"));
    for (i64 i = 0; stage && i < v->experiment->stage_count; i++)
        if (!strcmp(v->experiment->stages[i].name, stage)) return v->experiment->stages[i].kind == MML_STAGE_JOINT ? rate : NULL;
    return NULL;
}

static void csv_column(FILE *out, const MmlLogViews *v, const Column *column, const json_t *line) {
    const json_t *object = column->within ? json_object_get(line, column->within) : line, *value = json_object_get(object, column->key);
    for (i64 f = 0; f < fields_of(v->experiment, column->form); f++) {
        if (f) fputc(',', out);
        switch (column->form) {
        case ONE:    csv_value(out, value); break;
        case EACH:   csv_value(out, json_object_get(value, v->experiment->modalities[f].name)); break;
        case GROUPS: csv_value(out, rate_of(v, line, value, f)); break;
        case LIST:   csv_list(out, value); break;
        }
    }
}

static void csv_name(FILE *out, const MmlLogViews *v, const Column *column) {
    for (i64 f = 0; f < fields_of(v->experiment, column->form); f++) {
        fprintf(out, "%s%s", f ? "," : "", column->name);
        if (column->form == EACH || column->form == GROUPS) fprintf(out, ".%s", group_name(v->experiment, f));
    }
}

/* line: NULL for the header. */
static Status csv_row(MmlLogViews *v, int view, const Column *columns, size_t count, const json_t *line) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out) return mml_fail(MML_ENOMEM, "out of memory for %s", v->path[view]);
    for (size_t c = 0; c < count; c++) {
        if (c) fputc(',', out);
        if (line) csv_column(out, v, &columns[c], line);
        else csv_name(out, v, &columns[c]);
    }
    fputc('\n', out);
    fclose(out);
    Status status = mml_log_append(v->descriptor[view], v->path[view], text, size);
    free(text);
    return status;
}

/* ---- Events ---- */

static double wall_clock(void) {
    struct timeval now;
    gettimeofday(&now, NULL);
    return (double)now.tv_sec + (double)now.tv_usec * 1e-6;
}

static i64 epochs_before(const MmlLogViews *v, const json_t *line) {
    const char *stage = json_string_value(json_object_get(line, "stage"));
    i64 sum = 0;
    for (i64 i = 0; stage && i < v->experiment->stage_count && strcmp(v->experiment->stages[i].name, stage); i++) sum += v->stage_epochs[i];
    return sum;
}

static Status scalar(MmlLogViews *v, i64 step, const char *tag, const json_t *value) {
    u8 bytes[MML_EVENT_BYTES];
    if (!json_is_number(value)) return MML_OK;
    size_t size = mml_event_scalar(wall_clock(), step, tag, json_number_value(value), bytes);
    return mml_log_append(v->descriptor[MML_VIEW_EVENTS], v->path[MML_VIEW_EVENTS], (const char *)bytes, size);
}

/* KEY/NAME for a number, KEY.MODALITY/NAME for one a modality. */
static Status scalars(MmlLogViews *v, i64 step, const json_t *line, const char *key, const char *name) {
    const json_t *value = json_object_get(line, key);
    char tag[MML_EVENT_TAG];
    snprintf(tag, sizeof tag, "%s/%s", key, name);
    if (!json_is_object(value)) return scalar(v, step, tag, value);
    const char *member;
    json_t *one;
    json_object_foreach((json_t *)value, member, one) {
        snprintf(tag, sizeof tag, "%s.%s/%s", key, member, name);
        MML_TRY(scalar(v, step, tag, one));
    }
    return MML_OK;
}

/* ---- Lines ---- */

Status mml_log_views_metrics(MmlLogViews *v, const json_t *line) {
    static const char *const keys[] = {"loss", "accuracy", "head", "head_loss"};
    if (v->descriptor[MML_VIEW_METRICS] < 0) return MML_OK;
    MML_TRY(csv_row(v, MML_VIEW_METRICS, metrics_columns, COUNT(metrics_columns), line));
    i64 step = epochs_before(v, line) + json_integer_value(json_object_get(line, "epoch"));
    const char *split = json_string_value(json_object_get(line, "split"));
    for (size_t i = 0; split && i < COUNT(keys); i++) MML_TRY(scalars(v, step, line, keys[i], split));
    return split && !strcmp(split, "train") ? scalars(v, step, line, "lr", "train") : MML_OK;
}

Status mml_log_views_probe(MmlLogViews *v, const json_t *line) {
    static const char *const keys[] = {"redundancy", "unique", "synergy", "synergy_plugin", "synergy_error", "mutual", "total", "entropy"};
    if (v->descriptor[MML_VIEW_PROBES] < 0) return MML_OK;
    MML_TRY(csv_row(v, MML_VIEW_PROBES, probes_columns, COUNT(probes_columns), line));
    i64 step = epochs_before(v, line) + json_integer_value(json_object_get(line, "epoch")) - 1;
    const char *measure = json_string_value(json_object_get(line, "measure"));
    for (size_t i = 0; measure && i < COUNT(keys); i++) MML_TRY(scalars(v, step, line, keys[i], measure));
    return MML_OK;
}

/* ---- Files ---- */

static const char *const names[MML_VIEWS] = {"metrics.csv", "probes.csv", "events.out.tfevents.0.mml"};

MmlLogViews mml_log_views_none(const MmlExperiment *experiment) {
    MmlLogViews views = {.experiment = experiment};
    for (int i = 0; i < MML_VIEWS; i++) views.descriptor[i] = -1;
    return views;
}

void mml_log_views_close(MmlLogViews *v) {
    for (int i = 0; i < MML_VIEWS; i++) {
        if (v->descriptor[i] >= 0) close(v->descriptor[i]);
        free(v->path[i]);
    }
    *v = mml_log_views_none(v->experiment);
}

static Status replay(MmlLogViews *v, const char *folder, const char *name, Status (*project)(MmlLogViews *, const json_t *)) {
    char *path, *bytes = NULL;
    size_t count;
    if (asprintf(&path, "%s/%s", folder, name) < 0) return mml_fail(MML_ENOMEM, "out of memory for a path");
    Status status = mml_read_file(path, &bytes, &count);
    free(path);
    if (status != MML_OK) return status;
    char *rest = bytes;
    for (char *text; status == MML_OK && (text = strsep(&rest, "\n"));) {
        json_t *line = json_loads(text, 0, NULL);
        if (json_is_object(line)) status = project(v, line);
        json_decref(line);
    }
    free(bytes);
    return status;
}

Status mml_log_views_start(MmlLogViews *v, const char *folder, const i64 *stage_epochs) {
    u8 version[MML_EVENT_BYTES];
    v->stage_epochs = stage_epochs;
    for (int i = 0; i < MML_VIEWS; i++) {
        if (asprintf(&v->path[i], "%s/%s", folder, names[i]) < 0) {
            v->path[i] = NULL;
            return mml_fail(MML_ENOMEM, "out of memory for a path");
        }
        MML_TRY(mml_log_keep(v->path[i], 0));
        MML_TRY(mml_log_open(v->path[i], &v->descriptor[i]));
    }
    MML_TRY(csv_row(v, MML_VIEW_METRICS, metrics_columns, COUNT(metrics_columns), NULL));
    MML_TRY(csv_row(v, MML_VIEW_PROBES, probes_columns, COUNT(probes_columns), NULL));
    size_t size = mml_event_version(wall_clock(), version);
    MML_TRY(mml_log_append(v->descriptor[MML_VIEW_EVENTS], v->path[MML_VIEW_EVENTS], (const char *)version, size));
    MML_TRY(replay(v, folder, "metrics.jsonl", mml_log_views_metrics));
    return replay(v, folder, "probes.jsonl", mml_log_views_probe);
}
