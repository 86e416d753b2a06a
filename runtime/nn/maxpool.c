/* Maximum over windows. The winner of equal values is the first one by rows,
 * as in other frameworks, since after relu ties at 0 are common; NaN wins. */
#include <math.h>
#include <string.h>

#include "kernel.h"
#include "pool.h"

/* The best of rows first … last - 1 for every column. */
static void best_of_rows(const float *restrict plane, i64 width, Span rows, float *restrict best, i32 *restrict index) {
    for (i64 c = 0; c < width; c++) {
        best[c] = plane[rows.first * width + c];
        index[c] = (i32)(rows.first * width + c);
    }
    for (i64 row = rows.first + 1; row < rows.last; row++) {
        const float *values = plane + row * width;
        for (i64 c = 0; c < width; c++) {
            float value = values[c], kept = best[c];
            i32 at = (i32)(row * width + c), kept_at = index[c];
            int better = (value > kept) | (value != value);
            best[c] = better ? value : kept;
            index[c] = better ? at : kept_at;
        }
    }
}

/* Of these, the best of each window. A column further right may hold an
 * equal value from a higher row, which then comes first. */
static inline __attribute__((always_inline)) void best_of_columns(
    const float *restrict best, const i32 *restrict best_at, i64 count, i64 stride, i64 kernel, float *restrict y, i32 *restrict index) {
    for (i64 i = 0; i < count; i++) {
        y[i] = best[i * stride];
        index[i] = best_at[i * stride];
    }
    for (i64 k = 1; k < kernel; k++)
        for (i64 i = 0; i < count; i++) {
            float value = best[i * stride + k], kept = y[i];
            i32 at = best_at[i * stride + k], kept_at = index[i];
            int better = (value > kept) | ((value == kept) & (at < kept_at)) | (value != value);
            y[i] = better ? value : kept;
            index[i] = better ? at : kept_at;
        }
}

static void forward_planes(void *context, i64 begin, i64 end, int thread) {
    const Call *call = context;
    const Pool p = pool_from(call->a);
    i64 width = p.in_width + 2 * p.pad;
    float *best = (float *)call->frame->scratch[thread];
    i32 *best_at = (i32 *)(best + width);
    for (i64 c = 0; c < width; c++) {         /* the border loses to everything */
        best[c] = -INFINITY;
        best_at[c] = INT32_MAX;
    }
    for (i64 plane = begin; plane < end; plane++)
        for (i64 row = 0; row < p.out_height; row++) {
            Span rows = pool_span(row, p.stride, p.pad, p.kernel, p.in_height);
            best_of_rows(call->operand[0] + plane * p.in_plane, p.in_width, rows, best + p.pad, best_at + p.pad);
            float *y = call->operand[1] + plane * p.out_plane + row * p.out_width;
            i32 *index = (i32 *)call->operand[2] + plane * p.out_plane + row * p.out_width;
            if (p.stride == 2) best_of_columns(best, best_at, p.out_width, 2, p.kernel, y, index);
            else               best_of_columns(best, best_at, p.out_width, p.stride, p.kernel, y, index);
        }
}

void mml_maxpool_forward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    Call call = {frame, attr, operand};
    Pool p = pool_from(attr);
    run_split(&call, frame->batch * p.channels, p.in_plane + p.out_plane * p.kernel, forward_planes);
}

static void backward_planes(void *context, i64 begin, i64 end, int thread) {
    const Call *call = context;
    const Pool p = pool_from(call->a);
    for (i64 plane = begin; plane < end; plane++) {
        const float *dy = call->operand[0] + plane * p.out_plane;
        const i32 *index = (const i32 *)call->operand[1] + plane * p.out_plane;
        float *dx = call->operand[2] + plane * p.in_plane;
        memset(dx, 0, (size_t)p.in_plane * sizeof *dx);
        for (i64 i = 0; i < p.out_plane; i++) dx[index[i]] += dy[i];
    }
}

void mml_maxpool_backward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    Call call = {frame, attr, operand};
    Pool p = pool_from(attr);
    if (operand[2]) run_split(&call, frame->batch * p.channels, p.in_plane + p.out_plane, backward_planes);
}
