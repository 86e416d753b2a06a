#include "driver/tune_time.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ir/ops.h"
#include "mml/nn.h"

/* Calls of a kernel: for so long, and at least so many; the first ones meet cold caches. */
#define SECONDS 0.03
enum { CALLS = 5, MOST_CALLS = 1000, BATCH = 8 };
/* Floats of x, y and their gradients, as far as the batch can be made smaller for it. */
#define FLOATS ((int64_t)1 << 25)

typedef struct {
    const Attribute *conv;
    Attribute blocked[CONV_BLOCKED_ATTRIBUTES];           /* of conv_blocked                                        */
    Attribute in[5], out[5];            /* of reorder_in and reorder_out of x and y               */
    int64_t   batch, x_floats, y_floats, weights, packed, scratch;
    float    *x, *y, *dx, *dy, *w, *dw, *plain_x, *plain_y, *room;
    int       plain;                    /* the first layer: x is read as it is, and has no gradient */
    MmlFrame  frame;
} Trial;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- The calls ---- */

typedef void Call(Trial *t);
typedef void Kernel_function(MmlFrame *frame, const MmlValue *attr, float *const *operand);

static void call(Trial *t, Kernel_function *kernel, const Attribute *attributes, int count, float *const *operands) {
    MmlValue values[CONV_BLOCKED_ATTRIBUTES];
    for (int i = 0; i < count; i++) values[i].i = attributes[i].i;
    kernel(&t->frame, values, operands);
}

static void blocked_forward(Trial *t) {
    call(t, mml_conv_blocked_forward, t->blocked, CONV_BLOCKED_ATTRIBUTES, (float *[]){t->plain ? t->plain_x : t->x, t->w, NULL, t->y, t->room});
}

static void blocked_backward(Trial *t) {
    call(t, mml_conv_blocked_backward, t->blocked, CONV_BLOCKED_ATTRIBUTES,
         (float *[]){t->dy, t->plain ? t->plain_x : t->x, t->w, t->room, t->plain ? NULL : t->dx, t->dw, NULL});
}

static void reorder(Trial *t, Kernel_function *kernel, const Attribute *attributes, float *from, float *to) {
    call(t, kernel, attributes, 5, (float *[]){from, to});
}

static void reference_forward(Trial *t) {
    if (!t->plain) reorder(t, mml_reorder_out, t->in, t->x, t->plain_x);
    call(t, mml_conv_forward, t->conv, 12, (float *[]){t->plain_x, t->w, NULL, t->plain_y});
    reorder(t, mml_reorder_in, t->out, t->plain_y, t->y);
}

static void reference_backward(Trial *t) {
    reorder(t, mml_reorder_out, t->out, t->dy, t->plain_y);
    call(t, mml_conv_backward, t->conv, 12, (float *[]){t->plain_y, t->plain_x, t->w, t->plain ? NULL : t->dx, t->dw, NULL});
    if (!t->plain) reorder(t, mml_reorder_in, t->in, t->dx, t->x);
}

static int by_size(const void *a, const void *b) {
    double first = *(const double *)a, second = *(const double *)b;
    return first < second ? -1 : first > second;
}

/* The median, not the least: what a hypervisor takes from a thread may stop its clock for a whole call. */
static double usual(Trial *t, Call *body) {
    double seconds[MOST_CALLS], start = now();
    int count = 0;
    while (count < MOST_CALLS && (count < CALLS || now() - start < SECONDS)) {
        double before = now();
        body(t);
        seconds[count++] = now() - before;
    }
    qsort(seconds, (size_t)count, sizeof *seconds, by_size);
    return seconds[count / 2] > 0 ? seconds[count / 2] / (double)t->batch : INFINITY;
}

/* ---- What they work on ---- */

static int64_t blocked_floats(int64_t channels, int64_t height, int64_t width, int64_t block, int64_t halo) {
    return (channels + block - 1) / block * block * (height + 2 * halo) * (width + 2 * halo);
}

static void describe(Trial *t, const Attribute *conv, int block) {
    Attribute *a = t->blocked;
    t->conv  = conv;
    t->plain = conv[0].i <= KERNEL_PLAIN_CHANNELS;
    memcpy(a, conv, 8 * sizeof *a);
    a[8]    = conv[10];
    a[9]    = conv[11];
    a[10].i = block;
    a[13].i = 0;
    a[14].i = t->plain;
    a[CONV_BLOCKED_RELU].i = a[CONV_BLOCKED_SOURCE_RELU].i = a[CONV_BLOCKED_SETS_WEIGHTS].i = 0;
    a[11].i = t->plain ? 0 : kernel_in_halo(a);
    a[12].i = kernel_out_halo(a);
    memcpy(t->in, (Attribute[]){a[0], a[1], a[2], a[10], a[11]}, sizeof t->in);
    memcpy(t->out, (Attribute[]){a[3], a[8], a[9], a[10], a[12]}, sizeof t->out);
    t->x_floats = blocked_floats(a[0].i, a[1].i, a[2].i, block, a[11].i);
    t->y_floats = blocked_floats(a[3].i, a[8].i, a[9].i, block, a[12].i);
    t->batch    = FLOATS / (2 * (t->x_floats + t->y_floats));
    t->batch    = t->batch < 1 ? 1 : t->batch > BATCH ? BATCH : t->batch;
    t->weights  = conv[0].i / conv[9].i * conv[3].i * conv[4].i * conv[5].i;
    t->scratch  = kernel_scratch(KERNEL_conv_forward, conv);
    int64_t more = kernel_scratch(KERNEL_conv_backward, conv);
    t->scratch  = more > t->scratch ? more : t->scratch;
    for (int64_t algorithm = 0; algorithm < 2; algorithm++) {
        a[13].i = algorithm ? kernel_algorithm(ALGORITHM_WINOGRAD, a) : 0;
        int64_t needs[] = {kernel_scratch(KERNEL_conv_blocked_forward, a), kernel_scratch(KERNEL_conv_blocked_backward, a)};
        int64_t packed = kernel_temporary(IR_CONV_BLOCKED, a);
        for (int i = 0; i < 2; i++) t->scratch = needs[i] > t->scratch ? needs[i] : t->scratch;
        t->packed = packed > t->packed ? packed : t->packed;
    }
}

/* Zeros have the halo and the channels beyond; numbers of any size take the same time, but denormal ones. */
static float *floats(MmlArena *memory, int64_t count, int filled) {
    float *p = MML_NEW(memory, float, count);
    for (int64_t i = 0; p && filled && i < count; i++) p[i] = (float)(i % 17 - 8) / 8;
    return p;
}

static int allocate(Trial *t, MmlArena *memory) {
    int64_t x = t->batch * t->x_floats, y = t->batch * t->y_floats;
    t->plain_x = floats(memory, x, 1);
    t->plain_y = floats(memory, y, 1);
    t->x  = floats(memory, x, 0);
    t->y  = floats(memory, y, 0);
    t->dx = floats(memory, x, 0);
    t->dy = floats(memory, y, 0);
    t->w  = floats(memory, t->weights, 1);
    t->dw = floats(memory, t->weights, 0);
    t->room = floats(memory, t->packed, 0);
    t->frame.scratch    = MML_NEW(memory, char *, 1);
    float *scratch      = floats(memory, t->scratch, 0);
    const void *all[] = {t->plain_x, t->plain_y, t->x, t->y, t->dx, t->dy, t->w, t->dw, t->room, t->frame.scratch, scratch};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!all[i]) return 0;
    t->frame.scratch[0] = (char *)scratch;
    t->frame.batch = t->frame.capacity = t->batch;
    if (!t->plain) reorder(t, mml_reorder_in, t->in, t->plain_x, t->x);
    reorder(t, mml_reorder_in, t->out, t->plain_y, t->dy);
    return 1;
}

/* ---- A shape ---- */

static void time_all(Trial *t, int block, KernelTime *out) {
    KernelChoice choice = kernel_choice(t->conv, (KernelHost){.block = block});
    for (int k = 0; k < ALGORITHMS; k++) {
        int reference = k == ALGORITHM_REFERENCE, takes = choice.cycles[k] < INFINITY;
        if (!reference) t->blocked[13].i = kernel_algorithm((Algorithm)k, t->blocked);
        out->forward[k]  = takes ? usual(t, reference ? reference_forward : blocked_forward) : INFINITY;
        out->backward[k] = takes ? usual(t, reference ? reference_backward : blocked_backward) : INFINITY;
    }
}

int time_kernels(Arena *arena, const Attribute *conv, int block, KernelTime *out) {
    Trial *t = NEW(arena, Trial);
    MmlArena *memory = mml_arena_new();
    for (int i = 0; i < 12; i++) out->shape[i] = conv[i].i;
    describe(t, conv, block);
    int fine = memory && mml_threads_new(1, &t->frame.threads) == MML_OK && allocate(t, memory);      /* one thread, OpenBLAS too */
    if (fine) time_all(t, block, out);
    mml_threads_free(t->frame.threads);
    mml_arena_free(memory);
    return fine;
}
