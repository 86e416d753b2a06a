#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pid/fastpid.h"
#include "tables.h"

static MmlPidOptions adam(void) {
    MmlPidOptions options = mml_pid_defaults();
    options.solver = MML_PID_ADAM;
    return options;
}

/* Table VI of the paper, and the step at which it stops (pid.md 3). */
Test(fastpid, and_stops_where_the_paper_does_with_its_values) {
    MmlArena *arena = mml_arena_new();
    MmlTable table = gate_table(&GATES[1]);
    MmlPidOptions options = adam();
    MmlPid pid;
    cr_assert_eq(mml_pid_solve(&table, &options, arena, &pid), MML_OK);
    cr_assert(abs(pid.iterations - 104) <= 2, "%d steps", pid.iterations);
    cr_assert_float_eq(pid.redundancy, 0.3079, 5e-5);
    cr_assert_float_eq(pid.unique[0], 0.0033, 5e-5);
    cr_assert_float_eq(pid.unique[1], 0.0009, 5e-5);
    cr_assert_float_eq(pid.synergy, 0.4991, 5e-5);
    cr_assert(isnan(pid.gap));
    cr_assert_null(pid.dual);
    cr_assert(pid.residual > 1e-3, "ten sweeps leave the marginals, by %g", pid.residual);
    mml_arena_free(arena);
}

Test(fastpid, xor_is_all_synergy_from_every_start) {
    MmlArena *arena = mml_arena_new();
    MmlTable table = gate_table(&GATES[0]);
    for (int start = MML_PID_ANALYTIC; start <= MML_PID_GAUSSIAN; start++) {
        MmlPidOptions options = adam();
        options.start = (MmlPidStart)start;
        options.seed = 3;
        MmlPid pid;
        cr_assert_eq(mml_pid_solve(&table, &options, arena, &pid), MML_OK);
        cr_assert_float_eq(pid.synergy, 1, 1e-3);
        cr_assert_float_eq(pid.redundancy, 0, 1e-3);
    }
    mml_arena_free(arena);
}

Test(fastpid, projecting_to_convergence_keeps_the_marginals) {
    MmlArena *arena = mml_arena_new();
    MmlRandom random = mml_random(10, MML_STREAM_RULE, 0, 0);
    MmlTable table = filled_table(&random, DENSE_WEIGHTS, 2, (int[]){4, 3}, 3, arena);
    MmlPidOptions options = adam();
    options.until = 1e-9;
    options.sinkhorn = 5000;
    options.lr = 0.02;
    options.tolerance = 1e-7;
    options.relative = 1;
    MmlPid pid, exact;
    cr_assert_eq(mml_pid_solve(&table, &options, arena, &pid), MML_OK, "%s", mml_message());
    cr_assert_eq(mml_pid_solve(&table, NULL, arena, &exact), MML_OK);
    cr_assert(pid.residual <= 2e-9, "%g", pid.residual);
    cr_assert_float_eq(pid.synergy, exact.synergy, 1e-3);
    cr_assert_float_eq(pid.redundancy, exact.redundancy, 1e-3);
    cr_assert(pid.synergy <= exact.synergy + 1e-7, "a feasible q has no less information than the optimum");
    mml_arena_free(arena);
}

Test(fastpid, a_relative_tolerance_stops_later_on_many_cells) {
    MmlArena *arena = mml_arena_new();
    MmlRandom random = mml_random(11, MML_STREAM_RULE, 0, 0);
    MmlTable table = filled_table(&random, DENSE_WEIGHTS, 2, (int[]){12, 12}, 8, arena);
    MmlPidOptions options = adam();
    options.tolerance = 1e-4;
    options.iterations = 200;
    MmlPid absolute, relative;
    cr_assert_eq(mml_pid_solve(&table, &options, arena, &absolute), MML_OK);
    options.relative = 1;
    cr_assert_eq(mml_pid_solve(&table, &options, arena, &relative), MML_OK);
    cr_assert(relative.iterations > absolute.iterations, "%d and %d", relative.iterations, absolute.iterations);
    mml_arena_free(arena);
}

/* The builds that this processor runs. */
static int kernels(const MmlFastPidKernel **out) {
    int count = 0;
    out[count++] = &mml_fastpid_portable;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) out[count++] = &mml_fastpid_wide;
#endif
    return count;
}

Test(fastpid, the_gradient_through_sweeps_and_softmax_agrees_with_differences) {
    static const struct { int bins[2], labels, sweeps; TableKind kind; } cases[] = {
        {{3, 4}, 3, 1, DENSE_WEIGHTS}, {{3, 4}, 3, 4, SPARSE_WEIGHTS}, {{3, 4}, 3, 7, DENSE_WEIGHTS},
        {{9, 5}, 6, 2, DENSE_WEIGHTS}, {{5, 13}, 1, 3, DENSE_WEIGHTS}, {{1, 2}, 9, 2, DENSE_WEIGHTS},
    };
    const double h = 1e-6;
    const MmlFastPidKernel *kernel[2];
    MmlArena *arena = mml_arena_new();
    for (int k = 0, count = kernels(kernel); k < count; k++)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            MmlRandom random = mml_random(12, MML_STREAM_RULE, i, 0);
            MmlTable table = filled_table(&random, cases[i].kind, 2, cases[i].bins, cases[i].labels, arena);
            MmlPidOptions options = adam();
            options.sinkhorn = cases[i].sweeps;
            MmlJoint joint;
            cr_assert_eq(mml_joint_new(&table, arena, &joint), MML_OK);
            i64 cells = table_cells(&table);
            double *logits = MML_NEW(arena, double, cells), *gradient = MML_NEW(arena, double, cells), loss, up, down;
            for (i64 c = 0; c < cells; c++) logits[c] = mml_random_normal(&random);
            cr_assert_eq(mml_fastpid_loss(&joint, &options, kernel[k], logits, arena, &loss, gradient), MML_OK);
            for (i64 c = 0; c < cells; c++) {
                double kept = logits[c];
                logits[c] = kept + h;
                cr_assert_eq(mml_fastpid_loss(&joint, &options, kernel[k], logits, arena, &up, NULL), MML_OK);
                logits[c] = kept - h;
                cr_assert_eq(mml_fastpid_loss(&joint, &options, kernel[k], logits, arena, &down, NULL), MML_OK);
                logits[c] = kept;
                cr_assert_float_eq(gradient[c], (up - down) / (2 * h), 1e-8, "build %d, case %d, cell %d: %g, not %g", k, (int)i,
                                   (int)c, gradient[c], (up - down) / (2 * h));
            }
        }
    mml_arena_free(arena);
}

/* Softmax and sweeps as Algorithm 2 writes them, cell by cell. */
static double plain_loss(const MmlJoint *joint, const double *logits, int sweeps, MmlArena *arena) {
    int n1 = joint->bins[0], n2 = joint->bins[1], ny = joint->labels;
    i64 cells = joint->tuples * ny;
    double *q = MML_NEW(arena, double, cells), *sums = MML_NEW(arena, double, (n1 + n2) * ny), total = 0;
    for (i64 c = 0; c < cells; c++) total += exp(logits[c]);
    for (i64 c = 0; c < cells; c++) q[c] = exp(logits[c]) / total;
    for (int half = 0; half < 2 * sweeps; half++) {
        int source = half % 2 == 0;
        for (int v = 0; v < (n1 + n2) * ny; v++) sums[v] = 0;
        for (i64 c = 0; c < cells; c++) sums[(source ? c / ny % n2 : c / ny / n2) * ny + c % ny] += q[c];
        for (i64 c = 0; c < cells; c++) {
            i64 v = (source ? c / ny % n2 : c / ny / n2) * ny + c % ny;
            q[c] = sums[v] > 0 ? q[c] * joint->marginal[source][v] / sums[v] : 0;
        }
    }
    return mml_negative_conditional_entropy(q, joint->tuples, ny);
}

Test(fastpid, every_build_projects_as_the_pseudo_code_does) {
    const MmlFastPidKernel *kernel[2];
    MmlArena *arena = mml_arena_new();
    MmlRandom random = mml_random(14, MML_STREAM_RULE, 0, 0);
    for (int trial = 0; trial < 60; trial++) {
        MmlTable table = random_table(&random, (TableKind)(trial % TABLE_KINDS), 2, 21, arena);
        MmlPidOptions options = adam();
        options.sinkhorn = 1 + trial % 12;
        MmlJoint joint;
        cr_assert_eq(mml_joint_new(&table, arena, &joint), MML_OK);
        double *logits = MML_NEW(arena, double, table_cells(&table)), loss;
        for (i64 c = 0; c < table_cells(&table); c++) logits[c] = 3 * mml_random_normal(&random);
        double expected = plain_loss(&joint, logits, options.sinkhorn, arena);
        for (int k = 0, count = kernels(kernel); k < count; k++) {
            cr_assert_eq(mml_fastpid_loss(&joint, &options, kernel[k], logits, arena, &loss, NULL), MML_OK);
            cr_assert_float_eq(loss, expected, 1e-12, "build %d, trial %d: %.17g, not %.17g", k, trial, loss, expected);
        }
    }
    mml_arena_free(arena);
}

Test(fastpid, refuses_three_sources_and_senseless_options) {
    MmlArena *arena = mml_arena_new();
    MmlRandom random = mml_random(13, MML_STREAM_RULE, 0, 0);
    MmlTable two = gate_table(&GATES[1]), three = filled_table(&random, DENSE_WEIGHTS, 3, (int[]){2, 2, 2}, 2, arena);
    MmlPidOptions options = adam();
    MmlPid pid;
    cr_assert_eq(mml_pid_solve(&three, &options, arena, &pid), MML_EINPUT);
    cr_assert(strstr(mml_message(), "newton"), "%s", mml_message());
    for (int bad = 0; bad < 5; bad++) {
        options = adam();
        if (bad == 0) options.iterations = 0;
        if (bad == 1) options.sinkhorn = 0;
        if (bad == 2) options.lr = NAN;
        if (bad == 3) options.tolerance = -1;
        if (bad == 4) options.start = (MmlPidStart)(MML_PID_GAUSSIAN + 1);
        cr_assert_eq(mml_pid_solve(&two, &options, arena, &pid), MML_EINPUT, "option %d", bad);
    }
    mml_arena_free(arena);
}

Test(fastpid, says_so_when_a_step_leaves_no_finite_logits) {
    MmlArena *arena = mml_arena_new();
    MmlTable table = gate_table(&GATES[1]);
    MmlPidOptions options = adam();
    options.lr = 1e308;
    MmlPid pid;
    cr_assert_eq(mml_pid_solve(&table, &options, arena, &pid), MML_ENUMERIC);
    cr_assert(strstr(mml_message(), "smaller lr"), "%s", mml_message());
    mml_arena_free(arena);
}
