#include <string.h>
#include "sema/rules.h"

enum { MAX_SIZE = 100000 };          /* operations of one `let`, those it names put in */

/* Takes value's operations off left; false when they are too many. */
static bool count_operations(const Value *value, int *left) {
    if (--*left < 0)
        return false;
    for (int i = 0; i < value->count; i++)
        if (!count_operations(value->operands[i], left))
            return false;
    return true;
}

/* let NAME[m in modalities] = EXPR: stands for its expression wherever it is named. */
static void add_let(RuleBuilder *r, Scope *loss, const Member *member) {
    Sema *s = r->s;
    Value *value = !member->value ? value_error(s, member->span)
        : member->binder ? value_comprehension(s, loss, member->binder, member->binder_span, member->over, member->value, SCALAR(TYPE_NONE), member->span)
        : value_of(s, loss, member->value, SCALAR(TYPE_NONE));
    int size = MAX_SIZE;
    if (!count_operations(value, &size)) {
        diag(s->diagnostics, E0326, member->span, "`%s` has more than %d operations once the `let`s it names are put in", member->name, (int)MAX_SIZE);
        value = value_error(s, member->span);
    }
    scope_bind(s, loss, member->name, member->name_span, value);
}

/* The value of `loss` or `regularize`; NULL after a report. what: "the loss". */
static Value *one_loss(RuleBuilder *r, const Scope *loss, const Member *member, const char *what) {
    Sema *s = r->s;
    Value *value = value_of(s, loss, member->value, SCALAR(TYPE_NONE));
    if (value_wrong(value))
        return NULL;
    if (value->type.kind != TYPE_LOSS || value->type.each) {
        Diagnostic *d = diag(s->diagnostics, E0371, value->span, "%s is %s, and one number with a gradient is needed", what, type_article(s->arena, value->type));
        if (value->type.kind == TYPE_LOSS)
            diag_help(s->diagnostics, d, "add them: `sum(m in modalities: …)`");
        else if (value->type.kind == TYPE_LOGITS)
            diag_help(s->diagnostics, d, "`ce(…)` is the cross-entropy of logits with the label");
        else if (value->type.kind == TYPE_SAMPLES)
            diag_help(s->diagnostics, d, "`mean(…)` takes the mean over the batch");
        else if (value->type.kind == TYPE_SOFT)
            diag_help(s->diagnostics, d, "`synergy(…)`, `unique(…, m)` and `redundancy(…)` make a number of soft assignments");
        return NULL;
    }
    return value;
}

static void set_loss(RuleBuilder *r, const Scope *loss, const Member *member) { r->rule->loss = one_loss(r, loss, member, "the loss"); }

/* What is added to the loss while training, and to nothing else. */
static void set_regularize(RuleBuilder *r, const Scope *loss, const Member *member) {
    r->regularizer = one_loss(r, loss, member, "the regulariser");
}

static void set_predict(RuleBuilder *r, const Scope *loss, const Member *member) {
    Sema *s = r->s;
    Value *value = value_of(s, loss, member->value, SCALAR(TYPE_NONE));
    if (value_wrong(value))
        return;
    if (value->type.kind != TYPE_LOGITS || value->type.each) {
        diag(s->diagnostics, E0371, value->span, "what predicts are logits, such as `joint`, and this is %s", type_article(s->arena, value->type));
        return;
    }
    r->rule->predict = value;
}

static const struct { const char *name; void (*set)(RuleBuilder *r, const Scope *loss, const Member *member); } PROPERTIES[] = {
    {"loss", set_loss}, {"regularize", set_regularize}, {"predict", set_predict},
};
enum { LOSS, REGULARIZE, PREDICT, PROPERTY_COUNT };

static void property(RuleBuilder *r, const Scope *loss, const Member *member, const Member **first) {
    Sema *s = r->s;
    int which = 0;
    while (which < PROPERTY_COUNT && strcmp(PROPERTIES[which].name, member->name) != 0)
        which++;
    if (which == PROPERTY_COUNT) {
        const char *names[PROPERTY_COUNT];
        for (int i = 0; i < PROPERTY_COUNT; i++)
            names[i] = PROPERTIES[i].name;
        Diagnostic *d = diag(s->diagnostics, E0368, member->name_span, "a method has no `%s`; it has `loss`, `regularize` and `predict`", member->name);
        help_nearest(s, d, member->name, names, PROPERTY_COUNT);
        return;
    }
    if (first[which]) {
        Diagnostic *d = diag(s->diagnostics, E0362, member->name_span, "`%s` has a `%s` already", r->decl->name, member->name);
        diag_note(s->diagnostics, d, first[which]->name_span, "the first one");
        return;
    }
    first[which] = member;
    if (member->value)
        PROPERTIES[which].set(r, loss, member);
}

static void members(RuleBuilder *r) {
    Sema *s = r->s;
    rule_requires(r);
    rule_states(r);
    Scope loss = {.parent = &r->scope, .place = PLACE_LOSS, .stage = r->stage, .event_use = r->use};
    const Member *first[PROPERTY_COUNT] = {0};
    for (const Member *member = r->decl->members; member; member = member->next)
        if (member->kind == MEMBER_LET)
            add_let(r, &loss, member);
    for (const Member *member = r->decl->members; member; member = member->next) {
        if (member->kind == MEMBER_PROPERTY)
            property(r, &loss, member, first);
        else if (member->kind == MEMBER_ON)
            rule_handler(r, member);
    }
    if (!first[LOSS] && !s->incomplete)     /* else it may be what could not be read */
        diag(s->diagnostics, E0368, r->decl->name_span, "the method `%s` has no `loss`", r->decl->name);
    Value *term = r->regularizer;
    r->rule->training_loss = term && r->rule->loss ? value_binary(s, OP_ADD, SCALAR(TYPE_LOSS), term->span, r->rule->loss, term) : r->rule->loss;
}

Rule *method_build(Sema *s, const Expr *call, const char *path, const Stage *stage) {
    const Decl *decl = call ? rule_find(s, call, true) : find_method(s, intern_text(s->names, "uniform"));
    if (!decl && !call)
        mml_ice("the default method `uniform` is not at hand");
    if (!decl)
        return NULL;
    RuleBuilder r;
    int errors = diag_errors(s->diagnostics);
    rule_begin(&r, s, decl, false);
    r.stage = stage;
    Span at;
    const char *hook = method_hook(s, decl, &at);
    if (hook) {
        Diagnostic *d = diag(s->diagnostics, E0370, call ? call->span : decl->name_span, "this version does not train with the method `%s`: it uses %s", decl->name, hook);
        diag_note(s->diagnostics, d, at, "here");
        return NULL;
    }
    if (!rule_bind(&r, call, path))
        return NULL;
    members(&r);
    return diag_errors(s->diagnostics) == errors ? rule_finish(&r) : NULL;
}

void method_check(Sema *s, const Decl *method) {
    RuleBuilder r;
    Span at;
    rule_begin(&r, s, method, true);
    rule_bind_unknown(&r);
    if (!method_hook(s, method, &at))
        members(&r);
}
