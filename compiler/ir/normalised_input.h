/* Batch norm on what a modality is given, with the convolution behind it.
 *
 * Nothing learns before such a batch norm: of the gradient of its result only
 * two numbers a channel are wanted, Dgamma and Dbeta. They follow from what the
 * convolution's gradient of the weights has found already (the kernel
 * batchnorm_input_backward of mml/abi.def), so that the gradient itself, the
 * costliest product of a small network, is never computed.
 */
#ifndef IR_NORMALISED_INPUT_H
#define IR_NORMALISED_INPUT_H

#include "ir/ir.h"

/* Rewrites the reverse nodes of every such pair of a blocked convolution. */
void normalised_input(Arena *arena, Step *step);

#endif
