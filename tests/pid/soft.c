/* The kernels of soft assignments against a chain written out in double
 * precision here, and against the solver on the table they make. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "mml/nn.h"
#include "mml/random.h"
#include "pid/bins.h"

enum { BATCH = 23, WIDTH = 6, BINS = 4, CLASSES = 3, CELLS = BINS * BINS * CLASSES, MOST_FLOATS = 256 };

/* Two modalities' features, clusters and labels. */
typedef struct {
    int    components, normalize, kernel, found;
    double temperature;
    i64    batch;
    double x[2][BATCH * WIDTH];
    float  clusters[2 * MOST_FLOATS];
    i64    labels[BATCH];
} Problem;

static const char *const ATOM_NAMES[] = {"redundancy", "unique 1", "unique 2", "synergy"};

static Problem problem_new(u64 seed, int components, int normalize, int kernel) {
    MmlRandom random = mml_random(seed, MML_STREAM_RULE, 0, 0);
    Problem p = {.components = components, .normalize = normalize, .kernel = kernel, .found = BINS, .temperature = 0.7, .batch = BATCH};
    for (int m = 0; m < 2; m++) {
        for (int i = 0; i < BATCH * WIDTH; i++) p.x[m][i] = (float)mml_random_normal(&random);
        float *block = p.clusters + m * MOST_FLOATS;
        cr_assert_leq(mml_clusters_floats(WIDTH, components, BINS), MOST_FLOATS);
        for (i64 i = 0; i < mml_clusters_floats(WIDTH, components, BINS); i++) block[i] = (float)(0.6 * mml_random_normal(&random));
        block[0] = BINS;
        block[1] = (float)(0.4 + 0.3 * m);
    }
    for (int i = 0; i < BATCH; i++) p.labels[i] = (i64)mml_random_below(&random, CLASSES);
    return p;
}

/* ---- The reference, in double ---- */

static void reference_share(const Problem *p, int m, const double *x, double *share) {
    const float *block = p->clusters + m * MOST_FLOATS, *mean = block + 2;
    const float *axes = mean + WIDTH, *centres = p->components ? axes + p->components * WIDTH : mean;
    int columns = p->components ? p->components : WIDTH;
    double norm = 0, u[WIDTH], t[WIDTH], sum = 0;
    for (int c = 0; c < WIDTH; c++) norm += x[c] * x[c];
    for (int c = 0; c < WIDTH; c++) t[c] = u[c] = p->normalize ? x[c] / sqrt(norm) : x[c];
    for (int v = 0; v < p->components; v++) {
        t[v] = 0;
        for (int c = 0; c < WIDTH; c++) t[v] += (u[c] - mean[c]) * axes[v * WIDTH + c];
    }
    for (int i = 0; i < BINS; i++) {
        double square = 0;
        for (int v = 0; v < columns; v++) square += pow(t[v] - centres[i * columns + v], 2);
        square /= p->temperature * block[1];
        share[i] = i >= p->found ? 0 : p->kernel ? 1 / (1 + square) : exp(-square);
        sum += share[i];
    }
    for (int i = 0; i < BINS; i++) share[i] /= sum;
}

static void reference_table(const Problem *p, double *table) {
    memset(table, 0, sizeof *table * CELLS);
    for (i64 n = 0; n < p->batch; n++) {
        double share[2][BINS];
        for (int m = 0; m < 2; m++) reference_share(p, m, p->x[m] + n * WIDTH, share[m]);
        for (int i = 0; i < BINS; i++)
            for (int j = 0; j < BINS; j++)
                table[(i * BINS + j) * CLASSES + p->labels[n]] += share[0][i] * share[1][j] / (double)p->batch;
    }
}

static void reference_atoms(const Problem *p, double out[4]) {
    double cells[CELLS];
    MmlArena *arena = mml_arena_new();
    MmlPid pid;
    reference_table(p, cells);
    MmlTable table = {.sources = 2, .bins = {BINS, BINS}, .labels = CLASSES, .p = cells};
    cr_assert_eq(mml_pid_solve(&table, NULL, arena, &pid), MML_OK, "%s", mml_message());
    out[0] = pid.redundancy;
    out[1] = pid.unique[0];
    out[2] = pid.unique[1];
    out[3] = pid.synergy;
    mml_arena_free(arena);
}

/* ---- The kernels ---- */

typedef struct {
    MmlFrame       frame;
    char          *scratch[2], scratch_bytes[2][4096] __attribute__((aligned(64)));
    MmlThreads    *threads;
    MmlDecomposer *decomposer;
    float          x[2][BATCH * WIDTH], share[2][BATCH * BINS], table[4 + 4 * CELLS], gradient[2][BATCH * WIDTH];
} Kernels;

static void soft_attributes(const Problem *p, int m, MmlValue a[7]) {
    MmlValue values[] = {{.i = WIDTH}, {.r = p->temperature}, {.i = p->components}, {.i = BINS}, {.i = p->normalize}, {.i = p->kernel},
                         {.i = m * MOST_FLOATS}};
    memcpy(a, values, sizeof values);
}

static void forward(Kernels *k, const Problem *p) {
    MmlValue a[7];
    cr_assert_eq(mml_threads_new(2, &k->threads), MML_OK);
    cr_assert_eq(mml_decomposer_new(CELLS, 2 * BINS * CLASSES, &k->decomposer), MML_OK);
    for (int t = 0; t < 2; t++) k->scratch[t] = k->scratch_bytes[t];
    k->frame = (MmlFrame){.threads = k->threads, .scratch = k->scratch, .batch = p->batch, .capacity = BATCH, .labels = p->labels,
                          .clusters = (float *)p->clusters, .decomposer = k->decomposer};
    for (int m = 0; m < 2; m++) {
        for (int i = 0; i < BATCH * WIDTH; i++) k->x[m][i] = (float)p->x[m][i];
        soft_attributes(p, m, a);
        mml_soft_forward(&k->frame, a, (float *[]){k->x[m], k->share[m]});
    }
    MmlValue sizes[] = {{.i = BINS}, {.i = BINS}, {.i = CLASSES}};
    mml_decompose_forward(&k->frame, sizes, (float *[]){k->share[0], k->share[1], k->table});
}

static void backward(Kernels *k, const Problem *p, int atom, float dl) {
    float given[2][BATCH * BINS];
    MmlValue sizes[] = {{.i = BINS}, {.i = BINS}, {.i = CLASSES}, {.i = atom}}, a[7];
    mml_atom_backward(&k->frame, sizes, (float *[]){&dl, k->share[0], k->share[1], k->table, given[0], given[1]});
    for (int m = 0; m < 2; m++) {
        soft_attributes(p, m, a);
        memset(k->gradient[m], 0x5a, sizeof k->gradient[m]);
        mml_soft_backward(&k->frame, a, (float *[]){given[m], k->x[m], k->gradient[m]});
    }
}

static void kernels_free(Kernels *k) {
    mml_decomposer_free(k->decomposer);
    mml_threads_free(k->threads);
}

/* ---- Values ---- */

Test(soft, shares_are_those_of_the_closed_form) {
    Problem p = problem_new(1, 0, 0, 0);
    Kernels k;
    /* Two samples on a line between centres at 0 and 1 (spread 1, temperature 0.5): shares by hand. */
    memset(p.clusters, 0, sizeof p.clusters);
    p.clusters[0] = 2;
    p.clusters[1] = 1;
    p.clusters[2 + WIDTH] = 1;
    p.temperature = 0.5;
    memset(p.x[0], 0, sizeof p.x[0]);
    p.x[0][WIDTH] = 0.25;
    forward(&k, &p);
    cr_expect_float_eq(k.share[0][0], 1 / (1 + exp(-2)), 1e-7);
    cr_expect_float_eq(k.share[0][BINS], 1 / (1 + exp(-(0.5625 - 0.0625) / 0.5)), 1e-7);
    cr_expect_eq(k.share[0][2], 0, "a cluster that was not found has no share");
    kernels_free(&k);
    p.kernel = 1;
    forward(&k, &p);
    cr_expect_float_eq(k.share[0][0], 1 / (1 + 1 / 3.0), 1e-7);
    cr_expect_float_eq(k.share[0][BINS], (1 / 1.125) / (1 / 1.125 + 1 / 2.125), 1e-7);
    kernels_free(&k);
}

Test(soft, atoms_are_those_of_the_solver_on_the_same_table) {
    for (int i = 0; i < 8; i++) {
        Problem p = problem_new(2 + (u64)i, i & 1 ? 3 : 0, i & 2, i >> 2);
        Kernels k;
        double want[4];
        forward(&k, &p);
        reference_atoms(&p, want);
        for (int a = 0; a < 4; a++) {
            float loss;
            MmlValue sizes[] = {{.i = BINS}, {.i = BINS}, {.i = CLASSES}, {.i = a}};
            mml_atom_forward(&k.frame, sizes, (float *[]){k.share[0], k.share[1], k.table, &loss});
            cr_expect_float_eq(loss, want[a], 1e-6, "%s of %d: %g, not %g", ATOM_NAMES[a], i, (double)loss, want[a]);
        }
        kernels_free(&k);
    }
}

/* Cells of 1e-12 of the mass, which can cost the solver its certificate, are as good as none. */
Test(soft, shares_that_no_float_shows_count_as_none) {
    Problem p = problem_new(12, 0, 0, 0);
    Kernels k;
    float   plain[4 + 4 * CELLS];
    forward(&k, &p);
    MmlValue sizes[] = {{.i = BINS}, {.i = BINS}, {.i = CLASSES}};
    for (int n = 0; n < BATCH; n++)
        for (int i = 0; i < BINS; i++) k.share[0][n * BINS + i] = i == (n + (int)p.labels[n]) % 3;
    mml_decompose_forward(&k.frame, sizes, (float *[]){k.share[0], k.share[1], plain});
    for (int n = 0; n < BATCH; n++) k.share[0][n * BINS + 3] = 1e-12f;
    mml_decompose_forward(&k.frame, sizes, (float *[]){k.share[0], k.share[1], k.table});
    for (int c = 0; c < 4 + 4 * CELLS; c++) cr_expect_float_eq(k.table[c], plain[c], 1e-6);
    kernels_free(&k);
}

/* ---- Gradients ---- */

/* Relative to the largest gradient of the atom; an atom that is 0 whatever the features are has only the solver's noise. */
static void check_gradients(Problem *p, const char *what) {
    const double h = 1e-5;
    Kernels k;
    forward(&k, p);
    static double difference[2][BATCH * WIDTH][4];
    double largest[4] = {0};
    for (int m = 0; m < 2; m++)
        for (i64 i = 0; i < p->batch * WIDTH; i++) {
            double kept = p->x[m][i], up[4], down[4];
            p->x[m][i] = kept + h;
            reference_atoms(p, up);
            p->x[m][i] = kept - h;
            reference_atoms(p, down);
            p->x[m][i] = kept;
            for (int a = 0; a < 4; a++) {
                difference[m][i][a] = (up[a] - down[a]) / (2 * h);
                largest[a] = fmax(largest[a], fabs(difference[m][i][a]));
            }
        }
    for (int a = 0; a < 4; a++) {
        backward(&k, p, a, -0.3f);
        for (int m = 0; m < 2; m++)
            for (i64 i = 0; i < p->batch * WIDTH; i++)
                cr_assert_float_eq(k.gradient[m][i] / -0.3, difference[m][i][a], 2e-5 * largest[a] + 1e-7,
                                   "%s, %s of modality %d, sample %lld feature %lld: %g, not %g", what, ATOM_NAMES[a], m, (long long)(i / WIDTH),
                                   (long long)(i % WIDTH), k.gradient[m][i] / -0.3, difference[m][i][a]);
    }
    kernels_free(&k);
}

Test(soft, gradients_agree_with_central_differences_through_the_whole_chain) {
    static const struct { int components, normalize, kernel; const char *what; } chains[] = {
        {0, 0, 0, "softmax"}, {3, 1, 0, "softmax of normalised, projected features"}, {0, 1, 1, "Student of normalised features"},
        {2, 0, 1, "Student of projected features"},
    };
    for (int i = 0; i < 4; i++) {
        Problem p = problem_new(20 + (u64)i, chains[i].components, chains[i].normalize, chains[i].kernel);
        check_gradients(&p, chains[i].what);
    }
}

Test(soft, gradients_hold_when_a_label_is_absent_and_a_cluster_was_not_found) {
    Problem p = problem_new(31, 3, 1, 0);
    for (int i = 0; i < BATCH; i++) p.labels[i] = p.labels[i] == 1 ? 2 : p.labels[i];
    p.found = BINS - 1;
    p.clusters[0] = p.clusters[MOST_FLOATS] = BINS - 1;
    check_gradients(&p, "without label 1 and cluster 3");
}

Test(soft, a_batch_of_one_sample_or_one_label_knows_nothing_and_passes_nothing_back) {
    for (int one = 0; one < 2; one++) {
        Problem p = problem_new(32, 3, 1, one);
        Kernels k;
        p.batch = one ? 1 : BATCH;
        for (int i = 0; i < BATCH; i++) p.labels[i] = 2;
        forward(&k, &p);
        for (int a = 0; a < 4; a++) {
            cr_expect_float_eq(k.table[a], 0, 1e-9, "%s is %g", ATOM_NAMES[a], (double)k.table[a]);
            backward(&k, &p, a, 1);
            for (i64 i = 0; i < p.batch * WIDTH; i++) cr_expect_float_eq(k.gradient[0][i], 0, 1e-9);
        }
        kernels_free(&k);
    }
}

Test(soft, a_zero_row_stays_zero_when_it_is_normalised) {
    Problem p = problem_new(33, 3, 1, 0);
    Kernels k;
    memset(p.x[0] + 4 * WIDTH, 0, sizeof(double) * WIDTH);
    forward(&k, &p);
    backward(&k, &p, 3, 1);
    for (int i = 0; i < BINS; i++) cr_expect(isfinite(k.share[0][4 * BINS + i]));
    for (int c = 0; c < WIDTH; c++) cr_expect_eq(k.gradient[0][4 * WIDTH + c], 0);
    kernels_free(&k);
}

Test(soft, gradients_nobody_needs_are_left_out) {
    Problem p = problem_new(34, 0, 0, 0);
    Kernels k;
    float dl = 1, given[BATCH * BINS];
    MmlValue sizes[] = {{.i = BINS}, {.i = BINS}, {.i = CLASSES}, {.i = 3}}, a[7];
    forward(&k, &p);
    mml_atom_backward(&k.frame, sizes, (float *[]){&dl, k.share[0], k.share[1], k.table, NULL, given});
    mml_atom_backward(&k.frame, sizes, (float *[]){&dl, k.share[0], k.share[1], k.table, given, NULL});
    soft_attributes(&p, 0, a);
    mml_soft_backward(&k.frame, a, (float *[]){given, k.x[0], NULL});
    kernels_free(&k);
}

/* ---- What can go wrong ---- */

Test(soft, a_solver_that_fails_says_why_and_gives_nan) {
    Problem p = problem_new(35, 0, 0, 0);
    Kernels k;
    forward(&k, &p);
    cr_expect_null(mml_decomposer_failure(k.decomposer));
    MmlValue no_bins[] = {{.i = BINS}, {.i = 0}, {.i = CLASSES}};
    mml_decompose_forward(&k.frame, no_bins, (float *[]){k.share[0], k.share[1], k.table});
    for (int a = 0; a < 4; a++) cr_expect(isnan(k.table[a]));
    const char *failure = mml_decomposer_failure(k.decomposer);
    cr_assert_not_null(failure);
    cr_expect(strstr(failure, "0 bins"), "%s", failure);
    cr_expect_null(mml_decomposer_failure(k.decomposer), "it is told once");
    kernels_free(&k);
}

Test(soft, features_that_are_not_finite_show_in_every_atom) {
    Problem p = problem_new(36, 3, 1, 1);
    Kernels k;
    p.x[1][7] = NAN;
    forward(&k, &p);
    for (int a = 0; a < 4; a++) cr_expect(isnan(k.table[a]));
    cr_expect_null(mml_decomposer_failure(k.decomposer), "that isn't the solver's failure");
    kernels_free(&k);
}

Test(soft, clusters_that_are_not_fitted_give_nan_and_no_decomposer_zeros) {
    Problem p = problem_new(37, 0, 0, 0);
    Kernels k;
    p.clusters[0] = 0;
    forward(&k, &p);
    cr_expect(isnan(k.share[0][0]) && isnan(k.table[0]));
    cr_expect(isfinite(k.share[1][0]));
    k.frame.decomposer = NULL;
    MmlValue sizes[] = {{.i = BINS}, {.i = BINS}, {.i = CLASSES}};
    mml_decompose_forward(&k.frame, sizes, (float *[]){k.share[0], k.share[1], k.table});
    for (int c = 0; c < 4 + 4 * CELLS; c++) cr_assert_eq(k.table[c], 0);
    kernels_free(&k);
}

/* ---- Clusters ---- */

enum { SAMPLES = 400, K = 5 };

static void blobs(float *rows, i64 *labels) {
    MmlRandom random = mml_random(40, MML_STREAM_RULE, 0, 0);
    for (int i = 0; i < SAMPLES; i++) {
        labels[i] = i % 2;
        for (int c = 0; c < WIDTH; c++) rows[i * WIDTH + c] = (float)((i * (c + 1) % K) * (c % 2 ? 1.0 : -0.7) + 0.1 * mml_random_normal(&random));
    }
}

Test(soft, the_fitted_clusters_are_the_probes_and_a_sample_is_nearest_to_its_own) {
    static float rows[SAMPLES * WIDTH], share[SAMPLES * K];
    static i64   labels[SAMPLES];
    float        own[MOST_FLOATS], of_probe[2][MOST_FLOATS];
    MmlArena    *arena = mml_arena_new();
    blobs(rows, labels);
    for (int pca = 0; pca <= 3; pca += 3) {
        MmlProbeOptions options = mml_probe_defaults();
        options.k = K;
        options.pca = pca;
        options.seed = 3;
        options.epoch = 2;
        i64 floats = mml_clusters_floats(WIDTH, pca, K);
        cr_assert_eq(mml_clusters_fit(&options, 1, rows, SAMPLES, WIDTH, NULL, arena, own), MML_OK, "%s", mml_message());
        options.clusters = (float *[]){of_probe[0], of_probe[1]};
        MmlProbeResult result;
        cr_assert_eq(mml_probe(&options, 2, SAMPLES, (const float *[]){rows, rows}, (int[]){WIDTH, WIDTH}, labels, 2, NULL, arena, &result), MML_OK);
        cr_expect_arr_eq(own, of_probe[1], sizeof(float) * (size_t)floats);
        cr_expect_eq(own[0], result.bins[1]);

        i32 bin[SAMPLES];
        int bins;
        options.clusters = NULL;
        /* cold softmax: a share of nearly 1 for the nearest centre, which is the probe's bin */
        MmlValue a[] = {{.i = WIDTH}, {.r = 1e-3}, {.i = pca}, {.i = K}, {.i = 1}, {.i = 0}, {.i = 0}};
        char scratch[4096] __attribute__((aligned(64)));
        MmlFrame frame = {.scratch = (char *[]){scratch}, .batch = SAMPLES, .clusters = own};
        mml_soft_forward(&frame, a, (float *[]){rows, share});
        cr_assert_eq(mml_probe_bins(&options, 1, rows, SAMPLES, WIDTH, NULL, arena, bin, &bins, NULL), MML_OK);
        double within = 0;
        for (int i = 0; i < SAMPLES; i++) {
            int best = 0;
            for (int c = 1; c < K; c++) best = share[i * K + c] > share[i * K + best] ? c : best;
            cr_assert_eq(best, bin[i], "sample %d", i);
            within += share[i * K + best];
        }
        cr_expect_gt(within / SAMPLES, 0.99);
    }
    mml_arena_free(arena);
}

Test(soft, clusters_of_equal_rows_are_one_with_a_spread_to_divide_by) {
    float rows[12], clusters[MOST_FLOATS];
    MmlArena *arena = mml_arena_new();
    MmlProbeOptions options = mml_probe_defaults();
    for (int i = 0; i < 12; i++) rows[i] = 1;
    cr_assert_eq(mml_clusters_fit(&options, 0, rows, 4, 3, NULL, arena, clusters), MML_OK);
    cr_expect_eq(clusters[0], 1);
    cr_expect_gt(clusters[1], 0);
    options.bins = MML_BINS_ARGMAX;
    cr_expect_eq(mml_clusters_fit(&options, 0, rows, 4, 3, NULL, arena, clusters), MML_EINPUT);
    mml_arena_free(arena);
}
