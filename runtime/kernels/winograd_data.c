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

/* taps[channel][tap][lane] of one source block and one output block. Either a
 * lane's weights of the channels are contiguous (forward), or a channel's of
 * the lanes, and flipped (backward-data). */
static void gather(const WeightPlace *p, const float *w, i64 lane, i64 channel, float taps[MML_BLOCK][9][MML_BLOCK]) {
    const float *from = w + lane * p->lane_stride + channel * p->depth_stride;
    if (lane + MML_BLOCK > p->lanes || channel + MML_BLOCK > p->channels) {
        i64 lanes = smaller(MML_BLOCK, p->lanes - lane), channels = smaller(MML_BLOCK, p->channels - channel);
        memset(taps, 0, sizeof(float) * 9 * MML_BLOCK * MML_BLOCK);
        for (i64 d = 0; d < channels; d++)
            for (i64 i = 0; i < lanes; i++)
                for (int tap = 0; tap < 9; tap++)
                    taps[d][tap][i] = from[i * p->lane_stride + d * p->depth_stride + p->first + tap / 3 * p->row_stride
                                           + tap % 3 * p->column_stride];
        return;
    }
    bool by_lane = p->depth_stride == 9;
    float turned[9 * MML_BLOCK][MML_BLOCK], *flat = &taps[0][0][0];
    for (int j = 0; j < 9; j++) {
        Vector v[MML_BLOCK];
        for (int i = 0; i < MML_BLOCK; i++) v[i] = load(from + i * (by_lane ? p->lane_stride : p->depth_stride) + j * MML_BLOCK);
        transpose(v);
        for (int i = 0; i < MML_BLOCK; i++) store(by_lane ? flat + (j * MML_BLOCK + i) * MML_BLOCK : turned[j * MML_BLOCK + i], v[i]);
    }
    if (by_lane) return;
    for (int tap = 0; tap < 9; tap++) {
        Vector v[MML_BLOCK];
        for (int i = 0; i < MML_BLOCK; i++) v[i] = load(turned[i * 9 + tap]);
        transpose(v);
        for (int d = 0; d < MML_BLOCK; d++) store(taps[d][8 - tap], v[d]);
    }
}

static void transform_chunk(const Winograd *job, i64 block, i64 channel_block, i64 blocks, i64 k, float *to) {
    float taps[MML_BLOCK][9][MML_BLOCK];
    gather(&job->place, job->w, (block + k) * MML_BLOCK, channel_block * MML_BLOCK, taps);
    for (i64 d = 0; d < MML_BLOCK; d++) {
        Vector t[6][3], u[6];
#pragma GCC unroll 3
        for (int c = 0; c < 3; c++) {
            Vector g[3] = {load(taps[d][c]), load(taps[d][3 + c]), load(taps[d][6 + c])};
            transform_weights(g, u);
#pragma GCC unroll 6
            for (int i = 0; i < 6; i++) t[i][c] = u[i];
        }
#pragma GCC unroll 6
        for (int i = 0; i < 6; i++) {
            transform_weights(t[i], u);
#pragma GCC unroll 6
            for (int j = 0; j < 6; j++) store(to + (((i * 6 + j) * MML_BLOCK + d) * blocks + k) * MML_BLOCK, u[j]);
        }
    }
}

void MML_NAME(winograd_weights)(const Winograd *job, i64 begin, i64 end) {
    i64 in_blocks = job->t.source.blocks, out_blocks = job->t.out.blocks;
    for (i64 panel = begin; panel < end; panel++) {
        i64 block = panel * PANEL, blocks = smaller(PANEL, out_blocks - block);
        float *to = job->packed + block * in_blocks * chunk_of(1);
        for (i64 b = 0; b < in_blocks; b++)
            for (i64 k = 0; k < blocks; k++) transform_chunk(job, block, b, blocks, k, to + b * chunk_of(blocks));
    }
}

/* ---- Products ---- */

/* start: overwrites the results, else adds to them. */
INLINE void product(const float *source, const float *weights, i64 in_blocks, bool start, float *to, int tiles, int blocks) {
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
        for (int k = 0; k < blocks; k++) {
            float *at = to + k * GROUP_BLOCK + p * MML_BLOCK;
            if (!start) sum[p][k] += load(at);
            store(at, sum[p][k]);
        }
}

/* All positions of a panel for `tiles` tiles (rounded up to whole products). */
INLINE void products(const float *source, const float *weights, i64 in_blocks, i64 tiles, bool start, float *to, int step,
                     int blocks) {
    for (i64 position = 0; position < POSITIONS; position++)
        for (i64 tile = 0; tile < tiles; tile += step)
            product(source + position * GROUP_PLANE + tile * MML_BLOCK, weights + position * MML_BLOCK * MML_BLOCK * blocks,
                    in_blocks, start, to + position * GROUP_PLANE + tile * MML_BLOCK, step, blocks);
}

typedef void Products(const float *source, const float *weights, i64 in_blocks, i64 tiles, bool start, float *to);
#define PRODUCTS(blocks)                                                                                        \
    static void products_##blocks(const float *source, const float *weights, i64 in_blocks, i64 tiles, bool start, \
                                  float *to) {                                                                  \
        products(source, weights, in_blocks, tiles, start, to, TILES_OF(blocks), blocks);                       \
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

INLINE void out_tile(const Epilogue *e, Finish finish, const float *from, Vector scale, Vector bias, i64 row, i64 rows, i64 columns,
                     float *to) {
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
                if (j < columns) {
                    float *at = to + i * row + j * MML_BLOCK;
                    store(at, finished(e, finish, y[j], scale, bias, at));
                }
    }
}

INLINE void finish_outs(const Winograd *job, Finish finish, const float *from, i64 first, i64 count, i64 block, i64 blocks) {
    const Tiling *t = &job->t;
    const Epilogue e = job->epilogue;
    for (i64 begin = 0; begin < count; begin += NEIGHBOURS) {
        i64 tiles = smaller(NEIGHBOURS, count - begin);
        OutWindow windows[NEIGHBOURS];
        for (i64 i = 0; i < tiles; i++) windows[i] = out_window_of(t, first + begin + i);
        for (i64 k = 0; k < blocks; k++) {
            Vector bias = bias_of(&e, block + k), scale = scale_of(&e, block + k);
            for (i64 i = 0; i < tiles; i++) {
                const OutWindow *w = &windows[i];
                const float *at = from + k * GROUP_BLOCK + (begin + i) * MML_BLOCK;
                float *y = job->out + w->at + (block + k) * t->out.plane;
                if (w->rows == 4 && w->columns == 4) out_tile(&e, finish, at, scale, bias, t->out.row, 4, 4, y);
                else out_tile(&e, finish, at, scale, bias, t->out.row, w->rows, w->columns, y);
            }
        }
    }
}

static void transform_outs(const Winograd *job, const float *from, i64 first, i64 count, i64 block, i64 blocks) {
    switch (job->epilogue.finish) {
    case FINISH_PLAIN:      finish_outs(job, FINISH_PLAIN, from, first, count, block, blocks); break;
    case FINISH_RELU:       finish_outs(job, FINISH_RELU, from, first, count, block, blocks); break;
    case FINISH_MASKED:     finish_outs(job, FINISH_MASKED, from, first, count, block, blocks); break;
    case FINISH_NORMALISED: finish_outs(job, FINISH_NORMALISED, from, first, count, block, blocks); break;
    }
}

INLINE void group_sources(const Winograd *job, i64 first, i64 count, float *to) {
    transform_sources(&job->t, job->source, first, count, WINOGRAD_SLOTS * WINOGRAD_GROUP, GROUP_PLANE, to);
}

void MML_NAME(winograd_tiles)(const Winograd *job, i64 begin, i64 end, float *scratch) {
    i64 in_blocks = job->t.source.blocks, out_blocks = job->t.out.blocks;
    float *results = scratch + in_blocks * GROUP_BLOCK;
    for (i64 first = begin; first < end; first += WINOGRAD_GROUP) {
        i64 count = smaller(WINOGRAD_GROUP, end - first);
        group_sources(job, first, count, scratch);
        for (i64 block = 0; block < out_blocks; block += PANEL) {
            i64 blocks = smaller(PANEL, out_blocks - block);
            by_blocks[blocks - 1](scratch, job->packed + block * in_blocks * chunk_of(1), in_blocks, count, true, results);
            transform_outs(job, results, first, count, block, blocks);
        }
    }
}

/* ---- By panels ---- */

void MML_NAME(winograd_sources)(const Winograd *job, i64 first, i64 last, i64 begin, i64 end) {
    i64 floats = job->t.source.blocks * GROUP_BLOCK;
    for (i64 group = begin; group < end; group++) {
        i64 tile = first + group * WINOGRAD_GROUP;
        group_sources(job, tile, smaller(WINOGRAD_GROUP, last - tile), job->packed + group * floats);
    }
}

void MML_NAME(winograd_panels)(const Winograd *job, i64 first, i64 last, i64 begin, i64 end, float *scratch) {
    i64 in_blocks = job->t.source.blocks, out_blocks = job->t.out.blocks, floats = in_blocks * GROUP_BLOCK;
    i64 groups = (last - first + WINOGRAD_GROUP - 1) / WINOGRAD_GROUP, piece = MML_WINOGRAD_PIECE / MML_BLOCK;
    for (i64 panel = begin; panel < end; panel++) {
        i64 block = panel * PANEL, blocks = smaller(PANEL, out_blocks - block);
        float *results = scratch + piece * chunk_of(blocks);
        for (i64 b = 0; b < in_blocks; b += piece) {
            i64 count = smaller(piece, in_blocks - b);
            for (i64 i = 0; i < count; i++)
                for (i64 k = 0; k < blocks; k++) transform_chunk(job, block, b + i, blocks, k, scratch + i * chunk_of(blocks));
            for (i64 group = 0; group < groups; group++)
                by_blocks[blocks - 1](job->packed + group * floats + b * GROUP_BLOCK, scratch, count,
                                      smaller(WINOGRAD_GROUP, last - first - group * WINOGRAD_GROUP), b == 0,
                                      results + group * blocks * GROUP_BLOCK);
        }
        for (i64 group = 0; group < groups; group++) {
            i64 tile = first + group * WINOGRAD_GROUP;
            transform_outs(job, results + group * blocks * GROUP_BLOCK, tile, smaller(WINOGRAD_GROUP, last - tile), block, blocks);
        }
    }
}
