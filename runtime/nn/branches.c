/* mml_branches (abi.def): the branches of a step side by side, or one after the other. */
#include "mml/branches.h"
#include "mml/nn.h"

typedef struct { const MmlFrame *frame; const MmlBranches *branches; MmlBranchPlan plan; } Apart;

/* What a branch sees that has thread `thread` alone: a pool of one, and that thread's scratch. */
static MmlFrame frame_alone(const MmlFrame *frame, i64 thread) {
    MmlFrame alone = *frame;
    alone.threads = NULL;
    alone.scratch = frame->scratch + thread;
    return alone;
}

static void run_part(void *context, i64 begin, i64 end, int thread) {
    const Apart *apart = context;
    for (i64 part = begin; part < end; part++) {
        MmlFrame alone = frame_alone(apart->frame, thread);
        for (i64 i = 0; i < apart->branches->count; i++)
            if (apart->plan.thread[i] == part) apart->branches->branches[i].run(&alone);
    }
}

/* Who listens to the values hears them in the nodes' order, and the same values. */
static void run_in_order(MmlFrame *frame, const MmlBranches *branches) {
    for (i64 i = 0; i < branches->count; i++) branches->branches[i].run(frame);
}

void mml_branches(MmlFrame *frame, const MmlBranches *branches) {
    int threads = mml_threads_count(frame->threads);
    Apart apart = {.frame = frame, .branches = branches};
    if (threads > 1) apart.plan = mml_branches_plan(branches, frame->forward, frame->active, frame->capacity, threads);
    if (threads == 1 || !mml_branches_apart(&apart.plan)) {
        run_in_order(frame, branches);
    } else if (frame->trace) {
        MmlFrame alone = frame_alone(frame, 0);
        run_in_order(&alone, branches);
    } else {
        mml_parallel(frame->threads, apart.plan.threads, run_part, &apart);
    }
}
