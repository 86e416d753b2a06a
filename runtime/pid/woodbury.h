/* Newton's equations (newton.h) for two sources and many labels:
 *
 *   M = K + V D V^T,  K = blockdiag over y of K_y,  D = diag(m/s - m)
 *
 * K_y = sum_t m_t pi_t(y) e_t e_t^T with e_t the two unknowns of label y that
 * tuple t touches; V's column t holds pi_t(y) e_t. With K = L L^T,
 * B = L^-1 V sqrt|D| and S = sign(D) + B^T B (Woodbury),
 *
 *   M^-1 = L^-T (I - B S^-1 B^T) L^-1.
 *
 * The work grows with live^2 labels bins in place of labels^3 bins^3. It loses
 * digits where m/s is huge; a step that refinement doesn't mend is refused.
 */
#ifndef PID_WOODBURY_H
#define PID_WOODBURY_H

#include "pid/union.h"

typedef struct MmlWoodbury MmlWoodbury;

/* Whether this form is the cheaper one. */
int mml_woodbury_pays(const MmlSupport *support);

/* NULL with mml_fail(MML_ENOMEM) set when out of memory. */
MmlWoodbury *mml_woodbury_new(const MmlSupport *support, MmlArena *arena);

/* As mml_newton_factor and mml_newton_solve; solve returns 0 when the residual stays above 1e-6 of the right side. */
int mml_woodbury_factor(MmlWoodbury *woodbury, const double *m, const double *s, const double *pi);
int mml_woodbury_solve(MmlWoodbury *woodbury, const double *right, double *du, double *flow);

#endif
