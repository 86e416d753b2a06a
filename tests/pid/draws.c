/* Binomial and hypergeometric draws, and the tables drawn with them. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "pid/draws.h"
#include "pid/resample.h"
#include "tables.h"

static double log_choose(double n, double k) { return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1); }

Test(draws, probabilities_are_those_of_the_closed_forms) {
    for (i64 n = 0; n <= 40; n += 5)
        for (i64 x = 0; x <= n; x++) {
            double expected = log_choose((double)n, (double)x) + (double)x * log(0.3) + (double)(n - x) * log(0.7);
            cr_assert_float_eq(mml_log_binomial(x, n, 0.3), expected, 1e-12 * (1 + fabs(expected)));
            if (n > 23 || x > 17) continue;
            cr_assert_float_eq(mml_log_hypergeometric(x, 40, 17, n),
                               log_choose(17, (double)x) + log_choose(23, (double)(n - x)) - log_choose(40, (double)n), 1e-11);
        }
    cr_assert_eq(mml_log_binomial(5, 4, 0.3), -INFINITY);
    cr_assert_eq(mml_log_hypergeometric(0, 10, 8, 3), -INFINITY);        /* 3 of 10 can't miss all of 8 */
    /* At the mean of 2^52 trials: the normal density, whose relative error is of order 1 / n. */
    cr_assert_float_eq(mml_log_binomial((i64)1 << 51, (i64)1 << 52, 0.5), -0.5 * log(2 * M_PI * 0x1p50), 1e-9);
}

#define DRAWS 20000

/* Against the exact probabilities: chi-square over cells of at least 20 expected, 5 standard deviations allowed. */
static void assert_distributed(i64 (*draw)(MmlRandom *, const i64 *), double (*log_p)(i64, const i64 *), const i64 *of) {
    enum { CELLS = 4096 };
    static int seen[CELLS];
    memset(seen, 0, sizeof seen);
    MmlRandom random = mml_random(5, MML_STREAM_BOOTSTRAP, (u64)of[0], (u64)of[1]);
    for (int d = 0; d < DRAWS; d++) {
        i64 x = draw(&random, of);
        cr_assert(x >= 0 && x < CELLS);
        seen[x]++;
    }
    double square = 0, expected = 0, rest = 0;
    int cells = 0, count = 0;
    for (i64 x = 0; x < CELLS; x++) {
        expected += DRAWS * exp(log_p(x, of));
        count += seen[x];
        if (expected < 20) continue;
        square += (count - expected) * (count - expected) / expected;
        cells++;
        expected = count = 0;
    }
    rest = cells - 1;
    cr_assert(cells > 1 && square < rest + 5 * sqrt(2 * rest) + 5, "chi-square %g of %g: %lld %lld %lld", square, rest,
              (long long)of[0], (long long)of[1], (long long)of[2]);
}

static i64 binomial(MmlRandom *random, const i64 *of) { return mml_draw_binomial(random, of[0], (double)of[1] / 1000); }
static double log_binomial(i64 x, const i64 *of) { return mml_log_binomial(x, of[0], (double)of[1] / 1000); }
static i64 hypergeometric(MmlRandom *random, const i64 *of) { return mml_draw_hypergeometric(random, of[0], of[1], of[2]); }
static double log_hypergeometric(i64 x, const i64 *of) { return mml_log_hypergeometric(x, of[0], of[1], of[2]); }

Test(draws, have_their_distribution_for_small_and_large_means) {
    static const i64 trials[][3] = {{1, 300}, {20, 100}, {20, 980}, {400, 30}, {400, 500}, {1000000, 1}, {4000, 950}};
    static const i64 urns[][3] = {{10, 4, 5}, {10, 9, 8}, {1000, 20, 100}, {1000, 500, 500}, {5000, 4000, 4500},
                                  {1 << 30, 1 << 20, 1 << 18}};
    for (size_t c = 0; c < sizeof trials / sizeof *trials; c++) assert_distributed(binomial, log_binomial, trials[c]);
    for (size_t c = 0; c < sizeof urns / sizeof *urns; c++) assert_distributed(hypergeometric, log_hypergeometric, urns[c]);
}

Test(draws, have_the_spread_of_huge_counts) {
    MmlRandom random = mml_random(6, MML_STREAM_BOOTSTRAP, 0, 0);
    const double n = 0x1p50;
    double binomial_square = 0, urn_square = 0;
    for (int d = 0; d < DRAWS; d++) {
        double z = ((double)mml_draw_binomial(&random, (i64)n, 0.25) - n / 4) / sqrt(n * 3 / 16);
        double u = ((double)mml_draw_hypergeometric(&random, (i64)n, (i64)n / 4, (i64)n / 2) - n / 8) / sqrt(n * 3 / 64);
        binomial_square += z * z / DRAWS;
        urn_square += u * u / DRAWS;
    }
    /* The mean of DRAWS squares of N(0, 1) has a standard deviation of sqrt(2 / DRAWS) = 0.01. */
    cr_assert_float_eq(binomial_square, 1, 0.05);
    cr_assert_float_eq(urn_square, 1, 0.05);
}

Test(draws, at_the_borders_are_certain) {
    MmlRandom random = mml_random(7, MML_STREAM_BOOTSTRAP, 0, 0);
    cr_assert_eq(mml_draw_binomial(&random, 0, 0.5), 0);
    cr_assert_eq(mml_draw_binomial(&random, 9, 0), 0);
    cr_assert_eq(mml_draw_binomial(&random, 9, 1), 9);
    cr_assert_eq(mml_draw_hypergeometric(&random, 9, 9, 4), 4);
    cr_assert_eq(mml_draw_hypergeometric(&random, 9, 4, 9), 4);
    cr_assert_eq(mml_draw_hypergeometric(&random, 9, 0, 5), 0);
    cr_assert_eq(mml_draw_hypergeometric(&random, 0, 0, 0), 0);
}

/* ---- Tables ---- */

static double sum(const double *p, i64 count) {
    double total = 0;
    for (i64 c = 0; c < count; c++) total += p[c];
    return total;
}

Test(resample, keeps_the_number_of_samples_and_halves_add_up) {
    MmlArena *arena = mml_arena_new();
    MmlRandom random = mml_random(8, MML_STREAM_RULE, 0, 0);
    for (int t = 0; t < 20; t++) {
        MmlTable table = random_table(&random, COUNTS, 2, 9, arena);
        MmlCounts counts;
        cr_assert_eq(mml_counts_new(&table, arena, &counts), MML_OK, "%s", mml_message());
        double *a = MML_NEW(arena, double, counts.cells), *b = MML_NEW(arena, double, counts.cells);
        mml_resample(&counts, &random, a);
        cr_assert_eq(sum(a, counts.cells), (double)counts.samples);
        for (i64 c = 0; c < counts.cells; c++) cr_assert(table.p[c] > 0 || a[c] == 0);
        mml_split_in_halves(&counts, &random, a, b);
        cr_assert_eq(sum(a, counts.cells), (double)(counts.samples / 2));
        for (i64 c = 0; c < counts.cells; c++) cr_assert_eq(a[c] + b[c], table.p[c]);
    }
    mml_arena_free(arena);
}

Test(resample, shuffles_within_labels_keep_every_pair_marginal) {
    MmlArena *arena = mml_arena_new();
    MmlRandom random = mml_random(9, MML_STREAM_RULE, 0, 0);
    for (int sources = 2; sources <= 4; sources++) {
        MmlTable table = random_table(&random, COUNTS, sources, 6, arena);
        MmlCounts before, after;
        cr_assert_eq(mml_counts_new(&table, arena, &before), MML_OK, "%s", mml_message());
        double *p = MML_NEW(arena, double, before.cells);
        mml_shuffle_within_labels(&before, &random, MML_NEW(arena, i64, 3 * before.tuples), p);
        MmlTable shuffled = mml_counts_table(&before, p);
        cr_assert_eq(mml_counts_new(&shuffled, arena, &after), MML_OK, "%s", mml_message());
        for (int k = 0; k < sources; k++)
            cr_assert_arr_eq(before.pair[k], after.pair[k], sizeof(i64) * (size_t)(before.bins[k] * before.labels));
    }
    mml_arena_free(arena);
}

Test(resample, shuffled_cells_have_the_mean_and_variance_of_an_urn) {
    /* One label, margins (30, 10) and (25, 15): cell 0,0 is hypergeometric with mean 18.75 and variance 40/39 (30 25 10 15)/40^3. */
    static const double p[] = {20, 10, 5, 5};
    MmlTable table = {.sources = 2, .bins = {2, 2}, .labels = 1, .p = p};
    MmlArena *arena = mml_arena_new();
    MmlCounts counts;
    cr_assert_eq(mml_counts_new(&table, arena, &counts), MML_OK);
    double mean = 0, square = 0, out[4];
    i64 scratch[12];
    MmlRandom random = mml_random(10, MML_STREAM_NULL, 0, 0);
    for (int d = 0; d < DRAWS; d++) {
        mml_shuffle_within_labels(&counts, &random, scratch, out);
        mean += out[0] / DRAWS;
        square += (out[0] - 18.75) * (out[0] - 18.75) / DRAWS;
    }
    double variance = 40.0 / 39 * (30.0 * 25 * 10 * 15) / 64000;
    cr_assert_float_eq(mean, 18.75, 5 * sqrt(variance / DRAWS));
    cr_assert_float_eq(square, variance, 0.05 * variance);
    mml_arena_free(arena);
}

Test(resample, weights_that_are_no_counts_are_refused) {
    static const double fractions[] = {0.5, 0.5}, negative[] = {-1, 2}, huge[] = {0x1p53, 0x1p53}, none[] = {0, 0};
    static const struct { const double *p; const char *message; } bad[] = {
        {fractions, "cell 0 of the table is 0.5"}, {negative, "cell 0 of the table is -1"}, {huge, "2^53"}, {none, "no sample"}};
    MmlArena *arena = mml_arena_new();
    for (size_t b = 0; b < sizeof bad / sizeof *bad; b++) {
        MmlTable table = {.sources = 2, .bins = {1, 1}, .labels = 2, .p = bad[b].p};
        MmlCounts counts;
        cr_assert_eq(mml_counts_new(&table, arena, &counts), MML_EINPUT);
        cr_assert(strstr(mml_message(), bad[b].message), "%s", mml_message());
    }
    mml_arena_free(arena);
}
