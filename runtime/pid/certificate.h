/* From an interior point to a feasible pair whose distance certifies the
 * answer (pid.md 2, step 8).
 */
#ifndef PID_CERTIFICATE_H
#define PID_CERTIFICATE_H

#include "pid/union.h"

typedef struct {
    double *q;           /* [live, labels]: marginals are those of p to rounding */
    double *u;           /* [unknowns], -infinity where p = 0: every s_t >= 0    */
    double *s;           /* [live] scratch                                       */
    double  primal, dual;
} MmlCertificate;

/* Room for a certificate; 0 with mml_fail set when out of memory. */
int mml_certificate_new(const MmlSupport *support, MmlArena *arena, MmlCertificate *out);

/* m: [live], pi: [live, labels], u: [unknowns]. Proportional fitting of m pi,
 * rounded onto the marginals label by label (Altschuler, Weed, Rigollet 2017);
 * u shifted to the border of the feasible set. scratch: [unknowns]. */
void mml_certify(const MmlSupport *support, const double *m, const double *pi, const double *u,
                 double *scratch, MmlCertificate *out);

/* s_t and pi_t of the potentials u; pi may be NULL. */
void mml_tuple_softmax(const MmlSupport *support, const double *u, double *s, double *pi);

#endif
