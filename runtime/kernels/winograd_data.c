#include "kernels/winograd_data.h"

/* Tiles by blocks in the registers, as in conv_direct.c. */
#if MML_BLOCK == 16
#define TILES_OF(blocks) ((blocks) == 4 ? 6 : (blocks) == 3 ? 8 : 12)
#elif MML_BLOCK == 8
#define TILES_OF(blocks) ((blocks) == 2 ? 6 : 12)
#else
#define TILES_OF(blocks) ((blocks) == 2 ? 4 : 8)
#endif
#define MAX_TILES 12

#define GROUP_PLANE (WINOGRAD_GROUP * MML_BLOCK)        /* a position of a block */
#define GROUP_BLOCK (WINOGRAD_SLOTS * GROUP_PLANE)

/* Weights of one source block and `blocks` output blocks. */
INLINE i64 chunk_of(i64 blocks) { return WINOGRAD_SLOTS * MML_BLOCK * MML_BLOCK * blocks; }

/* ---- Weights ---- */

static void transform_chunk(const WeightPlace *p, const float *w, i64 lane, i64 channel, i64 blocks, i64 k, float *to) {
    for (i64 d = 0; d < MML_BLOCK; d++) {
        float lanes[9][MML_BLOCK] = {{0}};
        i64 count = channel + d < p->channels ? smaller(MML_BLOCK, p->lanes - lane) : 0;
        const float *from = w + lane * p->lane_stride + (channel + d) * p->depth_stride + p->first;
        for (i64 i = 0; i < count; i++)
            for (int tap = 0; tap < 9; tap++)
                lanes[tap][i] = from[i * p->lane_stride + tap / 3 * p->row_stride + tap % 3 * p->column_stride];
        Vector t[6][3], u[6];
        for (int c = 0; c < 3; c++) {
            Vector g[3] = {load(lanes[c]), load(lanes[3 + c]), load(lanes[6 + c])};
            transform_weights(g, u);
            for (int i = 0; i < 6; i++) t[i][c] = u[i];
        }
        for (int i = 0; i < 6; i++) {
            transform_weights(t[i], u);
            for (int j = 0; j < 6; j++) store(to + (((i * 6 + j) * MML_BLOCK + d) * blocks + k) * MML_BLOCK, u[j]);
        }
    }
}

void MML_NAME(winograd_weights)(const Winograd *job, const WeightPlace *place, const float *w, float *to, i64 begin, i64 end) {
    i64 in_blocks = job->t.source.blocks, out_blocks = job->t.out.blocks;
    for (i64 panel = begin; panel < end; panel++) {
        i64 block = panel * PANEL, blocks = smaller(PANEL, out_blocks - block);
        float *panel_to = to + block * in_blocks * chunk_of(1);
        for (i64 b = 0; b < in_blocks; b++)
            for (i64 k = 0; k < blocks; k++)
                transform_chunk(place, w, (block + k) * MML_BLOCK, b * MML_BLOCK, blocks, k, panel_to + b * chunk_of(blocks));
    }
}

/* ---- Source ---- */

static void transform_sources(const Tiling *t, const float *source, i64 first, i64 count, float *to) {
    for (i64 begin = 0; begin < count; begin += NEIGHBOURS) {
        i64 tiles = smaller(NEIGHBOURS, count - begin);
        Window windows[NEIGHBOURS];
        for (i64 i = 0; i < tiles; i++) windows[i] = window_of(t, source, first + begin + i);
        for (i64 b = 0; b < t->source.blocks; b++)
            for (i64 i = 0; i < tiles; i++)
                source_tile(&windows[i], b * t->source.plane, t->source.row, GROUP_PLANE,
                            to + b * GROUP_BLOCK + (begin + i) * MML_BLOCK);
    }
}

/* ---- Products ---- */

INLINE void product(const float *source, const float *weights, i64 in_blocks, float *to, int tiles, int blocks) {
    Vector sum[MAX_TILES][PANEL];
#pragma GCC unroll 12
    for (int p = 0; p < tiles; p++)
#pragma GCC unroll 4
        for (int k = 0; k < blocks; k++) sum[p][k] = ZERO;
    for (i64 b = 0; b < in_blocks; b++, source += GROUP_BLOCK, weights += chunk_of(blocks)) {
#pragma GCC unroll 16
        for (int d = 0; d < MML_BLOCK; d++) {
            Vector w[PANEL];
#pragma GCC unroll 4
            for (int k = 0; k < blocks; k++) w[k] = load(weights + (d * blocks + k) * MML_BLOCK);
#pragma GCC unroll 12
            for (int p = 0; p < tiles; p++) {
                float value = source[p * MML_BLOCK + d];
#pragma GCC unroll 4
                for (int k = 0; k < blocks; k++) sum[p][k] += w[k] * value;
            }
        }
    }
#pragma GCC unroll 12
    for (int p = 0; p < tiles; p++)
#pragma GCC unroll 4
        for (int k = 0; k < blocks; k++) store(to + k * GROUP_BLOCK + p * MML_BLOCK, sum[p][k]);
}

/* All positions of a panel for `tiles` tiles (rounded up to whole products). */
INLINE void products(const float *source, const float *weights, i64 in_blocks, i64 tiles, float *to, int step, int blocks) {
    for (i64 position = 0; position < POSITIONS; position++)
        for (i64 tile = 0; tile < tiles; tile += step)
            product(source + position * GROUP_PLANE + tile * MML_BLOCK, weights + position * MML_BLOCK * MML_BLOCK * blocks,
                    in_blocks, to + position * GROUP_PLANE + tile * MML_BLOCK, step, blocks);
}

typedef void Products(const float *source, const float *weights, i64 in_blocks, i64 tiles, float *to);
#define PRODUCTS(blocks)                                                                                             \
    static void products_##blocks(const float *source, const float *weights, i64 in_blocks, i64 tiles, float *to) { \
        products(source, weights, in_blocks, tiles, to, TILES_OF(blocks), blocks);                                  \
    }
PRODUCTS(1)
PRODUCTS(2)
#if PANEL == 4
PRODUCTS(3)
PRODUCTS(4)
static Products *const by_blocks[PANEL] = {products_1, products_2, products_3, products_4};
#else
static Products *const by_blocks[PANEL] = {products_1, products_2};
#endif

/* ---- Outputs ---- */

INLINE void out_tile(const float *from, Vector bias, i64 row, i64 rows, i64 columns, float *to) {
    Vector t[4][6];
#pragma GCC unroll 6
    for (int j = 0; j < 6; j++) {
        Vector m[6], y[4];
#pragma GCC unroll 6
        for (int i = 0; i < 6; i++) m[i] = load(from + (i * 6 + j) * GROUP_PLANE);
        transform_out(m, y);
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) t[i][j] = y[i];
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        Vector y[4];
        transform_out(t[i], y);
        if (i < rows)
#pragma GCC unroll 4
            for (int j = 0; j < 4; j++)
                if (j < columns) store(to + i * row + j * MML_BLOCK, y[j] + bias);
    }
}

static void transform_outs(const Winograd *job, const float *from, i64 first, i64 count, i64 block, i64 blocks, float *out) {
    const Tiling *t = &job->t;
    for (i64 begin = 0; begin < count; begin += NEIGHBOURS) {
        i64 tiles = smaller(NEIGHBOURS, count - begin);
        OutWindow windows[NEIGHBOURS];
        for (i64 i = 0; i < tiles; i++) windows[i] = out_window_of(t, first + begin + i);
        for (i64 k = 0; k < blocks; k++) {
            Vector bias = job->bias ? load(job->bias + (block + k) * MML_BLOCK) : ZERO;
            for (i64 i = 0; i < tiles; i++) {
                const OutWindow *w = &windows[i];
                const float *at = from + k * GROUP_BLOCK + (begin + i) * MML_BLOCK;
                float *y = out + w->at + (block + k) * t->out.plane;
                if (w->rows == 4 && w->columns == 4) out_tile(at, bias, t->out.row, 4, 4, y);
                else out_tile(at, bias, t->out.row, w->rows, w->columns, y);
            }
        }
    }
}

void MML_NAME(winograd_tiles)(const Winograd *job, const float *source, float *out, i64 begin, i64 end, float *scratch) {
    i64 in_blocks = job->t.source.blocks, out_blocks = job->t.out.blocks;
    float *products_at = scratch + in_blocks * GROUP_BLOCK;
    for (i64 first = begin; first < end; first += WINOGRAD_GROUP) {
        i64 count = smaller(WINOGRAD_GROUP, end - first);
        transform_sources(&job->t, source, first, count, scratch);
        for (i64 block = 0; block < out_blocks; block += PANEL) {
            i64 blocks = smaller(PANEL, out_blocks - block);
            by_blocks[blocks - 1](scratch, job->weights + block * in_blocks * chunk_of(1), in_blocks, count, products_at);
            transform_outs(job, products_at, first, count, block, blocks, out);
        }
    }
}
