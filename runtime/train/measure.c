#include "train/measure.h"

#include "train/clusters.h"
#include "train/gather.h"

#include <math.h>

static Status measure_in(MmlRun *run, const MmlStageSettings *stage, const MmlMeasureSettings *settings, i64 epoch,
                         MmlArena *arena, MmlMeasured *out) {
    const MmlExperiment *experiment = run->experiment;
    MmlGathered gathered;
    MML_TRY(mml_gather(run, stage, settings->split, settings->samples, settings->options.seed,
                       settings->options.bins == MML_BINS_ARGMAX, arena, &gathered));
    MmlProbeOptions options = settings->options;
    float *clusters[MML_MAX_MODALITIES];
    options.epoch = epoch;
    options.clusters = mml_clusters_of_probe(run, stage, settings, clusters) ? clusters : NULL;
    Status status = mml_probe(&options, (int)experiment->modality_count, gathered.count, (const float *const *)gathered.values,
                              gathered.width, gathered.labels, (int)experiment->target.classes, run->threads, arena, &out->result);
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
