/* Learning rates and the optimiser's part of a step. */
#include "train/schedule.h"
#include "train/update.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static json_t *fixture(const char *id, json_t **all) {
    *all = json_load_file(MML_SHARED_DIR "/fixtures/methods.json", 0, NULL);
    if (!*all) {
        printf("skipped: no ../shared/fixtures/methods.json\n");
        return NULL;
    }
    size_t i;
    json_t *entry;
    json_array_foreach(json_object_get(*all, "cases"), i, entry)
        if (!strcmp(json_string_value(json_object_get(entry, "id")), id)) return entry;
    cr_assert_fail("no case %s", id);
    return NULL;
}

static double number(const json_t *object, const char *key) { return json_number_value(json_object_get(object, key)); }

static double at_epoch(const MmlSchedule *schedule, double rate, i64 epochs) {
    return mml_schedule_rate(schedule, rate, (MmlClock){epochs, epochs * 10}, 10);
}

Test(schedule, steps_as_the_fixture_says) {
    json_t *all, *entry = fixture("schedule.steplr", &all);
    if (!entry) return;
    const json_t *inputs = json_object_get(entry, "inputs"), *rates = json_object_get(json_object_get(entry, "expected"),
            "lr"), *epoch;
    MmlSchedule schedule = {.kind = MML_STEP_RATE, .length = {(i64)number(inputs, "step"), 0}, .gamma = number(inputs, "ratio")};
    size_t i;
    json_array_foreach(json_object_get(inputs, "epochs"), i, epoch) {
        double expected = json_number_value(json_array_get(rates, i));
        cr_assert_float_eq(at_epoch(&schedule, number(inputs, "lr0"), json_integer_value(epoch)), expected, 1e-12 * expected + 1e-18);
    }
    json_decref(all);
}

Test(schedule, cosine_goes_from_the_rate_to_the_floor_and_stays_there) {
    MmlSchedule schedule = {.kind = MML_COSINE_RATE, .length = {8, 0}, .floor = 0.2};
    cr_assert_float_eq(at_epoch(&schedule, 1, 0), 1, 1e-15);
    cr_assert_float_eq(at_epoch(&schedule, 1, 4), 0.6, 1e-15);
    cr_assert_float_eq(at_epoch(&schedule, 1, 2), 0.2 + 0.8 * (1 + sqrt(0.5)) / 2, 1e-15);
    cr_assert_float_eq(at_epoch(&schedule, 1, 8), 0.2, 1e-15);
    cr_assert_float_eq(at_epoch(&schedule, 1, 30), 0.2, 1e-15);
}

Test(schedule, lengths_in_steps_follow_the_batches) {
    MmlSchedule schedule = {.kind = MML_STEP_RATE, .length = {5, 1}, .gamma = 0.5};
    cr_assert_eq(mml_schedule_rate(&schedule, 1, (MmlClock){0, 4}, 10), 1);
    cr_assert_eq(mml_schedule_rate(&schedule, 1, (MmlClock){0, 5}, 10), 0.5);
    cr_assert_eq(mml_schedule_rate(&schedule, 1, (MmlClock){1, 10}, 10), 0.25);
}

Test(schedule, warms_up_in_a_line_and_then_starts_the_other_clock) {
    MmlSchedule schedule = {.kind = MML_STEP_RATE, .length = {2, 0}, .gamma = 0.1, .warmup = {2, 0}};
    cr_assert_float_eq(mml_schedule_rate(&schedule, 1, (MmlClock){0, 0}, 10), 1 / 20.0, 1e-15);
    cr_assert_float_eq(mml_schedule_rate(&schedule, 1, (MmlClock){1, 19}, 10), 1, 1e-15);
    cr_assert_float_eq(at_epoch(&schedule, 1, 2), 1, 1e-15);
    cr_assert_float_eq(at_epoch(&schedule, 1, 3), 1, 1e-15);
    cr_assert_float_eq(at_epoch(&schedule, 1, 4), 0.1, 1e-15);
}

Test(schedule, constant_is_constant) {
    MmlSchedule schedule = {.kind = MML_CONSTANT_RATE};
    cr_assert_eq(at_epoch(&schedule, 0.3, 1000), 0.3);
}

/* ---- Updates ---- */

/* Two groups of one parameter of two numbers each, and a fusion's. */
typedef struct {
    MmlExperiment experiment;
    MmlParameter  parameters[3];
    MmlStage      stage;
    MmlStageSettings settings;
    MmlModel      model;
    float         values[48], gradients[48], first[48], second[48];
    i64           updates[3];
} Bench;

static void open_bench(Bench *b, MmlStageKind kind) {
    *b = (Bench){.stage = {.kind = kind}};
    for (int p = 0; p < 3; p++) b->parameters[p] = (MmlParameter){.name = "w", .group = p, .count = 2, .offset = 16 * p};
    b->experiment = (MmlExperiment){.modality_count = 2, .parameter_count = 3, .parameters = b->parameters, .parameter_floats = 48};
    b->settings.stage = &b->stage;
    b->model = (MmlModel){.experiment = &b->experiment, .parameters = b->values, .gradients = b->gradients, .first = b->first,
                          .second = b->second, .updates = b->updates};
}

static void update(Bench *b, i64 first, i64 second, i64 fusion) {
    static const i64 reached[] = {1, 1, 1};
    double lr = b->settings.optimizer.lr, rates[] = {lr, lr, lr};
    mml_update(&b->model, &b->settings, reached, (i64[]){first, second, fusion}, rates, NULL);
}

static void set_pair(float *values, const json_t *pair) {
    for (size_t i = 0; i < 2; i++) values[i] = (float)json_number_value(json_array_get(pair, i));
}

static void expect_pair(const float *values, const json_t *pair) {
    for (size_t i = 0; i < 2; i++) {
        double expected = json_number_value(json_array_get(pair, i));
        cr_assert_float_eq(values[i], expected, 1e-6 + 1e-5 * fabs(expected));
    }
}

/* moves: what the second step does to the paused group. */
static void expect_pause(i64 moves, const char *key) {
    json_t *all, *entry = fixture("pause.semantics", &all);
    if (!entry) return;
    const json_t *inputs = json_object_get(entry, "inputs"), *hyper = json_object_get(entry,
            "hyper"), *expected = json_object_get(entry, "expected");
    Bench b;
    open_bench(&b, MML_STAGE_UNIMODAL);
    b.settings.optimizer = (MmlOptimizer){.kind = MML_SGD, .lr = number(hyper, "lr"), .momentum = number(hyper, "momentum"),
                                          .weight_decay = number(hyper, "weight_decay")};
    set_pair(b.values, json_object_get(inputs, "p"));
    set_pair(b.gradients, json_object_get(inputs, "g"));
    update(&b, 1, 0, 0);
    expect_pair(b.values, json_object_get(expected, "after_step1"));
    update(&b, moves, 1, 0);
    expect_pair(b.values, json_object_get(expected, key));
    json_decref(all);
}

Test(update, a_paused_group_stands_still)                     { expect_pause(0, "after_step2_skip"); }
Test(update, a_paused_group_may_move_by_a_gradient_of_zero)   { expect_pause(2, "after_step2_zero_grad"); }

Test(update, what_the_loss_does_not_reach_is_left_out) {
    Bench b;
    open_bench(&b, MML_STAGE_JOINT);
    b.settings.optimizer = (MmlOptimizer){.kind = MML_SGD, .lr = 0.1, .weight_decay = 0.5};
    for (int i = 0; i < 48; i++) b.values[i] = 1;
    double rates[] = {0.1, 0.1, 0.1};
    mml_update(&b.model, &b.settings, (i64[]){1, 0, 1}, (i64[]){1, 1, 1}, rates, NULL);
    cr_assert_float_eq(b.values[0], 0.95f, 1e-7);
    cr_assert_eq(b.values[16], 1, "no decay either");
    cr_assert_eq(b.updates[0], 1);
    cr_assert_eq(b.updates[1], 0);
}

Test(update, each_group_has_its_rate) {
    Bench b;
    open_bench(&b, MML_STAGE_UNIMODAL);
    b.settings.optimizer = (MmlOptimizer){.kind = MML_SGD, .lr = 9};
    b.gradients[0] = b.gradients[16] = 1;
    mml_update(&b.model, &b.settings, (i64[]){1, 1, 0}, (i64[]){1, 1, 0}, (double[]){0.5, 0.25, 0}, NULL);
    cr_assert_eq(b.values[0], -0.5f);
    cr_assert_eq(b.values[16], -0.25f);
}

/* Gradients (3, 0) and (0, 4): norm 5 together, 3 and 4 apart. */
Test(update, clips_the_norm_of_all_groups_in_a_joint_stage_and_of_each_in_a_unimodal_one) {
    Bench b;
    open_bench(&b, MML_STAGE_JOINT);
    b.settings.optimizer = (MmlOptimizer){.kind = MML_SGD, .lr = 1};
    b.settings.clip = 1;
    b.gradients[0] = 3;
    b.gradients[17] = 4;
    update(&b, 1, 1, 0);
    cr_assert_float_eq(b.values[0], -0.6, 1e-5);
    cr_assert_float_eq(b.values[17], -0.8, 1e-5);
    open_bench(&b, MML_STAGE_UNIMODAL);
    b.settings.optimizer = (MmlOptimizer){.kind = MML_SGD, .lr = 1};
    b.settings.clip = 1;
    b.gradients[0] = 3;
    b.gradients[17] = 0.5f;
    update(&b, 1, 1, 0);
    cr_assert_float_eq(b.values[0], -1, 1e-5);
    cr_assert_float_eq(b.values[17], -0.5, 1e-6, "a norm below the clip stays");
}

/* Loshchilov and Hutter: p <- p (1 - lr wd), then Adam's first step, of size lr. */
Test(update, adamw_decays_apart_from_the_gradient) {
    Bench b;
    open_bench(&b, MML_STAGE_JOINT);
    b.settings.optimizer = (MmlOptimizer){.kind = MML_ADAM, .lr = 0.1, .weight_decay = 0.5, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8};
    b.settings.decoupled = 1;
    b.values[0] = 2;
    b.gradients[0] = 7;
    update(&b, 1, 0, 0);
    cr_assert_float_eq(b.values[0], 2 * 0.95 - 0.1, 1e-6);
}
