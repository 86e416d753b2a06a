/* Convolution by columns and sgemm, over the samples in parallel. */
#include <cblas.h>
#include <string.h>

#include "columns.h"
#include "kernel.h"

/* A thread's scratch, in the order of MML_CONV_COLUMNS, then the partial sums. */
typedef struct { float *columns, *border, *outputs, *weights, *bias; } Scratch;

static Scratch scratch_of(const Conv *c, const MmlFrame *frame, int thread) {
    Scratch s = {.columns = (float *)frame->scratch[thread]};
    s.border = s.columns + c->depth * c->out_plane * c->images;
    s.outputs = s.border + c->group_in * c->padded_plane;
    s.weights = s.outputs + c->group_out * c->out_plane * c->images;
    s.bias = s.weights + c->out_channels * c->depth;
    return s;
}

static void start_with_bias(const Conv *c, float *y, const float *bias, i64 width) {
    for (i64 o = 0; o < c->group_out; o++) {
        float value = bias ? bias[o] : 0.0f;
        for (i64 i = 0; i < width; i++) y[o * width + i] = value;
    }
}

/* Between [image, channel, pixel] and [channel, image, pixel]. */
static void outputs_to_images(const Conv *c, const float *outputs, i64 count, float *y) {
    for (i64 image = 0; image < count; image++)
        for (i64 o = 0; o < c->group_out; o++)
            memcpy(y + (image * c->out_channels + o) * c->out_plane,
                   outputs + (o * count + image) * c->out_plane, (size_t)c->out_plane * sizeof *y);
}

static void outputs_from_images(const Conv *c, const float *y, i64 count, float *outputs) {
    for (i64 image = 0; image < count; image++)
        for (i64 o = 0; o < c->group_out; o++)
            memcpy(outputs + (o * count + image) * c->out_plane,
                   y + (image * c->out_channels + o) * c->out_plane, (size_t)c->out_plane * sizeof *y);
}

static const float *columns_of(const Conv *c, const float *x, i64 count, const Scratch *s) {
    if (c->pointwise && c->images == 1) return x;
    mml_columns_from_images(c, x, count, s->columns, s->border);
    return s->columns;
}

static void forward_group(const Conv *c, const float *x, const float *w, const float *b, float *y, i64 count,
                          const Scratch *s) {
    const float *columns = columns_of(c, x, count, s);
    float *outputs = c->images == 1 ? y : s->outputs;
    i64 width = count * c->out_plane;
    start_with_bias(c, outputs, b, width);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)c->group_out, (int)width, (int)c->depth,
                1.0f, w, (int)c->depth, columns, (int)width, 1.0f, outputs, (int)width);
    if (outputs != y) outputs_to_images(c, outputs, count, y);
}

static void forward_samples(void *context, i64 begin, i64 end, int thread) {
    const Call *call = context;
    const Conv c = mml_conv_from(call->a);
    const Scratch s = scratch_of(&c, call->frame, thread);
    const float *x = call->operand[0], *w = call->operand[1], *b = call->operand[2];
    float *y = call->operand[3];
    for (i64 first = begin; first < end; first += c.images) {
        i64 count = end - first < c.images ? end - first : c.images;
        for (i64 group = 0; group < c.groups; group++)
            forward_group(&c, x + (first * c.in_channels + group * c.group_in) * c.in_plane,
                          w + group * c.group_out * c.depth, b ? b + group * c.group_out : NULL,
                          y + (first * c.out_channels + group * c.group_out) * c.out_plane, count, &s);
    }
}

void mml_conv_forward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    Call call = {frame, attr, operand};
    Conv c = mml_conv_from(attr);
    run_split(&call, frame->batch, c.out_channels * c.out_plane * c.depth / 8, forward_samples);
}

static void add_row_sums(const float *rows, i64 count, i64 width, float *sums) {
    for (i64 row = 0; row < count; row++) {
        float lanes[8] = {0}, sum = 0.0f;
        const float *values = rows + row * width;
        i64 i = 0;
        for (; i + 8 <= width; i += 8)
            for (int lane = 0; lane < 8; lane++) lanes[lane] += values[i + lane];
        for (; i < width; i++) sum += values[i];
        for (int lane = 0; lane < 8; lane++) sum += lanes[lane];
        sums[row] += sum;
    }
}

static void backward_group(const Conv *c, const float *dy, const float *x, const float *w, i64 group,
                           float *dx, bool need_weights, bool need_bias, i64 count, const Scratch *s) {
    i64 width = count * c->out_plane;
    const float *outputs = dy;
    if (c->images > 1) {
        outputs_from_images(c, dy, count, s->outputs);
        outputs = s->outputs;
    }
    if (need_bias) add_row_sums(outputs, c->group_out, width, s->bias + group * c->group_out);
    if (dx) {
        bool direct = c->pointwise && c->images == 1;
        float *columns = direct ? dx : s->columns;
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)c->depth, (int)width, (int)c->group_out,
                    1.0f, w, (int)c->depth, outputs, (int)width, 0.0f, columns, (int)width);
        if (!direct) mml_images_from_columns(c, columns, count, dx, s->border);
    }
    if (need_weights) {
        const float *columns = columns_of(c, x, count, s);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)c->group_out, (int)c->depth, (int)width,
                    1.0f, outputs, (int)width, columns, (int)width, 1.0f,
                    s->weights + group * c->group_out * c->depth, (int)c->depth);
    }
}

static void backward_samples(void *context, i64 begin, i64 end, int thread) {
    const Call *call = context;
    const Conv c = mml_conv_from(call->a);
    const Scratch s = scratch_of(&c, call->frame, thread);
    const float *dy = call->operand[0], *x = call->operand[1], *w = call->operand[2];
    float *dx = call->operand[3];
    bool need_weights = call->operand[4] != NULL, need_bias = call->operand[5] != NULL;
    memset(s.weights, 0, (size_t)(c.out_channels * c.depth + c.out_channels) * sizeof(float));
    for (i64 first = begin; first < end; first += c.images) {
        i64 count = end - first < c.images ? end - first : c.images;
        for (i64 group = 0; group < c.groups; group++) {
            i64 in = (first * c.in_channels + group * c.group_in) * c.in_plane;
            i64 out = (first * c.out_channels + group * c.group_out) * c.out_plane;
            backward_group(&c, dy + out, x + in, w + group * c.group_out * c.depth, group,
                           dx ? dx + in : NULL, need_weights, need_bias, count, &s);
        }
    }
}

void mml_conv_backward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    Call call = {frame, attr, operand};
    Conv c = mml_conv_from(attr);
    int parts = run_split(&call, frame->batch, c.out_channels * c.out_plane * c.depth / 8, backward_samples);
    float *weights = operand[4], *bias = operand[5];
    for (int part = 0; part < parts; part++) {
        Scratch s = scratch_of(&c, frame, part);
        if (weights)
            for (i64 i = 0; i < c.out_channels * c.depth; i++) weights[i] += s.weights[i];
        if (bias)
            for (i64 i = 0; i < c.out_channels; i++) bias[i] += s.bias[i];
    }
}
