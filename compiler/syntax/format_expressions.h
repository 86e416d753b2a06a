/* Pieces of expressions and of heads, from their tokens. Ranges of items are [from, to). */
#ifndef SYNTAX_FORMAT_EXPRESSIONS_H
#define SYNTAX_FORMAT_EXPRESSIONS_H

#include "syntax/format_lines.h"
#include "syntax/format_tokens.h"

typedef struct {
    Arena       *arena;
    const Items *items;
    Pieces      *out;
} Pieced;

/* An expression; whole: it is what a statement gives, so that the parts of a chain
 * begin in one column. */
void pieces_expression(Pieced *x, int from, int to, int whole);

/* A token and the comments before it. */
void pieces_token(Pieced *x, int at);

/* The formal arguments of an encoder, policy or method, brackets included: on one
 * line, or (broken, or wider than room) each on its own. */
void pieces_formals(Pieced *x, int from, int to, int room);

/* Up to the ASSIGN or COLON of a definition whose name stands at from: its column in a run. */
int first_separator(const Items *items, int from, int to);

/* The bracket that closes the one at `at`. */
int closing_bracket(const Items *items, int at, int to);

/* The first item of the kind outside brackets in [from, to), or to. */
int find_item(const Items *items, int from, int to, int kind);

#endif
