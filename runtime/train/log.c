#define _GNU_SOURCE
#include "train/log.h"

#include "train/files.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

MmlLog mml_log_none(const MmlExperiment *experiment) {
    return (MmlLog){.experiment = experiment, .metrics = -1, .probes = -1, .views = mml_log_views_none(experiment)};
}

void mml_log_close(MmlLog *log) {
    if (log->metrics >= 0) close(log->metrics);
    if (log->probes >= 0) close(log->probes);
    free(log->metrics_path);
    free(log->probes_path);
    mml_json_free(&log->line);
    mml_log_views_close(&log->views);
    *log = mml_log_none(log->experiment);
}

Status mml_log_start(MmlLog *log, const char *folder, i64 metrics_lines, i64 probes_lines, const i64 *stage_epochs) {
    if (asprintf(&log->metrics_path, "%s/metrics.jsonl", folder) < 0) log->metrics_path = NULL;
    if (asprintf(&log->probes_path, "%s/probes.jsonl", folder) < 0) log->probes_path = NULL;
    if (!log->metrics_path || !log->probes_path) return mml_fail(MML_ENOMEM, "out of memory for a path");
    MML_TRY(mml_log_keep(log->metrics_path, metrics_lines));
    MML_TRY(mml_log_keep(log->probes_path, probes_lines));
    MML_TRY(mml_log_open(log->metrics_path, &log->metrics));
    MML_TRY(mml_log_open(log->probes_path, &log->probes));
    return mml_log_views_start(&log->views, folder, stage_epochs);
}

Status mml_log_flush(MmlLog *log) {
    if (log->metrics < 0) return MML_OK;
    MML_TRY(mml_log_sync(log->metrics, log->metrics_path));
    return mml_log_sync(log->probes, log->probes_path);
}

static Status put_line(MmlLog *log, int descriptor, const char *path, Status (*view)(MmlLogViews *, const json_t *)) {
    mml_json_newline(&log->line);
    MML_TRY(mml_json_status(&log->line));
    if (descriptor < 0) return MML_OK;
    MML_TRY(mml_log_append(descriptor, path, log->line.text, log->line.used));
    json_t *line = json_loads(log->line.text, 0, NULL);
    Status status = line ? view(&log->views, line) : mml_fail(MML_ENOMEM, "out of memory for a line of %s", path);
    json_decref(line);
    return status;
}

/* "key": {"NAME": value, …} over the modalities. */
static void put_each(MmlLog *log, const char *key, const double *values) {
    mml_json_key(&log->line, key);
    mml_json_open(&log->line, '{');
    for (i64 m = 0; m < log->experiment->modality_count; m++) {
        mml_json_key(&log->line, log->experiment->modalities[m].name);
        mml_json_real(&log->line, values[m]);
    }
    mml_json_close(&log->line, '}');
}

static void put_real(MmlJson *line, const char *key, double value) {
    mml_json_key(line, key);
    mml_json_real(line, value);
}

static void put_text(MmlJson *line, const char *key, const char *value) {
    mml_json_key(line, key);
    mml_json_text(line, value);
}

static void put_int(MmlJson *line, const char *key, i64 value) {
    mml_json_key(line, key);
    mml_json_int(line, value);
}

static void put_seconds(MmlJson *line, const char *key, double value) {
    mml_json_key(line, key);
    mml_json_seconds(line, value);
}

/* Names of the modalities that are trained. */
static void put_active(MmlLog *log, const i64 *active) {
    mml_json_key(&log->line, "active");
    mml_json_open(&log->line, '[');
    for (i64 m = 0; m < log->experiment->modality_count; m++)
        if (active[m]) mml_json_text(&log->line, log->experiment->modalities[m].name);
    mml_json_close(&log->line, ']');
}

/* ---- metrics.jsonl ---- */

static void put_rate(MmlLog *log, const double *rates, const i64 *active, i64 groups) {
    const MmlExperiment *experiment = log->experiment;
    i64 first = -1;
    int shared = 1;
    for (i64 g = 0; g < groups; g++) {
        if (!active[g]) continue;
        if (first < 0) first = g;
        if (rates[g] != rates[first]) shared = 0;
    }
    if (shared) {
        put_real(&log->line, "lr", rates[first < 0 ? 0 : first]);
        return;
    }
    mml_json_key(&log->line, "lr");
    mml_json_open(&log->line, '{');
    for (i64 g = 0; g < groups; g++)
        if (active[g]) put_real(&log->line, g < experiment->modality_count ? experiment->modalities[g].name : "fusion", rates[g]);
    mml_json_close(&log->line, '}');
}

Status mml_log_metrics(MmlLog *log, const MmlStage *stage, i64 epoch, MmlSplit split, const MmlMetrics *metrics,
                       const double *rates, const i64 *active) {
    MmlJson *line = &log->line;
    i64 groups = log->experiment->modality_count + (stage->kind == MML_STAGE_JOINT);
    mml_json_clear(line);
    mml_json_open(line, '{');
    put_text(line, "stage", stage->name);
    put_int(line, "epoch", epoch);
    put_text(line, "split", mml_split_name(split));
    put_real(line, "loss", metrics->loss);
    put_real(line, "accuracy", metrics->accuracy);
    put_each(log, "head", metrics->head_accuracy);
    put_each(log, "head_loss", metrics->head_loss);
    put_rate(log, rates, active, groups);
    put_active(log, active);
    put_int(line, "samples", metrics->samples);
    put_seconds(line, "seconds", metrics->seconds);
    put_seconds(line, "load_seconds", metrics->load_seconds);
    mml_json_close(line, '}');
    return put_line(log, log->metrics, log->metrics_path, mml_log_views_metrics);
}

/* ---- probes.jsonl ---- */

static void put_texts(MmlJson *line, const char *key, const char *const *texts, i64 count) {
    mml_json_key(line, key);
    mml_json_open(line, '[');
    for (i64 i = 0; i < count; i++) mml_json_text(line, texts[i]);
    mml_json_close(line, ']');
}

static void put_decision(MmlJson *line, const MmlRuleLog *decision) {
    mml_json_key(line, "decision");
    if (!decision) {
        mml_json_text(line, NULL);
        return;
    }
    mml_json_open(line, '{');
    put_texts(line, "actions", decision->actions, decision->action_count);
    put_text(line, "finish", decision->finish);
    put_texts(line, "say", decision->said, decision->said_count);
    mml_json_close(line, '}');
}

static void put_bins(MmlLog *log, const MmlProbeResult *result) {
    mml_json_key(&log->line, "bins");
    mml_json_open(&log->line, '[');
    for (i64 m = 0; m < log->experiment->modality_count; m++) mml_json_int(&log->line, result->bins[m]);
    mml_json_close(&log->line, ']');
}

/* What a mutual_information(…) does not compute is null. */
Status mml_log_probe(MmlLog *log, const MmlProbeLine *probe) {
    MmlJson *line = &log->line;
    const MmlProbeResult *r = probe->result;
    const int whole = !probe->settings->options.mutual_only;
    double none[MML_MAX_MODALITIES];
    for (int m = 0; m < MML_MAX_MODALITIES; m++) none[m] = NAN;
    mml_json_clear(line);
    mml_json_open(line, '{');
    put_text(line, "stage", probe->stage->name);
    put_int(line, "epoch", probe->epoch);
    put_text(line, "measure", probe->settings->name);
    put_real(line, "redundancy", whole ? r->pid.redundancy : NAN);
    put_each(log, "unique", whole ? r->pid.unique : none);
    put_real(line, "synergy", whole ? r->synergy : NAN);
    put_real(line, "synergy_plugin", whole ? r->synergy_plugin : NAN);
    put_real(line, "synergy_error", whole ? r->synergy_error : NAN);
    put_text(line, "estimator", probe->settings->estimator);
    put_each(log, "mutual", r->pid.mutual);
    put_real(line, "total", r->pid.total);
    put_real(line, "entropy", r->pid.entropy);
    put_real(line, "gap", whole ? r->pid.gap : NAN);
    put_int(line, "samples", r->samples);
    put_bins(log, r);
    put_active(log, probe->active);
    put_decision(line, probe->decision);
    put_real(line, "residual", whole ? r->pid.residual : NAN);
    put_real(line, "occupied", whole ? (double)r->occupied : NAN);
    put_real(line, "iterations", whole ? r->pid.iterations : NAN);
    put_text(line, "solver", probe->settings->solver);
    put_real(line, "solve_seconds", whole ? r->pid.seconds : NAN);
    put_seconds(line, "seconds", probe->seconds);
    mml_json_close(line, '}');
    return put_line(log, log->probes, log->probes_path, mml_log_views_probe);
}

/* ---- Reading back ---- */

double mml_log_seconds(const char *folder, const char *name, const char *key) {
    char *path, *bytes;
    size_t count;
    double sum = 0;
    if (asprintf(&path, "%s/%s", folder, name) < 0) return 0;
    Status status = mml_read_file(path, &bytes, &count);
    free(path);
    if (status != MML_OK) return 0;
    char *rest = bytes;
    for (char *line; (line = strsep(&rest, "\n"));) {
        json_t *object = json_loads(line, 0, NULL);
        sum += json_number_value(json_object_get(object, key));
        json_decref(object);
    }
    free(bytes);
    return sum;
}
