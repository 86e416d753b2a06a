/* Sums, products, copies, concatenation and modulation of whole activations. */
#include <string.h>

#include "kernel.h"

static void add_elements(void *context, i64 begin, i64 end, int thread) {
    const Call *call = context;
    const float *a = call->operand[0], *b = call->operand[1];
    float *y = call->operand[2];
    for (i64 i = begin; i < end; i++) y[i] = a[i] + b[i];
}

static void accumulate_elements(void *context, i64 begin, i64 end, int thread) {
    const Call *call = context;
    const float *x = call->operand[0];
    float *y = call->operand[1];
    for (i64 i = begin; i < end; i++) y[i] += x[i];
}

static void zero_elements(void *context, i64 begin, i64 end, int thread) {
    const Call *call = context;
    memset(call->operand[0] + begin, 0, (size_t)(end - begin) * sizeof(float));
}

static void copy_elements(void *context, i64 begin, i64 end, int thread) {
    const Call *call = context;
    memmove(call->operand[1] + begin, call->operand[0] + begin, (size_t)(end - begin) * sizeof(float));
}

void mml_add(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    Call call = {frame, attr, operand};
    run_split(&call, frame->batch * attr[0].i, 1, add_elements);
}

/* Floats of an operand that is fixed or one a sample. */
static i64 floats_of(const MmlFrame *frame, const MmlValue *attr) {
    return attr[1].i ? attr[0].i : frame->batch * attr[0].i;
}

void mml_accumulate(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    Call call = {frame, attr, operand};
    run_split(&call, floats_of(frame, attr), 1, accumulate_elements);
}

void mml_zero(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    Call call = {frame, attr, operand};
    run_split(&call, floats_of(frame, attr), 1, zero_elements);
}

void mml_copy(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    Call call = {frame, attr, operand};
    run_split(&call, floats_of(frame, attr), 1, copy_elements);
}

static i64 joined_size(const MmlValue *attr) {
    i64 size = 0;
    for (i64 part = 0; part < attr[0].i; part++) size += attr[1 + part].i;
    return size;
}

static void join_samples(void *context, i64 begin, i64 end, int thread) {
    const Call *call = context;
    i64 size = joined_size(call->a);
    for (i64 i = begin; i < end; i++) {
        float *to = call->operand[0] + i * size;
        for (i64 part = 0; part < call->a[0].i; part++) {
            i64 part_size = call->a[1 + part].i;
            memcpy(to, call->operand[1 + part] + i * part_size, (size_t)part_size * sizeof *to);
            to += part_size;
        }
    }
}

void mml_concat_forward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    Call call = {frame, attr, operand};
    run_split(&call, frame->batch, joined_size(attr), join_samples);
}

static void part_samples(void *context, i64 begin, i64 end, int thread) {
    const Call *call = context;
    i64 size = joined_size(call->a);
    for (i64 i = begin; i < end; i++) {
        const float *from = call->operand[0] + i * size;
        for (i64 part = 0; part < call->a[0].i; part++) {
            i64 part_size = call->a[1 + part].i;
            float *to = call->operand[1 + part];
            if (to) memcpy(to + i * part_size, from, (size_t)part_size * sizeof *to);
            from += part_size;
        }
    }
}

void mml_concat_backward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    Call call = {frame, attr, operand};
    run_split(&call, frame->batch, joined_size(attr), part_samples);
}

static void multiply_elements(void *context, i64 begin, i64 end, int thread) {
    const Call *call = context;
    const float *a = call->operand[0], *b = call->operand[1];
    float *y = call->operand[2];
    for (i64 i = begin; i < end; i++) y[i] = a[i] * b[i];
}

static void multiply_gradients(void *context, i64 begin, i64 end, int thread) {
    const Call *call = context;
    const float *dy = call->operand[0], *a = call->operand[1], *b = call->operand[2];
    float *da = call->operand[3], *db = call->operand[4];
    for (i64 i = begin; da && i < end; i++) da[i] = dy[i] * b[i];
    for (i64 i = begin; db && i < end; i++) db[i] = dy[i] * a[i];
}

void mml_multiply_forward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    Call call = {frame, attr, operand};
    run_split(&call, frame->batch * attr[0].i, 1, multiply_elements);
}

void mml_multiply_backward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    Call call = {frame, attr, operand};
    run_split(&call, frame->batch * attr[0].i, 1, multiply_gradients);
}

/* Feature-wise linear modulation (Perez et al., AAAI 2018). */
static void modulate_samples(void *context, i64 begin, i64 end, int thread) {
    const Call *call = context;
    i64 size = call->a[0].i;
    for (i64 n = begin; n < end; n++) {
        const float *gamma = call->operand[0] + 2 * n * size, *beta = gamma + size, *x = call->operand[1] + n * size;
        float *y = call->operand[2] + n * size;
        for (i64 i = 0; i < size; i++) y[i] = gamma[i] * x[i] + beta[i];
    }
}

static void modulate_gradients(void *context, i64 begin, i64 end, int thread) {
    const Call *call = context;
    i64 size = call->a[0].i;
    float *dc = call->operand[3], *dx = call->operand[4];
    for (i64 n = begin; n < end; n++) {
        const float *dy = call->operand[0] + n * size, *gamma = call->operand[1] + 2 * n * size, *x = call->operand[2] + n * size;
        for (i64 i = 0; dc && i < size; i++) {
            dc[2 * n * size + i]        = dy[i] * x[i];
            dc[2 * n * size + size + i] = dy[i];
        }
        for (i64 i = 0; dx && i < size; i++) dx[n * size + i] = dy[i] * gamma[i];
    }
}

void mml_film_forward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    Call call = {frame, attr, operand};
    run_split(&call, frame->batch, attr[0].i, modulate_samples);
}

void mml_film_backward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    Call call = {frame, attr, operand};
    run_split(&call, frame->batch, attr[0].i, modulate_gradients);
}
