/* From the features of one modality to a bin for each sample (pid.md 4). */
#ifndef PID_BINS_H
#define PID_BINS_H

#include "mml/pid.h"

/* features: [n, width]. Writes bin[n] in [0, *bins), and with kmeans the clusters
 * (mml/pid.h), unless that is NULL. modality names the random
 * stream and is named in errors. Scratch is released on return. Fails as
 * mml_probe does. */
Status mml_probe_bins(const MmlProbeOptions *options, int modality, const float *features, i64 n, int width,
                      MmlThreads *threads, MmlArena *arena, i32 *bin, int *bins, float *clusters);

/* Equal-count bins of scores[n]: the edges are the scores of ranks j n / k,
 * and equal scores share a bin. Returns the number of occupied bins. sorted:
 * [n] scratch. */
int mml_quantile_bins(const float *scores, i64 n, int k, float *sorted, i32 *bin);

#endif
