/* Union information (pid.md 2 and 6): the least I_Q(X1 … XK; Y) over all Q with
 * the given pair marginals Q(x_k, y).
 *
 * Its dual is: maximise sum_k <p_k, u_k> subject to, for every tuple
 * t = (x_1 … x_K), s_t = -log sum_y exp(sum_k u_k(x_k, y)) >= 0. It is solved by
 * a primal-dual interior-point method with one multiplier m_t = q(t) for each
 * tuple; the optimal Q is m_t pi_t(y), pi_t the softmax of sum_k u_k. A label is
 * active in a tuple when every p_k(x_k, y) > 0, and only tuples with an active
 * label ("live") take part.
 */
#ifndef PID_UNION_H
#define PID_UNION_H

#include "mml/pid.h"

typedef struct {
    int           sources, labels;
    int           bins[MML_PID_SOURCES];
    const double *marginal[MML_PID_SOURCES];   /* [bins[k], labels], each of sum 1, with the same label sums */
} MmlUnion;

/* What the solver works on: problem without empty bins and labels, and its
 * live tuples. Unknowns of all sources lie one behind the other, source k's
 * u_k(x, y) at start[k] + x * labels + y. */
typedef struct {
    int     sources, labels;
    int     bins[MML_PID_SOURCES];
    int    *bin_of[MML_PID_SOURCES];     /* [bins[k]] index in the problem     */
    int    *label_of;                    /* [labels] index in the problem      */
    i64     start[MML_PID_SOURCES + 1];  /* start[sources]: number of unknowns */
    double *p;                           /* [unknowns] marginals               */
    double *label;                       /* [labels] p(y)                      */
    i64     live;
    int    *bin;                         /* [live, sources] bins of each tuple */
    int     rows;                        /* the source with most bins          */
} MmlSupport;

typedef struct {
    double  primal, dual;                /* F and D in nats: D <= -H_Q(Y | X) at the optimum <= F */
    double *q;                           /* [product of bins, labels] feasible; NULL: not wanted   */
    double *potentials;                  /* [sum of bins, labels] feasible u; NULL: not wanted     */
    int     iterations;
} MmlUnionResult;

/* Stands for minus infinity in potentials, where p_k(x, y) = 0. Potentials of
 * all other cells are at most 0. */
#define MML_POTENTIAL_NONE (-1000.0)

/* A certified gap above this (1e-9 bit) is a failure. */
#define MML_UNION_GAP (1e-9 * 0.69314718055994531)

/* dense: solve Newton's equations without the two-source block form, which is
 * what K > 2 does anyway. out->q and out->potentials are given by the caller or
 * NULL. Scratch comes from arena and is released on return. Fails with
 * MML_EINPUT when the problem is too large, MML_ENUMERIC when no certificate
 * was reached, MML_EINTERRUPT when a stop was asked for before. */
Status mml_union_solve(const MmlUnion *problem, int dense, MmlArena *arena, MmlUnionResult *out);

#endif
