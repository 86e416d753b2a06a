/* Elementwise layers. One row each: the value in terms of x, the gradient in
 * terms of g = dy, x and y; p and q are the first and second real attribute.
 *
 * smoothed_relu(beta, q) is the activation of the analysis behind the method:
 * 0 below 0, x^q / (q beta^(q-1)) up to beta, x - (1 - 1/q) beta above, so that
 * its derivative is (x / beta)^(q-1), then 1 (Huang et al., "Modality
 * competition", ICML 2022, after Allen-Zhu & Li 2020; the paper names beta and
 * q in section 3.1 and uses the factor 1 / beta^(q-1) in equation 7).
 *
 * Comparisons are written so that NaN goes through.
 */
#include <math.h>

#include "kernel.h"

static inline float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

/* log(1 + e^x) without overflow. */
static inline float softplus(float x) { return (x > 0.0f ? x : 0.0f) + log1pf(expf(-fabsf(x))); }

static inline float gelu(float x) { return 0.5f * x * (1.0f + erff(x * (float)M_SQRT1_2)); }

/* Phi(x) + x phi(x), with phi the standard normal density. */
static inline float gelu_derivative(float x) {
    const float density_at_zero = 0.39894228f;      /* 1 / sqrt(2 pi) */
    return 0.5f * (1.0f + erff(x * (float)M_SQRT1_2)) + x * density_at_zero * expf(-0.5f * x * x);
}

static inline float smoothed_relu(float x, float beta, float q) {
    if (x <= 0.0f) return 0.0f;
    if (x < beta) return beta / q * powf(x / beta, q);
    return x - (1.0f - 1.0f / q) * beta;
}

static inline float smoothed_relu_derivative(float x, float beta, float q) {
    if (x <= 0.0f) return 0.0f;
    return x < beta ? powf(x / beta, q - 1.0f) : 1.0f;
}

/* name, value, gradient */
#define ACTIVATIONS(ROW)                                                               \
    ROW(relu,          x < 0.0f ? 0.0f : x,     y > 0.0f ? g : 0.0f)                   \
    ROW(leaky_relu,    x < 0.0f ? p * x : x,    x > 0.0f ? g : p * g)                  \
    ROW(gelu,          gelu(x),                 g * gelu_derivative(x))                \
    ROW(tanh,          tanhf(x),                g * (1.0f - y * y))                    \
    ROW(sigmoid,       sigmoid(x),              g * y * (1.0f - y))                    \
    ROW(softplus,      softplus(x),             g * sigmoid(x))                        \
    ROW(smoothed_relu, smoothed_relu(x, p, q),  g * smoothed_relu_derivative(x, p, q)) \
    ROW(scale,         p * x,                   p * g)

#define DEFINE(name, value, gradient)                                                              \
    static void name##_values(void *context, i64 begin, i64 end, int thread) {                     \
        const Call *call = context;                                                                \
        const float p = (float)call->a[1].r, q = (float)call->a[2].r;                              \
        const float *from = call->operand[0];                                                      \
        float *to = call->operand[1];                                                              \
        (void)p, (void)q;                                                                          \
        for (i64 i = begin; i < end; i++) {                                                        \
            const float x = from[i];                                                               \
            to[i] = value;                                                                         \
        }                                                                                          \
    }                                                                                              \
    static void name##_gradients(void *context, i64 begin, i64 end, int thread) {                  \
        const Call *call = context;                                                                \
        const float p = (float)call->a[1].r, q = (float)call->a[2].r;                              \
        const float *dy = call->operand[0], *input = call->operand[1], *output = call->operand[2]; \
        float *to = call->operand[3];                                                              \
        (void)p, (void)q;                                                                          \
        for (i64 i = begin; i < end; i++) {                                                        \
            const float g = dy[i], x = input[i], y = output[i];                                    \
            (void)x, (void)y;                                                                      \
            to[i] = gradient;                                                                      \
        }                                                                                          \
    }                                                                                              \
    void mml_##name##_forward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {      \
        Call call = {frame, attr, operand};                                                        \
        run_split(&call, frame->batch * attr[0].i, 1, name##_values);                              \
    }                                                                                              \
    void mml_##name##_backward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {     \
        Call call = {frame, attr, operand};                                                        \
        if (operand[3]) run_split(&call, frame->batch * attr[0].i, 1, name##_gradients);           \
    }

ACTIVATIONS(DEFINE)
