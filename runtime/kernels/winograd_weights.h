/* The gradient of a 3 x 3 kernel's weights by F(3x3, 4x4).
 *
 * A round takes some tiles of all images in order, in three steps that threads
 * split without sums across them: transforms of x and dy (tiles), products
 * over tiles for each position (positions times panels), and after the last
 * round the gradient from the 36 sums (panels). So the result does not even
 * depend on the number of threads.
 *
 * Room, in `packed`: sources [position][block][tile][lane], gradients likewise,
 * sums [position][panel][channel][block][lane].
 */
#ifndef MML_KERNELS_WINOGRAD_WEIGHTS_H
#define MML_KERNELS_WINOGRAD_WEIGHTS_H

#include "kernels/conv_backward_weights.h"
#include "kernels/winograd.h"

typedef struct {
    Tiling  t;                                    /* source x, out dy                      */
    i64     round;                                /* tiles in a round, at most             */
    i64     source_plane, gradient_plane, sum_plane;    /* floats from one position to the next */
    float  *sources, *gradients, *sums;
} WeightTiles;

/* packed: MML_WINOGRAD_WEIGHT_ROOM floats. */
WeightTiles MML_NAME(weight_tiles)(Blocked x, Blocked dy, i64 pad, float *packed);

i64  MML_NAME(weight_panels)(const WeightTiles *w);

/* Tiles [begin, end) of the round that starts at tile `first`. */
void MML_NAME(transform_pairs)(const WeightTiles *w, const float *x, const float *dy, i64 first, i64 begin, i64 end);

/* Items [begin, end) of positions times panels, over the round's `count` tiles; start: sums begin. */
void MML_NAME(multiply_pairs)(const WeightTiles *w, i64 count, bool start, i64 begin, i64 end);

/* Adds the panels [begin, end) to the gradient, OIHW. */
void MML_NAME(take_pairs)(const WeightTiles *w, i64 begin, i64 end, float *dw);

#endif
