#include <criterion/criterion.h>
#include <math.h>

#include "harness.h"

static void softmax(const double *z, i64 classes, double *p) {
    double sum = 0;
    for (i64 k = 0; k < classes; k++) sum += exp(z[k]);
    for (i64 k = 0; k < classes; k++) p[k] = exp(z[k]) / sum;
}

#define MOST_CLASSES 128

/* ---- ce: classes ---- */

static void ce_sizes(const MmlValue *a, Sizes *s) {
    s->input[0] = s->saved[0] = a[0].i;
    s->input[1] = s->output = 1;
}

static void ce_reference(const Problem *p, double *const *in, double *out) {
    double q[MOST_CLASSES];
    *out = 0;
    for (i64 n = 0; n < p->batch; n++) {
        softmax(in[0] + n * p->a[0].i, p->a[0].i, q);
        *out -= in[1][n] * log(q[p->labels[n]]) / (double)p->batch;
    }
}

static const Layer ce = {
    KERNEL_ce_forward, KERNEL_ce_backward, "01ys", "ds1A", "xc", 1, "c", ce_sizes, ce_reference, -3, 3, 0,
};

/* ---- mse: size; kl: classes ---- */

static void pair_sizes(const MmlValue *a, Sizes *s) {
    s->input[0] = s->input[1] = a[0].i;
    s->output = 1;
}

static void mse_reference(const Problem *p, double *const *in, double *out) {
    i64 count = p->batch * p->a[0].i;
    *out = 0;
    for (i64 i = 0; i < count; i++) *out += pow(in[0][i] - in[1][i], 2) / (double)count;
}

static void kl_reference(const Problem *p, double *const *in, double *out) {
    i64 classes = p->a[0].i;
    double q[MOST_CLASSES], r[MOST_CLASSES];
    *out = 0;
    for (i64 n = 0; n < p->batch; n++) {
        softmax(in[0] + n * classes, classes, q);
        softmax(in[1] + n * classes, classes, r);
        for (i64 k = 0; k < classes; k++) *out += q[k] * log(q[k] / r[k]) / (double)p->batch;
    }
}

static const Layer mse = {KERNEL_mse_forward, KERNEL_mse_backward, "01y", "d01AB", "xx", 1, "", pair_sizes, mse_reference, 0, 0, 0};
static const Layer kl = {KERNEL_kl_forward, KERNEL_kl_backward, "01y", "d01AB", "xx", 1, "", pair_sizes, kl_reference, -3, 3, 0};

/* ---- entropy, confidence, softmax: classes ---- */

static void entropy_sizes(const MmlValue *a, Sizes *s) {
    s->input[0] = a[0].i;
    s->output = 1;
}

static void entropy_reference(const Problem *p, double *const *in, double *out) {
    double q[MOST_CLASSES];
    *out = 0;
    for (i64 n = 0; n < p->batch; n++) {
        softmax(in[0] + n * p->a[0].i, p->a[0].i, q);
        for (i64 k = 0; k < p->a[0].i; k++) *out -= q[k] * log(q[k]) / (double)p->batch;
    }
}

static void confidence_reference(const Problem *p, double *const *in, double *out) {
    double q[MOST_CLASSES];
    for (i64 n = 0; n < p->batch; n++) {
        softmax(in[0] + n * p->a[0].i, p->a[0].i, q);
        out[n] = q[p->labels[n]];
    }
}

static const Layer entropy = {KERNEL_entropy_forward, KERNEL_entropy_backward, "0y", "d0A", "x", 1, "", entropy_sizes, entropy_reference, -3, 3, 0};
static const Layer confidence = {KERNEL_confidence_forward, KERNEL_confidence_backward, "0y", "d0A", "x", 0, "", entropy_sizes, confidence_reference, -3, 3, 0};

static void softmax_sizes(const MmlValue *a, Sizes *s) { s->input[0] = s->output = a[0].i; }

static void softmax_reference(const Problem *p, double *const *in, double *out) {
    for (i64 n = 0; n < p->batch; n++) softmax(in[0] + n * p->a[0].i, p->a[0].i, out + n * p->a[0].i);
}

static const Layer probabilities = {KERNEL_softmax_forward, KERNEL_softmax_backward, "0y", "dyA", "x", 0, "", softmax_sizes, softmax_reference, -3, 3, 0};

static void check(const Layer *layer) {
    static const struct { i64 size, batch, capacity; } shapes[] = {{2, 5, 5}, {10, 7, 64}, {101, 3, 3}, {3, 1, 1}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int threads = 1; threads <= 2; threads++)
            check_layer(layer, (MmlValue[]){INT(shapes[i].size)},
                        (Setting){.batch = shapes[i].batch, .capacity = shapes[i].capacity, .classes = shapes[i].size, .threads = threads});
}

Test(losses, weighted_cross_entropy_agrees_with_its_definition) { check(&ce); }
Test(losses, squared_error_agrees_with_its_definition)          { check(&mse); }
Test(losses, divergence_agrees_with_its_definition)             { check(&kl); }
Test(losses, entropy_agrees_with_its_definition)                { check(&entropy); }
Test(losses, confidence_agrees_with_its_definition)             { check(&confidence); }
Test(losses, softmax_agrees_with_its_definition)                { check(&probabilities); }

/* Two classes at z = (0, log 3): p = (1/4, 3/4). */
Test(losses, cross_entropy_goes_without_weights) {
    MmlValue a[] = {INT(2)};
    float z[] = {0, logf(3)}, loss, probability[2], one = 1, dz[2];
    TestFrame f;
    open_frame(&f, (Setting){.batch = 1, .capacity = 1, .classes = 1, .threads = 1}, KERNEL_ce_forward, a);
    call_kernel(&f, KERNEL_ce_forward, a, (float *[]){z, NULL, &loss, probability});
    call_kernel(&f, KERNEL_ce_backward, a, (float *[]){&one, probability, NULL, dz});
    cr_assert_float_eq(loss, log(4), 1e-6);
    cr_assert_float_eq(dz[0], -0.75, 1e-6);
    cr_assert_float_eq(dz[1], 0.75, 1e-6);
    close_frame(&f);
}

Test(losses, stay_finite_for_large_logits) {
    MmlValue a[] = {INT(3)};
    float z[] = {1e4f, -1e4f, 0}, other[] = {-1e4f, 1e4f, 0}, loss, probability[3];
    TestFrame f;
    open_frame(&f, (Setting){.batch = 1, .capacity = 1, .classes = 1, .threads = 1}, KERNEL_ce_forward, a);
    call_kernel(&f, KERNEL_ce_forward, a, (float *[]){z, NULL, &loss, probability});
    cr_assert_eq(loss, 0.0f);
    call_kernel(&f, KERNEL_ce_forward, a, (float *[]){other, NULL, &loss, probability});
    cr_assert_eq(loss, 2e4f);
    call_kernel(&f, KERNEL_entropy_forward, a, (float *[]){z, &loss});
    cr_assert_eq(loss, 0.0f);
    call_kernel(&f, KERNEL_kl_forward, a, (float *[]){z, other, &loss});
    cr_assert_eq(loss, 2e4f);
    call_kernel(&f, KERNEL_softmax_forward, a, (float *[]){z, probability});
    cr_assert_eq(probability[0], 1.0f);
    cr_assert_eq(probability[1], 0.0f);
    close_frame(&f);
}

/* ---- values of samples ---- */

/* operation a_stride b_stride */
static void samples_sizes(const MmlValue *a, Sizes *s) { s->input[0] = s->input[1] = s->output = 1; }

static double applied(i64 operation, double a, double b) {
    double results[] = {a + b, a - b, a * b, a / b, -a, exp(a), log(a)};
    return results[operation];
}

static void samples_reference(const Problem *p, double *const *in, double *out) {
    for (i64 n = 0; n < p->batch; n++) out[n] = applied(p->a[0].i, in[0][n * p->a[1].i], in[1][n * p->a[2].i]);
}

static void check_samples(i64 operation, int a_fixed, int b_fixed) {
    int binary = operation < 4;
    char roles[3] = {a_fixed ? 'f' : 'x', !binary ? 'k' : b_fixed ? 'f' : 'x', 0};
    Layer layer = {KERNEL_samples_forward, KERNEL_samples_backward, "01y", "d01yAB", roles, 0, "", samples_sizes, samples_reference, 0.3, 2, 0};
    MmlValue a[] = {INT(operation), INT(!a_fixed), INT(binary && !b_fixed)};
    check_layer(&layer, a, (Setting){.batch = 5, .capacity = 8, .threads = 2});
    check_layer(&layer, a, (Setting){.batch = 1, .capacity = 1, .threads = 1});
}

Test(samples, arithmetic_agrees_with_its_definition) {
    for (i64 operation = 0; operation < 7; operation++) check_samples(operation, 0, 0);
}

Test(samples, one_fixed_value_meets_all_samples_and_gets_the_sum_of_gradients) {
    for (i64 operation = 0; operation < 7; operation++) check_samples(operation, 1, 0);
    for (i64 operation = 0; operation < 4; operation++) check_samples(operation, 0, 1);
    for (i64 operation = 0; operation < 4; operation++) check_samples(operation, 1, 1);
}

static void reduce_sizes(const MmlValue *a, Sizes *s) { s->input[0] = s->output = 1; }

static void sum_reference(const Problem *p, double *const *in, double *out) {
    *out = 0;
    for (i64 n = 0; n < p->batch; n++) *out += in[0][n];
}

static void mean_reference(const Problem *p, double *const *in, double *out) {
    sum_reference(p, in, out);
    *out /= (double)p->batch;
}

static const Layer sum = {KERNEL_sum_samples_forward, KERNEL_sum_samples_backward, "0y", "dA", "x", 1, "", reduce_sizes, sum_reference, 0, 0, 0};
static const Layer mean = {KERNEL_mean_samples_forward, KERNEL_mean_samples_backward, "0y", "dA", "x", 1, "", reduce_sizes, mean_reference, 0, 0, 0};

Test(samples, sum_and_mean_reduce_the_batch) {
    MmlValue none[] = {INT(0)};
    check_layer(&sum, none, (Setting){.batch = 7, .capacity = 9, .threads = 2});
    check_layer(&mean, none, (Setting){.batch = 7, .capacity = 9, .threads = 2});
    check_layer(&mean, none, (Setting){.batch = 1, .capacity = 1, .threads = 1});
}
