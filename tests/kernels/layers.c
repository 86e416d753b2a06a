/* Batch norm, pooling and reordering in the blocked layout against the plain
 * kernels, at random shapes, for every block that this CPU has. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mml/kernels.h"
#include "mml/nn.h"

#define INT(value)  {.i = (value)}
#define REAL(value) {.r = (value)}
#define CANARY 12345.0f
#define CANARIES 32

typedef struct { i64 channels, height, width, halo, block; } Layout;

typedef struct { MmlRandom random; i64 batch, block; MmlFrame frame; i64 training[1]; } Case;

static void open_case(Case *c, i64 block, u64 seed) {
    memset(c, 0, sizeof *c);
    c->random = mml_random(seed, MML_STREAM_RULE, 0, 0);
    c->batch = 1 + (i64)mml_random_below(&c->random, 5);
    c->block = block;
    MmlThreads *threads = NULL;
    cr_assert_eq(mml_threads_new(1 + (int)(seed % 3), &threads), MML_OK);
    c->frame = (MmlFrame){.threads = threads, .capacity = c->batch, .batch = c->batch, .training = c->training};
    c->training[0] = seed % 4 != 0;
}

static void close_case(Case *c) { mml_threads_free(c->frame.threads); }

static i64 below(Case *c, i64 limit) { return (i64)mml_random_below(&c->random, (u64)limit); }

static Layout layout(Case *c, i64 channels, i64 height, i64 width) {
    return (Layout){channels, height, width, below(c, 3), c->block};
}

/* ---- Buffers ---- */

static float *floats(i64 count, float value) {
    float *p = malloc((size_t)(count + CANARIES) * sizeof *p);
    for (i64 i = 0; i < count; i++) p[i] = value;
    for (i64 i = 0; i < CANARIES; i++) p[count + i] = CANARY;
    return p;
}

static void release(float *p, i64 count) {
    for (i64 i = 0; i < CANARIES; i++) cr_assert_eq(p[count + i], CANARY, "written beyond the end");
    free(p);
}

/* Few values, so that windows have ties. */
static float *drawn(Case *c, i64 count) {
    float *p = floats(count, 0);
    for (i64 i = 0; i < count; i++) p[i] = (float)(below(c, 41) - 20) / 16;
    return p;
}

static i64 plain_floats(const Layout *l)   { return l->channels * l->height * l->width; }
static i64 blocks_of(const Layout *l)      { return (l->channels + l->block - 1) / l->block; }
static i64 blocked_floats(const Layout *l) { return blocks_of(l) * (l->height + 2 * l->halo) * (l->width + 2 * l->halo) * l->block; }

static i64 place(const Layout *l, i64 n, i64 c, i64 y, i64 x) {
    return (((n * blocks_of(l) + c / l->block) * (l->height + 2 * l->halo) + y + l->halo) * (l->width + 2 * l->halo) + x + l->halo)
           * l->block + c % l->block;
}

static float *to_blocked(const Layout *l, i64 batch, const float *plain) {
    float *p = floats(batch * blocked_floats(l), 0);
    for (i64 n = 0; n < batch; n++)
        for (i64 c = 0; c < l->channels; c++)
            for (i64 y = 0; y < l->height; y++)
                for (i64 x = 0; x < l->width; x++) p[place(l, n, c, y, x)] = *plain++;
    return p;
}

static void compare(const char *what, const float *got, const float *want, i64 count, double bound) {
    double largest = 1;
    for (i64 i = 0; i < count; i++) largest = fmax(largest, fabs((double)want[i]));
    for (i64 i = 0; i < count; i++)
        cr_assert(fabs((double)got[i] - (double)want[i]) <= bound * largest, "%s[%lld] is %g, the plain kernel has %g", what, (long long)i,
                  (double)got[i], (double)want[i]);
}

/* Values and, exactly, the zeros around them. */
static void compare_blocked(const char *what, const Layout *l, i64 batch, const float *got, const float *plain, double bound) {
    float *want = to_blocked(l, batch, plain), *ones = floats(batch * plain_floats(l), 1);
    float *inside = to_blocked(l, batch, ones);
    compare(what, got, want, batch * blocked_floats(l), bound);
    for (i64 i = 0; i < batch * blocked_floats(l); i++)
        if (inside[i] == 0) cr_assert_eq(got[i], 0.0f, "%s[%lld] is %g where the layout wants 0", what, (long long)i, (double)got[i]);
    free(want);
    free(ones);
    free(inside);
}

/* ---- Reordering ---- */

static void check_reorder(Case *c) {
    Layout l = layout(c, 1 + below(c, 37), 1 + below(c, 9), 1 + below(c, 9));
    MmlValue a[] = {INT(l.channels), INT(l.height), INT(l.width), INT(l.block), INT(l.halo)};
    float *plain = drawn(c, c->batch * plain_floats(&l)), *back = floats(c->batch * plain_floats(&l), NAN);
    float *blocked = floats(c->batch * blocked_floats(&l), NAN);
    mml_reorder_in(&c->frame, a, (float *[]){plain, blocked});
    compare_blocked("reorder_in", &l, c->batch, blocked, plain, 0);
    mml_reorder_out(&c->frame, a, (float *[]){blocked, back});
    compare("reorder_out", back, plain, c->batch * plain_floats(&l), 0);
    release(plain, c->batch * plain_floats(&l));
    release(back, c->batch * plain_floats(&l));
    release(blocked, c->batch * blocked_floats(&l));
}

/* ---- Batch norm, with relu and a residual or without ---- */

enum { GAMMA, BETA, RUNNING_MEAN, RUNNING_VARIANCE, MEAN, INVERSE, GAMMA_GRADIENT, BETA_GRADIENT, FIXED };

static void check_batchnorm(Case *c) {
    i64 channels = 1 + below(c, 37), height = 1 + below(c, 9), width = 1 + below(c, 9), relu = below(c, 2), add = below(c, 2);
    Layout x = layout(c, channels, height, width), y = layout(c, channels, height, width), z = layout(c, channels, height, width);
    i64 count = c->batch * plain_floats(&x);
    MmlValue plain[] = {INT(channels), INT(height * width), REAL(0.1), REAL(1e-5), INT(0)};
    MmlValue a[] = {INT(channels), INT(height), INT(width), REAL(0.1), REAL(1e-5), INT(0), INT(c->block), INT(x.halo), INT(y.halo), INT(z.halo), INT(relu)};
    float *px = drawn(c, count), *pz = drawn(c, count), *pdy = drawn(c, count), *py = floats(count, NAN), *pdx = floats(count, NAN), *masked = floats(count, 0);
    float *want[FIXED], *got[FIXED];
    for (int i = 0; i < FIXED; i++) {
        want[i] = drawn(c, channels);
        if (i == RUNNING_VARIANCE) for (i64 k = 0; k < channels; k++) want[i][k] = 1 + fabsf(want[i][k]);
        got[i] = floats(channels, 0);
        memcpy(got[i], want[i], (size_t)channels * sizeof(float));
    }
    mml_batchnorm_forward(&c->frame, plain, (float *[]){px, want[GAMMA], want[BETA], want[RUNNING_MEAN], want[RUNNING_VARIANCE], py, want[MEAN], want[INVERSE]});
    if (add) mml_add(&c->frame, (MmlValue[]){INT(plain_floats(&x))}, (float *[]){py, pz, py});
    if (relu) mml_relu_forward(&c->frame, (MmlValue[]){INT(plain_floats(&x)), REAL(0), REAL(0)}, (float *[]){py, py});

    float *bx = to_blocked(&x, c->batch, px), *bz = to_blocked(&z, c->batch, pz), *by = floats(c->batch * blocked_floats(&y), NAN);
    mml_batchnorm_blocked_forward(&c->frame, a, (float *[]){bx, add ? bz : NULL, got[GAMMA], got[BETA], got[RUNNING_MEAN], got[RUNNING_VARIANCE],
                                                            by, got[MEAN], got[INVERSE]});
    compare_blocked("batchnorm_blocked y", &y, c->batch, by, py, 1e-5);

    /* what relu lets pass is decided by one y for both, since rounding may differ at 0 */
    float *ydecides = to_blocked(&y, c->batch, py);
    for (i64 i = 0; i < count; i++) masked[i] = relu && py[i] <= 0 ? 0 : pdy[i];
    mml_batchnorm_backward(&c->frame, plain, (float *[]){masked, px, want[GAMMA], want[MEAN], want[INVERSE], pdx, want[GAMMA_GRADIENT], want[BETA_GRADIENT]});
    float *bdy = to_blocked(&y, c->batch, pdy), *bdx = floats(c->batch * blocked_floats(&x), NAN), *bdz = floats(c->batch * blocked_floats(&z), NAN);
    mml_batchnorm_blocked_backward(&c->frame, a, (float *[]){bdy, bx, relu ? ydecides : NULL, got[GAMMA], got[MEAN], got[INVERSE], bdx, add ? bdz : NULL,
                                                             got[GAMMA_GRADIENT], got[BETA_GRADIENT]});
    compare_blocked("batchnorm_blocked dx", &x, c->batch, bdx, pdx, 1e-5);
    if (add) compare_blocked("batchnorm_blocked dz", &z, c->batch, bdz, masked, 0);
    static const char *const names[] = {"gamma", "beta", "running mean", "running variance", "mean", "inverse deviation", "Dgamma", "Dbeta"};
    for (int i = 0; i < FIXED; i++) compare(names[i], got[i], want[i], channels, 1e-5);
    release(by, c->batch * blocked_floats(&y));
    release(bdx, c->batch * blocked_floats(&x));
    release(bdz, c->batch * blocked_floats(&z));
    for (int i = 0; i < FIXED; i++) {
        release(got[i], channels);
        free(want[i]);
    }
    float *rest[] = {px, pz, pdy, py, pdx, masked, bx, bz, bdy, ydecides};
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++) free(rest[i]);
}

/* ---- Pooling ---- */

typedef void Kernel(MmlFrame *frame, const MmlValue *attr, float *const *operand);

static void check_pool(Case *c, int maximum) {
    i64 channels = 1 + below(c, 37), kernel = 1 + below(c, 4), height = kernel + below(c, 12), width = kernel + below(c, 12);
    i64 stride = 1 + below(c, 3), pad = below(c, kernel / 2 + 1), relu = maximum && below(c, 2);
    Layout x = layout(c, channels, height, width);
    Layout y = layout(c, channels, (height + 2 * pad - kernel) / stride + 1, (width + 2 * pad - kernel) / stride + 1);
    MmlValue a[] = {INT(channels), INT(height), INT(width), INT(kernel), INT(stride), INT(pad), INT(y.height), INT(y.width), INT(c->block), INT(x.halo), INT(y.halo), INT(relu)};
    i64 ins = c->batch * plain_floats(&x), outs = c->batch * plain_floats(&y), blocked_outs = c->batch * blocked_floats(&y);
    float *px = drawn(c, ins), *py = floats(outs, NAN), *pindex = floats(outs, NAN), *pdy = drawn(c, outs), *pdx = floats(ins, NAN), *masked = floats(outs, 0);
    char *scratch[4];
    for (int t = 0; t < 4; t++) scratch[t] = malloc((size_t)(2 * (width + 2 * pad)) * sizeof(float));
    c->frame.scratch = scratch;
    (maximum ? mml_maxpool_forward : mml_avgpool_forward)(&c->frame, a, (float *[]){px, py, pindex});
    if (relu) {
        mml_relu_forward(&c->frame, (MmlValue[]){INT(plain_floats(&y)), REAL(0), REAL(0)}, (float *[]){py, py});
        for (i64 i = 0; i < outs; i++) masked[i] = py[i] > 0 ? pdy[i] : 0;
    }
    if (maximum) mml_maxpool_backward(&c->frame, a, (float *[]){relu ? masked : pdy, pindex, pdx});
    else mml_avgpool_backward(&c->frame, a, (float *[]){pdy, pdx});

    float *bx = to_blocked(&x, c->batch, px), *by = floats(blocked_outs, NAN), *index = floats(blocked_outs, NAN);
    float *bdy = to_blocked(&y, c->batch, pdy), *bdx = floats(c->batch * blocked_floats(&x), NAN);
    (maximum ? mml_maxpool_blocked_forward : mml_avgpool_blocked_forward)(&c->frame, a, (float *[]){bx, by, index});
    if (maximum) mml_maxpool_blocked_backward(&c->frame, a, (float *[]){bdy, index, bdx});
    else mml_avgpool_blocked_backward(&c->frame, a, (float *[]){bdy, bdx});
    compare_blocked(maximum ? "maxpool_blocked y" : "avgpool_blocked y", &y, c->batch, by, py, maximum ? 0 : 1e-6);
    compare_blocked(maximum ? "maxpool_blocked dx" : "avgpool_blocked dx", &x, c->batch, bdx, pdx, 1e-6);
    release(by, blocked_outs);
    release(index, blocked_outs);
    release(bdx, c->batch * blocked_floats(&x));
    float *rest[] = {px, py, pindex, pdy, pdx, masked, bx, bdy};
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++) free(rest[i]);
    for (int t = 0; t < 4; t++) free(scratch[t]);
}

static void check_maxpool(Case *c) { check_pool(c, 1); }
static void check_avgpool(Case *c) { check_pool(c, 0); }

static void check_global_avgpool(Case *c) {
    Layout x = layout(c, 1 + below(c, 37), 1 + below(c, 9), 1 + below(c, 9));
    MmlValue plain[] = {INT(x.channels), INT(x.height * x.width)}, a[] = {INT(x.channels), INT(x.height), INT(x.width), INT(x.block), INT(x.halo)};
    i64 ins = c->batch * plain_floats(&x), outs = c->batch * x.channels;
    float *px = drawn(c, ins), *py = floats(outs, NAN), *dy = drawn(c, outs), *pdx = floats(ins, NAN), *y = floats(outs, NAN);
    mml_global_avgpool_forward(&c->frame, plain, (float *[]){px, py});
    mml_global_avgpool_backward(&c->frame, plain, (float *[]){dy, pdx});
    float *bx = to_blocked(&x, c->batch, px), *bdx = floats(c->batch * blocked_floats(&x), NAN);
    mml_global_avgpool_blocked_forward(&c->frame, a, (float *[]){bx, y});
    mml_global_avgpool_blocked_backward(&c->frame, a, (float *[]){dy, bdx});
    compare("global_avgpool_blocked y", y, py, outs, 1e-6);
    compare_blocked("global_avgpool_blocked dx", &x, c->batch, bdx, pdx, 1e-6);
    release(y, outs);
    release(bdx, c->batch * blocked_floats(&x));
    float *rest[] = {px, py, dy, pdx, bx};
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++) free(rest[i]);
}

/* ---- All of them ---- */

static void check_all(void (*check)(Case *c)) {
    for (i64 block = 4; block <= mml_block_of_cpu(); block *= 2)
        for (u64 seed = 1; seed <= 60; seed++) {
            Case c;
            open_case(&c, block, seed);
            check(&c);
            close_case(&c);
        }
}

Test(layers, reordering_is_right_both_ways)                         { check_all(check_reorder); }
Test(layers, batch_norm_relu_and_residual_match_the_plain_kernels)  { check_all(check_batchnorm); }
Test(layers, max_pooling_with_relu_or_without_matches_the_plain_kernels_ties_included)    { check_all(check_maxpool); }
Test(layers, mean_pooling_matches_the_plain_kernel)                 { check_all(check_avgpool); }
Test(layers, the_mean_of_a_plane_matches_the_plain_kernel)          { check_all(check_global_avgpool); }
