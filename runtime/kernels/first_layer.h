/* Backward-data of a first layer, to plain images of few channels.
 *
 * With one to three input channels a vector of them would be mostly empty: here
 * the vector runs over output channels, a few pixels times all input channels
 * stay in registers, and each of those sums is added up across at the end.
 */
#ifndef MML_KERNELS_FIRST_LAYER_H
#define MML_KERNELS_FIRST_LAYER_H

#include "kernels/conv_direct.h"

#define FIRST_LAYER_CHANNELS 3

/* grid: a class of backward-data as in conv_direct.h, whose outputs are plain
 * (out_block: floats from one channel to the next); place: its weights, OIHW.
 * packed: packed_first_layer floats. */
INLINE i64 packed_first_layer(const Grid *g, i64 channels) {
    return g->in_blocks * g->tap_rows * g->tap_columns * channels * MML_BLOCK;
}
void MML_NAME(pack_first_layer)(const Grid *grid, const WeightPlace *place, const float *w, float *packed);

/* One image, with grid->weights packed. channels: 1 to FIRST_LAYER_CHANNELS. */
void MML_NAME(first_layer)(const Grid *grid, i64 channels, const float *dy, float *dx);

#endif
