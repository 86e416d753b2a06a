/* The list of passes: from a program to planned graphs. */
#include "ir/build.h"
#include "ir/memory.h"

/* What happens to a built step, in order. */
static void (*const passes[])(Arena *arena, Step *step) = {
    memory_mark,                        /* producers, results that the caller reads         */
    memory_share,                       /* kernels that work in place                       */
    memory_plan,                        /* an offset for every tensor                       */
};

static void run_passes(Arena *arena, Step *step) {
    for (size_t i = 0; i < sizeof passes / sizeof *passes; i++) {
        passes[i](arena, step);
#ifndef NDEBUG
        ir_verify(step);
#endif
    }
}

static int add(Arena *arena, Ir *ir, Step *step) {
    run_passes(arena, step);
    VECTOR_PUSH(arena, &ir->steps, step);
    return ir->steps.count - 1;
}

/* Every unimodal stage runs the same step; joint ones have each a loss of their own. */
Ir *ir_build(Arena *arena, const Program *program) {
    Ir *ir = NEW(arena, Ir);
    ir->program  = program;
    ir->train    = NEW_ARRAY(arena, int, program->stages.count + 1);
    ir->evaluate = NEW_ARRAY(arena, int, program->stages.count + 1);
    int unimodal = -1;
    for (int s = 0; s < program->stages.count; s++) {
        const Stage *stage = &program->stages.items[s];
        if (stage->kind == STAGE_UNIMODAL && unimodal >= 0) {
            ir->train[s]    = ir->train[unimodal];
            ir->evaluate[s] = ir->evaluate[unimodal];
            continue;
        }
        const char *evaluation = arena_printf(arena, "%s evaluation", stage->path);
        if (stage->kind == STAGE_UNIMODAL) {
            ir->train[s]    = add(arena, ir, build_unimodal(arena, program, stage->path, 1));
            ir->evaluate[s] = add(arena, ir, build_unimodal(arena, program, evaluation, 0));
            unimodal = s;
        } else {
            ir->train[s]    = add(arena, ir, build_joint(arena, program, stage, stage->path, 1));
            ir->evaluate[s] = add(arena, ir, build_joint(arena, program, stage, evaluation, 0));
        }
    }
    return ir;
}
