/* Forward and backward-data by Winograd, which differ only in the weights:
 * backward-data takes them flipped and transposed.
 *
 * Transformed weights of some source blocks lie as
 *   [source block][position][channel][block][lane], for the output blocks of a
 * panel as in conv_direct.h. Two orders of the work:
 *
 * By tiles: the weights of all panels are transformed once a call; then a
 * thread takes MML_WINOGRAD_TILES tiles at a time, which stay in the
 * second-level cache: sources, for each panel 36 products, outputs.
 *
 * By panels, for weights so large that reading them transformed (four times
 * the bytes) again for each group of tiles costs more than the sources: the
 * sources of a round of tiles are transformed once; then a thread takes a
 * panel at a time, whose weights it transforms piece by piece in the
 * second-level cache.
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

/* By panels. Groups [begin, end) of the round that starts at tile `first` and
 * ends before `last`; then its panels [begin, end). */
void MML_NAME(winograd_sources)(const Winograd *job, i64 first, i64 last, i64 begin, i64 end);
void MML_NAME(winograd_panels)(const Winograd *job, i64 first, i64 last, i64 begin, i64 end, float *scratch);

#endif
