/* Messages for syntax errors. */
#ifndef SYNTAX_SYNTAX_ERROR_H
#define SYNTAX_SYNTAX_ERROR_H

#include "syntax/parser.h"

/* A set of the tokens TOK_START_FILE … TOK_REQUIRES. */
typedef struct { uint64_t bits[2]; } TokenSet;

void token_set_add(TokenSet *set, int kind);
int  token_set_has(const TokenSet *set, int kind);

/* The token read last can't follow; any of expected could. Nothing is said about
 * brackets that the filter made up and about places with an error of their own. */
void syntax_error(Parser *p, const TokenSet *expected);

/* Does a bracket or quote that closes nothing stand between from and the end of the
 * statement? What it should close is missing there, and reported with it. */
int has_stray(const Parser *p, Span from);

/* The parser's stack ran out at span. */
void syntax_error_too_deep(Parser *p, Span span);

#endif
