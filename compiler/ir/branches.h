/* Which nodes of a step are branches of the modalities that may run side by
 * side, and whether that pays (mml/branches.h).
 *
 * The encoders up to the fusion are such branches, the reverse sweep behind
 * the fusion's gradient, in a unimodal step all of it. Side by side no two of
 * them may share memory, which costs large steps dearly; so a step is made for
 * it only where the model finds it worth on some number of threads. How many
 * there are, and which modalities are active, mml_branches asks when it runs.
 */
#ifndef IR_BRANCHES_H
#define IR_BRANCHES_H

#include "ir/ir.h"

/* Finds step->regions. Where one may run side by side the nodes are put in order: a branch's together, and with
 * them the zeros that their gradients begin with. */
void branches_find(Arena *arena, Step *step);

/* The region, worth running side by side, that has node n; NULL: none. */
const Region *branches_region(const Step *step, int n);

/* Cycles of a core for one node of the step, at its batch. */
MmlBranchCost branches_cost(const Step *step, const Node *node);

/* The model's numbers when all branches run on so many threads, and whether they then run side by side. */
MmlBranchPlan branches_plan(const Region *region, int64_t threads);
int           branches_apart(const Region *region, int64_t threads);

/* "forward", "backward", or "forward and backward" in a unimodal step. */
const char   *branches_part(const Region *region);

/* What is decided for so many threads, with the numbers: "backward, gray beside color: 0.05 M cycles against …". */
void          branches_print(const Step *step, const Region *region, int64_t threads, FILE *out);

#endif
