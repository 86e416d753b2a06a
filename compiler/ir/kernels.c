#include "ir/kernels.h"

#include <math.h>
#include "mml/kernels.def"

typedef struct {
    int64_t in, height, width, out, kernel_height, kernel_width, stride, pad, dilation, groups, out_height, out_width;
    double  flops;                      /* of one sample, forward                        */
} Shape2d;

static Shape2d shape_of(const Attribute *a) {
    Shape2d s = {.in = a[0].i, .height = a[1].i, .width = a[2].i, .out = a[3].i, .kernel_height = a[4].i, .kernel_width = a[5].i,
                .stride = a[6].i, .pad = a[7].i, .dilation = a[8].i, .groups = a[9].i, .out_height = a[10].i, .out_width = a[11].i};
    s.flops = 2.0 * (double)(s.in / s.groups * s.kernel_height * s.kernel_width) * (double)(s.out * s.out_height * s.out_width);
    return s;
}

static double rounded(int64_t n, int64_t step) { return (double)((n + step - 1) / step * step) / (double)n; }

/* Two multiply-adds of a vector a cycle, at best. */
static double peak(int64_t block) { return 4.0 * (double)block; }

/* ---- What takes which shape ---- */

static int takes_any(const Shape2d *s) { return 1; }

static int takes_plain(const Shape2d *s) { return s->dilation == 1 && s->groups == 1 && s->stride <= MML_CONV_BLOCKED_STRIDE; }

static int64_t winograd(const Attribute *a) { return MML_CONV_BLOCKED_ALGORITHM; }

static int takes_small_tiles(const Shape2d *s) {
    Attribute a[15] = {{.i = s->in}, {.i = s->height}, {.i = s->width}, {.i = s->out}, {.i = s->kernel_height}, {.i = s->kernel_width},
                       {.i = s->stride}, {.i = s->pad}, {.i = s->out_height}, {.i = s->out_width}};
    return takes_plain(s) && winograd(a) != 0;
}

/* ---- Estimates. Constants fit what bench/conv_kernels measures on an AVX2 machine. ---- */

/* Columns in memory and a product: OpenBLAS is slow where the product is thin. */
static double cycles_reference(const Shape2d *s, int64_t block) {
    double depth = (double)(s->in / s->groups * s->kernel_height * s->kernel_width);
    double share = 0.6 * depth / (depth + 200);
    return s->flops / (share * peak(block > 4 ? block : 4));
}

/* Vectors of output channels, rows of pixels in registers: what is lost is lost at the edges. */
static double cycles_direct(const Shape2d *s, int64_t block) {
    double padding = rounded(s->out, block) * (s->in > KERNEL_PLAIN_CHANNELS ? rounded(s->in, block) : 1);
    return s->flops * padding / (0.8 * peak(block));
}

/* 36 products of tiles by channels; transforms of each tile's 36 numbers; those of the weights, once in a batch of about 16. */
static double cycles_winograd(const Shape2d *s, int64_t block) {
    double tiles = (double)((s->out_height + 3) / 4 * ((s->out_width + 3) / 4)), batch = 16;
    double in = (double)s->in * rounded(s->in, block), out = (double)s->out * rounded(s->out, block);
    double products = tiles * 36 * 2 * in * out / (0.8 * peak(block));
    double transforms = tiles * 36 * (in + out) * 1.2 * 8 / (double)block;
    double weights = in * out * 45 * 3 * 8 / (double)block / batch;
    return products + transforms + weights;
}

typedef struct {
    const char *name;
    int       (*takes)(const Shape2d *s);
    double    (*cycles)(const Shape2d *s, int64_t block);
} Row;

static const Row rows[ALGORITHMS] = {
    [ALGORITHM_DIRECT]    = {"direct", takes_plain, cycles_direct},
    [ALGORITHM_WINOGRAD]  = {"winograd", takes_small_tiles, cycles_winograd},
    [ALGORITHM_REFERENCE] = {"reference", takes_any, cycles_reference},
};

/* ---- The choice ---- */

const KernelTime *kernel_time(const KernelTimes *times, const Attribute *conv) {
    for (int r = 0; times && r < times->rows.count; r++) {
        const KernelTime *row = &times->rows.items[r];
        int k = 0;
        while (k < 12 && row->shape[k] == conv[k].i) k++;
        if (k == 12) return row;
    }
    return NULL;
}

double kernel_seconds(const KernelTime *time, Algorithm algorithm) { return time->forward[algorithm] + time->backward[algorithm]; }

/* What a second measurement of the same kernel on a busy machine may differ by. */
#define DOUBT 1.1

static void choose_measured(KernelChoice *choice, const KernelTime *time) {
    for (int k = 0; k < ALGORITHMS; k++)
        if (choice->cycles[k] < INFINITY && !(kernel_seconds(time, (Algorithm)k) < INFINITY)) return;
    Algorithm best = choice->estimated;
    for (int k = 0; k < ALGORITHMS; k++)
        if (choice->cycles[k] < INFINITY && kernel_seconds(time, (Algorithm)k) < kernel_seconds(time, best)) best = (Algorithm)k;
    choice->measured = time;
    if (kernel_seconds(time, choice->estimated) > DOUBT * kernel_seconds(time, best)) choice->algorithm = best;
}

KernelChoice kernel_choice(const Attribute *conv, KernelHost host) {
    Shape2d s = shape_of(conv);
    KernelChoice choice = {.estimated = ALGORITHM_REFERENCE};
    for (int k = 0; k < ALGORITHMS; k++) {
        int runs = rows[k].takes(&s) && (host.block > 0 || k == ALGORITHM_REFERENCE);
        choice.cycles[k] = runs ? rows[k].cycles(&s, host.block) : INFINITY;
    }
    for (int k = 0; k < ALGORITHMS; k++)
        if (choice.cycles[k] < choice.cycles[choice.estimated]) choice.estimated = (Algorithm)k;
    choice.algorithm = choice.estimated;
    const KernelTime *time = kernel_time(host.times, conv);
    if (time && host.block > 0) choose_measured(&choice, time);
    return choice;
}

const char *algorithm_name(Algorithm algorithm) { return rows[algorithm].name; }

int64_t kernel_algorithm(Algorithm choice, const Attribute *a) { return choice == ALGORITHM_WINOGRAD ? winograd(a) : 0; }

int64_t kernel_in_halo(const Attribute *a)  { return MML_CONV_BLOCKED_IN_HALO; }
int64_t kernel_out_halo(const Attribute *a) { return MML_CONV_BLOCKED_OUT_HALO; }

int64_t kernel_temporary(IrOp op, const Attribute *a) {
    switch (op) {
    case IR_CONV_BLOCKED: case IR_CONV_BATCHNORM_BLOCKED: return MML_CONV_BLOCKED_PACKED;
    case IR_BATCHNORM_INPUT: return MML_BATCHNORM_INPUT_SUMS;
    default:                 return 0;
    }
}
