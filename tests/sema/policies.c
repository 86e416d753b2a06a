/* The library's policies, run step by step on the probes of fixtures/methods.json:
 * each trace must come out as it stands there. The rules are interpreted here as
 * program.h describes them. */
#define _GNU_SOURCE
#include <jansson.h>
#include <math.h>
#include "analysed.h"

enum { MODALITIES = 2, WORDS = 64 };

typedef union { int64_t i; double r; const char *s; } Word;

typedef struct {
    const Program *program;
    Word    settings[512], state[WORDS], locals[WORDS];
    int64_t active[MODALITIES], trained[MODALITIES];
    double  unique[MODALITIES], mutual[MODALITIES], synergy;
    int64_t epoch;
    int     finished, failed;
} Run;

/* ---- Values ---- */

static Word eval(Run *run, const Value *v, int element);

static double real_of(Run *run, const Value *v, int element) {
    Word word = eval(run, v, element);
    return type_held(v->type.kind) == HELD_REAL ? word.r : (double)word.i;
}

static Word field(const Run *run, const Value *v, int element) {
    switch (v->field) {
    case PROBE_UNIQUE:  return (Word){.r = run->unique[element]};
    case PROBE_MUTUAL:  return (Word){.r = run->mutual[element]};
    case PROBE_SYNERGY: return (Word){.r = run->synergy};
    case EPOCH_INDEX:   return (Word){.i = run->epoch};
    default: cr_assert_fail("field %d", v->field);
    }
    return (Word){0};
}

static Word binary(Run *run, const Value *v, int element) {
    if (v->op == OP_AND || v->op == OP_OR) {
        Word left = eval(run, v->operands[0], element);
        return (left.i != 0) == (v->op == OP_OR) ? left : eval(run, v->operands[1], element);
    }
    int real = type_held(v->operands[0]->type.kind) == HELD_REAL;
    Word a = eval(run, v->operands[0], element), b = eval(run, v->operands[1], element);
    switch (v->op) {
    case OP_ADD: return real ? (Word){.r = a.r + b.r} : (Word){.i = a.i + b.i};
    case OP_SUB: return real ? (Word){.r = a.r - b.r} : (Word){.i = a.i - b.i};
    case OP_MUL: return real ? (Word){.r = a.r * b.r} : (Word){.i = a.i * b.i};
    case OP_DIV: return (Word){.r = a.r / b.r};
    case OP_LT:  return (Word){.i = real ? a.r <  b.r : a.i <  b.i};
    case OP_LE:  return (Word){.i = real ? a.r <= b.r : a.i <= b.i};
    case OP_GT:  return (Word){.i = real ? a.r >  b.r : a.i >  b.i};
    case OP_GE:  return (Word){.i = real ? a.r >= b.r : a.i >= b.i};
    case OP_EQ:  return (Word){.i = real ? a.r == b.r : a.i == b.i};
    case OP_NE:  return (Word){.i = real ? a.r != b.r : a.i != b.i};
    default: cr_assert_fail("operator %d", v->op);
    }
    return a;
}

static Word call(Run *run, const Value *v, int element) {
    int each = v->count == 1 && v->operands[0]->type.each, best = 0;
    int count = each ? MODALITIES : v->count;
    double values[WORDS], total = 0;
    for (int i = 0; i < count; i++) {
        values[i] = each ? real_of(run, v->operands[0], i) : real_of(run, v->operands[i], element);
        total += values[i];
    }
    int least = v->function == FN_MIN || v->function == FN_ARGMIN;
    for (int i = 1; i < count; i++)
        if (least ? values[i] < values[best] : values[i] > values[best])
            best = i;
    double result = v->function == FN_SUM || v->function == FN_COUNT ? total : values[best];
    if (v->function == FN_ARGMAX || v->function == FN_ARGMIN)
        return (Word){.i = best};
    return type_held(v->type.kind) == HELD_REAL ? (Word){.r = result} : (Word){.i = (int64_t)result};
}

static Word eval(Run *run, const Value *v, int element) {
    switch (v->kind) {
    case VALUE_INTEGER: return (Word){.i = v->integer};
    case VALUE_REAL:    return (Word){.r = v->real};
    case VALUE_TEXT:    return (Word){.s = v->text};
    case VALUE_SETTING: return run->settings[v->number + (v->type.each ? element : 0)];
    case VALUE_LOCAL:   return run->locals[v->number + (v->type.each ? element : 0)];
    case VALUE_STATE:   return run->state[v->number + (v->type.each ? element : 0)];
    case VALUE_FIELD:   return field(run, v, element);
    case VALUE_ACTIVE:  return (Word){.i = run->active[element]};
    case VALUE_TRAINED: return (Word){.i = run->trained[element]};
    case VALUE_EACH:    return eval(run, v->operands[element], element);
    case VALUE_AT:      return eval(run, v->operands[0], (int)eval(run, v->operands[1], element).i);
    case VALUE_CONVERT: return (Word){.r = real_of(run, v->operands[0], element)};
    case VALUE_UNARY:
        if (v->op == OP_NOT)
            return (Word){.i = !eval(run, v->operands[0], element).i};
        return type_held(v->type.kind) == HELD_REAL ? (Word){.r = -eval(run, v->operands[0], element).r}
                                                    : (Word){.i = -eval(run, v->operands[0], element).i};
    case VALUE_BINARY:  return binary(run, v, element);
    case VALUE_IF:      return eval(run, v->operands[eval(run, v->operands[0], element).i ? 1 : 2], element);
    case VALUE_JOIN:    return (Word){.s = "…"};
    case VALUE_CALL:    return call(run, v, element);
    default: cr_assert_fail("value %d", v->kind);
    }
    return (Word){0};
}

/* ---- Statements ---- */

static void act(Run *run, const Do *at) {
    int m = at->count && at->operands[0]->type.kind == TYPE_MODALITY ? (int)eval(run, at->operands[0], 0).i : -1;
    switch (at->action) {
    case ACT_ONLY:
        memset(run->active, 0, sizeof run->active);
        for (int i = 0; i < at->count; i++)
            run->active[eval(run, at->operands[i], 0).i] = 1;
        break;
    case ACT_ALL:    run->active[0] = run->active[1] = 1; break;
    case ACT_PAUSE:  run->active[m] = 0; break;
    case ACT_RESUME: run->active[m] = 1; break;
    case ACT_FINISH: run->finished = 1; break;
    case ACT_SAY:    break;
    case ACT_FAIL:   run->failed = 1; break;
    }
}

static void execute(Run *run, const Do *at) {
    for (; at && !run->failed; at = at->next) {
        switch (at->kind) {
        case DO_LOCAL:
            for (int m = 0; m < (at->value->type.each ? MODALITIES : 1); m++)
                run->locals[at->number + m] = eval(run, at->value, m);
            break;
        case DO_STATE:
            run->state[at->number + (at->index ? eval(run, at->index, 0).i : 0)] = eval(run, at->value, 0);
            break;
        case DO_IF:     execute(run, eval(run, at->value, 0).i ? at->body : at->otherwise); break;
        case DO_ACTION: act(run, at); break;
        }
    }
}

static Run start(const Program *program, const Rule *rule) {
    Run run = {.program = program, .active = {1, 1}};
    for (int i = 0; i < program->settings.count; i++) {
        const Setting *setting = &program->settings.items[i];
        if (!setting->value || (setting->flags & SETTING_LIST))
            continue;
        cr_assert_lt(setting->slot + MODALITIES, 512);
        for (int m = 0; m < (setting->type.each ? MODALITIES : 1); m++)
            run.settings[setting->slot + m] = eval(&run, setting->value, m);
    }
    execute(&run, rule->start.body);
    return run;
}

static Analysed with_policy(const char *policy) {
    char rest[512];
    snprintf(rest, sizeof rest, "train { stage unimodal { epochs = 50\n probe = pid()\n policy = %s } }", policy);
    char *text = two_modalities("vector[6]", "linear(4)", "linear(4)", "concat -> linear(classes)", rest);
    Analysed a = analysed(text, NULL);
    free(text);
    return a;
}

/* ---- Fixtures ---- */

static double number(const json_t *object, const char *name, double otherwise) {
    const json_t *value = json_object_get(object, name);
    if (json_is_string(value))
        return INFINITY;
    return value ? json_number_value(value) : otherwise;
}

static json_t *fixtures(void) {
    json_error_t error;
    json_t *all = json_load_file(MML_SHARED_DIR "/fixtures/methods.json", 0, &error);
    if (!all)
        fprintf(stderr, "skipped: no fixtures/methods.json\n");
    return all;
}

static const json_t *case_of(const json_t *all, const char *id) {
    size_t i;
    const json_t *one;
    json_array_foreach(json_object_get(all, "cases"), i, one)
        if (strcmp(json_string_value(json_object_get(one, "id")), id) == 0)
            return one;
    cr_assert_fail("no case %s", id);
    return NULL;
}

static void probe(Run *run, const Rule *rule, const json_t *values) {
    run->unique[0] = number(values, "U1", 0);
    run->unique[1] = number(values, "U2", 0);
    run->mutual[0] = number(values, "I1", 0);
    run->mutual[1] = number(values, "I2", 0);
    run->synergy   = number(values, "S", 0);
    execute(run, rule->on_probe.body);
}

/* The boundary of an epoch, as language.md section 5 orders it. after: `when = after`. */
static void expect_trace(const char *id, const char *policy, int after) {
    json_t *all = fixtures();
    if (!all)
        return;
    const json_t *fixture = case_of(all, id), *row;
    const json_t *hyper = json_object_get(fixture, "hyper"), *probes = json_object_get(json_object_get(fixture, "inputs"), "probes");
    const json_t *expected = json_object_get(fixture, "expected");
    int every = (int)number(hyper, "f_p", number(hyper, "probing_freq", 0));
    int most = (int)number(hyper, "max_epochs", number(hyper, "max_unimodal_epochs", 0)), next = 0;
    Analysed a = with_policy(policy);
    const Rule *rule = a.program->stages.items[0].policy;
    Run run = start(a.program, rule);
    size_t i;
    json_array_foreach(json_object_get(expected, "trace"), i, row) {
        run.epoch = (int)i + 1;
        int trains = strcmp(json_string_value(json_object_get(row, "action")), "train") == 0;
        if (run.epoch > most) {
            cr_expect(!trains);
            break;
        }
        if (!after && run.epoch % every == 0)
            probe(&run, rule, json_array_get(probes, (size_t)next++));
        if (!run.finished)
            execute(&run, rule->on_epoch.body);
        cr_expect_eq(run.finished, !trains, "%s: epoch %d", id, (int)run.epoch);
        if (run.finished)
            break;
        const json_t *active = json_object_get(row, "active");
        int expected_active[MODALITIES] = {0};
        for (size_t k = 0; k < json_array_size(active); k++)
            expected_active[json_integer_value(json_array_get(active, k)) - 1] = 1;
        for (int m = 0; m < MODALITIES; m++) {
            cr_expect_eq(run.active[m], expected_active[m], "%s: modality %d in epoch %d", id, m + 1, (int)run.epoch);
            run.trained[m] += run.active[m];
        }
        if (after && run.epoch % every == 0)
            probe(&run, rule, json_array_get(probes, (size_t)next++));
    }
    const json_t *trained = json_object_get(expected, "epochs_trained");
    cr_expect_eq(run.trained[0], (int)number(trained, "1", -1), "%s", id);
    cr_expect_eq(run.trained[1], (int)number(trained, "2", -1), "%s", id);
    arena_free(a.arena);
    json_decref(all);
}

Test(policies, fastpid_follows_algorithm_1_with_the_papers_defaults)     { expect_trace("stage1.paper_defaults", "fastpid()", 0); }
Test(policies, fastpid_follows_algorithm_1_with_the_best_values)         { expect_trace("stage1.paper_best", "fastpid(tau = 1.5, lambda = 0.8)", 0); }
Test(policies, fastpid_without_balancing_only_stops)                     { expect_trace("stage1.paper_tau_inf", "fastpid(tau = inf, lambda = 0.8)", 0); }
Test(policies, official_decides_as_the_published_code)                   { expect_trace("stage1.code", "official()", 1); }
Test(policies, official_leaves_at_the_second_switch)                     { expect_trace("stage1.code_two_switches", "official()", 1); }
Test(policies, uniqueness_runs_to_the_end)                               { expect_trace("stage1.uniqueness_only", "uniqueness(tau = 1.5)", 0); }
Test(policies, mi_ratio_runs_to_the_end)                                 { expect_trace("stage1.mi_ratio", "mi_ratio(tau = 1.5)", 0); }
Test(policies, mi_ratio_with_lambda_stops_behind_the_peak)               { expect_trace("stage1.mi_ratio_peak", "mi_ratio(tau = 1.5, lambda = 0.8)", 0); }

Test(policies, fixed_gives_each_modality_its_own_number_of_epochs) {
    Analysed a = with_policy("fixed(each(one = 2, two = 5))");
    const Rule *rule = a.program->stages.items[0].policy;
    Run run = start(a.program, rule);
    for (run.epoch = 1; run.epoch <= 6 && !run.finished; run.epoch++) {
        execute(&run, rule->on_epoch.body);
        cr_expect_eq(run.active[0], run.epoch <= 2);
        cr_expect_eq(run.active[1], run.epoch <= 5);
        cr_expect_eq(run.finished, run.epoch == 6);
    }
    arena_free(a.arena);
}

Test(policies, always_resumes_what_was_paused) {
    Analysed a = with_policy("always()");
    Run run = start(a.program, a.program->stages.items[0].policy);
    cr_expect(run.active[0] && run.active[1]);
    arena_free(a.arena);
}

Test(policies, a_requirement_on_a_setting_is_checked_again_at_start) {
    Analysed a = with_policy("fastpid(tau = 2.0)");
    const Rule *rule = a.program->stages.items[0].policy;
    Run run = start(a.program, rule);
    cr_expect_not(run.failed);
    for (int i = 0; i < a.program->settings.count; i++)
        if (strcmp(a.program->settings.items[i].path, "train.unimodal.policy.tau") == 0)
            run.settings[a.program->settings.items[i].slot].r = 0.5;
    execute(&run, rule->start.body);
    cr_expect(run.failed);
    arena_free(a.arena);
}
