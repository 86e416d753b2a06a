/* Checks a layer's kernels against a plain double-precision reference.
 *
 * A Layer says, in the letters below, which operands abi.def gives its two
 * kernels. check_layer fills the inputs at random, compares forward with the
 * reference, and backward with central differences of the reference's random
 * projection; it holds the rest of the contract too: input gradients are
 * overwritten, parameter gradients added to, absent ones (NULL) change nothing
 * else, samples beyond the batch and scratch beyond abi.def's formula stay
 * untouched, and a second run gives the same bits, in place too where allowed.
 */
#ifndef TEST_NN_HARNESS_H
#define TEST_NN_HARNESS_H

#include "mml/nn.h"

enum {
#define MML_KERNEL(name, scratch) KERNEL_##name,
#define MML_RULE(name, result, arguments)
#include "mml/abi.def"
#undef MML_KERNEL
#undef MML_RULE
    KERNEL_COUNT
};

#define MAX_INPUTS 5

typedef struct {
    const MmlValue *a;
    i64             batch;
    const i64      *labels;
    int             training;
} Problem;

typedef struct {
    i64 input[MAX_INPUTS];        /* floats; of one sample for roles x and c */
    i64 output;                   /* of one sample unless output_fixed       */
    i64 saved[2];
} Sizes;

typedef struct {
    int         forward, backward;
    /* 0 … 4: input, y: output, s t: saved, d: gradient of y, A … E: gradient of an input */
    const char *forward_operands, *backward_operands;
    /* x: one a sample, gradient overwritten; f: fixed, gradient overwritten;
     * w: fixed, gradient added to; c, k: one a sample, fixed, without gradient */
    const char *roles;
    int         output_fixed;
    const char *saved;            /* c, k: one a sample, fixed; one letter for each of s, t */
    void      (*sizes)(const MmlValue *a, Sizes *sizes);
    void      (*reference)(const Problem *problem, double *const *in, double *out);
    double      smallest, largest;       /* of input 0; both 0: -1 … 1 */
    int         in_place;                /* y may be input 0, its gradient may be d */
} Layer;

/* frame->training of every group is `training`; labels are drawn below `classes`. */
typedef struct { i64 batch, capacity, classes; int threads, training; } Setting;

void check_layer(const Layer *layer, const MmlValue *a, Setting setting);

/* A frame with the pool, labels, sample numbers and scratch for one kernel. */
typedef struct {
    MmlFrame   frame;
    char      *scratch[8];
    i64        labels[256], samples[256], training[4];
} TestFrame;

void open_frame(TestFrame *f, Setting setting, int kernel, const MmlValue *a);
void close_frame(TestFrame *f);
void call_kernel(TestFrame *f, int kernel, const MmlValue *a, float *const *operand);

/* Says that a test is skipped since ../shared has no such fixture, and skips it. */
void skip_without(const char *fixture);

double drawn(MmlRandom *random, double low, double high);

#define INT(value)  {.i = (value)}
#define REAL(value) {.r = (value)}

#endif
