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

#define MAX_STREAMS 12

/* Pixels in one pass, at most: dy's two blocks and the rows of x stay in the first-level cache. */
#define PASS_PIXELS 224

/* Where a pass's pixels lie, in floats from the pass's first image. One flat
 * list, so that short rows cost no more than long ones. */
typedef struct { i64 count, x[PASS_PIXELS], dy[PASS_PIXELS]; } Pixels;

/* sums[stream][block][lane] += sum over pixels of dy * x, for `streams` streams.
 * A pass is summed by itself, which keeps long sums accurate. */
INLINE void run_streams(const Streams *s, const Pixels *pixels, const float *const *from, const float *dy, float *sums,
                        int streams, int blocks) {
    const float *x[MAX_STREAMS];
    Vector sum[MAX_STREAMS][WEIGHT_PANEL];
#pragma GCC unroll 12
    for (int i = 0; i < streams; i++) {
        x[i] = from[i];
#pragma GCC unroll 2
        for (int k = 0; k < blocks; k++) sum[i][k] = ZERO;
    }
    for (i64 pixel = 0; pixel < pixels->count; pixel++) {
        i64 at = pixels->x[pixel];
        const float *d = dy + pixels->dy[pixel];
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
#pragma GCC unroll 12
    for (int i = 0; i < streams; i++)
#pragma GCC unroll 2
        for (int k = 0; k < blocks; k++) {
            float *to = sums + (i * blocks + k) * MML_BLOCK;
            store(to, load(to) + sum[i][k]);
        }
}

static void run_pair(const Streams *s, const Pixels *pixels, const float *const *from, const float *dy, float *sums) {
    run_streams(s, pixels, from, dy, sums, STREAMS, 2);
}

static void run_single(const Streams *s, const Pixels *pixels, const float *const *from, const float *dy, float *sums) {
    run_streams(s, pixels, from, dy, sums, SINGLE_STREAMS, 1);
}

INLINE i64 blocks_of(const Streams *s, i64 panel) { return smaller(WEIGHT_PANEL, s->out_blocks - panel * WEIGHT_PANEL); }

/* Streams [first, first + count) at the first pixel; those beyond end repeat the last, their sums are never read. */
INLINE void streams_at(const Streams *s, const float *x, i64 first, i64 end, int count, const float **from) {
    i64 taps = s->kernel_height * s->kernel_width, channel = first / taps, tap = first % taps;
    i64 row = tap / s->kernel_width, column = tap % s->kernel_width;
    const float *at = NULL;
    for (int i = 0; i < count; i++) {
        if (first + i < end) {
            at = x + channel / s->depth * s->x_channel_block + channel % s->depth + row * s->x_row + column * s->x_column;
            if (++column == s->kernel_width) {
                column = 0;
                if (++row == s->kernel_height) {
                    row = 0;
                    channel++;
                }
            }
        }
        from[i] = at;
    }
}

static void add_pass(const Streams *s, const Pixels *pixels, const float *x, const float *dy, i64 blocks, i64 begin, i64 end,
                     float *sums) {
    int step = blocks == 2 ? STREAMS : SINGLE_STREAMS;
    for (i64 first = begin; first < end; first += step) {
        const float *from[MAX_STREAMS];
        streams_at(s, x, first, end, step, from);
        (blocks == 2 ? run_pair : run_single)(s, pixels, from, dy, sums + (first - begin) * blocks * MML_BLOCK);
    }
}

/* A stride spreads a pass over more rows of x, which has stride * stride pixels for each of dy. */
INLINE i64 pass_pixels(const Streams *s) {
    i64 stride = s->x_step_column / s->x_column;
    return s->depth == 1 ? PASS_PIXELS : larger(PASS_PIXELS / 4, PASS_PIXELS * (WEIGHT_PANEL + 1) / (WEIGHT_PANEL + stride * stride));
}

/* Pixels from number `first` of all images on. */
static void list_pixels(const Streams *s, i64 first, i64 end, Pixels *pixels) {
    i64 plane = s->rows * s->columns;
    i64 row = first % plane / s->columns, column = first % s->columns, image = 0;
    pixels->count = smaller(pass_pixels(s), end - first);
    for (i64 i = 0; i < pixels->count;) {
        i64 x = image * s->x_image + row * s->x_step_row, dy = image * s->dy_image + row * s->dy_row;
        for (; i < pixels->count && column < s->columns; i++, column++) {
            pixels->x[i] = x + column * s->x_step_column;
            pixels->dy[i] = dy + column * MML_BLOCK;
        }
        column = 0;
        if (++row == s->rows) {
            row = 0;
            image++;
        }
    }
}

void MML_NAME(add_weight_sums)(const Streams *s, const float *x, const float *dy, i64 images, i64 panel,
                               i64 begin, i64 end, float *sums) {
    i64 taps = s->kernel_height * s->kernel_width, plane = s->rows * s->columns, pass = pass_pixels(s);
    x += s->x_start;
    dy += s->dy_start + panel * WEIGHT_PANEL * s->dy_block;
    for (i64 first = 0; first < images * plane; first += pass) {
        Pixels pixels;
        list_pixels(s, first, images * plane, &pixels);
        add_pass(s, &pixels, x + first / plane * s->x_image, dy + first / plane * s->dy_image, blocks_of(s, panel),
                 begin * taps, end * taps, sums);
    }
}

void MML_NAME(take_weight_sums)(const Streams *s, const float *sums, i64 panel, i64 begin, i64 end, bool start, float *dw) {
    i64 taps = s->kernel_height * s->kernel_width, depth = s->channels * taps, blocks = blocks_of(s, panel);
    i64 lane = panel * WEIGHT_PANEL * MML_BLOCK, lanes = smaller(blocks * MML_BLOCK, s->out_channels - lane);
    i64 count = (end - begin) * taps;
    for (i64 k = 0; k * MML_BLOCK < lanes; k++)
        add_transposed(sums + k * MML_BLOCK, blocks * MML_BLOCK, count, smaller(MML_BLOCK, lanes - k * MML_BLOCK), start,
                       dw + (lane + k * MML_BLOCK) * depth + begin * taps, depth);
}
