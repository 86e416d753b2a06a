/* Milliseconds of a probe and of its parts: both modalities normalised, principal components, k-means,
 * table, decomposition, adjusted synergy. 20 x 20 x 6 bins, 6,698 samples, 64 features by default.
 *   bench_probe [SAMPLES [FEATURES [BINS [CLASSES [THREADS]]]]]
 * Features: class and hidden state move a point in 8 dimensions, turned into FEATURES by a random
 * matrix, plus noise and a rectifier, like those of a trained encoder. Least and median of 15. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "mml/pid.h"
#include "mml/random.h"
#include "pid/bins.h"
#include "pid/kmeans.h"
#include "pid/pca.h"
#include "pid/synergy.h"
#include "pid/table.h"

#define REPEATS 15
#define HIDDEN  8

typedef struct {
    int    n, width, bins, classes, threads;
    float *features[2];
    i64   *labels;
} Setting;

static void *need(void *memory) {
    if (memory) return memory;
    fprintf(stderr, "bench_probe: out of memory\n");
    exit(3);
}

static void sure(Status status) {
    if (status == MML_OK) return;
    fprintf(stderr, "bench_probe: %s\n", mml_message());
    exit(1);
}

static Setting setting_new(int argc, char **argv, MmlArena *arena) {
    int given[5] = {6698, 64, 20, 6, mml_threads_available() < 2 ? 1 : 2};
    for (int a = 1; a < argc && a <= 5; a++) given[a - 1] = atoi(argv[a]);
    Setting s = {.n = given[0], .width = given[1], .bins = given[2], .classes = given[3], .threads = given[4]};
    for (int g = 0; g < 5; g++)
        if (given[g] < 1) {
            fprintf(stderr, "bench_probe: arguments are positive numbers\n");
            exit(2);
        }
    s.labels = need(MML_NEW(arena, i64, s.n));
    MmlRandom random = mml_random(1, MML_STREAM_RULE, 0, 0);
    for (int i = 0; i < s.n; i++) s.labels[i] = (i64)mml_random_below(&random, (u64)s.classes);
    for (int m = 0; m < 2; m++) {
        s.features[m] = need(MML_NEW(arena, float, (i64)s.n * s.width));
        double *matrix = need(MML_NEW(arena, double, HIDDEN * s.width)), *centre = need(MML_NEW(arena, double, s.classes * 4 * HIDDEN));
        for (int c = 0; c < HIDDEN * s.width; c++) matrix[c] = mml_random_normal(&random) / sqrt(HIDDEN);
        for (int c = 0; c < s.classes * 4 * HIDDEN; c++) centre[c] = 1.5 * mml_random_normal(&random);
        for (int i = 0; i < s.n; i++) {
            double point[HIDDEN];
            i64 state = s.labels[i] * 4 + (i64)mml_random_below(&random, 4);
            for (int h = 0; h < HIDDEN; h++) point[h] = centre[state * HIDDEN + h] + mml_random_normal(&random);
            for (int c = 0; c < s.width; c++) {
                double value = 0.5 + 0.3 * mml_random_normal(&random);
                for (int h = 0; h < HIDDEN; h++) value += point[h] * matrix[h * s.width + c];
                s.features[m][(i64)i * s.width + c] = (float)fmax(0, value);
            }
        }
    }
    return s;
}

typedef enum { NORMS, COMPONENTS, CLUSTERS, TABLE, DECOMPOSITION, SYNERGY, WHOLE, PARTS } Part;
static const char *const NAMES[] = {"check and normalise", "principal components", "k-means (4 restarts)", "table", "PID (newton)",
                                    "adjusted S", "whole probe"};

static double ended(double *since) {
    double now = mml_pid_clock(), seconds = now - *since;
    *since = now;
    return seconds;
}

/* The parts as mml_probe does them, one after the other. */
static void parts(const Setting *s, const MmlProbeOptions *options, MmlThreads *threads, MmlArena *arena, double *seconds) {
    MmlSamples samples = {.sources = 2, .labels = s->classes, .label = s->labels, .n = s->n};
    double since = mml_pid_clock();
    for (int m = 0; m < 2; m++) {
        float *scale = need(MML_NEW(arena, float, s->n)), *scores = need(MML_NEW(arena, float, (i64)s->n * options->pca));
        i32 *bin = need(MML_NEW(arena, i32, s->n));
        ended(&since);
        sure(mml_probe_norms(m, s->features[m], s->n, s->width, threads, arena, scale));
        seconds[NORMS] += ended(&since);
        sure(mml_pca(s->features[m], scale, s->n, s->width, options->pca, threads, arena, scores));
        seconds[COMPONENTS] += ended(&since);
        MmlRandom random = mml_random(0, MML_STREAM_PROBE, 0, (u64)m);
        MmlKMeansOptions kmeans = {s->bins, options->restarts, 300};
        sure(mml_kmeans(scores, s->n, options->pca, kmeans, &random, threads, arena, bin, NULL, &samples.bins[m], NULL));
        seconds[CLUSTERS] += ended(&since);
        samples.bin[m] = bin;
    }
    double *count = need(MML_NEW(arena, double, (i64)samples.bins[0] * samples.bins[1] * s->classes));
    for (i64 i = 0; i < s->n; i++) count[((i64)samples.bin[0][i] * samples.bins[1] + samples.bin[1][i]) * s->classes + s->labels[i]]++;
    MmlTable table = {.sources = 2, .bins = {samples.bins[0], samples.bins[1]}, .labels = s->classes, .p = count};
    seconds[TABLE] = ended(&since);
    MmlPid pid;
    sure(mml_pid_solve(&table, &options->solver, arena, &pid));
    seconds[DECOMPOSITION] = ended(&since);
    MmlSynergy synergy;
    sure(mml_adjusted_synergy(&samples, pid.total, pid.entropy, pid.total - pid.synergy, 0, 0, arena, &synergy));
    seconds[SYNERGY] = ended(&since);
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv) {
    MmlArena *arena = need(mml_arena_new());
    Setting s = setting_new(argc, argv, arena);
    MmlThreads *threads;
    sure(mml_threads_new(s.threads, &threads));
    MmlProbeOptions options = mml_probe_defaults();
    options.k = s.bins;
    MmlProbeResult result;
    double seconds[PARTS][REPEATS];
    for (int r = 0; r < REPEATS; r++) {
        double now[PARTS] = {0};
        MmlArenaMark mark = mml_arena_mark(arena);
        parts(&s, &options, threads, arena, now);
        double since = mml_pid_clock();
        sure(mml_probe(&options, 2, s.n, (const float *const *)s.features, (int[]){s.width, s.width}, s.labels, s.classes, threads,
                       arena, &result));
        now[WHOLE] = ended(&since);
        for (int p = 0; p < PARTS; p++) seconds[p][r] = now[p];
        mml_arena_release(arena, mark);
    }
    printf("%d samples, %d features a modality, %d bins (%d and %d occupied), %d classes, %d threads\n", s.n, s.width, s.bins,
           result.bins[0], result.bins[1], s.classes, s.threads);
    printf("S %.3f bit adjusted, %.3f plug-in, gap %.1e, %d iterations\n", result.synergy, result.synergy_plugin, result.pid.gap,
           result.pid.iterations);
    printf("%-24s %9s %9s\n", "ms", "least", "median");
    for (int p = 0; p < PARTS; p++) {
        qsort(seconds[p], REPEATS, sizeof(double), ascending);
        printf("%-24s %9.2f %9.2f\n", NAMES[p], 1e3 * seconds[p][0], 1e3 * seconds[p][REPEATS / 2]);
    }
    mml_threads_free(threads);
    mml_arena_free(arena);
    return 0;
}
