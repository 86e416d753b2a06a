/* The list of passes: from a program to planned graphs. */
#include "ir/branches.h"
#include "ir/build.h"
#include "ir/epilogue.h"
#include "ir/memory.h"
#include "ir/normalised_input.h"

/* What happens to a built step, in order. A build with assertions verifies the graph behind each,
 * once memory_mark has found the producers. */
static void (*const passes[])(Arena *arena, Step *step) = {
    normalised_input,                   /* no gradient into a batch norm of the input       */
    gradient_epilogues,                 /* relu's gradient by the convolution behind it     */
    branches_find,                      /* what may run side by side                        */
    memory_mark,                        /* producers, results that the caller reads         */
    memory_share,                       /* kernels that work in place                       */
    memory_plan,                        /* an offset for every tensor                       */
};

#define FIRST_VERIFIED 3                /* memory_mark's place */

static void run_passes(Arena *arena, Step *step) {
    for (size_t i = 0; i < sizeof passes / sizeof *passes; i++) {
        passes[i](arena, step);
#ifndef NDEBUG
        if (i >= FIRST_VERIFIED) ir_verify(step);
#endif
    }
}

/* Samples of a step unless the run sets others: 64, the language's default, where only the run knows. */
#define USUAL_BATCH 64

static int64_t batch_of(const Program *program, const char *path) {
    int64_t batch = program_integer(program, program_setting(program, path));
    return batch > 0 ? batch : USUAL_BATCH;
}

static int add(Arena *arena, Ir *ir, const Stage *stage, Step *step) {
    step->batch = batch_of(ir->program, arena_printf(arena, "%s.batch", stage->path));
    run_passes(arena, step);
    VECTOR_PUSH(arena, &ir->steps, step);
    return ir->steps.count - 1;
}

/* The step of one stage, train or evaluation. */
static int stage_step(Arena *arena, Ir *ir, const Stage *stage, KernelHost host, int train, const char *variant) {
    const char *name = arena_printf(arena, "%s%s%s", stage->path, train ? "" : " evaluation", variant);
    if (stage->kind == STAGE_UNIMODAL) return add(arena, ir, stage, build_unimodal(arena, ir->program, name, host, train));
    return add(arena, ir, stage, build_joint(arena, ir->program, stage, name, host, train));
}

/* On the reference kernels; a step that runs on nothing else is its own. */
static int reference_step(Arena *arena, Ir *ir, const Stage *stage, int step, int train) {
    return ir->steps.items[step]->rewritten ? stage_step(arena, ir, stage, (KernelHost){0}, train, " reference") : step;
}

/* Every unimodal stage runs the same step; joint ones have each a loss of their own. */
Ir *ir_build(Arena *arena, const Program *program, KernelHost host) {
    Ir *ir = NEW(arena, Ir);
    ir->program = program;
    int **lists[] = {&ir->train, &ir->evaluate, &ir->reference_train, &ir->reference_evaluate};
    enum { LISTS = sizeof lists / sizeof *lists };
    for (int i = 0; i < LISTS; i++) *lists[i] = NEW_ARRAY(arena, int, program->stages.count + 1);
    int unimodal = -1;
    for (int s = 0; s < program->stages.count; s++) {
        const Stage *stage = &program->stages.items[s];
        if (stage->kind == STAGE_UNIMODAL && unimodal >= 0) {
            for (int i = 0; i < LISTS; i++) (*lists[i])[s] = (*lists[i])[unimodal];
            continue;
        }
        ir->train[s]    = stage_step(arena, ir, stage, host, 1, "");
        ir->evaluate[s] = stage_step(arena, ir, stage, host, 0, "");
        ir->reference_train[s]    = reference_step(arena, ir, stage, ir->train[s], 1);
        ir->reference_evaluate[s] = reference_step(arena, ir, stage, ir->evaluate[s], 0);
        if (stage->kind == STAGE_UNIMODAL) unimodal = s;
    }
    return ir;
}
