/* The kernels that a convolution can run on, and which of them is picked: the
 * one whose estimate is the smallest among those that take its shape. */
#ifndef IR_KERNELS_H
#define IR_KERNELS_H

#include "ir/ir.h"

typedef enum { ALGORITHM_DIRECT, ALGORITHM_WINOGRAD, ALGORITHM_REFERENCE, ALGORITHMS } Algorithm;

/* A blocked convolution reads up to this many channels as they are published. */
#define KERNEL_PLAIN_CHANNELS 3

typedef struct {
    Algorithm algorithm;
    double    cycles[ALGORITHMS];       /* of a core for one sample, forward, estimated; infinite: doesn't take it */
} KernelChoice;

/* conv: attributes of `conv` (mml/abi.def). block: floats in a vector of the target, 0: reference kernels only. */
KernelChoice kernel_choice(const Attribute *conv, int64_t block);

const char *algorithm_name(Algorithm algorithm);         /* "direct"                     */

/* The attribute `algorithm` of conv_blocked for a choice, by its other attributes. */
int64_t kernel_algorithm(Algorithm choice, const Attribute *conv_blocked);

/* Halos around x and y that spare conv_blocked (with these attributes) a copy of x, and backward of dy. */
int64_t kernel_in_halo(const Attribute *conv_blocked);
int64_t kernel_out_halo(const Attribute *conv_blocked);

/* Floats of the operand p of an operation, for its forward and its backward kernel. */
int64_t kernel_temporary(IrOp op, const Attribute *attributes);

#endif
