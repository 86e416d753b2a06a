#include <criterion/criterion.h>
#include <math.h>

#include "harness.h"

enum { CHANNELS, IN_HEIGHT, IN_WIDTH, WINDOW, STRIDE, PAD, OUT_HEIGHT, OUT_WIDTH };

static void sizes(const MmlValue *a, Sizes *s) {
    s->input[0] = a[CHANNELS].i * a[IN_HEIGHT].i * a[IN_WIDTH].i;
    s->output = s->saved[0] = a[CHANNELS].i * a[OUT_HEIGHT].i * a[OUT_WIDTH].i;
}

/* The greatest and the sum of one window's numbers inside the plane. */
typedef struct { double greatest, sum; } Window;

static Window window_at(const MmlValue *a, const double *plane, i64 row, i64 column) {
    Window w = {-INFINITY, 0};
    for (i64 i = 0; i < a[WINDOW].i; i++)
        for (i64 j = 0; j < a[WINDOW].i; j++) {
            i64 y = row * a[STRIDE].i - a[PAD].i + i, x = column * a[STRIDE].i - a[PAD].i + j;
            if (y < 0 || x < 0 || y >= a[IN_HEIGHT].i || x >= a[IN_WIDTH].i) continue;
            w.greatest = fmax(w.greatest, plane[y * a[IN_WIDTH].i + x]);
            w.sum += plane[y * a[IN_WIDTH].i + x];
        }
    return w;
}

static void pool(const Problem *p, const double *x, double *out, int greatest) {
    const MmlValue *a = p->a;
    for (i64 plane = 0; plane < p->batch * a[CHANNELS].i; plane++)
        for (i64 row = 0; row < a[OUT_HEIGHT].i; row++)
            for (i64 column = 0; column < a[OUT_WIDTH].i; column++) {
                Window w = window_at(a, x + plane * a[IN_HEIGHT].i * a[IN_WIDTH].i, row, column);
                *out++ = greatest ? w.greatest : w.sum / (double)(a[WINDOW].i * a[WINDOW].i);
            }
}

static void max_reference(const Problem *p, double *const *in, double *out) { pool(p, in[0], out, 1); }
static void mean_reference(const Problem *p, double *const *in, double *out) { pool(p, in[0], out, 0); }

static const Layer maxpool = {
    KERNEL_maxpool_forward, KERNEL_maxpool_backward, "0ys", "dsA", "x", 0, "c", sizes, max_reference, 0, 0, 0,
};
static const Layer avgpool = {
    KERNEL_avgpool_forward, KERNEL_avgpool_backward, "0y", "dA", "x", 0, "", sizes, mean_reference, 0, 0, 0,
};

typedef struct { i64 channels, height, width, window, stride, pad; } Shape;

static void check(Shape s, i64 batch, i64 capacity, int threads) {
    MmlValue a[] = {INT(s.channels), INT(s.height), INT(s.width), INT(s.window), INT(s.stride), INT(s.pad),
                    INT((s.height + 2 * s.pad - s.window) / s.stride + 1), INT((s.width + 2 * s.pad - s.window) / s.stride + 1)};
    check_layer(&maxpool, a, (Setting){.batch = batch, .capacity = capacity, .threads = threads});
    check_layer(&avgpool, a, (Setting){.batch = batch, .capacity = capacity, .threads = threads});
}

Test(pooling, takes_windows_side_by_side)                 { check((Shape){2, 6, 8, 2, 2, 0}, 3, 3, 1); }
Test(pooling, takes_overlapping_windows_with_a_border)    { check((Shape){3, 7, 9, 3, 2, 1}, 2, 2, 1); }
Test(pooling, leaves_out_a_rest_at_the_edge)              { check((Shape){2, 8, 5, 3, 3, 0}, 2, 2, 1); }
Test(pooling, steps_wider_than_its_windows)               { check((Shape){2, 9, 9, 2, 3, 1}, 2, 2, 1); }
Test(pooling, takes_one_window_for_all)                   { check((Shape){3, 4, 4, 4, 4, 0}, 2, 2, 1); }
Test(pooling, takes_windows_of_one_pixel)                 { check((Shape){2, 3, 4, 1, 1, 0}, 2, 2, 1); }
Test(pooling, works_on_one_sample)                        { check((Shape){2, 6, 6, 3, 2, 1}, 1, 1, 2); }
Test(pooling, leaves_what_lies_beyond_a_short_batch)      { check((Shape){2, 6, 6, 3, 1, 1}, 3, 5, 1); }
Test(pooling, splits_planes_over_two_threads)             { check((Shape){5, 28, 28, 3, 2, 1}, 9, 16, 2); }

/* As in other frameworks; after relu, ties at zero are common. */
Test(pooling, lets_the_first_of_equal_values_win) {
    MmlValue a[] = {INT(1), INT(3), INT(3), INT(3), INT(3), INT(0), INT(1), INT(1)};
    float x[] = {0, 0, 5, 1, 5, 0, 5, 2, 5}, y, dy = 1, dx[9];
    i32 index;
    TestFrame f;
    open_frame(&f, (Setting){.batch = 1, .capacity = 1, .threads = 1}, KERNEL_maxpool_forward, a);
    call_kernel(&f, KERNEL_maxpool_forward, a, (float *[]){x, &y, (float *)&index});
    call_kernel(&f, KERNEL_maxpool_backward, a, (float *[]){&dy, (float *)&index, dx});
    cr_assert_eq(index, 2);
    for (int i = 0; i < 9; i++) cr_assert_eq(dx[i], i == 2 ? 1.0f : 0.0f);
    close_frame(&f);
}

Test(pooling, lets_nan_through) {
    MmlValue a[] = {INT(1), INT(2), INT(2), INT(2), INT(2), INT(0), INT(1), INT(1)};
    TestFrame f;
    open_frame(&f, (Setting){.batch = 1, .capacity = 1, .threads = 1}, KERNEL_maxpool_forward, a);
    for (int at = 0; at < 4; at++) {
        float x[] = {1, 2, 3, 4}, y;
        i32 index;
        x[at] = NAN;
        call_kernel(&f, KERNEL_maxpool_forward, a, (float *[]){x, &y, (float *)&index});
        cr_assert(isnan(y), "NaN at %d is lost", at);
        cr_assert_eq(index, at);
    }
    close_frame(&f);
}

/* global_avgpool: channels spatial */
static void global_sizes(const MmlValue *a, Sizes *s) {
    s->input[0] = a[0].i * a[1].i;
    s->output = a[0].i;
}

static void global_reference(const Problem *p, double *const *in, double *out) {
    for (i64 plane = 0; plane < p->batch * p->a[0].i; plane++) {
        out[plane] = 0;
        for (i64 i = 0; i < p->a[1].i; i++) out[plane] += in[0][plane * p->a[1].i + i] / (double)p->a[1].i;
    }
}

static const Layer global_avgpool = {
    KERNEL_global_avgpool_forward, KERNEL_global_avgpool_backward, "0y", "dA", "x", 0, "", global_sizes, global_reference, 0, 0, 0,
};

/* mean_frames: size frames */
static void frames_sizes(const MmlValue *a, Sizes *s) {
    s->input[0] = a[0].i * a[1].i;
    s->output = a[0].i;
}

static void frames_reference(const Problem *p, double *const *in, double *out) {
    i64 size = p->a[0].i, frames = p->a[1].i;
    for (i64 i = 0; i < p->batch * size; i++) {
        out[i] = 0;
        for (i64 t = 0; t < frames; t++) out[i] += in[0][(i / size * frames + t) * size + i % size] / (double)frames;
    }
}

static const Layer mean_frames = {
    KERNEL_mean_frames_forward, KERNEL_mean_frames_backward, "0y", "dA", "x", 0, "", frames_sizes, frames_reference, 0, 0, 0,
};

Test(pooling, averages_the_frames_of_a_clip) {
    check_layer(&mean_frames, (MmlValue[]){INT(5), INT(3)}, (Setting){.batch = 2, .capacity = 3, .threads = 1});
    check_layer(&mean_frames, (MmlValue[]){INT(4), INT(1)}, (Setting){.batch = 2, .capacity = 2, .threads = 1});
    check_layer(&mean_frames, (MmlValue[]){INT(512), INT(10)}, (Setting){.batch = 15, .capacity = 16, .threads = 2});
}

Test(pooling, averages_whole_planes) {
    check_layer(&global_avgpool, (MmlValue[]){INT(3), INT(49)}, (Setting){.batch = 2, .capacity = 3, .threads = 1});
    check_layer(&global_avgpool, (MmlValue[]){INT(5), INT(1)}, (Setting){.batch = 1, .capacity = 1, .threads = 2});
    check_layer(&global_avgpool, (MmlValue[]){INT(64), INT(49)}, (Setting){.batch = 15, .capacity = 16, .threads = 2});
}
