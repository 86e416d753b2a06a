/* reorder_in and reorder_out of abi.def: between plain NCHW and the blocked layout. */
#include "kernels/call.h"
#include "mml/nn.h"

static Blocked layout_of(const Call *call) {
    const MmlValue *a = call->a;
    return blocked(a[0].i, a[1].i, a[2].i, a[4].i);
}

static void planes_in(void *context, i64 begin, i64 end, int thread) {
    const Call *call = context;
    const Blocked b = layout_of(call);
    i64 pixels = b.height * b.width;
    for (i64 item = begin; item < end; item++) {
        i64 image = item / b.blocks, block = item % b.blocks, lanes = lanes_of(&b, block);
        const float *from = call->operand[0] + (image * b.channels + block * MML_BLOCK) * pixels;
        float *plane = call->operand[1] + plane_at(&b, item);
        clear_halo(&b, plane);
        for (i64 y = 0; y < b.height; y++)
            for (i64 x = 0; x < b.width; x++) {
                float *to = plane + pixel_of(&b, y, x);
                for (i64 lane = 0; lane < MML_BLOCK; lane++)
                    to[lane] = lane < lanes ? from[lane * pixels + y * b.width + x] : 0.0f;
            }
    }
}

static void planes_out(void *context, i64 begin, i64 end, int thread) {
    const Call *call = context;
    const Blocked b = layout_of(call);
    i64 pixels = b.height * b.width;
    for (i64 item = begin; item < end; item++) {
        i64 image = item / b.blocks, block = item % b.blocks, lanes = lanes_of(&b, block);
        const float *plane = call->operand[0] + plane_at(&b, item);
        float *to = call->operand[1] + (image * b.channels + block * MML_BLOCK) * pixels;
        for (i64 lane = 0; lane < lanes; lane++)
            for (i64 y = 0; y < b.height; y++) {
                const float *from = plane + pixel_of(&b, y, 0) + lane;
                for (i64 x = 0; x < b.width; x++) to[(lane * b.height + y) * b.width + x] = from[x * MML_BLOCK];
            }
    }
}

void MML_NAME(reorder_in)(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    Call call = {frame, attr, operand};
    Blocked b = layout_of(&call);
    split(&call, frame->batch * b.blocks, b.plane, planes_in);
}

void MML_NAME(reorder_out)(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    Call call = {frame, attr, operand};
    Blocked b = layout_of(&call);
    if (operand[1]) split(&call, frame->batch * b.blocks, b.plane, planes_out);
}
