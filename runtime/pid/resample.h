/* Tables of counts drawn from a table of counts: the resampling behind the
 * intervals, the halves and the null distribution of pid.md 5. Costs depend on
 * the cells, not on the number of samples, which may be up to 2^53.
 */
#ifndef PID_RESAMPLE_H
#define PID_RESAMPLE_H

#include "mml/pid.h"
#include "mml/random.h"

typedef struct {
    int  sources, labels;
    int  bins[MML_PID_SOURCES];
    i64  tuples, cells;
    i64 *count;                        /* [tuples, labels]                     */
    i64 *pair[MML_PID_SOURCES];        /* [bins[k], labels]: samples of (x_k, y) */
    i64 *label;                        /* [labels]                             */
    i64  samples;
} MmlCounts;

/* Fails with MML_EINPUT on what mml_pid_solve refuses, on a weight that isn't
 * a whole number (named, with what probabilities lack) and above 2^53 samples. */
Status mml_counts_new(const MmlTable *table, MmlArena *arena, MmlCounts *out);

/* As many samples, drawn with replacement. out: [cells]. */
void mml_resample(const MmlCounts *counts, MmlRandom *random, double *out);

/* The samples in two halves at random, the first the smaller of an odd number. half, rest: [cells]. */
void mml_split_in_halves(const MmlCounts *counts, MmlRandom *random, double *half, double *rest);

/* Every source but the first permuted among the samples of each label: all
 * (x_k, y) keep their numbers, x1 … xk become independent given y. out: [cells];
 * scratch: [3 tuples]. */
void mml_shuffle_within_labels(const MmlCounts *counts, MmlRandom *random, i64 *scratch, double *out);

/* The table that has counts' shape and the weights p. */
MmlTable mml_counts_table(const MmlCounts *counts, const double *p);

#endif
