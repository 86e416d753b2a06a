/* batchnorm_blocked of abi.def: batch normalisation (Ioffe & Szegedy 2015) and
 * what follows it at once, a residual and relu. In parallel over the blocks of
 * channels; rows are summed in float, the sums of rows in double. */
#include <math.h>

#include "kernels/call.h"
#include "mml/nn.h"

typedef struct {
    Blocked x, y, z;
    double  momentum, eps;
    i64     group;
    bool    relu;
} Batchnorm;

static Batchnorm batchnorm_of(const MmlValue *a) {
    return (Batchnorm){
        .x = blocked(a[0].i, a[1].i, a[2].i, a[7].i), .y = blocked(a[0].i, a[1].i, a[2].i, a[8].i),
        .z = blocked(a[0].i, a[1].i, a[2].i, a[9].i), .momentum = a[3].r, .eps = a[4].r, .group = a[5].i, .relu = a[10].i != 0,
    };
}

/* Two sums of each channel of a block. */
typedef struct { double first[MML_BLOCK], second[MML_BLOCK]; } Sums;

static void add_to(Sums *sums, Vector first, Vector second) {
    for (int lane = 0; lane < MML_BLOCK; lane++) {
        sums->first[lane] += (double)first[lane];
        sums->second[lane] += (double)second[lane];
    }
}

/* ---- Forward ---- */

/* Of x - shift and of its square. Four chains of additions hide their latency. */
static void sum_deviations(const Batchnorm *n, i64 batch, const float *x, Vector shift, Sums *sums) {
    i64 width = n->x.width;
    for (i64 image = 0; image < batch; image++, x += n->x.image)
        for (i64 row = 0; row < n->x.height; row++) {
            const float *from = x + pixel_of(&n->x, row, 0);
            Vector first[4] = {ZERO, ZERO, ZERO, ZERO}, second[4] = {ZERO, ZERO, ZERO, ZERO};
            i64 i = 0;
            for (; i + 4 <= width; i += 4)
                for (int k = 0; k < 4; k++) {
                    Vector deviation = load(from + (i + k) * MML_BLOCK) - shift;
                    first[k] += deviation;
                    second[k] += deviation * deviation;
                }
            for (; i < width; i++) {
                Vector deviation = load(from + i * MML_BLOCK) - shift;
                first[0] += deviation;
                second[0] += deviation * deviation;
            }
            add_to(sums, (first[0] + first[1]) + (first[2] + first[3]), (second[0] + second[1]) + (second[2] + second[3]));
        }
}

static void keep_running(const Batchnorm *n, i64 count, double mean, double variance, float *kept_mean, float *kept_variance) {
    *kept_mean = (float)((1.0 - n->momentum) * (double)*kept_mean + n->momentum * mean);
    if (count < 2) return;      /* one value has no unbiased variance */
    double unbiased = variance * (double)count / (double)(count - 1);
    *kept_variance = (float)((1.0 - n->momentum) * (double)*kept_variance + n->momentum * unbiased);
}

/* Centre and inverse deviation of the block's channels, into operands 7 and 8. Deviations are taken from the
 * first pixel, so that one pass is exact enough for a channel far from zero. */
static void statistics(const Call *call, const Batchnorm *n, i64 block) {
    float *running_mean = call->operand[4] + block * MML_BLOCK, *running_variance = call->operand[5] + block * MML_BLOCK;
    float *mean = call->operand[7] + block * MML_BLOCK, *inverse_deviation = call->operand[8] + block * MML_BLOCK;
    const float *x = call->operand[0] + block * n->x.plane;
    bool training = call->frame->training[n->group] != 0;
    i64 count = call->frame->batch * n->x.height * n->x.width;
    Vector shift = load(x + pixel_of(&n->x, 0, 0));
    Sums sums = {{0}, {0}};
    if (training) sum_deviations(n, call->frame->batch, x, shift, &sums);
    for (i64 lane = 0; lane < lanes_of(&n->x, block); lane++) {
        double centre = (double)running_mean[lane], variance = (double)running_variance[lane];
        if (training) {
            double offset = sums.first[lane] / (double)count, square = sums.second[lane] / (double)count;
            centre = (double)shift[lane] + offset;
            variance = isnan(square) ? square : fmax(square - offset * offset, 0.0);
            keep_running(n, count, centre, variance, &running_mean[lane], &running_variance[lane]);
        }
        mean[lane] = (float)centre;
        inverse_deviation[lane] = (float)(1.0 / sqrt(variance + n->eps));
    }
}

/* Floats of the block's channels as a vector; padding is 0. */
static Vector lanes(const float *from, const Blocked *b, i64 block) {
    Vector v = ZERO;
    for (i64 lane = 0; lane < lanes_of(b, block); lane++) v[lane] = from[block * MML_BLOCK + lane];
    return v;
}

INLINE void forward_row(i64 width, const float *x, const float *z, float *y, Vector mean, Vector factor, Vector shift, bool relu) {
    for (i64 i = 0; i < width; i++) {
        Vector v = (load(x + i * MML_BLOCK) - mean) * factor + shift;
        if (z) v += load(z + i * MML_BLOCK);
        store(y + i * MML_BLOCK, relu ? positive(v) : v);
    }
}

static void forward_blocks(void *context, i64 begin, i64 end, int thread) {
    const Call *call = context;
    const Batchnorm n = batchnorm_of(call->a);
    for (i64 block = begin; block < end; block++) {
        statistics(call, &n, block);
        Vector mean = lanes(call->operand[7], &n.x, block), shift = lanes(call->operand[3], &n.x, block);
        Vector factor = lanes(call->operand[2], &n.x, block) * lanes(call->operand[8], &n.x, block);
        for (i64 image = 0; image < call->frame->batch; image++) {
            const float *x = call->operand[0] + image * n.x.image + block * n.x.plane;
            const float *z = call->operand[1] ? call->operand[1] + image * n.z.image + block * n.z.plane : NULL;
            float *y = call->operand[6] + image * n.y.image + block * n.y.plane;
            for (i64 row = 0; row < n.x.height; row++) {
                const float *from = x + pixel_of(&n.x, row, 0), *residual = z ? z + pixel_of(&n.z, row, 0) : NULL;
                float *to = y + pixel_of(&n.y, row, 0);
                if (n.relu) forward_row(n.x.width, from, residual, to, mean, factor, shift, true);
                else        forward_row(n.x.width, from, residual, to, mean, factor, shift, false);
            }
            clear_halo(&n.y, y);
        }
    }
}

void MML_NAME(batchnorm_blocked_forward)(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    Call call = {frame, attr, operand};
    Batchnorm n = batchnorm_of(attr);
    split(&call, n.x.blocks, frame->batch * n.x.plane, forward_blocks);
}

/* ---- Backward ---- */

/* dy where relu let it pass, kept in `kept` when that isn't NULL; its sum and that of its products with x - mean. */
INLINE void gradient_row(i64 width, const float *dy, const float *x, const float *y, float *kept, Vector mean, Sums *sums) {
    Vector first[2] = {ZERO, ZERO}, second[2] = {ZERO, ZERO};
    i64 i = 0;
    for (; i + 2 <= width; i += 2)
        for (int k = 0; k < 2; k++) {
            Vector g = load(dy + (i + k) * MML_BLOCK);
            if (y) g = masked(load(y + (i + k) * MML_BLOCK) > ZERO, g);
            if (kept) store(kept + (i + k) * MML_BLOCK, g);
            first[k] += g;
            second[k] += g * (load(x + (i + k) * MML_BLOCK) - mean);
        }
    if (i < width) {
        Vector g = load(dy + i * MML_BLOCK);
        if (y) g = masked(load(y + i * MML_BLOCK) > ZERO, g);
        if (kept) store(kept + i * MML_BLOCK, g);
        first[0] += g;
        second[0] += g * (load(x + i * MML_BLOCK) - mean);
    }
    add_to(sums, first[0] + first[1], second[0] + second[1]);
}

typedef struct { const Blocked *layout; float *floats; } Place;       /* of one block; floats NULL: nowhere */

static float *row_of(Place place, i64 image, i64 row) {
    return place.floats ? place.floats + image * place.layout->image + pixel_of(place.layout, row, 0) : NULL;
}

/* dx = gamma * inverse_deviation * (g - mean(g) - xhat * mean(g * xhat)), where the two means are 0 when the
 * statistics were constants. g waits in dz, or in dx where there is no residual. */
static void backward_blocks(void *context, i64 begin, i64 end, int thread) {
    const Call *call = context;
    const Batchnorm n = batchnorm_of(call->a);
    i64 batch = call->frame->batch, count = batch * n.x.height * n.x.width;
    bool constant = !call->frame->training[n.group];
    for (i64 block = begin; block < end; block++) {
        const float *gamma = call->operand[3] + block * MML_BLOCK, *inverse_deviation = call->operand[5] + block * MML_BLOCK;
        Place places[8] = {{&n.y, call->operand[0]}, {&n.x, call->operand[1]}, {&n.y, call->operand[2]}, {0}, {0}, {0},
                           {&n.x, call->operand[6]}, {&n.z, call->operand[7]}};
        for (int i = 0; i < 8; i++)
            if (places[i].floats) places[i].floats += block * places[i].layout->plane;
        Place dy = places[0], x = places[1], y = places[2], dx = places[6], dz = places[7];
        Place kept = dz.floats ? dz : n.relu ? dx : (Place){0};
        Vector mean = lanes(call->operand[4], &n.x, block), factor = ZERO, mean_gradient = ZERO, slope = ZERO;
        Sums sums = {{0}, {0}};
        for (i64 image = 0; image < batch; image++)
            for (i64 row = 0; row < n.x.height; row++)
                gradient_row(n.x.width, row_of(dy, image, row), row_of(x, image, row), n.relu ? row_of(y, image, row) : NULL,
                             row_of(kept, image, row), mean, &sums);
        for (i64 lane = 0; lane < lanes_of(&n.x, block); lane++) {
            double inverse = (double)inverse_deviation[lane];
            if (call->operand[8]) call->operand[8][block * MML_BLOCK + lane] += (float)(sums.second[lane] * inverse);
            if (call->operand[9]) call->operand[9][block * MML_BLOCK + lane] += (float)sums.first[lane];
            factor[lane] = gamma[lane] * inverse_deviation[lane];
            if (constant) continue;
            mean_gradient[lane] = (float)(sums.first[lane] / (double)count);
            slope[lane] = (float)(sums.second[lane] * inverse * inverse / (double)count);
        }
        for (i64 image = 0; image < batch; image++) {
            if (dz.floats) clear_halo(&n.z, dz.floats + image * n.z.image);
            if (!dx.floats) continue;
            for (i64 row = 0; row < n.x.height; row++) {
                const float *g = row_of(kept.floats ? kept : dy, image, row), *from = row_of(x, image, row);
                float *to = row_of(dx, image, row);
                for (i64 i = 0; i < n.x.width * MML_BLOCK; i += MML_BLOCK)
                    store(to + i, factor * (load(g + i) - mean_gradient - (load(from + i) - mean) * slope));
            }
            clear_halo(&n.x, dx.floats + image * n.x.image);
        }
    }
}

void MML_NAME(batchnorm_blocked_backward)(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    Call call = {frame, attr, operand};
    Batchnorm n = batchnorm_of(attr);
    split(&call, n.x.blocks, 2 * frame->batch * n.x.plane, backward_blocks);
}
