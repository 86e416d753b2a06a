/* Batch normalisation (Ioffe & Szegedy 2015) over [batch, channels, spatial],
 * in parallel over the channels; statistics are summed in double. */
#include <math.h>
#include <stdbool.h>

#include "kernel.h"
#include "sums.h"

typedef struct { i64 channels, spatial; double momentum, eps; i64 group; } Batchnorm;

static Batchnorm batchnorm_from(const MmlValue *a) {
    return (Batchnorm){.channels = a[0].i, .spatial = a[1].i, .momentum = a[2].r, .eps = a[3].r, .group = a[4].i};
}

/* Deviations are taken from the channel's first value, so that one pass is
 * exact enough for a channel far from zero. */
static void batch_statistics(const Batchnorm *n, i64 batch, const float *x, double *mean, double *variance) {
    float shift = x[0];
    TwoSums all = {0, 0};
    for (i64 i = 0; i < batch; i++) {
        TwoSums sums = sums_of_deviation(x + i * n->channels * n->spatial, n->spatial, shift);
        all.first += sums.first;
        all.second += sums.second;
    }
    double count = (double)(batch * n->spatial), offset = all.first / count;
    *mean = (double)shift + offset;
    *variance = fmax(all.second / count - offset * offset, 0.0);
    if (isnan(all.second)) *variance = all.second;
}

static void keep_running(const Batchnorm *n, i64 count, double mean, double variance, float *kept_mean, float *kept_variance) {
    *kept_mean = (float)((1.0 - n->momentum) * (double)*kept_mean + n->momentum * mean);
    if (count < 2) return;      /* one value has no unbiased variance */
    double unbiased = variance * (double)count / (double)(count - 1);
    *kept_variance = (float)((1.0 - n->momentum) * (double)*kept_variance + n->momentum * unbiased);
}

static void forward_channels(void *context, i64 begin, i64 end, int thread) {
    const Call *call = context;
    const Batchnorm n = batchnorm_from(call->a);
    const float *x = call->operand[0], *gamma = call->operand[1], *beta = call->operand[2];
    float *running_mean = call->operand[3], *running_variance = call->operand[4];
    float *y = call->operand[5], *mean = call->operand[6], *inverse_deviation = call->operand[7];
    i64 batch = call->frame->batch, stride = n.channels * n.spatial;
    for (i64 c = begin; c < end; c++) {
        double centre = (double)running_mean[c], variance = (double)running_variance[c];
        if (call->frame->training[n.group]) {
            batch_statistics(&n, batch, x + c * n.spatial, &centre, &variance);
            keep_running(&n, batch * n.spatial, centre, variance, &running_mean[c], &running_variance[c]);
        }
        mean[c] = (float)centre;
        inverse_deviation[c] = (float)(1.0 / sqrt(variance + n.eps));
        float factor = gamma[c] * inverse_deviation[c], shift = beta[c];
        for (i64 i = 0; i < batch; i++) {
            const float *from = x + i * stride + c * n.spatial;
            float *to = y + i * stride + c * n.spatial;
            for (i64 s = 0; s < n.spatial; s++) to[s] = (from[s] - mean[c]) * factor + shift;
        }
    }
}

void mml_batchnorm_forward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    Call call = {frame, attr, operand};
    run_split(&call, attr[0].i, frame->batch * attr[1].i, forward_channels);
}

/* dx of one channel: gamma * inverse_deviation * (dy - mean(dy) - xhat * mean(dy * xhat)),
 * where the two means are 0 when the statistics were constants. */
static void backward_input(const Batchnorm *n, i64 batch, const float *dy, const float *x, float mean, float factor,
                           float mean_gradient, float slope, float *dx) {
    i64 stride = n->channels * n->spatial;
    for (i64 i = 0; i < batch; i++) {
        const float *g = dy + i * stride, *v = x + i * stride;
        float *to = dx + i * stride;
        for (i64 s = 0; s < n->spatial; s++) to[s] = factor * (g[s] - mean_gradient - (v[s] - mean) * slope);
    }
}

static void backward_channels(void *context, i64 begin, i64 end, int thread) {
    const Call *call = context;
    const Batchnorm n = batchnorm_from(call->a);
    const float *dy = call->operand[0], *x = call->operand[1], *gamma = call->operand[2];
    const float *mean = call->operand[3], *inverse_deviation = call->operand[4];
    float *dx = call->operand[5], *gamma_gradient = call->operand[6], *beta_gradient = call->operand[7];
    i64 batch = call->frame->batch, stride = n.channels * n.spatial;
    bool constant = !call->frame->training[n.group];
    for (i64 c = begin; c < end; c++) {
        TwoSums all = {0, 0};
        for (i64 i = 0; i < batch; i++) {
            i64 at = i * stride + c * n.spatial;
            TwoSums sums = sums_of_gradient(dy + at, x + at, n.spatial, mean[c]);
            all.first += sums.first;
            all.second += sums.second;
        }
        double inverse = (double)inverse_deviation[c], count = (double)(batch * n.spatial);
        if (gamma_gradient) gamma_gradient[c] += (float)(all.second * inverse);
        if (beta_gradient) beta_gradient[c] += (float)all.first;
        double mean_gradient = constant ? 0.0 : all.first / count;
        double slope = constant ? 0.0 : all.second * inverse * inverse / count;
        if (dx)
            backward_input(&n, batch, dy + c * n.spatial, x + c * n.spatial, mean[c], gamma[c] * inverse_deviation[c],
                           (float)mean_gradient, (float)slope, dx + c * n.spatial);
    }
}

void mml_batchnorm_backward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    Call call = {frame, attr, operand};
    run_split(&call, attr[0].i, 2 * frame->batch * attr[1].i, backward_channels);
}
