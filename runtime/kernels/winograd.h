/* Winograd's minimal filtering for 3 x 3 kernels at stride 1: F(4x4, 3x3) and,
 * for the gradient of the weights, F(3x3, 4x4) (Winograd 1980; Lavin and Gray
 * 2016), at the points 0, 1, -1, 2, -2 and infinity.
 *
 * A tile is 4 x 4 outputs; 36 products replace 144. Each of the 36 positions
 * is a matrix product over channels. The transforms are those of the paper
 * with B (source), G (weights), A (outputs); F(3x3, 4x4) has the same B.
 *
 * Tiles are numbered image after image, row by row. A group of tiles is
 *   [block][position][tile][lane], with WINOGRAD_SLOTS positions of room, which
 * keeps the 36 of a tile apart in the caches' sets.
 */
#ifndef MML_KERNELS_WINOGRAD_H
#define MML_KERNELS_WINOGRAD_H

#include "kernels/blocked.h"
#include "mml/kernels.def"

#define POSITIONS      36
#define WINOGRAD_SLOTS 37
#define WINOGRAD_GROUP MML_WINOGRAD_TILES

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

#endif
