#include "pid/rest.h"

#include <math.h>

#include "pid/bins.h"

static double norm(const float *row, int width) {
    double square = 0;
    for (int c = 0; c < width; c++) square += (double)row[c] * row[c];
    return sqrt(square);
}

typedef struct {
    const float *const *features;
    const int *width;
    int        modalities, without;
    i64        n;
} Rest;

static void join(const Rest *r, int normalize, int joined, float *out) {
    for (i64 i = 0; i < r->n; i++)
        for (int m = 0, at = 0; m < r->modalities; m++) {
            if (m == r->without) continue;
            const float *row = r->features[m] + i * r->width[m];
            double length = normalize ? norm(row, r->width[m]) : 1, scale = length > 0 ? 1 / length : 0;
            for (int c = 0; c < r->width[m]; c++) out[i * joined + at + c] = (float)(scale * row[c]);
            at += r->width[m];
        }
}

static void add(const Rest *r, int classes, float *out) {
    for (int m = 0; m < r->modalities; m++)
        for (i64 c = 0; m != r->without && c < r->n * classes; c++) out[c] += r->features[m][c];
}

static Status bins_of(const MmlProbeOptions *options, const Rest *r, MmlThreads *threads, MmlArena *arena, i32 *bin, int *bins) {
    int votes = options->bins == MML_BINS_ARGMAX, joined = 0;
    for (int m = 0; m < r->modalities; m++) {
        if (votes && r->width[m] != r->width[0])
            return mml_fail(MML_EINPUT, "modality %d has %d classes and modality 0 has %d; argmax needs the same", m, r->width[m], r->width[0]);
        if (m != r->without) joined = votes ? r->width[m] : joined + r->width[m];
    }
    float *rows = MML_NEW(arena, float, r->n * joined);
    if (!rows) return MML_ENOMEM;
    if (votes) add(r, joined, rows);
    else join(r, options->normalize, joined, rows);
    /* Numbered past the modalities, for a random stream of its own. */
    return mml_probe_bins(options, r->modalities + r->without, rows, r->n, joined, threads, arena, bin, bins, NULL);
}

Status mml_rest_bins(const MmlProbeOptions *options, int modalities, int without, i64 n, const float *const *features,
                     const int *width, MmlThreads *threads, MmlArena *arena, i32 *bin, int *bins) {
    MmlArenaMark mark = mml_arena_mark(arena);
    Rest rest = {features, width, modalities, without, n};
    Status status = bins_of(options, &rest, threads, arena, bin, bins);
    mml_arena_release(arena, mark);
    return status;
}
