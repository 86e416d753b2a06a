/* exp and log of many numbers at once: polynomials that the compiler turns into
 * vectors, built twice, with AVX2 and FMA where the processor has them. Errors
 * stay below 1 ulp in both; the two differ by roundings. NaN gives NaN.
 */
#ifndef PID_EXPLOG_H
#define PID_EXPLOG_H

#include "mml/base.h"

/* x[c] = exp(x[c]); below -708 (minus infinity too) it is 0. x: at most 709. */
void mml_exp(double *x, i64 count);

/* x[c] = log(x[c]). x: positive and normal (at least DBL_MIN). */
void mml_log(double *x, i64 count);

/* The build for any processor, to compare with; mml_exp and mml_log choose. */
void mml_exp_portable(double *x, i64 count);
void mml_log_portable(double *x, i64 count);

#endif
