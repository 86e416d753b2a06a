/* Inverted dropout (Srivastava et al. 2014). A sample's mask depends on the
 * seed, the step, the layer and the sample's number, so that backward draws it
 * again and neither the batch's order nor the threads change it. */
#include <math.h>
#include <string.h>

#include "kernel.h"

static void keep_or_drop(const float *from, float *to, i64 size, double p, MmlRandom random) {
    const u32 threshold = (u32)fmin(p * 0x1p32, 0x1p32 - 1.0);
    const float factor = (float)(1.0 / (1.0 - p));
    for (i64 i = 0; i < size; i++) to[i] = mml_random_u32(&random) >= threshold ? from[i] * factor : 0.0f;
}

static void mask_samples(void *context, i64 begin, i64 end, int thread) {
    const Call *call = context;
    const MmlFrame *frame = call->frame;
    i64 size = call->a[0].i, group = call->a[2].i;
    double p = call->a[1].r;
    for (i64 i = begin; i < end; i++) {
        const float *from = call->operand[0] + i * size;
        float *to = call->operand[1] + i * size;
        if (!frame->training[group]) {
            memmove(to, from, (size_t)size * sizeof *to);
            continue;
        }
        u64 stream = (u64)call->a[3].i << 32 | (u32)frame->samples[i];
        keep_or_drop(from, to, size, p, mml_random(frame->seed, MML_STREAM_DROPOUT, frame->step, stream));
    }
}

void mml_dropout_forward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    Call call = {frame, attr, operand};
    run_split(&call, frame->batch, 4 * attr[0].i, mask_samples);
}

/* The same mask and factor on the gradient. */
void mml_dropout_backward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    Call call = {frame, attr, operand};
    if (operand[1]) run_split(&call, frame->batch, 4 * attr[0].i, mask_samples);
}
