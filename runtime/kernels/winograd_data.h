/* Forward and backward-data by Winograd, which differ only in the weights:
 * backward-data takes them flipped and transposed.
 *
 * Weights are transformed once a call:
 *   [panel][source block][position][channel][block][lane], a panel's blocks as
 * in conv_direct.h. Then groups of MML_WINOGRAD_TILES tiles, on one thread
 * each: the source's transform, for each panel 36 matrix products, the
 * outputs' transform.
 */
#ifndef MML_KERNELS_WINOGRAD_DATA_H
#define MML_KERNELS_WINOGRAD_DATA_H

#include "kernels/conv_direct.h"
#include "kernels/winograd.h"

typedef struct {
    Tiling       t;
    const float *weights;              /* transformed */
    const float *bias;                 /* [out.blocks * MML_BLOCK] or NULL */
} Winograd;

/* Transforms the panels [begin, end). place: as in conv_direct.h, of a grid of 3 x 3 taps. */
void MML_NAME(winograd_weights)(const Winograd *job, const WeightPlace *place, const float *w, float *to, i64 begin, i64 end);

/* Tiles [begin, end), counted through all images. scratch: MML_WINOGRAD_SCRATCH floats. */
void MML_NAME(winograd_tiles)(const Winograd *job, const float *source, float *out, i64 begin, i64 end, float *scratch);

#endif
