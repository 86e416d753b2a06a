/* A convolution as a matrix product: images as columns, and back.
 *
 * The matrix of columns has a row for each (input channel, kernel row, kernel
 * column) of one group and a column for each output pixel; several images lie
 * side by side (Chellapilla, Puri, Simard 2006).
 */
#ifndef MML_NN_COLUMNS_H
#define MML_NN_COLUMNS_H

#include <stdbool.h>

#include "mml/experiment.h"

typedef struct {
    i64  in_channels, in_height, in_width, out_channels, kernel_height, kernel_width;
    i64  stride, pad, dilation, groups, out_height, out_width;
    i64  group_in, group_out;     /* channels of one group                                */
    i64  in_plane, out_plane;     /* pixels of one channel                                */
    i64  depth;                   /* rows of the matrix: group_in * kernel pixels         */
    i64  images;                  /* that lie side by side in one product                 */
    i64  padded_width, padded_plane;
    bool pointwise;               /* 1 x 1, stride 1, no border: an image is its columns  */
} Conv;

Conv mml_conv_from(const MmlValue *a);

/* x: the first of count images at one group's first channel; images are
 * in_channels * in_plane apart. Writes columns[depth, count * out_plane].
 * border: scratch of group_in * padded_plane floats. */
void mml_columns_from_images(const Conv *conv, const float *x, i64 count, float *columns, float *border);

/* The transpose: sums columns into dx, whose group's channels are overwritten. */
void mml_images_from_columns(const Conv *conv, const float *columns, i64 count, float *dx, float *border);

#endif
