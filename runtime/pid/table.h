/* A joint table made ready for solvers: normalised, with its pair marginals,
 * and the entropies that need no optimisation. Information in nats.
 */
#ifndef PID_TABLE_H
#define PID_TABLE_H

#include "mml/pid.h"

typedef struct {
    int     sources, labels;
    int     bins[MML_PID_SOURCES];
    i64     tuples;                        /* product of bins                                */
    double *p;                             /* [tuples, labels], sum 1, nothing in (0, 1e-15) */
    double *marginal[MML_PID_SOURCES];     /* [bins[k], labels] p(x_k, y)                    */
    double *label;                         /* [labels] p(y)                                  */
} MmlJoint;

/* Cells of the normalised table below this are taken as zero (pid.md 2, step 1). */
#define MML_PID_ZERO 1e-15

/* 2 GiB of doubles: more cells are a mistake in the number of bins. */
#define MML_PID_CELLS ((i64)1 << 28)

/* The number of cells. Fails with MML_EINPUT on wrong or too large sizes. */
Status mml_table_cells(const MmlTable *table, i64 *cells);

/* Checks and normalises. Fails with MML_EINPUT, naming the cell, on a negative
 * or non-finite weight, an all-zero table and wrong or too large sizes. */
Status mml_joint_new(const MmlTable *table, MmlArena *arena, MmlJoint *out);

/* Sums p[tuples, labels] over all sources but k into out[bins[k], labels]. */
void mml_joint_marginal(const MmlJoint *joint, const double *p, int k, double *out);

/* I(X; Y) of pair[rows, labels] with total mass 1; a zero cell adds nothing. */
double mml_pair_information(const double *pair, i64 rows, int labels);

/* H of p[count]. */
double mml_entropy(const double *p, i64 count);

/* Sum over tuples and labels of q log(q / q(tuple)), that is, -H(Y | X1 … XK). */
double mml_negative_conditional_entropy(const double *q, i64 tuples, int labels);

/* Seconds of the monotonic clock. */
double mml_pid_clock(void);

#endif
