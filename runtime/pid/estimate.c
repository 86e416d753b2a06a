#include "pid/estimate.h"

#include <math.h>
#include <stdlib.h>

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double mml_quantile(double *values, i64 count, double q) {
    qsort(values, (size_t)count, sizeof *values, ascending);
    double at = q * (double)(count - 1), below = floor(at);
    i64 i = (i64)below;
    return i + 1 < count ? values[i] + (at - below) * (values[i + 1] - values[i]) : values[i];
}
