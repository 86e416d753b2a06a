/* The checks of ir_verify (ir.h): order, shapes, guards, memory. */
#include "ir/ir.h"

#include <stdlib.h>
#include "ir/branches.h"
#include "ir/memory.h"
#include "ir/ops.h"

static const Tensor *tensor(const Step *step, int t) {
    if (t < 0 || t >= step->tensors.count) mml_ice("%s: tensor %%%d does not exist", step->name, t);
    return &step->tensors.items[t];
}

/* A tensor is read behind the node that writes it, and only where that node has run. */
static void verify_read(const Step *step, int n, int operand) {
    const Node *node = &step->nodes.items[n];
    int t = node->operands[operand], root = t;
    while (tensor(step, root)->producer < 0 && tensor(step, root)->alias >= 0) root = tensor(step, root)->alias;
    const Tensor *read = tensor(step, root);
    if (read->store != STORE_ARENA) return;
    if (read->producer < 0 || read->producer >= n) mml_ice("%s: node %d reads %%%d before it is written", step->name, n, t);
    const Node *writer = &step->nodes.items[read->producer];
    if (writer->guard != GUARD_NONE && (node->guard < writer->guard || node->group != writer->group))
        mml_ice("%s: node %d may read %%%d when node %d has not run", step->name, n, t, read->producer);
    const Region *region = branches_region(step, n);
    if (region && read->producer >= region->begin && writer->group != node->group)
        mml_ice("%s: node %d reads %%%d of a branch beside its own", step->name, n, t);
    if (read->gate >= 0 && (node->guard != GUARD_ACTIVE || node->group != read->gate))
        mml_ice("%s: node %d may read the gated %%%d of modality %d", step->name, n, t, read->gate);
}

static void verify_node(const Step *step, int n) {
    const Node *node = &step->nodes.items[n];
    for (int i = 0; i < node->operand_count; i++) {
        if (node->operands[i] < 0) continue;
        const Tensor *t = tensor(step, node->operands[i]);
        if (t->size <= 0) mml_ice("%s: %%%d of node %d has no size", step->name, node->operands[i], n);
        if (!node_writes(node, i)) verify_read(step, n, i);
        else if (t->producer != n && t->store == STORE_ARENA)
            mml_ice("%s: %%%d is written by nodes %d and %d", step->name, node->operands[i], t->producer, n);
    }
    if (node->backward && node->op != IR_SAMPLES) {      /* a gradient has the form of what it belongs to */
        for (int i = 0; i < node->input_count; i++) {
            char role = i == 0 ? 'd' : 'e';
            for (int o = 0; o < node->operand_count; o++)
                if (node->roles[o] == role && node->operands[o] >= 0 && node->inputs[i] >= 0 &&
                    tensor(step, node->operands[o])->size != tensor(step, node->inputs[i])->size)
                    mml_ice("%s: the gradient of node %d has another size than its input", step->name, n);
        }
    }
    if (node->op == IR_ADD)
        for (int i = 0; i < node->operand_count; i++)
            if (tensor(step, node->operands[i])->size != node->attributes[0].i * node->frames)
                mml_ice("%s: node %d adds tensors of different sizes", step->name, n);
}

static void verify_memory(const Step *step) {
    Arena *arena = arena_new();
    MemoryUse use = memory_use(arena, step);
    for (int a = 0; a < step->tensors.count; a++) {
        const Tensor *x = &step->tensors.items[a];
        if (x->store != STORE_ARENA || x->alias >= 0 || x->begin < 0) continue;
        int64_t room = x->fixed ? step->fixed_bytes : step->sample_bytes;
        if (x->offset < 0 || x->offset % 64 || x->offset + memory_bytes(x) > room)
            mml_ice("%s: %%%d lies outside the arena", step->name, a);
        for (int b = a + 1; b < step->tensors.count; b++) {
            const Tensor *y = &step->tensors.items[b];
            if (y->store != STORE_ARENA || y->alias >= 0 || y->begin < 0 || y->fixed != x->fixed) continue;
            int overlap = x->offset < y->offset + memory_bytes(y) && y->offset < x->offset + memory_bytes(x);
            if (overlap && memory_at_once(&use, a, b)) mml_ice("%s: %%%d and %%%d share memory while both are in use", step->name, a, b);
        }
    }
    arena_free(arena);
}

void ir_verify(const Step *step) {
    for (int n = 0; n < step->nodes.count; n++) verify_node(step, n);
    verify_memory(step);
}
