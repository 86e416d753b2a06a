/* Nodes of the tree, for the actions of grammar/mml.y. Each checks what the
 * grammar leaves open (depth, what may be assigned to, what is a statement). */
#ifndef SYNTAX_BUILD_H
#define SYNTAX_BUILD_H

#include "syntax/parser.h"

Expr *build_error(Parser *p, Span span);
Expr *build_name(Parser *p, Name name, Span span);
Expr *build_integer(Parser *p, Number number, Span span);
Expr *build_real(Parser *p, Number number, Span span);
Expr *build_bool(Parser *p, int value, Span span);
Expr *build_string(Parser *p, StringPart *parts, Span span);
Expr *build_list(Parser *p, ArgList items, Span span);
Expr *build_list_unit(Expr *list, Unit unit, Span span);         /* [1, 2] epochs */
Expr *build_call(Parser *p, Expr *base, ArgList arguments, Span span);
Expr *build_index(Parser *p, Expr *base, ArgList arguments, Span span);
Expr *build_field(Parser *p, Expr *base, Name name, Span name_span, Span span);
Expr *build_label(Parser *p, Name name, Span name_span, Expr *base, Span span);
Expr *build_unary(Parser *p, Op op, Span op_span, Expr *base, Span span);
Expr *build_binary(Parser *p, Expr *left, Op op, Span op_span, Expr *right, Span span);
Expr *build_if(Parser *p, Expr *condition, Expr *yes, Expr *no, Span span);
Expr *build_each(Parser *p, Name binder, Span binder_span, Expr *over, Expr *base, Span span);
Expr *build_parentheses(Expr *inside, Span span);

Arg *build_arg(Parser *p, Name name, Span name_span, Expr *value);

Stmt *build_stmt(Parser *p, StmtKind kind, Span span);
Stmt *build_expr_stmt(Parser *p, Expr *value, Span span);
Stmt *build_assign(Parser *p, Expr *target, Expr *value, Span span);
Stmt *build_block_stmt(Parser *p, Expr *head, Stmt *body, Span span);
/* Adds `else if condition { body }`, or with condition NULL `else { body }`, to a chain of ifs. */
void  build_else(Parser *p, Stmt *chain, Expr *condition, Stmt *body, Span span);

Member   *build_member(Parser *p, MemberKind kind, Name name, Span name_span, Span span);
Property *build_property(Parser *p, Name name, Span name_span, Expr *value, Span span);
Formal   *build_formal(Parser *p, Name name, Span name_span, Expr *type, Expr *value);
Decl     *build_decl(Parser *p, DeclKind kind, Name name, Span name_span, Span span);

/* Adds a definition of the file. */
void build_add_decl(Parser *p, Decl *decl);

#endif
