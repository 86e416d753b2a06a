/* Gradients of a convolution's weights and bias, directly.
 *
 * Each weight (o, c, r, t) sums dy(o, pixel) * x(c, pixel at tap (r, t)): the
 * pairs (c, r, t), in the order of OIHW, are streams through x; a few of them
 * with a panel of output blocks stay in registers while the pixels go by, in
 * passes that the first-level cache holds. No two panels and no two channels
 * share a sum, so threads split those; pixels are summed in their order.
 */
#ifndef MML_KERNELS_CONV_BACKWARD_WEIGHTS_H
#define MML_KERNELS_CONV_BACKWARD_WEIGHTS_H

#include "kernels/blocked.h"
#include "mml/kernels.def"

#define WEIGHT_PANEL 2

/* x as a blocked tensor or as plain planes with their border, and dy. */
typedef struct {
    i64 rows, columns;                       /* pixels of dy                              */
    i64 x_start, x_step_row, x_step_column, x_row, x_column, x_channel_block, x_image;
    i64 dy_start, dy_row, dy_block, dy_image;
    i64 depth;                               /* channels in a channel block of x          */
    i64 channels, kernel_height, kernel_width, out_channels, out_blocks;
} Streams;

/* Adds images [0, images) to the sums of one panel, for channels [begin, end):
 * sums[stream][block][lane], with room for 12 streams more. */
void MML_NAME(add_weight_sums)(const Streams *streams, const float *x, const float *dy, i64 images, i64 panel,
                               i64 begin, i64 end, float *sums);
/* Adds the sums to the gradient, OIHW; start: overwrites it. */
void MML_NAME(take_weight_sums)(const Streams *streams, const float *sums, i64 panel, i64 begin, i64 end, bool start, float *dw);

#endif
