#include "mml/pid.h"

#include <math.h>
#include <string.h>

#include "pid/bins.h"
#include "pid/rest.h"
#include "pid/synergy.h"
#include "pid/table.h"

#define BITS (1 / 0.69314718055994530942)

MmlProbeOptions mml_probe_defaults(void) {
    return (MmlProbeOptions){.bins = MML_BINS_KMEANS, .k = 20, .pca = 5, .restarts = 4, .normalize = 1,
                             .estimator = MML_ADJUSTED, .solver = mml_pid_defaults()};
}

static Status check(const MmlProbeOptions *options, int modalities, i64 n, const int *width, const i64 *labels, int classes) {
    int fewest = options->mutual_only ? 1 : 2;
    if (modalities < fewest || modalities > MML_PID_SOURCES)
        return mml_fail(MML_EINPUT, "a probe takes %d to %d modalities, not %d", fewest, MML_PID_SOURCES, modalities);
    if (n < 1) return mml_fail(MML_EINPUT, "a probe needs at least one sample");
    if (classes < 1) return mml_fail(MML_EINPUT, "a probe needs at least one class, not %d", classes);
    for (int m = 0; m < modalities; m++)
        if (width[m] < 1) return mml_fail(MML_EINPUT, "modality %d has no features", m);
    for (i64 i = 0; i < n; i++)
        if (labels[i] < 0 || labels[i] >= classes)
            return mml_fail(MML_EINPUT, "probe sample %lld has label %lld; labels lie in 0 … %d",
                            (long long)i, (long long)labels[i], classes - 1);
    return MML_OK;
}

/* Fills table->p with the number of samples of each cell. */
static Status count_cells(const MmlSamples *samples, MmlArena *arena, MmlTable *table, i64 *occupied) {
    *table = (MmlTable){.sources = samples->sources, .labels = samples->labels};
    memcpy(table->bins, samples->bins, sizeof table->bins);
    i64 cells;
    MML_TRY(mml_table_cells(table, &cells));
    double *count = MML_NEW(arena, double, cells);
    if (!count) return MML_ENOMEM;
    *occupied = 0;
    for (i64 i = 0; i < samples->n; i++) {
        i64 cell = 0;
        for (int k = 0; k < samples->sources; k++) cell = cell * samples->bins[k] + samples->bin[k][i];
        cell = cell * samples->labels + samples->label[i];
        *occupied += count[cell]++ == 0;
    }
    table->p = count;
    return MML_OK;
}

static Status decompose(const MmlProbeOptions *options, const MmlSamples *samples, MmlArena *arena, MmlProbeResult *out) {
    MmlTable table;
    MML_TRY(count_cells(samples, arena, &table, &out->occupied));
    MML_TRY(mml_pid_solve(&table, &options->solver, arena, &out->pid));

    MmlSynergy synergy;
    double union_information = out->pid.total - out->pid.synergy;
    MML_TRY(mml_adjusted_synergy(samples, out->pid.total, out->pid.entropy, union_information,
                                 options->seed, options->epoch, arena, &synergy));
    out->synergy_plugin = out->pid.synergy;
    out->synergy_error = synergy.spread;
    out->synergy = options->estimator == MML_ADJUSTED ? synergy.adjusted : out->pid.synergy;
    return MML_OK;
}

/* Whether each modality is decomposed against the rest's clusters. */
static int takes_rest(const MmlSamples *samples) {
    double tuples = 1;
    for (int k = 0; k < samples->sources; k++) tuples *= samples->bins[k];
    return samples->sources >= MML_PROBE_REST || (samples->sources == MML_PROBE_REST - 1 && tuples > MML_PROBE_TUPLES);
}

/* Modality k's table is (k, the rest). What isn't of one modality comes from the
 * table of least union information: the union information of all modalities is
 * at most that, since each of the rest is a function of the rest. */
static Status against_rest(const MmlProbeOptions *options, const MmlSamples *samples, const float *const *features,
                           const int *width, MmlThreads *threads, MmlArena *arena, MmlProbeResult *out) {
    double least = INFINITY, mutual = 0, gap = 0, unique[MML_PID_SOURCES], of[MML_PID_SOURCES];
    i32 *bin = MML_NEW(arena, i32, samples->n);
    if (!bin) return MML_ENOMEM;
    for (int k = 0; k < samples->sources; k++) {
        MmlSamples pair = {.sources = 2, .labels = samples->labels, .bins = {samples->bins[k]}, .bin = {samples->bin[k], bin},
                           .label = samples->label, .n = samples->n};
        MmlProbeResult found = {0};
        MML_TRY(mml_rest_bins(options, samples->sources, k, samples->n, features, width, threads, arena, bin, &pair.bins[1]));
        MML_TRY(decompose(options, &pair, arena, &found));
        unique[k] = found.pid.unique[0];
        of[k] = found.pid.mutual[0];
        mutual += of[k];
        gap = fmax(gap, found.pid.gap);
        double union_information = found.pid.total - found.pid.synergy;
        if (union_information >= least) continue;
        least = union_information;
        out->pid = found.pid;
        out->synergy = found.synergy;
        out->synergy_plugin = found.synergy_plugin;
        out->synergy_error = found.synergy_error;
        out->occupied = found.occupied;
    }
    memcpy(out->pid.unique, unique, sizeof(double) * (size_t)samples->sources);
    memcpy(out->pid.mutual, of, sizeof(double) * (size_t)samples->sources);
    out->pid.redundancy = fmax(0, mutual - least);
    out->pid.gap = gap;
    out->pid.q = out->pid.dual = NULL;
    return MML_OK;
}

/* Without a joint table, so that any number of modalities and bins will do. */
static Status mutual_informations(const MmlSamples *samples, MmlArena *arena, MmlProbeResult *out) {
    double *label = MML_NEW(arena, double, samples->labels);
    if (!label) return MML_ENOMEM;
    for (i64 i = 0; i < samples->n; i++) label[samples->label[i]] += 1 / (double)samples->n;
    out->pid.entropy = BITS * mml_entropy(label, samples->labels);
    for (int k = 0; k < samples->sources; k++) {
        MmlSamples one = {.sources = 1, .labels = samples->labels, .bins = {samples->bins[k]}, .bin = {samples->bin[k]},
                          .label = samples->label, .n = samples->n};
        MML_TRY(mml_sample_information(&one, arena, &out->pid.mutual[k]));
    }
    return mml_sample_information(samples, arena, &out->pid.total);
}

Status mml_probe(const MmlProbeOptions *options, int modalities, i64 n,
                 const float *const *features, const int *width, const i64 *labels, int classes,
                 MmlThreads *threads, MmlArena *arena, MmlProbeResult *out) {
    if (!options || !features || !width || !labels || !arena || !out) return mml_fail(MML_EINPUT, "mml_probe: an argument is NULL");
    if (options->estimator != MML_ADJUSTED && options->estimator != MML_PLUGIN)
        return mml_fail(MML_EINPUT, "there is no estimator number %d", (int)options->estimator);
    double began = mml_pid_clock();
    *out = (MmlProbeResult){.samples = n};
    MML_TRY(check(options, modalities, n, width, labels, classes));
    MmlSamples samples = {.sources = modalities, .labels = classes, .label = labels, .n = n};
    for (int m = 0; m < modalities; m++) {
        i32 *bin = MML_NEW(arena, i32, n);
        if (!bin) return MML_ENOMEM;
        MML_TRY(mml_probe_bins(options, m, features[m], n, width[m], threads, arena, bin, &out->bins[m],
                               options->clusters ? options->clusters[m] : NULL));
        samples.bin[m] = bin;
        samples.bins[m] = out->bins[m];
    }
    MML_TRY(options->mutual_only     ? mutual_informations(&samples, arena, out)
            : takes_rest(&samples) ? against_rest(options, &samples, features, width, threads, arena, out)
                                   : decompose(options, &samples, arena, out));
    out->seconds = mml_pid_clock() - began;
    return MML_OK;
}
