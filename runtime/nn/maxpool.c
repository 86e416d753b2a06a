/* Maximum over windows. The winner of equal values is the first one by rows,
 * as in other frameworks, since after relu ties at 0 are common; NaN wins. */
#include <string.h>

#include "kernel.h"
#include "pool.h"

/* value beats best; written for both stages so that the compiler vectorises. */
static inline int beats(float value, i32 index, float best, i32 best_index) {
    return (value > best) | ((value == best) & (index < best_index)) | (value != value);
}

/* The best of rows first … last - 1, for every column of the plane. */
static void best_of_rows(const Pool *p, const float *plane, i64 first, i64 last, float *best, i32 *index) {
    i64 width = p->in_width;
    for (i64 c = 0; c < width; c++) {
        best[c] = plane[first * width + c];
        index[c] = (i32)(first * width + c);
    }
    for (i64 row = first + 1; row < last; row++) {
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

static void forward_planes(void *context, i64 begin, i64 end, int thread) {
    const Call *call = context;
    const Pool p = pool_from(call->a);
    float *best = (float *)call->frame->scratch[thread];
    i32 *best_index = (i32 *)(best + p.in_width);
    for (i64 plane = begin; plane < end; plane++) {
        const float *x = call->operand[0] + plane * p.in_plane;
        float *y = call->operand[1] + plane * p.out_plane;
        i32 *index = (i32 *)call->operand[2] + plane * p.out_plane;
        for (i64 row = 0; row < p.out_height; row++) {
            Span rows = pool_span(row, p.stride, p.pad, p.kernel, p.in_height);
            best_of_rows(&p, x, rows.first, rows.last, best, best_index);
            for (i64 column = 0; column < p.out_width; column++) {
                Span columns = pool_span(column, p.stride, p.pad, p.kernel, p.in_width);
                float winner = best[columns.first];
                i32 winner_index = best_index[columns.first];
                for (i64 c = columns.first + 1; c < columns.last; c++) {
                    int better = beats(best[c], best_index[c], winner, winner_index);
                    winner = better ? best[c] : winner;
                    winner_index = better ? best_index[c] : winner_index;
                }
                *y++ = winner;
                *index++ = winner_index;
            }
        }
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
