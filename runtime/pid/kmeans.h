/* k-means over the rows of a matrix.
 *
 * Lloyd's algorithm with k-means++ seeding (Arthur & Vassilvitskii 2007), the
 * best of several restarts by inertia, each with a random stream of its own.
 * An emptied cluster is reseeded at the row farthest from its centre. With
 * fewer distinct rows than clusters there are as many clusters as distinct
 * rows. The result depends on the random stream, the rows and, with fewer
 * restarts than threads, the number of threads.
 */
#ifndef PID_KMEANS_H
#define PID_KMEANS_H

#include "mml/base.h"
#include "mml/random.h"
#include "mml/threads.h"

typedef struct {
    int clusters;         /* k >= 1                    */
    int restarts;         /* >= 1                      */
    int iterations;       /* at most, each restart; >= 1 */
} MmlKMeansOptions;

/* rows: [n, d] row-major, finite, n >= 1. Writes assignment[n], centres[k, d] and
 * the number of clusters, all of them occupied and numbered from 0. centres and
 * inertia (sum of squared distances) may be NULL. Scratch is released on return. */
Status mml_kmeans(const float *rows, i64 n, int d, MmlKMeansOptions options, MmlRandom *random,
                  MmlThreads *threads, MmlArena *arena, i32 *assignment, float *centres, int *clusters, double *inertia);

/* One run of Lloyd from the given centres[k, d], which it moves. */
Status mml_kmeans_from(const float *rows, i64 n, int d, MmlKMeansOptions options,
                       MmlThreads *threads, MmlArena *arena, i32 *assignment, float *centres, int *clusters);

/* The nearest of centres[clusters, d] for rows that were not clustered, the first of equals. */
Status mml_kmeans_assign(const float *rows, i64 n, int d, const float *centres, int clusters, i32 *assignment);

#endif
