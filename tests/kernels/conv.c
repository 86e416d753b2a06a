/* The blocked convolution kernels against the reference kernels (im2col and
 * sgemm), at random shapes, for every block that this CPU has. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mml/kernels.h"
#include "mml/nn.h"

typedef struct {
    i64 channels, height, width, out, kernel_height, kernel_width, stride, pad;
    i64 batch, in_halo, out_halo, algorithm, plain;
    int threads;
    bool bias, wants_dx;
} Shape;

typedef struct {
    Shape     s;
    i64       out_height, out_width, block;
    MmlValue  plain[12], blocked[19];
    MmlFrame  frame;
    char     *scratch[4];
} Case;

#define MML_KERNEL(name, floats) static inline i64 scratch_of_##name(const MmlValue *a) { (void)a; return (floats); }
#define MML_RULE(name, result, arguments)
#include "mml/abi.def"
#undef MML_KERNEL
#undef MML_RULE

static i64 packed_floats(const MmlValue *a) { return MML_CONV_BLOCKED_PACKED; }
static i64 largest(i64 a, i64 b) { return a > b ? a : b; }

/* A buffer with canaries behind it, filled with what a kernel must overwrite. */
#define CANARY 12345.0f
#define CANARIES 32
static float *floats(i64 count) {
    float *p = aligned_alloc(64, (size_t)((count + CANARIES) * 4 + 63) / 64 * 64);
    for (i64 i = 0; i < count; i++) p[i] = -777.0f;
    for (i64 i = 0; i < CANARIES; i++) p[count + i] = CANARY;
    return p;
}

static void release(float *p, i64 count, const char *what) {
    for (i64 i = 0; i < CANARIES; i++) cr_assert_eq(p[count + i], CANARY, "%s: written beyond its end", what);
    free(p);
}

static float *drawn(MmlRandom *random, i64 count) {
    float *p = floats(count);
    for (i64 i = 0; i < count; i++) p[i] = (float)(2 * mml_random_uniform(random) - 1);
    return p;
}

/* ---- Layouts ---- */

static i64 blocked_floats(i64 batch, i64 channels, i64 height, i64 width, i64 block, i64 halo) {
    return batch * ((channels + block - 1) / block) * (height + 2 * halo) * (width + 2 * halo) * block;
}

static i64 blocked_at(i64 n, i64 c, i64 y, i64 x, i64 channels, i64 height, i64 width, i64 block, i64 halo) {
    i64 blocks = (channels + block - 1) / block;
    return ((((n * blocks + c / block) * (height + 2 * halo) + y + halo) * (width + 2 * halo)) + x + halo) * block + c % block;
}

static float *to_blocked(const float *plain, i64 batch, i64 channels, i64 height, i64 width, i64 block, i64 halo) {
    i64 count = blocked_floats(batch, channels, height, width, block, halo);
    float *p = floats(count);
    memset(p, 0, (size_t)count * sizeof *p);
    for (i64 n = 0; n < batch; n++)
        for (i64 c = 0; c < channels; c++)
            for (i64 y = 0; y < height; y++)
                for (i64 x = 0; x < width; x++)
                    p[blocked_at(n, c, y, x, channels, height, width, block, halo)] = *plain++;
    return p;
}

static void compare(const char *what, const Shape *s, const float *got, const float *want, i64 count, double bound) {
    double top = 0, worst = 0;
    for (i64 i = 0; i < count; i++) {
        double difference = fabs((double)got[i] - want[i]);
        if (!(difference <= worst)) worst = difference;
        if (fabs((double)want[i]) > top) top = fabs((double)want[i]);
    }
    cr_assert(worst <= bound * (top > 1 ? top : 1),
              "%s of %ldx%ldx%ld to %ld, kernel %ldx%ld, stride %ld, pad %ld, batch %ld, halos %ld %ld, algorithm %ld: off by %g of %g",
              what, (long)s->channels, (long)s->height, (long)s->width, (long)s->out, (long)s->kernel_height, (long)s->kernel_width,
              (long)s->stride, (long)s->pad, (long)s->batch, (long)s->in_halo, (long)s->out_halo, (long)s->algorithm, worst, top);
}

/* Every float of a blocked result: the values, and zeros elsewhere. */
static void compare_blocked(const char *what, const Case *c, const float *got, const float *plain, i64 channels, i64 height,
                            i64 width, i64 halo, double bound) {
    float *want = to_blocked(plain, c->s.batch, channels, height, width, c->block, halo);
    i64 count = blocked_floats(c->s.batch, channels, height, width, c->block, halo);
    compare(what, &c->s, got, want, count, bound);
    i64 plane = (height + 2 * halo) * (width + 2 * halo), blocks = (channels + c->block - 1) / c->block;
    for (i64 i = 0; i < count; i++) {
        i64 lane = i % c->block, pixel = i / c->block % plane, block = i / c->block / plane % blocks;
        i64 y = pixel / (width + 2 * halo), x = pixel % (width + 2 * halo);
        bool inside = y >= halo && x >= halo && y < height + halo && x < width + halo && block * c->block + lane < channels;
        if (!inside) cr_assert_eq(got[i], 0.0f, "%s: %g where the layout wants 0", what, (double)got[i]);
    }
    free(want);
}

/* ---- One shape ---- */

static void open_case(Case *c, const Shape *s, i64 block) {
    memset(c, 0, sizeof *c);
    c->s = *s;
    c->block = block;
    c->out_height = (s->height + 2 * s->pad - s->kernel_height) / s->stride + 1;
    c->out_width = (s->width + 2 * s->pad - s->kernel_width) / s->stride + 1;
    i64 plain[] = {s->channels, s->height, s->width, s->out, s->kernel_height, s->kernel_width, s->stride, s->pad, 1, 1,
                   c->out_height, c->out_width};
    i64 blocked[] = {s->channels, s->height, s->width, s->out, s->kernel_height, s->kernel_width, s->stride, s->pad,
                     c->out_height, c->out_width, block, s->in_halo, s->out_halo, s->algorithm, s->plain};
    for (int i = 0; i < 12; i++) c->plain[i].i = plain[i];
    for (int i = 0; i < 15; i++) c->blocked[i].i = blocked[i];
    MmlThreads *threads = NULL;
    cr_assert_eq(mml_threads_new(s->threads, &threads), MML_OK);
    c->frame = (MmlFrame){.threads = threads, .scratch = c->scratch, .capacity = s->batch, .batch = s->batch};
}

static void set_scratch(Case *c, i64 count) {
    for (int t = 0; t < c->s.threads; t++) c->scratch[t] = (char *)floats(count);
}

static void drop_scratch(Case *c, i64 count) {
    for (int t = 0; t < c->s.threads; t++) release((float *)c->scratch[t], count, "scratch");
}

typedef struct { float *bx, *w, *b, *packed; const float *y; } Forward;       /* y: the reference's, plain */

/* What stands behind the convolution, by its epilogue: relu; batch norm in evaluation, a residual, relu. */
static void check_epilogues(Case *c, MmlRandom *random, const Forward *f, double bound) {
    const Shape *s = &c->s;
    i64 outs = s->batch * s->out * c->out_height * c->out_width, y_count = blocked_floats(s->batch, s->out, c->out_height, c->out_width, c->block, s->out_halo);
    float *by = floats(y_count), *want = floats(outs), *z = drawn(random, outs), *of[4];
    bool residual = mml_random_below(random, 2), relu = mml_random_below(random, 2);
    for (int i = 0; i < 4; i++) of[i] = drawn(random, s->out);
    for (i64 i = 0; i < s->out; i++) of[3][i] = 1 + fabsf(of[3][i]);
    float *bz = to_blocked(z, s->batch, s->out, c->out_height, c->out_width, c->block, s->out_halo);
    i64 need = scratch_of_conv_blocked_forward(c->blocked), training = 0;
    set_scratch(c, need);

    c->blocked[15].i = 1;
    mml_conv_blocked_forward(&c->frame, c->blocked, (float *[]){f->bx, f->w, f->b, by, f->packed});
    mml_relu_forward(&c->frame, (MmlValue[]){{.i = outs / s->batch}, {.r = 0}, {.r = 0}}, (float *[]){(float *)f->y, want});
    compare_blocked("relu of y", c, by, want, s->out, c->out_height, c->out_width, s->out_halo, bound);

    c->blocked[15].i = relu;
    c->blocked[18].r = 1e-5;
    c->frame.training = &training;
    float mean[64], inverse[64];
    mml_batchnorm_forward(&c->frame, (MmlValue[]){{.i = s->out}, {.i = c->out_height * c->out_width}, {.r = 0.1}, {.r = 1e-5}, {.i = 0}},
                          (float *[]){(float *)f->y, of[0], of[1], of[2], of[3], want, mean, inverse});
    for (i64 i = 0; i < outs; i++) {
        if (residual) want[i] += z[i];
        if (relu && want[i] < 0) want[i] = 0;
    }
    mml_conv_batchnorm_blocked_forward(&c->frame, c->blocked, (float *[]){f->bx, residual ? bz : NULL, f->w, f->b, of[0], of[1], of[2], of[3], by, f->packed});
    compare_blocked("batch norm of y", c, by, want, s->out, c->out_height, c->out_width, s->out_halo, bound);
    c->blocked[15].i = 0;
    drop_scratch(c, need);
    release(by, y_count, "y");
    for (int i = 0; i < 4; i++) release(of[i], s->out, "batch norm");
    free(want), free(z), free(bz);
}

static void check_shape(const Shape *shape, i64 block, u64 seed) {
    Case c;
    open_case(&c, shape, block);
    const Shape *s = &c.s;
    MmlRandom random = mml_random(seed, MML_STREAM_RULE, 0, 0);
    i64 in = s->batch * s->channels * s->height * s->width, outs = s->batch * s->out * c.out_height * c.out_width;
    i64 weights = s->out * s->channels * s->kernel_height * s->kernel_width;
    double bound = s->algorithm ? 2e-5 : 1e-5;
    float *x = drawn(&random, in), *w = drawn(&random, weights), *b = drawn(&random, s->out), *dy = drawn(&random, outs);
    float *y = floats(outs), *dx = floats(in), *dw = drawn(&random, weights), *db = drawn(&random, s->out);
    float *before_w = floats(weights), *start_w = floats(weights), *start_b = floats(s->out);
    memcpy(start_w, dw, (size_t)weights * sizeof *dw);
    memcpy(before_w, dw, (size_t)weights * sizeof *dw);
    memcpy(start_b, db, (size_t)s->out * sizeof *db);

    i64 need = largest(scratch_of_conv_forward(c.plain), scratch_of_conv_backward(c.plain));
    set_scratch(&c, need);
    mml_conv_forward(&c.frame, c.plain, (float *[]){x, w, s->bias ? b : NULL, y});
    mml_conv_backward(&c.frame, c.plain, (float *[]){dy, x, w, dx, dw, s->bias ? db : NULL});
    drop_scratch(&c, need);

    i64 packed_count = packed_floats(c.blocked);
    i64 y_count = blocked_floats(s->batch, s->out, c.out_height, c.out_width, block, s->out_halo);
    i64 x_count = s->plain ? in : blocked_floats(s->batch, s->channels, s->height, s->width, block, s->in_halo);
    float *bx = s->plain ? x : to_blocked(x, s->batch, s->channels, s->height, s->width, block, s->in_halo);
    float *bdy = to_blocked(dy, s->batch, s->out, c.out_height, c.out_width, block, s->out_halo);
    float *by = floats(y_count), *bdx = floats(x_count), *packed = floats(packed_count);

    need = scratch_of_conv_blocked_forward(c.blocked);
    set_scratch(&c, need);
    mml_conv_blocked_forward(&c.frame, c.blocked, (float *[]){bx, w, s->bias ? b : NULL, by, packed});
    drop_scratch(&c, need);
    compare_blocked("y", &c, by, y, s->out, c.out_height, c.out_width, s->out_halo, bound);
    if (s->out <= 64) check_epilogues(&c, &random, &(Forward){bx, w, s->bias ? b : NULL, packed, y}, bound);

    need = scratch_of_conv_blocked_backward(c.blocked);
    set_scratch(&c, need);
    mml_conv_blocked_backward(&c.frame, c.blocked,
                              (float *[]){bdy, bx, w, packed, s->wants_dx ? bdx : NULL, start_w, s->bias ? start_b : NULL});
    drop_scratch(&c, need);
    if (s->wants_dx) {
        if (s->plain) compare("dx", s, bdx, dx, in, bound);
        else compare_blocked("dx", &c, bdx, dx, s->channels, s->height, s->width, s->in_halo, bound);
    }
    if (s->wants_dx && !s->plain) {
        c.blocked[16].i = 1;
        set_scratch(&c, need);
        mml_conv_blocked_backward(&c.frame, c.blocked, (float *[]){bdy, bx, w, packed, bdx, NULL, NULL});
        drop_scratch(&c, need);
        for (i64 i = 0; i < in; i++)
            if (x[i] <= 0) dx[i] = 0;
        compare_blocked("dx through relu", &c, bdx, dx, s->channels, s->height, s->width, s->in_halo, bound);
    }
    compare("Dw", s, start_w, dw, weights, bound);
    compare("Db", s, start_b, db, s->out, bound);

    c.blocked[17].i = 1;
    for (i64 i = 0; i < weights; i++) dw[i] -= before_w[i], start_w[i] = NAN;
    set_scratch(&c, need);
    mml_conv_blocked_backward(&c.frame, c.blocked, (float *[]){bdy, bx, w, packed, NULL, start_w, NULL});
    drop_scratch(&c, need);
    compare("Dw alone", s, start_w, dw, weights, bound);

    if (!s->plain) release(bx, x_count, "x");
    release(bdy, y_count, "dy");
    release(by, y_count, "y");
    release(bdx, x_count, "dx");
    release(packed, packed_count, "packed");
    release(start_w, weights, "Dw");
    release(start_b, s->out, "Db");
    free(before_w), free(x), free(w), free(b), free(dy), free(y), free(dx), free(dw), free(db);
    mml_threads_free(c.frame.threads);
}

static void check_blocks(const Shape *s, u64 seed) {
    for (i64 block = 4; block <= mml_block_of_cpu(); block *= 2) check_shape(s, block, seed);
}

static i64 among(MmlRandom *random, i64 low, i64 high) { return low + (i64)mml_random_below(random, (u64)(high - low + 1)); }

/* A shape with some freedom; at least one output pixel. */
static Shape drawn_shape(MmlRandom *random) {
    static const i64 kernels[] = {1, 2, 3, 3, 3, 5, 7};
    Shape s = {.channels = among(random, 1, 37), .height = among(random, 1, 17), .width = among(random, 1, 17),
               .out = among(random, 1, 41), .stride = among(random, 1, 3), .batch = among(random, 1, 5),
               .bias = mml_random_below(random, 2), .wants_dx = mml_random_below(random, 4) > 0,
               .threads = (int)among(random, 1, 3)};
    s.kernel_height = kernels[mml_random_below(random, 7)];
    s.kernel_width = mml_random_below(random, 4) ? s.kernel_height : kernels[mml_random_below(random, 7)];
    s.pad = mml_random_below(random, 3) ? s.kernel_height / 2 : among(random, 0, s.kernel_height);
    while (s.height + 2 * s.pad < s.kernel_height) s.height++;
    while (s.width + 2 * s.pad < s.kernel_width) s.width++;
    s.in_halo = mml_random_below(random, 3) ? s.pad : among(random, 0, 4);
    s.out_halo = mml_random_below(random, 3) ? s.kernel_height / 2 : among(random, 0, 4);
    return s;
}

Test(conv_blocked, agrees_with_the_reference_at_random_shapes) {
    MmlRandom random = mml_random(11, MML_STREAM_RULE, 0, 0);
    for (u64 i = 0; i < 150; i++) {
        Shape s = drawn_shape(&random);
        check_blocks(&s, i);
    }
}

Test(conv_blocked, takes_plain_images_of_one_to_three_channels) {
    MmlRandom random = mml_random(12, MML_STREAM_RULE, 0, 0);
    for (u64 i = 0; i < 60; i++) {
        Shape s = drawn_shape(&random);
        s.plain = 1;
        s.channels = 1 + (i64)(i % 3);
        check_blocks(&s, i);
    }
}

Test(conv_blocked, takes_the_largest_stride) {
    Shape s = {.channels = 5, .height = 23, .width = 19, .out = 9, .kernel_height = 3, .kernel_width = 9, .stride = MML_CONV_BLOCKED_STRIDE,
               .pad = 1, .batch = 2, .in_halo = 1, .out_halo = 1, .threads = 2, .bias = true, .wants_dx = true};
    check_blocks(&s, 1);
}

/* 3 x 3 at stride 1, with and without the halos that Winograd needs. */
Test(conv_blocked, keeps_winograd_within_its_bound) {
    MmlRandom random = mml_random(13, MML_STREAM_RULE, 0, 0);
    for (u64 i = 0; i < 100; i++) {
        Shape s = drawn_shape(&random);
        s.kernel_height = s.kernel_width = 3;
        s.stride = 1;
        s.pad = i % 4 ? 1 : among(&random, 0, 2);
        s.height = largest(s.height, 3);
        s.width = largest(s.width, 3);
        s.in_halo = i % 8 ? largest(s.pad, 1) : 0;
        s.out_halo = i % 8 ? 2 : 0;
        s.algorithm = MML_CONV_WINOGRAD;
        s.wants_dx = true;
        check_blocks(&s, i);
    }
}

Test(conv_blocked, takes_the_channels_of_a_large_network_by_winograd) {
    Shape s = {.channels = 195, .height = 14, .width = 15, .out = 182, .kernel_height = 3, .kernel_width = 3, .stride = 1, .pad = 1,
               .batch = 14, .in_halo = 1, .out_halo = 1, .algorithm = MML_CONV_WINOGRAD, .threads = 2, .bias = true, .wants_dx = true};
    check_blocks(&s, 1);
    /* Weights few enough to be transformed at once, results more than are held at a time. */
    s.channels = 40;
    s.out = 150;
    s.batch = 5;
    check_blocks(&s, 2);
}

/* The rule that the compiler reads: in_channels, height, out_channels, kernel, stride, pad, plain. */
static i64 algorithm_of(i64 in, i64 size, i64 out, i64 kernel, i64 stride, i64 pad, i64 plain) {
    i64 out_size = (size + 2 * pad - kernel) / stride + 1;
    i64 values[] = {in, size, size, out, kernel, kernel, stride, pad, out_size, out_size, 8, pad, kernel / 2, 0, plain};
    MmlValue a[15];
    for (int i = 0; i < 15; i++) a[i].i = values[i];
    return MML_CONV_BLOCKED_ALGORITHM;
}

Test(conv_blocked, chooses_winograd_where_its_tiles_are_filled) {
    cr_assert_eq(algorithm_of(64, 56, 64, 3, 1, 1, 0), MML_CONV_WINOGRAD);
    cr_assert_eq(algorithm_of(512, 7, 512, 3, 1, 1, 0), MML_CONV_WINOGRAD);
    cr_assert_eq(algorithm_of(64, 2, 64, 3, 1, 1, 0), MML_CONV_DIRECT);
    cr_assert_eq(algorithm_of(64, 56, 128, 3, 2, 1, 0), MML_CONV_DIRECT);
    cr_assert_eq(algorithm_of(64, 56, 64, 1, 1, 0, 0), MML_CONV_DIRECT);
    cr_assert_eq(algorithm_of(3, 28, 32, 3, 1, 1, 1), MML_CONV_DIRECT);
    cr_assert_eq(algorithm_of(4, 28, 32, 3, 1, 1, 0), MML_CONV_DIRECT);
}
