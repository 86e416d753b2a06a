#include "sema/rules.h"

static void members(RuleBuilder *r) {
    rule_requires(r);
    rule_states(r);
    for (const Member *member = r->decl->members; member; member = member->next) {
        switch (member->kind) {
        case MEMBER_ERROR: case MEMBER_REQUIRES: case MEMBER_STATE:
            break;
        case MEMBER_ON:
            rule_handler(r, member);
            break;
        case MEMBER_LET:
            diag(r->s->diagnostics, E0368, member->span, "a policy has no `let` of its own: handlers have, and what lasts is `state`");
            break;
        case MEMBER_WEIGHT:
            diag(r->s->diagnostics, E0368, member->span, "a policy learns nothing: `weight` belongs to methods");
            break;
        case MEMBER_PROPERTY:
            diag(r->s->diagnostics, E0368, member->name_span, "a policy has no `%s`: it holds requires, state and handlers", member->name);
            break;
        }
    }
}

static const Decl *find_called(Sema *s, const Expr *call) {
    Name name = rule_name(s, call, "policy");
    if (!name)
        return NULL;
    const Decl *decl = find_policy(s, name);
    if (decl || s->incomplete)
        return decl;
    Diagnostic *d = diag(s->diagnostics, E0360, call->kind == EXPR_CALL ? call->base->span : call->span, "there is no policy named `%s`", name);
    VECTOR(const char *) names = {0};
    for (int i = 0; i < s->policies.count; i++)
        VECTOR_PUSH(s->arena, &names, s->policies.items[i]->name);
    help_nearest(s, d, name, names.items, names.count);
    if (find_method(s, name))
        diag_help(s->diagnostics, d, "`%s` is a method: `method = %s(…)` in a joint stage", name, name);
    else if (names.count == 0)
        diag_help(s->diagnostics, d, "the library's policies come with `use policies`");
    return NULL;
}

Rule *policy_build(Sema *s, const Expr *call, const char *path, int has_probe, int missing) {
    const Decl *decl = find_called(s, call);
    if (!decl)
        return NULL;
    RuleBuilder r;
    int errors = diag_errors(s->diagnostics);
    rule_begin(&r, s, decl, false);
    r.has_probe = has_probe;
    r.missing = missing;
    if (!rule_bind(&r, call, path))
        return NULL;
    members(&r);
    return diag_errors(s->diagnostics) == errors ? rule_finish(&r) : NULL;
}

void policy_check(Sema *s, const Decl *policy) {
    RuleBuilder r;
    rule_begin(&r, s, policy, true);
    rule_bind_unknown(&r);
    members(&r);
}
