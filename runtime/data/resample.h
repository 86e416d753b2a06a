/* Bilinear resizing with antialiasing, as PIL's BILINEAR: a triangle filter
 * that is widened by the reduction. Values stay floats (PIL rounds images of
 * bytes after each of the two directions).
 */
#ifndef DATA_RESAMPLE_H
#define DATA_RESAMPLE_H

#include "mml/base.h"

/* One direction: output i is the sum of weights[i * taps + k] * input[first[i] + k], k < count[i]. */
typedef struct { i64 out, taps; i32 *first, *count; float *weights; } DataAxis;

/* Floats that an axis of these sizes needs as memory. */
i64      mml_data_axis_floats(i64 in, i64 out);
DataAxis mml_data_axis(i64 in, i64 out, float *memory);

/* The box [top, left, box_height, box_width] of each plane to rows.out x
 * columns.out; rows and columns are axes of the box. between: box_height * columns.out floats. */
typedef struct { i64 top, left, height, width; } DataBox;
/* The same of bytes [height, width, 3], to [3, rows.out, columns.out], with the same sums in the same order.
 * between: mml_data_resample_between floats of the box's height and width. */
static inline i64 mml_data_resample_between(i64 height, i64 width, i64 out_width) { return 4 * (height + 1) * out_width + 3 * width + 4; }
void mml_data_resample_pixels(const u8 *pixels, i64 width, DataBox box, const DataAxis *rows, const DataAxis *columns, float *between,
                              float *out);
void mml_data_resample(const float *in, i64 planes, i64 height, i64 width, DataBox box, const DataAxis *rows,
                       const DataAxis *columns, float *between, float *out);

#endif
