/* Sums of float rows in double, in eight lanes that the compiler turns into
 * vectors (it may not reorder a plain sum). The order is fixed by the length. */
#ifndef MML_NN_SUMS_H
#define MML_NN_SUMS_H

#include "mml/base.h"

#define SUM_LANES 8

typedef struct { double first, second; } TwoSums;

/* Of x - shift, and of its square. */
static inline TwoSums sums_of_deviation(const float *x, i64 count, float shift) {
    double first[SUM_LANES] = {0}, second[SUM_LANES] = {0};
    i64 i = 0;
    for (; i + SUM_LANES <= count; i += SUM_LANES)
        for (int lane = 0; lane < SUM_LANES; lane++) {
            double deviation = (double)x[i + lane] - (double)shift;
            first[lane] += deviation;
            second[lane] += deviation * deviation;
        }
    TwoSums sums = {0, 0};
    for (; i < count; i++) {
        double deviation = (double)x[i] - (double)shift;
        sums.first += deviation;
        sums.second += deviation * deviation;
    }
    for (int lane = 0; lane < SUM_LANES; lane++) {
        sums.first += first[lane];
        sums.second += second[lane];
    }
    return sums;
}

/* Of g, and of g * (x - mean). */
static inline TwoSums sums_of_gradient(const float *g, const float *x, i64 count, float mean) {
    double first[SUM_LANES] = {0}, second[SUM_LANES] = {0};
    i64 i = 0;
    for (; i + SUM_LANES <= count; i += SUM_LANES)
        for (int lane = 0; lane < SUM_LANES; lane++) {
            double gradient = (double)g[i + lane];
            first[lane] += gradient;
            second[lane] += gradient * ((double)x[i + lane] - (double)mean);
        }
    TwoSums sums = {0, 0};
    for (; i < count; i++) {
        sums.first += (double)g[i];
        sums.second += (double)g[i] * ((double)x[i] - (double)mean);
    }
    for (int lane = 0; lane < SUM_LANES; lane++) {
        sums.first += first[lane];
        sums.second += second[lane];
    }
    return sums;
}

/* Of the products a * b. */
static inline double dot_of(const float *a, const float *b, i64 count) {
    double lanes[SUM_LANES] = {0}, sum = 0;
    i64 i = 0;
    for (; i + SUM_LANES <= count; i += SUM_LANES)
        for (int lane = 0; lane < SUM_LANES; lane++) lanes[lane] += (double)a[i + lane] * (double)b[i + lane];
    for (; i < count; i++) sum += (double)a[i] * (double)b[i];
    for (int lane = 0; lane < SUM_LANES; lane++) sum += lanes[lane];
    return sum;
}

#endif
