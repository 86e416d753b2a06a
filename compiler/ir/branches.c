#include "ir/branches.h"

#include <stdlib.h>
#include <string.h>
#include "ir/graph.h"
#include "ir/memory.h"
#include "ir/ops.h"

static const Tensor *tensor(const Step *step, int t) { return &step->tensors.items[t]; }

/* ---- Order ---- */

static int is_constant(const Node *node) { return node->op == IR_NUMBER && !node->value; }

/* Does the node touch the gradients from first on? */
static int touches_gradients(const Step *step, const Node *node, int64_t first, int64_t size) {
    for (int i = 0; i < node->operand_count; i++) {
        const Tensor *t = node->operands[i] < 0 ? NULL : tensor(step, node->operands[i]);
        if (t && t->store == STORE_GRADIENT && t->first < first + size && first < t->first + t->size) return 1;
    }
    return 0;
}

/* Constants to the front, the zeros of gradients to where the first adds to them: neither is a branch's end. */
static void clear_ways(Step *step, Node *nodes) {
    int count = step->nodes.count, front = 0;
    for (int n = 0; n < count; n++) {
        if (!is_constant(&nodes[n])) continue;
        Node constant = nodes[n];
        memmove(nodes + front + 1, nodes + front, sizeof *nodes * (size_t)(n - front));
        nodes[front++] = constant;
    }
    for (int n = count - 1; n >= 0; n--) {
        int zeroed = nodes[n].op == IR_ZERO ? node_role(&nodes[n], 'y') : -1, to = n;
        if (zeroed < 0 || tensor(step, zeroed)->store != STORE_GRADIENT) continue;
        while (to + 1 < count && !touches_gradients(step, &nodes[to + 1], tensor(step, zeroed)->first, tensor(step, zeroed)->size)) to++;
        Node zero = nodes[n];
        memmove(nodes + n, nodes + n + 1, sizeof *nodes * (size_t)(to - n));
        nodes[to] = zero;
    }
}

/* ---- Independence ---- */

typedef struct { int64_t first, size; int group; } Range;

static int by_first(const void *a, const void *b) {
    int64_t x = ((const Range *)a)->first, y = ((const Range *)b)->first;
    return (x > y) - (x < y);
}

/* No two groups touch the same floats. */
static int are_apart(Range *ranges, int count) {
    qsort(ranges, (size_t)count, sizeof *ranges, by_first);
    for (int i = 1; i < count; i++) {
        Range *last = &ranges[i - 1];
        if (ranges[i].first >= last->first + last->size) continue;
        if (ranges[i].group != last->group) return 0;
        if (last->first + last->size > ranges[i].first + ranges[i].size) ranges[i].size = last->first + last->size - ranges[i].first;
    }
    return 1;
}

/* Of the arena each tensor is written by one group's nodes and read by no other's; gradients and running statistics are
 * touched by one group. Parameters and inputs are only read. */
static int independent(Arena *arena, const Step *step, const Node *nodes, int begin, int end) {
    int *writer = NEW_ARRAY(arena, int, step->tensors.count + 1), counts[2] = {0};
    Range *ranges[2] = {NEW_ARRAY(arena, Range, (end - begin) * NODE_OPERANDS + 1), NEW_ARRAY(arena, Range, (end - begin) * NODE_OPERANDS + 1)};
    for (int t = 0; t < step->tensors.count; t++) writer[t] = -1;
    for (int n = begin; n < end; n++)
        for (int i = 0; i < nodes[n].operand_count; i++) {
            int t = nodes[n].operands[i];
            if (t >= 0 && node_writes(&nodes[n], i)) writer[memory_root(step, t)] = nodes[n].group;
        }
    for (int n = begin; n < end; n++)
        for (int i = 0; i <= nodes[n].operand_count; i++) {
            int t = i < nodes[n].operand_count ? nodes[n].operands[i] : nodes[n].factor;
            if (t < 0) continue;
            const Tensor *touched = tensor(step, t);
            int by = writer[memory_root(step, t)], kind = touched->store == STORE_STATISTIC;
            if (touched->store == STORE_ARENA && by >= 0 && by != nodes[n].group) return 0;
            if (touched->store == STORE_GRADIENT || kind)
                ranges[kind][counts[kind]++] = (Range){touched->first, touched->size, nodes[n].group};
        }
    return are_apart(ranges[0], counts[0]) && are_apart(ranges[1], counts[1]);
}

/* ---- Regions ---- */

static int in_branch(const Step *step, const Node *node) {
    return node->group >= 0 && node->group < step->program->modalities.count && node->kernel != KERNEL_NONE;
}

static void add_cost(MmlBranchCost *sum, MmlBranchCost cost) {
    sum->once += cost.once;
    sum->whole += cost.whole;
    sum->split += cost.split;
    sum->barriers += cost.barriers;
}

/* Nodes [begin, end) sorted into branches, in the order in which their modalities come. */
static Region region_of(Arena *arena, const Step *step, Node *nodes, int begin, int end) {
    Region region = {.begin = begin, .end = end, .batch = step->batch, .first = NEW_ARRAY(arena, int, MML_MAX_MODALITIES + 1)};
    MmlBranch *branches = NEW_ARRAY(arena, MmlBranch, MML_MAX_MODALITIES);
    Node *sorted = NEW_ARRAY(arena, Node, end - begin);
    char taken[MML_MAX_MODALITIES] = {0};
    int count = 0, at = begin;
    for (int n = begin; n < end; n++) {
        int group = nodes[n].group;
        if (taken[group]) continue;
        taken[group] = 1;
        MmlBranch *branch = &branches[count];
        branch->group = group;
        region.first[count++] = at;
        for (int i = n; i < end; i++) {
            if (nodes[i].group != group) continue;
            add_cost(nodes[i].guard == GUARD_ACTIVE ? &branch->backward : &branch->forward, branches_cost(step, &nodes[i]));
            sorted[at++ - begin] = nodes[i];
        }
    }
    region.first[count] = end;
    region.model = (MmlBranches){count, branches};
    memcpy(nodes + begin, sorted, sizeof *nodes * (size_t)(end - begin));
    return region;
}

MmlBranchPlan branches_plan(const Region *region, int64_t threads) {
    return mml_branches_plan(&region->model, NULL, NULL, region->batch, threads);
}

/* With more threads than branches nothing is won side by side, and less waiting lost. */
static int pays(const Region *region) {
    for (int64_t threads = 2; threads <= region->model.count; threads++) {
        MmlBranchPlan plan = branches_plan(region, threads);
        if (mml_branches_apart(&plan)) return 1;
    }
    return 0;
}

void branches_find(Arena *arena, Step *step) {
    int count = step->nodes.count, any = 0;
    Node *nodes = NEW_ARRAY(arena, Node, count + 1);
    memcpy(nodes, step->nodes.items, sizeof *nodes * (size_t)count);
    clear_ways(step, nodes);
    for (int begin = 0, end; begin < count; begin = end + 1) {
        int several = 0;
        for (end = begin; end < count && in_branch(step, &nodes[end]); end++) several |= nodes[end].group != nodes[begin].group;
        if (!several || !independent(arena, step, nodes, begin, end)) continue;
        Region region = region_of(arena, step, nodes, begin, end);
        region.apart = pays(&region);
        any |= region.apart;
        VECTOR_PUSH(arena, &step->regions, region);
    }
    if (any) memcpy(step->nodes.items, nodes, sizeof *nodes * (size_t)count);
}

const Region *branches_region(const Step *step, int n) {
    for (int r = 0; r < step->regions.count; r++) {
        const Region *region = &step->regions.items[r];
        if (region->apart && n >= region->begin && n < region->end) return region;
    }
    return NULL;
}

/* ---- What is shown ---- */

int branches_apart(const Region *region, int64_t threads) {
    MmlBranchPlan plan = branches_plan(region, threads);
    return region->apart && threads > 1 && mml_branches_apart(&plan);
}

const char *branches_part(const Region *region) {
    int forward = 0, backward = 0;
    for (int i = 0; i < region->model.count; i++) {
        forward  |= region->model.branches[i].forward.once > 0;
        backward |= region->model.branches[i].backward.once > 0;
    }
    return forward && backward ? "forward and backward" : forward ? "forward" : "backward";
}

void branches_print(const Step *step, const Region *region, int64_t threads, FILE *out) {
    MmlBranchPlan plan = branches_plan(region, threads);
    int apart = branches_apart(region, threads);
    fprintf(out, "%s, ", branches_part(region));
    for (int i = 0; i < region->model.count; i++)
        fprintf(out, "%s%s", !i ? "" : apart ? " beside " : " then ", step->program->modalities.items[region->model.branches[i].group].name);
    if (threads < 2) fputs(": there is one thread\n", out);
    else if (apart) fprintf(out, ": %.3f M cycles, one after the other %.3f M\n", plan.apart * 1e-6, plan.together * 1e-6);
    else fprintf(out, ": %.3f M cycles, side by side %.3f M (must be %.1f times less)\n", plan.together * 1e-6, plan.apart * 1e-6, MML_BRANCHES_GAIN);
}
