/* Tokens of the language, made by re2c. Errors of one token are reported here
 * and give the token that was meant, so that they stay the only message.
 *
 * The text must end in a NUL at its limit (`eof = 0`): a NUL before the limit
 * is an ordinary wrong character.
 */
#include "syntax/lexer.h"

#include <string.h>

/*!re2c
    re2c:eof               = 0;
    re2c:define:YYCTYPE    = "unsigned char";
    re2c:define:YYCURSOR   = cursor;
    re2c:define:YYLIMIT    = limit;
    re2c:define:YYMARKER   = marker;
    re2c:yyfill:enable     = 0;
    re2c:indent:string     = "    ";

    digit     = [0-9];
    letter    = [A-Za-z_];
    blank     = [ \t\r\f\v];
    any       = [^];
*/

int lexer_next(Lexer *lexer, Token *token) {
    const unsigned char *cursor = (const unsigned char *)lexer->cursor, *limit = (const unsigned char *)lexer->limit;
    const unsigned char *marker, *start;
#define TAKE(token_kind) return lexer_token(lexer, token, (const char *)start, (const char *)cursor, (token_kind))
#define SKIP             do { lexer->cursor = (const char *)cursor; goto again; } while (0)
again:
    start = cursor;
    /*!re2c
        blank+                   { SKIP; }
        "#" [^\n\x00]*           { goto comment; }
        "\n"                     { TAKE(TOK_NEWLINE); }
        ";"                      { TAKE(TOK_SEMICOLON); }
        letter (letter | digit)* { TAKE(TOK_NAME); }
        digit (digit | "_")* ("." digit (digit | "_")*)? ([eE] [+-]? digit (digit | "_")*)? { TAKE(TOK_REAL); }
        "." digit+               { TAKE(TOK_REAL); }
        "\""                     { goto string; }

        "("  { TAKE(TOK_OPEN); }      ")"  { TAKE(TOK_CLOSE); }
        "["  { TAKE(TOK_OPEN_LIST); } "]"  { TAKE(TOK_CLOSE_LIST); }
        "{"  { TAKE(TOK_OPEN_BLOCK); } "}" { TAKE(TOK_CLOSE_BLOCK); }
        ","  { TAKE(TOK_COMMA); }     ":"  { TAKE(TOK_COLON); }
        "."  { TAKE(TOK_DOT); }       "="  { TAKE(TOK_ASSIGN); }
        "->" { TAKE(TOK_ARROW); }
        "+"  { TAKE(TOK_PLUS); }      "-"  { TAKE(TOK_MINUS); }
        "*"  { TAKE(TOK_STAR); }      "/"  { TAKE(TOK_SLASH); }
        "==" { TAKE(TOK_EQ); }        "!=" { TAKE(TOK_NE); }
        "<"  { TAKE(TOK_LT); }        "<=" { TAKE(TOK_LE); }
        ">"  { TAKE(TOK_GT); }        ">=" { TAKE(TOK_GE); }

        "&&" | "&" | "||" | "|" | "!" | "~" | "<>" | "!==" | "===" | "=<" | "=>" | "|>" | ":=" | "//" |
        "%" | "**" | "^" | "+=" | "-=" | "*=" | "/="
                                 { TAKE(lexer_foreign(lexer, (const char *)start, (const char *)cursor)); }
        $                        { TAKE(TOK_YYEOF); }
        any                      { goto other; }
    */

comment:
    /* A NUL in a comment stands for itself; only the one at the limit ends it. */
    while (cursor < limit && *cursor != '\n') cursor++;
    lexer_comment(lexer, (const char *)start, (const char *)cursor);
    SKIP;

other:
    /* The rest of a character, and of a run of such: one message. */
    cursor = (const unsigned char *)lexer_strange(lexer, (const char *)start, token);
    if (token->kind) {
        lexer->cursor = (const char *)cursor;
        return token->kind;
    }
    SKIP;

string:
    lexer_string_begin(lexer, (const char *)start);
    for (;;) {
        const unsigned char *piece = cursor;
#define PIECE(function) do { cursor = (const unsigned char *)function(lexer, (const char *)piece, (const char *)cursor); goto next_piece; } while (0)
        /*!re2c
            "\""                  { lexer_string_end(lexer, token, (const char *)cursor); return TOK_STRING; }
            "\n"                  { lexer_string_unterminated(lexer, token, (const char *)piece); return TOK_STRING; }
            $                     { lexer_string_unterminated(lexer, token, (const char *)piece); return TOK_STRING; }
            "{"                   { PIECE(lexer_string_expression); }
            "\\u{" [^}"\n\x00]* "}"  { PIECE(lexer_string_escape); }
            "\\" [^\n\x00]        { PIECE(lexer_string_escape); }
            [^"\\{\n\x00]+        { PIECE(lexer_string_text); }
            any                   { PIECE(lexer_string_text); }
        */
    next_piece:;
    }
}
