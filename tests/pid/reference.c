/* The reference distributions of shared/fixtures. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tables.h"

/* NULL, having said so, when the file isn't there. */
static json_t *fixture(const char *name) {
    char path[512];
    snprintf(path, sizeof path, "%s/fixtures/%s", MML_SHARED_DIR, name);
    json_t *root = json_load_file(path, 0, NULL);
    if (!root) fprintf(stderr, "skipped: %s is not there\n", path);
    return root;
}

static double number(const json_t *object, const char *key) { return json_number_value(json_object_get(object, key)); }

static MmlTable read_table(const json_t *p, MmlArena *arena) {
    const json_t *row = json_array_get(p, 0), *cell = json_array_get(row, 0);
    MmlTable table = {.sources = 2, .bins = {(int)json_array_size(p), (int)json_array_size(row)}, .labels = (int)json_array_size(cell)};
    double *weights = MML_NEW(arena, double, table_cells(&table));
    for (int i = 0; i < table.bins[0]; i++)
        for (int j = 0; j < table.bins[1]; j++)
            for (int y = 0; y < table.labels; y++)
                weights[(i * table.bins[1] + j) * table.labels + y] =
                    json_number_value(json_array_get(json_array_get(json_array_get(p, (size_t)i), (size_t)j), (size_t)y));
    table.p = weights;
    return table;
}

static MmlTable case_table(const json_t *item, MmlArena *arena) {
    const json_t *p = json_object_get(item, "P");
    return read_table(p ? p : json_object_get(item, "counts"), arena);
}

Test(reference, every_case_is_right_to_1e_9_bit_and_certified) {
    json_t *root = fixture("pid_reference.json"), *item;
    size_t i;
    json_array_foreach(json_object_get(root, "cases"), i, item) {
        const char *name = json_string_value(json_object_get(item, "name"));
        MmlArena *arena = mml_arena_new();
        MmlTable table = case_table(item, arena);
        MmlPid pid;
        cr_assert_eq(mml_pid_solve(&table, NULL, arena, &pid), MML_OK, "%s: %s", name, mml_message());
        cr_assert_float_eq(pid.redundancy, number(item, "R"), 1e-9, "%s: R", name);
        cr_assert_float_eq(pid.unique[0], number(item, "U1"), 1e-9, "%s: U1", name);
        cr_assert_float_eq(pid.unique[1], number(item, "U2"), 1e-9, "%s: U2", name);
        cr_assert_float_eq(pid.synergy, number(item, "S"), 1e-9, "%s: S", name);
        cr_assert_float_eq(pid.redundancy + pid.unique[0], number(item, "I1"), 1e-11, "%s: I1", name);
        cr_assert_float_eq(pid.redundancy + pid.unique[1], number(item, "I2"), 1e-11, "%s: I2", name);
        cr_assert_float_eq(pid.total, number(item, "I12"), 1e-11, "%s: I12", name);
        Certificate found = check_certificate(&table, &pid);
        cr_assert(found.gap <= 1e-9 && pid.gap <= 1e-9, "%s: gap %g", name, found.gap);
        cr_assert(found.marginals <= 1e-12, "%s: marginals %g", name, found.marginals);
        cr_assert(found.infeasible <= 0, "%s: dual %g", name, found.infeasible);
        cr_assert(pid.iterations <= 60, "%s: %d iterations", name, pid.iterations);
        mml_arena_free(arena);
    }
    json_decref(root);
}

Test(reference, mutual_information_of_the_methods_fixture) {
    json_t *root = fixture("methods.json"), *item;
    size_t i;
    int seen = 0;
    json_array_foreach(json_object_get(root, "cases"), i, item) {
        const char *id = json_string_value(json_object_get(item, "id"));
        if (strncmp(id, "mi.", 3) != 0) continue;
        const json_t *inputs = json_object_get(item, "inputs"), *expected = json_object_get(item, "expected");
        const json_t *p = json_object_get(inputs, "p");
        MmlArena *arena = mml_arena_new();
        MmlTable table = read_table(p ? p : json_object_get(inputs, "counts"), arena);
        MmlPid pid;
        cr_assert_eq(mml_pid_solve(&table, NULL, arena, &pid), MML_OK, "%s: %s", id, mml_message());
        cr_assert_float_eq(pid.mutual[0], number(expected, "I1"), 1e-11, "%s", id);
        cr_assert_float_eq(pid.mutual[1], number(expected, "I2"), 1e-11, "%s", id);
        cr_assert_float_eq(pid.total, number(expected, "I12"), 1e-11, "%s", id);
        mml_arena_free(arena);
        seen++;
    }
    cr_assert(!root || seen == 2);
    json_decref(root);
}
