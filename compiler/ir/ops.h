/* The rows of ops.def, and what follows from a row alone. */
#ifndef IR_OPS_H
#define IR_OPS_H

#include "ir/ir.h"

typedef struct {
    const char *name;                   /* "conv"                                        */
    const char *attributes;
    Kernel      forward;  const char *forward_operands;
    Kernel      backward; const char *backward_operands;
    const char *saved;
    char        result;
} OpRow;

const OpRow *op_row(IrOp op);
IrOp         op_of_layer(LayerKind kind);
int          op_attribute_count(IrOp op, const Attribute *attributes);

const char  *kernel_name(Kernel kernel);                 /* "conv_forward"               */
int64_t      kernel_scratch(Kernel kernel, const Attribute *attributes);   /* floats for each thread */

/* Does the node's kernel write operand i? (Gradients of parameters: it adds.) */
int          node_writes(const Node *node, int operand);

#endif
