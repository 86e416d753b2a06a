#include "train/gather.h"

#include "train/evaluate.h"

#include <stdlib.h>
#include <string.h>

static Status gather_batch(void *context, const MmlWork *work, i64 first) {
    MmlGathered *g = context;
    for (i64 m = 0; m + 1 < work->groups; m++) {
        const float *from = g->logits ? work->logits[m] : work->features[m];
        if (!from) return mml_fail(MML_EBUG, "an evaluation step gives no %s of modality %s",
                                   g->logits ? "logits" : "features", work->experiment->modalities[m].name);
        memcpy(g->values[m] + first * g->width[m], from, sizeof(float) * (size_t)(work->frame.batch * g->width[m]));
    }
    memcpy(g->labels + first, work->batch.labels, sizeof(i64) * (size_t)work->frame.batch);
    return MML_OK;
}

static Status allocate(MmlGathered *g, const MmlExperiment *experiment, MmlArena *arena) {
    i64 n = g->count;
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
static i64 *choose_rows(u64 seed, i64 count, i64 n, MmlArena *arena) {
    i64 *rows = MML_NEW(arena, i64, count);
    if (!rows) return NULL;
    for (i64 i = 0; i < count; i++) rows[i] = i;
    if (n == count) return rows;
    MmlRandom random = mml_random(seed, MML_STREAM_PROBE, UINT64_MAX, UINT64_MAX);
    mml_random_shuffle(&random, rows, count);
    qsort(rows, (size_t)n, sizeof *rows, ascending);
    return rows;
}

Status mml_gather(MmlRun *run, const MmlStageSettings *stage, MmlSplit split, i64 samples, u64 seed, int logits,
                  MmlArena *arena, MmlGathered *out) {
    i64 count = mml_data_count(run->data, split);
    *out = (MmlGathered){.logits = logits, .count = samples < 0 || samples > count ? count : samples};
    i64 *rows = choose_rows(seed, count, out->count, arena);
    if (!rows) return MML_ENOMEM;
    MML_TRY(allocate(out, run->experiment, arena));
    return mml_pass(run, stage, split, rows, out->count, 0, gather_batch, out);
}
