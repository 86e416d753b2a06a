#include "pid/bins.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pid/kmeans.h"
#include "pid/pca.h"

#define LLOYD_ITERATIONS 300
#define CLUSTERS_HEAD 2     /* floats before the projection: how many, spread */

typedef struct {
    const MmlProbeOptions *options;
    int          modality, width;
    const float *features;
    i64          n;
    MmlThreads  *threads;
    MmlArena    *arena;
    i32         *bin;
    int         *bins;
    float       *clusters;
    float       *scale;          /* [n] inverse norms */
} Job;

typedef struct {
    int          width;
    const float *features;
    float       *scale;
    i64         *wrong;          /* [threads] first value that isn't finite, or -1 */
} Norms;

static void norms_of(void *context, i64 begin, i64 end, int thread) {
    Norms *norms = context;
    for (i64 i = begin; i < end; i++) {
        const float *row = norms->features + i * norms->width;
        double square = 0;                       /* finite floats have a finite sum of squares in double */
        for (int c = 0; c < norms->width; c++) square += (double)row[c] * row[c];
        norms->scale[i] = square > 0 ? (float)(1 / sqrt(square)) : 0;
        if (isfinite(square) || norms->wrong[thread] >= 0) continue;
        for (int c = norms->width - 1; c >= 0; c--)
            if (!isfinite(row[c])) norms->wrong[thread] = i * norms->width + c;
    }
}

Status mml_probe_norms(int modality, const float *features, i64 n, int width, MmlThreads *threads, MmlArena *arena, float *scale) {
    Norms norms = {width, features, scale, MML_NEW(arena, i64, mml_threads_count(threads))};
    if (!norms.wrong) return MML_ENOMEM;
    for (int thread = 0; thread < mml_threads_count(threads); thread++) norms.wrong[thread] = -1;
    mml_parallel(threads, n, norms_of, &norms);
    for (int thread = 0; thread < mml_threads_count(threads); thread++) {
        i64 wrong = norms.wrong[thread];
        if (wrong >= 0)
            return mml_fail(MML_ENUMERIC, "modality %d: feature %d of probe sample %lld is %g", modality, (int)(wrong % width),
                            (long long)(wrong / width), (double)features[wrong]);
    }
    return MML_OK;
}

static void scaled_rows(const Job *job, const float *scale, float *out) {
    for (i64 i = 0; i < job->n; i++)
        for (int c = 0; c < job->width; c++)
            out[i * job->width + c] = job->features[i * job->width + c] * (scale ? scale[i] : 1);
}

/* The mean squared distance from the own centre, at least 1e-3 of that from the mean: soft
 * assignments divide by it, and with a cluster for each distinct row it is 0. */
static double spread(const float *rows, i64 n, int columns, double within) {
    double variance = 0;
    for (int c = 0; c < columns; c++) {
        double sum = 0, square = 0;
        for (i64 i = 0; i < n; i++) {
            double value = rows[i * columns + c] - (double)rows[c];
            sum += value;
            square += value * value;
        }
        variance += square / (double)n - sum / (double)n * (sum / (double)n);
    }
    return variance > 0 ? fmax(within, 1e-3 * variance) : 1;
}

static Status kmeans_bins(const Job *job) {
    const MmlProbeOptions *options = job->options;
    if (options->k < 1 || options->restarts < 1 || options->pca < 0)
        return mml_fail(MML_EINPUT, "kmeans needs k >= 1, restarts >= 1 and pca >= 0, not %d, %d and %d",
                        options->k, options->restarts, options->pca);
    const float *scale = options->normalize ? job->scale : NULL;
    int components = options->pca < job->width ? options->pca : job->width;
    int columns = options->pca > 0 ? components : job->width;
    float *rows = MML_NEW(job->arena, float, job->n * columns), *axes = job->clusters ? job->clusters + CLUSTERS_HEAD : NULL;
    if (!rows) return MML_ENOMEM;
    if (options->pca > 0)
        MML_TRY(mml_pca_axes(job->features, scale, job->n, job->width, components, job->threads, job->arena, rows, axes));
    else
        scaled_rows(job, scale, rows);
    MmlRandom random = mml_random(options->seed, MML_STREAM_PROBE, (u64)options->epoch, (u64)job->modality);
    MmlKMeansOptions kmeans = {options->k, options->restarts, LLOYD_ITERATIONS};
    if (!job->clusters)
        return mml_kmeans(rows, job->n, columns, kmeans, &random, job->threads, job->arena, job->bin, NULL, job->bins, NULL);
    float *centres = axes + (options->pca > 0 ? (1 + components) * job->width : 0);
    double inertia = 0;
    memset(centres, 0, sizeof *centres * (size_t)(options->k * columns));
    MML_TRY(mml_kmeans(rows, job->n, columns, kmeans, &random, job->threads, job->arena, job->bin, centres, job->bins, &inertia));
    job->clusters[0] = (float)*job->bins;
    job->clusters[1] = (float)spread(rows, job->n, columns, inertia / (double)job->n);
    return MML_OK;
}

static int ascending(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

int mml_quantile_bins(const float *scores, i64 n, int k, float *sorted, i32 *bin) {
    memcpy(sorted, scores, sizeof(float) * (size_t)n);
    qsort(sorted, (size_t)n, sizeof(float), ascending);
    int edges = 0;                                 /* sorted[0 … edges - 1] become the distinct edges above the least score */
    float least = sorted[0];
    for (int j = 1; j < k; j++) {
        float edge = sorted[n * j / k];            /* rank n j / k >= number of edges: not overwritten before it is read */
        if (edge > least && (edges == 0 || edge > sorted[edges - 1])) sorted[edges++] = edge;
    }
    for (i64 i = 0; i < n; i++) {
        int low = 0, high = edges;                 /* number of edges <= score */
        while (low < high) {
            int middle = (low + high) / 2;
            if (sorted[middle] <= scores[i]) low = middle + 1;
            else high = middle;
        }
        bin[i] = low;
    }
    return edges + 1;
}

static Status quantile_bins(const Job *job) {
    if (job->options->k < 1) return mml_fail(MML_EINPUT, "quantile needs k >= 1, not %d", job->options->k);
    float *scores = MML_NEW(job->arena, float, job->n), *sorted = MML_NEW(job->arena, float, job->n);
    if (!scores || !sorted) return MML_ENOMEM;
    MML_TRY(mml_pca(job->features, NULL, job->n, job->width, 1, job->threads, job->arena, scores));
    *job->bins = mml_quantile_bins(scores, job->n, job->options->k, sorted, job->bin);
    return MML_OK;
}

static Status argmax_bins(const Job *job) {
    for (i64 i = 0; i < job->n; i++) {
        const float *logits = job->features + i * job->width;
        int best = 0;
        for (int c = 1; c < job->width; c++) best = logits[c] > logits[best] ? c : best;
        job->bin[i] = best;
    }
    *job->bins = job->width;
    return MML_OK;
}

static Status (*const METHODS[])(const Job *) = {
    [MML_BINS_KMEANS] = kmeans_bins, [MML_BINS_QUANTILE] = quantile_bins, [MML_BINS_ARGMAX] = argmax_bins,
};

Status mml_probe_bins(const MmlProbeOptions *options, int modality, const float *features, i64 n, int width,
                      MmlThreads *threads, MmlArena *arena, i32 *bin, int *bins, float *clusters) {
    if ((size_t)options->bins >= sizeof METHODS / sizeof *METHODS) return mml_fail(MML_EINPUT, "there are no bins number %d", (int)options->bins);
    MmlArenaMark mark = mml_arena_mark(arena);
    Job job = {options, modality, width, features, n, threads, arena, bin, bins, clusters, MML_NEW(arena, float, n)};
    Status status = job.scale ? mml_probe_norms(modality, features, n, width, threads, arena, job.scale) : MML_ENOMEM;
    if (status == MML_OK) status = METHODS[options->bins](&job);
    mml_arena_release(arena, mark);
    return status;
}

i64 mml_clusters_floats(i64 width, i64 components, i64 bins) {
    return CLUSTERS_HEAD + (components ? (1 + components) * width : 0) + bins * (components ? components : width);
}

Status mml_clusters_fit(const MmlProbeOptions *options, int modality, const float *features, i64 n, int width,
                        MmlThreads *threads, MmlArena *arena, float *clusters) {
    if (options->bins != MML_BINS_KMEANS || n < 1 || width < 1)
        return mml_fail(MML_EINPUT, "clusters are fitted by kmeans to at least one sample of at least one feature");
    MmlArenaMark mark = mml_arena_mark(arena);
    i32 *bin = MML_NEW(arena, i32, n);
    int bins;
    Status status = bin ? mml_probe_bins(options, modality, features, n, width, threads, arena, bin, &bins, clusters) : MML_ENOMEM;
    mml_arena_release(arena, mark);
    return status;
}
