#include "kernels/conv_backward_weights.h"

/* 6 x 2 accumulators on 16 registers (8 loads for 12 multiply-adds), 12 x 2 on 32. */
#if MML_BLOCK == 16
#define STREAMS 12
#elif MML_BLOCK == 8
#define STREAMS 6
#else
#define STREAMS 4
#endif
#define SINGLE_STREAMS (2 * STREAMS > 12 ? 12 : 2 * STREAMS)      /* with one block of dy */

/* Pixels in one pass: dy's two rows of blocks and the rows of x stay in the first-level cache. */
#define PASS_PIXELS 224

/* Streams whose sums are transposed at a time, within the first-level cache. */
#define TAKEN 64

typedef struct { i64 images, rows; } Extent;

/* sums[stream][block][lane] += sum over pixels of dy * x, for `streams` streams. */
INLINE void run_streams(const Streams *s, const float *const *from, const float *dy, Extent extent, float *sums,
                        int streams, int blocks) {
    const float *x[12];
    Vector sum[12][WEIGHT_PANEL];
#pragma GCC unroll 12
    for (int i = 0; i < streams; i++) {
        x[i] = from[i];
#pragma GCC unroll 2
        for (int k = 0; k < blocks; k++) sum[i][k] = load(sums + (i * blocks + k) * MML_BLOCK);
    }
    for (i64 image = 0; image < extent.images; image++)
        for (i64 row = 0; row < extent.rows; row++) {
            i64 at = image * s->x_image + row * s->x_step_row;
            const float *d = dy + image * s->dy_image + row * s->dy_row;
            for (i64 column = 0; column < s->columns; column++, at += s->x_step_column, d += MML_BLOCK) {
                Vector gradient[WEIGHT_PANEL];
#pragma GCC unroll 2
                for (int k = 0; k < blocks; k++) gradient[k] = load(d + k * s->dy_block);
#pragma GCC unroll 12
                for (int i = 0; i < streams; i++) {
                    float value = x[i][at];
#pragma GCC unroll 2
                    for (int k = 0; k < blocks; k++) sum[i][k] += gradient[k] * value;
                }
            }
        }
#pragma GCC unroll 12
    for (int i = 0; i < streams; i++)
#pragma GCC unroll 2
        for (int k = 0; k < blocks; k++) store(sums + (i * blocks + k) * MML_BLOCK, sum[i][k]);
}

static void run_pair(const Streams *s, const float *const *from, const float *dy, Extent extent, float *sums) {
    run_streams(s, from, dy, extent, sums, STREAMS, 2);
}

static void run_single(const Streams *s, const float *const *from, const float *dy, Extent extent, float *sums) {
    run_streams(s, from, dy, extent, sums, SINGLE_STREAMS, 1);
}

INLINE i64 blocks_of(const Streams *s, i64 panel) { return smaller(WEIGHT_PANEL, s->out_blocks - panel * WEIGHT_PANEL); }

i64 MML_NAME(stream_floats)(const Streams *s) {
    return (s->channels * s->kernel_height * s->kernel_width + 12) * WEIGHT_PANEL * MML_BLOCK;
}

/* Streams [first, first + count) at the first pixel; those beyond end repeat the last, their sums are never read. */
static void streams_at(const Streams *s, const float *x, i64 first, i64 end, int count, const float **from) {
    i64 taps = s->kernel_height * s->kernel_width;
    for (int i = 0; i < count; i++) {
        i64 stream = smaller(first + i, end - 1), channel = stream / taps, tap = stream % taps;
        from[i] = x + channel / s->depth * s->x_channel_block + channel % s->depth
                + tap / s->kernel_width * s->x_row + tap % s->kernel_width * s->x_column;
    }
}

static void add_pass(const Streams *s, const float *x, const float *dy, Extent extent, i64 blocks, i64 begin, i64 end,
                     float *sums) {
    int step = blocks == 2 ? STREAMS : SINGLE_STREAMS;
    for (i64 first = begin; first < end; first += step) {
        const float *from[12];
        float last[12 * WEIGHT_PANEL * MML_BLOCK];
        float *to = sums + first * blocks * MML_BLOCK;
        i64 valid = smaller(step, end - first);
        streams_at(s, x, first, end, step, from);
        if (valid < step) {
            memset(last, 0, sizeof last);
            memcpy(last, to, (size_t)(valid * blocks * MML_BLOCK) * sizeof *to);
        }
        (blocks == 2 ? run_pair : run_single)(s, from, dy, extent, valid < step ? last : to);
        if (valid < step) memcpy(to, last, (size_t)(valid * blocks * MML_BLOCK) * sizeof *to);
    }
}

void MML_NAME(add_weight_sums)(const Streams *s, const float *x, const float *dy, i64 images, i64 panel,
                               i64 begin, i64 end, float *sums) {
    i64 taps = s->kernel_height * s->kernel_width, plane = s->rows * s->columns;
    i64 group = plane < PASS_PIXELS ? PASS_PIXELS / plane : 1;
    i64 rows = group > 1 ? s->rows : smaller(s->rows, (PASS_PIXELS + s->columns - 1) / s->columns);
    x += s->x_start;
    dy += s->dy_start + panel * WEIGHT_PANEL * s->dy_block;
    for (i64 image = 0; image < images; image += group)
        for (i64 row = 0; row < s->rows; row += rows)
            add_pass(s, x + image * s->x_image + row * s->x_step_row, dy + image * s->dy_image + row * s->dy_row,
                     (Extent){smaller(group, images - image), smaller(rows, s->rows - row)}, blocks_of(s, panel),
                     begin * taps, end * taps, sums);
}

void MML_NAME(take_weight_sums)(const Streams *s, const float *sums, i64 panel, i64 begin, i64 end, float *dw) {
    i64 taps = s->kernel_height * s->kernel_width, depth = s->channels * taps, blocks = blocks_of(s, panel);
    i64 lane = panel * WEIGHT_PANEL * MML_BLOCK, lanes = smaller(blocks * MML_BLOCK, s->out_channels - lane);
    for (i64 first = begin * taps; first < end * taps; first += TAKEN)
        for (i64 i = 0; i < lanes; i++)
            for (i64 stream = first; stream < smaller(first + TAKEN, end * taps); stream++)
                dw[(lane + i) * depth + stream] += sums[stream * blocks * MML_BLOCK + i];
}
