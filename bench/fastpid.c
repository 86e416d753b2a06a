/* Microseconds an iteration of FastPID (`solver = adam`, 10 sweeps) in its
 * three builds: specialised by sizes, for x86-64-v3, for any processor.
 *   bench_fastpid [SECONDS-OF-PYTORCH] N1xN2xNY …     (pairs by bench/fastpid)
 * Each figure is the least of REPEATS solves of ITERATIONS iterations, the builds in turn. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jit/specialised.h"
#include "mml/experiment.h"
#include "mml/random.h"
#include "pid/fastpid.h"

#define REPEATS    25
#define ITERATIONS 100

static double seconds_of(const MmlJoint *joint, const MmlFastPidKernel *kernel, const MmlFastPidCode *code, MmlArena *arena) {
    MmlPidOptions options = mml_pid_defaults();
    options.solver = MML_PID_ADAM;
    options.iterations = ITERATIONS;
    options.tolerance = 0;
    options.code = code;
    int steps = 0;
    MmlArenaMark mark = mml_arena_mark(arena);
    double *q = MML_NEW(arena, double, joint->tuples * joint->labels), began = mml_pid_clock();
    if (!q || mml_fastpid_with(joint, &options, kernel, arena, q, &steps) != MML_OK) {
        fprintf(stderr, "bench_fastpid: %s\n", mml_message());
        exit(1);
    }
    double seconds = (mml_pid_clock() - began) / steps;
    mml_arena_release(arena, mark);
    return seconds;
}

static MmlJoint joint_of(int bins1, int bins2, int labels, MmlArena *arena) {
    MmlRandom random = mml_random(1, MML_STREAM_RULE, 0, 0);
    i64 cells = (i64)bins1 * bins2 * labels;
    double *p = MML_NEW(arena, double, cells);
    for (i64 c = 0; c < cells; c++) p[c] = floor(8 * mml_random_uniform(&random));
    MmlTable table = {.sources = 2, .bins = {bins1, bins2}, .labels = labels, .p = p};
    MmlJoint joint;
    if (mml_joint_new(&table, arena, &joint) != MML_OK) exit(1);
    return joint;
}

/* NULL when the processor has no x86-64-v3. */
static JitCode *code_for(const MmlJoint *joint, Arena *arena, MmlFastPidCode *code, double *seconds) {
    static const char *const functions[] = {"mml_fastpid_sweep", "mml_fastpid_project", "mml_fastpid_differentiate"};
    double began = mml_pid_clock();
    int64_t sizes[] = {joint->bins[0], joint->bins[1], (joint->labels + 3) / 4};
    void *addresses[3];
    JitCode *jit = jit_specialised(arena, diagnostics_new(arena), "fastpid", functions, 3, sizes, 3, addresses);
    if (!jit) return NULL;
    *code = (MmlFastPidCode){sizes[0], sizes[1], sizes[2], 4, (void (*)(void *, i64, i64))addresses[0],
                             (double (*)(void *, double *))addresses[1], (void (*)(void *))addresses[2]};
    *seconds = mml_pid_clock() - began;
    return jit;
}

static void print_ratio(double numerator, double denominator) {
    if (numerator > 0 && denominator < INFINITY) printf(" %8.2fx", numerator / denominator);
    else printf(" %9s", "-");
}

static void measure(const char *text, double torch) {
    int bins1, bins2, labels;
    if (sscanf(text, "%dx%dx%d", &bins1, &bins2, &labels) != 3 || bins1 < 1 || bins2 < 1 || labels < 1) {
        fprintf(stderr, "bench_fastpid: sizes are N1xN2xNY, not %s\n", text);
        exit(2);
    }
    MmlArena *memory = mml_arena_new();
    Arena *arena = arena_new();
    MmlJoint joint = joint_of(bins1, bins2, labels, memory);
    MmlFastPidCode code;
    double making = NAN, specialised = INFINITY, wide = INFINITY, portable = INFINITY;
    JitCode *jit = code_for(&joint, arena, &code, &making);
    for (int r = 0; r < REPEATS; r++) {
        portable = fmin(portable, seconds_of(&joint, &mml_fastpid_portable, NULL, memory));
        if (!jit) continue;
        wide = fmin(wide, seconds_of(&joint, &mml_fastpid_wide, NULL, memory));
        specialised = fmin(specialised, seconds_of(&joint, &mml_fastpid_wide, &code, memory));
    }
    printf("%10s %11.2f %8.2f %8.2f %9.0f", text, 1e6 * specialised, 1e6 * wide, 1e6 * portable, 1e3 * making);
    print_ratio(wide, specialised);
    print_ratio(portable, specialised);
    if (torch > 0) printf(" %9.0f", 1e6 * torch);
    if (torch > 0) print_ratio(torch, wide);
    if (torch > 0) print_ratio(torch, specialised);
    printf("%s\n", specialised > wide ? "  loses" : "");
    fflush(stdout);
    jit_specialised_free(jit);
    arena_free(arena);
    mml_arena_free(memory);
}

int main(int argc, char **argv) {
    printf("%10s %11s %8s %8s %9s %9s %9s %9s %9s %9s\n", "us/iter.", "specialised", "host", "portable", "made [ms]",
           "host/sp.", "port./sp.", "PyTorch", "/host", "/sp.");
    for (int a = 1; a < argc; a++) {
        char *end;
        double torch = strtod(argv[a], &end);
        if (*end || a + 1 == argc) torch = 0;
        else a++;
        measure(argv[a], torch);
    }
    return 0;
}
