/* maxpool_blocked, avgpool_blocked and global_avgpool_blocked of abi.def. The
 * backward kernels gather: each input pixel asks the windows that it lies in. */
#include "kernels/call.h"
#include "mml/nn.h"

typedef struct { Blocked x, y; i64 kernel, stride, pad; bool relu; } Pool;

static Pool pool_of(const MmlValue *a) {
    return (Pool){.x = blocked(a[0].i, a[1].i, a[2].i, a[9].i), .y = blocked(a[0].i, a[6].i, a[7].i, a[10].i),
                  .kernel = a[3].i, .stride = a[4].i, .pad = a[5].i};
}

static Pool max_pool_of(const MmlValue *a) {
    Pool p = pool_of(a);
    p.relu = a[11].i != 0;
    return p;
}

typedef struct { i64 first, last; } Span;

/* The taps of window `window` that lie inside [0, size). */
INLINE Span taps_of(const Pool *p, i64 window, i64 size) {
    i64 start = window * p->stride - p->pad;
    return (Span){start < 0 ? -start : 0, start + p->kernel > size ? size - start : p->kernel};
}

/* The windows, of `windows`, that pixel `at` lies in. */
INLINE Span windows_of(const Pool *p, i64 at, i64 windows) {
    i64 behind = at + p->pad - p->kernel + 1, last = (at + p->pad) / p->stride + 1;
    return (Span){behind > 0 ? (behind + p->stride - 1) / p->stride : 0, last < windows ? last : windows};
}

INLINE Mask every_lane(i64 number) { return (Mask){0} + (i32)number; }

/* ---- Maximum. The first of equals by rows wins, not a number over all. index: the winner's tap; -1 where relu cuts it off. ---- */

INLINE void best_of_window(const Pool *p, const float *x, Span rows, Span columns, i64 top, i64 left, float *y, float *index) {
    Vector best = load(x + pixel_of(&p->x, top + rows.first, left + columns.first));
    Mask   best_tap = every_lane(rows.first * p->kernel + columns.first);
    for (i64 r = rows.first; r < rows.last; r++)
        for (i64 c = columns.first; c < columns.last; c++) {
            Vector value = load(x + pixel_of(&p->x, top + r, left + c));
            Mask better = (value > best) | (value != value);
            best = chosen(better, value, best);
            best_tap = (every_lane(r * p->kernel + c) & better) | (best_tap & ~better);
        }
    if (p->relu) {
        best_tap |= ~(best > ZERO);
        best = positive(best);
    }
    store(y, best);
    store(index, (Vector)best_tap);
}

static void max_planes(void *context, i64 begin, i64 end, int thread) {
    const Call *call = context;
    const Pool p = max_pool_of(call->a);
    for (i64 item = begin; item < end; item++) {
        const float *x = call->operand[0] + plane_at(&p.x, item);
        float *y = call->operand[1] + plane_at(&p.y, item), *index = call->operand[2] + plane_at(&p.y, item);
        for (i64 row = 0; row < p.y.height; row++) {
            Span rows = taps_of(&p, row, p.x.height);
            for (i64 column = 0; column < p.y.width; column++) {
                Span columns = taps_of(&p, column, p.x.width);
                i64 at = pixel_of(&p.y, row, column), top = row * p.stride - p.pad, left = column * p.stride - p.pad;
                if (p.kernel == 3 && rows.last - rows.first == 3 && columns.last - columns.first == 3)
                    best_of_window(&p, x, (Span){0, 3}, (Span){0, 3}, top, left, y + at, index + at);
                else
                    best_of_window(&p, x, rows, columns, top, left, y + at, index + at);
            }
        }
        clear_halo(&p.y, y);
    }
}

INLINE void max_gradient_plane(const Pool *p, const float *dy, const float *index, float *dx) {
    for (i64 row = 0; row < p->x.height; row++) {
        Span rows = windows_of(p, row, p->y.height);
        for (i64 column = 0; column < p->x.width; column++) {
            Span columns = windows_of(p, column, p->y.width);
            Vector sum = ZERO;
            for (i64 r = rows.first; r < rows.last; r++)
                for (i64 c = columns.first; c < columns.last; c++) {
                    i64 tap = (row + p->pad - r * p->stride) * p->kernel + column + p->pad - c * p->stride, at = pixel_of(&p->y, r, c);
                    sum += masked((Mask)load(index + at) == every_lane(tap), load(dy + at));
                }
            store(dx + pixel_of(&p->x, row, column), sum);
        }
    }
}

static void max_gradients(void *context, i64 begin, i64 end, int thread) {
    const Call *call = context;
    const Pool p = max_pool_of(call->a);
    Pool usual = p;                     /* with constants there are no divisions */
    usual.kernel = 3, usual.stride = 2, usual.pad = 1;
    bool is_usual = p.kernel == 3 && p.stride == 2 && p.pad == 1;
    for (i64 item = begin; item < end; item++) {
        const float *dy = call->operand[0] + plane_at(&p.y, item), *index = call->operand[1] + plane_at(&p.y, item);
        float *dx = call->operand[2] + plane_at(&p.x, item);
        if (is_usual) max_gradient_plane(&usual, dy, index, dx);
        else max_gradient_plane(&p, dy, index, dx);
        clear_halo(&p.x, dx);
    }
}

void MML_NAME(maxpool_blocked_forward)(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    Call call = {frame, attr, operand};
    Pool p = pool_of(attr);
    split(&call, frame->batch * p.x.blocks, p.x.plane, max_planes);
}

void MML_NAME(maxpool_blocked_backward)(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    Call call = {frame, attr, operand};
    Pool p = pool_of(attr);
    if (operand[2]) split(&call, frame->batch * p.x.blocks, p.x.plane, max_gradients);
}

/* ---- Mean. Pixels outside the image count as zeros. ---- */

static void mean_planes(void *context, i64 begin, i64 end, int thread) {
    const Call *call = context;
    const Pool p = pool_of(call->a);
    const float share = 1.0f / (float)(p.kernel * p.kernel);
    for (i64 item = begin; item < end; item++) {
        const float *x = call->operand[0] + plane_at(&p.x, item);
        float *y = call->operand[1] + plane_at(&p.y, item);
        for (i64 row = 0; row < p.y.height; row++)
            for (i64 column = 0; column < p.y.width; column++) {
                Span rows = taps_of(&p, row, p.x.height), columns = taps_of(&p, column, p.x.width);
                Vector sum = ZERO;
                for (i64 r = rows.first; r < rows.last; r++)
                    for (i64 c = columns.first; c < columns.last; c++)
                        sum += load(x + pixel_of(&p.x, row * p.stride - p.pad + r, column * p.stride - p.pad + c));
                store(y + pixel_of(&p.y, row, column), sum * share);
            }
        clear_halo(&p.y, y);
    }
}

static void mean_gradients(void *context, i64 begin, i64 end, int thread) {
    const Call *call = context;
    const Pool p = pool_of(call->a);
    const float share = 1.0f / (float)(p.kernel * p.kernel);
    for (i64 item = begin; item < end; item++) {
        const float *dy = call->operand[0] + plane_at(&p.y, item);
        float *dx = call->operand[1] + plane_at(&p.x, item);
        for (i64 row = 0; row < p.x.height; row++)
            for (i64 column = 0; column < p.x.width; column++) {
                Span rows = windows_of(&p, row, p.y.height), columns = windows_of(&p, column, p.y.width);
                Vector sum = ZERO;
                for (i64 r = rows.first; r < rows.last; r++)
                    for (i64 c = columns.first; c < columns.last; c++) sum += load(dy + pixel_of(&p.y, r, c));
                store(dx + pixel_of(&p.x, row, column), sum * share);
            }
        clear_halo(&p.x, dx);
    }
}

void MML_NAME(avgpool_blocked_forward)(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    Call call = {frame, attr, operand};
    Pool p = pool_of(attr);
    split(&call, frame->batch * p.x.blocks, p.x.plane, mean_planes);
}

void MML_NAME(avgpool_blocked_backward)(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    Call call = {frame, attr, operand};
    Pool p = pool_of(attr);
    if (operand[1]) split(&call, frame->batch * p.x.blocks, p.x.plane, mean_gradients);
}

/* ---- Mean of a whole plane, to and from plain [batch, channels] ---- */

static Blocked whole_of(const MmlValue *a) { return blocked(a[0].i, a[1].i, a[2].i, a[4].i); }

static void whole_planes(void *context, i64 begin, i64 end, int thread) {
    const Call *call = context;
    const Blocked b = whole_of(call->a);
    for (i64 item = begin; item < end; item++) {
        const float *x = call->operand[0] + plane_at(&b, item);
        float *y = call->operand[1] + item / b.blocks * b.channels + item % b.blocks * MML_BLOCK;
        double sums[MML_BLOCK] = {0};
        for (i64 row = 0; row < b.height; row++) {
            Vector sum = ZERO;
            for (i64 column = 0; column < b.width; column++) sum += load(x + pixel_of(&b, row, column));
            for (int lane = 0; lane < MML_BLOCK; lane++) sums[lane] += (double)sum[lane];
        }
        for (i64 lane = 0; lane < lanes_of(&b, item % b.blocks); lane++) y[lane] = (float)(sums[lane] / (double)(b.height * b.width));
    }
}

static void whole_gradients(void *context, i64 begin, i64 end, int thread) {
    const Call *call = context;
    const Blocked b = whole_of(call->a);
    for (i64 item = begin; item < end; item++) {
        const float *dy = call->operand[0] + item / b.blocks * b.channels + item % b.blocks * MML_BLOCK;
        float *dx = call->operand[1] + plane_at(&b, item);
        Vector gradient = ZERO;
        for (i64 lane = 0; lane < lanes_of(&b, item % b.blocks); lane++) gradient[lane] = dy[lane] / (float)(b.height * b.width);
        for (i64 row = 0; row < b.height; row++)
            for (i64 column = 0; column < b.width; column++) store(dx + pixel_of(&b, row, column), gradient);
        clear_halo(&b, dx);
    }
}

void MML_NAME(global_avgpool_blocked_forward)(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    Call call = {frame, attr, operand};
    Blocked b = whole_of(attr);
    split(&call, frame->batch * b.blocks, b.plane, whole_planes);
}

void MML_NAME(global_avgpool_blocked_backward)(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    Call call = {frame, attr, operand};
    Blocked b = whole_of(attr);
    if (operand[1]) split(&call, frame->batch * b.blocks, b.plane, whole_gradients);
}
