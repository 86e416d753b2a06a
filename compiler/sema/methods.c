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

static void set_loss(RuleBuilder *r, const Scope *loss, const Member *member) {
    Sema *s = r->s;
    Value *value = value_of(s, loss, member->value, SCALAR(TYPE_NONE));
    if (value_wrong(value))
        return;
    if (value->type.kind != TYPE_LOSS || value->type.each) {
        Diagnostic *d = diag(s->diagnostics, E0371, value->span, "the loss is %s, and one number with a gradient is needed", type_article(s->arena, value->type));
        if (value->type.kind == TYPE_LOSS)
            diag_help(s->diagnostics, d, "add them: `sum(m in modalities: …)`");
        else if (value->type.kind == TYPE_LOGITS)
            diag_help(s->diagnostics, d, "`ce(…)` is the cross-entropy of logits with the label");
        else if (value->type.kind == TYPE_SAMPLES)
            diag_help(s->diagnostics, d, "`mean(…)` takes the mean over the batch");
        return;
    }
    r->rule->loss = value;
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

static void property(RuleBuilder *r, const Scope *loss, const Member *member, const Member **first_loss, const Member **first_predict) {
    Sema *s = r->s;
    static const char *const names[] = {"loss", "predict"};
    bool is_loss = strcmp(member->name, "loss") == 0;
    if (!is_loss && strcmp(member->name, "predict") != 0) {
        Diagnostic *d = diag(s->diagnostics, E0368, member->name_span, "a method has no `%s`; it has `loss` and `predict`", member->name);
        help_nearest(s, d, member->name, names, 2);
        return;
    }
    const Member **first = is_loss ? first_loss : first_predict;
    if (*first) {
        Diagnostic *d = diag(s->diagnostics, E0362, member->name_span, "`%s` has a `%s` already", r->decl->name, member->name);
        diag_note(s->diagnostics, d, (*first)->name_span, "the first one");
        return;
    }
    *first = member;
    if (!member->value)
        return;
    if (is_loss)
        set_loss(r, loss, member);
    else
        set_predict(r, loss, member);
}

static void members(RuleBuilder *r) {
    Sema *s = r->s;
    rule_requires(r);
    rule_states(r);
    Scope loss = {.parent = &r->scope, .place = PLACE_LOSS};
    const Member *first_loss = NULL, *first_predict = NULL;
    for (const Member *member = r->decl->members; member; member = member->next)
        if (member->kind == MEMBER_LET)
            add_let(r, &loss, member);
    for (const Member *member = r->decl->members; member; member = member->next) {
        if (member->kind == MEMBER_PROPERTY)
            property(r, &loss, member, &first_loss, &first_predict);
        else if (member->kind == MEMBER_ON)
            rule_handler(r, member);
    }
    if (!first_loss && !s->incomplete)     /* else it may be what could not be read */
        diag(s->diagnostics, E0368, r->decl->name_span, "the method `%s` has no `loss`", r->decl->name);
}

static const Decl *find_called(Sema *s, const Expr *call) {
    Name name = call ? rule_name(s, call, "method") : intern_text(s->names, "uniform");
    if (!name)
        return NULL;
    const Decl *decl = find_method(s, name);
    if (decl)
        return decl;
    if (!call)
        mml_ice("the default method `uniform` is not at hand");
    if (s->incomplete)
        return NULL;
    Diagnostic *d = diag(s->diagnostics, E0360, call->kind == EXPR_CALL ? call->base->span : call->span, "there is no method named `%s`", name);
    VECTOR(const char *) names = {0};
    for (int i = 0; i < s->methods.count; i++)
        VECTOR_PUSH(s->arena, &names, s->methods.items[i]->name);
    help_nearest(s, d, name, names.items, names.count);
    if (find_policy(s, name))
        diag_help(s->diagnostics, d, "`%s` is a policy: `policy = %s(…)`", name, name);
    else if (names.count == 0)
        diag_help(s->diagnostics, d, "the library's methods come with `use methods`");
    return NULL;
}

Rule *method_build(Sema *s, const Expr *call, const char *path) {
    const Decl *decl = find_called(s, call);
    if (!decl)
        return NULL;
    RuleBuilder r;
    int errors = diag_errors(s->diagnostics);
    rule_begin(&r, s, decl, false);
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
