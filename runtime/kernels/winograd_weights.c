#include "kernels/winograd_weights.h"

/* Channels by blocks in the registers: as in conv_backward_weights.c. */
#if MML_BLOCK == 16
#define CHANNELS_OF(blocks) 12
#elif MML_BLOCK == 8
#define CHANNELS_OF(blocks) ((blocks) == 2 ? 6 : 12)
#else
#define CHANNELS_OF(blocks) ((blocks) == 2 ? 4 : 12)
#endif
#define MAX_CHANNELS 12
#define CHANNEL_STEP 24         /* a multiple of each */

/* A part of equal ones, of `most` at most, that is a multiple of step. */
INLINE i64 part_of(i64 count, i64 most, i64 step) {
    i64 parts = (count + most - 1) / most;
    return ((count + parts - 1) / parts + step - 1) / step * step;
}

INLINE i64 blocks_of(const WeightTiles *w, i64 panel) { return smaller(WEIGHT_PANEL, w->t.out.blocks - panel * WEIGHT_PANEL); }

WeightTiles MML_NAME(weight_tiles)(Blocked x, Blocked dy, i64 pad, i64 images, int threads, float *packed) {
    i64 in = x.blocks * MML_BLOCK, out = dy.blocks * MML_BLOCK, panels = (dy.blocks + WEIGHT_PANEL - 1) / WEIGHT_PANEL;
    WeightTiles w = {.t = tiling_of(x, dy, pad), .sources = packed};
    w.tiles = images * w.t.rows * w.t.columns;
    w.round = part_of(w.tiles, MML_WINOGRAD_ROUND(in, out), 1);
    w.channels = part_of(in, MML_WINOGRAD_CHANNELS, CHANNEL_STEP);
    while (w.channels > CHANNEL_STEP && panels * ((in + w.channels - 1) / w.channels) < threads)
        w.channels = part_of(w.channels, w.channels / 2, CHANNEL_STEP);
    w.pieces = (in + w.channels - 1) / w.channels;
    w.items = panels * w.pieces;
    w.source_plane = in * w.round + MML_WINOGRAD_GAP;
    w.gradient_plane = out * w.round + MML_WINOGRAD_GAP;
    w.gradients = packed + POSITIONS * w.source_plane;
    return w;
}

/* ---- Transforms ---- */

/* G of F(3x3, 4x4): four to six. */
INLINE void transform_gradient(const Vector g[4], Vector u[6]) {
    Vector even = g[0] + g[2], odd = g[1] + g[3], p = g[0] + 4.0f * g[2], q = 2.0f * g[1] + 8.0f * g[3];
    u[0] = 0.25f * g[0];
    u[1] = (even + odd) * (-1.0f / 6);
    u[2] = (even - odd) * (-1.0f / 6);
    u[3] = (p + q) * (1.0f / 24);
    u[4] = (p - q) * (1.0f / 24);
    u[5] = g[3];
}

/* A^T of F(3x3, 4x4): six to three. */
INLINE void transform_sums(const Vector m[6], Vector y[3]) {
    Vector s = m[1] + m[2], d = m[1] - m[2], p = m[3] + m[4], q = m[3] - m[4];
    y[0] = m[0] + s + p;
    y[1] = d + 2.0f * q;
    y[2] = s + 4.0f * p + m[5];
}

/* G dy G^T of the first `columns` columns from four rows; the other columns are zeros. */
INLINE void transform_tile(const float *const rows[4], i64 columns, i64 plane, float *to) {
    Vector t[6][4];
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
        Vector g[4], u[6] = {ZERO, ZERO, ZERO, ZERO, ZERO, ZERO};
        if (j < columns) {
#pragma GCC unroll 4
            for (int i = 0; i < 4; i++) g[i] = load(rows[i] + j * MML_BLOCK);
            transform_gradient(g, u);
        }
#pragma GCC unroll 6
        for (int i = 0; i < 6; i++) t[i][j] = u[i];
    }
#pragma GCC unroll 6
    for (int i = 0; i < 6; i++) {
        Vector u[6];
        transform_gradient(t[i], u);
#pragma GCC unroll 6
        for (int j = 0; j < 6; j++) store(to + (i * 6 + j) * plane, u[j]);
    }
}

INLINE void gradient_tile(const OutWindow *w, const float *from, i64 row, i64 plane, float *to) {
    static const float zeros[4 * MML_BLOCK];
    const float *rows[4];
    if (w->rows == 4 && w->columns == 4) {
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) rows[i] = from + i * row;
        transform_tile(rows, 4, plane, to);
    } else {
        for (int i = 0; i < 4; i++) rows[i] = i < w->rows ? from + i * row : zeros;
        transform_tile(rows, w->columns, plane, to);
    }
}

void MML_NAME(transform_pairs)(const WeightTiles *w, const float *x, const float *dy, i64 first, i64 begin, i64 end) {
    const Tiling *t = &w->t;
    transform_sources(t, x, first + begin, end - begin, w->round, w->source_plane, w->sources + begin * MML_BLOCK);
    for (i64 tile = begin; tile < end; tile += NEIGHBOURS) {
        i64 tiles = smaller(NEIGHBOURS, end - tile);
        OutWindow gradients[NEIGHBOURS];
        for (i64 i = 0; i < tiles; i++) gradients[i] = out_window_of(t, first + tile + i);
        for (i64 b = 0; b < t->out.blocks; b++)
            for (i64 i = 0; i < tiles; i++)
                gradient_tile(&gradients[i], dy + gradients[i].at + b * t->out.plane, t->out.row, w->gradient_plane,
                              w->gradients + (b * w->round + tile + i) * MML_BLOCK);
    }
}

/* ---- Products ---- */

/* sums[channel][block][lane] of `channels` channels over the tiles. */
INLINE void product(const float *const *from, const float *gradient, i64 block_step, i64 tiles, float *sums, int channels,
                    int blocks) {
    const float *x[MAX_CHANNELS];
    Vector sum[MAX_CHANNELS][WEIGHT_PANEL];
#pragma GCC unroll 12
    for (int i = 0; i < channels; i++) {
        x[i] = from[i];
#pragma GCC unroll 2
        for (int k = 0; k < blocks; k++) sum[i][k] = ZERO;
    }
    for (i64 at = 0; at < tiles * MML_BLOCK; at += MML_BLOCK) {
        Vector g[WEIGHT_PANEL];
#pragma GCC unroll 2
        for (int k = 0; k < blocks; k++) g[k] = load(gradient + at + k * block_step);
#pragma GCC unroll 12
        for (int i = 0; i < channels; i++) {
            float value = x[i][at];
#pragma GCC unroll 2
            for (int k = 0; k < blocks; k++) sum[i][k] += g[k] * value;
        }
    }
#pragma GCC unroll 12
    for (int i = 0; i < channels; i++)
#pragma GCC unroll 2
        for (int k = 0; k < blocks; k++) store(sums + (i * blocks + k) * MML_BLOCK, sum[i][k]);
}

/* One position of the channels [begin, end). */
INLINE void products(const WeightTiles *w, const float *source, const float *gradient, i64 tiles, i64 begin, i64 end, float *sums,
                     int step, int blocks) {
    for (i64 first = begin; first < end; first += step, sums += step * blocks * MML_BLOCK) {
        const float *from[MAX_CHANNELS];
        for (int i = 0; i < step; i++) {
            i64 channel = smaller(first + i, end - 1);
            from[i] = source + channel / MML_BLOCK * w->round * MML_BLOCK + channel % MML_BLOCK;
        }
        product(from, gradient, w->round * MML_BLOCK, tiles, sums, step, blocks);
    }
}

static void pair_products(const WeightTiles *w, const float *source, const float *gradient, i64 tiles, i64 begin, i64 end,
                          float *sums) {
    products(w, source, gradient, tiles, begin, end, sums, CHANNELS_OF(2), 2);
}

static void single_products(const WeightTiles *w, const float *source, const float *gradient, i64 tiles, i64 begin, i64 end,
                            float *sums) {
    products(w, source, gradient, tiles, begin, end, sums, CHANNELS_OF(1), 1);
}

/* ---- The gradient ---- */

/* Nine taps of one channel and block: [tap][lane]. */
INLINE void gradient_of(const float *from, i64 plane, float *taps) {
    Vector t[3][6];
    for (int j = 0; j < 6; j++) {
        Vector m[6], y[3];
        for (int i = 0; i < 6; i++) m[i] = load(from + (i * 6 + j) * plane);
        transform_sums(m, y);
        for (int i = 0; i < 3; i++) t[i][j] = y[i];
    }
    for (int i = 0; i < 3; i++) {
        Vector y[3];
        transform_sums(t[i], y);
        for (int j = 0; j < 3; j++) store(taps + (i * 3 + j) * MML_BLOCK, y[j]);
    }
}

/* Adds the sums of channels [begin, end) and one block, `blocks` of which lie side by side. */
static void take_sums(const WeightTiles *w, const float *sums, i64 plane, i64 blocks, i64 block, i64 begin, i64 end, bool start,
                      float *dw) {
    i64 depth = w->t.source.channels * 9, lane = block * MML_BLOCK, lanes = smaller(MML_BLOCK, w->t.out.channels - lane);
    for (i64 channel = begin; channel < end; channel += MML_BLOCK) {
        float taps[MML_BLOCK * 9 * MML_BLOCK];
        i64 count = smaller(MML_BLOCK, end - channel);
        for (i64 c = 0; c < count; c++)
            gradient_of(sums + (channel - begin + c) * blocks * MML_BLOCK, plane, taps + c * 9 * MML_BLOCK);
        add_transposed(taps, MML_BLOCK, count * 9, lanes, start, dw + lane * depth + channel * 9, depth);
    }
}

void MML_NAME(multiply_pairs)(const WeightTiles *w, i64 count, bool start, i64 begin, i64 end, float *sums, float *dw) {
    i64 plane = MML_WINOGRAD_SUM_PLANE(MML_BLOCK);
    for (i64 item = begin; item < end; item++) {
        i64 panel = item / w->pieces, blocks = blocks_of(w, panel);
        i64 from = item % w->pieces * w->channels, to = smaller(from + w->channels, w->t.source.channels);
        for (i64 position = 0; position < POSITIONS; position++)
            (blocks == 2 ? pair_products : single_products)(
                w, w->sources + position * w->source_plane,
                w->gradients + position * w->gradient_plane + panel * WEIGHT_PANEL * w->round * MML_BLOCK, count, from, to,
                sums + position * plane);
        for (i64 k = 0; k < blocks; k++)
            take_sums(w, sums + k * MML_BLOCK, plane, blocks, panel * WEIGHT_PANEL + k, from, to, start, dw);
    }
}
