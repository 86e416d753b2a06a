/* Layer normalisation (Ba, Kiros, Hinton 2016) over each sample's numbers. */
#include <math.h>

#include "kernel.h"
#include "sums.h"

static void forward_samples(void *context, i64 begin, i64 end, int thread) {
    const Call *call = context;
    i64 size = call->a[0].i;
    double eps = call->a[1].r;
    const float *gamma = call->operand[1], *beta = call->operand[2];
    float *mean = call->operand[4], *inverse_deviation = call->operand[5];
    for (i64 i = begin; i < end; i++) {
        const float *x = call->operand[0] + i * size;
        float *y = call->operand[3] + i * size;
        TwoSums sums = sums_of_deviation(x, size, x[0]);
        double offset = sums.first / (double)size;
        double variance = sums.second / (double)size - offset * offset;
        if (variance < 0.0) variance = 0.0;
        mean[i] = (float)((double)x[0] + offset);
        inverse_deviation[i] = (float)(1.0 / sqrt(variance + eps));
        for (i64 j = 0; j < size; j++) y[j] = (x[j] - mean[i]) * inverse_deviation[i] * gamma[j] + beta[j];
    }
}

void mml_layernorm_forward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    Call call = {frame, attr, operand};
    run_split(&call, frame->batch, 2 * attr[0].i, forward_samples);
}

/* With g = dy * gamma: dx = inverse_deviation * (g - mean(g) - xhat * mean(g * xhat)). */
static void backward_samples(void *context, i64 begin, i64 end, int thread) {
    const Call *call = context;
    i64 size = call->a[0].i;
    const float *gamma = call->operand[2], *mean = call->operand[3], *inverse_deviation = call->operand[4];
    for (i64 i = begin; i < end; i++) {
        const float *dy = call->operand[0] + i * size, *x = call->operand[1] + i * size;
        float *dx = call->operand[5] + i * size;
        for (i64 j = 0; j < size; j++) dx[j] = dy[j] * gamma[j];
        TwoSums sums = sums_of_gradient(dx, x, size, mean[i]);
        double inverse = (double)inverse_deviation[i];
        float mean_gradient = (float)(sums.first / (double)size);
        float slope = (float)(sums.second * inverse * inverse / (double)size);
        for (i64 j = 0; j < size; j++)
            dx[j] = inverse_deviation[i] * (dx[j] - mean_gradient - (x[j] - mean[i]) * slope);
    }
}

static void backward_parameters(void *context, i64 begin, i64 end, int thread) {
    const Call *call = context;
    i64 size = call->a[0].i, batch = call->frame->batch;
    const float *mean = call->operand[3], *inverse_deviation = call->operand[4];
    float *gamma_gradient = call->operand[6], *beta_gradient = call->operand[7];
    for (i64 i = 0; i < batch; i++) {
        const float *dy = call->operand[0] + i * size, *x = call->operand[1] + i * size;
        if (gamma_gradient)
            for (i64 j = begin; j < end; j++) gamma_gradient[j] += dy[j] * (x[j] - mean[i]) * inverse_deviation[i];
        if (beta_gradient)
            for (i64 j = begin; j < end; j++) beta_gradient[j] += dy[j];
    }
}

/* Parameters first: dx may lie where dy does. */
void mml_layernorm_backward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    Call call = {frame, attr, operand};
    if (operand[6] || operand[7]) run_split(&call, attr[0].i, 2 * frame->batch, backward_parameters);
    if (operand[5]) run_split(&call, frame->batch, 2 * attr[0].i, backward_samples);
}
