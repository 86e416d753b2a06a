/* From text to raw tokens. lexer_next is made by re2c from grammar/mml.re; the
 * functions below it are what its rules call.
 */
#ifndef SYNTAX_LEXER_H
#define SYNTAX_LEXER_H

#include "support/diag.h"
#include "syntax/token.h"
#include "grammar.h"

typedef struct {
    Arena         *arena;
    Interner      *names;
    Diagnostics   *diagnostics;
    const Source  *source;
    const char    *text;          /* NUL at text[limit - text]                    */
    uint32_t       base;          /* offset in the source of text[0]              */
    const char    *cursor, *limit;
    CommentVector  comments;
    FaultVector    faults;        /* places of all reports                        */
    FaultVector    strays;        /* ends without a beginning: texts without end  */
    int            last_kind;     /* of the token before                          */
    PartList       parts;         /* of the string being read                     */
    const char    *string_start;
    size_t         room;          /* of its last literal part                     */
} Lexer;

/* Lexes all of text[0 … length), which stands at offset base of source and has a
 * NUL behind it. Ends with TOK_YYEOF. A text without end (more than a million
 * tokens) is reported and cut. */
void lex(Lexer *lexer, TokenVector *out);

/* One token, from re2c; returns its kind. */
int  lexer_next(Lexer *lexer, Token *token);

/* A token of text [start, end); for names and numbers kind is what begins like
 * one, and more text may be taken. Returns the kind. */
int  lexer_token(Lexer *lexer, Token *token, const char *start, const char *end, int kind);
/* Reports an operator of another language and returns what is meant. */
int  lexer_foreign(Lexer *lexer, const char *start, const char *end);
void lexer_comment(Lexer *lexer, const char *start, const char *end);
/* Reports characters that nothing begins with, and returns where they end. token's
 * kind is 0 or what is meant. */
const char *lexer_strange(Lexer *lexer, const char *start, Token *token);

/* Strings (strings.c), piece by piece; the functions return where to go on. */
void        lexer_string_begin(Lexer *lexer, const char *start);
const char *lexer_string_text(Lexer *lexer, const char *start, const char *end);
const char *lexer_string_escape(Lexer *lexer, const char *start, const char *end);
const char *lexer_string_expression(Lexer *lexer, const char *start, const char *end);
void        lexer_string_end(Lexer *lexer, Token *token, const char *end);
void        lexer_string_unterminated(Lexer *lexer, Token *token, const char *end);

/* Reports through diag, and remembers the place as faulty. */
#define LEXER_REPORT(lexer, code, span, ...) (lexer_fault((lexer), (span)), diag((lexer)->diagnostics, (code), (span), __VA_ARGS__))
void lexer_fault(Lexer *lexer, Span span);

Span lexer_span(const Lexer *lexer, const char *start, const char *end);

/* The unit named by text[0 … length), or UNIT_NONE. */
Unit unit_named(const char *text, size_t length);

#endif
