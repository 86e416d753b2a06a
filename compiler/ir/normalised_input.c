#include "ir/normalised_input.h"

#include "ir/graph.h"
#include "ir/kernels.h"
#include "ir/ops.h"

/* Nodes that add to the gradient of the parameter whose gradient is t. */
static int writers(const Step *step, int t) {
    int count = 0;
    for (int n = 0; t >= 0 && n < step->nodes.count; n++) {
        const Node *node = &step->nodes.items[n];
        for (int i = 0; i < node->operand_count; i++) {
            const Tensor *written = node->operands[i] < 0 || !node_writes(node, i) ? NULL : &step->tensors.items[node->operands[i]];
            count += written && written->store == STORE_GRADIENT && written->index >= 0 && written->index == step->tensors.items[t].index;
        }
    }
    return count;
}

/* norm, conv: backward nodes. The operands as in ops.def. */
static void rewrite(Builder *b, Node *norm, Node *conv) {
    const Node *forward = graph_writer(b->step, node_role(conv, 'x'));
    Node node = *norm;
    node.op     = IR_BATCHNORM_INPUT;
    node.kernel = op_row(IR_BATCHNORM_INPUT)->backward;
    node.operand_count   = 0;
    node.attribute_count = op_attribute_count(IR_BATCHNORM_INPUT, conv->attributes);
    for (int i = 0; i <= NODE_OPERANDS; i++) node.roles[i] = 0;
    for (int i = 0; i < node.attribute_count; i++) node.attributes[i] = conv->attributes[i];
    node_operand(&node, 'g', node_role(conv, 'g'));
    node_operand(&node, 'u', node_role(conv, 'w'));
    node_operand(&node, 'q', node_role(conv, 'W'));
    node_operand(&node, 'x', node_role(norm, 'x'));
    node_operand(&node, 'w', node_role(norm, 'w'));
    node_operand(&node, 'v', node_role(forward, 'v'));
    node_operand(&node, 'm', node_role(norm, 'm'));
    node_operand(&node, 'n', node_role(norm, 'n'));
    node_operand(&node, 'p', graph_temporary(b, IR_BATCHNORM_INPUT, conv->attributes, norm->group));
    node_operand(&node, 'W', node_role(norm, 'W'));
    node_operand(&node, 'V', node_role(norm, 'V'));
    *norm = node;
    for (int i = 0; i < conv->operand_count; i++)
        if (conv->roles[i] == 'd') conv->operands[i] = -1;
    conv->flops /= 2;
}

void normalised_input(Arena *arena, Step *step) {
    Builder b = builder_new(arena, step->program, step);
    for (int n = 0; n < step->nodes.count; n++) {
        Node *norm = &step->nodes.items[n];
        if (norm->op != IR_BATCHNORM || !norm->backward || node_role(norm, 'd') >= 0) continue;
        int gradient = node_role(norm, 'g');
        Node *conv = graph_writer(step, gradient);
        if (!conv || conv->op != IR_CONV_BLOCKED || !conv->backward || !conv->attributes[CONV_BLOCKED_PLAIN_INPUT].i) continue;
        if (graph_readers(step, gradient) == 1 && writers(step, node_role(conv, 'W')) == 1) rewrite(&b, norm, conv);
    }
}
