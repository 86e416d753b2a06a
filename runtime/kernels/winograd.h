/* Winograd's minimal filtering for 3 x 3 kernels at stride 1: F(4x4, 3x3) and,
 * for the gradient of the weights, F(3x3, 4x4) (Winograd 1980; Lavin and Gray
 * 2016), at the points 0, 1, -1, 2, -2 and infinity.
 *
 * A tile is 4 x 4 outputs; 36 products replace 144. Each of the 36 positions
 * is a matrix product over channels. The transforms are those of the paper
 * with B (source), G (weights), A (outputs); F(3x3, 4x4) has the same B.
 *
 * Tiles are numbered image after image, row by row. Transformed they lie as
 *   [position][block][tile][lane], with MML_WINOGRAD_GAP floats between
 * positions, which keep the 36 of a tile apart in the caches' sets.
 */
#ifndef MML_KERNELS_WINOGRAD_H
#define MML_KERNELS_WINOGRAD_H

#include "kernels/blocked.h"
#include "mml/kernels.def"

#define POSITIONS 36

/* A convolution's tiles: source pixel of tile (i, j) is (4 i - pad, 4 j - pad). */
typedef struct {
    Blocked source, out;
    i64     pad;
    i64     rows, columns;            /* of tiles in an image */
} Tiling;

INLINE Tiling tiling_of(Blocked source, Blocked out, i64 pad) {
    return (Tiling){source, out, pad, (out.height + 3) / 4, (out.width + 3) / 4};
}

/* B^T d, of a column of six. */
INLINE void transform_source(const Vector d[6], Vector t[6]) {
    Vector a = d[4] - 4.0f * d[2], b = d[3] - 4.0f * d[1], c = d[4] - d[2], e = d[3] - d[1];
    t[0] = (4.0f * d[0] + d[4]) - 5.0f * d[2];
    t[1] = a + b;
    t[2] = a - b;
    t[3] = c + 2.0f * e;
    t[4] = c - 2.0f * e;
    t[5] = (4.0f * d[1] + d[5]) - 5.0f * d[3];
}

/* A^T m: six to four. */
INLINE void transform_out(const Vector m[6], Vector y[4]) {
    Vector s = m[1] + m[2], d = m[1] - m[2], p = m[3] + m[4], q = m[3] - m[4];
    y[0] = m[0] + s + p;
    y[1] = d + 2.0f * q;
    y[2] = s + 4.0f * p;
    y[3] = d + 8.0f * q + m[5];
}

/* Neighbouring tiles that go through a transform together, block by block: of
 * their results whole cache lines are written. */
#define NEIGHBOURS 8

/* A tile's 6 x 6 source pixels: those that lie in the source or its halo; beyond, zeros are taken. */
typedef struct { const float *from; i64 rows, columns; } Window;

INLINE Window window_of(const Tiling *t, const float *source, i64 tile) {
    i64 per_image = t->rows * t->columns, image = tile / per_image, row = tile % per_image / t->columns, column = tile % t->columns;
    i64 y = 4 * row - t->pad, x = 4 * column - t->pad;
    return (Window){
        source + image * t->source.image + pixel_of(&t->source, y, x),
        smaller(6, t->source.height + t->source.halo - y), smaller(6, t->source.width + t->source.halo - x),
    };
}

/* A tile's 4 x 4 output pixels: floats from the tensor's first, and how many of them there are. */
typedef struct { i64 at, rows, columns; } OutWindow;

INLINE OutWindow out_window_of(const Tiling *t, i64 tile) {
    i64 per_image = t->rows * t->columns, image = tile / per_image, row = tile % per_image / t->columns, column = tile % t->columns;
    return (OutWindow){
        image * t->out.image + pixel_of(&t->out, 4 * row, 4 * column),
        smaller(4, t->out.height - 4 * row), smaller(4, t->out.width - 4 * column),
    };
}

/* The first `columns` columns from six rows; the other columns are zeros. */
INLINE void transform_window(const float *const rows[6], i64 columns, i64 plane, float *to) {
    Vector t[6][6];
#pragma GCC unroll 6
    for (int j = 0; j < 6; j++) {
        Vector d[6], u[6] = {ZERO, ZERO, ZERO, ZERO, ZERO, ZERO};
        if (j < columns) {
#pragma GCC unroll 6
            for (int i = 0; i < 6; i++) d[i] = load(rows[i] + j * MML_BLOCK);
            transform_source(d, u);
        }
#pragma GCC unroll 6
        for (int i = 0; i < 6; i++) t[i][j] = u[i];
    }
#pragma GCC unroll 6
    for (int i = 0; i < 6; i++) {
        Vector u[6];
        transform_source(t[i], u);
#pragma GCC unroll 6
        for (int j = 0; j < 6; j++) store(to + (i * 6 + j) * plane, u[j]);
    }
}

/* B^T d B of a window's block `offset` floats on, its positions `plane` floats apart. */
INLINE void source_tile(const Window *w, i64 offset, i64 row, i64 plane, float *to) {
    static const float zeros[6 * MML_BLOCK];
    const float *rows[6];
    if (w->rows == 6 && w->columns == 6) {
#pragma GCC unroll 6
        for (int i = 0; i < 6; i++) rows[i] = w->from + offset + i * row;
        transform_window(rows, 6, plane, to);
    } else {
        for (int i = 0; i < 6; i++) rows[i] = i < w->rows ? w->from + offset + i * row : zeros;
        transform_window(rows, w->columns, plane, to);
    }
}

/* G g: three to six. */
INLINE void transform_weights(const Vector g[3], Vector u[6]) {
    Vector s = (g[0] + g[2]) * (-1.0f / 6), p = g[0] * (1.0f / 24) + g[2] * (1.0f / 6), q = g[1] * (1.0f / 12);
    u[0] = g[0] * 0.25f;
    u[1] = s - g[1] * (1.0f / 6);
    u[2] = s + g[1] * (1.0f / 6);
    u[3] = p + q;
    u[4] = p - q;
    u[5] = g[2];
}

/* Tiles [first, first + count) of all blocks, with room for `room` of them; positions `plane` floats apart. */
static inline void transform_sources(const Tiling *t, const float *source, i64 first, i64 count, i64 room, i64 plane, float *to) {
    for (i64 begin = 0; begin < count; begin += NEIGHBOURS) {
        i64 tiles = smaller(NEIGHBOURS, count - begin);
        Window windows[NEIGHBOURS];
        for (i64 i = 0; i < tiles; i++) windows[i] = window_of(t, source, first + begin + i);
        for (i64 b = 0; b < t->source.blocks; b++)
            for (i64 i = 0; i < tiles; i++)
                source_tile(&windows[i], b * t->source.plane, t->source.row, plane, to + (b * room + begin + i) * MML_BLOCK);
    }
}

#endif
