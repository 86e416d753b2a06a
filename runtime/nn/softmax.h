/* log sum exp of logits, in double and without overflow. */
#ifndef MML_NN_SOFTMAX_H
#define MML_NN_SOFTMAX_H

#include <math.h>

#include "mml/base.h"

static inline double log_sum_exp(const float *z, i64 classes) {
    double largest = (double)z[0];
    for (i64 k = 1; k < classes; k++)
        if ((double)z[k] > largest) largest = (double)z[k];
    double sum = 0.0;
    for (i64 k = 0; k < classes; k++) sum += exp((double)z[k] - largest);
    return largest + log(sum);
}

#endif
