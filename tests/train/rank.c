/* Spearman's rank correlation and what the starts of a sweep are reduced to. */
#include "train/rank.h"
#include "train/sweep_start.h"

#include <criterion/criterion.h>
#include <math.h>

static MmlRank correlation(const double *x, const double *y, i64 n) {
    MmlArena *arena = mml_arena_new();
    MmlRank rank;
    cr_assert_eq(mml_spearman(x, y, n, arena, &rank), MML_OK);
    mml_arena_free(arena);
    return rank;
}

Test(rank, equal_values_share_the_mean_of_their_ranks) {
    const double values[] = {3, 1, 3, 2, 3}, expected[] = {4, 1, 4, 2, 4};
    double ranks[5];
    MmlArena *arena = mml_arena_new();
    mml_ranks(values, 5, ranks, arena);
    for (int i = 0; i < 5; i++) cr_expect_eq(ranks[i], expected[i]);
    mml_arena_free(arena);
}

/* scipy.stats.spearmanr */
Test(rank, correlation_with_ties_is_that_of_scipy) {
    const double x[] = {0.187, 0.138, 0.134, 0.114, 0.111, 0.169, 0.131, 0.128, 0.104, 0.096};
    const double y[] = {91.8, 92.4, 92.2, 91.2, 90.6, 91.0, 91.8, 91.6, 91.4, 91.4};
    const double a[] = {1, 2, 2, 3, 3, 3, 4, 5, 5, 6}, b[] = {10, 9, 9, 9, 7, 8, 7, 2, 2, 1};
    cr_expect_float_eq(correlation(x, y, 10).rho, 0.45122790065613705, 1e-12);
    cr_expect_float_eq(correlation(a, b, 10).rho, -0.9559748427672957, 1e-12);
}

/* Over all pairings of four, two are as far from 0 as 1 -> 1, 2 -> 2 …: 2 / 24. Of five, 0.8 is reached by 16 of 120. */
Test(rank, p_is_the_share_of_pairings_as_far_from_zero) {
    const double four[] = {1, 2, 3, 4}, five[] = {1, 2, 3, 4, 5}, swapped[] = {2, 1, 4, 3, 5};
    cr_expect_float_eq(correlation(four, four, 4).p, 2.0 / 24, 0.005);
    MmlRank rank = correlation(five, swapped, 5);
    cr_expect_float_eq(rank.rho, 0.8, 1e-12);
    cr_expect_float_eq(rank.p, 16.0 / 120, 0.005);
    cr_expect_eq(rank.p, correlation(five, swapped, 5).p);
}

Test(rank, two_pairs_or_a_constant_have_no_correlation) {
    const double x[] = {1, 2, 3}, same[] = {5, 5, 5};
    cr_expect(isnan(correlation(x, x, 2).rho));
    cr_expect(isnan(correlation(x, same, 3).rho));
    cr_expect(isnan(correlation(x, same, 3).p));
}

Test(rank, imbalance_is_the_ratio_of_unique_informations_in_octaves) {
    const double equal[] = {0.5, 0.5}, none[] = {0, 0.511}, less_than_none[] = {0.511, -1e-9}, three[] = {0.255, 0.127, 0.063};
    cr_expect_eq(mml_imbalance(equal, 2), 0);
    cr_expect_float_eq(mml_imbalance(none, 2), 9, 1e-12);
    cr_expect_float_eq(mml_imbalance(less_than_none, 2), 9, 1e-12);
    cr_expect_float_eq(mml_imbalance(three, 3), 2, 1e-12);
}
