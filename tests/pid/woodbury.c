#include <criterion/criterion.h>
#include <math.h>

#include "mml/random.h"
#include "pid/laplacian.h"
#include "pid/newton.h"
#include "pid/woodbury.h"

/* K times the inverse, K with its columns' signs as they are: the unit matrix away from the ground. */
Test(laplacian, the_inverse_times_the_matrix_is_the_unit_matrix) {
    enum { ROWS = 4, COLUMNS = 3, LABELS = 6, N = ROWS + COLUMNS };
    MmlArena *arena = mml_arena_new();
    MmlLaplacian l;
    cr_assert(mml_laplacian_new(ROWS, COLUMNS, LABELS, arena, &l));
    MmlRandom random = mml_random(1, MML_STREAM_RULE, 0, 0);
    for (int y = 0; y < LABELS; y++) {
        l.ground[y] = y % COLUMNS;
        for (int i = 0; i < ROWS; i++)
            for (int j = 0; j < COLUMNS; j++) l.w[mml_laplacian_at(&l, i, j, y)] = pow(10, -6 * mml_random_uniform(&random));
    }
    cr_assert(mml_laplacian_invert(&l));
    for (int y = 0; y < LABELS; y++) {
        double k[N][N] = {{0}}, inverse[N][N];
        for (int i = 0; i < ROWS; i++)
            for (int j = 0; j < COLUMNS; j++) {
                double w = l.w[mml_laplacian_at(&l, i, j, y)];
                k[i][i] += w;
                k[ROWS + j][ROWS + j] += w;
                k[i][ROWS + j] = k[ROWS + j][i] = w;
                inverse[i][ROWS + j] = inverse[ROWS + j][i] = -l.rc[(y * ROWS + i) * l.width + j];
            }
        for (int i = 0; i < ROWS; i++)
            for (int m = 0; m < ROWS; m++) inverse[i][m] = l.rr[(y * ROWS + i) * ROWS + m];
        for (int j = 0; j < COLUMNS; j++)
            for (int m = 0; m < COLUMNS; m++) inverse[ROWS + j][ROWS + m] = l.cc[(y * l.width + j) * l.width + m];
        for (int a = 0; a < N; a++)
            for (int b = 0; b < N; b++) {
                double sum = 0, size = 0;
                for (int c = 0; c < N; c++) {
                    sum += k[a][c] * inverse[c][b];
                    size += fabs(k[a][c] * inverse[c][b]);
                }
                int ground = ROWS + l.ground[y];
                if (b == ground) cr_assert_eq(size, 0);
                else if (a != ground) cr_assert(fabs(sum - (a == b)) <= 1e-13 * fmax(1, size), "label %d: %d %d: %g", y, a, b, sum);
            }
    }
    mml_arena_free(arena);
}

Test(laplacian, a_bin_cut_off_from_the_ground_is_reported) {
    MmlArena *arena = mml_arena_new();
    MmlLaplacian l;
    cr_assert(mml_laplacian_new(2, 2, 1, arena, &l));
    l.w[mml_laplacian_at(&l, 0, 0, 0)] = l.w[mml_laplacian_at(&l, 1, 1, 0)] = 1;
    cr_assert_not(mml_laplacian_invert(&l));
    mml_arena_free(arena);
}

/* Both signs of m/s - m, so both parts of the factorisation. */
Test(woodbury, solves_newtons_equations_as_the_direct_form_does) {
    enum { ROWS = 5, COLUMNS = 3, LABELS = 7, LIVE = ROWS * COLUMNS, UNKNOWNS = (ROWS + COLUMNS) * LABELS };
    MmlRandom random = mml_random(2, MML_STREAM_RULE, 0, 0);
    int bins[2 * LIVE];
    double p[UNKNOWNS], m[LIVE], s[LIVE], pi[LIVE * LABELS], right[UNKNOWNS] = {0}, du[2][UNKNOWNS], flow[2][LIVE];
    MmlSupport support = {.sources = 2, .labels = LABELS, .bins = {COLUMNS, ROWS}, .start = {0, COLUMNS * LABELS, UNKNOWNS},
                          .p = p, .live = LIVE, .bin = bins, .rows = 1};
    for (int u = 0; u < UNKNOWNS; u++) p[u] = 1 + mml_random_uniform(&random);
    for (int t = 0; t < LIVE; t++) {
        double sum = 0;
        bins[2 * t] = t / ROWS;
        bins[2 * t + 1] = t % ROWS;
        m[t] = 0.01 + mml_random_uniform(&random);
        s[t] = pow(10, 1 - 3 * mml_random_uniform(&random));
        for (int y = 0; y < LABELS; y++) sum += pi[t * LABELS + y] = 0.01 + mml_random_uniform(&random);
        for (int y = 0; y < LABELS; y++) pi[t * LABELS + y] /= sum;
        /* Right sides of M du are such that each label's sums of both sources agree. */
        for (int y = 0; y < LABELS; y++) {
            double share = mml_random_uniform(&random) - 0.5;
            right[bins[2 * t] * LABELS + y] += share;
            right[(COLUMNS + bins[2 * t + 1]) * LABELS + y] += share;
        }
    }
    MmlArena *arena = mml_arena_new();
    MmlNewton *direct = mml_newton_new(&support, 0, arena);
    MmlWoodbury *woodbury = mml_woodbury_new(&support, arena);
    cr_assert(mml_newton_factor(direct, m, s, pi) && mml_woodbury_factor(woodbury, m, s, pi));
    mml_newton_solve(direct, right, du[0], flow[0]);
    cr_assert(mml_woodbury_solve(woodbury, right, du[1], flow[1]));
    for (int u = 0; u < UNKNOWNS; u++) cr_assert_float_eq(du[0][u], du[1][u], 1e-8, "unknown %d: %g, not %g", u, du[1][u], du[0][u]);
    for (int t = 0; t < LIVE; t++) cr_assert_float_eq(flow[0][t], flow[1][t], 1e-8);
    mml_arena_free(arena);
}
