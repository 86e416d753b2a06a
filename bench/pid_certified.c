/* The certified decomposition: see bench/pid_certified. */
#include <immintrin.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mml/pid.h"
#include "mml/random.h"

extern void openblas_set_num_threads(int count);

#define REPEATS      7
#define MOST_SECONDS 5       /* of repeats */

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---- Peak: twelve independent chains of fused multiply-adds ---- */

#define START(c)    _mm256_set1_pd(c)
#define CHAIN(c)    sum##c = _mm256_fmadd_pd(sum##c, factor, term)
#define EACH_CHAIN  CHAIN(0); CHAIN(1); CHAIN(2); CHAIN(3); CHAIN(4); CHAIN(5); \
                    CHAIN(6); CHAIN(7); CHAIN(8); CHAIN(9); CHAIN(10); CHAIN(11)

__attribute__((target("avx2,fma"))) static double fma_peak(void) {
    double best = 0;
    for (int repeat = 0; repeat < REPEATS; repeat++) {
        __m256d factor = _mm256_set1_pd(0.999), term = _mm256_set1_pd(1e-3);
        __m256d sum0 = START(0), sum1 = START(1), sum2 = START(2), sum3 = START(3), sum4 = START(4), sum5 = START(5);
        __m256d sum6 = START(6), sum7 = START(7), sum8 = START(8), sum9 = START(9), sum10 = START(10), sum11 = START(11);
        const i64 rounds = 4000000;
        double began = seconds();
        for (i64 r = 0; r < rounds; r++) { EACH_CHAIN; }
        double rate = (double)rounds * 12 * 8 / (seconds() - began) / 1e9;
        __m256d all = sum0 + sum1 + sum2 + sum3 + sum4 + sum5 + sum6 + sum7 + sum8 + sum9 + sum10 + sum11;
        volatile double keep = all[0];
        (void)keep;
        if (rate > best) best = rate;
    }
    return best;
}

/* ---- Tables ---- */

static double exponential(MmlRandom *random) { return -log(1 - mml_random_uniform(random)); }

/* Weights of the flat Dirichlet distribution. */
static void fill_dense(MmlRandom *random, const MmlTable *table, i64 cells, double *p) {
    (void)table;
    for (i64 c = 0; c < cells; c++) p[c] = exponential(random);
}

static int draw(MmlRandom *random, const double *weight, int count) {
    double total = 0, sum = 0;
    for (int c = 0; c < count; c++) total += weight[c];
    double at = mml_random_uniform(random) * total;
    for (int c = 0; c < count; c++)
        if (at < (sum += weight[c])) return c;
    return count - 1;
}

/* Counts of 6,698 samples whose bins depend on the label and one of three hidden classes. */
static void fill_counts(MmlRandom *random, const MmlTable *table, i64 cells, double *p) {
    const int classes = 3, samples = 6698;
    int pairs = table->labels * classes;
    double *of[MML_PID_SOURCES];
    for (int k = 0; k < table->sources; k++) {
        of[k] = malloc(sizeof(double) * (size_t)(pairs * table->bins[k]));
        for (int c = 0; c < pairs * table->bins[k]; c++) of[k][c] = pow(exponential(random), 3);
    }
    memset(p, 0, sizeof(double) * (size_t)cells);
    for (int i = 0; i < samples; i++) {
        int y = (int)mml_random_below(random, (u64)table->labels), pair = y * classes + (int)mml_random_below(random, (u64)classes);
        i64 cell = 0;
        for (int k = 0; k < table->sources; k++)
            cell = cell * table->bins[k] + draw(random, of[k] + (i64)pair * table->bins[k], table->bins[k]);
        p[cell * table->labels + y]++;
    }
    for (int k = 0; k < table->sources; k++) free(of[k]);
}

/* A fifth of the cells, over twelve decades. */
static void fill_sparse(MmlRandom *random, const MmlTable *table, i64 cells, double *p) {
    (void)table;
    for (i64 c = 0; c < cells; c++) p[c] = mml_random_uniform(random) < 0.2 ? pow(10, -12 * mml_random_uniform(random)) : 0;
    p[0] = 1;
}

typedef struct { const char *name; void (*fill)(MmlRandom *, const MmlTable *, i64, double *); } Kind;
static const Kind KINDS[] = {{"dense", fill_dense}, {"counts", fill_counts}, {"sparse", fill_sparse}};
enum { DENSE, COUNTS, SPARSE, KIND_COUNT };

typedef struct { int sources, bins[4], labels; double target; } Size;          /* target: ms at 40 GFLOP/s */

static MmlTable make(const Size *size, int kind, u64 seed) {
    MmlTable table = {.sources = size->sources, .labels = size->labels};
    i64 cells = size->labels;
    for (int k = 0; k < size->sources; k++) cells *= table.bins[k] = size->bins[k];
    double *p = malloc(sizeof(double) * (size_t)cells);
    MmlRandom random = mml_random(seed, MML_STREAM_RULE, 0, 0);
    KINDS[kind].fill(&random, &table, cells, p);
    table.p = p;
    return table;
}

/* Least seconds of the repeats; a negative number when the solver fails. */
static double least_seconds(const MmlTable *table, MmlPid *last) {
    double best = INFINITY, whole = 0;
    MmlArena *arena = mml_arena_new();
    for (int repeat = 0; repeat < REPEATS && whole < MOST_SECONDS; repeat++) {
        MmlArenaMark mark = mml_arena_mark(arena);
        double began = seconds();
        if (mml_pid_solve(table, NULL, arena, last) != MML_OK) {
            fprintf(stderr, "%s\n", mml_message());
            best = -1;
            break;
        }
        double took = seconds() - began;
        whole += took;
        best = fmin(best, took);
        mml_arena_release(arena, mark);
    }
    mml_arena_free(arena);
    return best;
}

static void print_size(const Size *size) {
    char text[64];
    int used = 0;
    for (int k = 0; k < size->sources; k++) used += snprintf(text + used, sizeof text - (size_t)used, "%dx", size->bins[k]);
    snprintf(text + used, sizeof text - (size_t)used, "%d", size->labels);
    printf("%14s", text);
}

static const Size TIMED[] = {
    {2, {2, 2}, 2, 0.1}, {2, {8, 8}, 4, 1}, {2, {20, 20}, 6, 10}, {2, {32, 32}, 8, 60},
    {2, {20, 20}, 28, 150}, {2, {20, 20}, 101, 600}, {3, {20, 20, 20}, 6, 2000}, {4, {10, 10, 10, 10}, 6, NAN},
};
#define TIMED_COUNT ((int)(sizeof TIMED / sizeof *TIMED))

static void times(double peak) {
    printf("%14s %8s %10s %12s %10s %6s %10s\n", "size", "table", "ms", "at 40 GFLOP/s", "target", "steps", "gap [bit]");
    for (int c = 0; c < TIMED_COUNT; c++)
        for (int kind = DENSE; kind <= COUNTS; kind++) {
            MmlTable table = make(&TIMED[c], kind, 1);
            MmlPid pid;
            double best = 1e3 * least_seconds(&table, &pid);
            print_size(&TIMED[c]);
            printf(" %8s %10.3f %13.3f %10g %6d %10.1e\n", KINDS[kind].name, best, best * peak / 40, TIMED[c].target,
                   pid.iterations, pid.gap);
            fflush(stdout);
            free((void *)table.p);
        }
}

/* Random sizes of up to 12 bins a source and 8 labels. */
static int certificates(int tables) {
    int failures = 0, steps = 0;
    double gap = 0, marginals = 0, rules = 0;
    MmlArena *arena = mml_arena_new();
    for (int i = 0; i < tables; i++) {
        MmlRandom random = mml_random(2, MML_STREAM_RULE, (u64)i, 0);
        Size size = {.sources = 2, .bins = {1 + (int)mml_random_below(&random, 12), 1 + (int)mml_random_below(&random, 12)},
                     .labels = 1 + (int)mml_random_below(&random, 8)};
        MmlTable table = make(&size, i % KIND_COUNT, (u64)i + 3);
        MmlArenaMark mark = mml_arena_mark(arena);
        MmlPid pid;
        if (mml_pid_solve(&table, NULL, arena, &pid) == MML_OK) {
            if (pid.iterations > steps) steps = pid.iterations;
            gap = fmax(gap, pid.gap);
            marginals = fmax(marginals, pid.residual);
            for (int k = 0; k < 2; k++) rules = fmax(rules, fabs(pid.redundancy + pid.unique[k] - pid.mutual[k]));
            rules = fmax(rules, fabs(pid.redundancy + pid.unique[0] + pid.unique[1] + pid.synergy - pid.total));
        } else {
            failures++;
            fprintf(stderr, "table %d: %s\n", i, mml_message());
        }
        mml_arena_release(arena, mark);
        free((void *)table.p);
    }
    mml_arena_free(arena);
    printf("%d tables: %d failures, gap at most %.1e bit, marginals %.1e, sum rules %.1e, %d steps\n",
           tables, failures, gap, marginals, rules, steps);
    return failures > 0;
}

int main(int count, char **arguments) {
    openblas_set_num_threads(1);
    if (count > 1 && strcmp(arguments[1], "--tables") == 0) return certificates(count > 2 ? atoi(arguments[2]) : 1000);
    double peak = fma_peak();
    printf("one thread; fused multiply-adds: %.1f GFLOP/s\n", peak);
    times(peak);
    return certificates(1000);
}
