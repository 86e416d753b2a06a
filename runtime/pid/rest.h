/* More modalities than the exact decomposition takes together (pid.md 6): each
 * one is decomposed against one clustering of all others' joined features, whose
 * bins stay as few as one modality's.
 */
#ifndef PID_REST_H
#define PID_REST_H

#include "mml/pid.h"

/* From this number of modalities on a probe sets each against the rest, and from
 * one fewer when they have more tuples of bins than the exact decomposition
 * solves in seconds. */
#define MML_PROBE_REST   5
#define MML_PROBE_TUPLES 20000

/* Bins of all modalities but `without` together: kmeans and quantile of the rows
 * joined one behind the other, each modality's of L2 norm 1 when the options
 * normalise; argmax of the sum of the heads' logits, which have equal widths.
 * Writes bin[n] in [0, *bins). features as in mml_probe, finite. Scratch is
 * released on return. */
Status mml_rest_bins(const MmlProbeOptions *options, int modalities, int without, i64 n, const float *const *features,
                     const int *width, MmlThreads *threads, MmlArena *arena, i32 *bin, int *bins);

#endif
