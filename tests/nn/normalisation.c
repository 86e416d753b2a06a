/* Batch norm, layer norm and L2 normalisation. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "harness.h"

/* ---- batchnorm: channels spatial momentum eps group ---- */

static void batchnorm_sizes(const MmlValue *a, Sizes *s) {
    s->input[0] = s->output = a[0].i * a[1].i;
    for (int n = 1; n < 5; n++) s->input[n] = a[0].i;
    s->saved[0] = s->saved[1] = a[0].i;
}

static void batchnorm_reference(const Problem *p, double *const *in, double *out) {
    i64 channels = p->a[0].i, spatial = p->a[1].i, count = p->batch * spatial;
    for (i64 c = 0; c < channels; c++) {
        double mean = in[3][c], variance = in[4][c];
        if (p->training) {
            mean = variance = 0;
            for (i64 i = 0; i < count; i++) mean += in[0][(i / spatial * channels + c) * spatial + i % spatial] / (double)count;
            for (i64 i = 0; i < count; i++)
                variance += pow(in[0][(i / spatial * channels + c) * spatial + i % spatial] - mean, 2) / (double)count;
        }
        for (i64 i = 0; i < count; i++) {
            i64 at = (i / spatial * channels + c) * spatial + i % spatial;
            out[at] = (in[0][at] - mean) / sqrt(variance + p->a[3].r) * in[1][c] + in[2][c];
        }
    }
}

static const Layer batchnorm = {
    KERNEL_batchnorm_forward, KERNEL_batchnorm_backward, "01234yst", "d01stABC", "xwwkk", 0, "kk",
    batchnorm_sizes, batchnorm_reference, 0, 0, 1,
};

static void check_batchnorm(i64 channels, i64 spatial, int training, i64 batch, i64 capacity, int threads) {
    MmlValue a[] = {INT(channels), INT(spatial), REAL(0.1), REAL(1e-5), INT(1)};
    check_layer(&batchnorm, a, (Setting){.batch = batch, .capacity = capacity, .threads = threads, .training = training});
}

Test(batchnorm, normalises_by_the_batch_while_training)       { check_batchnorm(3, 11, 1, 4, 4, 1); }
Test(batchnorm, normalises_by_running_statistics_else)        { check_batchnorm(3, 11, 0, 4, 4, 1); }
Test(batchnorm, takes_one_number_a_channel)                   { check_batchnorm(5, 1, 1, 7, 7, 1); }
Test(batchnorm, works_on_one_sample)                          { check_batchnorm(2, 9, 1, 1, 1, 2); }
Test(batchnorm, leaves_what_lies_beyond_a_short_batch)        { check_batchnorm(3, 10, 1, 3, 6, 2); }
Test(batchnorm, splits_channels_over_two_threads)             { check_batchnorm(7, 61, 1, 50, 64, 2); }
Test(batchnorm, splits_evaluation_over_three_threads)         { check_batchnorm(8, 49, 0, 64, 64, 3); }

/* Values 1 2 3 6: mean 3, biased variance 3.5, unbiased 14/3. */
Test(batchnorm, keeps_the_mean_and_the_unbiased_variance) {
    MmlValue a[] = {INT(1), INT(2), REAL(0.25), REAL(0.0), INT(0)};
    float x[] = {1, 2, 3, 6}, gamma = 1, beta = 0, mean = 10, variance = 2, y[4], saved_mean, saved_inverse;
    TestFrame f;
    open_frame(&f, (Setting){.batch = 2, .capacity = 2, .threads = 1, .training = 1}, KERNEL_batchnorm_forward, a);
    call_kernel(&f, KERNEL_batchnorm_forward, a, (float *[]){x, &gamma, &beta, &mean, &variance, y, &saved_mean, &saved_inverse});
    cr_assert_float_eq(mean, 0.75 * 10 + 0.25 * 3, 1e-6);
    cr_assert_float_eq(variance, 0.75 * 2 + 0.25 * 14 / 3, 1e-6);
    cr_assert_float_eq(saved_inverse, 1 / sqrt(3.5), 1e-6);
    close_frame(&f);
}

Test(batchnorm, leaves_running_statistics_alone_when_paused) {
    MmlValue a[] = {INT(1), INT(2), REAL(0.25), REAL(0.0), INT(0)};
    float x[] = {1, 2, 3, 6}, gamma = 1, beta = 0, mean = 10, variance = 4, y[4], saved_mean, saved_inverse;
    TestFrame f;
    open_frame(&f, (Setting){.batch = 2, .capacity = 2, .threads = 1, .training = 0}, KERNEL_batchnorm_forward, a);
    call_kernel(&f, KERNEL_batchnorm_forward, a, (float *[]){x, &gamma, &beta, &mean, &variance, y, &saved_mean, &saved_inverse});
    cr_assert_eq(mean, 10.0f);
    cr_assert_eq(variance, 4.0f);
    cr_assert_float_eq(y[3], -2.0, 1e-6);
    close_frame(&f);
}

Test(batchnorm, reads_the_mode_of_its_own_group) {
    MmlValue a[] = {INT(1), INT(1), REAL(0.5), REAL(0.0), INT(2)};
    float x[] = {1, 3}, gamma = 1, beta = 0, mean = 0, variance = 1, y[2], saved_mean, saved_inverse;
    TestFrame f;
    open_frame(&f, (Setting){.batch = 2, .capacity = 2, .threads = 1, .training = 0}, KERNEL_batchnorm_forward, a);
    f.training[2] = 1;
    call_kernel(&f, KERNEL_batchnorm_forward, a, (float *[]){x, &gamma, &beta, &mean, &variance, y, &saved_mean, &saved_inverse});
    cr_assert_eq(y[0], -1.0f);
    cr_assert_eq(y[1], 1.0f);
    close_frame(&f);
}

/* One value has no unbiased variance; the running one stays. */
Test(batchnorm, keeps_the_running_variance_when_there_is_one_value) {
    MmlValue a[] = {INT(1), INT(1), REAL(0.5), REAL(1e-5), INT(0)};
    float x = 4, gamma = 2, beta = 3, mean = 0, variance = 1, y, saved_mean, saved_inverse;
    TestFrame f;
    open_frame(&f, (Setting){.batch = 1, .capacity = 1, .threads = 1, .training = 1}, KERNEL_batchnorm_forward, a);
    call_kernel(&f, KERNEL_batchnorm_forward, a, (float *[]){&x, &gamma, &beta, &mean, &variance, &y, &saved_mean, &saved_inverse});
    cr_assert_eq(y, 3.0f);
    cr_assert_eq(mean, 2.0f);
    cr_assert_eq(variance, 1.0f);
    close_frame(&f);
}

/* Mean 1e5, deviation 1: squares in float would lose the variance altogether. */
Test(batchnorm, finds_the_variance_of_a_channel_far_from_zero) {
    enum { COUNT = 1000 };
    MmlValue a[] = {INT(1), INT(COUNT), REAL(0.1), REAL(0.0), INT(0)};
    static float x[COUNT], y[COUNT];
    for (int i = 0; i < COUNT; i++) x[i] = 100000.0f + (i % 2 ? 1.0f : -1.0f);
    float gamma = 1, beta = 0, mean = 0, variance = 1, saved_mean, saved_inverse;
    TestFrame f;
    open_frame(&f, (Setting){.batch = 1, .capacity = 1, .threads = 1, .training = 1}, KERNEL_batchnorm_forward, a);
    call_kernel(&f, KERNEL_batchnorm_forward, a, (float *[]){x, &gamma, &beta, &mean, &variance, y, &saved_mean, &saved_inverse});
    cr_assert_float_eq(saved_inverse, 1.0, 1e-6);
    cr_assert_float_eq(y[0], -1.0, 1e-6);
    close_frame(&f);
}

/* ---- layernorm: size eps ---- */

static void layernorm_sizes(const MmlValue *a, Sizes *s) {
    s->input[0] = s->input[1] = s->input[2] = s->output = a[0].i;
    s->saved[0] = s->saved[1] = 1;
}

static void layernorm_reference(const Problem *p, double *const *in, double *out) {
    i64 size = p->a[0].i;
    for (i64 n = 0; n < p->batch; n++) {
        const double *x = in[0] + n * size;
        double mean = 0, variance = 0;
        for (i64 i = 0; i < size; i++) mean += x[i] / (double)size;
        for (i64 i = 0; i < size; i++) variance += (x[i] - mean) * (x[i] - mean) / (double)size;
        for (i64 i = 0; i < size; i++) *out++ = (x[i] - mean) / sqrt(variance + p->a[1].r) * in[1][i] + in[2][i];
    }
}

static const Layer layernorm = {
    KERNEL_layernorm_forward, KERNEL_layernorm_backward, "012yst", "d01stABC", "xww", 0, "cc",
    layernorm_sizes, layernorm_reference, 0, 0, 1,
};

static void check_layernorm(i64 size, i64 batch, i64 capacity, int threads) {
    MmlValue a[] = {INT(size), REAL(1e-5)};
    check_layer(&layernorm, a, (Setting){.batch = batch, .capacity = capacity, .threads = threads});
}

Test(layernorm, normalises_each_sample)                   { check_layernorm(13, 4, 4, 1); }
Test(layernorm, works_on_one_sample)                      { check_layernorm(37, 1, 1, 2); }
Test(layernorm, leaves_what_lies_beyond_a_short_batch)    { check_layernorm(9, 3, 5, 1); }
Test(layernorm, splits_over_two_threads)                  { check_layernorm(513, 33, 64, 2); }

/* ---- normalize: size ---- */

static void normalize_sizes(const MmlValue *a, Sizes *s) {
    s->input[0] = s->output = a[0].i;
    s->saved[0] = 1;
}

static void normalize_reference(const Problem *p, double *const *in, double *out) {
    i64 size = p->a[0].i;
    for (i64 n = 0; n < p->batch; n++) {
        double square = 0;
        for (i64 i = 0; i < size; i++) square += in[0][n * size + i] * in[0][n * size + i];
        for (i64 i = 0; i < size; i++) *out++ = in[0][n * size + i] / sqrt(square);
    }
}

static const Layer normalize = {
    KERNEL_normalize_forward, KERNEL_normalize_backward, "0ys", "dysA", "x", 0, "c", normalize_sizes, normalize_reference, 0, 0, 1,
};

static void check_normalize(i64 size, i64 batch, i64 capacity, int threads) {
    MmlValue a[] = {INT(size)};
    check_layer(&normalize, a, (Setting){.batch = batch, .capacity = capacity, .threads = threads});
}

Test(normalize, gives_each_sample_length_one)             { check_normalize(11, 4, 5, 1); }
Test(normalize, splits_over_two_threads)                  { check_normalize(301, 60, 64, 2); }

Test(normalize, leaves_a_zero_sample_at_zero) {
    MmlValue a[] = {INT(3)};
    float x[3] = {0}, y[3] = {1, 1, 1}, norm, dy[3] = {0}, dx[3] = {1, 1, 1};
    TestFrame f;
    open_frame(&f, (Setting){.batch = 1, .capacity = 1, .threads = 1}, KERNEL_normalize_forward, a);
    call_kernel(&f, KERNEL_normalize_forward, a, (float *[]){x, y, &norm});
    call_kernel(&f, KERNEL_normalize_backward, a, (float *[]){dy, y, &norm, dx});
    for (int i = 0; i < 3; i++) cr_assert(y[i] == 0 && dx[i] == 0);
    close_frame(&f);
}
