/* The kernels that a convolution can run on, and which of them is picked among those that take its
 * shape: where all of them were measured on this machine (driver/tune.h) the fastest, unless the
 * one of the smallest estimate comes within 10 % of it; else that one. */
#ifndef IR_KERNELS_H
#define IR_KERNELS_H

#include "ir/ir.h"

typedef enum { ALGORITHM_DIRECT, ALGORITHM_WINOGRAD, ALGORITHM_REFERENCE, ALGORITHMS } Algorithm;

/* Attributes of conv_blocked (mml/abi.def) that follow from the host and from what stands around it. */
enum { CONV_BLOCKED_ALGORITHM = 13, CONV_BLOCKED_PLAIN_INPUT, CONV_BLOCKED_RELU, CONV_BLOCKED_SOURCE_RELU, CONV_BLOCKED_SETS_WEIGHTS, CONV_BLOCKED_ATTRIBUTES };

/* A blocked convolution reads up to this many channels as they are published. */
#define KERNEL_PLAIN_CHANNELS 3

/* Seconds of a core for one sample. */
typedef struct {
    int64_t shape[12];                  /* the attributes of `conv` (mml/abi.def)        */
    double  forward[ALGORITHMS];        /* infinite: not measured                        */
    double  backward[ALGORITHMS];       /* both gradients                                */
} KernelTime;

typedef struct KernelTimes { VECTOR(KernelTime) rows; } KernelTimes;

/* The row of a shape, or NULL. */
const KernelTime *kernel_time(const KernelTimes *times, const Attribute *conv);

typedef struct {
    Algorithm algorithm, estimated;     /* estimated: of the smallest estimate           */
    double    cycles[ALGORITHMS];       /* of a core for one sample, forward, estimated; infinite: doesn't take it */
    const KernelTime *measured;         /* what decided; NULL: the estimates             */
} KernelChoice;

/* conv: attributes of `conv` (mml/abi.def). */
KernelChoice kernel_choice(const Attribute *conv, KernelHost host);

/* Seconds for one sample, forward and backward. */
double kernel_seconds(const KernelTime *time, Algorithm algorithm);

const char *algorithm_name(Algorithm algorithm);         /* "direct"                     */

/* The attribute `algorithm` of conv_blocked for a choice, by its other attributes. */
int64_t kernel_algorithm(Algorithm choice, const Attribute *conv_blocked);

/* Halos around x and y that spare conv_blocked (with these attributes) a copy of x, and backward of dy. */
int64_t kernel_in_halo(const Attribute *conv_blocked);
int64_t kernel_out_halo(const Attribute *conv_blocked);

/* Floats of the operand p of an operation, for its forward and its backward kernel. */
int64_t kernel_temporary(IrOp op, const Attribute *attributes);

#endif
