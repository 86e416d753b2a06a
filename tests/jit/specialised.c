/* Kernels specialised by constants give what the built ones give. */
#include "jit/specialised.h"

#include <criterion/criterion.h>
#include <math.h>

#include "mml/experiment.h"
#include "mml/pid.h"
#include "mml/random.h"

static const char *const FUNCTIONS[] = {"mml_fastpid_sweep", "mml_fastpid_project", "mml_fastpid_differentiate"};

static MmlTable random_counts(MmlArena *arena, int bins1, int bins2, int labels) {
    MmlRandom random = mml_random(1, MML_STREAM_RULE, 0, 0);
    MmlTable table = {.sources = 2, .bins = {bins1, bins2}, .labels = labels};
    double *p = MML_NEW(arena, double, bins1 * bins2 * labels);
    for (int c = 0; c < bins1 * bins2 * labels; c++) p[c] = floor(6 * mml_random_uniform(&random));
    table.p = p;
    return table;
}

static void compare(int bins1, int bins2, int labels) {
    Arena *arena = arena_new();
    Diagnostics *diagnostics = diagnostics_new(arena);
    MmlArena *memory = mml_arena_new();
    int64_t sizes[] = {bins1, bins2, (labels + 3) / 4};
    void *addresses[3];
    JitCode *jit = jit_specialised(arena, diagnostics, "fastpid", FUNCTIONS, 3, sizes, 3, addresses);
    if (!jit) cr_skip("this processor has no x86-64-v3");
    MmlFastPidCode code = {sizes[0], sizes[1], sizes[2], 4, (void (*)(void *, i64, i64))addresses[0],
                           (double (*)(void *, double *))addresses[1], (void (*)(void *))addresses[2]};
    MmlTable table = random_counts(memory, bins1, bins2, labels);
    MmlPidOptions options = mml_pid_defaults();
    options.solver = MML_PID_ADAM;
    options.iterations = 30;
    options.tolerance = 0;
    MmlPid built, made;
    cr_assert_eq(mml_pid_solve(&table, &options, memory, &built), MML_OK);
    options.code = &code;
    cr_assert_eq(mml_pid_solve(&table, &options, memory, &made), MML_OK);
    for (int c = 0; c < bins1 * bins2 * labels; c++) cr_assert_float_eq(made.q[c], built.q[c], 1e-9, "%dx%dx%d, cell %d", bins1, bins2, labels, c);
    cr_assert_float_eq(made.synergy, built.synergy, 1e-9);
    mml_arena_free(memory);
    jit_specialised_free(jit);
    arena_free(arena);
}

Test(specialised, fastpid_agrees_with_the_built_kernel) {
    compare(20, 20, 6);
    compare(3, 5, 2);
    compare(16, 9, 9);
}

Test(specialised, code_for_other_sizes_is_not_used) {
    MmlArena *memory = mml_arena_new();
    MmlFastPidCode code = {.bins1 = 4, .bins2 = 4, .planes = 1, .lanes = 4};       /* would crash if called */
    MmlTable table = random_counts(memory, 4, 5, 3);
    MmlPidOptions options = mml_pid_defaults();
    options.solver = MML_PID_ADAM;
    options.code = &code;
    MmlPid pid;
    cr_assert_eq(mml_pid_solve(&table, &options, memory, &pid), MML_OK);
    mml_arena_free(memory);
}
