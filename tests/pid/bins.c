/* PCA, quantiles, predicted classes. */
#include "pid/bins.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "mml/random.h"
#include "pid/pca.h"

/* Columns with variances 9, 4 and 1, turned by a known rotation. */
static void turned(float *rows, int n) {
    static const double axis[3][3] = {{2 / 3., 2 / 3., 1 / 3.}, {-2 / 3., 1 / 3., 2 / 3.}, {1 / 3., -2 / 3., 2 / 3.}};
    for (int i = 0; i < n; i++)
        for (int c = 0; c < 3; c++) {
            double score[3] = {3 * cos(2 * M_PI * i / n), 2 * cos(4 * M_PI * i / n), cos(6 * M_PI * i / n)};
            rows[3 * i + c] = 5;
            for (int a = 0; a < 3; a++) rows[3 * i + c] += (float)(score[a] * axis[a][c]);
        }
}

Test(pca, finds_the_axes_of_a_turned_ellipsoid) {
    enum { N = 240 };
    float rows[3 * N], scores[2 * N];
    MmlArena *arena = mml_arena_new();
    turned(rows, N);
    for (int count = 1; count <= 2; count++) {
        MmlThreads *threads;
        cr_assert_eq(mml_threads_new(count, &threads), MML_OK);
        cr_assert_eq(mml_pca(rows, NULL, N, 3, 2, threads, arena, scores), MML_OK);
        for (int i = 0; i < N; i++) {
            cr_assert_float_eq(scores[2 * i], 3 * cos(2 * M_PI * i / N), 1e-4, "row %d", i);
            cr_assert_float_eq(fabs(scores[2 * i + 1]), fabs(2 * cos(4 * M_PI * i / N)), 1e-4, "row %d", i);
        }
        mml_threads_free(threads);
    }
    mml_arena_free(arena);
}

/* The Gram form (fewer rows than columns) against the covariance form on the same rows, padded by zero columns. */
Test(pca, fewer_rows_than_columns_give_the_same_scores) {
    enum { N = 6, WIDE = 9 };
    float narrow[3 * N], wide[WIDE * N] = {0}, a[2 * N], b[2 * N];
    MmlArena *arena = mml_arena_new();
    turned(narrow, N);
    for (int i = 0; i < N; i++)
        for (int c = 0; c < 3; c++) wide[WIDE * i + 3 * c] = narrow[3 * i + c];
    cr_assert_eq(mml_pca(narrow, NULL, N, 3, 2, NULL, arena, a), MML_OK);
    cr_assert_eq(mml_pca(wide, NULL, N, WIDE, 2, NULL, arena, b), MML_OK);
    for (int i = 0; i < 2 * N; i++) cr_assert_float_eq(a[i], b[i], 1e-5);
    mml_arena_free(arena);
}

Test(pca, scale_multiplies_each_row) {
    enum { N = 12 };
    float rows[3 * N], scaled[3 * N], scale[N], a[2 * N], b[2 * N];
    MmlArena *arena = mml_arena_new();
    turned(rows, N);
    for (int i = 0; i < N; i++) scale[i] = 1 + (float)(i % 5);
    for (int i = 0; i < 3 * N; i++) scaled[i] = rows[i] * scale[i / 3];
    cr_assert_eq(mml_pca(rows, scale, N, 3, 2, NULL, arena, a), MML_OK);
    cr_assert_eq(mml_pca(scaled, NULL, N, 3, 2, NULL, arena, b), MML_OK);
    for (int i = 0; i < 2 * N; i++) cr_assert_float_eq(a[i], b[i], 1e-4);
    mml_arena_free(arena);
}

Test(pca, components_beyond_the_rank_are_zero) {
    const float rows[] = {1, 2, 2, 4, 3, 6, 4, 8};
    float scores[8];
    MmlArena *arena = mml_arena_new();
    cr_assert_eq(mml_pca(rows, NULL, 4, 2, 2, NULL, arena, scores), MML_OK);
    for (int i = 0; i < 4; i++) {
        cr_assert_float_eq(fabs(scores[2 * i]), fabs(i - 1.5) * sqrt(5), 1e-5);
        cr_assert_float_eq(scores[2 * i + 1], 0, 1e-5);
    }
    mml_arena_free(arena);
}

Test(pca, equal_rows_have_equal_scores) {
    float rows[5 * 7], scores[5 * 3];
    MmlArena *arena = mml_arena_new();
    for (int i = 0; i < 5 * 7; i++) rows[i] = 0.1f * (float)(i % 7);
    cr_assert_eq(mml_pca(rows, NULL, 5, 7, 3, NULL, arena, scores), MML_OK);
    for (int i = 1; i < 5; i++) cr_assert_arr_eq(scores, scores + 3 * i, sizeof(float) * 3);
    mml_arena_free(arena);
}

Test(quantile, bins_have_equal_counts) {
    float scores[100], sorted[100];
    i32 bin[100];
    int counts[5] = {0};
    for (int i = 0; i < 100; i++) scores[i] = (float)(i * 37 % 100);
    cr_assert_eq(mml_quantile_bins(scores, 100, 5, sorted, bin), 5);
    for (int i = 0; i < 100; i++) {
        cr_assert_eq(bin[i], (int)scores[i] / 20);
        counts[bin[i]]++;
    }
    for (int b = 0; b < 5; b++) cr_assert_eq(counts[b], 20);
}

Test(quantile, equal_scores_share_a_bin) {
    const float scores[] = {3, 1, 1, 1, 1, 1, 1, 2};
    float sorted[8];
    i32 bin[8];
    cr_assert_eq(mml_quantile_bins(scores, 8, 4, sorted, bin), 2);
    for (int i = 1; i < 7; i++) cr_assert_eq(bin[i], 0);
    cr_assert_eq(bin[0], 1);
    cr_assert_eq(bin[7], 1);
    const float same[] = {4, 4, 4};
    cr_assert_eq(mml_quantile_bins(same, 3, 3, sorted, bin), 1);
    cr_assert_eq(mml_quantile_bins(scores, 1, 9, sorted, bin), 1);
}

Test(quantile, more_bins_than_samples_give_each_its_own) {
    const float scores[] = {5, 1, 3};
    float sorted[3];
    i32 bin[3];
    cr_assert_eq(mml_quantile_bins(scores, 3, 50, sorted, bin), 3);
    cr_assert(bin[0] == 2 && bin[1] == 0 && bin[2] == 1);
}

Test(argmax, is_the_largest_logit_and_the_first_of_equals) {
    const float logits[] = {0, 2, 1, 5, 5, -1, -3, -2, -2.5f};
    MmlProbeOptions options = mml_probe_defaults();
    options.bins = MML_BINS_ARGMAX;
    MmlArena *arena = mml_arena_new();
    i32 bin[3];
    int bins;
    cr_assert_eq(mml_probe_bins(&options, 0, logits, 3, 3, NULL, arena, bin, &bins, NULL), MML_OK);
    cr_assert(bins == 3 && bin[0] == 1 && bin[1] == 0 && bin[2] == 1);
    mml_arena_free(arena);
}

Test(bins, normalising_makes_length_irrelevant) {
    enum { N = 40 };
    float rows[2 * N], longer[2 * N];
    i32 a[N], b[N];
    int bins;
    MmlProbeOptions options = mml_probe_defaults();
    MmlArena *arena = mml_arena_new();
    options.k = 4;
    for (int i = 0; i < N; i++) {
        double angle = M_PI / 2 * (i % 4) + 0.1 * sin(i);
        rows[2 * i] = (float)cos(angle);
        rows[2 * i + 1] = (float)sin(angle);
        longer[2 * i] = rows[2 * i] * (float)(1 << i % 7);
        longer[2 * i + 1] = rows[2 * i + 1] * (float)(1 << i % 7);
    }
    for (int pca = 0; pca <= 2; pca += 2) {
        options.pca = pca;
        cr_assert_eq(mml_probe_bins(&options, 0, rows, N, 2, NULL, arena, a, &bins, NULL), MML_OK);
        cr_assert_eq(bins, 4);
        cr_assert_eq(mml_probe_bins(&options, 0, longer, N, 2, NULL, arena, b, &bins, NULL), MML_OK);
        cr_assert_arr_eq(a, b, sizeof a);
    }
    mml_arena_free(arena);
}

Test(bins, a_value_that_is_not_finite_is_named) {
    float rows[] = {1, 2, 3, 4, 5, NAN};
    i32 bin[3];
    int bins;
    MmlProbeOptions options = mml_probe_defaults();
    MmlArena *arena = mml_arena_new();
    cr_assert_eq(mml_probe_bins(&options, 1, rows, 3, 2, NULL, arena, bin, &bins, NULL), MML_ENUMERIC);
    cr_assert(strstr(mml_message(), "modality 1: feature 1 of probe sample 2 is nan"), "%s", mml_message());
    rows[5] = INFINITY;
    cr_assert_eq(mml_probe_bins(&options, 0, rows, 3, 2, NULL, arena, bin, &bins, NULL), MML_ENUMERIC);
    mml_arena_free(arena);
}
