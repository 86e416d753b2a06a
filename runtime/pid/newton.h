/* Newton's equations of the interior-point method: M du = right side with
 *
 *   M = sum over live tuples of E^T [m diag(pi) + (m/s - m) pi pi^T] E,
 *
 * E placing a tuple's labels at its unknowns. Unknowns exist where p > 0; for
 * each label, every source but the rows' loses the unknown of its largest p
 * (gauge: only sums u_1 + … + u_K matter).
 *
 * Two sources: M's rows-rows part is block-diagonal; its blocks are factored,
 * then the Schur complement of the other source. More: one dense matrix. Both
 * with Jacobi scaling, Cholesky, and a ridge that grows when it fails.
 */
#ifndef PID_NEWTON_H
#define PID_NEWTON_H

#include "pid/union.h"

typedef struct MmlNewton MmlNewton;

/* NULL with mml_fail(MML_ENOMEM) set when out of memory. */
MmlNewton *mml_newton_new(const MmlSupport *support, int dense, MmlArena *arena);

/* Bytes that mml_newton_new will take, to refuse hopeless sizes beforehand. */
double mml_newton_bytes(const MmlSupport *support, int dense);

/* Multiply-adds of one factorisation in the block form. */
double mml_newton_work(const MmlSupport *support);

/* m, s: [live]; pi: [live, labels], 0 at inactive labels. Returns 0 when no
 * ridge up to 1 makes the matrix positive definite. */
int mml_newton_factor(MmlNewton *newton, const double *m, const double *s, const double *pi);

/* Solved and refined until the residual is below 1e-10 of the right side or
 * refining no longer helps.
 *
 * right, du: [unknowns]; du is 0 where no unknown exists. flow: [live], what du
 * changes m by: m/s sum_y pi_y sum_k du_k(x_k, y). m, s and pi are those of the
 * last factorisation and must not have changed. */
void mml_newton_solve(MmlNewton *newton, const double *right, double *du, double *flow);

/* The bin of source k whose unknown of label y the gauge fixes; -1 for the rows' source. */
int mml_gauge_bin(const MmlSupport *support, int k, int y);

#endif
