/* branches_cost (branches.h): estimates. Rates fit one core with AVX2; what counts is how branches compare, and how they
 * compare with a barrier. */
#include "ir/branches.h"

#include "ir/kernels.h"
#include "ir/ops.h"
#include "mml/kernels.def"

/* Shares of two multiply-adds of a vector a cycle. Winograd's are of the direct convolution's products. */
#define SHARE_DIRECT    0.8
#define SHARE_WINOGRAD  1.6
#define SHARE_REFERENCE 0.4
#define SHARE_LINEAR    0.5

#define CYCLES_A_CALL  1000.0           /* of a kernel with all that it does once        */
#define CYCLES_A_FLOAT 0.3              /* passed over; all operands count               */
#define CYCLES_A_CURVE 8.0              /* exp, erf, tanh …                              */

/* Of all operands, by form. */
static double floats_of(const Step *step, const Node *node, int fixed) {
    double floats = 0;
    for (int i = 0; i < node->operand_count; i++)
        if (node->operands[i] >= 0 && step->tensors.items[node->operands[i]].fixed == fixed) floats += (double)step->tensors.items[node->operands[i]].size;
    return floats;
}

static double share_of_peak(const Node *node) {
    switch (node->op) {
    case IR_CONV_BLOCKED: case IR_CONV_BATCHNORM_BLOCKED:
        return node->attributes[CONV_BLOCKED_ALGORITHM].i == MML_CONV_WINOGRAD ? SHARE_WINOGRAD : SHARE_DIRECT;
    case IR_CONV:         return SHARE_REFERENCE;
    case IR_LINEAR:       return SHARE_LINEAR;
    default:              return 0;
    }
}

static int is_curve(IrOp op) {
    switch (op) {
    case IR_GELU: case IR_TANH: case IR_SIGMOID: case IR_SOFTPLUS: case IR_SMOOTHED_RELU: case IR_DROPOUT: case IR_CE: return 1;
    default: return 0;
    }
}

static double cycles_of_sample(const Step *step, const Node *node) {
    double block = step->host.block > 4 ? (double)step->host.block : 4, share = share_of_peak(node);
    if (share > 0) return (double)node->flops / (share * 4 * block);
    return floats_of(step, node, 0) * (is_curve(node->op) ? CYCLES_A_CURVE : CYCLES_A_FLOAT);
}

/* Whether the kernel splits its work at the step's batch: by the rule of runtime/nn/kernel.h, from the floats that it
 * reads or writes. Convolutions always do, and transform, multiply and gather one after the other. */
static int barriers_of(const Step *step, const Node *node) {
    if (node->op == IR_CONV || node->op == IR_CONV_BLOCKED || node->op == IR_CONV_BATCHNORM_BLOCKED) return 2;
    double batch = (double)step->batch;
    double floats = node->op == IR_LINEAR ? batch * (double)(node->frames * node->attributes[0].i * node->attributes[1].i) / 8
                  : node->op == IR_ZERO   ? floats_of(step, node, 1)
                                          : batch * floats_of(step, node, 0) / 2;
    if (floats < MML_SERIAL_FLOATS) return 0;
    return node->backward && node->op == IR_LINEAR ? 2 : 1;
}

/* What is passed over once in a batch is counted a share of it to each sample. */
MmlBranchCost branches_cost(const Step *step, const Node *node) {
    double cycles = cycles_of_sample(step, node) + CYCLES_A_FLOAT * floats_of(step, node, 1) / (double)step->batch;
    int barriers = barriers_of(step, node);
    return (MmlBranchCost){.once = CYCLES_A_CALL, .whole = barriers ? 0 : cycles, .split = barriers ? cycles : 0, .barriers = barriers};
}
