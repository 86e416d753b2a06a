/* Newton's equations (newton.h) for two sources and many labels:
 *
 *   M = K + V D V^T,  K = blockdiag over y of K_y,  D = diag(m/s - m)
 *
 * K_y = sum_t m_t pi_t(y) e_t e_t^T with e_t the two unknowns of label y that
 * tuple t = (i, j) touches; V's column t holds pi_t(y) e_t. With S = sign(D) +
 * sqrt|D| V^T K^-1 V sqrt|D| (Woodbury),
 *
 *   M^-1 = K^-1 - K^-1 V sqrt|D| S^-1 sqrt|D| V^T K^-1.
 *
 * S is built from the inverses of K_y (laplacian.h), entry (t, t') being sum_y
 * pi_t pi_t' (rr_ii' - rc_ij' - rc_i'j + cc_jj'), and factored by Cholesky with
 * the tuples of negative D last: M and K are positive definite, so S has D's
 * inertia, and what the first part leaves of the second is negative definite.
 *
 * The work grows with (tuples)^2 (tuples / 6 + 3/4 labels) in place of labels^3
 * bins^3. It loses digits where m/s is huge; a step that refinement doesn't
 * mend is refused.
 */
#ifndef PID_WOODBURY_H
#define PID_WOODBURY_H

#include "pid/union.h"

typedef struct MmlWoodbury MmlWoodbury;

/* Whether this form is the cheaper one. */
int mml_woodbury_pays(const MmlSupport *support);

/* Bytes that mml_woodbury_new will take, and multiply-adds of a factorisation. */
double mml_woodbury_bytes(const MmlSupport *support);
double mml_woodbury_work(const MmlSupport *support);

/* NULL with mml_fail(MML_ENOMEM) set when out of memory. */
MmlWoodbury *mml_woodbury_new(const MmlSupport *support, MmlArena *arena);

/* As mml_newton_factor and mml_newton_solve; solve returns 0 when the residual stays above 1e-6 of the right side. */
int mml_woodbury_factor(MmlWoodbury *woodbury, const double *m, const double *s, const double *pi);
int mml_woodbury_solve(MmlWoodbury *woodbury, const double *right, double *du, double *flow);

#endif
