#include <ctype.h>
#include <string.h>
#include "sema/values.h"

const Binding *scope_find(const Scope *scope, Name name) {
    for (; scope; scope = scope->parent)
        for (const Binding *binding = scope->bindings; binding; binding = binding->next)
            if (binding->name == name)
                return binding;
    return NULL;
}

Place scope_place(const Scope *scope) {
    return scope ? scope->place : PLACE_SETTING;
}

const Scope *scope_event(const Scope *scope) {
    while (scope && !scope->event)
        scope = scope->parent;
    return scope;
}

bool scope_unused(const Scope *scope) {
    for (; scope; scope = scope->parent)
        if (scope->unused)
            return true;
    return false;
}

bool scope_sees_file(const Scope *scope) {
    for (; scope; scope = scope->parent)
        if (scope->module)
            return false;
    return true;
}

static const Decl *find_param(const Sema *s, Name name) {
    for (int i = 0; i < s->params.count; i++)
        if (s->params.items[i]->name == name)
            return s->params.items[i];
    return NULL;
}

static void bind(Sema *s, Scope *scope, Name name, Span span, Value *value) {
    Binding *binding = NEW(s->arena, Binding);
    *binding = (Binding){.next = scope->bindings, .name = name, .span = span, .value = value};
    scope->bindings = binding;
}

static void report_hidden(Sema *s, Span span, Name name, const char *what, Span earlier) {
    Diagnostic *d = diag(s->diagnostics, E0315, span, "`%s` already means something here%s", name, what);
    diag_note(s->diagnostics, d, earlier, "it was named before");
}

void scope_bind_formal(Sema *s, Scope *scope, Name name, Span span, Value *value) {
    const Binding *earlier = scope_find(scope, name);
    int modality = scope_sees_file(scope) ? find_modality(s, name) : -1;
    if (earlier)
        report_hidden(s, span, name, "", earlier->span);
    else if (modality >= 0)
        report_hidden(s, span, name, ": it is a modality", s->modalities.items[modality]->name_span);
    bind(s, scope, name, span, value);
}

void scope_bind(Sema *s, Scope *scope, Name name, Span span, Value *value) {
    const Binding *earlier = scope_find(scope, name);
    const Scope *event = scope_event(scope);
    if (earlier) {
        report_hidden(s, span, name, "", earlier->span);
    } else if (event && event->event == name) {
        diag(s->diagnostics, E0315, span, "`%s` already means something here: what this event brings", name);
    } else if (scope_sees_file(scope)) {
        const Decl *param = find_param(s, name);
        int modality = find_modality(s, name);
        if (param)
            report_hidden(s, span, name, ": it is a param", param->name_span);
        else if (modality >= 0)
            report_hidden(s, span, name, ": it is a modality", s->modalities.items[modality]->name_span);
    }
    bind(s, scope, name, span, value);
}

int scope_names(Sema *s, const Scope *scope, const char ***names) {
    static const char *const rules[]  = {"modalities", "active", "trained"};
    static const char *const losses[] = {"joint", "head", "split", "feature", "label", "modalities"};
    VECTOR(const char *) found = {0};
    Place place = scope_place(scope);
    if (place == PLACE_POLICY || place == PLACE_METHOD)
        for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
            VECTOR_PUSH(s->arena, &found, rules[i]);
    if (place == PLACE_LOSS)
        for (size_t i = 0; i < sizeof losses / sizeof *losses; i++)
            VECTOR_PUSH(s->arena, &found, losses[i]);
    if (place == PLACE_ENCODER)
        VECTOR_PUSH(s->arena, &found, "classes");
    if (scope_sees_file(scope)) {
        for (int i = 0; i < s->params.count; i++)
            VECTOR_PUSH(s->arena, &found, s->params.items[i]->name);
        for (int i = 0; i < s->modalities.count; i++)
            VECTOR_PUSH(s->arena, &found, s->modalities.items[i]->name);
    }
    for (; scope; scope = scope->parent) {
        for (const Binding *binding = scope->bindings; binding; binding = binding->next)
            VECTOR_PUSH(s->arena, &found, binding->name);
        if (scope->event)
            VECTOR_PUSH(s->arena, &found, scope->event);
    }
    *names = found.items;
    return found.count;
}

const char *file_name_kind(Sema *s, Name name) {
    return find_modality(s, name) >= 0 ? "modality" : find_param(s, name) ? "param" : NULL;
}

/* Looks for `param NAME`, `let NAME` … in the text. */
bool name_was_lost(const Sema *s, Name name) {
    static const char *const words[] = {"param", "modality", "data", "state", "let", "for"};
    const char *text = s->incomplete && s->program->source ? s->program->source->text : "";
    size_t length = strlen(name);
    for (const char *at = strstr(text, name); at; at = strstr(at + 1, name)) {
        const char *end = at;
        while (end > text && (end[-1] == ' ' || end[-1] == '\t'))
            end--;
        if (end == at || isalnum((unsigned char)at[length]) || at[length] == '_')
            continue;
        for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
            size_t word = strlen(words[i]);
            if ((size_t)(end - text) >= word && strncmp(end - word, words[i], word) == 0)
                return true;
        }
    }
    return false;
}

/* Words with a meaning at other places. */
static const struct { const char *name, *where; } WORDS[] = {
    {"classes", "encoders, heads and the fusion"}, {"in", "encoders"}, {"joint", "a method's loss"}, {"head", "a method's loss"},
    {"split", "a method's loss"}, {"feature", "a method's loss"}, {"label", "a method's loss"},
};

static Value *unknown_name(Sema *s, const Scope *scope, const Expr *expr) {
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++) {
        if (is_name(expr, WORDS[i].name)) {
            diag(s->diagnostics, E0314, expr->span, "`%s` is known to %s only", expr->name, WORDS[i].where);
            return value_error(s, expr->span);
        }
    }
    if (name_was_lost(s, expr->name))
        return value_error(s, expr->span);
    const char *functions[64];
    int function_count = function_names(functions, 64);
    for (int i = 0; i < function_count; i++) {
        if (strcmp(functions[i], expr->name) == 0) {
            diag(s->diagnostics, E0303, expr->span, "`%s` is a function: it takes its arguments in parentheses", expr->name);
            return value_error(s, expr->span);
        }
    }
    Diagnostic *d = diag(s->diagnostics, E0303, expr->span, "there is no value named `%s` here", expr->name);
    const char **names;
    int count = scope_names(s, scope, &names);
    help_nearest(s, d, expr->name, names, count);
    if (!scope_sees_file(scope) && (find_param(s, expr->name) || find_modality(s, expr->name) >= 0))
        diag_help(s->diagnostics, d, "a module's definition knows nothing of the file that uses it: hand the value over as an argument");
    return value_error(s, expr->span);
}

static Value *param_value(Sema *s, const Expr *expr) {
    Setting *setting = setting_find(s, expr->name);
    if (!setting)                /* its own definition was reported */
        return value_error(s, expr->span);
    Value *value = value_new(s, VALUE_SETTING, setting->type, expr->span);
    value->number = setting->slot;
    return value;
}

static Value *all_modalities(Sema *s, Span span) {
    int modalities = modality_count(s);
    Value **elements = NEW_ARRAY(s->arena, Value *, modalities);
    for (int m = 0; m < modalities; m++)
        elements[m] = value_integer(s, TYPE_MODALITY, m, span);
    return value_with(s, VALUE_EACH, EACH(TYPE_MODALITY), span, modalities, elements);
}

/* A value that only a rule can read, in a rule or not. */
static Value *rule_value(Sema *s, const Scope *scope, const Expr *expr, ValueKind kind, TypeKind type) {
    Place place = scope_place(scope);
    if (place == PLACE_POLICY || place == PLACE_METHOD)
        return value_new(s, kind, EACH(type), expr->span);
    diag(s->diagnostics, E0314, expr->span, "`%s` is known to the events of a rule only", expr->name);
    return value_error(s, expr->span);
}

static Value *classes_value(Sema *s, const Scope *scope, const Expr *expr) {
    if (s->program->target.classes > 0 && !scope_unused(scope))
        return value_integer(s, TYPE_INT, s->program->target.classes, expr->span);
    if (!s->target && !scope_unused(scope))
        diag(s->diagnostics, E0314, expr->span, "`classes` is the target's number of classes, and this experiment has no target");
    return value_error(s, expr->span);
}

Value *name_value(Sema *s, const Scope *scope, const Expr *expr) {
    const Binding *binding = scope_find(scope, expr->name);
    if (binding) {
        Value *copy = NEW(s->arena, Value);
        if (type_tensor(binding->value->type.kind))
            return binding->value;               /* shared: one computation, one pointer */
        *copy = *binding->value;
        copy->span = expr->span;
        return copy;
    }
    const Scope *event = scope_event(scope);
    if (event && event->event == expr->name) {
        diag(s->diagnostics, E0312, expr->span, "`%s` is an event: read one of its fields, as in `%s.%s`", expr->name, expr->name,
             event->event_fields & 1 << PROBE_SYNERGY ? "synergy" : "index");
        return value_error(s, expr->span);
    }
    if (scope_place(scope) == PLACE_LOSS) {
        Value *tensor = loss_name(s, scope, expr);
        if (tensor)
            return tensor;
    }
    if (is_name(expr, "modalities"))
        return all_modalities(s, expr->span);
    if (is_name(expr, "active"))
        return rule_value(s, scope, expr, VALUE_ACTIVE, TYPE_BOOL);
    if (is_name(expr, "trained"))
        return rule_value(s, scope, expr, VALUE_TRAINED, TYPE_INT);
    if (is_name(expr, "classes") && scope_place(scope) == PLACE_ENCODER)
        return classes_value(s, scope, expr);
    if (scope_sees_file(scope)) {
        int modality = find_modality(s, expr->name);
        if (modality >= 0)
            return value_integer(s, TYPE_MODALITY, modality, expr->span);
        if (find_param(s, expr->name))
            return param_value(s, expr);
    }
    return unknown_name(s, scope, expr);
}

/* ---- Fields: p.synergy, in.channels ---- */

static const struct { const char *name; EventField field; TypeKind type; int each; } FIELDS[] = {
    {"redundancy",     PROBE_REDUNDANCY,     TYPE_REAL, 0},
    {"unique",         PROBE_UNIQUE,         TYPE_REAL, 1},
    {"synergy",        PROBE_SYNERGY,        TYPE_REAL, 0},
    {"synergy_plugin", PROBE_SYNERGY_PLUGIN, TYPE_REAL, 0},
    {"synergy_error",  PROBE_SYNERGY_ERROR,  TYPE_REAL, 0},
    {"mutual",         PROBE_MUTUAL,         TYPE_REAL, 1},
    {"total",          PROBE_TOTAL,          TYPE_REAL, 0},
    {"entropy",        PROBE_ENTROPY,        TYPE_REAL, 0},
    {"gap",            PROBE_GAP,            TYPE_REAL, 0},
    {"epoch",          PROBE_EPOCH,          TYPE_INT,  0},
    {"index",          EPOCH_INDEX,          TYPE_INT,  0},
    {"loss",           EPOCH_LOSS,           TYPE_REAL, 1},
    {"accuracy",       EPOCH_ACCURACY,       TYPE_REAL, 1},
    {"validation",     EPOCH_VALIDATION,     TYPE_REAL, 1},
};
#define FIELD_COUNT (int)(sizeof FIELDS / sizeof *FIELDS)

static Value *event_field(Sema *s, const Scope *event, const Expr *expr) {
    const char *offered[FIELD_COUNT];
    int offered_count = 0;
    for (int i = 0; i < FIELD_COUNT; i++) {
        if (!(event->event_fields & 1 << FIELDS[i].field))
            continue;
        offered[offered_count++] = FIELDS[i].name;
        if (strcmp(FIELDS[i].name, expr->name) != 0)
            continue;
        if (event->event_missing & 1 << FIELDS[i].field) {
            /* At the stage, so that a policy that reads several of them draws one error. */
            Diagnostic *d = diag(s->diagnostics, E0313, event->event_use, "this policy reads `%s`, which the probe of its stage does not measure",
                                 expr->name);
            diag_note(s->diagnostics, d, expr->span, "it is read here");
            diag_help(s->diagnostics, d, "`pid(…)` measures it");
            return value_error(s, expr->span);
        }
        Value *value = value_new(s, VALUE_FIELD, (Type){.kind = FIELDS[i].type, .each = FIELDS[i].each}, expr->span);
        value->field = FIELDS[i].field;
        return value;
    }
    const char *list = offered[0];
    for (int i = 1; i < offered_count; i++)
        list = arena_printf(s->arena, "%s, %s", list, offered[i]);
    Diagnostic *d = diag(s->diagnostics, E0312, expr->name_span, "`%s` has no field `%s`; it has %s", event->event, expr->name, list);
    help_nearest(s, d, expr->name, offered, offered_count);
    return value_error(s, expr->span);
}

static Value *input_field(Sema *s, const Scope *scope, const Expr *expr) {
    static const char *const fields[] = {"channels", "height", "width", "size"};
    Shape in = {0};
    for (const Scope *at = scope; at; at = at->parent) {
        if (at->place == PLACE_ENCODER && at->in.rank > 0) {
            in = at->in;
            break;
        }
    }
    int field = 0;
    while (field < 4 && strcmp(fields[field], expr->name) != 0)
        field++;
    if (field == 4) {
        Diagnostic *d = diag(s->diagnostics, E0312, expr->name_span, "`in` has no field `%s`; it has channels, height, width, size", expr->name);
        help_nearest(s, d, expr->name, fields, 4);
        return value_error(s, expr->span);
    }
    if (scope_unused(scope) || in.rank == 0)
        return value_error(s, expr->span);
    if (field == 3)
        return value_integer(s, TYPE_INT, shape_count(in), expr->span);
    if (in.rank != 3 && in.rank != 4) {
        diag(s->diagnostics, E0345, expr->span, "the input here is %s: it has a size, and no %s", shape_text(s->arena, in), expr->name);
        return value_error(s, expr->span);
    }
    return value_integer(s, TYPE_INT, in.size[field + in.rank - 3], expr->span);      /* of a clip: of each frame */
}

Value *field_value(Sema *s, const Scope *scope, const Expr *expr) {
    const Expr *base = expr->base;
    if (base->kind == EXPR_NAME && !scope_find(scope, base->name)) {
        const Scope *event = scope_event(scope);
        if (event && event->event == base->name)
            return event_field(s, event, expr);
        if (is_name(base, "in") && scope_place(scope) == PLACE_ENCODER)
            return input_field(s, scope, expr);
    }
    if (base->kind == EXPR_NAME && !scope_find(scope, base->name) && find_modality(s, base->name) < 0 && !find_param(s, base->name)) {
        unknown_name(s, scope, base);
        return value_error(s, expr->span);
    }
    Value *value = value_of(s, scope, base, SCALAR(TYPE_NONE));
    if (!value_wrong(value))
        diag(s->diagnostics, E0312, expr->name_span, "%s has no fields", type_article(s->arena, value->type));
    return value_error(s, expr->span);
}
