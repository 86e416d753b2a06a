/* Reverse mode as a rewrite of the graph. */
#ifndef IR_GRADIENT_H
#define IR_GRADIENT_H

#include "ir/graph.h"

/* Appends the reverse sweep of loss (one fixed float) over the nodes from
 * `from` on: the backward kernels of ops.def in reverse order. Where a tensor
 * is used more than once its gradients are added; where no parameter that
 * learns stands behind a tensor none is computed. Before the sweep come nodes
 * that set the gradients of every reached parameter to zero. Marks
 * step->reached.
 *
 * A node for modality m runs only while m is active. Elsewhere (fusion, loss)
 * the gradients that only a paused modality would use are gated: NULL then. */
void gradient_of(Builder *b, int loss, int from);

#endif
