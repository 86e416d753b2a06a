#include "ir/epilogue.h"

#include <string.h>
#include "ir/graph.h"
#include "ir/kernels.h"

/* The convolution whose backward kernel can do the work of this relu's, NULL: none. */
static Node *convolution_behind(const Step *step, const Node *relu) {
    int gradient = node_role(relu, 'g');
    Node *conv = graph_writer(step, gradient);
    if (!conv || conv->op != IR_CONV_BLOCKED || !conv->backward || conv->attributes[CONV_BLOCKED_PLAIN_INPUT].i) return NULL;
    int fits = node_role(conv, 'd') == gradient && node_role(conv, 'x') == node_role(relu, 'y') && conv->group == relu->group &&
               graph_readers(step, gradient) == 1;
    return fits ? conv : NULL;
}

void gradient_epilogues(Arena *arena, Step *step) {
    for (int n = 0; n < step->nodes.count; n++) {
        const Node *relu = &step->nodes.items[n];
        Node *conv = relu->op == IR_RELU && relu->backward ? convolution_behind(step, relu) : NULL;
        if (!conv) continue;
        conv->attributes[CONV_BLOCKED_SOURCE_RELU].i = 1;
        for (int i = 0; i < conv->operand_count; i++)
            if (conv->roles[i] == 'd') conv->operands[i] = node_role(relu, 'd');
        memmove(&step->nodes.items[n], &step->nodes.items[n + 1], sizeof(Node) * (size_t)(step->nodes.count - n - 1));
        step->nodes.count--;
        n--;
    }
}
