#include "ir/kernels.h"

#include <math.h>
#include "mml/kernels.def"

typedef struct {
    int64_t in, height, width, out, kernel_height, kernel_width, stride, dilation, groups, out_height, out_width;
    double  flops;                      /* of one sample, forward                        */
} Shape4;

static Shape4 shape_of(const Attribute *a) {
    Shape4 s = {.in = a[0].i, .height = a[1].i, .width = a[2].i, .out = a[3].i, .kernel_height = a[4].i, .kernel_width = a[5].i,
                .stride = a[6].i, .dilation = a[8].i, .groups = a[9].i, .out_height = a[10].i, .out_width = a[11].i};
    s.flops = 2.0 * (double)(s.in / s.groups * s.kernel_height * s.kernel_width) * (double)(s.out * s.out_height * s.out_width);
    return s;
}

static double rounded(int64_t n, int64_t step) { return (double)((n + step - 1) / step * step) / (double)n; }

/* Two multiply-adds of a vector a cycle, at best. */
static double peak(int64_t block) { return 4.0 * (double)block; }

/* ---- What takes which shape ---- */

static int takes_any(const Shape4 *s) { return 1; }

static int takes_plain(const Shape4 *s) { return s->dilation == 1 && s->groups == 1 && s->stride <= MML_CONV_BLOCKED_STRIDE; }

/* ---- Estimates. The shares of peak are measured, as bench/train_step prints them. ---- */

/* Columns in memory and a product: OpenBLAS is slow where the product is thin. */
static double cycles_reference(const Shape4 *s, int64_t block) {
    double depth = (double)(s->in / s->groups * s->kernel_height * s->kernel_width);
    double share = 0.6 * depth / (depth + 200);
    return s->flops / (share * peak(block > 4 ? block : 4));
}

/* Vectors of output channels, rows of pixels in registers: what is lost is lost at the edges. */
static double cycles_direct(const Shape4 *s, int64_t block) {
    double padding = rounded(s->out, block) * (s->in > KERNEL_PLAIN_CHANNELS ? rounded(s->in, block) : 1);
    double share = s->in > KERNEL_PLAIN_CHANNELS ? 0.8 : 0.6;
    return s->flops * padding / (share * peak(block));
}

typedef struct {
    const char *name;
    int       (*takes)(const Shape4 *s);
    double    (*cycles)(const Shape4 *s, int64_t block);
} Row;

static const Row rows[ALGORITHMS] = {
    [ALGORITHM_DIRECT]    = {"blocked, direct", takes_plain, cycles_direct},
    [ALGORITHM_REFERENCE] = {"reference, columns and sgemm", takes_any, cycles_reference},
};

KernelChoice kernel_choice(const Attribute *conv, int64_t block) {
    Shape4 s = shape_of(conv);
    KernelChoice choice = {.algorithm = ALGORITHM_REFERENCE};
    for (int k = 0; k < ALGORITHMS; k++) {
        int runs = rows[k].cycles && rows[k].takes(&s) && (block > 0 || k == ALGORITHM_REFERENCE);
        choice.cycles[k] = runs ? rows[k].cycles(&s, block) : INFINITY;
    }
    for (int k = 0; k < ALGORITHMS; k++)
        if (choice.cycles[k] < choice.cycles[choice.algorithm]) choice.algorithm = (Algorithm)k;
    return choice;
}

const char *algorithm_name(Algorithm algorithm) { return rows[algorithm].name; }

int64_t kernel_winograd(const Attribute *a) { return MML_CONV_BLOCKED_ALGORITHM; }
int64_t kernel_in_halo(const Attribute *a)  { return MML_CONV_BLOCKED_IN_HALO; }
int64_t kernel_out_halo(const Attribute *a) { return MML_CONV_BLOCKED_OUT_HALO; }

int64_t kernel_temporary(IrOp op, const Attribute *a) {
    switch (op) {
    case IR_CONV_BLOCKED:    return MML_CONV_BLOCKED_PACKED;
    case IR_BATCHNORM_INPUT: return MML_BATCHNORM_INPUT_SUMS;
    default:                 return 0;
    }
}
