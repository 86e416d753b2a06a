#include <string.h>
#include "sema/rules.h"

/* Functions and actions on gradients, groups of parameters, tables and trials. `softmax` is a loss's too. */
static const char *const HOOK_CALLS[] = {
    "gradient", "dot", "norm", "cosine", "std", "project", "min_norm", "normal", "tensors", "copy", "initial", "mix", "restart",
    "run", "measure", "collect", "kmeans", "purity", "minmax", "class_means", "distances", "blend", "softmax", "load",
    "only", "pause", "resume", "all",
};

static bool is_hook_call(const Expr *expr, bool loss) {
    if (expr->kind != EXPR_CALL || !expr->base || expr->base->kind != EXPR_NAME)
        return false;
    if (loss && is_name(expr->base, "softmax"))
        return false;
    for (size_t i = 0; i < sizeof HOOK_CALLS / sizeof *HOOK_CALLS; i++)
        if (is_name(expr->base, HOOK_CALLS[i]))
            return true;
    return false;
}

/* soft(…, bins = kmeans(…)): clusters, as a probe has them. */
static bool is_soft_bins(const Expr *call, const Expr *argument, bool loss) {
    return loss && call->kind == EXPR_CALL && call->base && is_name(call->base, "soft") && argument && argument->kind == EXPR_CALL
        && argument->base && is_name(argument->base, "kmeans");
}

static const char *found(Sema *s, Span span, Span *at, const char *text) {
    *at = span;
    return text;
}

/* The left side of long operator chains is walked, not descended into. loss: the expression is part of one. */
static const char *in_expr(Sema *s, const Expr *expr, bool loss, Span *at) {
    for (; expr; expr = expr->base) {
        if (is_hook_call(expr, loss))
            return found(s, expr->base->span, at, arena_printf(s->arena, "`%s`", expr->base->name));
        const char *text = in_expr(s, expr->right, loss, at);
        if (!text)
            text = in_expr(s, expr->other, loss, at);
        for (const Arg *argument = expr->arguments; argument && !text; argument = argument->next)
            if (!is_soft_bins(expr, argument->value, loss))
                text = in_expr(s, argument->value, loss, at);
        if (text)
            return text;
    }
    return NULL;
}

static const char *in_statements(Sema *s, const Stmt *stmts, Span *at) {
    for (const Stmt *stmt = stmts; stmt; stmt = stmt->next) {
        if (stmt->kind == STMT_BLOCK)
            return found(s, stmt->name_span, at, arena_printf(s->arena, "`%s { … }`", stmt->name));
        if (stmt->target && stmt->target->kind == EXPR_FIELD)
            return found(s, stmt->target->span, at, arena_printf(s->arena, "assignment to `%s`", source_slice(s->arena, stmt->target->span)));
        const char *text = in_expr(s, stmt->over, false, at);
        if (!text)
            text = in_expr(s, stmt->value, false, at);
        if (!text)
            text = in_statements(s, stmt->body, at);
        if (!text)
            text = in_statements(s, stmt->otherwise, at);
        if (text)
            return text;
    }
    return NULL;
}

static const char *in_member(Sema *s, const Member *member, Span *at) {
    if (member->kind == MEMBER_WEIGHT)
        return found(s, member->name_span, at, "a learned `weight`");
    if (member->kind == MEMBER_STATE && member->type && member->type->kind == EXPR_INDEX && is_name(member->type->base, "table"))
        return found(s, member->type->span, at, "a table");
    if (member->kind == MEMBER_ON && (strcmp(member->name, "gradients") == 0 || strcmp(member->name, "batch") == 0))
        return found(s, member->name_span, at, arena_printf(s->arena, "`on %s`", member->name));
    bool loss = member->kind == MEMBER_LET || member->kind == MEMBER_PROPERTY;
    const char *text = in_expr(s, member->over, loss, at);
    if (!text)
        text = in_expr(s, member->value, loss, at);
    return text ? text : in_statements(s, member->body, at);
}

const char *method_hook(Sema *s, const Decl *method, Span *at) {
    for (const Member *member = method->members; member; member = member->next) {
        const char *text = in_member(s, member, at);
        if (text)
            return text;
    }
    return NULL;
}
