/* The mean over the frames of a clip. Frames are added in their order, in
 * double precision, so that one frame is its own mean to the last bit. */
#include "kernel.h"

static void average_samples(void *context, i64 begin, i64 end, int thread) {
    const Call *call = context;
    i64 size = call->a[0].i, frames = call->a[1].i;
    for (i64 n = begin; n < end; n++) {
        const float *x = call->operand[0] + n * frames * size;
        float *y = call->operand[1] + n * size;
        for (i64 i = 0; i < size; i++) {
            double sum = 0.0;
            for (i64 t = 0; t < frames; t++) sum += (double)x[t * size + i];
            y[i] = (float)(sum / (double)frames);
        }
    }
}

static void spread_samples(void *context, i64 begin, i64 end, int thread) {
    const Call *call = context;
    i64 size = call->a[0].i, frames = call->a[1].i;
    for (i64 n = begin; n < end; n++) {
        const float *dy = call->operand[0] + n * size;
        float *dx = call->operand[1] + n * frames * size;
        for (i64 t = 0; t < frames; t++)
            for (i64 i = 0; i < size; i++) dx[t * size + i] = dy[i] / (float)frames;
    }
}

void mml_mean_frames_forward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    Call call = {frame, attr, operand};
    run_split(&call, frame->batch, attr[0].i * attr[1].i, average_samples);
}

void mml_mean_frames_backward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    Call call = {frame, attr, operand};
    if (operand[1]) run_split(&call, frame->batch, attr[0].i * attr[1].i, spread_samples);
}
