/* Direct convolution in the blocked layout.
 *
 * Output pixels are taken a few at a time, with a panel of output blocks, and
 * stay in registers while the sum runs over kernel taps and input channels:
 * each input value is broadcast, each vector of weights meets all pixels
 * (Georganas et al. 2018). A tile's pixels need not be neighbours, each has
 * its own address, so any width, stride and batch fills the tiles.
 *
 * One grid describes forward (one call), and backward-data: for a stride s its
 * input pixels fall in s * s classes, each of which sees its own taps, at
 * stride 1.
 */
#ifndef MML_KERNELS_CONV_DIRECT_H
#define MML_KERNELS_CONV_DIRECT_H

#include "kernels/blocked.h"
#include "kernels/epilogue.h"

/* Blocks of output channels that a tile takes at most: with as many pixels as
 * the registers hold (PIXELS_OF in conv_direct.c). */
#if MML_BLOCK == 16
#define PANEL 4
#else
#define PANEL 2
#endif

/* An output pixel (i, j) of the grid takes, for tap (r, c) and source channel
 * block b, the source floats at
 *   in_start + i * in_step_row + j * in_step_column + r * tap_row + c * tap_column + b * in_block
 * and writes at out_start + i * out_step_row + j * out_step_column + block * out_block. */
typedef struct {
    i64 rows, columns;                             /* output pixels                                 */
    i64 tap_rows, tap_columns;                     /* may be 0: the output is then 0                */
    i64 in_start, in_step_row, in_step_column, tap_row, tap_column, in_block, in_image;
    i64 out_start, out_step_row, out_step_column, out_block, out_image;
    i64 in_blocks, out_blocks;
    i64 depth;                                     /* channels at a tap: MML_BLOCK, or 1 when plain */
    const float *weights;                          /* by pack_weights                               */
    Epilogue epilogue;
} Grid;

/* Where the weights of a grid lie in OIHW: output lane o, source channel c, tap (r, t) at
 * o * lane_stride + c * depth_stride + first + r * row_stride + t * column_stride. */
typedef struct {
    i64 lanes, lane_stride, channels, depth_stride, first, row_stride, column_stride;
} WeightPlace;

/* Floats that pack_weights writes for a grid, and the packing of panels [begin, end). */
INLINE i64 packed_floats(const Grid *g) {
    return g->out_blocks * MML_BLOCK * g->in_blocks * g->depth * g->tap_rows * g->tap_columns;
}
INLINE i64 panels_of(i64 blocks) { return (blocks + PANEL - 1) / PANEL; }
void MML_NAME(pack_weights)(const Grid *grid, const WeightPlace *place, const float *w, float *packed, i64 begin, i64 end);

/* Computes the images [0, images) from x into y, for the panels [begin, end). */
void MML_NAME(conv_grid)(const Grid *grid, const float *x, float *y, i64 images, i64 begin, i64 end);

#endif
