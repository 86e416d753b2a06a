/* The tiny two-modality model of fixtures/methods.json, put together from
 * kernels: h = tanh(x W + b), fused and unimodal logits, cross-entropies, and
 * SGD steps. The fixtures come from automatic differentiation in double. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness.h"

enum { SAMPLES = 4, CLASSES = 3, INPUTS = 3, WIDTH = 2, PARAMETERS = 10, FLOATS = 49 };

static const struct { const char *name; i64 offset, count; } table[PARAMETERS] = {
    {"enc_a.W", 0, 6}, {"enc_a.b", 6, 2}, {"enc_v.W", 8, 6}, {"enc_v.b", 14, 2}, {"fuse.W", 16, 12},
    {"fuse.b", 28, 3}, {"head_a.W", 31, 6}, {"head_a.b", 37, 3}, {"head_v.W", 40, 6}, {"head_v.b", 46, 3},
};
enum { ENCODER_A = 0, ENCODER_V = 2, FUSION = 4, HEAD_A = 6, HEAD_V = 8 };

typedef struct {
    TestFrame f;
    float     p[FLOATS], g[FLOATS], velocity[FLOATS], x[2][SAMPLES * INPUTS], before[2][SAMPLES * WIDTH];
    float     h[2][SAMPLES * WIDTH], joined[SAMPLES * 2 * WIDTH], logits[3][SAMPLES * CLASSES];     /* a, v, fused */
    float     probability[3][SAMPLES * CLASSES], loss[3];
} Model;

static json_t *fixture;

static json_t *case_of(const char *id) {
    if (!fixture) fixture = json_load_file(MML_SHARED_DIR "/fixtures/methods.json", 0, NULL);
    if (!fixture) skip_without("shared/fixtures/methods.json");
    json_t *item;
    size_t index;
    json_array_foreach(json_object_get(fixture, "cases"), index, item)
        if (strcmp(json_string_value(json_object_get(item, "id")), id) == 0) return item;
    cr_assert_fail("no case %s", id);
    return NULL;
}

/* Nested lists, row by row. */
static int flatten(const json_t *value, double *to) {
    if (!json_is_array(value)) {
        *to = json_number_value(value);
        return 1;
    }
    int count = 0;
    for (size_t i = 0; i < json_array_size(value); i++) count += flatten(json_array_get(value, i), to + count);
    return count;
}

static void fill(float *to, json_t *value, i64 count) {
    double numbers[64];
    cr_assert_eq(flatten(value, numbers), count);
    for (i64 i = 0; i < count; i++) to[i] = (float)numbers[i];
}

/* The tolerance that the project states for fixtures in single precision. */
static void agree(const float *got, json_t *want, i64 count, const char *id, const char *name) {
    double numbers[64];
    cr_assert_eq(flatten(want, numbers), count, "%s %s", id, name);
    for (i64 i = 0; i < count; i++)
        cr_assert(fabs((double)got[i] - numbers[i]) <= 1e-6 + 1e-5 * fabs(numbers[i]), "%s: %s[%ld] is %.9g, not %.9g", id, name,
                  (long)i, (double)got[i], numbers[i]);
}

static void open_model(Model *m, const char *any_case) {
    case_of(any_case);
    json_t *base = json_object_get(fixture, "base"), *data = json_object_get(base, "data"), *params = json_object_get(base, "params");
    memset(m, 0, sizeof *m);
    open_frame(&m->f, (Setting){.batch = SAMPLES, .capacity = SAMPLES, .threads = 2}, KERNEL_linear_backward, NULL);
    for (int i = 0; i < PARAMETERS; i++) fill(m->p + table[i].offset, json_object_get(params, table[i].name), table[i].count);
    fill(m->x[0], json_object_get(data, "x_a"), SAMPLES * INPUTS);
    fill(m->x[1], json_object_get(data, "x_v"), SAMPLES * INPUTS);
    for (size_t i = 0; i < SAMPLES; i++) m->f.labels[i] = json_integer_value(json_array_get(json_object_get(data, "y"), i));
}

static void close_model(Model *m) {
    close_frame(&m->f);
    json_decref(fixture);
    fixture = NULL;
}

static const MmlValue encoder[] = {INT(INPUTS), INT(WIDTH), INT(INPUTS), REAL(1)};
static const MmlValue head[] = {INT(WIDTH), INT(CLASSES), INT(WIDTH), REAL(1)};
static const MmlValue fusion[] = {INT(2 * WIDTH), INT(CLASSES), INT(2 * WIDTH), REAL(1)};
static const MmlValue join[] = {INT(2), INT(WIDTH), INT(WIDTH)};
static const MmlValue squash[] = {INT(WIDTH), REAL(0), REAL(0)};
static const MmlValue classes[] = {INT(CLASSES)};

static float *parameter(Model *m, int index) { return m->p + table[index].offset; }
static float *gradient(Model *m, int index)  { return m->g + table[index].offset; }

static void forward(Model *m) {
    for (int i = 0; i < 2; i++) {
        call_kernel(&m->f, KERNEL_linear_forward, encoder,
                    (float *[]){m->x[i], parameter(m, 2 * i), parameter(m, 2 * i + 1), m->before[i]});
        call_kernel(&m->f, KERNEL_tanh_forward, squash, (float *[]){m->before[i], m->h[i]});
        call_kernel(&m->f, KERNEL_linear_forward, head,
                    (float *[]){m->h[i], parameter(m, HEAD_A + 2 * i), parameter(m, HEAD_A + 2 * i + 1), m->logits[i]});
    }
    call_kernel(&m->f, KERNEL_concat_forward, join, (float *[]){m->joined, m->h[0], m->h[1]});
    call_kernel(&m->f, KERNEL_linear_forward, fusion,
                (float *[]){m->joined, parameter(m, FUSION), parameter(m, FUSION + 1), m->logits[2]});
    for (int i = 0; i < 3; i++)
        call_kernel(&m->f, KERNEL_ce_forward, classes, (float *[]){m->logits[i], NULL, &m->loss[i], m->probability[i]});
}

/* Adds the gradient of weight[0] * L_a + weight[1] * L_v + weight[2] * L_fused. */
static void backward(Model *m, const float *weight) {
    float dz[3][SAMPLES * CLASSES], from_fusion[SAMPLES * 2 * WIDTH], dh[2][SAMPLES * WIDTH], own[SAMPLES * WIDTH];
    for (int i = 0; i < 3; i++)
        call_kernel(&m->f, KERNEL_ce_backward, classes, (float *[]){(float[]){weight[i]}, m->probability[i], NULL, dz[i]});
    call_kernel(&m->f, KERNEL_linear_backward, fusion,
                (float *[]){dz[2], m->joined, parameter(m, FUSION), from_fusion, gradient(m, FUSION), gradient(m, FUSION + 1)});
    call_kernel(&m->f, KERNEL_concat_backward, join, (float *[]){from_fusion, dh[0], dh[1]});
    for (int i = 0; i < 2; i++) {
        call_kernel(&m->f, KERNEL_linear_backward, head,
                    (float *[]){dz[i], m->h[i], parameter(m, HEAD_A + 2 * i), own, gradient(m, HEAD_A + 2 * i), gradient(m, HEAD_A + 2 * i + 1)});
        call_kernel(&m->f, KERNEL_accumulate, (MmlValue[]){INT(WIDTH), INT(0)}, (float *[]){own, dh[i]});
        call_kernel(&m->f, KERNEL_tanh_backward, squash, (float *[]){dh[i], m->before[i], m->h[i], dh[i]});
        call_kernel(&m->f, KERNEL_linear_backward, encoder,
                    (float *[]){dh[i], m->x[i], parameter(m, 2 * i), NULL, gradient(m, 2 * i), gradient(m, 2 * i + 1)});
    }
}

Test(fixtures, features_logits_and_losses_agree) {
    Model m;
    open_model(&m, "base.forward");
    json_t *want = json_object_get(case_of("base.forward"), "expected");
    forward(&m);
    agree(m.h[0], json_object_get(want, "h_a"), SAMPLES * WIDTH, "base.forward", "h_a");
    agree(m.h[1], json_object_get(want, "h_v"), SAMPLES * WIDTH, "base.forward", "h_v");
    static const char *const logits[] = {"logits_a", "logits_v", "logits"}, *const losses[] = {"loss_a", "loss_v", "loss"};
    for (int i = 0; i < 3; i++) {
        agree(m.logits[i], json_object_get(want, logits[i]), SAMPLES * CLASSES, "base.forward", logits[i]);
        agree(&m.loss[i], json_object_get(want, losses[i]), 1, "base.forward", losses[i]);
    }
    close_model(&m);
}

/* s_m = W[:, block m] h_m + b / 2: rows of the fused weights, half the bias. */
Test(fixtures, split_logits_come_from_a_block_of_the_fused_weights) {
    Model m;
    open_model(&m, "base.forward");
    json_t *want = json_object_get(case_of("base.forward"), "expected");
    forward(&m);
    static const MmlValue block[] = {INT(WIDTH), INT(CLASSES), INT(2 * WIDTH), REAL(0.5)};
    static const char *const names[] = {"split_a", "split_v"};
    for (int i = 0; i < 2; i++) {
        float split[SAMPLES * CLASSES];
        call_kernel(&m.f, KERNEL_linear_forward, block,
                    (float *[]){m.h[i], parameter(&m, FUSION) + i * WIDTH, parameter(&m, FUSION + 1), split});
        agree(split, json_object_get(want, names[i]), SAMPLES * CLASSES, "base.forward", names[i]);
    }
    close_model(&m);
}

Test(fixtures, gradients_of_each_loss_agree) {
    static const struct { const char *name; float weight[3]; } losses[] = {
        {"grad_loss_a", {1, 0, 0}}, {"grad_loss_v", {0, 1, 0}}, {"grad_loss", {0, 0, 1}},
    };
    Model m;
    open_model(&m, "base.forward");
    forward(&m);
    for (int i = 0; i < 3; i++) {
        json_t *want = json_object_get(json_object_get(case_of("base.forward"), "expected"), losses[i].name);
        memset(m.g, 0, sizeof m.g);
        backward(&m, losses[i].weight);
        for (int p = 0; p < PARAMETERS; p++)
            agree(gradient(&m, p), json_object_get(want, table[p].name), table[p].count, losses[i].name, table[p].name);
    }
    close_model(&m);
}

/* A parameter that no loss reaches is left out of the step. */
static int reached(int parameter_index, const float *weight) {
    if (parameter_index >= HEAD_A) return weight[(parameter_index - HEAD_A) / 2] > 0;
    return weight[2] > 0 || (parameter_index < FUSION && weight[parameter_index / 2] > 0);
}

static void check_steps(const char *id, const float *weight) {
    Model m;
    open_model(&m, id);
    json_t *want = json_object_get(case_of(id), "expected"), *hyper = json_object_get(case_of(id), "hyper");
    MmlOptimizer sgd = {.kind = MML_SGD, .lr = json_number_value(json_object_get(hyper, "lr")),
                        .momentum = json_number_value(json_object_get(hyper, "momentum")),
                        .weight_decay = json_number_value(json_object_get(hyper, "weight_decay"))};
    for (i64 step = 0; step < 2; step++) {
        forward(&m);
        float loss = weight[0] * m.loss[0] + weight[1] * m.loss[1] + weight[2] * m.loss[2];
        agree(&loss, json_array_get(json_object_get(want, "losses"), (size_t)step), 1, id, "loss");
        memset(m.g, 0, sizeof m.g);
        backward(&m, weight);
        for (int p = 0; p < PARAMETERS; p++)
            if (reached(p, weight))
                mml_optimizer_step(&sgd, table[p].count, step, parameter(&m, p), gradient(&m, p),
                                   m.velocity + table[p].offset, NULL);
    }
    for (int p = 0; p < PARAMETERS; p++)
        agree(parameter(&m, p), json_object_get(json_object_get(want, "params_after"), table[p].name), table[p].count, id, table[p].name);
    close_model(&m);
}

Test(fixtures, two_steps_of_one_modality_alone_agree)    { check_steps("step.unimodal_a", (float[]){1, 0, 0}); }
Test(fixtures, two_steps_of_both_modalities_alone_agree) { check_steps("step.stage1_both", (float[]){1, 1, 0}); }
Test(fixtures, two_steps_of_the_fused_loss_agree)        { check_steps("step.concat", (float[]){0, 0, 1}); }
Test(fixtures, two_steps_of_all_losses_agree)            { check_steps("step.uniform", (float[]){1, 1, 1}); }
Test(fixtures, two_steps_of_weighted_losses_agree)       { check_steps("step.uniform_code06", (float[]){0.6f, 0.6f, 1}); }
