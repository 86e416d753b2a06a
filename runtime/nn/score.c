#include "mml/nn.h"
#include "softmax.h"

/* The first of equal logits is the prediction; NaN is never right. */
static int predicts(const float *z, i64 k, i64 label) {
    for (i64 j = 0; j < k; j++)
        if (j < label ? !(z[label] > z[j]) : !(z[label] >= z[j])) return 0;
    return 1;
}

void mml_score(const float *logits, const i64 *labels, i64 n, i64 k, double *cross_entropy, i64 *right) {
    double sum = 0.0;
    *right = 0;
    for (i64 i = 0; i < n; i++) {
        const float *z = logits + i * k;
        sum += log_sum_exp(z, k) - (double)z[labels[i]];
        *right += predicts(z, k, labels[i]);
    }
    *cross_entropy = n > 0 ? sum / (double)n : 0.0;
}
