/* The branches of a step, one for each modality, and whether they run side by
 * side: the model that the compiler decides by, shows, and that mml_branches
 * (abi.def) goes by when the step runs.
 *
 * One after the other, every kernel splits the batch over all threads and waits
 * for the slowest at a barrier. Side by side, each branch stays on one thread
 * and its kernels with it: the numbers are those of one thread, without
 * barriers but the last, and what a branch writes stays in its core's cache;
 * the step takes as long as the longest branch. What runs follows from the
 * cost, the flags of the frame, the capacity and the number of threads, from
 * nothing that is timed: results are the same in every run.
 */
#ifndef MML_BRANCHES_H
#define MML_BRANCHES_H

#include "mml/experiment.h"

/* Cycles of a core. A barrier takes 600 when both threads come at once; what a kernel's parts differ by, and the lines
 * of memory that the cores take from each other behind it, are the rest (bench/train_step, pair mlp). */
#define MML_BARRIER_CYCLES 4000.0

/* Side by side must be faster by this factor, and by a barrier. Below it the estimates say little, and branches that
 * can't share memory cost some. */
#define MML_BRANCHES_GAIN 1.1

typedef struct {
    double once;              /* cycles, whatever the batch                          */
    double whole;             /* of a sample, in kernels that stay on one thread     */
    double split;             /* of a sample, in kernels that split their work       */
    double barriers;          /* at which those wait                                 */
} MmlBranchCost;

/* One modality's nodes between two places that need several modalities. */
typedef struct {
    void        (*run)(MmlFrame *frame);
    i64           group;
    MmlBranchCost forward, backward;      /* under frame->forward[group], frame->active[group] */
} MmlBranch;

typedef struct { i64 count; const MmlBranch *branches; } MmlBranches;

typedef struct {
    double together, apart;               /* cycles of the step: one after the other, side by side */
    i64    threads;                       /* that have a branch, side by side         */
    i64    thread[MML_MAX_MODALITIES];    /* of each branch                           */
} MmlBranchPlan;

static inline double mml_branch_cycles(const MmlBranchCost *cost, double batch, double threads) {
    return cost->once + batch * (cost->whole + cost->split / threads) + (threads > 1 ? cost->barriers * MML_BARRIER_CYCLES : 0);
}

/* The branches that run, the longest first, each to the thread that has least to do; threads are then numbered by their
 * lowest group, so that a modality stays on its core from one part of the step to the next. forward, active: NULL, all. */
static inline MmlBranchPlan mml_branches_plan(const MmlBranches *b, const i64 *forward, const i64 *active, i64 batch, i64 threads) {
    MmlBranchPlan plan = {0};
    double cycles[MML_MAX_MODALITIES], load[MML_MAX_MODALITIES] = {0};
    i64 most = threads < b->count ? threads : b->count, number[MML_MAX_MODALITIES], placed[MML_MAX_MODALITIES] = {0};
    for (i64 i = 0; i < b->count; i++) {
        const MmlBranch *branch = &b->branches[i];
        int goes = !forward || forward[branch->group], learns = !active || active[branch->group];
        cycles[i] = 0;
        if (goes) cycles[i] += mml_branch_cycles(&branch->forward, (double)batch, 1);
        if (learns) cycles[i] += mml_branch_cycles(&branch->backward, (double)batch, 1);
        if (goes) plan.together += mml_branch_cycles(&branch->forward, (double)batch, (double)threads);
        if (learns) plan.together += mml_branch_cycles(&branch->backward, (double)batch, (double)threads);
    }
    for (i64 step = 0; step < b->count; step++) {
        i64 longest = -1, least = 0;
        for (i64 i = 0; i < b->count; i++)
            if (!placed[i] && (longest < 0 || cycles[i] > cycles[longest])) longest = i;
        for (i64 t = 1; t < most; t++)
            if (load[t] < load[least]) least = t;
        if (cycles[longest] <= 0) least = 0;
        placed[longest] = 1;
        plan.thread[longest] = least;
        load[least] += cycles[longest];
    }
    for (i64 t = 0; t < most; t++) {
        if (load[t] > plan.apart) plan.apart = load[t];
        number[t] = -1;
    }
    for (i64 group = 0; group < MML_MAX_MODALITIES; group++)
        for (i64 i = 0; i < b->count; i++)
            if (b->branches[i].group == group && number[plan.thread[i]] < 0) number[plan.thread[i]] = plan.threads++;
    for (i64 i = 0; i < b->count; i++) plan.thread[i] = number[plan.thread[i]];
    if (plan.threads > 1) plan.apart += MML_BARRIER_CYCLES;
    return plan;
}

static inline int mml_branches_apart(const MmlBranchPlan *plan) {
    return plan->apart * MML_BRANCHES_GAIN <= plan->together && plan->apart + MML_BARRIER_CYCLES <= plan->together;
}

#endif
