/* One parse: what the generated parser, the builders and the error reports share. */
#ifndef SYNTAX_PARSER_H
#define SYNTAX_PARSER_H

#include "syntax/lexer.h"

struct Parser {
    Arena        *arena;
    Interner     *names;
    Diagnostics  *diagnostics;
    const Source *source;
    TokenVector   tokens;
    CommentVector comments;
    FaultVector   faults;         /* places with an error of the text itself          */
    FaultVector   strays;         /* ends without a beginning                         */
    int           next;           /* index of the token to be read                    */
    int           silent;         /* what went wrong is reported; say nothing further */
    int           reports;        /* syntax errors so far                             */
    int           first_error;    /* 1 + index of the token of the first, reported or not; 0: none */
    uint64_t      first_expected[2];  /* what could have stood there (TokenSet)       */
    const char   *end_text;       /* what ends an expression, for messages; NULL: a file */
    Decl         *decls, *last_decl;
    Expr         *result;         /* of an expression                                 */
};

/* For the generated parser. */
int  parser_token(Parser *p, TokenValue *value, Span *span);
/* The token's name for messages ("`->`", "a name"). */
const char *token_text(int kind);

/* Fills tokens, comments, faults and strays from all of p->source; start: TOK_START_FILE
 * or TOK_START_EXPRESSION. */
void parser_read_tokens(Parser *p, int start);

/* The expression in text [start, end) of a string that outer is reading. */
Expr *parse_inside(Lexer *outer, const char *start, const char *end);

#endif
