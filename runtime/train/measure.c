#include "train/measure.h"

#include "train/evaluate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    int    logits;                                /* argmax bins read the heads' logits */
    int    width[MML_MAX_MODALITIES];
    float *values[MML_MAX_MODALITIES];            /* [n, width]                         */
    i64   *labels;                                /* [n]                                */
} Gathered;

static Status gather_batch(void *context, const MmlWork *work, i64 first) {
    Gathered *g = context;
    for (i64 m = 0; m + 1 < work->groups; m++) {
        const float *from = g->logits ? work->logits[m] : work->features[m];
        if (!from) return mml_fail(MML_EBUG, "an evaluation step gives no %s of modality %s",
                                   g->logits ? "logits" : "features", work->experiment->modalities[m].name);
        memcpy(g->values[m] + first * g->width[m], from, sizeof(float) * (size_t)(work->frame.batch * g->width[m]));
    }
    memcpy(g->labels + first, work->labels, sizeof(i64) * (size_t)work->frame.batch);
    return MML_OK;
}

static Status allocate(Gathered *g, const MmlExperiment *experiment, i64 n, MmlArena *arena) {
    for (i64 m = 0; m < experiment->modality_count; m++) {
        g->width[m] = (int)(g->logits ? experiment->target.classes : experiment->modalities[m].width);
        g->values[m] = MML_NEW(arena, float, n * g->width[m]);
        if (!g->values[m]) return MML_ENOMEM;
    }
    g->labels = MML_NEW(arena, i64, n);
    return g->labels ? MML_OK : MML_ENOMEM;
}

static int ascending(const void *a, const void *b) {
    i64 x = *(const i64 *)a, y = *(const i64 *)b;
    return (x > y) - (x < y);
}

/* The same samples at each measurement, so that its numbers can be compared;
 * drawn over the whole split, which may be sorted by class. The stream's
 * numbers lie outside those of epochs and modalities. */
static i64 *choose_rows(const MmlMeasureSettings *settings, i64 count, i64 n, MmlArena *arena) {
    i64 *rows = MML_NEW(arena, i64, count);
    if (!rows) return NULL;
    for (i64 i = 0; i < count; i++) rows[i] = i;
    if (n == count) return rows;
    MmlRandom random = mml_random(settings->options.seed, MML_STREAM_PROBE, UINT64_MAX, UINT64_MAX);
    mml_random_shuffle(&random, rows, count);
    qsort(rows, (size_t)n, sizeof *rows, ascending);
    return rows;
}

static Status measure_in(MmlRun *run, const MmlStageSettings *stage, const MmlMeasureSettings *settings, i64 epoch,
                         MmlArena *arena, MmlMeasured *out) {
    const MmlExperiment *experiment = run->experiment;
    i64 count = mml_data_count(run->data, settings->split);
    i64 n = settings->samples < 0 || settings->samples > count ? count : settings->samples;
    i64 *rows = choose_rows(settings, count, n, arena);
    Gathered gathered = {.logits = settings->options.bins == MML_BINS_ARGMAX};
    if (!rows) return MML_ENOMEM;
    MML_TRY(allocate(&gathered, experiment, n, arena));
    MML_TRY(mml_pass(run, stage, settings->split, rows, n, gather_batch, &gathered));
    MmlProbeOptions options = settings->options;
    options.epoch = epoch;
    Status status = mml_probe(&options, (int)experiment->modality_count, n, (const float *const *)gathered.values, gathered.width,
                              gathered.labels, (int)experiment->target.classes, run->threads, arena, &out->result);
    out->result.pid.q = out->result.pid.dual = NULL;          /* they lie in arena */
    return status == MML_OK ? MML_OK : mml_context(status, "%s, epoch %lld", settings->path, (long long)epoch);
}

Status mml_measure(MmlRun *run, const MmlStageSettings *stage, const MmlMeasureSettings *settings, i64 epoch, MmlMeasured *out) {
    double started = mml_now();
    *out = (MmlMeasured){.settings = settings};
    MmlArena *arena = mml_arena_new();
    if (!arena) return MML_ENOMEM;
    Status status = measure_in(run, stage, settings, epoch, arena, out);
    mml_arena_free(arena);
    out->seconds = mml_now() - started;
    return status;
}

MmlProbe mml_measured_probe(const MmlMeasured *measured, i64 epoch) {
    const MmlProbeResult *result = &measured->result;
    int partial = measured->settings->options.mutual_only;
    return (MmlProbe){
        .epoch = epoch,
        .redundancy = partial ? NAN : result->pid.redundancy,
        .synergy = partial ? NAN : result->synergy,
        .synergy_plugin = partial ? NAN : result->synergy_plugin,
        .synergy_error = partial ? NAN : result->synergy_error,
        .total = result->pid.total, .entropy = result->pid.entropy,
        .gap = partial ? NAN : result->pid.gap,
        .unique = result->pid.unique, .mutual = result->pid.mutual,
    };
}

Status mml_measures_check(const MmlData *data, const MmlStageSettings *stage) {
    for (i64 i = 0; stage->epochs > 0 && i < stage->stage->measurement_count; i++) {
        const MmlMeasureSettings *measure = &stage->measures[i];
        if (mml_data_count(data, measure->split) > 0) continue;
        return mml_fail(MML_EDATA, "%s reads the %s split, which has no samples: give the source %s, or the probe another split",
                        measure->path, mml_split_name(measure->split), measure->split == MML_VALIDATION ? "holdout = 10 %" : "a test share");
    }
    return MML_OK;
}
