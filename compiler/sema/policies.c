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

Rule *policy_build(Sema *s, const Expr *call, const char *path, int has_probe, int missing) {
    const Decl *decl = rule_find(s, call, false);
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
