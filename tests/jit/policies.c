/* The library's policies, compiled, in the trainer's stage loop: the traces stage1.* of fixtures/methods.json. */
#include <math.h>
#include <string.h>
#include "compiled.h"
#include "train/stage.h"

static const char *program(Arena *arena, const char *policy, const char *when) {
    return arena_printf(arena,
        "use policies, methods\n"
        "param lengths : epochs[modalities] = each(one = 2 epochs, two = 5 epochs)\n"
        "data files = csv(\"a.csv\", \"b.csv\", label = last, test = every(4, 3))\n"
        "modality one : vector[3] { input = files.a\n encoder = linear(2) }\n"
        "modality two : vector[3] { input = files.b\n encoder = linear(2) }\n"
        "target kind : class[3] = files.label\n"
        "fusion = concat -> linear(classes)\n"
        "train { optimizer = sgd(lr = 0.1)\n"
        "  stage unimodal { epochs = 40\n probe = pid(every = 5 epochs, when = %s, bins = quantile(3))\n policy = %s }\n"
        "  stage joint { epochs = 1 } }\n", when, policy);
}

/* What the loop did, beside what the fixture says. */
typedef struct {
    const json_t  *probes;
    size_t         next;
    double         unique[2], mutual[2];
    MmlStageState *state;
    char           active[64][8];       /* of each trained epoch: "12", "2" …  */
    int            probe[64];           /* taken in that epoch, -1: none        */
    int            epochs;
} Trace;

static double number(const json_t *probe, const char *key) { return json_number_value(json_object_get(probe, key)); }

static void active_text(const MmlStageState *state, char *out) {
    int count = 0;
    for (int m = 0; m < 2; m++)
        if (state->active[m]) out[count++] = (char)('1' + m);
    out[count] = 0;
}

static Status measure(void *context, i64 measurement, i64 epoch, MmlProbe *out) {
    Trace *t = context;
    const json_t *probe = json_array_get(t->probes, t->next);
    cr_assert_not_null(probe, "more probes than the fixture has");
    t->unique[0] = number(probe, "U1");
    t->unique[1] = number(probe, "U2");
    t->mutual[0] = number(probe, "I1");
    t->mutual[1] = number(probe, "I2");
    *out = (MmlProbe){.epoch = epoch, .synergy = number(probe, "S"), .unique = t->unique, .mutual = t->mutual};
    t->probe[epoch] = (int)t->next++;
    return MML_OK;
}

static Status decided(void *context, i64 measurement, i64 epoch, const MmlRule *rule, const MmlRuleLog *log) { return MML_OK; }

static Status train(void *context, i64 epoch, MmlEpoch *out) {
    Trace *t = context;
    active_text(t->state, t->active[epoch]);
    t->epochs = (int)epoch;
    return MML_OK;
}

static Status evaluate(void *context, i64 epoch, MmlEpoch *out) { return MML_OK; }
static Status save(void *context) { return MML_OK; }

/* Runs the compiled policy over the probes; returns how the stage ended. */
static Trace run(Compiled *c, const json_t *probes, i64 epochs, int after, MmlStageState *state) {
    Trace t = {.probes = probes, .state = state};
    memset(t.probe, -1, sizeof t.probe);
    MmlRuleLog log = {.arena = c->memory, .modalities = c->experiment->modalities};
    MmlMeasureTime time = {.every = 5, .after = after};
    MmlStagePlan plan = {.stage = &c->experiment->stages[0], .modalities = 2, .epochs = epochs, .times = &time,
                         .settings = c->settings.values, .text = c->settings.text, .arena = c->memory, .log = &log};
    MmlStageActions actions = {.context = &t, .measure = measure, .decided = decided, .train = train, .evaluate = evaluate, .save = save};
    cr_assert_eq(mml_stage_state_new(&plan, state), MML_OK);
    cr_assert_eq(mml_stage_begin(&plan, state, &actions), MML_OK, "%s", mml_message());
    cr_assert_eq(mml_stage_run(&plan, state, &actions), MML_OK, "%s", mml_message());
    return t;
}

static void expected_active(const json_t *active, char *out) {
    int count = 0;
    for (size_t i = 0; i < json_array_size(active); i++) out[count++] = (char)('0' + json_integer_value(json_array_get(active, i)));
    out[count] = 0;
}

static void compare(const json_t *expected, const Trace *t, const MmlStageState *state) {
    const json_t *trace = json_object_get(expected, "trace");
    for (size_t i = 0; i < json_array_size(trace); i++) {
        const json_t *row = json_array_get(trace, i), *probe = json_object_get(row, "probe");
        int epoch = (int)json_integer_value(json_object_get(row, "epoch"));
        char active[8], at_end[8];
        expected_active(json_object_get(row, "active"), active);
        cr_expect_eq(t->probe[epoch], json_is_null(probe) ? -1 : (int)json_integer_value(probe), "epoch %d: probe %d", epoch, t->probe[epoch]);
        if (!strcmp(json_string_value(json_object_get(row, "action")), "train")) {
            cr_expect_str_eq(t->active[epoch], active, "epoch %d trains %s, not %s", epoch, t->active[epoch], active);
            continue;
        }
        cr_expect_eq(t->epochs, epoch - 1, "the stage ended after epoch %d, not %d", t->epochs, epoch - 1);
        active_text(state, at_end);
        if (*active) cr_expect_str_eq(at_end, active);
    }
    const json_t *trained = json_object_get(expected, "epochs_trained");
    cr_expect_eq(state->trained[0], json_integer_value(json_object_get(trained, "1")));
    cr_expect_eq(state->trained[1], json_integer_value(json_object_get(trained, "2")));
}

static void check(const char *id, const char *policy, int after, const char *reason) {
    json_t *root = fixtures();
    if (!root) return;
    Arena *arena = arena_new();
    const json_t *at = fixture_case(root, id), *hyper = json_object_get(at, "hyper");
    const json_t *most = json_object_get(hyper, "max_epochs");
    if (!most) most = json_object_get(hyper, "max_unimodal_epochs");
    Compiled c = compile("policy.mml", program(arena, policy, after ? "after" : "before"));
    MmlStageState state;
    Trace t = run(&c, json_object_get(json_object_get(at, "inputs"), "probes"), json_integer_value(most), after, &state);
    compare(json_object_get(at, "expected"), &t, &state);
    cr_expect_str_eq(state.reason, reason);
    compiled_free(&c);
    arena_free(arena);
    json_decref(root);
}

Test(policies, fastpid_at_its_defaults_follows_algorithm_1) { check("stage1.paper_defaults", "fastpid()", 0, "synergy fell to 0.27 from its peak 0.3"); }
Test(policies, fastpid_at_the_best_values_follows_algorithm_1) { check("stage1.paper_best", "fastpid(tau = 1.5, lambda = 0.8)", 0, "synergy fell to 0.23 from its peak 0.3"); }
Test(policies, an_infinite_ratio_never_pauses) { check("stage1.paper_tau_inf", "fastpid(tau = inf, lambda = 0.8)", 0, "synergy fell to 0.23 from its peak 0.3"); }
Test(policies, official_follows_the_published_code) { check("stage1.code", "official()", 1, "the modality that trains has changed 2 times"); }
Test(policies, official_leaves_after_two_switches) { check("stage1.code_two_switches", "official()", 1, "the modality that trains has changed 2 times"); }
Test(policies, uniqueness_runs_for_all_its_epochs) { check("stage1.uniqueness_only", "uniqueness(tau = 1.5)", 0, "all 35 epochs trained"); }
Test(policies, mi_ratio_runs_for_all_its_epochs) { check("stage1.mi_ratio", "mi_ratio(tau = 1.5)", 0, "all 35 epochs trained"); }
Test(policies, mi_ratio_with_lambda_stops_behind_the_peak) { check("stage1.mi_ratio_peak", "mi_ratio(tau = 1.5, lambda = 0.8)", 0, "information fell to 1.2 from 1.69"); }

Test(policies, fixed_gives_each_modality_its_epochs) {
    json_t *root = fixtures();
    if (!root) return;
    Arena *arena = arena_new();
    const json_t *expected = json_object_get(json_object_get(fixture_case(root, "stage1.fixed"), "expected"), "active");
    Compiled c = compile("fixed.mml", program(arena, "fixed(length = lengths)", "before"));
    MmlStageState state;
    json_t *probes = json_pack("[{s:f},{s:f}]", "S", 0.1, "S", 0.2);
    Trace t = run(&c, probes, 40, 0, &state);
    cr_assert_eq(t.epochs, (int)json_array_size(expected), "%d epochs", t.epochs);
    for (int epoch = 1; epoch <= t.epochs; epoch++) {
        char active[8];
        expected_active(json_array_get(expected, (size_t)epoch - 1), active);
        cr_expect_str_eq(t.active[epoch], active);
    }
    cr_expect_eq(state.trained[0], 2);
    cr_expect_eq(state.trained[1], 5);
    cr_expect_str_eq(state.reason, "every encoder has had its epochs");
    json_decref(probes);
    compiled_free(&c);
    arena_free(arena);
    json_decref(root);
}

Test(policies, always_never_pauses) {
    Arena *arena = arena_new();
    Compiled c = compile("always.mml", program(arena, "always()", "before"));
    MmlStageState state;
    json_t *probes = json_pack("[{s:f, s:f, s:f}]", "S", 0.1, "U1", 1.0, "U2", 0.0);
    Trace t = run(&c, probes, 9, 0, &state);
    cr_expect_eq(t.epochs, 9);
    cr_expect_eq(state.trained[0], 9);
    cr_expect_eq(state.trained[1], 9);
    json_decref(probes);
    compiled_free(&c);
    arena_free(arena);
}
