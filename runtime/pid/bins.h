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

/* scale[n] = 1 / L2 norm of each row, 0 of a zero row. Fails with MML_ENUMERIC on
 * the first value that isn't finite, naming it. */
Status mml_probe_norms(int modality, const float *features, i64 n, int width, MmlThreads *threads, MmlArena *arena, float *scale);

/* Equal-count bins of scores[n]: the edges are the scores of ranks j n / k,
 * and equal scores share a bin. Returns the number of occupied bins. sorted:
 * [n] scratch. */
int mml_quantile_bins(const float *scores, i64 n, int k, float *sorted, i32 *bin);

#endif
