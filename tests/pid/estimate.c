/* Null distribution, intervals and halved correction of a table of counts. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "mml/random.h"
#include "pid/estimate.h"
#include "pid/synergy.h"
#include "tables.h"

/* n samples of independent uniform x1, x2 in [0, bins), y in [0, labels); with
 * parity != 0 y is (x1 + x2) mod labels. */
static MmlTable sampled(MmlArena *arena, u64 seed, int bins, int labels, int n, int parity) {
    double *p = MML_NEW(arena, double, bins * bins * labels);
    MmlRandom random = mml_random(seed, MML_STREAM_RULE, 0, 0);
    for (int i = 0; i < n; i++) {
        int x1 = (int)mml_random_below(&random, (u64)bins), x2 = (int)mml_random_below(&random, (u64)bins);
        int y = parity ? (x1 + x2) % labels : (int)mml_random_below(&random, (u64)labels);
        p[(x1 * bins + x2) * labels + y]++;
    }
    return (MmlTable){.sources = 2, .bins = {bins, bins}, .labels = labels, .p = p};
}

static MmlPid solved(const MmlTable *table, MmlArena *arena) {
    MmlPid pid;
    cr_assert_eq(mml_pid_solve(table, NULL, arena, &pid), MML_OK, "%s", mml_message());
    cr_assert(pid.converged);
    return pid;
}

Test(estimate, quantiles_interpolate_between_order_statistics) {
    double values[] = {4, 1, 3, 2};
    cr_assert_float_eq(mml_quantile(values, 4, 0.5), 2.5, 1e-15);
    cr_assert_float_eq(mml_quantile(values, 4, 0), 1, 1e-15);
    cr_assert_float_eq(mml_quantile(values, 4, 1), 4, 1e-15);
    cr_assert_float_eq(mml_quantile(values, 4, 0.95), 3.85, 1e-12);
}

Test(estimate, independent_data_have_no_synergy_once_adjusted_and_uniform_p_values) {
    MmlArena *arena = mml_arena_new();
    int below_half = 0;
    for (u64 t = 0; t < 40; t++) {
        MmlTable table = sampled(arena, t, 8, 4, 600, 0);
        MmlPid pid = solved(&table, arena);
        MmlPidNull null;
        cr_assert_eq(mml_pid_null(&table, &pid, 99, t, NULL, arena, &null), MML_OK, "%s", mml_message());
        cr_assert_eq(null.samples, 600);
        cr_assert_float_eq(null.synergy, 0, 0.1);
        cr_assert_gt(pid.synergy, 0.1);
        cr_assert(null.mean < null.quantile && null.error > 0);
        below_half += null.p <= 0.5;
    }
    /* Binomial(40, 1/2): outside of 8 … 32 once in 10,000. */
    cr_assert(below_half >= 8 && below_half <= 32, "%d", below_half);
    mml_arena_free(arena);
}

Test(estimate, parity_is_beyond_every_shuffle_and_stays_as_it_is) {
    MmlArena *arena = mml_arena_new();
    MmlTable table = sampled(arena, 1, 4, 2, 800, 1);
    MmlPid pid = solved(&table, arena);
    MmlPidNull null;
    cr_assert_eq(mml_pid_null(&table, &pid, 199, 1, NULL, arena, &null), MML_OK);
    cr_assert_float_eq(null.p, 1.0 / 200, 1e-12);
    cr_assert_lt(null.quantile, pid.synergy);
    cr_assert_float_eq(null.synergy, pid.total - (pid.total - pid.synergy), 1e-9);   /* total = H(Y): all room is filled */
    mml_arena_free(arena);
}

/* The probe's estimate shuffles the samples themselves: another implementation of the same distribution. */
Test(estimate, agrees_with_shuffles_of_the_samples) {
    enum { N = 700 };
    MmlArena *arena = mml_arena_new();
    for (int parity = 0; parity < 2; parity++) {
        MmlTable table = sampled(arena, 3, 7, 3, N, parity);
        i32 x1[N], x2[N];
        i64 y[N];
        int n = 0;
        for (int c = 0; c < 7 * 7 * 3; c++)
            for (int k = 0; k < (int)table.p[c]; k++, n++) {
                x1[n] = c / 21;
                x2[n] = c / 3 % 7;
                y[n] = c % 3;
            }
        MmlSamples samples = {.sources = 2, .labels = 3, .bins = {7, 7}, .bin = {x1, x2}, .label = y, .n = N};
        MmlPid pid = solved(&table, arena);
        MmlSynergy by_samples;
        MmlPidNull by_counts;
        cr_assert_eq(mml_adjusted_synergy(&samples, pid.total, pid.entropy, pid.total - pid.synergy, 5, 0, arena, &by_samples), MML_OK);
        cr_assert_eq(mml_pid_null(&table, &pid, 400, 6, NULL, arena, &by_counts), MML_OK);
        double error = 5 * by_counts.error / sqrt(MML_SYNERGY_SHUFFLES);
        cr_assert_float_eq(by_counts.mean + pid.total - pid.synergy, by_samples.bias + by_samples.base, error);
        cr_assert_float_eq(by_counts.synergy, by_samples.adjusted, 2 * error);
        cr_assert_float_eq(by_counts.error / by_samples.spread, 1, 0.8);       /* ten shuffles: chi(9) / 3 */
    }
    mml_arena_free(arena);
}

Test(estimate, halving_lowers_the_bias_of_redundancy_and_unique_information) {
    MmlArena *arena = mml_arena_new();
    double plugin = 0, halved = 0;
    for (u64 t = 0; t < 20; t++) {
        MmlTable table = sampled(arena, 100 + t, 8, 4, 400, 0);                /* truths are 0 */
        MmlPid pid = solved(&table, arena);
        MmlPidHalved half;
        cr_assert_eq(mml_pid_halved(&table, &pid, NULL, t, arena, &half), MML_OK, "%s", mml_message());
        plugin += pid.redundancy + pid.unique[0] + pid.unique[1];
        halved += half.redundancy + half.unique[0] + half.unique[1];
    }
    cr_assert_lt(fabs(halved), plugin / 2);
    mml_arena_free(arena);
}

Test(estimate, intervals_hold_the_truth_and_do_not_depend_on_threads) {
    MmlArena *arena = mml_arena_new();
    MmlThreads *threads;
    cr_assert_eq(mml_threads_new(2, &threads), MML_OK);
    MmlTable table = sampled(arena, 11, 4, 2, 500, 1);                         /* S = 1, the rest 0 */
    MmlPid pid = solved(&table, arena);
    MmlPidIntervals one, two;
    cr_assert_eq(mml_pid_bootstrap(&table, &pid, NULL, 60, 3, NULL, arena, &one), MML_OK, "%s", mml_message());
    cr_assert_eq(mml_pid_bootstrap(&table, &pid, NULL, 60, 3, threads, arena, &two), MML_OK, "%s", mml_message());
    cr_assert_eq(memcmp(&one, &two, sizeof one), 0);
    cr_assert(one.synergy.low < 1 && one.synergy.high > 0.98 && one.synergy.low > 0.9, "%g %g", one.synergy.low, one.synergy.high);
    cr_assert(one.redundancy.low == 0 && one.redundancy.high < 0.05);
    for (int k = 0; k < 2; k++) cr_assert(one.unique[k].low == 0 && one.unique[k].high < 0.05);
    mml_threads_free(threads);
    mml_arena_free(arena);
}

Test(estimate, huge_counts_cost_no_more_and_leave_nothing_to_adjust) {
    static const double p[] = {0x1p49, 0, 0, 0x1p49, 0, 0x1p49, 0x1p49, 0};    /* parity of 2^51 samples */
    MmlTable table = {.sources = 2, .bins = {2, 2}, .labels = 2, .p = p};
    MmlArena *arena = mml_arena_new();
    MmlPid pid = solved(&table, arena);
    MmlPidNull null;
    MmlPidIntervals intervals;
    cr_assert_eq(mml_pid_null(&table, &pid, 50, 1, NULL, arena, &null), MML_OK, "%s", mml_message());
    cr_assert_eq(mml_pid_bootstrap(&table, &pid, NULL, 10, 1, NULL, arena, &intervals), MML_OK, "%s", mml_message());
    cr_assert_eq(null.samples, (i64)1 << 51);
    cr_assert_float_eq(null.synergy, 1, 1e-9);
    cr_assert_float_eq(intervals.synergy.low, 1, 1e-6);
    mml_arena_free(arena);
}

Test(estimate, degenerate_tables_have_degenerate_estimates) {
    static const double one_cell[] = {0, 0, 0, 9, 0, 0, 0, 0}, one_sample[] = {1, 0, 0, 0, 0, 0, 0, 0};
    MmlTable table = {.sources = 2, .bins = {2, 2}, .labels = 2, .p = one_cell};
    MmlArena *arena = mml_arena_new();
    MmlPid pid = solved(&table, arena);
    MmlPidNull null;
    MmlPidHalved half;
    MmlPidIntervals intervals;
    cr_assert_eq(mml_pid_null(&table, &pid, 10, 1, NULL, arena, &null), MML_OK);
    cr_assert_float_eq(null.synergy, 0, 1e-12);
    cr_assert_float_eq(null.p, 1, 1e-12);
    cr_assert_eq(mml_pid_halved(&table, &pid, NULL, 1, arena, &half), MML_OK);
    cr_assert_eq(mml_pid_bootstrap(&table, &pid, NULL, 5, 1, NULL, arena, &intervals), MML_OK);
    cr_assert_float_eq(intervals.redundancy.high, 0, 1e-9);
    table.p = one_sample;
    cr_assert_eq(mml_pid_halved(&table, &pid, NULL, 1, arena, &half), MML_EINPUT);
    cr_assert(strstr(mml_message(), "at least 2 samples"), "%s", mml_message());
    mml_arena_free(arena);
}

Test(estimate, misuse_is_an_error_with_a_message) {
    static const double p[] = {1, 1};
    MmlTable table = {.sources = 2, .bins = {1, 1}, .labels = 2, .p = p}, without = table, wrong = table;
    MmlArena *arena = mml_arena_new();
    MmlPid pid = solved(&table, arena), other;
    MmlPidNull null;
    MmlPidHalved half;
    MmlPidIntervals intervals;
    double gradient[8];
    without.p = NULL;
    cr_assert_eq(mml_pid_solve(NULL, NULL, arena, &other), MML_EINPUT);
    cr_assert_eq(mml_pid_solve(&without, NULL, arena, &other), MML_EINPUT);
    cr_assert_eq(mml_pid_solve(&table, NULL, NULL, &other), MML_EINPUT);
    cr_assert_eq(mml_pid_solve(&table, NULL, arena, NULL), MML_EINPUT);
    cr_assert_eq(mml_pid_gradient(&table, NULL, arena, gradient), MML_EINPUT);
    cr_assert_eq(mml_pid_null(&without, &pid, 10, 1, NULL, arena, &null), MML_EINPUT);
    cr_assert_eq(mml_pid_null(&table, &pid, 1, 1, NULL, arena, &null), MML_EINPUT);
    cr_assert_eq(mml_pid_halved(&table, NULL, NULL, 1, arena, &half), MML_EINPUT);
    cr_assert_eq(mml_pid_bootstrap(&table, &pid, NULL, 1, 1, NULL, arena, &intervals), MML_EINPUT);
    cr_assert(strstr(mml_message(), "at least 2 resamples"), "%s", mml_message());
    cr_assert_eq(mml_probe(NULL, 2, 1, NULL, NULL, NULL, 2, NULL, arena, NULL), MML_EINPUT);
    MmlPidOptions unknown = mml_pid_defaults();
    unknown.solver = 9;
    cr_assert_eq(mml_pid_solve(&table, &unknown, arena, &other), MML_EINPUT);
    const float rows[4] = {0, 1, 2, 3}, *const features[2] = {rows, rows};
    const int   width[2] = {1, 1};
    const i64   labels[4] = {0, 1, 0, 1};
    MmlProbeResult result;
    for (int bad = 0; bad < 3; bad++) {
        MmlProbeOptions probe = mml_probe_defaults();
        if (bad == 0) probe.solver = unknown;
        if (bad == 1) probe.bins = 9;
        if (bad == 2) probe.estimator = 9;
        cr_assert_eq(mml_probe(&probe, 2, 4, features, width, labels, 2, NULL, arena, &result), MML_EINPUT, "%d", bad);
    }
    static const int sizes[][2] = {{-1, 2}, {0, 2}, {1 << 20, 1 << 20}, {2147483647, 2147483647}};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        wrong.bins[0] = sizes[s][0];
        wrong.bins[1] = sizes[s][1];
        cr_assert_eq(mml_pid_solve(&wrong, NULL, arena, &other), MML_EINPUT, "%d", sizes[s][0]);
        cr_assert_eq(mml_pid_null(&wrong, &pid, 10, 1, NULL, arena, &null), MML_EINPUT);
    }
    wrong = table;
    wrong.labels = -3;
    cr_assert_eq(mml_pid_solve(&wrong, NULL, arena, &other), MML_EINPUT);
    wrong.labels = 2;
    wrong.sources = 1;
    cr_assert_eq(mml_pid_solve(&wrong, NULL, arena, &other), MML_EINPUT);
    mml_arena_free(arena);
}
