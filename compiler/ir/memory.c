#include "ir/memory.h"

#include <stdlib.h>
#include <string.h>
#include "ir/branches.h"
#include "ir/graph.h"
#include "ir/ops.h"

#define ALIGNMENT 64

static int64_t aligned(int64_t bytes) { return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT; }

int64_t memory_bytes(const Tensor *t) { return aligned(4 * t->size); }

int memory_root(const Step *step, int t) {
    while (step->tensors.items[t].alias >= 0) t = step->tensors.items[t].alias;
    return t;
}

static void keep(Step *step, int t) {
    if (t >= 0) step->tensors.items[memory_root(step, t)].kept = 1;
}

void memory_mark(Arena *arena, Step *step) {
    for (int n = 0; n < step->nodes.count; n++) {
        const Node *node = &step->nodes.items[n];
        for (int i = 0; i < node->operand_count; i++)
            if (node->operands[i] >= 0 && node_writes(node, i)) step->tensors.items[node->operands[i]].producer = n;
    }
    for (int m = 0; m < MML_MAX_MODALITIES; m++) {
        keep(step, step->features[m]);
        keep(step, step->losses[m]);
    }
    for (int g = 0; g <= MML_MAX_MODALITIES; g++) keep(step, step->logits[g]);
    keep(step, step->prediction);
    keep(step, step->loss);
}

/* ---- Sharing ---- */

/* Backward kernels of these take x and y for the same numbers: relu and the rest
 * are decided by the sign or the value of y, scale and dropout by neither. */
static int gradient_from_result(const Node *node) {
    switch (node->op) {
    case IR_RELU: case IR_TANH: case IR_SIGMOID: case IR_SCALE: case IR_DROPOUT: case IR_ADD: return 1;
    case IR_LEAKY_RELU: return node->attributes[1].r > 0;
    default: return 0;
    }
}

/* The kernels that mml/abi.def lets work in place. */
static int works_in_place(IrOp op) {
    switch (op) {
    case IR_RELU: case IR_LEAKY_RELU: case IR_GELU: case IR_TANH: case IR_SIGMOID: case IR_SOFTPLUS:
    case IR_SMOOTHED_RELU: case IR_SCALE: case IR_DROPOUT: case IR_ADD:
    case IR_BATCHNORM: case IR_LAYERNORM: case IR_NORMALIZE: return 1;
    default: return 0;
    }
}

/* Is root's memory read behind node n, or by a branch beside it? Its own backward kernel's x does not count. */
static int read_behind(const Step *step, int n, int root, int y) {
    const Node *own = &step->nodes.items[n];
    const Region *region = branches_region(step, n);
    for (int later = region ? region->begin : n + 1; later < step->nodes.count; later++) {
        const Node *node = &step->nodes.items[later];
        if (later <= n && node->group == own->group) continue;
        int own_backward = node->backward && !own->backward && node->op == own->op && gradient_from_result(node) &&
                           node_role(node, 'y') == y;
        for (int i = 0; i < node->operand_count; i++) {
            if (node->operands[i] < 0 || node_writes(node, i)) continue;
            if (own_backward && node->roles[i] == 'x') continue;
            if (memory_root(step, node->operands[i]) == root) return 1;
        }
        if (node->factor >= 0 && memory_root(step, node->factor) == root) return 1;
    }
    return 0;
}

static int may_share(const Step *step, int n, int x, int y) {
    int root = memory_root(step, x);
    const Tensor *from = &step->tensors.items[root], *to = &step->tensors.items[y];
    if (from->store != STORE_ARENA || from->kept || from->fixed != to->fixed || from->size != to->size) return 0;
    return !read_behind(step, n, root, y);
}

void memory_share(Arena *arena, Step *step) {
    for (int n = 0; n < step->nodes.count; n++) {
        const Node *node = &step->nodes.items[n];
        int y = node_role(node, node->backward ? 'd' : 'y');
        if (!works_in_place(node->op) || y < 0) continue;
        for (int i = 0; i < node->operand_count; i++) {
            int source = node->operands[i];
            int candidate = node->backward ? node->roles[i] == 'g' : node->roles[i] == 'x' || node->roles[i] == 'X';
            if (!candidate || source < 0 || !may_share(step, n, source, y)) continue;
            Tensor *result = &step->tensors.items[y];
            result->alias = memory_root(step, source);
            if (result->kept) step->tensors.items[result->alias].kept = 1;
            break;
        }
    }
}

/* ---- Branches ---- */

/* One bit for each branch of the region that uses the tensor's memory. */
static unsigned *users_of(Arena *arena, const Step *step, const Region *region) {
    unsigned *users = NEW_ARRAY(arena, unsigned, step->tensors.count + 1);
    for (int n = region->begin; n < region->end; n++) {
        const Node *node = &step->nodes.items[n];
        for (int i = 0; i <= node->operand_count; i++) {
            int t = i < node->operand_count ? node->operands[i] : node->factor;
            if (t >= 0) users[memory_root(step, t)] |= 1u << node->group;
        }
    }
    return users;
}

MemoryUse memory_use(Arena *arena, const Step *step) {
    MemoryUse use = {.step = step, .users = NEW_ARRAY(arena, unsigned *, step->regions.count + 1)};
    for (int r = 0; r < step->regions.count; r++)
        if (step->regions.items[r].apart) use.users[use.regions++] = users_of(arena, step, &step->regions.items[r]);
    return use;
}

int memory_at_once(const MemoryUse *use, int a, int b) {
    const Tensor *x = &use->step->tensors.items[a], *y = &use->step->tensors.items[b];
    if (x->begin <= y->end && y->begin <= x->end) return 1;
    for (int r = 0; r < use->regions; r++) {
        unsigned by_x = use->users[r][a], by_y = use->users[r][b], both = by_x | by_y;
        if (by_x && by_y && (both & (both - 1))) return 1;
    }
    return 0;
}

/* ---- Plan ---- */

static void lifetimes(Step *step) {
    for (int n = 0; n < step->nodes.count; n++) {
        const Node *node = &step->nodes.items[n];
        for (int i = 0; i <= node->operand_count; i++) {
            int t = i < node->operand_count ? node->operands[i] : node->factor;
            if (t < 0) continue;
            Tensor *root = &step->tensors.items[memory_root(step, t)];
            if (root->begin < 0) root->begin = n;
            root->end = root->kept ? step->nodes.count : n;
        }
    }
}

typedef struct { Tensor *tensor; int number; } Place;

static int larger_first(const void *a, const void *b) {
    const Place *x = a, *y = b;
    int64_t sx = memory_bytes(x->tensor), sy = memory_bytes(y->tensor);
    return sx != sy ? (sx < sy) - (sx > sy) : x->number - y->number;
}

static int by_offset(const void *a, const void *b) {
    int64_t x = (*(const Tensor *const *)a)->offset, y = (*(const Tensor *const *)b)->offset;
    return (x > y) - (x < y);
}

/* Largest first, each at the lowest place where nothing of its lifetime lies. */
static int64_t place(Arena *arena, Step *step, const MemoryUse *use, int fixed) {
    Place *places = NEW_ARRAY(arena, Place, step->tensors.count + 1);
    Tensor **near = NEW_ARRAY(arena, Tensor *, step->tensors.count + 1);
    int count = 0;
    for (int t = 0; t < step->tensors.count; t++) {
        Tensor *tensor = &step->tensors.items[t];
        if (tensor->store == STORE_ARENA && tensor->alias < 0 && tensor->begin >= 0 && tensor->fixed == fixed)
            places[count++] = (Place){tensor, t};
    }
    qsort(places, (size_t)count, sizeof *places, larger_first);

    int64_t total = 0;
    for (int i = 0; i < count; i++) {
        Tensor *tensor = places[i].tensor;
        int nears = 0;
        for (int j = 0; j < i; j++)
            if (memory_at_once(use, places[i].number, places[j].number)) near[nears++] = places[j].tensor;
        qsort(near, (size_t)nears, sizeof *near, by_offset);
        int64_t offset = 0, bytes = memory_bytes(tensor);
        for (int j = 0; j < nears && near[j]->offset < offset + bytes; j++)
            if (near[j]->offset + memory_bytes(near[j]) > offset) offset = near[j]->offset + memory_bytes(near[j]);
        tensor->offset = offset;
        if (offset + bytes > total) total = offset + bytes;
    }
    return total;
}

void memory_plan(Arena *arena, Step *step) {
    lifetimes(step);
    MemoryUse use = memory_use(arena, step);
    step->fixed_bytes  = place(arena, step, &use, 1);
    step->sample_bytes = place(arena, step, &use, 0);
    for (int t = 0; t < step->tensors.count; t++) {
        Tensor *tensor = &step->tensors.items[t];
        const Tensor *root = &step->tensors.items[memory_root(step, t)];
        if (tensor->store != STORE_ARENA || tensor->alias < 0) continue;
        tensor->offset = root->offset;
        tensor->begin  = root->begin;
        tensor->end    = root->end;
    }
    for (int n = 0; n < step->nodes.count; n++) {
        int64_t scratch = aligned(4 * kernel_scratch(step->nodes.items[n].kernel, step->nodes.items[n].attributes));
        if (scratch > step->thread_bytes) step->thread_bytes = scratch;
    }
}
