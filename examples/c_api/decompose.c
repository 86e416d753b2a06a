/* Decomposes a table of counts with the library, and checks what it says:
 * the certificate from q and the dual alone, the gradient by differences.
 *
 *   PKG_CONFIG_PATH=PREFIX/lib/pkgconfig make && ./decompose
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <mml/pid.h>

enum { X1 = 3, X2 = 3, Y = 2, CELLS = X1 * X2 * Y };

/* Samples of two three-level readings x1, x2 and a fault y. */
static const double COUNTS[CELLS] = {
    61, 3,  40, 9,   8, 2,
    38, 11, 12, 14,  9, 37,
     7, 19, 30, 11,  2, 66,
};

static int failed(void) {
    fprintf(stderr, "decompose: %s\n", mml_message());
    return 1;
}

/* What q and u = pid->dual prove, in bits, from nothing but them and P: every
 * feasible q has -H_q(Y|X1,X2) >= <P, u(x1,y) + u(x2,y)> when no tuple has
 * sum_y exp(u(x1,y) + u(x2,y)) > 1. */
static void check_certificate(const double *p, const MmlPid *pid, long double *gap, long double *marginals, long double *infeasible) {
    const double *u1 = pid->dual, *u2 = pid->dual + X1 * Y;
    long double primal = 0, dual = 0, off1[X1][Y] = {{0}}, off2[X2][Y] = {{0}};
    *infeasible = -INFINITY;
    for (int i = 0; i < X1; i++)
        for (int j = 0; j < X2; j++) {
            const double *q_row = pid->q + (i * X2 + j) * Y, *p_row = p + (i * X2 + j) * Y;
            long double mass = 0, sum = 0;
            for (int y = 0; y < Y; y++) mass += q_row[y];
            for (int y = 0; y < Y; y++) {
                if (q_row[y] > 0) primal += q_row[y] * log2l(q_row[y] / mass);
                dual += p_row[y] * ((long double)u1[i * Y + y] + u2[j * Y + y]) / logl(2);
                sum += expl((long double)u1[i * Y + y] + u2[j * Y + y]);
                off1[i][y] += (long double)q_row[y] - p_row[y];
                off2[j][y] += (long double)q_row[y] - p_row[y];
            }
            *infeasible = fmaxl(*infeasible, logl(sum));
        }
    *gap = primal - dual;
    *marginals = 0;
    for (int y = 0; y < Y; y++) {
        for (int i = 0; i < X1; i++) *marginals += fabsl(off1[i][y]);
        for (int j = 0; j < X2; j++) *marginals += fabsl(off2[j][y]);
    }
}

/* Synergy when cell c has weight `step` more. */
static Status synergy_with(const double *p, int c, double step, MmlArena *arena, double *synergy) {
    double moved[CELLS];
    for (int k = 0; k < CELLS; k++) moved[k] = p[k] + (k == c ? step : 0);
    MmlTable table = {.sources = 2, .bins = {X1, X2}, .labels = Y, .p = moved};
    MmlPid pid;
    MML_TRY(mml_pid_solve(&table, NULL, arena, &pid));
    *synergy = pid.synergy;
    return MML_OK;
}

int main(void) {
    MmlTable counts = {.sources = 2, .bins = {X1, X2}, .labels = Y, .p = COUNTS};
    MmlArena *arena = mml_arena_new();                  /* all results live here */
    MmlPid pid;
    if (!arena || mml_pid_solve(&counts, NULL, arena, &pid) != MML_OK) return failed();
    printf("redundancy %.6f  unique %.6f %.6f  synergy %.6f bits; gap %.1e after %d steps\n", pid.redundancy, pid.unique[0],
           pid.unique[1], pid.synergy, pid.gap, pid.iterations);

    double p[CELLS], samples = 0;
    for (int c = 0; c < CELLS; c++) samples += COUNTS[c];
    for (int c = 0; c < CELLS; c++) p[c] = COUNTS[c] / samples;
    long double gap, marginals, infeasible;
    check_certificate(p, &pid, &gap, &marginals, &infeasible);
    printf("certificate: gap %.1Le bits, marginals off by %.1Le, dual at most %.1Le\n", gap, marginals, infeasible);

    double gradient[4 * CELLS], above, below, worst = 0;
    const double step = 3e-6;
    if (mml_pid_gradient(&counts, &pid, arena, gradient) != MML_OK) return failed();
    for (int c = 0; c < CELLS; c++) {
        if (synergy_with(p, c, step, arena, &above) != MML_OK || synergy_with(p, c, -step, arena, &below) != MML_OK) return failed();
        worst = fmax(worst, fabs((above - below) / (2 * step) - gradient[3 * CELLS + c]));
    }
    printf("gradient of synergy: differs from central differences by %.1e\n", worst);

    MmlPidNull null;
    MmlPidIntervals intervals;
    if (mml_pid_null(&counts, &pid, 999, 1, NULL, arena, &null) != MML_OK ||
        mml_pid_bootstrap(&counts, &pid, NULL, 200, 1, NULL, arena, &intervals) != MML_OK)
        return failed();
    printf("of %.0f samples: synergy adjusted %.4f, 95 %% interval %.4f ... %.4f, p = %.3f\n", samples, null.synergy,
           intervals.synergy.low, intervals.synergy.high, null.p);

    counts.bins[0] = -3;                                /* wrong calls say what is wrong */
    if (mml_pid_solve(&counts, NULL, arena, &pid) == MML_OK) return 1;
    printf("and a wrong call: %s\n", mml_message());
    mml_arena_free(arena);
    return gap <= 1e-9L && marginals <= 1e-12L && infeasible <= 0 && worst <= 1e-6 ? 0 : 1;
}
