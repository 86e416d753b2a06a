#include <math.h>
#include <string.h>
#include "sema/arguments.h"
#include "sema/rules.h"

/* ---- Start ---- */

void rule_begin(RuleBuilder *r, Sema *s, const Decl *decl, bool unused) {
    *r = (RuleBuilder){.s = s, .decl = decl, .unused = unused, .has_probe = true, .use = decl->name_span};
    r->rule = NEW(s->arena, Rule);
    r->rule->name = decl->name;
    r->rule->span = decl->span;
    Place place = decl->kind == DECL_POLICY ? PLACE_POLICY : PLACE_METHOD;
    bool module = of_module(s, decl->span);
    r->formals = (Scope){.place = place, .module = module, .unused = unused};
    r->scope = (Scope){.parent = &r->formals, .place = place};
    r->start_end = &r->start;
}

static void add_start(RuleBuilder *r, Do *statement) {
    *r->start_end = statement;
    while (*r->start_end)
        r->start_end = &(*r->start_end)->next;
}

/* "fastpid"; NULL after a report. what: "policy". */
static Name rule_name(Sema *s, const Expr *call, const char *what) {
    if (call->kind == EXPR_ERROR)
        return NULL;
    const Expr *callee = call->kind == EXPR_CALL ? call->base : call;
    if (callee->kind == EXPR_NAME)
        return callee->name;
    if (callee->kind != EXPR_ERROR)
        diag(s->diagnostics, E0360, call->span, "a %s is called by its name", what);
    return NULL;
}

const Decl *rule_find(Sema *s, const Expr *call, bool is_method) {
    const char *what = is_method ? "method" : "policy", *library = is_method ? "methods" : "policies";
    Name name = rule_name(s, call, what);
    if (!name)
        return NULL;
    const Decl *policy = find_policy(s, name), *method = find_method(s, name), *decl = is_method ? method : policy;
    if (decl || s->incomplete)
        return decl;
    Diagnostic *d = diag(s->diagnostics, E0360, call->kind == EXPR_CALL ? call->base->span : call->span, "there is no %s named `%s`", what, name);
    const Decl *const *items = is_method ? s->methods.items : s->policies.items;
    int count = is_method ? s->methods.count : s->policies.count;
    const char **names = NEW_ARRAY(s->arena, const char *, count + 1);
    for (int i = 0; i < count; i++)
        names[i] = items[i]->name;
    help_nearest(s, d, name, names, count);
    if (policy)
        diag_help(s->diagnostics, d, "`%s` is a policy: `policy = %s(…)`", name, name);
    else if (method)
        diag_help(s->diagnostics, d, "`%s` is a method: `method = %s(…)` in a joint stage", name, name);
    else if (count == 0)
        diag_help(s->diagnostics, d, "the library's %s come with `use %s`", library, library);
    return NULL;
}

/* ---- Formals ---- */

/* What a formal's own text says: its type, or its default's. NONE: neither. */
static Type formal_type(RuleBuilder *r, const Formal *formal) {
    if (formal->type)
        return type_of_expr(r->s, formal->type);
    if (!formal->value)
        return SCALAR(TYPE_NONE);
    return value_of(r->s, &r->formals, formal->value, SCALAR(TYPE_NONE))->type;
}

bool rule_bind(RuleBuilder *r, const Expr *call, const char *path) {
    Sema *s = r->s;
    r->rule->path = path;
    if (call)
        r->use = call->span;
    const char *what = r->decl->name;
    BoundFormal *bound = NEW_ARRAY(s->arena, BoundFormal, formal_count(r->decl->formals) + 1);
    if (!formals_bind(s, call, what, r->decl->formals, bound))
        return false;
    int i = 0;
    for (const Formal *formal = r->decl->formals; formal; formal = formal->next, i++) {
        Type type = formal_type(r, formal);
        Value *value = bound[i].given ? value_of(s, NULL, bound[i].given, type) : value_of(s, &r->formals, formal->value, type);
        if (!value_wrong(value) && !scope_find(&r->formals, formal->name)) {
            Setting setting = {
                .path = arena_printf(s->arena, "%s.%s", path, formal->name), .type = value->type, .value = value,
                .origin = bound[i].given ? NULL : arena_printf(s->arena, "default of %s", r->decl->name),
                .doc = formal->doc, .low = -HUGE_VAL, .high = HUGE_VAL, .span = value->span,
            };
            Value *reader = setting_add(s, setting);
            value = reader ? reader : value_error(s, value->span);
        }
        scope_bind_formal(s, &r->formals, formal->name, formal->span, value);
    }
    return true;
}

void rule_bind_unknown(RuleBuilder *r) {
    Sema *s = r->s;
    for (const Formal *formal = r->decl->formals; formal; formal = formal->next) {
        Type type = formal_type(r, formal);
        if (formal->type && formal->value)
            value_of(s, &r->formals, formal->value, type);
        Value *value = type.kind == TYPE_NONE ? value_error(s, formal->span) : value_new(s, VALUE_SETTING, type, formal->span);
        value->number = -1;
        scope_bind_formal(s, &r->formals, formal->name, formal->span, value);
    }
}

/* ---- requires ---- */

static bool reads_settings(const Value *value) {
    if (value->kind == VALUE_SETTING)
        return true;
    for (int i = 0; i < value->count; i++)
        if (reads_settings(value->operands[i]))
            return true;
    return false;
}

static void require(RuleBuilder *r, const Member *member) {
    Sema *s = r->s;
    Value *condition = value_of(s, &r->formals, member->value, SCALAR(TYPE_BOOL));
    if (value_wrong(condition) || r->unused)
        return;
    const char *text = source_slice(s->arena, member->value->span);
    Value known;
    if (value_peek(s, condition, &known)) {
        if (!known.integer) {
            if (r->unmet) {
                diag_note(s->diagnostics, r->unmet, member->value->span, "and %s", text);
                return;
            }
            r->unmet = diag(s->diagnostics, E0366, r->use, "`%s` requires %s", r->decl->name, text);
            diag_note(s->diagnostics, r->unmet, member->value->span, "required here");
            return;
        }
        if (!reads_settings(condition))
            return;
    }
    Do *check = rule_do(r, DO_IF, member->span);
    check->value = value_with(s, VALUE_UNARY, SCALAR(TYPE_BOOL), member->span, 1, &condition);
    check->value->op = OP_NOT;
    check->body = rule_do(r, DO_ACTION, member->span);
    check->body->action = ACT_FAIL;
    check->body->count = 1;
    check->body->operands = NEW_ARRAY(s->arena, Value *, 1);
    check->body->operands[0] = value_text(s, TYPE_STRING, arena_printf(s->arena, "%s: `%s` requires %s", r->rule->path, r->decl->name, text), member->span);
    add_start(r, check);
}

void rule_requires(RuleBuilder *r) {
    for (const Member *member = r->decl->members; member; member = member->next)
        if (member->kind == MEMBER_REQUIRES && member->value)
            require(r, member);
}

/* ---- state ---- */

static bool can_be_state(TypeKind kind) {
    return type_number(kind) || kind == TYPE_BOOL || kind == TYPE_MODALITY;
}

static void add_state(RuleBuilder *r, const Member *member) {
    Sema *s = r->s;
    Type type = member->type ? type_of_expr(s, member->type) : SCALAR(TYPE_NONE);
    Value *value;
    if (!member->value) {
        diag(s->diagnostics, E0365, member->name_span, "state `%s` needs a first value", member->name);
        value = value_error(s, member->span);
    } else if (member->binder) {
        if (member->type)
            type.each = 1;
        value = value_comprehension(s, &r->scope, member->binder, member->binder_span, member->over, member->value, type, member->span);
    } else if (member->over) {
        diag(s->diagnostics, E0317, member->over->span, "state for each modality is written `state %s[m in modalities] = …`", member->name);
        value = value_error(s, member->span);
    } else {
        value = value_of(s, &r->scope, member->value, type);
    }
    if (!value_wrong(value) && !can_be_state(value->type.kind)) {
        diag(s->diagnostics, E0365, value->span, "state holds numbers, bools and modalities, and this is %s", type_article(s->arena, value->type));
        value = value_error(s, value->span);
    }
    if (value_wrong(value)) {
        scope_bind(s, &r->scope, member->name, member->name_span, value);
        return;
    }
    int words = value->type.each ? modality_count(s) : 1;
    State state = {.name = member->name, .type = value->type, .slot = r->rule->state_words, .span = member->name_span};
    for (int m = 0; m < words; m++) {
        Do *first = rule_do(r, DO_STATE, member->span);
        first->number = state.slot + m;
        first->value = value_share(s, value, m);
        add_start(r, first);
    }
    Value *reader = value_new(s, VALUE_STATE, value->type, member->name_span);
    reader->number = state.slot;
    r->rule->state_words += words;
    VECTOR_PUSH(s->arena, &r->rule->states, state);
    scope_bind(s, &r->scope, member->name, member->name_span, reader);
}

void rule_states(RuleBuilder *r) {
    for (const Member *member = r->decl->members; member; member = member->next)
        if (member->kind == MEMBER_STATE)
            add_state(r, member);
}

/* ---- Handlers ---- */

#define PROBE_FIELDS (1 << PROBE_REDUNDANCY | 1 << PROBE_UNIQUE | 1 << PROBE_SYNERGY | 1 << PROBE_SYNERGY_PLUGIN        \
                      | 1 << PROBE_SYNERGY_ERROR | 1 << PROBE_MUTUAL | 1 << PROBE_TOTAL | 1 << PROBE_ENTROPY              \
                      | 1 << PROBE_GAP | 1 << PROBE_EPOCH)
#define EPOCH_FIELDS (1 << EPOCH_INDEX | 1 << EPOCH_LOSS | 1 << EPOCH_ACCURACY | 1 << EPOCH_VALIDATION)

enum { EVENT_START, EVENT_PROBE, EVENT_EPOCH, EVENT_END_EPOCH };
static const struct { const char *name; int fields; bool policies, methods; } EVENTS[] = {
    [EVENT_START]     = {"start",     0,                true,  true},
    [EVENT_PROBE]     = {"probe",     PROBE_FIELDS,     true,  false},
    [EVENT_EPOCH]     = {"epoch",     1 << EPOCH_INDEX, true,  true},
    [EVENT_END_EPOCH] = {"end_epoch", EPOCH_FIELDS,     true,  true},
                        {"gradients", 0,                false, true},
                        {"batch",     0,                false, true},
};
#define EVENT_COUNT (int)(sizeof EVENTS / sizeof *EVENTS)

static void unknown_event(RuleBuilder *r, const Member *member) {
    Sema *s = r->s;
    bool policy = r->decl->kind == DECL_POLICY;
    const char *names[EVENT_COUNT], *list = "";
    int count = 0;
    for (int i = 0; i < EVENT_COUNT; i++)
        if (policy ? EVENTS[i].policies : EVENTS[i].methods)
            names[count++] = EVENTS[i].name;
    for (int i = 0; i < count; i++)
        list = arena_printf(s->arena, "%s%s`%s`", list, i == 0 ? "" : i + 1 < count ? ", " : " and ", names[i]);
    Diagnostic *d = diag(s->diagnostics, E0361, member->name_span, "a %s has no event `%s`", policy ? "policy" : "method", member->name);
    help_nearest(s, d, member->name, names, count);
    diag_help(s->diagnostics, d, "it acts on %s", list);
}

void rule_handler(RuleBuilder *r, const Member *member) {
    Sema *s = r->s;
    bool policy = r->decl->kind == DECL_POLICY;
    int event = 0;
    while (event < EVENT_COUNT && (strcmp(EVENTS[event].name, member->name) != 0 || !(policy ? EVENTS[event].policies : EVENTS[event].methods)))
        event++;
    if (event == EVENT_COUNT) {
        unknown_event(r, member);
        return;
    }
    if (r->handled & 1 << event) {
        diag(s->diagnostics, E0362, member->name_span, "`%s` has a handler for `%s` already", r->decl->name, member->name);
        return;
    }
    r->handled |= 1 << event;
    if (event == EVENT_PROBE && !r->has_probe) {
        Diagnostic *d = diag(s->diagnostics, E0367, r->use, "the policy `%s` acts on probes, and this stage has none", r->decl->name);
        diag_help(s->diagnostics, d, "give the stage one: `probe = pid(every = 5 epochs)`");
    }
    if (member->argument && !EVENTS[event].fields)
        diag(s->diagnostics, E0361, member->argument_span, "`on %s` brings nothing that a name could stand for", member->name);
    Scope scope = {.parent = &r->scope, .place = scope_place(&r->scope)};
    if (member->argument && EVENTS[event].fields) {
        /* Its name may hide nothing, as a local's may not. */
        scope_bind(s, &(Scope){.parent = &r->scope, .place = scope.place}, member->argument, member->argument_span, value_error(s, member->argument_span));
        scope.event = member->argument;
        scope.event_fields = EVENTS[event].fields;
        scope.event_missing = r->missing;
        scope.event_use = r->use;
    }
    Handler handler = {.present = 1};
    r->words = r->most = 0;
    rule_statements(r, &scope, member->body, &handler.body);
    handler.locals = r->most;
    switch (event) {
    case EVENT_START:
        add_start(r, handler.body);
        r->rule->start.locals = handler.locals;
        break;
    case EVENT_PROBE:     r->rule->on_probe     = handler; break;
    case EVENT_EPOCH:     r->rule->on_epoch     = handler; break;
    case EVENT_END_EPOCH: r->rule->on_end_epoch = handler; break;
    }
}

Rule *rule_finish(RuleBuilder *r) {
    r->rule->start.body = r->start;
    r->rule->start.present = r->start != NULL;
    return r->rule;
}

/* ---- Definitions on their own ---- */

void rule_check_definition(Sema *s, const Decl *rule) {
    if (rule->kind == DECL_POLICY)
        policy_check(s, rule);
    else
        method_check(s, rule);
}
