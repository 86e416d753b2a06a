/* What compiled rules compute: values, actions, failures. Handlers are called as the trainer calls them. */
#include <math.h>
#include <string.h>
#include "compiled.h"
#include "train/rule_actions.h"

typedef struct {
    Compiled       c;
    const MmlRule *rule;
    MmlRuleLog     log;
    MmlValue       state[64];
    i64            active[3], trained[3];
    MmlRuleContext context;
} Run;

/* A policy of three modalities with this body; --PARAM values in given, NULL or NULL-terminated. */
static void open_rule(Run *r, const char *body, const char *const *given) {
    Arena *arena = arena_new();
    const char *text = arena_printf(arena,
        "param zero = 0\nparam small = 3\nparam ratio = 0.5\nparam word = \"ham\"\n"
        "data files = csv(\"a.csv\", \"b.csv\", \"c.csv\", label = last, test = every(4, 3))\n"
        "modality low : vector[3] { input = files.a\n encoder = linear(2) }\n"
        "modality middle : vector[3] { input = files.b\n encoder = linear(2) }\n"
        "modality high : vector[3] { input = files.c\n encoder = linear(2) }\n"
        "target kind : class[3] = files.label\n"
        "fusion = concat -> linear(classes)\n"
        "policy rule() {\n%s\n}\n"
        "train { optimizer = sgd(lr = 0.1)\n"
        "  stage unimodal { epochs = zero + small\n probe = pid(every = 1 epochs, bins = quantile(3))\n policy = rule() } }\n", body);
    memset(r, 0, sizeof *r);
    r->c    = compile_with("rule.mml", text, given);
    r->rule = r->c.experiment->stages[0].policy;
    r->log  = (MmlRuleLog){.arena = r->c.memory, .modalities = r->c.experiment->modalities};
    for (int m = 0; m < 3; m++) r->active[m] = 1;
    for (int m = 0; m < 3; m++) r->trained[m] = 10 * m;
    r->context = (MmlRuleContext){.text = r->c.settings.text, .settings = r->c.settings.values, .state = r->state, .modalities = 3,
                                  .active = r->active, .trained = r->trained, .log = &r->log};
    arena_free(arena);
    if (r->rule->start) r->rule->start(&r->context);
}

static void close_rule(Run *r) { compiled_free(&r->c); }

static MmlValue *state(Run *r, const char *name) {
    for (i64 i = 0; i < r->rule->named_count; i++)
        if (!strcmp(r->rule->states[i].name, name)) return &r->state[r->rule->states[i].slot];
    cr_assert(0, "no state %s", name);
    return NULL;
}

/* `x` after `on start { x = expression }`. */
static double real_of(const char *expression) {
    Run r;
    Arena *arena = arena_new();
    open_rule(&r, arena_printf(arena, "state x = 0.0\nstate i = %s\non start { x = %s }", "3", expression), NULL);
    cr_assert_null(r.log.failure, "%s: %s", expression, r.log.failure);
    double x = state(&r, "x")->r;
    close_rule(&r);
    arena_free(arena);
    return x;
}

static i64 whole_of(const char *expression) {
    Run r;
    Arena *arena = arena_new();
    open_rule(&r, arena_printf(arena, "state x = 0\nstate i = 3\non start { x = %s }", expression), NULL);
    cr_assert_null(r.log.failure, "%s: %s", expression, r.log.failure);
    i64 x = state(&r, "x")->i;
    close_rule(&r);
    arena_free(arena);
    return x;
}

static void fails_with(const char *body, const char *what) {
    Run r;
    open_rule(&r, body, NULL);
    cr_assert_not_null(r.log.failure, "%s: no failure", body);
    cr_expect_str_eq(r.log.failure, what);
    close_rule(&r);
}

Test(rules, div_and_mod_round_towards_minus_infinity) {
    cr_expect_eq(whole_of("(4 + i) div 2"), 3);
    cr_expect_eq(whole_of("(-4 - i) div 2"), -4);
    cr_expect_eq(whole_of("(-4 - i) mod 2"), 1);
    cr_expect_eq(whole_of("(4 + i) mod (-2)"), -1);
    cr_expect_eq(whole_of("(-6 * i) div 6"), -3);
    cr_expect_eq(whole_of("(-6 * i) mod 6"), 0);
}

Test(rules, functions_are_those_of_mathematics) {
    cr_expect_float_eq(real_of("log(i + 0.5) + log2(i) + exp(i) + sqrt(i) + pow(i, 1.5) + tanh(i / 4)"),
                       log(3.5) + log2(3) + exp(3) + sqrt(3) + pow(3, 1.5) + tanh(0.75), 1e-12);
    cr_expect_eq(real_of("clamp(i * 1.0, 0.0, 2.5)"), 2.5);
    cr_expect_eq(real_of("abs(-1.5 * i)"), 4.5);
    cr_expect_eq(whole_of("abs(-2 * i)"), 6);
    cr_expect_eq(whole_of("max(i, 7, 2)"), 7);
    cr_expect_eq(whole_of("min(i, 7, 2)"), 2);
    cr_expect_eq(whole_of("if i > 2 then i else -i"), 3);
    cr_expect_eq(real_of("mean(trained)"), 10);
    cr_expect_eq(whole_of("sum(trained) - trained[high]"), 10);
}

Test(rules, division_by_zero_stops_the_rule_with_its_place) {
    fails_with("state x = 1\non start { x = 7 div zero\n say(\"never\") }", "rule.mml:16:16: division by zero");
    fails_with("state x = 1\non start { x = 7 mod (x - 1) }", "rule.mml:16:16: division by zero");
}

Test(rules, an_overflow_stops_the_rule) {
    fails_with("state x = 4611686018427387904\non start { x = x * small }", "rule.mml:16:16: the result does not fit a 64-bit integer");
    fails_with("state x = 9223372036854775807\non start { x = x + 1 }", "rule.mml:16:16: the result does not fit a 64-bit integer");
}

Test(rules, an_index_outside_of_the_modalities_stops_the_rule) {
    fails_with("state i = 3\non start { pause(modalities[i]) }", "rule.mml:16:29: there is no such modality: they are numbered 0 to 2");
    fails_with("state i = -1\nstate each[m in modalities] = 0\non start { each[modalities[i]] = 1 }", "rule.mml:17:28: there is no such modality: they are numbered 0 to 2");
}

Test(rules, and_or_and_if_evaluate_what_they_need_only) {
    cr_expect_eq(whole_of("if zero != 0 and 7 div zero > 1 then 1 else 2"), 2);
    cr_expect_eq(whole_of("if zero == 0 or 7 div zero > 1 then 1 else 2"), 1);
    cr_expect_eq(whole_of("if zero == 0 then 5 else 7 div zero"), 5);
}

/* ---- Probes ---- */

static i64 argument_of(const char *function, double a, double b, double c) {
    Run r;
    Arena *arena = arena_new();
    open_rule(&r, arena_printf(arena, "state at = first(modalities)\non probe(p) { at = %s(p.mutual) }", function), NULL);
    double mutual[] = {a, b, c};
    MmlProbe probe = {.epoch = 1, .mutual = mutual, .unique = mutual};
    r.rule->on_probe(&r.context, &probe);
    i64 at = state(&r, "at")->i;
    close_rule(&r);
    arena_free(arena);
    return at;
}

Test(rules, argmax_and_argmin_take_the_first_of_ties_and_never_nan) {
    cr_expect_eq(argument_of("argmax", 1, 3, 3), 1);
    cr_expect_eq(argument_of("argmin", 1, 1, 3), 0);
    cr_expect_eq(argument_of("argmax", NAN, 1, 2), 2);
    cr_expect_eq(argument_of("argmin", 2, NAN, 1), 2);
    cr_expect_eq(argument_of("argmax", NAN, NAN, NAN), 0);
}

Test(rules, fields_of_a_probe_are_read_where_they_stand) {
    Run r;
    open_rule(&r, "state all = 0.0\nstate when = 0\nstate u[m in modalities] = 0.0\n"
                  "on probe(p) { all = p.redundancy + 10 * p.synergy + 100 * p.synergy_plugin + 1000 * p.synergy_error + 1e4 * p.total + 1e5 * p.entropy + 1e6 * p.gap\n"
                  " when = p.epoch\n u = p.unique\n for m in modalities { u[m] = u[m] + p.mutual[m] } }", NULL);
    double unique[] = {1, 2, 3}, mutual[] = {10, 20, 30};
    MmlProbe probe = {.epoch = 4, .redundancy = 1, .synergy = 2, .synergy_plugin = 3, .synergy_error = 4, .total = 5, .entropy = 6, .gap = 7,
                      .unique = unique, .mutual = mutual};
    r.rule->on_probe(&r.context, &probe);
    cr_expect_eq(state(&r, "all")->r, 7654321);
    cr_expect_eq(state(&r, "when")->i, 4);
    for (int m = 0; m < 3; m++) cr_expect_eq(state(&r, "u")[m].r, 11 * (m + 1));
    close_rule(&r);
}

Test(rules, fields_of_an_epoch_are_read_where_they_stand) {
    Run r;
    open_rule(&r, "state x = 0.0\non end_epoch(e) { x = e.index + e.loss[middle] + 100 * e.accuracy[high] + 1000 * e.validation[low] }", NULL);
    double losses[] = {NAN, 20, NAN}, accuracy[] = {NAN, NAN, 3}, validation[] = {4, NAN, NAN};
    MmlEpoch epoch = {.index = 1, .losses = losses, .accuracy = accuracy, .validation = validation};
    r.rule->on_end_epoch(&r.context, &epoch);
    cr_expect_eq(state(&r, "x")->r, 4321);
    close_rule(&r);
}

/* ---- State and actions ---- */

Test(rules, a_value_for_each_modality_is_read_before_it_is_written) {
    Run r;
    open_rule(&r, "state u[m in modalities] = 1.0\nstate i = 1\n"
                  "on start { for m in modalities { u[m] = trained[m] + 1 }\n u[modalities[i]] = u[modalities[i + 1]] * 2\n"
                  " let v[m in modalities] = u[m] / sum(u)\n for m in modalities { u[m] = v[m] } }", NULL);
    cr_assert_null(r.log.failure);
    const double u[] = {1, 42, 21};
    for (int m = 0; m < 3; m++) cr_expect_float_eq(state(&r, "u")[m].r, u[m] / 64, 1e-15);
    close_rule(&r);
}

Test(rules, actions_change_what_is_active_and_later_reads_see_it) {
    Run r;
    open_rule(&r, "state counts = 0\nstate i = 2\n"
                  "on start { pause(middle)\n counts = count(active)\n only(low, modalities[i])\n counts = 10 * counts + count(active)\n"
                  " resume(middle)\n pause(high)\n if active[middle] and not active[high] { counts = 10 * counts + 1 }\n all()\n counts = 10 * counts + count(active)\n only(middle) }", NULL);
    cr_expect_eq(state(&r, "counts")->i, 2213);
    cr_expect_eq(r.active[0] * 100 + r.active[1] * 10 + r.active[2], 10);
    cr_expect_eq(r.log.action_count, 6);
    close_rule(&r);
}

Test(rules, the_rest_of_a_handler_runs_after_finish) {
    Run r;
    open_rule(&r, "state x = 0\non start { finish(\"enough\")\n x = 1\n say(\"and on\") }", NULL);
    cr_expect_str_eq(r.log.finish, "enough");
    cr_expect_eq(state(&r, "x")->i, 1);
    cr_expect_eq(r.log.said_count, 1);
    close_rule(&r);
}

Test(rules, a_requirement_that_does_not_hold_stops_the_start) {
    const char *given[] = {"small=9", NULL};
    Run r;
    open_rule(&r, "requires small < 5\nstate x = 7\non start { x = 8 }", given);
    cr_assert_not_null(r.log.failure);
    cr_expect_not_null(strstr(r.log.failure, "small < 5"), "%s", r.log.failure);
    cr_expect_neq(state(&r, "x")->i, 8);
    close_rule(&r);
}

Test(rules, texts_show_values_as_people_write_them) {
    Run r;
    open_rule(&r, "state best = 2.0\non start { let m = modalities[small - 2]\n"
                  " say(\"{m} {small} {ratio} {1 / 3} {best} {small > 2} {word} {1e10} {inf} \\{x\\}\") }", NULL);
    cr_assert_eq(r.log.said_count, 1);
    cr_expect_str_eq(r.log.said[0], "middle 3 0.5 0.333333 2 true ham 1e+10 inf {x}");
    close_rule(&r);
}

/* ---- Settings ---- */

Test(settings, what_is_given_stays_and_what_depends_on_it_is_computed) {
    const char *given[] = {"small=5", NULL};
    Run r;
    open_rule(&r, "on start { say(\"{small}\") }", given);
    cr_expect_str_eq(r.log.said[0], "5");
    cr_expect_eq(mml_int(&r.c.settings, "train.unimodal.epochs"), 5);
    close_rule(&r);
}

/* Settings of a program of one param, `settings = EXPRESSION`, with values given for it. */
static Status finish_with(const char *epochs, const char *give) {
    Arena *arena = arena_new();
    Compiled c = compile("settings.mml", arena_printf(arena,
        "param half = 2\nparam names : int[modalities] = each(a = 4, b = 5)\n"
        "data files = csv(\"a.csv\", \"b.csv\", label = last, test = every(4, 3))\n"
        "modality a : vector[3] { input = files.a\n encoder = linear(2) }\n"
        "modality b : vector[3] { input = files.b\n encoder = linear(2) }\n"
        "target kind : class[3] = files.label\nfusion = concat -> linear(classes)\n"
        "train { optimizer = sgd(lr = 0.1)\n stage unimodal { epochs = %s } }\n", epochs));
    MmlSettings settings;
    cr_assert_eq(mml_settings_new(c.memory, c.experiment, &settings), MML_OK);
    cr_assert_eq(mml_setting_give(&settings, mml_setting_find(c.experiment, "half"), give), MML_OK, "%s", mml_message());
    Status status = mml_settings_finish(&settings);
    if (status == MML_OK) status = mml_int(&settings, "train.unimodal.epochs") == 7 ? MML_OK : MML_EBUG;
    compiled_free(&c);
    arena_free(arena);
    return status;
}

Test(settings, values_for_each_modality_are_computed_too) {
    cr_expect_eq(finish_with("sum(names) - half", "2"), MML_OK);
    cr_expect_eq(finish_with("21 div half", "3"), MML_OK);
    cr_expect_eq(finish_with("max(names) + half", "2"), MML_OK);
}

Test(settings, a_division_by_zero_is_an_error_of_the_call) {
    cr_expect_eq(finish_with("21 div half", "0"), MML_ECALL);
    cr_expect_str_eq(mml_message(), "settings.mml:11:28: division by zero");
    cr_expect_eq(finish_with("21 div half", "3"), MML_OK);
}
