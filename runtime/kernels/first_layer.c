#include "kernels/first_layer.h"

/* Pixels of a tile by the channels: up to 12 sums in the registers. */
#define PIXELS_OF(channels) ((channels) == 1 ? 8 : (channels) == 2 ? 6 : 4)
#define MAX_PIXELS 8

/* [source block][tap row][tap column][channel][lane] */
void MML_NAME(pack_first_layer)(const Grid *g, const WeightPlace *p, const float *w, float *packed) {
    for (i64 b = 0; b < g->in_blocks; b++)
        for (i64 r = 0; r < g->tap_rows; r++)
            for (i64 c = 0; c < g->tap_columns; c++)
                for (i64 channel = 0; channel < p->lanes; channel++)
                    for (i64 i = 0; i < MML_BLOCK; i++) {
                        i64 out = b * MML_BLOCK + i;
                        *packed++ = out >= p->channels ? 0.0f
                                  : w[channel * p->lane_stride + out * p->depth_stride + p->first + r * p->row_stride
                                      + c * p->column_stride];
                    }
}

INLINE float added_up(Vector v) {
    float sum = 0.0f;
#pragma GCC unroll 16
    for (int i = 0; i < MML_BLOCK; i++) sum += v[i];
    return sum;
}

/* `count` of `pixels` pixels side by side; the rest (not if whole) is read from the last, and not written. */
INLINE void run_tile(const Grid *g, const float *dy, bool whole, i64 count, float *dx, int pixels, int channels) {
    Vector sum[MAX_PIXELS][FIRST_LAYER_CHANNELS];
    i64 from[MAX_PIXELS];
#pragma GCC unroll 8
    for (int p = 0; p < pixels; p++) {
        from[p] = (whole ? p : smaller(p, count - 1)) * MML_BLOCK;
#pragma GCC unroll 3
        for (int k = 0; k < channels; k++) sum[p][k] = ZERO;
    }
    const float *weights = g->weights;
    for (i64 b = 0; b < g->in_blocks; b++)
        for (i64 r = 0; r < g->tap_rows; r++)
            for (i64 c = 0; c < g->tap_columns; c++, weights += channels * MML_BLOCK) {
                const float *at = dy + b * g->in_block + r * g->tap_row + c * g->tap_column;
                Vector w[FIRST_LAYER_CHANNELS];
#pragma GCC unroll 3
                for (int k = 0; k < channels; k++) w[k] = load(weights + k * MML_BLOCK);
#pragma GCC unroll 8
                for (int p = 0; p < pixels; p++) {
                    Vector gradient = load(at + from[p]);
#pragma GCC unroll 3
                    for (int k = 0; k < channels; k++) sum[p][k] += gradient * w[k];
                }
            }
    for (int p = 0; p < count; p++)
#pragma GCC unroll 3
        for (int k = 0; k < channels; k++) dx[k * g->out_block + p * g->out_step_column] = added_up(sum[p][k]);
}

INLINE void run_image(const Grid *g, const float *dy, float *dx, int pixels, int channels) {
    for (i64 row = 0; row < g->rows; row++) {
        const float *from = dy + g->in_start + row * g->in_step_row;
        float *to = dx + g->out_start + row * g->out_step_row;
        i64 column = 0;
        for (; column + pixels <= g->columns; column += pixels)
            run_tile(g, from + column * MML_BLOCK, true, pixels, to + column * g->out_step_column, pixels, channels);
        if (column < g->columns)
            run_tile(g, from + column * MML_BLOCK, false, g->columns - column, to + column * g->out_step_column, pixels, channels);
    }
}

void MML_NAME(first_layer)(const Grid *g, i64 channels, const float *dy, float *dx) {
    if (channels == 1) run_image(g, dy, dx, PIXELS_OF(1), 1);
    else if (channels == 2) run_image(g, dy, dx, PIXELS_OF(2), 2);
    else run_image(g, dy, dx, PIXELS_OF(3), 3);
}
