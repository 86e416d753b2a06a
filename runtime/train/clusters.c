#include "train/clusters.h"

#include "train/gather.h"

#include <string.h>

static float *block_of(const MmlRun *run, const MmlClustering *clustering) { return run->work.frame.clusters + clustering->offset; }

void mml_clusters_forget(MmlRun *run, const MmlStage *stage) {
    for (i64 i = 0; i < stage->clustering_count; i++) {
        const MmlClustering *c = &stage->clusterings[i];
        memset(block_of(run, c), 0, sizeof(float) * (size_t)c->floats);
    }
}

int mml_clusters_of_probe(MmlRun *run, const MmlStageSettings *stage, const MmlMeasureSettings *settings, float *out[MML_MAX_MODALITIES]) {
    int any = 0;
    memset(out, 0, sizeof *out * MML_MAX_MODALITIES);
    if (!stage->stage->has_probe || settings != &stage->measures[0]) return 0;
    for (i64 i = 0; i < stage->stage->clustering_count; i++) {
        const MmlClustering *c = &stage->stage->clusterings[i];
        if (!c->probe) continue;
        out[c->modality] = block_of(run, c);
        any = 1;
    }
    return any;
}

static int is_due(const MmlRun *run, const MmlClustering *c, i64 epoch) {
    return c->probe ? block_of(run, c)[0] == 0 : (epoch - 1) % c->every == 0;
}

/* As a probe of these settings would at this epoch. */
static MmlProbeOptions options_of(const MmlStageSettings *stage, const MmlClustering *c, i64 epoch) {
    MmlProbeOptions options = c->probe ? stage->measures[0].options : mml_probe_defaults();
    options.epoch = epoch;
    if (c->probe) return options;
    options.k = (int)c->bins;
    options.pca = (int)c->components;
    options.restarts = (int)c->restarts;
    options.normalize = (int)c->normalize;
    options.seed = stage->seed;
    return options;
}

/* Those from `first` on that need the same samples, with one pass. */
static Status fit_together(MmlRun *run, const MmlStageSettings *stage, i64 first, i64 epoch, int *done, MmlArena *arena) {
    const MmlClustering *leader = &stage->stage->clusterings[first];
    MmlSplit split = leader->probe ? stage->measures[0].split : MML_TRAIN;
    i64 samples = leader->probe ? stage->measures[0].samples : leader->samples;
    MmlGathered gathered;
    MML_TRY(mml_gather(run, stage, split, samples, stage->seed, 0, arena, &gathered));
    for (i64 i = first; i < stage->stage->clustering_count; i++) {
        const MmlClustering *c = &stage->stage->clusterings[i];
        if (done[i] || c->probe != leader->probe || c->samples != leader->samples) continue;
        done[i] = 1;
        if (!is_due(run, c, epoch)) continue;
        MmlProbeOptions options = options_of(stage, c, epoch);
        Status status = mml_clusters_fit(&options, (int)c->modality, gathered.values[c->modality], gathered.count,
                                         gathered.width[c->modality], run->threads, arena, block_of(run, c));
        if (status != MML_OK) return mml_context(status, "clusters %s, epoch %lld", c->name, (long long)epoch);
    }
    return MML_OK;
}

Status mml_clusters_refit(MmlRun *run, const MmlStageSettings *stage, i64 epoch) {
    i64 count = stage->stage->clustering_count;
    if (!count) return MML_OK;
    MmlArena *arena = mml_arena_new();
    int *done = arena ? MML_NEW(arena, int, count) : NULL;
    Status status = done ? MML_OK : MML_ENOMEM;
    for (i64 i = 0; i < count && status == MML_OK; i++)
        if (!done[i] && is_due(run, &stage->stage->clusterings[i], epoch))
            status = fit_together(run, stage, i, epoch, done, arena);
    mml_arena_free(arena);
    return status;
}
