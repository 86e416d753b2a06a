#include "syntax/build.h"

#include "syntax/docs.h"
#include "syntax/syntax_error.h"

static int deeper(int depth, const Expr *expr) {
    return expr && expr->depth > depth ? expr->depth : depth;
}

static int args_depth(const Arg *arg) {
    int depth = 0;
    for (; arg; arg = arg->next) depth = deeper(depth, arg->value);
    return depth;
}

/* What holds a broken argument is broken: how many it has and of what kind isn't known. */
static int is_broken(ArgList list) {
    for (const Arg *arg = list.first; arg; arg = arg->next)
        if (arg->value->kind == EXPR_ERROR) return 1;
    return 0;
}

static Expr *node(Parser *p, ExprKind kind, Span span) {
    Expr *expr = NEW(p->arena, Expr);
    expr->kind = kind;
    expr->span = span;
    return expr;
}

/* Sets the depth over the node's children; a tree too deep is cut here, so that
 * what stands above it stays shallow. */
static Expr *finished(Parser *p, Expr *expr) {
    int depth = args_depth(expr->arguments);
    depth = deeper(deeper(deeper(depth, expr->base), expr->right), expr->other);
    expr->depth = depth + 1;
    if (expr->depth <= EXPR_DEPTH) return expr;
    Diagnostic *d = diag(p->diagnostics, E0114, expr->span, "this expression is nested more than %d deep", EXPR_DEPTH);
    diag_help(p->diagnostics, d, "give a part of it a name of its own");
    return build_error(p, expr->span);
}

Expr *build_error(Parser *p, Span span) { return node(p, EXPR_ERROR, span); }

Expr *build_name(Parser *p, Name name, Span span) {
    Expr *expr = node(p, EXPR_NAME, span);
    expr->name = name;
    expr->name_span = span;
    return expr;
}

Expr *build_integer(Parser *p, Number number, Span span) {
    Expr *expr = node(p, EXPR_INT, span);
    expr->integer = number.integer;
    expr->unit    = number.unit;
    return expr;
}

Expr *build_real(Parser *p, Number number, Span span) {
    Expr *expr = node(p, EXPR_REAL, span);
    expr->real = number.real;
    expr->unit = number.unit;
    return expr;
}

Expr *build_bool(Parser *p, int value, Span span) {
    Expr *expr = node(p, EXPR_BOOL, span);
    expr->integer = value;
    return expr;
}

Expr *build_string(Parser *p, StringPart *parts, Span span) {
    Expr *expr = node(p, EXPR_STRING, span);
    int depth = 0;
    expr->parts = parts;
    for (const StringPart *part = parts; part; part = part->next) depth = deeper(depth, part->expr);
    expr->depth = depth + 1;
    return expr;
}

Expr *build_list(Parser *p, ArgList items, Span span) {
    if (is_broken(items)) return build_error(p, span);
    Expr *expr = node(p, EXPR_LIST, span);
    expr->arguments = items.first;
    return finished(p, expr);
}

Expr *build_list_unit(Expr *list, Unit unit, Span span) {
    list->span = span;
    if (list->kind == EXPR_LIST) list->unit = unit;
    return list;
}

Expr *build_call(Parser *p, Expr *base, ArgList arguments, Span span) {
    if (is_broken(arguments)) return build_error(p, span);
    Expr *expr = node(p, EXPR_CALL, span);
    expr->base      = base;
    expr->arguments = arguments.first;
    return finished(p, expr);
}

Expr *build_index(Parser *p, Expr *base, ArgList arguments, Span span) {
    if (is_broken(arguments)) return build_error(p, span);
    Expr *expr = node(p, EXPR_INDEX, span);
    expr->base      = base;
    expr->arguments = arguments.first;
    return finished(p, expr);
}

Expr *build_field(Parser *p, Expr *base, Name name, Span name_span, Span span) {
    Expr *expr = node(p, EXPR_FIELD, span);
    expr->base      = base;
    expr->name      = name;
    expr->name_span = name_span;
    return finished(p, expr);
}

Expr *build_label(Parser *p, Name name, Span name_span, Expr *base, Span span) {
    Expr *expr = node(p, EXPR_LABEL, span);
    expr->base      = base;
    expr->name      = name;
    expr->name_span = name_span;
    return finished(p, expr);
}

Expr *build_unary(Parser *p, Op op, Span op_span, Expr *base, Span span) {
    Expr *expr = node(p, EXPR_UNARY, span);
    expr->op      = op;
    expr->op_span = op_span;
    expr->base    = base;
    return finished(p, expr);
}

Expr *build_binary(Parser *p, Expr *left, Op op, Span op_span, Expr *right, Span span) {
    Expr *expr = node(p, EXPR_BINARY, span);
    expr->op      = op;
    expr->op_span = op_span;
    expr->base    = left;
    expr->right   = right;
    return finished(p, expr);
}

Expr *build_if(Parser *p, Expr *condition, Expr *yes, Expr *no, Span span) {
    Expr *expr = node(p, EXPR_IF, span);
    expr->base  = condition;
    expr->right = yes;
    expr->other = no;
    return finished(p, expr);
}

Expr *build_each(Parser *p, Name binder, Span binder_span, Expr *over, Expr *base, Span span) {
    Expr *expr = node(p, EXPR_EACH, span);
    expr->name      = binder;
    expr->name_span = binder_span;
    expr->right     = over;
    expr->base      = base;
    return finished(p, expr);
}

Expr *build_parentheses(Expr *inside, Span span) {
    inside->span = span;
    return inside;
}

Arg *build_arg(Parser *p, Name name, Span name_span, Expr *value) {
    Arg *arg = NEW(p->arena, Arg);
    *arg = (Arg){.name = name, .name_span = name_span, .value = value};
    return arg;
}

/* ---- Statements ---- */

Stmt *build_stmt(Parser *p, StmtKind kind, Span span) {
    Stmt *stmt = NEW(p->arena, Stmt);
    stmt->kind = kind;
    stmt->span = span;
    return stmt;
}

Stmt *build_expr_stmt(Parser *p, Expr *value, Span span) {
    Stmt *stmt = build_stmt(p, STMT_EXPR, span);
    stmt->value = value;
    if (value->kind == EXPR_CALL || value->kind == EXPR_ERROR) return stmt;
    stmt->kind = STMT_ERROR;
    if (has_stray(p, span)) return stmt;
    Diagnostic *d = diag(p->diagnostics, E0116, span, "this statement does nothing");
    if (value->kind == EXPR_BINARY && value->op == OP_EQ) diag_help(p->diagnostics, d, "to give a value, write `=`");
    else if (value->kind == EXPR_NAME) diag_help(p->diagnostics, d, "a call has parentheses: `%s()`", value->name);
    else diag_help(p->diagnostics, d, "a statement is a call, an assignment, `let`, `if`, `for` or `return`");
    return stmt;
}

/* A name, an element or a field of one. */
static int is_target(const Expr *expr) {
    while (expr->kind == EXPR_INDEX || expr->kind == EXPR_FIELD) expr = expr->base;
    return expr->kind == EXPR_NAME;
}

Stmt *build_assign(Parser *p, Expr *target, Expr *value, Span span) {
    Stmt *stmt = build_stmt(p, STMT_ASSIGN, span);
    stmt->target = target;
    stmt->value  = value;
    if (target->kind == EXPR_ERROR || is_target(target)) return stmt;
    stmt->kind = STMT_ERROR;
    Diagnostic *d = diag(p->diagnostics, E0117, target->span, "a value can't be assigned to this");
    if (target->kind == EXPR_LABEL && target->base->kind == EXPR_NAME) diag_help(p->diagnostics, d, "types stand in `param` and arguments only: `%s = …`", target->name);
    else diag_help(p->diagnostics, d, "an assignment goes to a name, `name[m]` or `name.field`; to compare, write `==`");
    return stmt;
}

Stmt *build_block_stmt(Parser *p, Expr *head, Stmt *body, Span span) {
    Stmt *stmt = build_stmt(p, STMT_BLOCK, span);
    const Expr *name = head->kind == EXPR_CALL ? head->base : head;
    int plain = head->kind != EXPR_CALL || (head->arguments && !head->arguments->next && !head->arguments->name);
    stmt->body = body;
    if (head->kind == EXPR_ERROR) {
        stmt->kind = STMT_ERROR;
    } else if (name->kind != EXPR_NAME || !plain) {
        stmt->kind = STMT_ERROR;
        Diagnostic *d = diag(p->diagnostics, E0119, head->span, "a block can't stand behind this");
        diag_help(p->diagnostics, d, "blocks follow `if`, `else`, `for` and `trial`");
    } else {
        stmt->name      = name->name;
        stmt->name_span = name->span;
        stmt->value     = head->kind == EXPR_CALL ? head->arguments->value : NULL;
    }
    return stmt;
}

/* Each `else if` is one deeper in the tree. */
enum { LONGEST_CHAIN = 200 };

void build_else(Parser *p, Stmt *chain, Expr *condition, Stmt *body, Span span) {
    int   length = 1;
    Stmt *last = chain;
    for (; last->otherwise; last = last->otherwise) length++;
    chain->span = span_join(chain->span, span);
    if (!condition) {
        last->otherwise = body;
        return;
    }
    if (length >= LONGEST_CHAIN) {
        diag(p->diagnostics, E0114, chain->span, "more than %d alternatives in one `if`", LONGEST_CHAIN);
        return;
    }
    last->otherwise = build_stmt(p, STMT_IF, span);
    last->otherwise->value = condition;
    last->otherwise->body  = body;
}

/* ---- Members and definitions ---- */

Member *build_member(Parser *p, MemberKind kind, Name name, Span name_span, Span span) {
    Member *member = NEW(p->arena, Member);
    *member = (Member){.kind = kind, .name = name, .name_span = name_span, .span = span};
    member->doc = doc_behind(p, span);
    if (!member->doc) member->doc = doc_above(p, span);
    return member;
}

Property *build_property(Parser *p, Name name, Span name_span, Expr *value, Span span) {
    Property *property = NEW(p->arena, Property);
    *property = (Property){.name = name, .name_span = name_span, .value = value, .span = span};
    return property;
}

Formal *build_formal(Parser *p, Name name, Span name_span, Expr *type, Expr *value) {
    Formal *formal = NEW(p->arena, Formal);
    Span span = value ? span_join(name_span, value->span) : type ? span_join(name_span, type->span) : name_span;
    *formal = (Formal){.name = name, .span = name_span, .type = type, .value = value, .doc = doc_behind(p, span)};
    return formal;
}

Decl *build_decl(Parser *p, DeclKind kind, Name name, Span name_span, Span span) {
    Decl *decl = NEW(p->arena, Decl);
    *decl = (Decl){.kind = kind, .name = name, .name_span = name_span, .span = span};
    if (kind == DECL_PARAM) decl->doc = doc_behind(p, span);
    if (!decl->doc && kind != DECL_USE) decl->doc = doc_above(p, span);
    return decl;
}

void build_add_decl(Parser *p, Decl *decl) {
    if (p->last_decl) p->last_decl->next = decl;
    else p->decls = decl;
    p->last_decl = decl;
}
