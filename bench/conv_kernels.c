/* GFLOP/s of the blocked convolution kernels by layer, one thread, beside the
 * measured peak of multiply-adds.
 *
 *   cmake --build BUILD --target conv_kernels && BUILD/conv_kernels [FILTER] [SECONDS]
 *
 * Layers: ResNet-18's at batch 8 and the colored-and-gray CNN's at batch 64.
 * Each figure is the best of some calls in CPU time, weights packed in the
 * call; GFLOP/s are those of the direct form (2 * outputs * taps), whatever
 * the algorithm, so that Winograd may exceed the peak. "%" is the share of the
 * peak that was measured just before the layer. Needs nothing but a quiet core.
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mml/kernels.h"
#include "mml/nn.h"

typedef struct { const char *name; i64 channels, size, out, kernel, stride, batch, plain; } Layer;

static const Layer layers[] = {
    {"resnet 64@56",       64,  56,  64, 3, 1,  8, 0},
    {"resnet 128@28",     128,  28, 128, 3, 1,  8, 0},
    {"resnet 256@14",     256,  14, 256, 3, 1,  8, 0},
    {"resnet 512@7",      512,   7, 512, 3, 1,  8, 0},
    {"resnet 3-64@224/2",   3, 224,  64, 7, 2,  8, 1},
    {"resnet 64-128@56/2", 64,  56, 128, 3, 2,  8, 0},
    {"resnet 128-256@28/2", 128, 28, 256, 3, 2,  8, 0},
    {"resnet 256-512@14/2", 256, 14, 512, 3, 2,  8, 0},
    {"resnet 1x1 64-128@56/2", 64, 56, 128, 1, 2, 8, 0},
    {"resnet 1x1 256-512@14/2", 256, 14, 512, 1, 2, 8, 0},
    {"cnn 5x5 3-32@28",     3,  28,  32, 5, 1, 64, 1},
    {"cnn 5x5 1-32@28",     1,  28,  32, 5, 1, 64, 1},
    {"cnn 32@14",          32,  14,  32, 3, 1, 64, 0},
    {"cnn 32-64@14/2",     32,  14,  64, 3, 2, 64, 0},
    {"cnn 64@7",           64,   7,  64, 3, 1, 64, 0},
};

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#define MML_KERNEL(name, floats) static inline i64 scratch_of_##name(const MmlValue *a) { (void)a; return (floats); }
#define MML_RULE(name, result, arguments)
#include "mml/abi.def"
#undef MML_KERNEL
#undef MML_RULE

/* Twelve independent chains of multiply-adds: enough for two units of latency 5. */
#define PEAK(name, floats, set)                                                                         \
    __attribute__((target(set), noinline))    static double name(void) {                                \
        typedef float V __attribute__((vector_size(4 * floats)));                                       \
        V sum[12] = {{0}}, factor = {0.5f};                                                             \
        enum { ROUNDS = 400000 };                                                                       \
        double start = now();                                                                           \
        for (int i = 0; i < ROUNDS; i++) {                                                              \
            _Pragma("GCC unroll 12") for (int k = 0; k < 12; k++) sum[k] = sum[k] * factor + factor;    \
            __asm__ volatile("" : "+x"(sum[0]), "+x"(sum[1]), "+x"(sum[2]), "+x"(sum[3]), "+x"(sum[4]), "+x"(sum[5])); \
            __asm__ volatile("" : "+x"(sum[6]), "+x"(sum[7]), "+x"(sum[8]), "+x"(sum[9]), "+x"(sum[10]), "+x"(sum[11])); \
        }                                                                                               \
        double seconds = now() - start;                                                                 \
        return 2.0 * 12 * floats * ROUNDS / seconds / 1e9;                                              \
    }
#if defined(__x86_64__)
PEAK(peak_16, 16, "avx512f")
PEAK(peak_8, 8, "avx2,fma")
#endif
PEAK(peak_4, 4, "sse2")

static double peak_of(i64 block) {
    double best = 0;
    for (int i = 0; i < 5; i++) {
#if defined(__x86_64__)
        double got = block == 16 ? peak_16() : block == 8 ? peak_8() : peak_4();
#else
        double got = peak_4();
#endif
        if (got > best) best = got;
    }
    return best;
}

static float *floats(i64 count) {
    float *p = aligned_alloc(64, (size_t)(count * 4 + 63) / 64 * 64);
    if (!p) abort();
    for (i64 i = 0; i < count; i++) p[i] = (float)(i % 17 - 8) / 8;
    return p;
}

static i64 packed_floats(const MmlValue *a) { return MML_CONV_BLOCKED_PACKED; }

/* Best seconds of calls within a budget. */
static double best_of(void (*kernel)(MmlFrame *, const MmlValue *, float *const *), MmlFrame *frame, const MmlValue *a,
                      float *const *operand, double budget) {
    double best = INFINITY, start = now();
    for (int i = 0; i < 3 || now() - start < budget; i++) {
        double before = now();
        kernel(frame, a, operand);
        double seconds = now() - before;
        if (seconds < best) best = seconds;
    }
    return best;
}

typedef struct { double log_sum[3], worst[3]; int count; } Summary;

static void measure(const Layer *l, i64 block, i64 algorithm, double budget, Summary *summary) {
    i64 pad = l->kernel / 2, out = (l->size + 2 * pad - l->kernel) / l->stride + 1;
    i64 values[] = {l->channels, l->size, l->size, l->out, l->kernel, l->kernel, l->stride, pad, out, out, block,
                    pad, l->kernel / 2, algorithm, l->plain};
    MmlValue a[18] = {0};
    for (int i = 0; i < 15; i++) a[i].i = values[i];
    i64 blocks = (l->channels + block - 1) / block * block, out_blocks = (l->out + block - 1) / block * block;
    i64 side = l->size + 2 * pad, out_side = out + 2 * pad;
    i64 in = l->batch * (l->plain ? l->channels * l->size * l->size : blocks * side * side);
    i64 weights = l->channels * l->out * l->kernel * l->kernel;
    i64 need = scratch_of_conv_blocked_forward(a) + scratch_of_conv_blocked_backward(a);
    float *x = floats(in), *w = floats(weights), *y = floats(l->batch * out_blocks * out_side * out_side), *dx = floats(in);
    float *dw = floats(weights), *packed = floats(packed_floats(a)), *scratch = floats(need);
    MmlFrame frame = {.scratch = (char *[]){(char *)scratch}, .capacity = l->batch, .batch = l->batch};
    double flops = 2.0 * (double)(l->batch * out * out * weights), peak = peak_of(block), got[3];
    got[0] = flops / 1e9 / best_of(mml_conv_blocked_forward, &frame, a, (float *[]){x, w, NULL, y, packed}, budget);
    got[1] = flops / 1e9 / best_of(mml_conv_blocked_backward, &frame, a, (float *[]){y, x, w, packed, dx, NULL, NULL}, budget);
    got[2] = flops / 1e9 / best_of(mml_conv_blocked_backward, &frame, a, (float *[]){y, x, w, packed, NULL, dw, NULL}, budget);
    printf("%-24s %-8s", l->name, algorithm ? "Winograd" : "direct");
    for (int i = 0; i < 3; i++) printf(" %7.1f %4.0f%%", got[i], 100 * got[i] / peak);
    printf("   peak %.1f\n", peak);
    if (summary)
        for (int i = 0; i < 3; i++) {
            summary->log_sum[i] += log(got[i] / peak);
            if (summary->count == 0 || got[i] / peak < summary->worst[i]) summary->worst[i] = got[i] / peak;
        }
    if (summary) summary->count++;
    free(x), free(w), free(y), free(dx), free(dw), free(packed), free(scratch);
}

int main(int argc, char **argv) {
    const char *filter = argc > 1 ? argv[1] : "";
    double budget = argc > 2 ? atof(argv[2]) : 0.3;
    i64 block = mml_block_of_cpu();
    Summary summary = {0};
    printf("block %d; GFLOP/s: forward, backward-data, backward-weights\n", (int)block);
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        const Layer *l = &layers[i];
        if (!strstr(l->name, filter)) continue;
        bool stride_1 = l->kernel == 3 && l->stride == 1 && !l->plain;
        bool resnet = stride_1 && strncmp(l->name, "resnet", 6) == 0;
        measure(l, block, 0, budget, resnet ? &summary : NULL);
        if (stride_1) measure(l, block, MML_CONV_WINOGRAD, budget, NULL);
    }
    if (summary.count > 0)
        printf("direct, geometric mean (worst) over ResNet-18's stride-1 3x3: %.0f%% (%.0f%%), %.0f%% (%.0f%%), %.0f%% (%.0f%%)\n",
               100 * exp(summary.log_sum[0] / summary.count), 100 * summary.worst[0],
               100 * exp(summary.log_sum[1] / summary.count), 100 * summary.worst[1],
               100 * exp(summary.log_sum[2] / summary.count), 100 * summary.worst[2]);
    return 0;
}
