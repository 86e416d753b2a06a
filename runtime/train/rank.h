/* Spearman's rank correlation. */
#ifndef TRAIN_RANK_H
#define TRAIN_RANK_H

#include "mml/base.h"

#define MML_RANK_PERMUTATIONS 99999

typedef struct {
    double rho;              /* NaN of fewer than three pairs, or when one side is constant          */
    double p;                /* two-sided                                                           */
    i64    count;            /* pairs                                                               */
} MmlRank;

/* Ranks of n values in [1, n]; equal ones share the mean of theirs. */
void mml_ranks(const double *values, i64 n, double *out, MmlArena *arena);

/* Pearson's correlation of the ranks of x and y, [n], finite. p is the share of
 * MML_RANK_PERMUTATIONS random pairings (the true one counted in) whose correlation
 * is as far from 0 (Phipson and Smyth 2010): 1e-5 at least. Equal input gives an
 * equal p. MML_ENOMEM. */
Status mml_spearman(const double *x, const double *y, i64 n, MmlArena *arena, MmlRank *out);

#endif
