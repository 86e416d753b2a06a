/* The token filter: which line breaks end a statement, which words are words of
 * the language, and balanced brackets.
 *
 * raw comes from lex. The result begins with token start (TOK_START_FILE or
 * TOK_START_EXPRESSION) and ends with TOK_YYEOF; every statement, also the last of
 * a block, ends with one TOK_NEWLINE, and none follows `{`. Brackets match: a
 * missing one is reported where it was opened and put in (made_up), one too
 * many is reported and added to strays (`)` and `]` leave a made-up SEMICOLON, which
 * fits nowhere, so that their statement counts as wrong). Returns 0 when the rest was cut off because
 * brackets are nested too deeply (reported).
 */
#ifndef SYNTAX_FILTER_H
#define SYNTAX_FILTER_H

#include "support/diag.h"
#include "syntax/token.h"

int filter_tokens(Arena *arena, Diagnostics *diagnostics, const TokenVector *raw, int start, TokenVector *out, FaultVector *strays);

/* Does a statement go on when a line begins with this token, or ends with it? */
int filter_goes_on_before(int kind);
int filter_goes_on_behind(int kind);

#endif
