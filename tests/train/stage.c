/* The stage's loop with nothing behind it: order of an epoch's boundary, and
 * the Stage-I traces of the fixtures with the policies written out in C. */
#include "train/stage.h"

#include "mml/nn.h"
#include "mml/settings.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- A stage of two modalities whose actions are noted ---- */

typedef struct { double unique[2], synergy, mutual[2]; } Given;

typedef struct {
    MmlArena     *arena;
    MmlStage      stage;
    MmlStagePlan  plan;
    MmlStageState state;
    MmlRuleLog    log;
    MmlMeasureTime times[4];
    MmlValue      settings[8];
    const Given  *given;              /* what the measurements find, in order */
    int           taken;
    char          story[8192];        /* what happened, in order              */
    int           stop_in;            /* actions till one is interrupted; 0: never */
    /* the trace by epoch */
    i64           probe_of[64], active_of[64][2];
} Bench;

static const MmlModality modalities[] = {{.name = "a"}, {.name = "v"}};

static void tell(Bench *bench, const char *format, i64 number) {
    size_t used = strlen(bench->story);
    snprintf(bench->story + used, sizeof bench->story - used, "%s", used ? " " : "");
    used = strlen(bench->story);
    snprintf(bench->story + used, sizeof bench->story - used, "%s%lld", format, (long long)number);
}

static Status interrupted(Bench *bench) {
    return bench->stop_in && --bench->stop_in == 0 ? mml_fail(MML_EINTERRUPT, "stopped") : MML_OK;
}

static Status measure(void *context, i64 measurement, i64 epoch, MmlProbe *out) {
    Bench *bench = context;
    MML_TRY(interrupted(bench));
    tell(bench, measurement ? "watch" : "probe", epoch);
    static const Given nothing;
    const Given *given = bench->given && !measurement ? &bench->given[bench->taken] : &nothing;
    *out = (MmlProbe){.epoch = epoch, .synergy = given->synergy, .unique = given->unique, .mutual = given->mutual};
    if (!measurement && epoch < 64) bench->probe_of[epoch] = bench->taken++;
    return MML_OK;
}

static Status decided(void *context, i64 measurement, i64 epoch, const MmlRule *rule, const MmlRuleLog *log) {
    Bench *bench = context;
    for (i64 i = 0; i < log->said_count; i++) tell(bench, log->said[i], epoch);
    return MML_OK;
}

static Status train(void *context, i64 epoch, MmlEpoch *out) {
    Bench *bench = context;
    MML_TRY(interrupted(bench));
    tell(bench, "train", epoch);
    for (int m = 0; m < 2 && epoch < 64; m++) bench->active_of[epoch][m] = bench->state.active[m];
    return MML_OK;
}

static Status evaluate(void *context, i64 epoch, MmlEpoch *out) {
    Bench *bench = context;
    MML_TRY(interrupted(bench));
    tell(bench, "evaluate", epoch);
    out->loss = 0.5;
    return MML_OK;
}

static Status save(void *context) {
    tell(context, "save", ((Bench *)context)->state.done);
    return MML_OK;
}

static MmlStageActions actions_of(Bench *bench) {
    return (MmlStageActions){.context = bench, .measure = measure, .decided = decided, .train = train, .evaluate = evaluate,
                             .save = save};
}

static void open_bench(Bench *bench, const MmlRule *policy, i64 epochs, MmlMeasureTime probe) {
    static const MmlMeasurement measurements[4];
    *bench = (Bench){.arena = mml_arena_new(), .times = {probe}};
    bench->stage = (MmlStage){.name = "unimodal", .path = "train.unimodal", .kind = MML_STAGE_UNIMODAL, .policy = policy,
                              .has_probe = 1,
                              .measurement_count = probe.every ? 1 : 0, .measurements = measurements};
    bench->log = (MmlRuleLog){.arena = bench->arena, .modalities = modalities};
    bench->plan = (MmlStagePlan){.stage = &bench->stage, .modalities = 2, .epochs = epochs, .times = bench->times,
                                 .settings = bench->settings,
                                 .text = mml_text_new(bench->arena), .arena = bench->arena, .log = &bench->log};
    for (int e = 0; e < 64; e++) bench->probe_of[e] = -1;
    cr_assert_eq(mml_stage_state_new(&bench->plan, &bench->state), MML_OK);
}

static Status run(Bench *bench) {
    MmlStageActions actions = actions_of(bench);
    MML_TRY(mml_stage_begin(&bench->plan, &bench->state, &actions));
    return mml_stage_run(&bench->plan, &bench->state, &actions);
}

static void close_bench(Bench *bench) { mml_arena_free(bench->arena); }

/* ---- The order of things ---- */

static void say_start(MmlRuleContext *c) { mml_rule_say(c, "on_start"); }
static void say_probe(MmlRuleContext *c, const MmlProbe *p) { mml_rule_say(c, "on_probe"); }
static void say_epoch(MmlRuleContext *c, const MmlEpoch *e) { mml_rule_say(c, "on_epoch"); }
static void say_end(MmlRuleContext *c, const MmlEpoch *e) { mml_rule_say(c,
        e->loss == 0.5 ? "on_end_epoch" : "on_end_epoch without its loss"); }
static const MmlRule telling = {"telling", "p", 0, 0, NULL, say_start, say_probe, say_epoch, say_end};

Test(stage, probes_before_the_epochs_that_every_divides) {
    Bench bench;
    open_bench(&bench, &telling, 2, (MmlMeasureTime){1, 0, 0});
    cr_assert_eq(run(&bench), MML_OK);
    cr_assert_str_eq(bench.story, "on_start1 on_epoch1 train1 evaluate1 on_end_epoch1 save1 "
                                  "probe2 on_probe2 on_epoch2 train2 evaluate2 on_end_epoch2 save2");
    cr_assert_str_eq(bench.state.reason, "all 2 epochs trained");
    close_bench(&bench);
}

Test(stage, probes_the_untrained_state_on_request) {
    Bench bench;
    open_bench(&bench, &telling, 1, (MmlMeasureTime){5, 0, 1});
    cr_assert_eq(run(&bench), MML_OK);
    cr_assert_str_eq(bench.story, "on_start1 probe1 on_probe1 on_epoch1 train1 evaluate1 on_end_epoch1 save1");
    close_bench(&bench);
}

Test(stage, probes_after_the_epoch_on_request) {
    Bench bench;
    open_bench(&bench, &telling, 2, (MmlMeasureTime){2, 1, 1});
    cr_assert_eq(run(&bench), MML_OK);
    cr_assert_str_eq(bench.story, "on_start1 probe0 on_probe0 on_epoch1 train1 evaluate1 on_end_epoch1 save1 "
                                  "on_epoch2 train2 evaluate2 on_end_epoch2 probe2 on_probe2 save2");
    close_bench(&bench);
}

Test(stage, watches_stand_beside_the_probe_and_no_policy_sees_them) {
    Bench bench;
    open_bench(&bench, &telling, 2, (MmlMeasureTime){2, 0, 0});
    bench.stage.measurement_count = 2;
    bench.times[1] = (MmlMeasureTime){1, 0, 0};
    cr_assert_eq(run(&bench), MML_OK);
    cr_assert_str_eq(bench.story, "on_start1 on_epoch1 train1 evaluate1 on_end_epoch1 save1 "
                                  "probe2 on_probe2 watch2 on_epoch2 train2 evaluate2 on_end_epoch2 save2");
    close_bench(&bench);
}

static void finish_at_two(MmlRuleContext *c, const MmlEpoch *e) {
    if (e->index != 2) return;
    mml_rule_finish(c, "enough");
    mml_rule_say(c, "still_heard");
    mml_rule_finish(c, "too late");
}

Test(stage, finish_lets_its_handler_end_and_skips_the_rest) {
    static const MmlRule policy = {"p", "p", 0, 0, NULL, NULL, NULL, finish_at_two, say_end};
    Bench bench;
    open_bench(&bench, &policy, 9, (MmlMeasureTime){1, 1, 0});
    cr_assert_eq(run(&bench), MML_OK);
    cr_assert_str_eq(bench.story, "train1 evaluate1 on_end_epoch1 probe1 save1 still_heard2 save1");
    cr_assert_str_eq(bench.state.reason, "enough");
    cr_assert_eq(bench.state.done, 1);
    close_bench(&bench);
}

Test(stage, finish_at_the_end_of_an_epoch_keeps_the_epoch) {
    static const MmlRule policy = {"p", "p", 0, 0, NULL, NULL, NULL, NULL, finish_at_two};
    Bench bench;
    open_bench(&bench, &policy, 9, (MmlMeasureTime){1, 1, 0});
    cr_assert_eq(run(&bench), MML_OK);
    cr_assert_str_eq(bench.story, "train1 evaluate1 probe1 save1 train2 evaluate2 still_heard2 save2");
    cr_assert_eq(bench.state.done, 2);
    close_bench(&bench);
}

static void pause_both(MmlRuleContext *c, const MmlEpoch *e) { mml_rule_only(c, 0); }

Test(stage, goes_on_counting_when_every_modality_is_paused) {
    static const MmlRule policy = {"p", "p", 0, 0, NULL, NULL, NULL, pause_both, NULL};
    Bench bench;
    open_bench(&bench, &policy, 3, (MmlMeasureTime){0});
    cr_assert_eq(run(&bench), MML_OK);
    cr_assert_eq(bench.state.done, 3);
    cr_assert_eq(bench.state.trained[0], 0);
    close_bench(&bench);
}

static void require(MmlRuleContext *c) { mml_rule_fail(c, "requires tau >= 1"); }
static void divide(MmlRuleContext *c, const MmlEpoch *e) { mml_rule_fail(c, "division by zero (x.mml:3)"); }

Test(stage, tells_a_requires_that_does_not_hold_from_an_error_while_training) {
    static const MmlRule wrong_call = {"mine", "p", 0, 0, NULL, require, NULL, NULL, NULL};
    static const MmlRule wrong_rule = {"mine", "p", 0, 0, NULL, NULL, NULL, divide, NULL};
    Bench bench;
    open_bench(&bench, &wrong_call, 3, (MmlMeasureTime){0});
    cr_assert_eq(run(&bench), MML_ECALL);
    cr_assert_str_eq(mml_message(), "stage unimodal, policy mine: requires tau >= 1");
    close_bench(&bench);
    open_bench(&bench, &wrong_rule, 3, (MmlMeasureTime){0});
    cr_assert_eq(run(&bench), MML_ENUMERIC);
    cr_assert_str_eq(mml_message(), "stage unimodal, epoch 1, policy mine: division by zero (x.mml:3)");
    close_bench(&bench);
}

Test(stage, goes_on_where_it_was_interrupted) {
    Bench whole, broken;
    open_bench(&whole, &telling, 3, (MmlMeasureTime){1, 0, 0});
    cr_assert_eq(run(&whole), MML_OK);
    for (int stop = 1; stop <= 8; stop++) {
        open_bench(&broken, &telling, 3, (MmlMeasureTime){1, 0, 0});
        broken.stop_in = stop;
        cr_assert_eq(run(&broken), MML_EINTERRUPT);
        MmlStageActions actions = actions_of(&broken);
        cr_assert_eq(mml_stage_run(&broken.plan, &broken.state, &actions), MML_OK);
        cr_assert_str_eq(broken.story, whole.story);
        close_bench(&broken);
    }
    close_bench(&whole);
}

/* ---- The policies of the fixtures ---- */

enum { TAU, LAMBDA, EPS, SWITCHES };

static int larger(const double *x) { return x[1] > x[0]; }

static void only_weak(MmlRuleContext *c, const double *x) {
    int strong = larger(x);
    if (x[strong] / (x[!strong] + c->settings[EPS].r) > c->settings[TAU].r) mml_rule_only(c, 1 << !strong);
}

static void stop_behind_peak(MmlRuleContext *c, double now) {
    double best = c->state[0].r;
    if (now < c->settings[LAMBDA].r * best && best > 0) mml_rule_finish(c, "behind its peak");
    c->state[0].r = fmax(best, now);
}

static void start_peak(MmlRuleContext *c) { c->state[0].r = -1; }

static void fastpid_probe(MmlRuleContext *c, const MmlProbe *p) {
    only_weak(c, p->unique);
    stop_behind_peak(c, p->synergy);
}

static void uniqueness_probe(MmlRuleContext *c, const MmlProbe *p) { only_weak(c, p->unique); }

static void mi_ratio_probe(MmlRuleContext *c, const MmlProbe *p) {
    only_weak(c, p->mutual);
    stop_behind_peak(c, p->mutual[0] + p->mutual[1]);
}

/* The authors' code: state is unique[2], synergy, best, changes, probed. */
static void official_start(MmlRuleContext *c) { c->state[3].r = -1; }

static void official_probe(MmlRuleContext *c, const MmlProbe *p) {
    c->state[0].r = p->unique[0];
    c->state[1].r = p->unique[1];
    c->state[2].r = p->synergy;
    c->state[3].r = fmax(c->state[3].r, p->synergy);
    c->state[5].i = 1;
}

static void official_epoch(MmlRuleContext *c, const MmlEpoch *e) {
    double unique[] = {c->state[0].r, c->state[1].r}, best = c->state[3].r;
    int strong = larger(unique);
    if (!c->state[5].i) return;
    if (c->active[strong] && unique[!strong] > 0 && unique[strong] / unique[!strong] > c->settings[TAU].r) {
        mml_rule_only(c, 1 << !strong);
        c->state[4].i++;
    }
    if (c->state[4].i >= c->settings[SWITCHES].i) mml_rule_finish(c, "switched twice");
    else if (c->state[2].r < c->settings[LAMBDA].r * best && best > 0) mml_rule_finish(c, "synergy fell");
}

static const MmlRule fastpid = {"fastpid", "p", 1, 0, NULL, start_peak, fastpid_probe, NULL, NULL};
static const MmlRule uniqueness = {"uniqueness", "p", 1, 0, NULL, start_peak, uniqueness_probe, NULL, NULL};
static const MmlRule mi_ratio = {"mi_ratio", "p", 1, 0, NULL, start_peak, mi_ratio_probe, NULL, NULL};
static const MmlRule official = {"official", "p", 6, 0, NULL, official_start, official_probe, official_epoch, NULL};

static void fixed_epoch(MmlRuleContext *c, const MmlEpoch *e) {
    for (int m = 0; m < 2; m++)
        if (e->index > c->settings[m].i) mml_rule_pause(c, m);
    if (!c->active[0] && !c->active[1]) mml_rule_finish(c, "every encoder has had its epochs");
}

static const MmlRule fixed = {"fixed", "p", 0, 0, NULL, NULL, NULL, fixed_epoch, NULL};

/* ---- Against the fixtures ---- */

static json_t *fixtures(void) {
    json_t *all = json_load_file(MML_SHARED_DIR "/fixtures/methods.json", 0, NULL);
    if (!all) printf("skipped: no ../shared/fixtures/methods.json\n");
    return all;
}

static const json_t *case_of(const json_t *all, const char *id) {
    size_t i;
    const json_t *entry;
    json_array_foreach(json_object_get(all, "cases"), i, entry)
        if (!strcmp(json_string_value(json_object_get(entry, "id")), id)) return entry;
    cr_assert_fail("no case %s", id);
    return NULL;
}

static double number(const json_t *object, const char *key, double otherwise) {
    const json_t *value = json_object_get(object, key);
    if (!value) return otherwise;
    return json_is_string(value) ? INFINITY : json_number_value(value);
}

static i64 read_probes(const json_t *entry, Given *given) {
    const json_t *probes = json_object_get(json_object_get(entry, "inputs"), "probes"), *probe;
    size_t i;
    json_array_foreach(probes, i, probe)
        given[i] = (Given){{number(probe, "U1", 0), number(probe, "U2", 0)}, number(probe, "S", 0), {number(probe, "I1", 0),
                number(probe, "I2", 0)}};
    return (i64)json_array_size(probes);
}

static int has_modality(const json_t *active, int m) {
    size_t i;
    const json_t *entry;
    json_array_foreach(active, i, entry)
        if (json_integer_value(entry) == m + 1) return 1;
    return 0;
}

/* The whole trace: set of each trained epoch, probe of each epoch, where the stage ends, epochs trained.
 * exact_end: the set at the end counts too (the published code drops it there). */
static void expect_trace(const char *id, const MmlRule *policy, int after, int exact_end) {
    json_t *all = fixtures();
    if (!all) return;
    const json_t *entry = case_of(all, id), *hyper = json_object_get(entry, "hyper");
    Given given[64] = {0};
    Bench bench;
    read_probes(entry, given);
    double every = number(hyper, "f_p", number(hyper, "probing_freq", 5));
    open_bench(&bench, policy, (i64)number(hyper, "max_epochs", number(hyper, "max_unimodal_epochs", 0)),
               (MmlMeasureTime){(i64)every, after, 0});
    bench.given = given;
    bench.settings[TAU].r = number(hyper, "tau_u", number(hyper, "tau", number(hyper, "uniqueness_threshold", 0)));
    bench.settings[LAMBDA].r = number(hyper, "lambda_s", number(hyper, "lambda", number(hyper, "synergy_drop_threshold", 0)));
    bench.settings[EPS].r = number(hyper, "eps", 0);
    bench.settings[SWITCHES].i = 2;
    cr_assert_eq(run(&bench), MML_OK);

    const json_t *trace = json_object_get(json_object_get(entry, "expected"), "trace"), *step;
    size_t i;
    json_array_foreach(trace, i, step) {
        i64 epoch = json_integer_value(json_object_get(step, "epoch"));
        int trained = !strcmp(json_string_value(json_object_get(step, "action")), "train");
        const json_t *probe = json_object_get(step, "probe");
        cr_assert_eq(bench.probe_of[epoch], json_is_null(probe) ? -1 : json_integer_value(probe), "%s, epoch %lld: probe",
                     id, (long long)epoch);
        cr_assert_eq(bench.state.done >= epoch, trained, "%s, epoch %lld: trained", id, (long long)epoch);
        for (int m = 0; m < 2 && (trained || exact_end); m++)
            cr_assert_eq(trained ? bench.active_of[epoch][m] : bench.state.active[m], has_modality(json_object_get(step, "active"), m),
                         "%s, epoch %lld: modality %d", id, (long long)epoch, m + 1);
        if (!trained) cr_assert_eq(bench.state.epoch, epoch, "%s ends at epoch %lld", id, (long long)bench.state.epoch);
    }
    const json_t *counts = json_object_get(json_object_get(entry, "expected"), "epochs_trained");
    cr_assert_eq(bench.state.trained[0], json_integer_value(json_object_get(counts, "1")));
    cr_assert_eq(bench.state.trained[1], json_integer_value(json_object_get(counts, "2")));
    close_bench(&bench);
    json_decref(all);
}

Test(stage, follows_the_trace_paper_defaults)   { expect_trace("stage1.paper_defaults", &fastpid, 0, 1); }
Test(stage, follows_the_trace_paper_best)       { expect_trace("stage1.paper_best", &fastpid, 0, 1); }
Test(stage, follows_the_trace_paper_tau_inf)    { expect_trace("stage1.paper_tau_inf", &fastpid, 0, 1); }
Test(stage, follows_the_trace_uniqueness_only)  { expect_trace("stage1.uniqueness_only", &uniqueness, 0, 1); }
Test(stage, follows_the_trace_mi_ratio)         { expect_trace("stage1.mi_ratio", &mi_ratio, 0, 1); }
Test(stage, follows_the_trace_mi_ratio_peak)    { expect_trace("stage1.mi_ratio_peak", &mi_ratio, 0, 1); }
Test(stage, follows_the_trace_code)             { expect_trace("stage1.code", &official, 1, 0); }
Test(stage, follows_the_trace_code_two_switches) { expect_trace("stage1.code_two_switches", &official, 1, 0); }

Test(stage, follows_the_trace_fixed) {
    json_t *all = fixtures();
    if (!all) return;
    const json_t *entry = case_of(all, "stage1.fixed"), *active = json_object_get(json_object_get(entry, "expected"), "active");
    const json_t *epochs = json_object_get(json_object_get(entry, "inputs"), "epochs");
    Bench bench;
    open_bench(&bench, &fixed, 50, (MmlMeasureTime){0});
    for (int m = 0; m < 2; m++) bench.settings[m].i = json_integer_value(json_array_get(epochs, (size_t)m));
    cr_assert_eq(run(&bench), MML_OK);
    cr_assert_eq(bench.state.done, (i64)json_array_size(active));
    for (i64 e = 1; e <= bench.state.done; e++)
        for (int m = 0; m < 2; m++)
            cr_assert_eq(bench.active_of[e][m], has_modality(json_array_get(active, (size_t)e - 1), m), "epoch %lld", (long long)e);
    close_bench(&bench);
    json_decref(all);
}

Test(stage, of_no_epochs_does_nothing) {
    Bench bench;
    open_bench(&bench, &fastpid, 0, (MmlMeasureTime){5, 0, 0});
    cr_assert_eq(run(&bench), MML_OK);
    cr_assert_str_eq(bench.story, "");
    close_bench(&bench);
}
