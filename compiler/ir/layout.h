/* The blocked layout: chains of image layers on tensors whose channels lie in
 * vectors of the target, with a halo of zeros around each image.
 *
 * Float of channel c at (y, x) of image n:
 *   ((((n * blocks + c / B) * (H + 2h) + y + h) * (W + 2h) + x + h) * B + c % B)
 * with B floats in a vector (Step.host) and blocks = ceil(C / B). Channels
 * beyond C and the halo are zero. Parameters and their gradients stay as they
 * are published.
 */
#ifndef IR_LAYOUT_H
#define IR_LAYOUT_H

#include "ir/graph.h"

/* Rewrites the forward nodes from `from` on: convolutions that kernels.h picks a
 * blocked kernel for, and the normalisations, activations, sums and poolings
 * between them, which fuse where only one of them reads the other. Tensors
 * keep their numbers in plain layout, so that whoever else reads one finds it;
 * reorder nodes stand where the two layouts meet. Nothing happens in a step
 * of block 0. Before gradient_of: a gradient lies as its tensor then. */
void layout_blocked(Builder *b, int from);

#endif
