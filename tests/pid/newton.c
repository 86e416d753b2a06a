#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tables.h"

static void assert_sum_rules(const MmlPid *pid, const char *what) {
    for (int k = 0; k < 2; k++)
        cr_assert_float_eq(pid->redundancy + pid->unique[k], pid->mutual[k], 1e-12, "%s: R + U%d", what, k + 1);
    cr_assert_float_eq(pid->redundancy + pid->unique[0] + pid->unique[1] + pid->synergy, pid->total, 1e-12, "%s: sum", what);
}

/* The checker's P keeps what the solver takes as zero: cells below 1e-15, times duals of some 30. */
static void assert_certified(const MmlTable *table, const MmlPid *pid, const char *what) {
    Certificate found = check_certificate(table, pid);
    cr_assert(found.gap <= 1e-9 && pid->gap <= 1e-9, "%s: gap %g, reported %g", what, found.gap, pid->gap);
    cr_assert(fabs(found.gap - pid->gap) <= 1e-11, "%s: gap %g, reported %g", what, found.gap, pid->gap);
    cr_assert(found.marginals <= 1e-12 && pid->residual <= 1e-12, "%s: marginals off by %g", what, found.marginals);
    cr_assert(found.infeasible <= 0, "%s: a dual constraint exceeded by %g", what, found.infeasible);
    cr_assert(found.least_q >= 0, "%s: q has %g", what, found.least_q);
    cr_assert(pid->iterations <= 60, "%s: %d iterations", what, pid->iterations);
}

Test(newton, closed_form_gates_have_their_atoms) {
    for (int g = 0; g < GATE_COUNT; g++) {
        const Gate *gate = &GATES[g];
        MmlArena *arena = mml_arena_new();
        MmlTable table = gate_table(gate);
        MmlPid pid;
        cr_assert_eq(mml_pid_solve(&table, NULL, arena, &pid), MML_OK, "%s: %s", gate->name, mml_message());
        cr_assert_float_eq(pid.redundancy, gate->r, 1e-9, "%s: R", gate->name);
        cr_assert_float_eq(pid.unique[0], gate->u1, 1e-9, "%s: U1", gate->name);
        cr_assert_float_eq(pid.unique[1], gate->u2, 1e-9, "%s: U2", gate->name);
        cr_assert_float_eq(pid.synergy, gate->s, 1e-9, "%s: S", gate->name);
        assert_certified(&table, &pid, gate->name);
        assert_sum_rules(&pid, gate->name);
        mml_arena_free(arena);
    }
}

Test(newton, random_sparse_and_extreme_tables_are_certified) {
    MmlArena *arena = mml_arena_new();
    for (int i = 0; i < 420; i++) {
        char what[32];
        snprintf(what, sizeof what, "table %d", i);
        MmlArenaMark mark = mml_arena_mark(arena);
        MmlRandom random = mml_random(1, MML_STREAM_RULE, (u64)i, 0);
        MmlTable table = random_table(&random, (TableKind)(i % TABLE_KINDS), 2, i < 400 ? 9 : 20, arena);
        MmlPid pid;
        cr_assert_eq(mml_pid_solve(&table, NULL, arena, &pid), MML_OK, "%s: %s", what, mml_message());
        assert_certified(&table, &pid, what);
        assert_sum_rules(&pid, what);
        cr_assert(pid.redundancy >= 0 && pid.unique[0] >= 0 && pid.unique[1] >= 0 && pid.synergy >= 0, "%s", what);
        mml_arena_release(arena, mark);
    }
    mml_arena_free(arena);
}

/* out[x2][x1][y] = p[x1][x2][y] with the bins of each in the order given. */
static MmlTable rearranged(const MmlTable *table, int swap, const int *order1, const int *order2, const int *order_y, double *out) {
    MmlTable result = *table;
    if (swap) {
        result.bins[0] = table->bins[1];
        result.bins[1] = table->bins[0];
    }
    for (int i = 0; i < table->bins[0]; i++)
        for (int j = 0; j < table->bins[1]; j++)
            for (int y = 0; y < table->labels; y++) {
                int row = order1[i], column = order2[j];
                int cell = swap ? (column * table->bins[0] + row) * table->labels : (row * table->bins[1] + column) * table->labels;
                out[cell + order_y[y]] = table->p[(i * table->bins[1] + j) * table->labels + y];
            }
    result.p = out;
    return result;
}

Test(newton, swapping_sources_swaps_unique_information) {
    const int same[] = {0, 1, 2, 3, 4, 5, 6};
    MmlArena *arena = mml_arena_new();
    for (int kind = 0; kind < TABLE_KINDS; kind++) {
        MmlRandom random = mml_random(2, MML_STREAM_RULE, (u64)kind, 0);
        double room[7 * 4 * 3];
        MmlTable table = filled_table(&random, (TableKind)kind, 2, (int[]){7, 4}, 3, arena);
        MmlTable other = rearranged(&table, 1, same, same, same, room);
        MmlPid a, b;
        cr_assert_eq(mml_pid_solve(&table, NULL, arena, &a), MML_OK);
        cr_assert_eq(mml_pid_solve(&other, NULL, arena, &b), MML_OK);
        cr_assert_float_eq(a.redundancy, b.redundancy, 1e-9);
        cr_assert_float_eq(a.unique[0], b.unique[1], 1e-9);
        cr_assert_float_eq(a.unique[1], b.unique[0], 1e-9);
        cr_assert_float_eq(a.synergy, b.synergy, 1e-9);
    }
    mml_arena_free(arena);
}

Test(newton, the_order_of_bins_and_labels_does_not_matter) {
    const int order1[] = {3, 0, 4, 1, 2}, order2[] = {1, 3, 0, 2}, order_y[] = {2, 0, 1};
    MmlArena *arena = mml_arena_new();
    for (int kind = 0; kind < TABLE_KINDS; kind++) {
        MmlRandom random = mml_random(3, MML_STREAM_RULE, (u64)kind, 0);
        double room[5 * 4 * 3];
        MmlTable table = filled_table(&random, (TableKind)kind, 2, (int[]){5, 4}, 3, arena);
        MmlTable other = rearranged(&table, 0, order1, order2, order_y, room);
        MmlPid a, b;
        cr_assert_eq(mml_pid_solve(&table, NULL, arena, &a), MML_OK);
        cr_assert_eq(mml_pid_solve(&other, NULL, arena, &b), MML_OK);
        cr_assert_float_eq(a.redundancy, b.redundancy, 1e-9);
        cr_assert_float_eq(a.synergy, b.synergy, 1e-9);
    }
    mml_arena_free(arena);
}

Test(newton, weights_need_not_sum_to_one_nor_their_sum_be_finite) {
    const double scales[] = {1e-300, 3, 1e308};
    MmlArena *arena = mml_arena_new();
    for (int s = 0; s < 3; s++) {
        double p[8];
        for (int c = 0; c < 8; c++) p[c] = 4 * GATES[1].p[c] * scales[s];
        MmlTable table = {.sources = 2, .bins = {2, 2}, .labels = 2, .p = p};
        MmlPid pid;
        cr_assert_eq(mml_pid_solve(&table, NULL, arena, &pid), MML_OK, "%s", mml_message());
        cr_assert_float_eq(pid.synergy, 0.5, 1e-9);
    }
    mml_arena_free(arena);
}

Test(newton, empty_bins_and_labels_change_nothing) {
    double p[4 * 3 * 3] = {0};
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++)
            for (int y = 0; y < 2; y++) p[((i + 1) * 3 + 2 * j) * 3 + 2 * y] = GATES[1].p[(i * 2 + j) * 2 + y];
    MmlTable table = {.sources = 2, .bins = {4, 3}, .labels = 3, .p = p};
    MmlArena *arena = mml_arena_new();
    MmlPid pid;
    cr_assert_eq(mml_pid_solve(&table, NULL, arena, &pid), MML_OK);
    cr_assert_float_eq(pid.redundancy, GATES[1].r, 1e-9);
    cr_assert_float_eq(pid.synergy, 0.5, 1e-9);
    assert_certified(&table, &pid, "and with empty bins");
    mml_arena_free(arena);
}

Test(newton, refuses_bad_weights_and_names_the_cell) {
    static const struct { double value; const char *message; } bad[] = {
        {-0.5, "P[1][0][1] is -0.5"}, {NAN, "P[1][0][1] is nan"}, {-NAN, "P[1][0][1] is"}, {INFINITY, "P[1][0][1] is inf"},
    };
    MmlArena *arena = mml_arena_new();
    for (size_t b = 0; b < sizeof bad / sizeof *bad; b++) {
        double p[] = {1, 1, 1, 1, 1, bad[b].value, 1, 1};
        MmlTable table = {.sources = 2, .bins = {2, 2}, .labels = 2, .p = p};
        MmlPid pid;
        cr_assert_eq(mml_pid_solve(&table, NULL, arena, &pid), MML_EINPUT);
        cr_assert(strstr(mml_message(), bad[b].message), "%s", mml_message());
    }
    mml_arena_free(arena);
}

Test(newton, refuses_tables_without_mass_or_of_wrong_size) {
    const double zeros[8] = {0}, one[1] = {1};
    const MmlTable bad[] = {
        {.sources = 2, .bins = {2, 2}, .labels = 2, .p = zeros},
        {.sources = 1, .bins = {1}, .labels = 1, .p = one},
        {.sources = 2, .bins = {1, 0}, .labels = 1, .p = one},
        {.sources = 2, .bins = {1, 1}, .labels = 0, .p = one},
        {.sources = 3, .bins = {1 << 20, 1 << 20, 1 << 20}, .labels = 1 << 20, .p = one},
    };
    MmlArena *arena = mml_arena_new();
    for (size_t b = 0; b < sizeof bad / sizeof *bad; b++) {
        MmlPid pid;
        cr_assert_eq(mml_pid_solve(&bad[b], NULL, arena, &pid), MML_EINPUT, "table %zu", b);
    }
    mml_arena_free(arena);
}

/* 14 labels on up to 4 bins: few tuples, many labels, where the solver takes Woodbury's form. */
Test(newton, tables_of_many_labels_are_certified) {
    MmlArena *arena = mml_arena_new();
    for (int i = 0; i < 20 * TABLE_KINDS; i++) {
        char what[32];
        snprintf(what, sizeof what, "table %d", i);
        MmlArenaMark mark = mml_arena_mark(arena);
        MmlRandom random = mml_random(4, MML_STREAM_RULE, (u64)i, 0);
        int bins[2] = {2 + i % 3, 2 + i % 5};
        MmlTable table = filled_table(&random, (TableKind)(i % TABLE_KINDS), 2, bins, 14 + i % 20, arena);
        MmlPid pid;
        cr_assert_eq(mml_pid_solve(&table, NULL, arena, &pid), MML_OK, "%s: %s", what, mml_message());
        assert_certified(&table, &pid, what);
        assert_sum_rules(&pid, what);
        mml_arena_release(arena, mark);
    }
    mml_arena_free(arena);
}

/* Both sources' order, few and many bins and labels, both forms of Newton's equations. */
Test(newton, tables_of_any_shape_are_certified) {
    static const int shapes[][3] = {{7, 13, 5}, {3, 50, 10}, {50, 3, 10}, {64, 64, 4}, {28, 28, 28}, {1, 9, 4}, {9, 1, 4}, {20, 20, 28},
                                    {2, 2, 2}, {2, 2, 10}, {2, 2, 50}, {2, 2, 100}, {5, 3, 200}};
    static const TableKind kinds[] = {DENSE_WEIGHTS, COUNTS, SPARSE_DECADES};
    MmlArena *arena = mml_arena_new();
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int k = 0; k < 3; k++) {
            const int *shape = shapes[s];
            if (shape[0] * shape[1] * shape[2] > 10000 && kinds[k] == DENSE_WEIGHTS) continue;     /* the checker's time */
            char what[48];
            snprintf(what, sizeof what, "%dx%dx%d, kind %d", shape[0], shape[1], shape[2], (int)kinds[k]);
            MmlArenaMark mark = mml_arena_mark(arena);
            MmlRandom random = mml_random(10, MML_STREAM_RULE, (u64)s, (u64)k);
            MmlTable table = filled_table(&random, kinds[k], 2, shape, shape[2], arena);
            MmlPid pid;
            cr_assert_eq(mml_pid_solve(&table, NULL, arena, &pid), MML_OK, "%s: %s", what, mml_message());
            assert_certified(&table, &pid, what);
            assert_sum_rules(&pid, what);
            mml_arena_release(arena, mark);
        }
    mml_arena_free(arena);
}

/* 6 x 4 x 30: Woodbury's form. */
Test(newton, swapping_and_reordering_many_labels_changes_nothing) {
    const int order1[] = {3, 0, 5, 4, 1, 2}, order2[] = {1, 3, 0, 2};
    int order_y[30];
    for (int y = 0; y < 30; y++) order_y[y] = y * 7 % 30;
    MmlArena *arena = mml_arena_new();
    for (int kind = 0; kind < TABLE_KINDS; kind++) {
        MmlRandom random = mml_random(11, MML_STREAM_RULE, (u64)kind, 0);
        double room[6 * 4 * 30];
        MmlTable table = filled_table(&random, (TableKind)kind, 2, (int[]){6, 4}, 30, arena);
        MmlTable other = rearranged(&table, 1, order1, order2, order_y, room);
        MmlPid a, b;
        cr_assert_eq(mml_pid_solve(&table, NULL, arena, &a), MML_OK);
        cr_assert_eq(mml_pid_solve(&other, NULL, arena, &b), MML_OK);
        cr_assert_float_eq(a.redundancy, b.redundancy, 1e-9);
        cr_assert_float_eq(a.unique[0], b.unique[1], 1e-9);
        cr_assert_float_eq(a.synergy, b.synergy, 1e-9);
    }
    mml_arena_free(arena);
}
