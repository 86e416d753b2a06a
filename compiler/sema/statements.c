#include <string.h>
#include "sema/rules.h"

enum { MAX_STATEMENTS = 100000 };      /* of one rule, loops unrolled */

Do *rule_do(RuleBuilder *r, DoKind kind, Span span) {
    Do *statement = NEW(r->s->arena, Do);
    statement->kind = kind;
    statement->span = span;
    r->statements++;
    return statement;
}

int rule_local(RuleBuilder *r, Type type) {
    int first = r->words;
    r->words += type.each ? modality_count(r->s) : 1;
    if (r->words > r->most)
        r->most = r->words;
    return first;
}

/* ---- let ---- */

static Do *let_statement(RuleBuilder *r, Scope *scope, const Stmt *stmt) {
    Sema *s = r->s;
    Value *value = stmt->binder
        ? value_comprehension(s, scope, stmt->binder, stmt->binder_span, stmt->over, stmt->value, SCALAR(TYPE_NONE), stmt->span)
        : value_of(s, scope, stmt->value, SCALAR(TYPE_NONE));
    if (value_wrong(value)) {
        scope_bind(s, scope, stmt->name, stmt->name_span, value);
        return NULL;
    }
    Do *statement = rule_do(r, DO_LOCAL, stmt->span);
    statement->number = rule_local(r, value->type);
    statement->value = value;
    Value *local = value_new(s, VALUE_LOCAL, value->type, stmt->name_span);
    local->number = statement->number;
    scope_bind(s, scope, stmt->name, stmt->name_span, local);
    return statement;
}

/* ---- Assignment ---- */

static const char *kind_of_binding(const Value *value) {
    switch (value->kind) {
    case VALUE_LOCAL:   return "a local";
    case VALUE_INTEGER: return "a loop's variable";
    default:            return "an argument";
    }
}

/* Every state's name, for "did you mean". */
static void help_states(RuleBuilder *r, Diagnostic *d, const char *name) {
    VECTOR(const char *) names = {0};
    for (int i = 0; i < r->rule->states.count; i++)
        VECTOR_PUSH(r->s->arena, &names, r->rule->states.items[i].name);
    const char *near = nearest_name(name, names.items, names.count);
    if (near)
        diag_help(r->s->diagnostics, d, "did you mean `%s`?", near);
    else
        diag_help(r->s->diagnostics, d, "what a rule remembers is declared in its body: `state %s = …`", name);
}

/* The state that target names; NULL after a report. */
static const Binding *assigned_state(RuleBuilder *r, const Scope *scope, const Expr *target) {
    Sema *s = r->s;
    const Expr *base = target->kind == EXPR_INDEX ? target->base : target;
    if (base->kind == EXPR_ERROR)
        return NULL;
    if (base->kind != EXPR_NAME) {
        diag(s->diagnostics, E0364, target->span, "only state can be assigned to");
        return NULL;
    }
    const Binding *binding = scope_find(scope, base->name);
    if (binding && (binding->value->kind == VALUE_STATE || value_wrong(binding->value)))
        return value_wrong(binding->value) ? NULL : binding;
    if (binding) {
        Diagnostic *d = diag(s->diagnostics, E0364, base->span, "`%s` is %s: only state can be assigned to", base->name, kind_of_binding(binding->value));
        diag_note(s->diagnostics, d, binding->span, "named here");
        return NULL;
    }
    const char *other = scope_sees_file(scope) ? file_name_kind(s, base->name) : NULL;
    if (other) {
        diag(s->diagnostics, E0364, base->span, "`%s` is a %s: only state can be assigned to", base->name, other);
        return NULL;
    }
    if (name_was_lost(s, base->name))
        return NULL;
    Diagnostic *d = diag(s->diagnostics, E0364, base->span, "there is no state named `%s`", base->name);
    help_states(r, d, base->name);
    return NULL;
}

/* As value_convert, saying whose type is needed. */
static Value *state_value(RuleBuilder *r, const Scope *scope, const Binding *state, const Expr *expr, Type type) {
    Sema *s = r->s;
    Value *value = value_of(s, scope, expr, SCALAR(TYPE_NONE));
    TypeKind both;
    if (value_wrong(value))
        return value;
    if (!type_unify(type.kind, value->type.kind, &both) || both != type.kind) {
        Diagnostic *d = diag(s->diagnostics, E0301, value->span, "state `%s` is %s, and this is %s", state->name, type_article(s->arena, type),
                             type_article(s->arena, value->type));
        diag_note(s->diagnostics, d, state->span, "it has its type from here");
        if (type.kind == TYPE_INT && value->type.kind == TYPE_REAL)
            diag_help(s->diagnostics, d, "let it start as a real, such as `0.0`");
        return value_error(s, value->span);
    }
    return value_convert(s, value, type);
}

static Do *assign(RuleBuilder *r, int number, Value *index, Value *value, Span span) {
    Do *statement = rule_do(r, DO_STATE, span);
    statement->number = number;
    statement->index = index;
    statement->value = value;
    return statement;
}

/* seen[m] = …: one modality's. */
static Do *assign_element(RuleBuilder *r, Scope *scope, const Stmt *stmt, const Binding *state) {
    Sema *s = r->s;
    Type type = state->value->type;
    const Arg *argument = stmt->target->arguments;
    Value *value = state_value(r, scope, state, stmt->value, type_element(type));
    if (!type.each) {
        diag(s->diagnostics, E0310, stmt->target->span, "state `%s` is %s, one value: it takes no index", state->name, type_article(s->arena, type));
        return NULL;
    }
    if (!argument || argument->next || argument->name) {
        diag(s->diagnostics, E0311, stmt->target->span, "a value for each modality takes one modality as its index");
        return NULL;
    }
    Value *index = value_of(s, scope, argument->value, SCALAR(TYPE_NONE));
    if (value_wrong(index) || value_wrong(value))
        return NULL;
    if (index->type.each || (index->type.kind != TYPE_MODALITY && index->type.kind != TYPE_INT)) {
        diag(s->diagnostics, E0311, index->span, "the index is %s; a modality is needed", type_article(s->arena, index->type));
        return NULL;
    }
    if (index->kind != VALUE_INTEGER)
        return assign(r, state->value->number, index, value, stmt->span);
    if (index->integer < 0 || index->integer >= modality_count(s)) {
        if (!r->unused)
            diag(s->diagnostics, E0311, index->span, "there is no modality %lld: the %d of this experiment are numbered from 0", (long long)index->integer,
                 modality_count(s));
        return NULL;
    }
    return assign(r, state->value->number + (int)index->integer, NULL, value, stmt->span);
}

static Do *assign_statement(RuleBuilder *r, Scope *scope, const Stmt *stmt) {
    Sema *s = r->s;
    const Binding *state = assigned_state(r, scope, stmt->target);
    if (!state) {
        value_of(s, scope, stmt->value, SCALAR(TYPE_NONE));
        return NULL;
    }
    if (stmt->target->kind == EXPR_INDEX)
        return assign_element(r, scope, stmt, state);
    Type type = state->value->type;
    Value *value = state_value(r, scope, state, stmt->value, type);
    if (value_wrong(value))
        return NULL;
    if (!type.each)
        return assign(r, state->value->number, NULL, value, stmt->span);
    /* All at once, from what stood before: through a local. */
    Do *local = rule_do(r, DO_LOCAL, stmt->span), **end = &local->next;
    local->number = rule_local(r, type);
    local->value = value;
    Value *whole = value_new(s, VALUE_LOCAL, type, stmt->span);
    whole->number = local->number;
    for (int m = 0; m < modality_count(s); m++) {
        *end = assign(r, state->value->number + m, NULL, value_share(s, whole, m), stmt->span);
        end = &(*end)->next;
    }
    return local;
}

/* ---- Actions ---- */

static const struct { const char *name; Action action; int least, most; TypeKind type; const char *takes; } ACTIONS[] = {
    {"only",   ACT_ONLY,   1, 16, TYPE_MODALITY, "the modalities that go on"},
    {"all",    ACT_ALL,    0, 0,  TYPE_NONE,     "no arguments"},
    {"pause",  ACT_PAUSE,  1, 1,  TYPE_MODALITY, "one modality"},
    {"resume", ACT_RESUME, 1, 1,  TYPE_MODALITY, "one modality"},
    {"finish", ACT_FINISH, 1, 1,  TYPE_STRING,   "the reason, a string"},
    {"say",    ACT_SAY,    1, 1,  TYPE_STRING,   "a string"},
};
#define ACTION_COUNT (int)(sizeof ACTIONS / sizeof *ACTIONS)

static Do *unknown_action(RuleBuilder *r, const Expr *call) {
    Sema *s = r->s;
    if (call->kind == EXPR_ERROR)
        return NULL;
    const Expr *callee = call->kind == EXPR_CALL ? call->base : call;
    if (callee->kind != EXPR_NAME) {
        diag(s->diagnostics, E0363, call->span, "a statement of a rule is a let, an assignment to state, if, for or an action");
        return NULL;
    }
    const char *names[ACTION_COUNT], *list = "";
    for (int i = 0; i < ACTION_COUNT; i++) {
        names[i] = ACTIONS[i].name;
        list = arena_printf(s->arena, "%s%s`%s`", list, i == 0 ? "" : i + 1 < ACTION_COUNT ? ", " : " and ", names[i]);
    }
    Diagnostic *d = diag(s->diagnostics, E0363, callee->span, "there is no action `%s`", callee->name);
    help_nearest(s, d, callee->name, names, ACTION_COUNT);
    diag_help(s->diagnostics, d, "actions are %s", list);
    return NULL;
}

static Do *action_statement(RuleBuilder *r, const Scope *scope, const Expr *call) {
    Sema *s = r->s;
    int row = 0;
    if (call->kind != EXPR_CALL)
        return unknown_action(r, call);
    while (row < ACTION_COUNT && !is_name(call->base, ACTIONS[row].name))
        row++;
    if (row == ACTION_COUNT)
        return unknown_action(r, call);
    int count = 0;
    for (const Arg *argument = call->arguments; argument; argument = argument->next)
        count++;
    if (count < ACTIONS[row].least || count > ACTIONS[row].most) {
        diag(s->diagnostics, E0305, call->span, "`%s` takes %s", ACTIONS[row].name, ACTIONS[row].takes);
        return NULL;
    }
    Do *statement = rule_do(r, DO_ACTION, call->span);
    statement->action = ACTIONS[row].action;
    statement->operands = NEW_ARRAY(s->arena, Value *, count + 1);
    bool wrong = false;
    for (const Arg *argument = call->arguments; argument; argument = argument->next) {
        if (argument->name) {
            diag(s->diagnostics, E0305, argument->name_span, "the arguments of an action have no names");
            wrong = true;
        }
        Value *value = value_of(s, scope, argument->value, SCALAR(ACTIONS[row].type));
        statement->operands[statement->count++] = value;
        wrong |= value_wrong(value);
    }
    return wrong ? NULL : statement;
}

/* ---- if, for ---- */

static void block(RuleBuilder *r, const Scope *scope, const Stmt *stmts, Do **first) {
    Scope inner = {.parent = scope, .place = scope_place(scope)};
    int words = r->words;
    rule_statements(r, &inner, stmts, first);
    r->words = words;
}

static Do *if_statement(RuleBuilder *r, const Scope *scope, const Stmt *stmt) {
    Value *condition = value_of(r->s, scope, stmt->value, SCALAR(TYPE_BOOL));
    Do *statement = rule_do(r, DO_IF, stmt->span);
    statement->value = condition;
    block(r, scope, stmt->body, &statement->body);
    block(r, scope, stmt->otherwise, &statement->otherwise);
    return value_wrong(condition) ? NULL : statement;
}

static bool too_many(RuleBuilder *r) {
    if (r->statements <= MAX_STATEMENTS)
        return false;
    diag(r->s->diagnostics, E0326, r->decl->name_span, "this rule has more than %d statements when its loops are unrolled", (int)MAX_STATEMENTS);
    return true;
}

static Do *for_statement(RuleBuilder *r, const Scope *scope, const Stmt *stmt) {
    Sema *s = r->s;
    if (!is_name(stmt->over, "modalities")) {
        if (stmt->over->kind != EXPR_ERROR)
            diag(s->diagnostics, E0317, stmt->over->span, "a loop of a rule runs over `modalities`");
        return NULL;
    }
    Do *first = NULL, **end = &first;
    for (int m = 0; m < modality_count(s) && !too_many(r); m++) {      /* a round counts as one */
        Scope inner = {.parent = scope, .place = scope_place(scope)};
        r->statements++;
        scope_bind(s, &inner, stmt->binder, stmt->binder_span, value_integer(s, TYPE_MODALITY, m, stmt->binder_span));
        block(r, &inner, stmt->body, end);
        while (*end)
            end = &(*end)->next;
    }
    return first;
}

/* ---- All of them ---- */

static Do *statement_of(RuleBuilder *r, Scope *scope, const Stmt *stmt) {
    switch (stmt->kind) {
    case STMT_ERROR:  return NULL;
    case STMT_LET:    return let_statement(r, scope, stmt);
    case STMT_ASSIGN: return assign_statement(r, scope, stmt);
    case STMT_EXPR:   return action_statement(r, scope, stmt->value);
    case STMT_IF:     return if_statement(r, scope, stmt);
    case STMT_FOR:    return for_statement(r, scope, stmt);
    case STMT_RETURN:
        diag(r->s->diagnostics, E0363, stmt->span, "a rule has no `return`: a handler runs to its end");
        return NULL;
    case STMT_BLOCK:
        diag(r->s->diagnostics, E0363, stmt->span, "there is no statement `%s { … }` here", stmt->name);
        return NULL;
    }
    mml_ice("statement kind %d", stmt->kind);
}

void rule_statements(RuleBuilder *r, Scope *scope, const Stmt *stmts, Do **first) {
    Do **end = first;
    for (const Stmt *stmt = stmts; stmt; stmt = stmt->next) {
        if (too_many(r))
            break;
        *end = statement_of(r, scope, stmt);
        while (*end)
            end = &(*end)->next;
    }
}
