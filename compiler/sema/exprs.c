#include <string.h>
#include "sema/declarations.h"
#include "syntax/parse.h"

Expr *expr_new(Sema *s, ExprKind kind, Span span) {
    Expr *expr = NEW(s->arena, Expr);
    expr->kind = kind;
    expr->span = span;
    return expr;
}

Expr *expr_call_with(Sema *s, const char *name, const char *argument, const Expr *value) {
    Expr *call = expr_new(s, EXPR_CALL, value->span);
    call->base = expr_new(s, EXPR_NAME, value->span);
    call->base->name = intern_text(s->names, name);
    call->base->name_span = value->span;
    call->arguments = NEW(s->arena, Arg);
    call->arguments->name = intern_text(s->names, argument);
    call->arguments->name_span = value->span;
    call->arguments->value = (Expr *)value;
    return call;
}

const Expr *expr_of_text(Sema *s, const char *text) {
    Expr *expr = parse_expression(s->arena, s->names, s->diagnostics, source_from_text(s->arena, "<default>", text, strlen(text)));
    if (expr_wrong(expr))
        mml_ice("the default `%s` does not parse", text);
    return expr;
}

bool expr_wrong(const Expr *expr) {
    return !expr || expr->kind == EXPR_ERROR;
}

Name expr_callee(const Expr *expr) {
    if (expr_wrong(expr))
        return NULL;
    if (expr->kind == EXPR_CALL)
        expr = expr->base;
    return expr && expr->kind == EXPR_NAME ? expr->name : NULL;
}

Span expr_callee_span(const Expr *expr) {
    return expr->kind == EXPR_CALL && expr->base ? expr->base->span : expr->span;
}

void expr_names(const Expr *expr, void (*visit)(void *context, const Expr *name), void *context) {
    /* Chains of operators lean to the left and may be long: the left side is walked, not descended into. */
    for (; expr; expr = expr->base) {
        if (expr->kind == EXPR_NAME)
            visit(context, expr);
        expr_names(expr->right, visit, context);
        expr_names(expr->other, visit, context);
        for (const Arg *argument = expr->arguments; argument; argument = argument->next)
            expr_names(argument->value, visit, context);
        for (const StringPart *part = expr->parts; part; part = part->next)
            expr_names(part->expr, visit, context);
    }
}

const char *list_text(Sema *s, const char *const *names, int count, const char *last) {
    const char *text = "";
    for (int i = 0; i < count; i++)
        text = arena_printf(s->arena, "%s%s`%s`", text, i == 0 ? "" : i == count - 1 ? last : ", ", names[i]);
    return text;
}

void help_names(Sema *s, Diagnostic *to, const char *name, const char *const *names, int count, const char *intro) {
    const char *near = name ? nearest_name(name, names, count) : NULL;
    if (near)
        diag_help(s->diagnostics, to, "did you mean `%s`?", near);
    if (count > 0)
        diag_help(s->diagnostics, to, "%s %s", intro, list_text(s, names, count, " and "));
}
