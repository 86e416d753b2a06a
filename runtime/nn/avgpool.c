/* Means over windows; numbers outside the image count as zeros. */
#include <string.h>

#include "kernel.h"
#include "pool.h"
#include "sums.h"

static void forward_planes(void *context, i64 begin, i64 end, int thread) {
    const Call *call = context;
    const Pool p = pool_from(call->a);
    const float share = 1.0f / (float)(p.kernel * p.kernel);
    for (i64 plane = begin; plane < end; plane++) {
        const float *x = call->operand[0] + plane * p.in_plane;
        float *y = call->operand[1] + plane * p.out_plane;
        for (i64 row = 0; row < p.out_height; row++) {
            Span rows = pool_span(row, p.stride, p.pad, p.kernel, p.in_height);
            for (i64 column = 0; column < p.out_width; column++) {
                Span columns = pool_span(column, p.stride, p.pad, p.kernel, p.in_width);
                float sum = 0.0f;
                for (i64 r = rows.first; r < rows.last; r++)
                    for (i64 c = columns.first; c < columns.last; c++) sum += x[r * p.in_width + c];
                *y++ = sum * share;
            }
        }
    }
}

void mml_avgpool_forward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    Call call = {frame, attr, operand};
    Pool p = pool_from(attr);
    run_split(&call, frame->batch * p.channels, p.out_plane * p.kernel * p.kernel, forward_planes);
}

static void backward_planes(void *context, i64 begin, i64 end, int thread) {
    const Call *call = context;
    const Pool p = pool_from(call->a);
    const float share = 1.0f / (float)(p.kernel * p.kernel);
    for (i64 plane = begin; plane < end; plane++) {
        const float *dy = call->operand[0] + plane * p.out_plane;
        float *dx = call->operand[1] + plane * p.in_plane;
        memset(dx, 0, (size_t)p.in_plane * sizeof *dx);
        for (i64 row = 0; row < p.out_height; row++) {
            Span rows = pool_span(row, p.stride, p.pad, p.kernel, p.in_height);
            for (i64 column = 0; column < p.out_width; column++) {
                Span columns = pool_span(column, p.stride, p.pad, p.kernel, p.in_width);
                float gradient = *dy++ * share;
                for (i64 r = rows.first; r < rows.last; r++)
                    for (i64 c = columns.first; c < columns.last; c++) dx[r * p.in_width + c] += gradient;
            }
        }
    }
}

void mml_avgpool_backward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    Call call = {frame, attr, operand};
    Pool p = pool_from(attr);
    if (operand[1]) run_split(&call, frame->batch * p.channels, p.out_plane * p.kernel * p.kernel, backward_planes);
}

static void global_forward_planes(void *context, i64 begin, i64 end, int thread) {
    const Call *call = context;
    i64 spatial = call->a[1].i;
    for (i64 plane = begin; plane < end; plane++) {
        TwoSums sums = sums_of_deviation(call->operand[0] + plane * spatial, spatial, 0.0f);
        call->operand[1][plane] = (float)(sums.first / (double)spatial);
    }
}

void mml_global_avgpool_forward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    Call call = {frame, attr, operand};
    run_split(&call, frame->batch * attr[0].i, attr[1].i, global_forward_planes);
}

static void global_backward_planes(void *context, i64 begin, i64 end, int thread) {
    const Call *call = context;
    i64 spatial = call->a[1].i;
    for (i64 plane = begin; plane < end; plane++) {
        float gradient = call->operand[0][plane] / (float)spatial;
        float *dx = call->operand[1] + plane * spatial;
        for (i64 i = 0; i < spatial; i++) dx[i] = gradient;
    }
}

void mml_global_avgpool_backward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    Call call = {frame, attr, operand};
    if (operand[1]) run_split(&call, frame->batch * attr[0].i, attr[1].i, global_backward_planes);
}
