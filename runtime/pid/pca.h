/* Principal components of the rows of a matrix.
 *
 * Eigenvectors of the covariance, or of the Gram matrix when there are fewer
 * rows than columns, by LAPACK. Every row is projected by the same sums, so
 * that equal rows have equal scores. The result depends on the rows and the
 * number of threads.
 */
#ifndef PID_PCA_H
#define PID_PCA_H

#include "mml/base.h"
#include "mml/threads.h"

/* rows: [n, width] row-major, finite, row i taken times scale[i] (NULL: as it
 * is). Writes scores[n, components], centred, by falling variance; each
 * component's sign makes its largest score positive. Components beyond the rank
 * of the rows are 0. 1 <= components <= width. Scratch is released on return. */
Status mml_pca(const float *rows, const float *scale, i64 n, int width, int components,
               MmlThreads *threads, MmlArena *arena, float *scores);

/* The same, with the projection: axes[1 + components, width] are the mean of the
 * scaled rows and the components, so that scores = (scale * row - mean) . axis.
 * NULL: not wanted. */
Status mml_pca_axes(const float *rows, const float *scale, i64 n, int width, int components,
                    MmlThreads *threads, MmlArena *arena, float *scores, float *axes);

#endif
