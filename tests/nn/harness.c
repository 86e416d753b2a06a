#include "harness.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of float kernels against a double reference. Sums of at most some thousand
 * products, each with a relative error of 6e-8, added in random directions,
 * stay below 1e-5 of the largest result; normalisation loses one more digit
 * by subtraction. */
#define TOLERANCE 3e-5
/* Step of the double-precision differences: error about h^2 = 1e-10. */
#define STEP 1e-5
/* Entries of an input whose gradient is compared, at most. */
#define ENTRIES 60
/* Room for samples beyond the batch. */
#define CANARY 12345.0f

typedef void (*Kernel)(MmlFrame *frame, const MmlValue *a, float *const *operand);

#define MML_KERNEL(name, scratch) static i64 scratch_of_##name(const MmlValue *a) { (void)a; return (scratch); }
#define MML_RULE(name, result, arguments)
#include "mml/abi.def"
#undef MML_KERNEL

static const struct { const char *name; Kernel run; i64 (*scratch)(const MmlValue *a); } kernels[] = {
#define MML_KERNEL(name, scratch) {#name, mml_##name, scratch_of_##name},
#include "mml/abi.def"
#undef MML_KERNEL
#undef MML_RULE
};

void skip_without(const char *fixture) {
    fprintf(stderr, "skipped: %s is not beside the sources\n", fixture);
    cr_skip_test("%s is not beside the sources", fixture);
}

double drawn(MmlRandom *random, double low, double high) { return low + (high - low) * mml_random_uniform(random); }

void open_frame(TestFrame *f, Setting setting, int kernel, const MmlValue *a) {
    memset(f, 0, sizeof *f);
    MmlThreads *threads = NULL;
    cr_assert_eq(mml_threads_new(setting.threads, &threads), MML_OK);
    MmlRandom random = mml_random(3, MML_STREAM_RULE, 0, 0);
    for (int i = 0; i < 256; i++) {
        f->labels[i] = (i64)mml_random_below(&random, (u64)(setting.classes ? setting.classes : 1));
        f->samples[i] = (i64)mml_random_below(&random, 60000);
    }
    for (int i = 0; i < 4; i++) f->training[i] = setting.training;
    for (int t = 0; t < setting.threads; t++)
        f->scratch[t] = malloc((size_t)kernels[kernel].scratch(a) * sizeof(float));
    f->frame = (MmlFrame){.threads = threads, .scratch = f->scratch, .capacity = setting.capacity, .batch = setting.batch,
                          .labels = f->labels, .samples = f->samples, .training = f->training, .seed = 5, .step = 17};
}

void close_frame(TestFrame *f) {
    for (int t = 0; t < 8; t++) free(f->scratch[t]);
    mml_threads_free(f->frame.threads);
}

void call_kernel(TestFrame *f, int kernel, const MmlValue *a, float *const *operand) {
    kernels[kernel].run(&f->frame, a, operand);
}

typedef struct {
    const Layer *layer;
    Setting      setting;
    Problem      problem;
    Sizes        sizes;
    int          inputs;
    i64          count[MAX_INPUTS], output_count;
    float       *input[MAX_INPUTS], *gradient[MAX_INPUTS], *output, *output_gradient, *saved[2];
    float       *start[MAX_INPUTS];           /* what gradients held before backward      */
    double      *exact[MAX_INPUTS], *exact_output, *projection;
} Check;

static float *floats(i64 count, float value) {
    float *p = malloc((size_t)(count + 1) * sizeof *p);
    for (i64 i = 0; i < count; i++) p[i] = value;
    return p;
}

static int by_sample(char role) { return role == 'x' || role == 'c'; }

static i64 floats_for(i64 size, int is_by_sample, i64 samples) { return is_by_sample ? size * samples : size; }

static void open_check(Check *c, const Layer *layer, const MmlValue *a, Setting setting, const i64 *labels) {
    memset(c, 0, sizeof *c);
    c->layer = layer;
    c->setting = setting;
    c->problem = (Problem){.a = a, .batch = setting.batch, .labels = labels, .training = setting.training};
    layer->sizes(a, &c->sizes);
    c->inputs = (int)strlen(layer->roles);
    MmlRandom random = mml_random(1, MML_STREAM_RULE, 1, 0);
    for (int n = 0; n < c->inputs; n++) {
        int sampled = by_sample(layer->roles[n]);
        i64 capacity = floats_for(c->sizes.input[n], sampled, setting.capacity);
        c->count[n] = floats_for(c->sizes.input[n], sampled, setting.batch);
        c->input[n] = floats(capacity, NAN);
        c->gradient[n] = floats(capacity, CANARY);
        c->start[n] = floats(capacity, CANARY);
        c->exact[n] = malloc((size_t)(c->count[n] + 1) * sizeof(double));
        double low = n == 0 && layer->largest > layer->smallest ? layer->smallest : -1.0;
        double high = n == 0 && layer->largest > layer->smallest ? layer->largest : 1.0;
        if (layer->roles[n] == 'c' || layer->roles[n] == 'k') low = 0.2;      /* weights, variances */
        for (i64 i = 0; i < c->count[n]; i++) {
            c->input[n][i] = (float)drawn(&random, low, high);
            c->exact[n][i] = (double)c->input[n][i];
            if (layer->roles[n] == 'w') c->gradient[n][i] = c->start[n][i] = (float)drawn(&random, -1, 1);
        }
    }
    i64 output_capacity = floats_for(c->sizes.output, !layer->output_fixed, setting.capacity);
    c->output_count = floats_for(c->sizes.output, !layer->output_fixed, setting.batch);
    c->output = floats(output_capacity, CANARY);
    c->output_gradient = floats(output_capacity, NAN);
    c->exact_output = malloc((size_t)(c->output_count + 1) * sizeof(double));
    c->projection = malloc((size_t)(c->output_count + 1) * sizeof(double));
    for (i64 i = 0; i < c->output_count; i++) {
        c->output_gradient[i] = (float)drawn(&random, -1, 1);
        c->projection[i] = (double)c->output_gradient[i];
    }
    for (int n = 0; layer->saved && layer->saved[n]; n++)
        c->saved[n] = floats(floats_for(c->sizes.saved[n], by_sample(layer->saved[n]), setting.capacity), CANARY);
}

static void close_check(Check *c) {
    for (int n = 0; n < c->inputs; n++) {
        free(c->input[n]);
        free(c->gradient[n]);
        free(c->start[n]);
        free(c->exact[n]);
    }
    free(c->output);
    free(c->output_gradient);
    free(c->exact_output);
    free(c->projection);
    free(c->saved[0]);
    free(c->saved[1]);
}

static float *operand_of(const Check *c, char letter) {
    if (letter >= '0' && letter <= '4') return c->input[letter - '0'];
    if (letter >= 'A' && letter <= 'E') return c->gradient[letter - 'A'];
    if (letter == 's' || letter == 't') return c->saved[letter - 's'];
    return letter == 'y' ? c->output : c->output_gradient;
}

/* absent: an input whose gradient is not asked for, or -1. */
static void run(Check *c, int kernel, const char *letters, int absent) {
    TestFrame f;
    open_frame(&f, c->setting, kernel, c->problem.a);
    float *operand[16] = {0};
    for (int i = 0; letters[i]; i++)
        operand[i] = absent >= 0 && letters[i] == 'A' + absent ? NULL : operand_of(c, letters[i]);
    call_kernel(&f, kernel, c->problem.a, operand);
    close_frame(&f);
}

static double projected(Check *c) {
    c->layer->reference(&c->problem, c->exact, c->exact_output);
    double sum = 0.0;
    for (i64 i = 0; i < c->output_count; i++) sum += c->projection[i] * c->exact_output[i];
    return sum;
}

static double difference(Check *c, int input, i64 entry) {
    double value = c->exact[input][entry];
    c->exact[input][entry] = value + STEP;
    double above = projected(c);
    c->exact[input][entry] = value - STEP;
    double below = projected(c);
    c->exact[input][entry] = value;
    return (above - below) / (2 * STEP);
}

static double largest_of(const double *values, i64 count) {
    double largest = 1.0;
    for (i64 i = 0; i < count; i++) largest = fmax(largest, fabs(values[i]));
    return largest;
}

static void check_forward(Check *c) {
    const char *name = kernels[c->layer->forward].name;
    run(c, c->layer->forward, c->layer->forward_operands, -1);
    c->layer->reference(&c->problem, c->exact, c->exact_output);
    double bound = TOLERANCE * largest_of(c->exact_output, c->output_count);
    for (i64 i = 0; i < c->output_count; i++)
        cr_assert(fabs((double)c->output[i] - c->exact_output[i]) <= bound, "%s: output %ld is %g, not %g", name, (long)i,
                  (double)c->output[i], c->exact_output[i]);
    if (!c->layer->output_fixed)
        for (i64 i = c->output_count; i < c->sizes.output * c->setting.capacity; i++)
            cr_assert_eq(c->output[i], CANARY, "%s wrote beyond the batch", name);
}

static void check_gradient(Check *c, int input) {
    const char *name = kernels[c->layer->backward].name;
    i64 count = c->count[input], shown = count < ENTRIES ? count : ENTRIES;
    double want[ENTRIES], got[ENTRIES];
    MmlRandom random = mml_random(2, MML_STREAM_RULE, 0, 0);
    for (i64 i = 0; i < shown; i++) {
        i64 entry = shown == count ? i : (i64)mml_random_below(&random, (u64)count);
        want[i] = difference(c, input, entry);
        got[i] = (double)c->gradient[input][entry];
        if (c->layer->roles[input] == 'w') got[i] -= (double)c->start[input][entry];
    }
    double bound = TOLERANCE * largest_of(want, shown);
    for (i64 i = 0; i < shown; i++)
        cr_assert(fabs(got[i] - want[i]) <= bound, "%s: gradient of input %d is %g, not %g", name, input, got[i], want[i]);
    if (c->layer->roles[input] == 'x')
        for (i64 i = count; i < c->sizes.input[input] * c->setting.capacity; i++)
            cr_assert_eq(c->gradient[input][i], CANARY, "%s wrote beyond the batch", name);
}

static void restart_gradients(Check *c) {
    for (int n = 0; n < c->inputs; n++) memcpy(c->gradient[n], c->start[n], (size_t)c->count[n] * sizeof(float));
}

/* Runs backward once more, without one gradient or with all, and compares bits. */
static void check_again(Check *c, int absent) {
    float *before[MAX_INPUTS];
    for (int n = 0; n < c->inputs; n++) {
        before[n] = floats(c->count[n], 0);
        memcpy(before[n], n == absent ? c->start[n] : c->gradient[n], (size_t)c->count[n] * sizeof(float));
    }
    restart_gradients(c);
    run(c, c->layer->backward, c->layer->backward_operands, absent);
    for (int n = 0; n < c->inputs; n++) {
        cr_assert(memcmp(before[n], c->gradient[n], (size_t)c->count[n] * sizeof(float)) == 0,
                  "%s: gradient %d differs when run again without gradient %d", kernels[c->layer->backward].name, n, absent);
        free(before[n]);
    }
    if (absent >= 0) {
        restart_gradients(c);
        run(c, c->layer->backward, c->layer->backward_operands, -1);
    }
}

/* Runs a kernel with `result` lying where `source` is, and compares with the result before. */
static void check_over(Check *c, int kernel, const char *letters, char result, char source, i64 count) {
    TestFrame f;
    open_frame(&f, c->setting, kernel, c->problem.a);
    float *operand[16] = {0}, *shared = floats(count, 0);
    memcpy(shared, operand_of(c, source), (size_t)count * sizeof(float));
    for (int i = 0; letters[i]; i++)
        operand[i] = letters[i] == result || letters[i] == source ? shared : operand_of(c, letters[i]);
    restart_gradients(c);      /* parameter gradients are added to once more */
    call_kernel(&f, kernel, c->problem.a, operand);
    close_frame(&f);
    if (result == 'y')
        cr_assert(memcmp(shared, c->output, (size_t)count * sizeof(float)) == 0, "%s differs in place", kernels[kernel].name);
    else {
        run(c, kernel, letters, -1);
        cr_assert(memcmp(shared, c->gradient[0], (size_t)count * sizeof(float)) == 0, "%s differs in place", kernels[kernel].name);
    }
    free(shared);
}

static int has_gradient(const Check *c, int input) { return strchr("xwf", c->layer->roles[input]) != NULL; }

void check_layer(const Layer *layer, const MmlValue *a, Setting setting) {
    TestFrame labels;
    open_frame(&labels, setting, layer->forward, a);
    Check c;
    open_check(&c, layer, a, setting, labels.labels);
    check_forward(&c);
    run(&c, layer->backward, layer->backward_operands, -1);
    for (int n = 0; n < c.inputs; n++)
        if (has_gradient(&c, n)) check_gradient(&c, n);
    check_again(&c, -1);
    for (int n = 0; n < c.inputs; n++)
        if (has_gradient(&c, n)) check_again(&c, n);
    if (layer->in_place) {
        check_over(&c, layer->backward, layer->backward_operands, 'A', 'd', c.count[0]);
        check_over(&c, layer->forward, layer->forward_operands, 'y', '0', c.count[0]);
    }
    close_check(&c);
    close_frame(&labels);
}
