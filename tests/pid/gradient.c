#include <criterion/criterion.h>
#include <math.h>

#include "tables.h"

static void atoms(const MmlTable *table, MmlArena *arena, double out[4]) {
    MmlPid pid;
    cr_assert_eq(mml_pid_solve(table, NULL, arena, &pid), MML_OK, "%s", mml_message());
    out[0] = pid.redundancy;
    out[1] = pid.unique[0];
    out[2] = pid.unique[1];
    out[3] = pid.synergy;
}

Test(gradient, agrees_with_central_differences) {
    const double h = 1e-6;                /* the smallest cells are near 1e-3: its error is of the order of 1e-8 */
    MmlArena *arena = mml_arena_new();
    for (int i = 0; i < 12; i++) {
        MmlRandom random = mml_random(4, MML_STREAM_RULE, (u64)i, 0);
        MmlTable table = filled_table(&random, DENSE_WEIGHTS, 2, (int[]){3 + i % 3, 3}, i == 11 ? 14 : 2 + i % 3, arena);
        i64 cells = table_cells(&table);
        double *p = MML_NEW(arena, double, cells), *gradient = MML_NEW(arena, double, 4 * cells), sum = 0;
        for (i64 c = 0; c < cells; c++) sum += table.p[c];
        for (i64 c = 0; c < cells; c++) p[c] = (table.p[c] + 0.05 * sum) / (sum * (1 + 0.05 * (double)cells));
        table.p = p;
        MmlPid pid;
        cr_assert_eq(mml_pid_solve(&table, NULL, arena, &pid), MML_OK);
        cr_assert_eq(mml_pid_gradient(&table, &pid, arena, gradient), MML_OK);
        for (i64 c = 0; c < cells; c++) {
            double up[4], down[4], kept = p[c];
            p[c] = kept + h;
            atoms(&table, arena, up);
            p[c] = kept - h;
            atoms(&table, arena, down);
            p[c] = kept;
            for (int a = 0; a < 4; a++)
                cr_assert_float_eq(gradient[a * cells + c], (up[a] - down[a]) / (2 * h), 1e-6, "table %d cell %d atom %d: %g, not %g",
                                   i, (int)c, a, gradient[a * cells + c], (up[a] - down[a]) / (2 * h));
        }
    }
    mml_arena_free(arena);
}

Test(gradient, of_the_atoms_adds_up_to_that_of_mutual_information) {
    MmlArena *arena = mml_arena_new();
    MmlRandom random = mml_random(5, MML_STREAM_RULE, 0, 0);
    MmlTable table = filled_table(&random, COUNTS, 2, (int[]){5, 4}, 3, arena);
    i64 cells = table_cells(&table);
    double *gradient = MML_NEW(arena, double, 4 * cells), sum = 0, first[15] = {0}, x1[5] = {0}, label[3] = {0};
    for (i64 c = 0; c < cells; c++) sum += table.p[c];
    for (i64 c = 0; c < cells; c++) {
        first[c / 12 * 3 + c % 3] += table.p[c] / sum;
        x1[c / 12] += table.p[c] / sum;
        label[c % 3] += table.p[c] / sum;
    }
    MmlPid pid;
    cr_assert_eq(mml_pid_solve(&table, NULL, arena, &pid), MML_OK);
    cr_assert_eq(mml_pid_gradient(&table, &pid, arena, gradient), MML_OK);
    for (i64 c = 0; c < cells; c++) {
        if (table.p[c] == 0) {
            cr_assert_eq(gradient[c], 0);
            continue;
        }
        /* d I(X1;Y) = log p(x1,y) / p(x1) p(y) up to a constant; its mean under P is I(X1;Y). */
        double want = log2(first[c / 12 * 3 + c % 3] / x1[c / 12] / label[c % 3]) - pid.mutual[0];
        cr_assert_float_eq(gradient[c] + gradient[cells + c], want, 1e-12);
    }
    mml_arena_free(arena);
}

Test(gradient, is_refused_where_there_is_no_dual) {
    MmlTable table = gate_table(&GATES[1]);
    MmlPidOptions options = mml_pid_defaults();
    options.solver = MML_PID_ADAM;
    MmlArena *arena = mml_arena_new();
    MmlPid pid;
    double out[32];
    cr_assert_eq(mml_pid_solve(&table, &options, arena, &pid), MML_OK);
    cr_assert_eq(mml_pid_gradient(&table, &pid, arena, out), MML_EINPUT);
    mml_arena_free(arena);
}
