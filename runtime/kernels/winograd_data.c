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

/* Floats from one position to the next of a panel's weights transformed, for so many source blocks. */
INLINE i64 weight_plane(i64 in_blocks, i64 blocks) { return in_blocks * MML_BLOCK * blocks * MML_BLOCK + MML_WINOGRAD_GAP; }

/* By tiles: where the weights lie of the panel that begins at an output block. */
INLINE i64 weights_at(const Winograd *job, i64 block) {
    return block / PANEL * POSITIONS * weight_plane(job->t.source.blocks, PANEL);
}

/* Tiles transformed: [position][block][tile][lane], with room for so many tiles. */
typedef struct { float *at; i64 tiles, plane; } Planes;

INLINE Planes planes_of(float *at, i64 blocks, i64 tiles) {
    return (Planes){at, tiles, blocks * tiles * MML_BLOCK + MML_WINOGRAD_GAP};
}

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

/* One source block and one output block, to positions `plane` floats apart and channels `step` apart. */
static void transform_chunk(const Winograd *job, i64 block, i64 channel_block, i64 plane, i64 step, float *to) {
    float taps[MML_BLOCK][9][MML_BLOCK];
    gather(&job->place, job->w, block * MML_BLOCK, channel_block * MML_BLOCK, taps);
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
            for (int j = 0; j < 6; j++) store(to + (i * 6 + j) * plane + d * step, u[j]);
        }
    }
}

/* Source blocks [begin, end) of a panel: [position][channel][block][lane]. */
static void transform_panel(const Winograd *job, i64 block, i64 blocks, i64 begin, i64 end, float *to) {
    for (i64 b = begin; b < end; b++, to += MML_BLOCK * blocks * MML_BLOCK)
        for (i64 k = 0; k < blocks; k++)
            transform_chunk(job, block + k, b, weight_plane(end - begin, blocks), blocks * MML_BLOCK, to + k * MML_BLOCK);
}

void MML_NAME(winograd_weights)(const Winograd *job, i64 begin, i64 end) {
    for (i64 panel = begin; panel < end; panel++) {
        i64 block = panel * PANEL, blocks = smaller(PANEL, job->t.out.blocks - block);
        transform_panel(job, block, blocks, 0, job->t.source.blocks, job->packed + weights_at(job, block));
    }
}

/* ---- Products ---- */

/* start: overwrites the results, else adds to them. */
INLINE void product(const float *source, i64 source_block, const float *weights, i64 in_blocks, bool start, float *to, i64 to_block,
                    int tiles, int blocks) {
    Vector sum[MAX_TILES][PANEL];
#pragma GCC unroll 12
    for (int p = 0; p < tiles; p++)
#pragma GCC unroll 4
        for (int k = 0; k < blocks; k++) sum[p][k] = ZERO;
    for (i64 b = 0; b < in_blocks; b++, source += source_block, weights += MML_BLOCK * blocks * MML_BLOCK) {
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
            float *at = to + k * to_block + p * MML_BLOCK;
            if (!start) sum[p][k] += load(at);
            store(at, sum[p][k]);
        }
}

/* `tiles` tiles: `step` at a time, and where that would compute many beyond the last, two thirds of it. */
INLINE void products(const float *source, i64 source_block, const float *weights, i64 in_blocks, i64 tiles, bool start, float *to,
                     i64 to_block, int step, int blocks) {
    int fewer = (2 * step + 2) / 3;
    while (tiles > 0) {
        bool whole = tiles % step == 0 || tiles % step > fewer;
        if (whole) product(source, source_block, weights, in_blocks, start, to, to_block, step, blocks);
        else product(source, source_block, weights, in_blocks, start, to, to_block, fewer, blocks);
        i64 done = whole ? step : fewer;
        tiles -= done;
        source += done * MML_BLOCK;
        to += done * MML_BLOCK;
    }
}

typedef void Products(const float *source, i64 source_block, const float *weights, i64 in_blocks, i64 tiles, bool start, float *to,
                      i64 to_block);
#define PRODUCTS(blocks)                                                                                               \
    static void products_##blocks(const float *source, i64 source_block, const float *weights, i64 in_blocks, i64 tiles, \
                                  bool start, float *to, i64 to_block) {                                               \
        products(source, source_block, weights, in_blocks, tiles, start, to, to_block, TILES_OF(blocks), blocks);      \
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

/* One position of source blocks [begin, end) and one panel, to block `to` of the results. */
INLINE void multiply(const Planes *v, i64 position, i64 begin, i64 end, const float *weights, i64 blocks, i64 tiles,
                     const Planes *m, i64 to) {
    i64 source_block = v->tiles * MML_BLOCK, to_block = m->tiles * MML_BLOCK;
    by_blocks[blocks - 1](v->at + position * v->plane + begin * source_block, source_block,
                          weights + position * weight_plane(end - begin, blocks), end - begin, tiles, begin == 0,
                          m->at + position * m->plane + to * to_block, to_block);
}

/* ---- Outputs ---- */

INLINE void out_tile(const Epilogue *e, Finish finish, const float *from, i64 plane, Vector scale, Vector bias, i64 row, i64 rows,
                     i64 columns, float *to) {
    Vector t[4][6];
#pragma GCC unroll 6
    for (int j = 0; j < 6; j++) {
        Vector m[6], y[4];
#pragma GCC unroll 6
        for (int i = 0; i < 6; i++) m[i] = load(from + (i * 6 + j) * plane);
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

/* Blocks [block, end) of the outputs. */
INLINE void finish_outs(const Winograd *job, Finish finish, const Planes *m, i64 first, i64 count, i64 block, i64 end) {
    const Tiling *t = &job->t;
    const Epilogue e = job->epilogue;
    for (i64 begin = 0; begin < count; begin += NEIGHBOURS) {
        i64 tiles = smaller(NEIGHBOURS, count - begin);
        OutWindow windows[NEIGHBOURS];
        for (i64 i = 0; i < tiles; i++) windows[i] = out_window_of(t, first + begin + i);
        for (i64 k = block; k < end; k++) {
            Vector bias = bias_of(&e, k), scale = scale_of(&e, k);
            for (i64 i = 0; i < tiles; i++) {
                const OutWindow *w = &windows[i];
                const float *at = m->at + ((k - block) * m->tiles + begin + i) * MML_BLOCK;
                float *y = job->out + w->at + k * t->out.plane;
                if (w->rows == 4 && w->columns == 4) out_tile(&e, finish, at, m->plane, scale, bias, t->out.row, 4, 4, y);
                else out_tile(&e, finish, at, m->plane, scale, bias, t->out.row, w->rows, w->columns, y);
            }
        }
    }
}

static void transform_outs(const Winograd *job, const Planes *m, i64 first, i64 count, i64 block, i64 end) {
    switch (job->epilogue.finish) {
    case FINISH_PLAIN:      finish_outs(job, FINISH_PLAIN, m, first, count, block, end); break;
    case FINISH_RELU:       finish_outs(job, FINISH_RELU, m, first, count, block, end); break;
    case FINISH_MASKED:     finish_outs(job, FINISH_MASKED, m, first, count, block, end); break;
    case FINISH_NORMALISED: finish_outs(job, FINISH_NORMALISED, m, first, count, block, end); break;
    }
}

void MML_NAME(winograd_tiles)(const Winograd *job, i64 begin, i64 end, float *scratch) {
    i64 in_blocks = job->t.source.blocks, out_blocks = job->t.out.blocks, together = MML_WINOGRAD_TOGETHER / MML_BLOCK;
    Planes v = planes_of(scratch, in_blocks, MML_WINOGRAD_TILES);
    Planes m = planes_of(scratch + POSITIONS * v.plane, together, MML_WINOGRAD_TILES);
    for (i64 first = begin; first < end; first += MML_WINOGRAD_TILES) {
        i64 count = smaller(MML_WINOGRAD_TILES, end - first);
        transform_sources(&job->t, job->source, first, count, v.tiles, v.plane, v.at);
        for (i64 low = 0; low < out_blocks; low += together) {
            i64 high = smaller(low + together, out_blocks);
            for (i64 position = 0; position < POSITIONS; position++)
                for (i64 block = low; block < high; block += PANEL)
                    multiply(&v, position, 0, in_blocks, job->packed + weights_at(job, block), smaller(PANEL, high - block), count,
                             &m, block - low);
            transform_outs(job, &m, first, count, low, high);
        }
    }
}

/* ---- By panels ---- */

/* What the products of `count` tiles write, which may be some more. */
INLINE i64 room_of(i64 count) { return (count + 11) / 12 * 12; }

void MML_NAME(winograd_sources)(const Winograd *job, i64 first, i64 count, i64 begin, i64 end) {
    Planes v = planes_of(job->packed, job->t.source.blocks, room_of(count));
    transform_sources(&job->t, job->source, first + begin, end - begin, v.tiles, v.plane, v.at + begin * MML_BLOCK);
}

void MML_NAME(winograd_panels)(const Winograd *job, i64 first, i64 count, i64 begin, i64 end, float *scratch) {
    i64 in_blocks = job->t.source.blocks, piece = MML_WINOGRAD_PIECE / (PANEL * MML_BLOCK * MML_BLOCK);
    Planes v = planes_of(job->packed, in_blocks, room_of(count));
    Planes m = planes_of(scratch + POSITIONS * weight_plane(piece, PANEL), PANEL, room_of(count));
    for (i64 panel = begin; panel < end; panel++) {
        i64 block = panel * PANEL, blocks = smaller(PANEL, job->t.out.blocks - block);
        for (i64 low = 0; low < in_blocks; low += piece) {
            i64 high = smaller(low + piece, in_blocks);
            transform_panel(job, block, blocks, low, high, scratch);
            for (i64 position = 0; position < POSITIONS; position++)
                multiply(&v, position, low, high, scratch, blocks, count, &m, 0);
        }
        transform_outs(job, &m, first, count, block, block + blocks);
    }
}
