/* Arithmetic on one value a sample, and its reduction to one value. */
#include <math.h>

#include "kernel.h"

/* value, and its derivatives by a and b; y is the value. */
typedef struct { double value, by_a, by_b; } Result;

static Result add(double a, double b)      { return (Result){a + b, 1.0, 1.0}; }
static Result subtract(double a, double b) { return (Result){a - b, 1.0, -1.0}; }
static Result multiply(double a, double b) { return (Result){a * b, b, a}; }
static Result divide(double a, double b)   { return (Result){a / b, 1.0 / b, -a / (b * b)}; }
static Result negate(double a, double b)   { return (Result){-a, -1.0, 0.0}; }
static Result exponential(double a, double b) { return (Result){exp(a), exp(a), 0.0}; }
static Result logarithm(double a, double b)   { return (Result){log(a), 1.0 / a, 0.0}; }

/* In the order of abi.def. */
static const struct { Result (*apply)(double a, double b); int operands; } operations[] = {
    {add, 2}, {subtract, 2}, {multiply, 2}, {divide, 2}, {negate, 1}, {exponential, 1}, {logarithm, 1},
};

static Result apply_to(const MmlValue *attr, const float *a, const float *b, i64 i) {
    double left = (double)a[i * attr[1].i];
    double right = operations[attr[0].i].operands == 2 ? (double)b[i * attr[2].i] : 0.0;
    return operations[attr[0].i].apply(left, right);
}

void mml_samples_forward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    for (i64 i = 0; i < frame->batch; i++)
        operand[2][i] = (float)apply_to(attr, operand[0], operand[1], i).value;
}

void mml_samples_backward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    const float *dy = operand[0], *a = operand[1], *b = operand[2];
    float *da = operand[4], *db = operations[attr[0].i].operands == 2 ? operand[5] : NULL;
    double sum_a = 0.0, sum_b = 0.0;
    for (i64 i = 0; i < frame->batch; i++) {
        Result result = apply_to(attr, a, b, i);
        double gradient_a = (double)dy[i] * result.by_a, gradient_b = (double)dy[i] * result.by_b;
        if (da && attr[1].i) da[i] = (float)gradient_a;
        if (db && attr[2].i) db[i] = (float)gradient_b;
        sum_a += gradient_a;
        sum_b += gradient_b;
    }
    if (da && !attr[1].i) *da = (float)sum_a;
    if (db && !attr[2].i) *db = (float)sum_b;
}

static double sum_of(const MmlFrame *frame, const float *s) {
    double sum = 0.0;
    for (i64 i = 0; i < frame->batch; i++) sum += (double)s[i];
    return sum;
}

static void spread(const MmlFrame *frame, float gradient, float *ds) {
    if (!ds) return;
    for (i64 i = 0; i < frame->batch; i++) ds[i] = gradient;
}

void mml_sum_samples_forward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    *operand[1] = (float)sum_of(frame, operand[0]);
}

void mml_sum_samples_backward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    spread(frame, *operand[0], operand[1]);
}

void mml_mean_samples_forward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    *operand[1] = (float)(sum_of(frame, operand[0]) / (double)frame->batch);
}

void mml_mean_samples_backward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    spread(frame, *operand[0] / (float)frame->batch, operand[1]);
}
