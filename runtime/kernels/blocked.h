/* The blocked layout, and a convolution between blocked tensors.
 *
 * Channel c at (y, x) of image n lies at
 *   (((n * blocks + c / B) * (height + 2 halo) + y + halo) * (width + 2 halo) + x + halo) * B + c % B
 * with B = MML_BLOCK and blocks = ceil(channels / B). Channels beyond the
 * last and the halo are zero; whoever writes a tensor writes those zeros too.
 */
#ifndef MML_KERNELS_BLOCKED_H
#define MML_KERNELS_BLOCKED_H

#include <stdbool.h>
#include <string.h>

#include "kernels/vector.h"
#include "mml/experiment.h"

typedef struct {
    i64 channels, blocks, height, width, halo;
    i64 row, plane, image;        /* floats from one to the next: rows, blocks, images */
} Blocked;

INLINE Blocked blocked(i64 channels, i64 height, i64 width, i64 halo) {
    Blocked b = {channels, (channels + MML_BLOCK - 1) / MML_BLOCK, height, width, halo, 0, 0, 0};
    b.row = (width + 2 * halo) * MML_BLOCK;
    b.plane = (height + 2 * halo) * b.row;
    b.image = b.blocks * b.plane;
    return b;
}

/* Where the pixel (y, x) of block 0 lies in an image; y and x may reach into the halo. */
INLINE i64 pixel_of(const Blocked *b, i64 y, i64 x) { return (y + b->halo) * b->row + (x + b->halo) * MML_BLOCK; }

/* Writes the zeros around one block's plane. */
static inline void clear_halo(const Blocked *b, float *plane) {
    if (b->halo == 0) return;
    i64 edge = b->halo * b->row, side = b->halo * MML_BLOCK;
    memset(plane, 0, (size_t)(edge + side) * sizeof *plane);
    for (i64 y = 0; y + 1 < b->height; y++) {
        float *end = plane + edge + (y + 1) * b->row - side;
        for (i64 i = 0; i < 2 * side; i += MML_BLOCK) store(end + i, ZERO);
    }
    memset(plane + edge + b->height * b->row - side, 0, (size_t)(edge + side) * sizeof *plane);
}

/* A convolution by the attributes of abi.def, in their order. */
typedef struct {
    Blocked x, y;                 /* x of a plain input: its shape, block and halo unused */
    i64     kernel_height, kernel_width, stride, pad, algorithm;
    bool    plain;                /* x is plain NCHW of few channels                      */
} Convolution;

INLINE Convolution convolution_of(const MmlValue *a) {
    return (Convolution){
        .x = blocked(a[0].i, a[1].i, a[2].i, a[11].i), .y = blocked(a[3].i, a[8].i, a[9].i, a[12].i),
        .kernel_height = a[4].i, .kernel_width = a[5].i, .stride = a[6].i, .pad = a[7].i,
        .algorithm = a[13].i, .plain = a[14].i != 0,
    };
}

#endif
