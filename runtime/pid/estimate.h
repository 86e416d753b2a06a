/* What the estimates from samples share. */
#ifndef PID_ESTIMATE_H
#define PID_ESTIMATE_H

#include "mml/base.h"

/* The q-quantile of values[count], count >= 1, between order statistics by
 * linear interpolation (Hyndman and Fan's definition 7). Sorts values. */
double mml_quantile(double *values, i64 count, double q);

#endif
