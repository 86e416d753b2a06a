#include "driver/repl_evaluate.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/repl_pid.h"
#include "driver/repl_say.h"

typedef Answer (*PromptFunction)(Question *question, const Expr *call);
static const struct { const char *name; PromptFunction function; } functions[] = {
#define FUNCTION(name, function, form, help) {name, function},
    FUNCTIONS
#undef FUNCTION
};

/* ---- Errors ---- */

Answer wrong(Question *question, const Expr *at, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    diag(question->diagnostics, E0410, at->span, "%s", arena_vprintf(question->arena, format, arguments));
    va_end(arguments);
    return (Answer){0};
}

Answer failed_with(const char *what) {
    if (*what) repl_error("%s: %s", what, mml_message());
    else repl_error("%s", mml_message());
    return (Answer){0};
}

/* ---- Arguments ---- */

const Expr *named_argument(const Expr *call, const char *name) {
    for (const Arg *arg = call->arguments; arg; arg = arg->next)
        if (arg->name && !strcmp(arg->name, name)) return arg->value;
    return NULL;
}

const Expr *positional(const Expr *call, int index) {
    for (const Arg *arg = call->arguments; arg; arg = arg->next)
        if (!arg->name && index-- == 0) return arg->value;
    return NULL;
}

int count_positional(const Expr *call) {
    int count = 0;
    for (const Arg *arg = call->arguments; arg; arg = arg->next) count += arg->name == NULL;
    return count;
}

int check_arguments(Question *question, const Expr *call, const char *function, int least, int most, const char *const *names) {
    int count = count_positional(call), known_count = 0;
    while (names && names[known_count]) known_count++;
    if (count < least || count > most) {
        wrong(question, call, "`%s` takes %s%d argument%s, %d %s given", function, least == most ? "" : count < least ? "at least " : "at most ",
              count < least ? least : most, (count < least ? least : most) == 1 ? "" : "s", count, count == 1 ? "is" : "are");
        return 0;
    }
    for (const Arg *arg = call->arguments; arg; arg = arg->next) {
        int known = !arg->name;
        for (int i = 0; i < known_count; i++) known |= arg->name && !strcmp(arg->name, names[i]);
        if (known) continue;
        const char *nearest = nearest_name(arg->name, names, known_count);
        Diagnostic *d = diag(question->diagnostics, E0410, arg->name_span, "`%s` has no argument `%s`", function, arg->name);
        if (nearest) diag_help(question->diagnostics, d, "did you mean `%s`?", nearest);
        return 0;
    }
    return 1;
}

const char *text_argument(Question *question, const Expr *expr, const char *function, const char *what) {
    if (expr->kind == EXPR_STRING && (!expr->parts || (!expr->parts->next && !expr->parts->expr)))
        return expr->parts ? arena_copy(question->arena, expr->parts->text, expr->parts->length) : "";
    wrong(question, expr, "`%s` takes %s as a text: \"…\"", function, what);
    return NULL;
}

i64 count_argument(Question *question, const Expr *expr, const char *function, const char *what) {
    if (expr->kind == EXPR_INT && expr->integer >= 1 && (expr->unit == UNIT_NONE || expr->unit == UNIT_EPOCHS || expr->unit == UNIT_STEPS)) return expr->integer;
    wrong(question, expr, "`%s` takes %s as a whole number of at least 1", function, what);
    return 0;
}

/* ---- Numbers of decompositions in expressions ---- */

static Expr *real_node(Question *question, double value, Span span) {
    Expr *expr = NEW(question->arena, Expr);
    *expr = (Expr){.kind = EXPR_REAL, .span = span, .real = value, .depth = 1};
    return expr;
}

static int is_pid_value(const Expr *expr) {
    if (expr->kind == EXPR_NAME) {
        const Answer *found = binding_find(expr->name);
        return found && found->kind == ANSWER_PID;
    }
    return expr->kind == EXPR_CALL && expr->base->kind == EXPR_NAME && (!strcmp(expr->base->name, "pid") || !strcmp(expr->base->name, "probe"));
}

/* p.synergy, p.unique[0], pid(xor).total: becomes its number. */
static Expr *with_numbers(Question *question, Expr *expr) {
    if (!expr || question_failed(question)) return expr;
    int index = -1;
    const Expr *field = expr;
    if (expr->kind == EXPR_INDEX && expr->arguments && !expr->arguments->next && expr->arguments->value->kind == EXPR_INT) {
        index = (int)expr->arguments->value->integer;
        field = expr->base;
    }
    if (field->kind == EXPR_FIELD && is_pid_value(field->base)) {
        Answer result = field->base->kind == EXPR_NAME ? *binding_find(field->base->name) : evaluate(question, field->base);
        double value;
        if (result.kind != ANSWER_PID) return expr;
        if (answer_field(&result, field->name, index, &value)) return real_node(question, value, expr->span);
        int count = 0;
        while (answer_fields[count]) count++;
        const char *nearest = nearest_name(field->name, answer_fields, count);
        Diagnostic *d = diag(question->diagnostics, E0410, expr->span, "a decomposition has no such field");
        if (nearest && strcmp(nearest, field->name)) diag_help(question->diagnostics, d, "did you mean `%s`?", nearest);
        else diag_help(question->diagnostics, d, "redundancy, unique[i], synergy, mutual[i], total, entropy, gap; sources are numbered from 0");
        return expr;
    }
    expr->base  = with_numbers(question, expr->base);
    expr->right = with_numbers(question, expr->right);
    expr->other = with_numbers(question, expr->other);
    for (Arg *arg = expr->arguments; arg; arg = arg->next) arg->value = with_numbers(question, arg->value);
    for (StringPart *part = expr->parts; part; part = part->next) part->expr = with_numbers(question, part->expr);
    return expr;
}

/* ---- Scalars ---- */

static const char *real_text(Question *question, double value, const char *unit) {
    char text[48];
    if (isnan(value)) return NULL;
    if (isinf(value)) return arena_printf(question->arena, "%sinf%s", value < 0 ? "-" : "", unit);
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    return arena_printf(question->arena, "%s%s%s", text, strpbrk(text, ".e") ? "" : ".0", unit);
}

static const char *string_text(Question *question, const char *value) {
    const char *text = "\"";
    for (; *value; value++) {
        char c[2] = {*value, 0};
        const char *escaped = *value == '"' ? "\\\"" : *value == '\\' ? "\\\\" : *value == '{' ? "\\{" : *value == '}' ? "\\}" : *value == '\n' ? "\\n" : *value == '\t' ? "\\t" : c;
        text = arena_printf(question->arena, "%s%s", text, escaped);
    }
    return arena_printf(question->arena, "%s\"", text);
}

/* A value as the language writes it, or NULL where it can't. */
static const char *literal_of(Question *question, const MmlExperiment *experiment, i64 type, MmlValue value) {
    switch (type) {
    case MML_INT:       return arena_printf(question->arena, "%lld", (long long)value.i);
    case MML_REAL:      return real_text(question, value.r, "");
    case MML_BOOL:      return value.i ? "true" : "false";
    case MML_STRING:
    case MML_PATH:      return string_text(question, value.s ? value.s : "");
    case MML_TIME:      return real_text(question, value.r, " s");
    case MML_FREQUENCY: return real_text(question, value.r, " Hz");
    case MML_EPOCHS:    return arena_printf(question->arena, "%lld epochs", (long long)value.i);
    case MML_STEPS:     return arena_printf(question->arena, "%lld steps", (long long)value.i);
    case MML_BYTES:     return arena_printf(question->arena, "%lld B", (long long)value.i);
    case MML_SHARE:     return real_text(question, 100 * value.r, " %");
    case MML_FPS:       return real_text(question, value.r, " fps");
    case MML_MODALITY:  return value.i >= 0 && value.i < experiment->modality_count ? experiment->modalities[value.i].name : NULL;
    default:            return NULL;
    }
}

static const char *each_literal(Question *question, const Compiled *compiled, const MmlSetting *setting) {
    const MmlExperiment *experiment = compiled->experiment;
    const MmlValue *values = compiled->settings.values + setting->slot;
    if (!setting->each) return literal_of(question, experiment, setting->type, *values);
    const char *text = "each(";
    for (i64 m = 0; m < experiment->modality_count; m++) {
        const char *one = literal_of(question, experiment, setting->type, values[m]);
        if (!one) return NULL;
        text = arena_printf(question->arena, "%s%s%s = %s", text, m ? ", " : "", experiment->modalities[m].name, one);
    }
    return arena_printf(question->arena, "%s)", text);
}

static Answer scalar(Question *question, const Expr *expr) {
    Answer    result = {0};
    Compiled  compiled;
    Program  *program = session_bound(question, &(Binding){.value = expr});
    if (!program) return result;
    const char *type = "";
    for (int i = 0; i < program->settings.count; i++)
        if (!strcmp(program->settings.items[i].path, "_value")) type = type_text(question->arena, program->settings.items[i].type);
    if (!session_compile(question, program, 0, &compiled)) return result;
    const MmlSetting *setting = mml_setting_find(compiled.experiment, "_value");
    const char *text = mml_setting_text(&compiled.settings, setting, compiled.arena);
    result = (Answer){.kind = ANSWER_SCALAR, .type = type, .literal = each_literal(question, &compiled, setting)};
    result.text = result.literal ? result.literal : text ? arena_copy(question->arena, text, strlen(text)) : "";
    compiled_free(&compiled);
    return result;
}

/* ---- Rules ---- */

static Name callee(const Expr *expr) {
    if (expr->kind == EXPR_CALL) expr = expr->base;
    return expr->kind == EXPR_NAME ? expr->name : NULL;
}

int is_policy(Question *question, const Expr *expr) { return callee(expr) && session_defines(question, DECL_POLICY, callee(expr)); }

Program *policy_program(Question *question, const Expr *expr) {
    if (is_policy(question, expr)) return session_bound(question, &(Binding){.policy = expr});
    wrong(question, expr, "this is not a policy");
    return NULL;
}

static Answer policy_result(Question *question, const Expr *expr) {
    Answer   result = {0};
    Compiled compiled;
    Program *program = session_bound(question, &(Binding){.policy = expr});
    if (!program || !session_compile(question, program, 0, &compiled)) return result;
    const MmlRule *rule = compiled.experiment->stages[0].policy;
    const char *text = callee(expr), *arguments = "", *prefix = "train.unimodal.policy.";
    for (i64 i = 0; i < compiled.experiment->setting_count; i++) {
        const MmlSetting *setting = &compiled.experiment->settings[i];
        if (strncmp(setting->path, prefix, strlen(prefix))) continue;
        arguments = arena_printf(question->arena, "%s%s%s = %s", arguments, *arguments ? ", " : "", setting->path + strlen(prefix),
                                 mml_setting_text(&compiled.settings, setting, compiled.arena));
    }
    text = arena_printf(question->arena, "%s(%s)%s%s%s", text, arguments, rule->on_probe ? ", on probe" : "", rule->on_epoch ? ", on epoch" : "",
                        rule->on_end_epoch ? ", on end_epoch" : "");
    result = (Answer){.kind = ANSWER_RULE, .type = "policy", .text = text};
    compiled_free(&compiled);
    return result;
}

static Answer rule_result(Question *question, const Expr *expr, Name name) {
    static const struct { DeclKind kind; const char *type; } kinds[] = {{DECL_ENCODER, "encoder"}, {DECL_METHOD, "method"}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (!session_defines(question, kinds[i].kind, name)) continue;
        const char *text = expr->span.source ? arena_copy(question->arena, expr->span.source->text + expr->span.begin, expr->span.end - expr->span.begin) : name;
        return (Answer){.kind = ANSWER_RULE, .type = kinds[i].type, .text = text};
    }
    return (Answer){0};
}

/* ---- All of it ---- */

Answer evaluate(Question *question, Expr *expr) {
    if (question_failed(question) || expr->kind == EXPR_ERROR) return (Answer){0};
    expr = with_numbers(question, expr);
    if (question_failed(question)) return (Answer){0};
    Name name = callee(expr);
    for (size_t i = 0; i < sizeof functions / sizeof *functions && name && expr->kind == EXPR_CALL; i++)
        if (!strcmp(functions[i].name, name)) return functions[i].function(question, expr);
    const Answer *found = expr->kind == EXPR_NAME ? binding_find(name) : NULL;
    if (found) return *found;
    if (expr->kind == EXPR_LIST || (expr->kind == EXPR_NAME && distribution_named(name))) return distribution(question, expr);
    if (name && session_defines(question, DECL_POLICY, name)) return policy_result(question, expr);
    Answer rule = name ? rule_result(question, expr, name) : (Answer){0};
    if (rule.kind) return rule;
    return scalar(question, expr);
}
