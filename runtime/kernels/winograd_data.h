/* Forward and backward-data by Winograd, which differ only in the weights:
 * backward-data takes them flipped and transposed.
 *
 * The 36 positions follow one another: sources and results
 * [position][block][tile][lane], weights of a panel (as in conv_direct.h)
 * [position][channel][block][lane]. What one position's products of a panel
 * meet is contiguous and small. Two orders of the work:
 *
 * By tiles: the weights of all panels are transformed once a call; then a
 * thread takes MML_WINOGRAD_TILES tiles at a time: sources, then for
 * MML_WINOGRAD_TOGETHER channels at a time products and outputs.
 *
 * By panels, for weights so large that reading them transformed (four times
 * the bytes) again for each group of tiles costs more than the sources: the
 * sources of a round of tiles are transformed once; then a thread takes a
 * panel at a time, whose weights it transforms in pieces that the second-level
 * cache holds.
 */
#ifndef MML_KERNELS_WINOGRAD_DATA_H
#define MML_KERNELS_WINOGRAD_DATA_H

#include "kernels/conv_direct.h"
#include "kernels/winograd.h"

typedef struct {
    Tiling       t;
    WeightPlace  place;                /* of a grid of 3 x 3 taps                    */
    const float *w;                    /* OIHW                                       */
    Epilogue     epilogue;
    const float *source;
    float       *out;
    float       *packed;               /* by tiles: weights; by panels: sources      */
} Winograd;

/* By tiles. Transforms the panels [begin, end); then tiles [begin, end), counted
 * through all images. scratch: MML_WINOGRAD_SCRATCH floats. */
void MML_NAME(winograd_weights)(const Winograd *job, i64 begin, i64 end);
void MML_NAME(winograd_tiles)(const Winograd *job, i64 begin, i64 end, float *scratch);

/* By panels, a round of `count` tiles from `first` on: tiles [begin, end) of it; then the panels [begin, end). */
void MML_NAME(winograd_sources)(const Winograd *job, i64 first, i64 count, i64 begin, i64 end);
void MML_NAME(winograd_panels)(const Winograd *job, i64 first, i64 count, i64 begin, i64 end, float *scratch);

#endif
