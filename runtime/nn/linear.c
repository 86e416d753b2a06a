/* y = x wT + bias_scale * b. Forward and dx go over the samples, weight
 * gradients over the outputs, so that no partial sums are needed. */
#include <cblas.h>

#include "kernel.h"

typedef struct { i64 in, out, leading; float bias_scale; } Linear;

static Linear linear_from(const MmlValue *a) {
    return (Linear){.in = a[0].i, .out = a[1].i, .leading = a[2].i, .bias_scale = (float)a[3].r};
}

static void forward_samples(void *context, i64 begin, i64 end, int thread) {
    const Call *call = context;
    Linear l = linear_from(call->a);
    const float *x = call->operand[0] + begin * l.in, *w = call->operand[1], *b = call->operand[2];
    float *y = call->operand[3] + begin * l.out;
    for (i64 i = 0; i < end - begin; i++)
        for (i64 o = 0; o < l.out; o++) y[i * l.out + o] = b ? l.bias_scale * b[o] : 0.0f;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)(end - begin), (int)l.out, (int)l.in,
                1.0f, x, (int)l.in, w, (int)l.leading, 1.0f, y, (int)l.out);
}

void mml_linear_forward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    Call call = {frame, attr, operand};
    run_split(&call, frame->batch, attr[0].i * attr[1].i / 8, forward_samples);
}

static void backward_samples(void *context, i64 begin, i64 end, int thread) {
    const Call *call = context;
    Linear l = linear_from(call->a);
    const float *dy = call->operand[0] + begin * l.out, *w = call->operand[2];
    float *dx = call->operand[3] + begin * l.in;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)(end - begin), (int)l.in, (int)l.out,
                1.0f, dy, (int)l.out, w, (int)l.leading, 0.0f, dx, (int)l.in);
}

static void backward_outputs(void *context, i64 begin, i64 end, int thread) {
    const Call *call = context;
    Linear l = linear_from(call->a);
    i64 batch = call->frame->batch;
    const float *dy = call->operand[0], *x = call->operand[1];
    float *weights = call->operand[4], *bias = call->operand[5];
    if (weights)
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)(end - begin), (int)l.in, (int)batch,
                    1.0f, dy + begin, (int)l.out, x, (int)l.in, 1.0f, weights + begin * l.leading, (int)l.leading);
    if (bias)
        for (i64 i = 0; i < batch; i++)
            for (i64 o = begin; o < end; o++) bias[o] += l.bias_scale * dy[i * l.out + o];
}

void mml_linear_backward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    Call call = {frame, attr, operand};
    Linear l = linear_from(attr);
    if (operand[3]) run_split(&call, frame->batch, l.in * l.out / 8, backward_samples);
    if (operand[4] || operand[5]) run_split(&call, l.out, l.in * frame->batch / 8, backward_outputs);
}
