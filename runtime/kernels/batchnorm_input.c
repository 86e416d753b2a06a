/* batchnorm_input of abi.def. With u = gamma xhat + beta inside the image and 0
 * around it, y = conv(u, w) and S[o, k] the sum of dy[o] over the pixels at
 * which tap k meets the image,
 *   Dbeta[c]  = sum of du[c]        = sum over o, k of w[o, c, k] S[o, k]
 *   dw[o, c, k] = gamma[c] G[o, c, k] + beta[c] S[o, k],  G: the same with xhat for u
 *   Dgamma[c] = sum of du[c] xhat[c] = sum over o, k of w[o, c, k] G[o, c, k]
 *             = (sum of w[o, c, k] dw[o, c, k] - beta[c] Dbeta[c]) / gamma[c],
 * and where gamma is too small to divide by, G is summed for that channel.
 */
#include <math.h>

#include "kernels/call.h"
#include "mml/nn.h"

/* Rounding of dw grows by 1 / gamma: up to 20 times is within what other orders of summation do. */
#define LEAST_GAMMA 0.05f

/* Output pixels, of `count`, at which tap `tap` meets an image of `size` pixels. */
typedef struct { i64 first, last; } Range;

static Range pixels_of(i64 tap, i64 pad, i64 stride, i64 count, i64 size) {
    i64 first = pad - tap, last = size - 1 + pad - tap;
    first = first > 0 ? (first + stride - 1) / stride : 0;
    last = last < 0 ? 0 : last / stride + 1;
    return (Range){first, last < count ? last : count};
}

/* dy of one block, summed over the images, into sum[height * width] vectors. */
static void sum_images(const Convolution *c, const float *dy, i64 batch, float *sum) {
    memset(sum, 0, (size_t)(c->y.height * c->y.width * MML_BLOCK) * sizeof *sum);
    for (i64 image = 0; image < batch; image++, dy += c->y.image)
        for (i64 row = 0; row < c->y.height; row++) {
            const float *from = dy + pixel_of(&c->y, row, 0);
            float *to = sum + row * c->y.width * MML_BLOCK;
            for (i64 i = 0; i < c->y.width * MML_BLOCK; i += MML_BLOCK) store(to + i, load(to + i) + load(from + i));
        }
}

/* Rows are short: summed in float, and those in double. */
static void sum_of_tap(const Convolution *c, const float *sum, i64 row_tap, i64 column_tap, double *out) {
    Range rows = pixels_of(row_tap, c->pad, c->stride, c->y.height, c->x.height);
    Range columns = pixels_of(column_tap, c->pad, c->stride, c->y.width, c->x.width);
    for (int lane = 0; lane < MML_BLOCK; lane++) out[lane] = 0;
    for (i64 row = rows.first; row < rows.last; row++) {
        Vector total = ZERO;
        for (i64 column = columns.first; column < columns.last; column++) total += load(sum + (row * c->y.width + column) * MML_BLOCK);
        for (int lane = 0; lane < MML_BLOCK; lane++) out[lane] += (double)total[lane];
    }
}

/* A block's share of sum of w S and of sum of w dw, for each channel. */
static void sum_blocks(void *context, i64 begin, i64 end, int thread) {
    const Call *call = context;
    const Convolution c = convolution_of(call->a);
    const float *w = call->operand[1], *dw = call->operand[2];
    float *sum = (float *)call->frame->scratch[thread];
    i64 channels = c.x.channels, taps = c.kernel_height * c.kernel_width;
    for (i64 block = begin; block < end; block++) {
        double *shares = (double *)call->operand[8] + 2 * block * channels;
        for (i64 i = 0; i < 2 * channels; i++) shares[i] = 0;
        sum_images(&c, call->operand[0] + block * c.y.plane, call->frame->batch, sum);
        for (i64 tap = 0; tap < taps; tap++) {
            double of_tap[MML_BLOCK];
            sum_of_tap(&c, sum, tap / c.kernel_width, tap % c.kernel_width, of_tap);
            for (i64 lane = 0; lane < lanes_of(&c.y, block); lane++)
                for (i64 channel = 0; channel < channels; channel++) {
                    i64 at = ((block * MML_BLOCK + lane) * channels + channel) * taps + tap;
                    shares[2 * channel] += (double)w[at] * of_tap[lane];
                    shares[2 * channel + 1] += (double)w[at] * (double)dw[at];
                }
        }
    }
}

/* Sum over images, outputs and taps of w dy xhat: as long as backward-data, and plain. */
static double summed_gamma(const Call *call, const Convolution *c, i64 channel) {
    const float *w = call->operand[1];
    double mean = (double)call->operand[6][channel], inverse = (double)call->operand[7][channel], total = 0;
    i64 pixels = c->x.height * c->x.width, taps = c->kernel_height * c->kernel_width;
    for (i64 o = 0; o < c->y.channels; o++)
        for (i64 tap = 0; tap < taps; tap++) {
            i64 tap_row = tap / c->kernel_width, tap_column = tap % c->kernel_width;
            Range rows = pixels_of(tap_row, c->pad, c->stride, c->y.height, c->x.height);
            Range columns = pixels_of(tap_column, c->pad, c->stride, c->y.width, c->x.width);
            double sum = 0;
            for (i64 image = 0; image < call->frame->batch; image++)
                for (i64 row = rows.first; row < rows.last; row++) {
                    const float *x = call->operand[3] + (image * c->x.channels + channel) * pixels
                                     + (row * c->stride + tap_row - c->pad) * c->x.width + tap_column - c->pad;
                    const float *dy = call->operand[0] + image * c->y.image + o / MML_BLOCK * c->y.plane + pixel_of(&c->y, row, 0) + o % MML_BLOCK;
                    for (i64 column = columns.first; column < columns.last; column++)
                        sum += (double)dy[column * MML_BLOCK] * ((double)x[column * c->stride] - mean) * inverse;
                }
            total += (double)w[(o * c->x.channels + channel) * taps + tap] * sum;
        }
    return total;
}

void MML_NAME(batchnorm_input_backward)(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    Call call = {frame, attr, operand};
    const Convolution c = convolution_of(attr);
    const float *gamma = operand[4], *beta = operand[5];
    const double *shares = (const double *)operand[8];
    split(&call, c.y.blocks, frame->batch * c.y.plane, sum_blocks);
    for (i64 channel = 0; channel < c.x.channels; channel++) {
        double of_beta = 0, of_weights = 0;
        for (i64 block = 0; block < c.y.blocks; block++) {
            of_beta += shares[2 * (block * c.x.channels + channel)];
            of_weights += shares[2 * (block * c.x.channels + channel) + 1];
        }
        if (operand[10]) operand[10][channel] += (float)of_beta;
        if (!operand[9]) continue;
        double of_gamma = fabsf(gamma[channel]) < LEAST_GAMMA ? summed_gamma(&call, &c, channel)
                                                              : (of_weights - (double)beta[channel] * of_beta) / (double)gamma[channel];
        operand[9][channel] += (float)of_gamma;
    }
}
