#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <math.h>

#include "harness.h"

/* size p0 p1 */
static void sizes(const MmlValue *a, Sizes *s) { s->input[0] = s->output = a[0].i; }

static double relu(double x, double p, double q)       { return x > 0 ? x : 0; }
static double leaky_relu(double x, double p, double q) { return x > 0 ? x : p * x; }
static double gelu(double x, double p, double q)       { return x * 0.5 * erfc(-x / sqrt(2.0)); }
static double hyperbolic(double x, double p, double q) { return (exp(2 * x) - 1) / (exp(2 * x) + 1); }
static double sigmoid(double x, double p, double q)    { return 0.5 + 0.5 * tanh(x / 2); }
static double softplus(double x, double p, double q)   { return log(1 + exp(x)); }
static double scale(double x, double p, double q)      { return p * x; }
static double smoothed_relu(double x, double p, double q) {
    if (x <= 0) return 0;
    return x <= p ? pow(x, q) / (q * pow(p, q - 1)) : x - (1 - 1 / q) * p;
}

#define REFERENCE(name, function)                                                            \
    static void name##_reference(const Problem *problem, double *const *in, double *out) {   \
        for (i64 i = 0; i < problem->batch * problem->a[0].i; i++)                           \
            out[i] = function(in[0][i], problem->a[1].r, problem->a[2].r);                   \
    }
#define ACTIVATIONS(ROW)                                                                                   \
    ROW(relu, relu) ROW(leaky_relu, leaky_relu) ROW(gelu, gelu) ROW(tanh, hyperbolic) ROW(sigmoid, sigmoid) \
    ROW(softplus, softplus) ROW(smoothed_relu, smoothed_relu) ROW(scale, scale)
ACTIVATIONS(REFERENCE)

static void check(const Layer *layer, double p, double q) {
    check_layer(layer, (MmlValue[]){INT(7), REAL(p), REAL(q)}, (Setting){.batch = 6, .capacity = 8, .threads = 1});
    check_layer(layer, (MmlValue[]){INT(7), REAL(p), REAL(q)}, (Setting){.batch = 1, .capacity = 1, .threads = 2});
    check_layer(layer, (MmlValue[]){INT(777), REAL(p), REAL(q)}, (Setting){.batch = 31, .capacity = 32, .threads = 2});
}

#define LAYER(name) (Layer){KERNEL_##name##_forward, KERNEL_##name##_backward, "0y", "d0yA", "x", 0, "", sizes, name##_reference, -4, 4, 1}

Test(activations, relu_agrees_with_its_definition)          { check(&LAYER(relu), 0, 0); }
Test(activations, leaky_relu_agrees_with_its_definition)    { check(&LAYER(leaky_relu), 0.1, 0); }
Test(activations, gelu_agrees_with_its_definition)          { check(&LAYER(gelu), 0, 0); }
Test(activations, tanh_agrees_with_its_definition)          { check(&LAYER(tanh), 0, 0); }
Test(activations, sigmoid_agrees_with_its_definition)       { check(&LAYER(sigmoid), 0, 0); }
Test(activations, softplus_agrees_with_its_definition)      { check(&LAYER(softplus), 0, 0); }
Test(activations, smoothed_relu_agrees_with_its_definition) { check(&LAYER(smoothed_relu), 1.5, 3); }
Test(activations, smoothed_relu_takes_other_exponents)      { check(&LAYER(smoothed_relu), 0.7, 4.5); }
Test(activations, smoothed_relu_of_exponent_1_is_relu)      { check(&LAYER(smoothed_relu), 1.0, 1); }
Test(activations, scale_multiplies)                         { check(&LAYER(scale), -2.5, 0); }

static float value_of(int kernel, float x) {
    MmlValue a[] = {INT(1), REAL(0.5), REAL(3)};
    float y;
    TestFrame f;
    open_frame(&f, (Setting){.batch = 1, .capacity = 1, .threads = 1}, kernel, a);
    call_kernel(&f, kernel, a, (float *[]){&x, &y});
    close_frame(&f);
    return y;
}

Test(activations, saturate_without_overflow) {
    cr_assert_eq(value_of(KERNEL_sigmoid_forward, -1000.0f), 0.0f);
    cr_assert_eq(value_of(KERNEL_sigmoid_forward, 1000.0f), 1.0f);
    cr_assert_eq(value_of(KERNEL_softplus_forward, 1000.0f), 1000.0f);
    cr_assert_eq(value_of(KERNEL_softplus_forward, -1000.0f), 0.0f);
    cr_assert_eq(value_of(KERNEL_tanh_forward, 1000.0f), 1.0f);
    cr_assert_eq(value_of(KERNEL_gelu_forward, -1000.0f), 0.0f);
}

/* So that a run that diverges says so instead of hiding it behind a zero. */
Test(activations, let_nan_through) {
#define LETS_NAN_THROUGH(name, function) cr_assert(isnan(value_of(KERNEL_##name##_forward, NAN)), #name);
    ACTIVATIONS(LETS_NAN_THROUGH)
}
