/* y = x / max(|x|, 1e-12), sample by sample. */
#include <math.h>

#include "kernel.h"
#include "sums.h"

#define SMALLEST_NORM 1e-12f

static void forward_samples(void *context, i64 begin, i64 end, int thread) {
    const Call *call = context;
    i64 size = call->a[0].i;
    float *norm = call->operand[2];
    for (i64 i = begin; i < end; i++) {
        const float *x = call->operand[0] + i * size;
        float *y = call->operand[1] + i * size;
        norm[i] = (float)sqrt(dot_of(x, x, size));
        float divisor = norm[i] < SMALLEST_NORM ? SMALLEST_NORM : norm[i];
        for (i64 j = 0; j < size; j++) y[j] = x[j] / divisor;
    }
}

void mml_normalize_forward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    Call call = {frame, attr, operand};
    run_split(&call, frame->batch, 2 * attr[0].i, forward_samples);
}

/* dx = (dy - y (y . dy)) / |x|; below the smallest norm the divisor is a constant. */
static void backward_samples(void *context, i64 begin, i64 end, int thread) {
    const Call *call = context;
    i64 size = call->a[0].i;
    const float *norm = call->operand[2];
    for (i64 i = begin; i < end; i++) {
        const float *dy = call->operand[0] + i * size, *y = call->operand[1] + i * size;
        float *dx = call->operand[3] + i * size;
        int constant = norm[i] < SMALLEST_NORM;
        float along = constant ? 0.0f : (float)dot_of(y, dy, size);
        float divisor = constant ? SMALLEST_NORM : norm[i];
        for (i64 j = 0; j < size; j++) dx[j] = (dy[j] - y[j] * along) / divisor;
    }
}

void mml_normalize_backward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    Call call = {frame, attr, operand};
    if (operand[3]) run_split(&call, frame->batch, 2 * attr[0].i, backward_samples);
}
