/* Newton's equations (newton.h) in their augmented form,
 *
 *     [ H    P     ] [ du   ]   [ right ]     H = sum_t E^T m (diag(pi) - pi pi^T) E
 *     [ P^T  -s/m  ] [ flow ] = [ 0     ],    P's columns are E^T pi
 *
 * symmetric and indefinite, solved by Bunch and Kaufman's factorisation. Where
 * m/s is huge it loses nothing that the condensed matrix M = H + P (m/s) P^T
 * loses, at the price of an unknown more for each tuple. The solver's last
 * resort, on tables of many decades.
 */
#ifndef PID_AUGMENTED_H
#define PID_AUGMENTED_H

#include "pid/union.h"

typedef struct MmlAugmented MmlAugmented;

/* Order of the system. */
i64 mml_augmented_order(const MmlSupport *support);

/* NULL with mml_fail(MML_ENOMEM) set when out of memory. */
MmlAugmented *mml_augmented_new(const MmlSupport *support, MmlArena *arena);

/* As mml_newton_factor and mml_newton_solve. */
int  mml_augmented_factor(MmlAugmented *augmented, const double *m, const double *s, const double *pi);
void mml_augmented_solve(MmlAugmented *augmented, const double *right, double *du, double *flow);

#endif
