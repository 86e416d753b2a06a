/* More than two sources, and the different forms of Newton's equations. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "pid/augmented.h"
#include "pid/newton.h"
#include "pid/table.h"
#include "pid/union.h"
#include "tables.h"

static MmlPid solve(const MmlTable *table, MmlArena *arena) {
    MmlPid pid;
    cr_assert_eq(mml_pid_solve(table, NULL, arena, &pid), MML_OK, "%s", mml_message());
    Certificate found = check_certificate(table, &pid);
    cr_assert(found.gap <= 1e-9 && found.marginals <= 1e-12 && found.infeasible <= 0 && found.least_q >= 0,
              "gap %g marginals %g dual %g", found.gap, found.marginals, found.infeasible);
    return pid;
}

/* Uniform bits x1, x2, x3 and y = f(x1, x2, x3) in [0, labels). */
static MmlTable bits_table(int (*f)(int, int, int), int labels, double *p) {
    memset(p, 0, sizeof(double) * 8 * (size_t)labels);
    for (int x = 0; x < 8; x++) p[x * labels + f(x >> 2 & 1, x >> 1 & 1, x & 1)] = 0.125;
    return (MmlTable){.sources = 3, .bins = {2, 2, 2}, .labels = labels, .p = p};
}

static int parity(int a, int b, int c) { return a ^ b ^ c; }
static int first_pair(int a, int b, int c) { return a ^ b; }
static int copy(int a, int b, int c) { return 4 * a + 2 * b + c; }

Test(sources, parity_of_three_is_all_synergy) {
    double p[64];
    MmlArena *arena = mml_arena_new();
    MmlTable table = bits_table(parity, 2, p);
    MmlPid pid = solve(&table, arena);
    cr_assert_float_eq(pid.synergy, 1, 1e-9);
    cr_assert_float_eq(pid.redundancy, 0, 1e-9);
    for (int k = 0; k < 3; k++) cr_assert_float_eq(pid.unique[k], 0, 1e-9);
    mml_arena_free(arena);
}

Test(sources, a_copy_of_three_bits_is_all_unique) {
    double p[64];
    MmlArena *arena = mml_arena_new();
    MmlTable table = bits_table(copy, 8, p);
    MmlPid pid = solve(&table, arena);
    cr_assert_float_eq(pid.synergy, 0, 1e-9);
    cr_assert_float_eq(pid.redundancy, 0, 1e-9);
    for (int k = 0; k < 3; k++) cr_assert_float_eq(pid.unique[k], 1, 1e-9);
    mml_arena_free(arena);
}

Test(sources, an_idle_third_source_leaves_two_sources_synergy) {
    double p[64];
    MmlArena *arena = mml_arena_new();
    MmlTable table = bits_table(first_pair, 2, p);
    MmlPid pid = solve(&table, arena);
    cr_assert_float_eq(pid.synergy, 1, 1e-9);
    cr_assert_float_eq(pid.unique[2], 0, 1e-9);
    mml_arena_free(arena);
}

Test(sources, three_equal_sources_are_all_redundant) {
    double p[16] = {0};
    p[0] = p[15] = 0.5;
    MmlTable table = {.sources = 3, .bins = {2, 2, 2}, .labels = 2, .p = p};
    MmlArena *arena = mml_arena_new();
    MmlPid pid = solve(&table, arena);
    cr_assert_float_eq(pid.redundancy, 2, 1e-9);          /* co-redundancy: the sum of three times 1 bit less 1 */
    cr_assert_float_eq(pid.synergy, 0, 1e-9);
    for (int k = 0; k < 3; k++) cr_assert_float_eq(pid.unique[k], 0, 1e-9);
    mml_arena_free(arena);
}

/* With a third source of one bin everything is as with two. */
Test(sources, a_constant_third_source_changes_nothing) {
    MmlArena *arena = mml_arena_new();
    for (int kind = 0; kind < TABLE_KINDS; kind++) {
        MmlRandom random = mml_random(6, MML_STREAM_RULE, (u64)kind, 0);
        MmlTable two = filled_table(&random, (TableKind)kind, 2, (int[]){5, 4}, 3, arena), three = two;
        three.sources = 3;
        three.bins[2] = 1;
        MmlPid a = solve(&two, arena), b = solve(&three, arena);
        cr_assert_float_eq(a.synergy, b.synergy, 1e-9);
        cr_assert_float_eq(a.redundancy, b.redundancy, 1e-9);
        for (int k = 0; k < 2; k++) cr_assert_float_eq(a.unique[k], b.unique[k], 1e-9);
        cr_assert_float_eq(b.unique[2], 0, 1e-9);
    }
    mml_arena_free(arena);
}

Test(sources, random_tables_of_three_and_four_are_certified_with_nonnegative_atoms) {
    MmlArena *arena = mml_arena_new();
    for (int i = 0; i < 70; i++) {
        MmlArenaMark mark = mml_arena_mark(arena);
        MmlRandom random = mml_random(7, MML_STREAM_RULE, (u64)i, 0);
        MmlTable table = random_table(&random, (TableKind)(i % TABLE_KINDS), 3 + i % 2, i % 2 ? 3 : 5, arena);
        MmlPid pid = solve(&table, arena);
        double unique = 0;
        for (int k = 0; k < table.sources; k++) {
            cr_assert(pid.unique[k] >= 0);
            unique += pid.unique[k];
        }
        cr_assert(pid.synergy >= 0 && pid.redundancy >= 0 && unique >= 0);
        mml_arena_release(arena, mark);
    }
    mml_arena_free(arena);
}

Test(sources, the_dense_path_gives_the_two_source_answer) {
    MmlArena *arena = mml_arena_new();
    for (int i = 0; i < 35; i++) {
        MmlRandom random = mml_random(8, MML_STREAM_RULE, (u64)i, 0);
        MmlTable table = random_table(&random, (TableKind)(i % TABLE_KINDS), 2, 8, arena);
        MmlJoint joint;
        cr_assert_eq(mml_joint_new(&table, arena, &joint), MML_OK);
        MmlUnion problem = {.sources = 2, .labels = joint.labels, .bins = {joint.bins[0], joint.bins[1]},
                            .marginal = {joint.marginal[0], joint.marginal[1]}};
        MmlUnionResult block = {0}, dense = {0};
        cr_assert_eq(mml_union_solve(&problem, 0, arena, &block), MML_OK, "%s", mml_message());
        cr_assert_eq(mml_union_solve(&problem, 1, arena, &dense), MML_OK, "%s", mml_message());
        cr_assert_float_eq(block.primal, dense.primal, 1e-9, "table %d", i);
        cr_assert_float_eq(block.dual, dense.dual, 1e-9, "table %d", i);
    }
    mml_arena_free(arena);
}

/* Two sources of 2 bins, 2 labels, everything active: m, s and pi are free. */
Test(sources, all_three_forms_of_newtons_equations_have_the_same_solution) {
    int bins[] = {0, 0, 0, 1, 1, 0, 1, 1};
    double p[] = {.2, .3, .1, .4, .15, .35, .15, .35};
    MmlSupport support = {.sources = 2, .labels = 2, .bins = {2, 2}, .start = {0, 4, 8}, .p = p, .live = 4, .bin = bins, .rows = 0};
    double m[] = {.1, .3, .2, .4}, s[] = {.5, 1e-3, 2, .1}, pi[] = {.3, .7, .9, .1, .5, .5, .2, .8};
    double right[] = {.1, -.2, .05, .3, 0, .1, -.15, .2};
    /* Right sides of M du are such that each label's sums of both sources agree. */
    right[6] = right[0] + right[2] - right[4];
    right[7] = right[1] + right[3] - right[5];
    MmlArena *arena = mml_arena_new();
    MmlNewton *block = mml_newton_new(&support, 0, arena), *dense = mml_newton_new(&support, 1, arena);
    MmlAugmented *augmented = mml_augmented_new(&support, arena);
    double du[3][8], flow[3][4];
    cr_assert(mml_newton_factor(block, m, s, pi) && mml_newton_factor(dense, m, s, pi) && mml_augmented_factor(augmented, m, s, pi));
    mml_newton_solve(block, right, du[0], flow[0]);
    mml_newton_solve(dense, right, du[1], flow[1]);
    mml_augmented_solve(augmented, right, du[2], flow[2]);
    for (int form = 0; form < 3; form++) {
        double out[8] = {0};
        for (int t = 0; t < 4; t++) {
            int i = bins[2 * t], j = bins[2 * t + 1];
            double v[2], d = 0;
            for (int y = 0; y < 2; y++) {
                v[y] = du[form][2 * i + y] + du[form][4 + 2 * j + y];
                d += pi[2 * t + y] * v[y];
            }
            cr_assert_float_eq(flow[form][t], m[t] / s[t] * d, 1e-10);
            for (int y = 0; y < 2; y++) {
                double share = pi[2 * t + y] * (m[t] * (v[y] - d) + m[t] / s[t] * d);
                out[2 * i + y] += share;
                out[4 + 2 * j + y] += share;
            }
        }
        for (int v = 0; v < 8; v++) cr_assert_float_eq(out[v], right[v], 1e-11, "form %d unknown %d: %g, not %g", form, v, out[v], right[v]);
    }
    mml_arena_free(arena);
}

Test(sources, a_table_too_large_to_solve_is_refused_in_one_sentence) {
    MmlArena *arena = mml_arena_new();
    MmlRandom random = mml_random(9, MML_STREAM_RULE, 0, 0);
    MmlTable table = filled_table(&random, DENSE_WEIGHTS, 3, (int[]){1000, 2, 1}, 32, arena);
    MmlPid pid;
    cr_assert_eq(mml_pid_solve(&table, NULL, arena, &pid), MML_EINPUT);
    cr_assert(strstr(mml_message(), "fewer bins"), "%s", mml_message());
    mml_arena_free(arena);
}
