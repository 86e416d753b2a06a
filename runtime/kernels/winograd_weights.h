/* The gradient of a 3 x 3 kernel's weights by F(3x3, 4x4).
 *
 * A round takes some tiles of all images in order, in two steps that threads
 * split without sums across them: transforms of x and dy (tiles), then, by
 * items of a panel and a piece of the channels, the products over the round's
 * tiles of all positions, whose sums stay in the second-level cache, and from
 * them the gradient. So the result does not even depend on the number of
 * threads.
 *
 * Room, in `packed`: sources [position][block][tile][lane], gradients likewise.
 * An item's sums: [position][channel][block][lane].
 */
#ifndef MML_KERNELS_WINOGRAD_WEIGHTS_H
#define MML_KERNELS_WINOGRAD_WEIGHTS_H

#include "kernels/conv_backward_weights.h"
#include "kernels/winograd.h"

typedef struct {
    Tiling  t;                                    /* source x, out dy                       */
    i64     tiles, round;                         /* tiles of all images; in a round        */
    i64     items, pieces, channels;              /* pieces of so many channels, of a panel */
    i64     source_plane, gradient_plane;         /* floats from one position to the next   */
    float  *sources, *gradients;
} WeightTiles;

/* packed: MML_WINOGRAD_WEIGHT_ROOM floats. */
WeightTiles MML_NAME(weight_tiles)(Blocked x, Blocked dy, i64 pad, i64 images, int threads, float *packed);

/* Tiles [begin, end) of the round that starts at tile `first`. */
void MML_NAME(transform_pairs)(const WeightTiles *w, const float *x, const float *dy, i64 first, i64 begin, i64 end);

/* Items [begin, end), over the round's `count` tiles; sums: MML_WINOGRAD_SUMS floats. Adds to the gradient,
 * OIHW; start: overwrites it. */
void MML_NAME(multiply_pairs)(const WeightTiles *w, i64 count, bool start, i64 begin, i64 end, float *sums, float *dw);

#endif
