#include "pid/kmeans.h"

#include <criterion/criterion.h>
#include <math.h>

static int run(const float *rows, i64 n, int d, MmlKMeansOptions options, u64 seed, MmlThreads *threads,
               i32 *assignment, float *centres, double *inertia) {
    MmlArena *arena = mml_arena_new();
    MmlRandom random = mml_random(seed, MML_STREAM_PROBE, 0, 0);
    int clusters = -1;
    cr_assert_eq(mml_kmeans(rows, n, d, options, &random, threads, arena, assignment, centres, &clusters, inertia), MML_OK,
                 "%s", mml_message());
    mml_arena_free(arena);
    return clusters;
}

/* Twelve rows around each of three far points. */
static void blobs(float *rows, int *truth) {
    static const float corner[3][2] = {{0, 0}, {10, 0}, {0, 10}};
    MmlRandom random = mml_random(1, MML_STREAM_RULE, 0, 0);
    for (int i = 0; i < 36; i++) {
        truth[i] = i % 3;
        for (int c = 0; c < 2; c++) rows[2 * i + c] = corner[i % 3][c] + (float)(mml_random_uniform(&random) - 0.5);
    }
}

Test(kmeans, finds_separate_groups) {
    float rows[72], centres[6];
    int truth[36];
    blobs(rows, truth);
    for (u64 seed = 0; seed < 10; seed++) {
        i32 assignment[36];
        cr_assert_eq(run(rows, 36, 2, (MmlKMeansOptions){3, 4, 100}, seed, NULL, assignment, centres, NULL), 3);
        for (int i = 0; i < 36; i++) cr_assert_eq(assignment[i], assignment[truth[i]], "row %d", i);
        for (int j = 0; j < 3; j++) {
            double mean = 0;
            for (int i = j; i < 36; i += 3) mean += rows[2 * i] / 12;
            cr_assert_float_eq(centres[2 * assignment[j]], mean, 1e-5);
        }
    }
}

Test(kmeans, keeps_the_best_of_its_restarts) {
    float rows[72];
    int truth[36];
    i32 assignment[36];
    blobs(rows, truth);
    double one, many;
    run(rows, 36, 2, (MmlKMeansOptions){7, 1, 100}, 2, NULL, assignment, NULL, &one);
    run(rows, 36, 2, (MmlKMeansOptions){7, 30, 100}, 2, NULL, assignment, NULL, &many);
    cr_assert_leq(many, one);
}

Test(kmeans, inertia_is_the_sum_of_squared_distances_to_the_own_centre) {
    float rows[72], centres[8];
    int truth[36];
    i32 assignment[36];
    double inertia, sum = 0;
    blobs(rows, truth);
    run(rows, 36, 2, (MmlKMeansOptions){4, 2, 100}, 3, NULL, assignment, centres, &inertia);
    for (int i = 0; i < 36; i++)
        for (int c = 0; c < 2; c++) sum += pow(rows[2 * i + c] - centres[2 * assignment[i] + c], 2);
    cr_assert_float_eq(inertia, sum, 1e-4);
}

Test(kmeans, gives_each_distinct_row_its_cluster_when_there_are_too_few) {
    const float rows[] = {1, 1, 5, 1, 5, 5, 1, 9};
    i32 assignment[8];
    double inertia;
    cr_assert_eq(run(rows, 8, 1, (MmlKMeansOptions){20, 4, 100}, 4, NULL, assignment, NULL, &inertia), 3);
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 8; j++) cr_assert_eq(assignment[i] == assignment[j], rows[i] == rows[j]);
    cr_assert_eq(inertia, 0);
}

Test(kmeans, equal_rows_are_one_cluster) {
    const float rows[] = {2, 3, 2, 3, 2, 3};
    i32 assignment[3];
    cr_assert_eq(run(rows, 3, 2, (MmlKMeansOptions){5, 3, 10}, 5, NULL, assignment, NULL, NULL), 1);
    for (int i = 0; i < 3; i++) cr_assert_eq(assignment[i], 0);
}

/* Four equal rows and one far: with two clusters any seeding must end with them apart. */
Test(kmeans, splits_a_far_row_from_equal_ones) {
    const float rows[] = {0, 0, 0, 0, 10};
    for (u64 seed = 0; seed < 20; seed++) {
        i32 assignment[5];
        cr_assert_eq(run(rows, 5, 1, (MmlKMeansOptions){2, 1, 100}, seed, NULL, assignment, NULL, NULL), 2);
        cr_assert_neq(assignment[0], assignment[4]);
    }
}

/* Two of three centres see no row at first: the farthest row and the next must become theirs. */
Test(kmeans, an_emptied_cluster_is_reseeded_at_the_farthest_row) {
    const float rows[] = {0, 1, 0, 1, 50, 51, 90};
    float centres[] = {0, 1000, -1000};
    i32 assignment[7];
    int clusters;
    MmlArena *arena = mml_arena_new();
    cr_assert_eq(mml_kmeans_from(rows, 7, 1, (MmlKMeansOptions){3, 1, 100}, NULL, arena, assignment, centres, &clusters), MML_OK);
    cr_assert_eq(clusters, 3);
    for (int i = 1; i < 4; i++) cr_assert_eq(assignment[i], assignment[0]);
    cr_assert_eq(assignment[5], assignment[4]);
    cr_assert(assignment[6] != assignment[4] && assignment[6] != assignment[0] && assignment[4] != assignment[0]);
    cr_assert_float_eq(centres[assignment[0]], 0.5, 1e-6);
    cr_assert_float_eq(centres[assignment[4]], 50.5, 1e-6);
    cr_assert_float_eq(centres[assignment[6]], 90, 1e-6);

    float same[] = {3, 3, 3}, apart[] = {3, 100};          /* no row is away from its centre: the cluster goes */
    cr_assert_eq(mml_kmeans_from(same, 3, 1, (MmlKMeansOptions){2, 1, 100}, NULL, arena, assignment, apart, &clusters), MML_OK);
    cr_assert_eq(clusters, 1);
    mml_arena_free(arena);
}

/* Every cluster it reports has a row, whatever the seeding emptied on the way. */
Test(kmeans, leaves_no_cluster_empty) {
    for (u64 seed = 0; seed < 40; seed++) {
        float rows[60];
        i32 assignment[60];
        int counts[25] = {0};
        MmlRandom random = mml_random(seed, MML_STREAM_RULE, 1, 0);
        for (int i = 0; i < 60; i++) rows[i] = (float)floor(pow(10, 3 * mml_random_uniform(&random)));
        int clusters = run(rows, 60, 1, (MmlKMeansOptions){25, 1, 100}, seed, NULL, assignment, NULL, NULL);
        for (int i = 0; i < 60; i++) {
            cr_assert(assignment[i] >= 0 && assignment[i] < clusters);
            counts[assignment[i]]++;
        }
        for (int j = 0; j < clusters; j++) cr_assert(counts[j] > 0, "seed %d cluster %d", (int)seed, j);
    }
}

Test(kmeans, repeats_itself_for_a_number_of_threads) {
    enum { N = 500, D = 3 };
    float rows[N * D];
    MmlRandom random = mml_random(6, MML_STREAM_RULE, 0, 0);
    for (int i = 0; i < N * D; i++) rows[i] = (float)mml_random_normal(&random);
    for (int count = 1; count <= 3; count += 2) {
        MmlThreads *threads;
        i32 first[N], again[N];
        double a, b;
        cr_assert_eq(mml_threads_new(count, &threads), MML_OK);
        run(rows, N, D, (MmlKMeansOptions){10, 3, 100}, 7, threads, first, NULL, &a);
        run(rows, N, D, (MmlKMeansOptions){10, 3, 100}, 7, threads, again, NULL, &b);
        cr_assert_arr_eq(first, again, sizeof first);
        cr_assert_eq(a, b);
        mml_threads_free(threads);
    }
}

/* Plain Lloyd in double, cell by cell, from a random choice of rows. */
static double slow_inertia(const float *rows, int n, int d, int k, MmlRandom *random) {
    double centres[20 * 5], sums[20 * 5], counts[20], inertia = 0, before = HUGE_VAL;
    for (int j = 0; j < k; j++) {
        int row = (int)mml_random_below(random, (u64)n);
        for (int c = 0; c < d; c++) centres[j * d + c] = rows[row * d + c];
    }
    for (int round = 0; round < 200 && (round < 2 || inertia < before); round++) {
        before = inertia > 0 ? inertia : HUGE_VAL;
        inertia = 0;
        for (int c = 0; c < k * d; c++) sums[c] = 0;
        for (int j = 0; j < k; j++) counts[j] = 0;
        for (int i = 0; i < n; i++) {
            double least = HUGE_VAL;
            int nearest = 0;
            for (int j = 0; j < k; j++) {
                double distance = 0;
                for (int c = 0; c < d; c++) distance += pow(rows[i * d + c] - centres[j * d + c], 2);
                if (distance < least) least = distance, nearest = j;
            }
            inertia += least;
            counts[nearest]++;
            for (int c = 0; c < d; c++) sums[nearest * d + c] += rows[i * d + c];
        }
        for (int j = 0; j < k; j++)
            for (int c = 0; c < d && counts[j] > 0; c++) centres[j * d + c] = sums[j * d + c] / counts[j];
    }
    return inertia;
}

Test(kmeans, in_twenty_restarts_is_no_worse_than_twenty_plain_runs) {
    enum { N = 600, D = 5, K = 12 };
    float rows[N * D];
    i32 assignment[N];
    MmlRandom random = mml_random(8, MML_STREAM_RULE, 0, 0);
    for (int i = 0; i < N; i++)
        for (int c = 0; c < D; c++) rows[i * D + c] = (float)(3 * (i * (c + 3) % 7) + mml_random_normal(&random));
    double plain = HUGE_VAL, ours;
    for (int restart = 0; restart < 20; restart++) plain = fmin(plain, slow_inertia(rows, N, D, K, &random));
    run(rows, N, D, (MmlKMeansOptions){K, 20, 300}, 9, NULL, assignment, NULL, &ours);
    cr_assert_leq(ours, 1.01 * plain, "%g against %g", ours, plain);
}

Test(kmeans, new_rows_go_to_the_nearest_centre) {
    float rows[72], centres[6];
    int truth[36];
    i32 own[36], again[36], fresh[3];
    blobs(rows, truth);
    run(rows, 36, 2, (MmlKMeansOptions){3, 4, 100}, 1, NULL, own, centres, NULL);
    cr_assert_eq(mml_kmeans_assign(rows, 36, 2, centres, 3, again), MML_OK);
    cr_assert_arr_eq(own, again, sizeof own);
    const float corners[] = {-5, -5, 30, 0, 1, 8};
    cr_assert_eq(mml_kmeans_assign(corners, 3, 2, centres, 3, fresh), MML_OK);
    for (int i = 0; i < 3; i++) cr_assert_eq(fresh[i], own[i]);
    cr_assert_eq(mml_kmeans_assign(corners, 3, 2, centres, 0, fresh), MML_EINPUT);
}

Test(kmeans, restarts_on_threads_of_their_own_are_those_of_one_thread) {
    enum { N = 300, D = 2 };
    float rows[N * D];
    i32 one[N], two[N];
    double a, b;
    MmlThreads *threads;
    MmlRandom random = mml_random(15, MML_STREAM_RULE, 0, 0);
    for (int i = 0; i < N * D; i++) rows[i] = (float)mml_random_normal(&random);
    cr_assert_eq(mml_threads_new(2, &threads), MML_OK);
    run(rows, N, D, (MmlKMeansOptions){8, 5, 100}, 3, NULL, one, NULL, &a);
    run(rows, N, D, (MmlKMeansOptions){8, 5, 100}, 3, threads, two, NULL, &b);
    cr_assert_arr_eq(one, two, sizeof one);
    cr_assert_eq(a, b);
    mml_threads_free(threads);
}

Test(kmeans, refuses_senseless_options) {
    float rows[2] = {0, 1};
    i32 assignment[2];
    int clusters;
    MmlArena *arena = mml_arena_new();
    MmlRandom random = mml_random(0, MML_STREAM_PROBE, 0, 0);
    const MmlKMeansOptions bad[] = {{0, 1, 1}, {1, 0, 1}, {1, 1, 0}};
    for (int b = 0; b < 3; b++)
        cr_assert_eq(mml_kmeans(rows, 2, 1, bad[b], &random, NULL, arena, assignment, NULL, &clusters, NULL), MML_EINPUT);
    mml_arena_free(arena);
}
