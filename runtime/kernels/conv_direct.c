#include "kernels/conv_direct.h"

/* Pixels of a tile by its blocks: accumulators, a vector of weights for each
 * block and one broadcast fit the registers. On AVX2 6 x 2 needs 8 loads for
 * 12 multiply-adds, which take 6 cycles; two loads a cycle are to be had. */
#if MML_BLOCK == 16
#define PIXELS_OF(blocks) ((blocks) == 4 ? 6 : (blocks) == 3 ? 8 : 12)
#elif MML_BLOCK == 8
#define PIXELS_OF(blocks) ((blocks) == 2 ? 6 : 10)
#else
#define PIXELS_OF(blocks) ((blocks) == 2 ? 4 : 8)
#endif
#define MAX_PIXELS 12

/* Weights of this many bytes stay in the first-level cache beside the rows of
 * x that they meet. */
#define WEIGHT_BYTES 18432

/* Images in one pass over a panel's weights: so many that small maps fill whole tiles. */
#define PASS_PIXELS 1024

typedef struct { const float *in[MAX_PIXELS]; float *out[MAX_PIXELS]; } Tile;

/* A panel's outputs, finished and stored. */
INLINE void store_tile(const Grid *g, const Tile *tile, Vector sum[MAX_PIXELS][PANEL], i64 block, Finish finish, int pixels, int blocks) {
    const Epilogue e = g->epilogue;
    Vector scale[PANEL], bias[PANEL];
#pragma GCC unroll 4
    for (int k = 0; k < blocks; k++) scale[k] = scale_of(&e, block + k), bias[k] = bias_of(&e, block + k);
#pragma GCC unroll 12
    for (int p = 0; p < pixels; p++)
#pragma GCC unroll 4
        for (int k = 0; k < blocks; k++) {
            float *to = tile->out[p] + k * g->out_block;
            store(to, finished(&e, finish, sum[p][k], scale[k], bias[k], to));
        }
}

/* What a pass does: source blocks [0, count) into the outputs of the panel that begins at `block`.
 * start: overwrites them, else adds; last: finishes them. */
typedef struct { i64 count, block; const float *weights; bool start, last; } Part;

INLINE void run_tile(const Grid *g, const Tile *tile, const Part *part, int pixels, int blocks, i64 depth) {
    const float *weights = part->weights;
    Vector sum[MAX_PIXELS][PANEL];
    const float *in[MAX_PIXELS];
#pragma GCC unroll 12
    for (int p = 0; p < pixels; p++) {
        in[p] = tile->in[p];
#pragma GCC unroll 4
        for (int k = 0; k < blocks; k++)
            sum[p][k] = part->start ? ZERO : load(tile->out[p] + k * g->out_block);
    }
    for (i64 b = 0; b < part->count; b++)
        for (i64 r = 0; r < g->tap_rows; r++) {
            i64 at = b * g->in_block + r * g->tap_row;
            for (i64 c = 0; c < g->tap_columns; c++, at += g->tap_column) {
#pragma GCC unroll 16
                for (i64 d = 0; d < depth; d++, weights += blocks * MML_BLOCK) {
                    Vector w[PANEL];
#pragma GCC unroll 4
                    for (int k = 0; k < blocks; k++) w[k] = load(weights + k * MML_BLOCK);
#pragma GCC unroll 12
                    for (int p = 0; p < pixels; p++) {
                        float value = in[p][at + d];
#pragma GCC unroll 4
                        for (int k = 0; k < blocks; k++) sum[p][k] += w[k] * value;
                    }
                }
            }
        }
    if (part->last) switch (g->epilogue.finish) {
        case FINISH_PLAIN:      store_tile(g, tile, sum, part->block, FINISH_PLAIN, pixels, blocks); return;
        case FINISH_RELU:       store_tile(g, tile, sum, part->block, FINISH_RELU, pixels, blocks); return;
        case FINISH_MASKED:     store_tile(g, tile, sum, part->block, FINISH_MASKED, pixels, blocks); return;
        case FINISH_NORMALISED: store_tile(g, tile, sum, part->block, FINISH_NORMALISED, pixels, blocks); return;
    }
#pragma GCC unroll 12
    for (int p = 0; p < pixels; p++)
#pragma GCC unroll 4
        for (int k = 0; k < blocks; k++) store(tile->out[p] + k * g->out_block, sum[p][k]);
}

/* The grid's pixels in order, image after image. */
typedef struct { i64 image, row, column; const float *x; float *y; } Walk;

INLINE void next_pixel(const Grid *g, Walk *walk) {
    walk->column++;
    walk->x += g->in_step_column;
    walk->y += g->out_step_column;
    if (walk->column < g->columns) return;
    walk->column = 0;
    walk->x += g->in_step_row - g->columns * g->in_step_column;
    walk->y += g->out_step_row - g->columns * g->out_step_column;
    if (++walk->row < g->rows) return;
    walk->row = 0;
    walk->x += g->in_image - g->rows * g->in_step_row;
    walk->y += g->out_image - g->rows * g->out_step_row;
}

INLINE void run_pass(const Grid *g, const float *x, float *y, i64 images, const Part *part, int pixels, int blocks, i64 depth) {
    i64 left = images * g->rows * g->columns;
    Walk walk = {.x = x, .y = y};
    for (; left > 0; left -= pixels) {
        Tile tile;
        int filled = left < pixels ? (int)left : pixels;
        if (walk.column + pixels < g->columns) {
#pragma GCC unroll 12
            for (int p = 0; p < pixels; p++) {
                tile.in[p] = walk.x + p * g->in_step_column;
                tile.out[p] = walk.y + p * g->out_step_column;
            }
            walk.column += pixels;
            walk.x += pixels * g->in_step_column;
            walk.y += pixels * g->out_step_column;
        } else
            for (int p = 0; p < filled; p++) {
                tile.in[p] = walk.x;
                tile.out[p] = walk.y;
                next_pixel(g, &walk);
            }
        /* A tile that isn't full repeats its last pixel, which then gets the same value again. */
        for (int p = filled; p < pixels; p++) {
            tile.in[p] = tile.in[filled - 1];
            tile.out[p] = tile.out[filled - 1];
        }
        run_tile(g, &tile, part, pixels, blocks, depth);
    }
}

typedef void Pass(const Grid *g, const float *x, float *y, i64 images, const Part *part);

#define PASS(blocks)                                                                                              \
    static void pass_##blocks(const Grid *g, const float *x, float *y, i64 images, const Part *part) {            \
        run_pass(g, x, y, images, part, PIXELS_OF(blocks), blocks, MML_BLOCK);                                    \
    }                                                                                                             \
    static void plain_pass_##blocks(const Grid *g, const float *x, float *y, i64 images, const Part *part) {      \
        run_pass(g, x, y, images, part, PIXELS_OF(blocks), blocks, 1);                                            \
    }
PASS(1)
PASS(2)
#if PANEL == 4
PASS(3)
PASS(4)
static Pass *const passes[2][PANEL] = {{pass_1, pass_2, pass_3, pass_4}, {plain_pass_1, plain_pass_2, plain_pass_3, plain_pass_4}};
#else
static Pass *const passes[2][PANEL] = {{pass_1, pass_2}, {plain_pass_1, plain_pass_2}};
#endif

void MML_NAME(conv_grid)(const Grid *g, const float *x, float *y, i64 images, i64 begin, i64 end) {
    if (g->rows <= 0 || g->columns <= 0) return;
    i64 tap_floats = g->tap_rows * g->tap_columns * g->depth * MML_BLOCK;      /* of one source block and output block */
    i64 chunk = WEIGHT_BYTES / 4 / (tap_floats > 0 ? PANEL * tap_floats : 1);
    if (chunk < 1) chunk = 1;
    i64 group = (PASS_PIXELS + g->rows * g->columns - 1) / (g->rows * g->columns);
    x += g->in_start;
    y += g->out_start;
    for (i64 first = 0; first < images; first += group)
        for (i64 panel = begin; panel < end; panel++) {
            i64 block = panel * PANEL, blocks = smaller(PANEL, g->out_blocks - block);
            const float *weights = g->weights + block * g->in_blocks * tap_floats;
            Pass *pass = passes[g->depth == 1][blocks - 1];
            for (i64 b = 0; b < g->in_blocks; b += chunk) {
                Part part = {smaller(chunk, g->in_blocks - b), block, weights + b * blocks * tap_floats, b == 0, b + chunk >= g->in_blocks};
                pass(g, x + first * g->in_image + b * g->in_block, y + first * g->out_image + block * g->out_block,
                     smaller(group, images - first), &part);
            }
        }
}

/* One panel: [source block][tap row][tap column][channel][block][lane]. */
static void pack_panel(const Grid *g, const WeightPlace *place, const float *w, float *to, i64 lane, i64 blocks) {
    for (i64 b = 0; b < g->in_blocks; b++)
        for (i64 r = 0; r < g->tap_rows; r++)
            for (i64 c = 0; c < g->tap_columns; c++)
                for (i64 d = 0; d < g->depth; d++, to += blocks * MML_BLOCK) {
                    i64 channel = b * g->depth + d, lanes = smaller(blocks * MML_BLOCK, place->lanes - lane);
                    const float *from = w + lane * place->lane_stride + channel * place->depth_stride + place->first
                                      + r * place->row_stride + c * place->column_stride;
                    if (channel >= place->channels) lanes = 0;
                    for (i64 i = 0; i < lanes; i++) to[i] = from[i * place->lane_stride];
                    for (i64 i = lanes; i < blocks * MML_BLOCK; i++) to[i] = 0.0f;
                }
}

void MML_NAME(pack_weights)(const Grid *g, const WeightPlace *place, const float *w, float *packed, i64 begin, i64 end) {
    for (i64 panel = begin; panel < end; panel++) {
        i64 block = panel * PANEL;
        pack_panel(g, place, w, packed + block * (packed_floats(g) / g->out_blocks), block * MML_BLOCK,
                   smaller(PANEL, g->out_blocks - block));
    }
}
