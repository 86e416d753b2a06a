/* From text to tree. */
#ifndef SYNTAX_PARSE_H
#define SYNTAX_PARSE_H

#include "support/diag.h"
#include "syntax/ast.h"

/* Parses a whole file. Never returns NULL: after errors (reported) the tree
 * holds what could be read, with ERROR nodes where recovery went on. Depth of
 * nesting is limited (a diagnostic, not a crash). */
File *parse_file(Arena *arena, Interner *interner, Diagnostics *diagnostics, const Source *source);

/* One expression from text, for -D NAME=VALUE and --set PATH=EXPR; path names it in messages. */
Expr *parse_expression(Arena *arena, Interner *interner, Diagnostics *diagnostics, const Source *source);

/* --emit tokens and --emit ast. */
void print_tokens(Arena *arena, Interner *interner, const Source *source, FILE *out);
void print_ast(const File *file, FILE *out);

/* The unit as written ("epochs"), the operator as written ("->"). */
const char *unit_text(Unit unit);
const char *op_text(Op op);

#endif
