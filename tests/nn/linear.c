#include <criterion/criterion.h>

#include "harness.h"

/* in out leading bias_scale. The rows of w may be longer than in: the rest
 * belongs to other modalities and its gradient stays as it is. */
static void sizes(const MmlValue *a, Sizes *s) {
    s->input[0] = a[0].i;
    s->input[1] = (a[1].i - 1) * a[2].i + a[0].i;
    s->input[2] = a[1].i;
    s->output = a[1].i;
}

static void reference(const Problem *p, double *const *in, double *out) {
    const MmlValue *a = p->a;
    for (i64 n = 0; n < p->batch; n++)
        for (i64 o = 0; o < a[1].i; o++) {
            double sum = a[3].r * in[2][o];
            for (i64 i = 0; i < a[0].i; i++) sum += in[0][n * a[0].i + i] * in[1][o * a[2].i + i];
            *out++ = sum;
        }
}

static const Layer linear = {
    KERNEL_linear_forward, KERNEL_linear_backward, "012y", "d01ABC", "xww", 0, "", sizes, reference, 0, 0, 0,
};

static void check(i64 in, i64 out, i64 leading, double bias_scale, i64 batch, i64 capacity, int threads) {
    MmlValue a[] = {INT(in), INT(out), INT(leading), REAL(bias_scale)};
    check_layer(&linear, a, (Setting){.batch = batch, .capacity = capacity, .threads = threads});
}

Test(linear, multiplies_by_the_transposed_weights)        { check(5, 3, 5, 1.0, 4, 4, 1); }
Test(linear, scales_the_bias)                             { check(7, 4, 7, 0.5, 3, 3, 1); }
Test(linear, takes_a_block_of_wider_weights)              { check(3, 4, 11, 0.5, 5, 5, 1); }
Test(linear, works_on_one_sample)                         { check(9, 5, 9, 1.0, 1, 1, 2); }
Test(linear, has_one_input_and_one_output)                { check(1, 1, 1, 1.0, 3, 3, 1); }
Test(linear, leaves_what_lies_beyond_a_short_batch)       { check(6, 5, 6, 1.0, 3, 7, 2); }
Test(linear, splits_over_two_threads)                     { check(97, 61, 130, 1.0, 41, 64, 2); }
Test(linear, splits_over_three_threads)                   { check(64, 10, 64, 1.0, 64, 64, 3); }

Test(linear, goes_without_a_bias) {
    MmlValue a[] = {INT(2), INT(1), INT(2), REAL(1.0)};
    float x[] = {1, 2, 3, 4}, w[] = {10, 100}, y[2];
    TestFrame f;
    open_frame(&f, (Setting){.batch = 2, .capacity = 2, .threads = 1}, KERNEL_linear_forward, a);
    call_kernel(&f, KERNEL_linear_forward, a, (float *[]){x, w, NULL, y});
    cr_assert_eq(y[0], 210.0f);
    cr_assert_eq(y[1], 430.0f);
    close_frame(&f);
}
