/* Initialisation, optimisers and the score. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

/* ---- initialisation ---- */

#define MANY 40000

static double deviation_for(i64 init, i64 fan_in, i64 fan_out, double *mean) {
    static float values[MANY];
    MmlParameter p = {.count = MANY, .init = init, .fan_in = fan_in, .fan_out = fan_out};
    MmlExperiment experiment = {.parameter_count = 1, .parameters = &p, .parameter_floats = MANY};
    mml_initialise(&experiment, 42, NULL, values, NULL);
    double sum = 0, square = 0;
    for (int i = 0; i < MANY; i++) sum += (double)values[i];
    *mean = sum / MANY;
    for (int i = 0; i < MANY; i++) square += ((double)values[i] - *mean) * ((double)values[i] - *mean);
    return sqrt(square / MANY);
}

/* A deviation from 40,000 draws is within 0.35 % of the true one (one sigma);
 * five of them. The mean is within deviation / 200. */
Test(initialise, draws_normal_weights_with_the_stated_deviation) {
    static const struct { i64 init; double want; } rows[] = {
        {MML_INIT_KAIMING_IN, 0.2}, {MML_INIT_KAIMING_OUT, 0.1}, {MML_INIT_XAVIER, 0.089442719},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double mean, got = deviation_for(rows[i].init, 50, 200, &mean);
        cr_assert_float_eq(got, rows[i].want, 0.018 * rows[i].want);
        cr_assert_float_eq(mean, 0.0, 5 * rows[i].want / 200);
    }
}

static const MmlParameter parameters[] = {
    {.name = "a", .count = 5, .offset = 0, .init = MML_INIT_XAVIER, .fan_in = 2, .fan_out = 3},
    {.name = "b", .count = 3, .offset = 5, .init = MML_INIT_ZERO},
    {.name = "c", .count = 2, .offset = 8, .init = MML_INIT_ONE},
    {.name = "d", .count = 1, .offset = 10, .init = MML_INIT_CONSTANT, .init_value = -0.25},
    {.name = "e", .count = 5, .offset = 11, .init = MML_INIT_XAVIER, .fan_in = 2, .fan_out = 3},
};
static const MmlStatistic statistics[] = {{.count = 2, .offset = 0, .start = 0}, {.count = 2, .offset = 2, .start = 1}};
static const MmlExperiment small = {
    .parameter_count = 5, .parameters = parameters, .parameter_floats = 16,
    .statistic_count = 2, .statistics = statistics, .statistic_floats = 4,
};

Test(initialise, fills_constants_and_statistics) {
    float p[16], s[4], want[] = {0, 0, 0, 1, 1, -0.25f};
    mml_initialise(&small, 1, NULL, p, s);
    cr_assert_arr_eq(p + 5, want, sizeof want);
    cr_assert_arr_eq(s, ((float[]){0, 0, 1, 1}), sizeof s);
}

Test(initialise, repeats_a_seed_and_gives_each_parameter_its_own_stream) {
    float p[16], again[16], other[16], s[4];
    mml_initialise(&small, 1, NULL, p, s);
    mml_initialise(&small, 1, NULL, again, s);
    mml_initialise(&small, 2, NULL, other, s);
    cr_assert_arr_eq(p, again, sizeof p);
    cr_assert_arr_neq(p, other, 5 * sizeof *p);
    cr_assert_arr_neq(p, p + 11, 5 * sizeof *p);
}

/* Parameters of more than one piece, of an odd count, and of none. */
Test(initialise, draws_the_same_alone_by_threads_and_beside_something_else) {
    enum { COUNT = 300001 };
    static const MmlParameter large[] = {
        {.name = "a", .count = 200001, .offset = 0, .init = MML_INIT_KAIMING_IN, .fan_in = 9},
        {.name = "b", .count = 3, .offset = 200001, .init = MML_INIT_ONE},
        {.name = "c", .count = COUNT - 200004, .offset = 200004, .init = MML_INIT_XAVIER, .fan_in = 5, .fan_out = 6},
    };
    static const MmlExperiment experiment = {.parameter_count = 3, .parameters = large, .parameter_floats = COUNT};
    static float alone[COUNT], by_threads[COUNT], beside[COUNT];
    MmlInitialisation *initialisation;
    MmlThreads *threads;
    cr_assert_eq(mml_threads_new(3, &threads), MML_OK);
    mml_initialise(&experiment, 7, NULL, alone, NULL);
    mml_initialise(&experiment, 7, threads, by_threads, NULL);
    cr_assert_eq(mml_initialise_begin(&experiment, 7, threads, beside, NULL, &initialisation), MML_OK);
    mml_initialise_end(initialisation, threads);
    cr_assert_arr_eq(by_threads, alone, sizeof alone);
    cr_assert_arr_eq(beside, alone, sizeof alone);
    MmlRandom stream = mml_random(7, MML_STREAM_INIT, 2, 0);
    mml_random_normals(&stream, sqrt(2.0 / 11), 0, COUNT - 200004, by_threads);
    cr_assert_arr_eq(by_threads, alone + 200004, (COUNT - 200004) * sizeof *alone);
    cr_assert_eq(mml_initialise_begin(&experiment, 7, threads, beside, NULL, &initialisation), MML_OK);
    mml_initialise_abandon(initialisation);
    mml_initialise_end(NULL, threads);
    mml_initialise_abandon(NULL);
    mml_threads_free(threads);
}

/* ---- optimisers ---- */

static const MmlOptimizer sgd = {.kind = MML_SGD, .lr = 0.1, .weight_decay = 0.01, .momentum = 0.9};

/* The case pause.semantics of fixtures/methods.json, whose numbers are also a
 * closed form: g' = g + 0.01 p, v = g', p - 0.1 v; then g' = 0 + 0.01 p, v = 0.9 v + g'. */
Test(optimizer, sgd_follows_the_fixture_of_paused_steps) {
    json_t *fixture = json_load_file(MML_SHARED_DIR "/fixtures/methods.json", 0, NULL);
    if (!fixture) skip_without("shared/fixtures/methods.json");
    json_t *cases = json_object_get(fixture, "cases"), *item, *expected = NULL;
    size_t index;
    json_array_foreach(cases, index, item)
        if (strcmp(json_string_value(json_object_get(item, "id")), "pause.semantics") == 0)
            expected = json_object_get(item, "expected");
    cr_assert_not_null(expected);
    float p[] = {0.5f, -0.2f}, g[] = {0.1f, 0.3f}, zero[] = {0, 0}, velocity[] = {9, 9};
    mml_optimizer_step(&sgd, 2, 0, p, g, velocity, NULL);
    for (size_t i = 0; i < 2; i++)
        cr_assert_float_eq(p[i], json_number_value(json_array_get(json_object_get(expected, "after_step1"), i)), 1e-6);
    mml_optimizer_step(&sgd, 2, 1, p, zero, velocity, NULL);
    for (size_t i = 0; i < 2; i++)
        cr_assert_float_eq(p[i], json_number_value(json_array_get(json_object_get(expected, "after_step2_zero_grad"), i)), 1e-6);
    json_decref(fixture);
}

/* p = 1, g = 1 always, no decay: v = 1, 1.5, 1.75; p falls by 0.1 v. */
Test(optimizer, sgd_adds_up_momentum) {
    MmlOptimizer o = {.kind = MML_SGD, .lr = 0.1, .momentum = 0.5};
    float p = 1, g = 1, velocity = 7;
    for (i64 step = 0; step < 3; step++) mml_optimizer_step(&o, 1, step, &p, &g, &velocity, NULL);
    cr_assert_float_eq(velocity, 1.75, 1e-6);
    cr_assert_float_eq(p, 1 - 0.1 * (1 + 1.5 + 1.75), 1e-6);
}

/* More than a piece of fresh memory: v = g whatever was there, p falls by 0.1 g; then v = 1.5 g. */
Test(optimizer, sgd_forgets_all_memory_of_the_first_update) {
    enum { COUNT = 50001 };
    static float p[COUNT], g[COUNT], velocity[COUNT];
    MmlOptimizer o = {.kind = MML_SGD, .lr = 0.125, .momentum = 0.5};
    for (int i = 0; i < COUNT; i++) {
        g[i] = (float)(i % 1000);
        velocity[i] = NAN;
    }
    mml_optimizer_step(&o, COUNT, 0, p, g, velocity, NULL);
    mml_optimizer_step(&o, COUNT, 1, p, g, velocity, NULL);
    for (int i = 0; i < COUNT; i++) {
        cr_assert_eq(velocity[i], 1.5f * g[i]);
        cr_assert_eq(p[i], -0.3125f * g[i]);
    }
}

/* Nesterov steps by g + 0.5 v: 1.5, 1.75, 1.875. */
Test(optimizer, sgd_looks_ahead_by_nesterov) {
    MmlOptimizer o = {.kind = MML_SGD, .lr = 0.1, .momentum = 0.5, .nesterov = 1};
    float p = 1, g = 1, velocity = 7;
    for (i64 step = 0; step < 3; step++) mml_optimizer_step(&o, 1, step, &p, &g, &velocity, NULL);
    cr_assert_float_eq(p, 1 - 0.1 * (1.5 + 1.75 + 1.875), 1e-6);
}

Test(optimizer, sgd_needs_no_memory_without_momentum) {
    MmlOptimizer o = {.kind = MML_SGD, .lr = 0.5, .weight_decay = 0.1};
    float p = 2, g = 1;
    mml_optimizer_step(&o, 1, 0, &p, &g, NULL, NULL);
    cr_assert_float_eq(p, 2 - 0.5 * (1 + 0.2), 1e-6);
}

/* With a constant gradient both corrected moments are exact: each step is
 * lr * g / (|g| + eps), whatever the betas. */
Test(optimizer, adam_steps_by_the_rate_under_a_constant_gradient) {
    MmlOptimizer o = {.kind = MML_ADAM, .lr = 0.01, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8};
    float p[] = {1, 1}, g[] = {3, -0.002f}, mean[] = {5, 5}, square[] = {5, 5};
    for (i64 step = 0; step < 5; step++) mml_optimizer_step(&o, 2, step, p, g, mean, square);
    cr_assert_float_eq(p[0], 0.95, 1e-5);
    cr_assert_float_eq(p[1], 1.05, 1e-5);
}

/* g = 1, then -1, betas 0.5, no eps: second moments correct to 1; the first
 * ones to 1 and (0.25 - 0.5) / 0.75 = -1/3. */
Test(optimizer, adam_corrects_its_moments_for_their_start) {
    MmlOptimizer o = {.kind = MML_ADAM, .lr = 0.3, .beta1 = 0.5, .beta2 = 0.5};
    float p = 0, g = 1, mean = 0, square = 0;
    mml_optimizer_step(&o, 1, 0, &p, &g, &mean, &square);
    cr_assert_float_eq(p, -0.3, 1e-6);
    g = -1;
    mml_optimizer_step(&o, 1, 1, &p, &g, &mean, &square);
    cr_assert_float_eq(p, -0.3 + 0.1, 1e-6);
}

/* The decay joins the gradient before the moments: p = 2, g = -0.2, decay 0.1 give 0. */
Test(optimizer, adam_couples_its_decay) {
    MmlOptimizer o = {.kind = MML_ADAM, .lr = 0.3, .weight_decay = 0.1, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-3};
    float p = 2, g = -0.2f, mean = 0, square = 0;
    mml_optimizer_step(&o, 1, 0, &p, &g, &mean, &square);
    cr_assert_float_eq(p, 2.0, 1e-4);
}

Test(optimizer, gives_the_same_bits_piece_by_piece) {
    static float p[2][MANY], g[MANY], first[2][MANY], second[2][MANY];
    static const MmlOptimizer optimizers[] = {
        {.kind = MML_SGD, .lr = 0.1, .weight_decay = 1e-4, .momentum = 0.9, .nesterov = 1},
        {.kind = MML_ADAM, .lr = 0.1, .weight_decay = 1e-4, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8},
    };
    for (int o = 0; o < 2; o++) {
        for (int i = 0; i < MANY; i++) p[0][i] = p[1][i] = sinf((float)i), g[i] = cosf((float)i);
        for (i64 step = 0; step < 3; step++) {
            mml_optimizer_step(&optimizers[o], MANY, step, p[0], g, first[0], second[0]);
            for (i64 at = 0, count; at < MANY; at += count) {
                count = MANY - at < 16 * 37 ? MANY - at : 16 * 37;
                mml_optimizer_step(&optimizers[o], count, step, p[1] + at, g + at, first[1] + at, second[1] + at);
            }
        }
        cr_assert_arr_eq(p[0], p[1], sizeof p[0]);
    }
}

/* ---- score ---- */

/* z = (0, log 3): p = (1/4, 3/4). */
Test(score, gives_mean_cross_entropy_and_right_predictions) {
    float z[] = {0, logf(3), 0, logf(3), logf(3), 0};
    i64 labels[] = {1, 0, 0}, right;
    double loss;
    mml_score(z, labels, 3, 2, &loss, &right);
    cr_assert_eq(right, 2);
    cr_assert_float_eq(loss, (2 * log(4.0 / 3) + log(4)) / 3, 1e-6);
}

Test(score, lets_the_first_of_equal_logits_win) {
    float z[] = {1, 1, 0, 1, 1, 0};
    i64 labels[] = {0, 1}, right;
    double loss;
    mml_score(z, labels, 2, 3, &loss, &right);
    cr_assert_eq(right, 1);
}

Test(score, counts_nan_as_wrong) {
    float z[] = {NAN, NAN, NAN};
    i64 label = 0, right;
    double loss;
    mml_score(z, &label, 1, 3, &loss, &right);
    cr_assert_eq(right, 0);
    cr_assert(isnan(loss));
}
