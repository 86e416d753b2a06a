/* Compiled steps and the optimiser against fixtures/methods.json: step.*, fusion.heads. */
#include <math.h>
#include <string.h>
#include "compiled.h"

static const char base_program[] =
    "use methods\n"
    "data files = csv(\"a.csv\", \"v.csv\", label = last, test = every(4, 3))\n"
    "modality a : vector[3] { input = files.a\n encoder = linear(2) -> tanh }\n"
    "modality v : vector[3] { input = files.v\n encoder = linear(2) -> tanh }\n"
    "target kind : class[3] = files.label\n"
    "fusion = concat -> linear(classes)\n"
    "train { batch = 4\n optimizer = sgd(lr = 0.1, momentum = 0.9, weight_decay = 1e-4)\n"
    "  stage unimodal { epochs = 1 }\n"
    "  stage concat { kind = joint\n epochs = 1\n method = concat() }\n"
    "  stage uniform { kind = joint\n epochs = 1\n method = uniform() }\n"
    "  stage code { kind = joint\n epochs = 1\n method = uniform(share = 0.6) } }\n";

/* The fixture's names of the parameters. */
static const struct { const char *fixture, *name; } names[] = {
    {"enc_a.W", "encoder.a.0.weight"}, {"enc_a.b", "encoder.a.0.bias"}, {"enc_v.W", "encoder.v.0.weight"}, {"enc_v.b", "encoder.v.0.bias"},
    {"fuse.W", "fusion.weight"},       {"fuse.b", "fusion.bias"},       {"head_a.W", "head.a.weight"},     {"head_a.b", "head.a.bias"},
    {"head_v.W", "head.v.weight"},     {"head_v.b", "head.v.bias"},
};
#define NAMES (sizeof names / sizeof *names)

static i64 flatten(const json_t *nested, double *out) {
    if (!json_is_array(nested)) {
        *out = json_number_value(nested);
        return 1;
    }
    i64 count = 0;
    for (size_t i = 0; i < json_array_size(nested); i++) count += flatten(json_array_get(nested, i), out + count);
    return count;
}

static void load(float *to, const json_t *nested) {
    double values[64];
    i64 count = flatten(nested, values);
    for (i64 i = 0; i < count; i++) to[i] = (float)values[i];
}

static void near(double x, double reference, const char *what, i64 index) {
    cr_expect(fabs(x - reference) <= 1e-6 + 1e-5 * fabs(reference), "%s[%lld]: %.9g, and the fixture has %.9g", what, (long long)index, x, reference);
}

static void compare(const float *values, const json_t *nested, const char *what) {
    double expected[64];
    i64 count = flatten(nested, expected);
    for (i64 i = 0; i < count; i++) near(values[i], expected[i], what, i);
}

static Bench base_bench(const Compiled *c, const MmlStep *step, json_t *root) {
    Bench b = bench_new(c, step, 4, 4, 1);
    const json_t *base = json_object_get(root, "base"), *data = json_object_get(base, "data"), *parameters = json_object_get(base, "params");
    load(b.inputs[0], json_object_get(data, "x_a"));
    load(b.inputs[1], json_object_get(data, "x_v"));
    for (int i = 0; i < 4; i++) b.labels[i] = json_integer_value(json_array_get(json_object_get(data, "y"), (size_t)i));
    for (size_t i = 0; i < NAMES; i++)
        load(b.frame.parameters + parameter_named(c->experiment, names[i].name)->offset, json_object_get(parameters, names[i].fixture));
    return b;
}

static void optimize(Bench *b, float *momentum, int update) {
    const MmlOptimizer sgd = {.kind = MML_SGD, .lr = 0.1, .momentum = 0.9, .weight_decay = 1e-4};
    for (i64 p = 0; p < b->experiment->parameter_count; p++) {
        const MmlParameter *parameter = &b->experiment->parameters[p];
        if (!b->step->reached[p] || !b->active[parameter->group]) continue;
        mml_optimizer_step(&sgd, parameter->count, update, b->frame.parameters + parameter->offset,
                           b->frame.gradients + parameter->offset, momentum + parameter->offset, NULL);
    }
}

/* Two steps of the stage; only: the one modality that is active, or -1. */
static void check_case(const char *id, const char *stage, int only) {
    json_t *root = fixtures();
    if (!root) return;
    const json_t *expected = json_object_get(fixture_case(root, id), "expected");
    Compiled c = compile("base.mml", base_program);
    const MmlStep *step = NULL;
    for (i64 s = 0; s < c.experiment->stage_count; s++)
        if (!strcmp(c.experiment->stages[s].name, stage)) step = c.experiment->stages[s].train;
    Bench b = base_bench(&c, step, root);
    if (only >= 0) b.forward[1 - only] = b.active[1 - only] = 0;
    float *momentum = MML_NEW(b.memory, float, c.experiment->parameter_floats);
    for (int update = 0; update < 2; update++) {
        bench_run(&b);
        near(b.frame.loss, json_number_value(json_array_get(json_object_get(expected, "losses"), (size_t)update)), "loss", update);
        optimize(&b, momentum, update);
    }
    for (size_t i = 0; i < NAMES; i++)
        compare(b.frame.parameters + parameter_named(c.experiment, names[i].name)->offset,
                json_object_get(json_object_get(expected, "params_after"), names[i].fixture), names[i].fixture);
    bench_free(&b);
    compiled_free(&c);
    json_decref(root);
}

Test(steps, concat_follows_the_fixture)                      { check_case("step.concat", "concat", -1); }
Test(steps, uniform_follows_the_fixture)                     { check_case("step.uniform", "uniform", -1); }
Test(steps, uniform_with_a_share_follows_the_fixture)        { check_case("step.uniform_code06", "code", -1); }
Test(steps, one_modality_alone_follows_the_fixture)          { check_case("step.unimodal_a", "unimodal", 0); }
Test(steps, both_modalities_of_stage_one_follow_the_fixture) { check_case("step.stage1_both", "unimodal", -1); }

/* ---- Fusion heads ---- */

/* The features are the inputs: an empty encoder is the identity. shown[a] and shown[v] are shown by `predict`. */
static const char *heads_program(Arena *arena, const char *fusion, const char *shown) {
    return arena_printf(arena,
        "data files = csv(\"a.csv\", \"v.csv\", label = last, test = every(4, 3))\n"
        "modality a : vector[2] { input = files.a\n encoder = identity }\n"
        "modality v : vector[2] { input = files.v\n encoder = identity }\n"
        "target kind : class[3] = files.label\n"
        "fusion = %s\n"
        "method of_a() { loss = ce(joint)\n predict = %s[a] }\n"
        "method of_v() { loss = ce(joint)\n predict = %s[v] }\n"
        "train { optimizer = sgd(lr = 0.1)\n"
        "  stage first { kind = joint\n epochs = 1\n method = of_a() }\n"
        "  stage second { kind = joint\n epochs = 1\n method = of_v() } }\n", fusion, shown, shown);
}

/* split_a NULL: a fusion without splits. turned: v gets the features of a, and a those of v. */
static void check_heads(const char *fusion, int turned, const char *const (*weights)[2], int count, const char *joint, const char *split_a, const char *split_v) {
    json_t *root = fixtures();
    if (!root) return;
    Arena *arena = arena_new();
    const json_t *at = fixture_case(root, "fusion.heads"), *inputs = json_object_get(at, "inputs"), *expected = json_object_get(at, "expected");
    Compiled c = compile("heads.mml", heads_program(arena, fusion, split_a ? "split" : "head"));
    for (int s = 0; s < 2; s++) {
        Bench b = bench_new(&c, c.experiment->stages[s].evaluate, 2, 2, 1);
        load(b.inputs[turned], json_object_get(inputs, "h_a"));
        load(b.inputs[!turned], json_object_get(inputs, "h_v"));
        for (int i = 0; i < count; i++)
            load(b.frame.parameters + parameter_named(c.experiment, weights[i][0])->offset, json_object_get(inputs, weights[i][1]));
        bench_run(&b);
        compare(b.logits[2], json_object_get(expected, joint), joint);
        if (split_a) compare(b.frame.prediction, json_object_get(expected, s ? split_v : split_a), s ? split_v : split_a);
        bench_free(&b);
    }
    compiled_free(&c);
    arena_free(arena);
    json_decref(root);
}

Test(fusion, concat_and_its_split_follow_the_fixture) {
    static const char *const weights[][2] = {{"fusion.weight", "concat.W"}, {"fusion.bias", "concat.b"}};
    check_heads("concat -> linear(classes)", 0, weights, 2, "concat", "concat_split_a", "concat_split_v");
}

Test(fusion, sum_and_its_split_follow_the_fixture) {
    static const char *const weights[][2] = {
        {"fusion.a.weight", "sum.Wa"}, {"fusion.a.bias", "sum.ba"}, {"fusion.v.weight", "sum.Wv"}, {"fusion.v.bias", "sum.bv"}};
    check_heads("sum(linear(classes))", 0, weights, 4, "sum", "sum_split_a_train", "sum_split_v_train");
}

Test(fusion, film_by_either_modality_follows_the_fixture) {
    static const char *const weights[][2] = {
        {"fusion.film.weight", "film.W"}, {"fusion.film.bias", "film.b"}, {"fusion.weight", "film.Wout"}, {"fusion.bias", "film.bout"}};
    check_heads("film -> linear(classes)", 0, weights, 4, "film", NULL, NULL);
    check_heads("film(by = a) -> linear(classes)", 0, weights, 4, "film", NULL, NULL);
    check_heads("film(by = v) -> linear(classes)", 1, weights, 4, "film", NULL, NULL);
}

Test(fusion, gated_by_either_modality_follows_the_fixture) {
    static const char *const weights[][2] = {
        {"fusion.gated.a.weight", "gated.Wa"}, {"fusion.gated.a.bias", "gated.ba"}, {"fusion.gated.v.weight", "gated.Wv"},
        {"fusion.gated.v.bias", "gated.bv"},   {"fusion.weight", "gated.Wout"},     {"fusion.bias", "gated.bout"}};
    static const char *const turned[][2] = {
        {"fusion.gated.v.weight", "gated.Wa"}, {"fusion.gated.v.bias", "gated.ba"}, {"fusion.gated.a.weight", "gated.Wv"},
        {"fusion.gated.a.bias", "gated.bv"},   {"fusion.weight", "gated.Wout"},     {"fusion.bias", "gated.bout"}};
    check_heads("gated -> linear(classes)", 0, weights, 6, "gated", NULL, NULL);
    check_heads("gated(by = v) -> linear(classes)", 1, turned, 6, "gated", NULL, NULL);
}
