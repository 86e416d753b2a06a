#include "ir/ops.h"

#include <string.h>

#define NAME_OF_KERNEL_(name) KERNEL_##name
#define KERNEL_OF(name) NAME_OF_KERNEL_(name)

/* Written as text in ops.def; lower case is what programs and dumps show. */
static const OpRow rows[IR_OP_COUNT] = {
#define IR_OP(kind, attributes, forward, operands, backward, backward_operands, saved, result) \
    {#kind, attributes, KERNEL_OF(forward), operands, KERNEL_OF(backward), backward_operands, saved, result},
#include "ir/ops.def"
#undef IR_OP
};

const OpRow *op_row(IrOp op) { return &rows[op]; }

static const IrOp layer_ops[LAYER_KINDS] = {
#define LAYER(kind, name) IR_##kind,
#include "sema/layers.def"
#undef LAYER
};

IrOp op_of_layer(LayerKind kind) { return layer_ops[kind]; }

int op_attribute_count(IrOp op, const Attribute *attributes) {
    const char *form = rows[op].attributes;
    return *form == '*' ? 1 + (int)attributes[0].i : (int)strlen(form);
}

static const char *const kernel_names[KERNEL_COUNT] = {
    "none",
#define MML_KERNEL(name, scratch) #name,
#define MML_RULE(name, result, arguments)
#include "mml/abi.def"
#undef MML_KERNEL
};

const char *kernel_name(Kernel kernel) { return kernel_names[kernel]; }

int64_t kernel_scratch(Kernel kernel, const Attribute *a) {
    switch (kernel) {
#define MML_KERNEL(name, scratch) case KERNEL_##name: return scratch;
#include "mml/abi.def"
#undef MML_KERNEL
#undef MML_RULE
    default: return 0;
    }
}

int node_writes(const Node *node, int operand) {
    return strchr(node->backward ? "deDWVp" : "ymnp", node->roles[operand]) != NULL;
}
