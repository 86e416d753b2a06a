/* Bias and root mean square error of estimators of the decomposition on
 * samples of known populations (pid.md 5), 20 x 20 bins and 6 labels.
 *
 *   cmake --build BUILD --target pid_estimators && BUILD/pid_estimators [TABLES]
 *   BUILD/pid_estimators --coverage [TABLES]     of the 95 % intervals
 *
 * Populations: X1 and X2 are independent, with weights 0.5 + uniform(0, 1).
 *   independent   P(y) of the same kind, independent of both: all atoms are 0
 *   sum           P(y|x1,x2) ~ exp(0.7 (f1[x1][y] + f2[x2][y]) + g [y = (x1 + x2) mod 6])
 *                 with normal f1, f2: unique, redundant and synergistic information
 *   table         P(y|x1,x2) ~ exp(g [y = h[x1][x2]]) with a random table h: synergy
 *                 that no pair of bins shares with another
 * g is found by bisection, so that the certified synergy of the population is
 * 0.31 or 0.59 bit. n = 1280 samples with 300 tables, n = 500 and 6698 with 100.
 * Figures don't depend on the number of threads. Needs nothing else; takes some
 * minutes of processor time in all.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mml/pid.h"
#include "mml/random.h"
#include "pid/resample.h"

enum { BINS = 20, LABELS = 6, TUPLES = BINS * BINS, CELLS = TUPLES * LABELS };

/* ---- Populations ---- */

typedef struct { const char *name; double truth; double p[CELLS], cumulative[CELLS]; MmlPid pid; } Population;
typedef enum { INDEPENDENT, SUM, TABLE } Kind;

static MmlTable table_of(const double *p) {
    return (MmlTable){.sources = 2, .bins = {BINS, BINS}, .labels = LABELS, .p = p};
}

static void check(Status status) {
    if (status == MML_OK) return;
    fprintf(stderr, "pid_estimators: %s\n", mml_message());
    exit(1);
}

static void fill(Kind kind, double g, double *p) {
    MmlRandom random = mml_random(20, MML_STREAM_RULE, kind, 0);
    double weight[2][BINS], normal[2][BINS][LABELS], label[LABELS];
    for (int k = 0; k < 2; k++)
        for (int x = 0; x < BINS; x++) {
            weight[k][x] = 0.5 + mml_random_uniform(&random);
            for (int y = 0; y < LABELS; y++) normal[k][x][y] = mml_random_normal(&random);
        }
    for (int y = 0; y < LABELS; y++) label[y] = 0.5 + mml_random_uniform(&random);
    for (int t = 0; t < TUPLES; t++) {
        int x1 = t / BINS, x2 = t % BINS, favoured = kind == SUM ? (x1 + x2) % LABELS : (int)mml_random_below(&random, LABELS);
        double sum = 0, *row = p + t * LABELS;
        for (int y = 0; y < LABELS; y++) {
            row[y] = kind == INDEPENDENT ? label[y]
                                         : exp((kind == SUM ? 0.7 * (normal[0][x1][y] + normal[1][x2][y]) : 0) + g * (y == favoured));
            sum += row[y];
        }
        for (int y = 0; y < LABELS; y++) row[y] *= weight[0][x1] * weight[1][x2] / sum;
    }
}

static void populate(Population *population, Kind kind, MmlArena *arena) {
    MmlTable table = table_of(population->p);
    double low = 0, high = 12;
    for (int step = 0; step < 40; step++) {
        double g = (low + high) / 2;
        fill(kind, g, population->p);
        check(mml_pid_solve(&table, NULL, arena, &population->pid));
        if (kind == INDEPENDENT) break;
        if (population->pid.synergy < population->truth) low = g;
        else high = g;
    }
    double sum = 0;
    for (int c = 0; c < CELLS; c++) population->cumulative[c] = sum += population->p[c];
}

/* ---- Samples ---- */

static void draw(const Population *population, MmlRandom *random, int n, int *cell) {
    for (int i = 0; i < n; i++) {
        double u = mml_random_uniform(random) * population->cumulative[CELLS - 1];
        int low = 0, high = CELLS - 1;
        while (low < high) {
            int middle = (low + high) / 2;
            if (population->cumulative[middle] > u) high = middle;
            else low = middle + 1;
        }
        cell[i] = low;
    }
}

static void count(const int *cell, int n, double *out) {
    memset(out, 0, sizeof(double) * CELLS);
    for (int i = 0; i < n; i++) out[cell[i]]++;
}

/* ---- Estimators ---- */

enum { PLUGIN, PERMUTED, SHUFFLED, ADJUSTED, CHAO_SHEN, MILLER_MADOW, DIRICHLET, SYNERGIES };
enum { R_PLUGIN = SYNERGIES, U1_PLUGIN, U2_PLUGIN, R_HALVED, U1_HALVED, U2_HALVED, ESTIMATORS };

static const char *const NAME[ESTIMATORS] = {
    "plug-in", "permuting Y", "shuffle within Y", "adjusted", "Chao-Shen", "Miller-Madow", "Dirichlet +0.1",
    "R  plug-in", "U1 plug-in", "U2 plug-in", "R  halved", "U1 halved", "U2 halved",
};

typedef double Entropy(const double *count, int size, double n);

/* Chao and Shen 2003: Horvitz-Thompson with the coverage 1 - singletons / n. */
static double chao_shen(const double *counts, int size, double n) {
    double singletons = 0, bits = 0;
    for (int c = 0; c < size; c++) singletons += counts[c] == 1;
    double coverage = 1 - (singletons < n ? singletons : n - 1) / n;
    for (int c = 0; c < size; c++) {
        if (counts[c] == 0) continue;
        double p = coverage * counts[c] / n;
        bits -= p * log2(p) / (1 - pow(1 - p, n));
    }
    return bits;
}

static double miller_madow(const double *counts, int size, double n) {
    double bits = 0, occupied = 0;
    for (int c = 0; c < size; c++) {
        if (counts[c] == 0) continue;
        bits -= counts[c] / n * log2(counts[c] / n);
        occupied++;
    }
    return bits + (occupied - 1) / (2 * n * log(2));
}

/* I(X1,X2;Y) from entropies of one kind. */
static double total_by(Entropy *entropy, const double *cells, double n) {
    double tuples[TUPLES] = {0}, labels[LABELS] = {0};
    for (int c = 0; c < CELLS; c++) {
        tuples[c / LABELS] += cells[c];
        labels[c % LABELS] += cells[c];
    }
    return entropy(tuples, TUPLES, n) + entropy(labels, LABELS, n) - entropy(cells, CELLS, n);
}

/* I(X1,X2;Y) of p(y) p(x1|y) p(x2|y). */
static double independent_total(const double *cells, double n) {
    double pair[2][BINS][LABELS] = {{{0}}}, label[LABELS] = {0}, bits = 0;
    for (int c = 0; c < CELLS; c++) {
        pair[0][c / LABELS / BINS][c % LABELS] += cells[c] / n;
        pair[1][c / LABELS % BINS][c % LABELS] += cells[c] / n;
        label[c % LABELS] += cells[c] / n;
    }
    for (int y = 0; y < LABELS; y++)
        if (label[y] > 0) bits -= label[y] * log2(label[y]);
    for (int t = 0; t < TUPLES; t++) {
        double p[LABELS], mass = 0;
        for (int y = 0; y < LABELS; y++) mass += p[y] = label[y] > 0 ? pair[0][t / BINS][y] * pair[1][t % BINS][y] / label[y] : 0;
        for (int y = 0; y < LABELS; y++)
            if (p[y] > 0) bits += p[y] * log2(p[y] / mass);
    }
    return bits;
}

static double synergy_of(const double *cells, MmlArena *arena) {
    MmlTable table = table_of(cells);
    MmlPid pid;
    check(mml_pid_solve(&table, NULL, arena, &pid));
    return pid.synergy;
}

#define PERMUTATIONS 2        /* each is a solve; their noise is small beside the samples' */

/* Mean plug-in synergy with labels permuted among all samples. Permutes cell. */
static double permuted_synergy(int *cell, int n, MmlRandom *random, MmlArena *arena) {
    static _Thread_local double cells[CELLS];
    double mean = 0;
    for (int s = 0; s < PERMUTATIONS; s++) {
        for (int i = n - 1; i > 0; i--) {
            int j = (int)mml_random_below(random, (u64)i + 1), y = cell[i] % LABELS;
            cell[i] += cell[j] % LABELS - y;
            cell[j] += y - cell[j] % LABELS;
        }
        count(cell, n, cells);
        mean += synergy_of(cells, arena) / PERMUTATIONS;
    }
    return mean;
}

#define SHUFFLES 10

static void estimate(int *cell, int n, u64 seed, MmlArena *arena, double out[ESTIMATORS]) {
    double *cells = MML_NEW(arena, double, CELLS), *smoothed = MML_NEW(arena, double, CELLS);
    MmlTable table = table_of(cells);
    MmlPid pid;
    MmlPidNull null;
    MmlPidHalved halved;
    count(cell, n, cells);
    for (int c = 0; c < CELLS; c++) smoothed[c] = cells[c] + 0.1;
    check(mml_pid_solve(&table, NULL, arena, &pid));
    check(mml_pid_null(&table, &pid, SHUFFLES, seed, NULL, arena, &null));
    check(mml_pid_halved(&table, &pid, NULL, seed, arena, &halved));
    MmlRandom random = mml_random(seed, MML_STREAM_RULE, 2, (u64)n);
    double union_information = pid.total - pid.synergy, base = independent_total(cells, n) - union_information;
    out[PLUGIN] = pid.synergy;
    out[SHUFFLED] = pid.synergy - (null.mean - base);
    out[ADJUSTED] = null.synergy;
    out[CHAO_SHEN] = total_by(chao_shen, cells, n) - union_information;
    out[MILLER_MADOW] = total_by(miller_madow, cells, n) - union_information;
    out[DIRICHLET] = synergy_of(smoothed, arena);
    out[PERMUTED] = pid.synergy - permuted_synergy(cell, n, &random, arena);
    out[R_PLUGIN] = pid.redundancy;
    out[U1_PLUGIN] = pid.unique[0];
    out[U2_PLUGIN] = pid.unique[1];
    out[R_HALVED] = halved.redundancy;
    out[U1_HALVED] = halved.unique[0];
    out[U2_HALVED] = halved.unique[1];
}

/* ---- The table ---- */

typedef struct {
    const Population *population;
    int        n;
    MmlArena **arena;                         /* of each thread */
    double   (*value)[ESTIMATORS];            /* [tables]       */
} Run;

static void estimate_tables(void *context, i64 begin, i64 end, int thread) {
    Run *run = context;
    for (i64 t = begin; t < end; t++) {
        MmlArenaMark mark = mml_arena_mark(run->arena[thread]);
        int *cell = MML_NEW(run->arena[thread], int, run->n);
        MmlRandom random = mml_random((u64)t, MML_STREAM_RULE, 1, (u64)run->n);
        draw(run->population, &random, run->n, cell);
        estimate(cell, run->n, (u64)t, run->arena[thread], run->value[t]);
        mml_arena_release(run->arena[thread], mark);
    }
}

static double truth_of(const MmlPid *pid, int estimator) {
    if (estimator < SYNERGIES) return pid->synergy;
    int atom = (estimator - R_PLUGIN) % 3;
    return atom == 0 ? pid->redundancy : pid->unique[atom - 1];
}

static const struct { int n, share; } SIZES[] = {{500, 3}, {1280, 1}, {6698, 3}};      /* share: of the tables, 1 in so many */
enum { SIZE_COUNT = 3, POPULATIONS = 5 };

static void print_estimators(const Population *populations, int most, MmlThreads *threads, MmlArena **arenas, MmlArena *arena) {
    Run run = {.arena = arenas, .value = mml_arena_alloc(arena, sizeof *run.value * (size_t)most)};
    if (!run.value) check(MML_ENOMEM);
    for (int s = 0; s < SIZE_COUNT; s++) {
        static double bias[POPULATIONS][ESTIMATORS], square[POPULATIONS][ESTIMATORS];
        memset(bias, 0, sizeof bias);
        memset(square, 0, sizeof square);
        int tables = (most + SIZES[s].share - 1) / SIZES[s].share;
        for (int p = 0; p < POPULATIONS; p++) {
            run.population = &populations[p];
            run.n = SIZES[s].n;
            mml_parallel(threads, tables, estimate_tables, &run);
            for (int t = 0; t < tables; t++)
                for (int e = 0; e < ESTIMATORS; e++) {
                    double error = run.value[t][e] - truth_of(&populations[p].pid, e);
                    bias[p][e] += error / tables;
                    square[p][e] += error * error / tables;
                }
        }
        printf("\nn = %-5d %4d tables", SIZES[s].n, tables);
        for (int p = 0; p < POPULATIONS; p++) printf("  %10s %.2f", populations[p].name, populations[p].truth);
        printf("\n%-21s", "");
        for (int p = 0; p < POPULATIONS; p++) printf("  %15s", "bias    rmse");
        printf("\n");
        for (int e = 0; e < ESTIMATORS; e++) {
            printf("%-21s", NAME[e]);
            for (int p = 0; p < POPULATIONS; p++) printf("  %+7.3f %7.3f", bias[p][e], sqrt(square[p][e]));
            printf("\n");
        }
        fflush(stdout);
    }
}

/* ---- Intervals ---- */

enum { COVERED_R, COVERED_U1, COVERED_U2, COVERED_S, COVERED_REPEATED, COVERED };
enum { RESAMPLES = 50 };

typedef struct { const Population *population; int n; MmlArena **arena; int (*covered)[COVERED]; double (*width)[COVERED]; } Coverage;

static double adjusted_of(const double *cells, u64 seed, MmlArena *arena) {
    MmlTable table = table_of(cells);
    MmlPid pid;
    MmlPidNull null;
    check(mml_pid_solve(&table, NULL, arena, &pid));
    check(mml_pid_null(&table, &pid, SHUFFLES, seed, NULL, arena, &null));
    return null.synergy;
}

/* The rejected interval: adjusted synergy with 1.96 standard deviations of samples drawn with replacement. */
static MmlInterval with_replacement(const MmlTable *table, double estimate_of_all, u64 seed, MmlArena *arena) {
    double sum = 0, square = 0, *cells = MML_NEW(arena, double, CELLS);
    MmlCounts counts;
    check(mml_counts_new(table, arena, &counts));
    for (int b = 0; b < RESAMPLES; b++) {
        MmlRandom random = mml_random(seed, MML_STREAM_BOOTSTRAP, 1, (u64)b);
        mml_resample(&counts, &random, cells);
        MmlArenaMark mark = mml_arena_mark(arena);
        double value = adjusted_of(cells, (u64)b, arena);
        mml_arena_release(arena, mark);
        sum += value;
        square += value * value;
    }
    double reach = 1.96 * sqrt(fmax(0, square - sum * sum / RESAMPLES) / (RESAMPLES - 1));
    return (MmlInterval){estimate_of_all - reach, estimate_of_all + reach};
}

static void cover_tables(void *context, i64 begin, i64 end, int thread) {
    Coverage *run = context;
    MmlArena *arena = run->arena[thread];
    for (i64 t = begin; t < end; t++) {
        MmlArenaMark mark = mml_arena_mark(arena);
        double *cells = MML_NEW(arena, double, CELLS);
        int *cell = MML_NEW(arena, int, run->n);
        MmlRandom random = mml_random((u64)t, MML_STREAM_RULE, 1, (u64)run->n);
        draw(run->population, &random, run->n, cell);
        count(cell, run->n, cells);
        MmlTable table = table_of(cells);
        MmlPid pid;
        MmlPidIntervals of;
        check(mml_pid_solve(&table, NULL, arena, &pid));
        check(mml_pid_bootstrap(&table, &pid, NULL, RESAMPLES, (u64)t, NULL, arena, &of));
        const MmlPid *truth = &run->population->pid;
        const MmlInterval intervals[COVERED] = {of.redundancy, of.unique[0], of.unique[1], of.synergy,
                                                with_replacement(&table, adjusted_of(cells, (u64)t, arena), (u64)t, arena)};
        const double truths[COVERED] = {truth->redundancy, truth->unique[0], truth->unique[1], truth->synergy, truth->synergy};
        for (int k = 0; k < COVERED; k++) {
            run->covered[t][k] = intervals[k].low <= truths[k] + 1e-9 && truths[k] <= intervals[k].high + 1e-9;
            run->width[t][k] = intervals[k].high - intervals[k].low;
        }
        mml_arena_release(arena, mark);
    }
}

static void print_coverage(const Population *populations, int tables, MmlThreads *threads, MmlArena **arenas, MmlArena *arena) {
    Coverage run = {.n = 1280, .arena = arenas, .covered = mml_arena_alloc(arena, sizeof *run.covered * (size_t)tables),
                    .width = mml_arena_alloc(arena, sizeof *run.width * (size_t)tables)};
    if (!run.covered || !run.width) check(MML_ENOMEM);
    printf("\nn = 1280, %d resamples: share of 95 %% intervals that hold the truth, mean width in bits\n"
           "%-17s  %12s  %12s  %12s  %12s  %s\n",
           RESAMPLES, "", "R", "U1", "U2", "S", "S by samples with replacement");
    for (int p = 0; p < POPULATIONS; p++) {
        run.population = &populations[p];
        mml_parallel(threads, tables, cover_tables, &run);
        printf("%-10s %.2f  ", populations[p].name, populations[p].truth);
        for (int k = 0; k < COVERED; k++) {
            double covered = 0, width = 0;
            for (int t = 0; t < tables; t++) {
                covered += run.covered[t][k];
                width += run.width[t][k] / tables;
            }
            printf("  %4.0f %% %6.3f", 100 * covered / tables, width);
        }
        printf("\n");
        fflush(stdout);
    }
}

int main(int argc, char **argv) {
    static Population populations[POPULATIONS] = {
        {.name = "independent"}, {.name = "sum", .truth = 0.31}, {.name = "sum", .truth = 0.59},
        {.name = "table", .truth = 0.31}, {.name = "table", .truth = 0.59},
    };
    static const Kind kinds[POPULATIONS] = {INDEPENDENT, SUM, SUM, TABLE, TABLE};
    int coverage = argc > 1 && strcmp(argv[1], "--coverage") == 0;
    int tables = argc > 1 + coverage ? atoi(argv[1 + coverage]) : coverage ? 40 : 300;
    if (tables < 1) {
        fprintf(stderr, "usage: pid_estimators [--coverage] [TABLES]\n");
        return 2;
    }
    MmlThreads *threads;
    MmlArena *arena = mml_arena_new();
    check(mml_threads_new(mml_threads_available(), &threads));
    MmlArena **arenas = MML_NEW(arena, MmlArena *, mml_threads_count(threads));
    for (int t = 0; t < mml_threads_count(threads); t++) arenas[t] = mml_arena_new();
    printf("%d tables of %d x %d x %d; errors in bits\n\n%-17s %8s %8s %8s %8s %12s\n", tables, BINS, BINS, LABELS, "population", "R", "U1",
           "U2", "S", "I(X1,X2;Y)");
    for (int p = 0; p < POPULATIONS; p++) {
        populate(&populations[p], kinds[p], arena);
        const MmlPid *pid = &populations[p].pid;
        printf("%-12s %.2f %8.3f %8.3f %8.3f %8.3f %12.3f\n", populations[p].name, populations[p].truth, pid->redundancy, pid->unique[0],
               pid->unique[1], pid->synergy, pid->total);
    }
    if (coverage) print_coverage(populations, tables, threads, arenas, arena);
    else print_estimators(populations, tables, threads, arenas, arena);
    for (int t = 0; t < mml_threads_count(threads); t++) mml_arena_free(arenas[t]);
    mml_threads_free(threads);
    mml_arena_free(arena);
    return 0;
}
