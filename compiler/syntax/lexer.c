#include "syntax/lexer.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/utf8.h"

enum { MOST_TOKENS = 1000000 };

typedef struct { const char *text; int token; const char *advice; } Foreign;

static const struct { const char *text; int token; } reserved[] = {
#define RESERVED(text, token) {text, token},
#include "../../grammar/tokens.def"
};
static const struct { const char *text; Unit unit; } units[] = {
#define UNIT(text, unit) {text, unit},
#include "../../grammar/tokens.def"
};
static const Foreign foreign[] = {
#define FOREIGN(text, token, advice) {text, token, advice},
#include "../../grammar/tokens.def"
};
static const Foreign lookalikes[] = {
#define LOOKALIKE(text, token, advice) {text, token, advice},
#include "../../grammar/tokens.def"
};
#define COUNT(table) (sizeof(table) / sizeof *(table))

static int same(const char *word, const char *text, size_t length) {
    return strncmp(word, text, length) == 0 && word[length] == 0;
}

static int is_digit(char c)  { return c >= '0' && c <= '9'; }
static int is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

static const char *word_end(const char *p) {
    while (is_letter(*p) || is_digit(*p)) p++;
    return p;
}

static const char *blanks_end(const char *p) {
    while (*p == ' ' || *p == '\t') p++;
    return p;
}

Unit unit_named(const char *text, size_t length) {
    for (size_t i = 0; i < COUNT(units); i++)
        if (same(units[i].text, text, length)) return units[i].unit;
    return UNIT_NONE;
}

Span lexer_span(const Lexer *lexer, const char *start, const char *end) {
    return (Span){lexer->source, lexer->base + (uint32_t)(start - lexer->text), lexer->base + (uint32_t)(end - lexer->text)};
}

void lexer_fault(Lexer *lexer, Span span) { VECTOR_PUSH(lexer->arena, &lexer->faults, span.begin); }

/* ---- Numbers ---- */

/* A unit on the same line: moves *end behind it. */
static Unit take_unit(const char **end) {
    const char *start = blanks_end(*end), *stop = *start == '%' ? start + 1 : word_end(start);
    Unit unit = unit_named(start, (size_t)(stop - start));
    if (unit) *end = stop;
    return unit;
}

static void report_glued(Lexer *lexer, const char *start, const char *end) {
    Diagnostic *d = LEXER_REPORT(lexer, E0104, lexer_span(lexer, start, end),
                         "`%.*s` is not a number", (int)(end - start), start);
    if (start[0] == '0' && strchr("xXbBoO", start[1])) diag_help(lexer->diagnostics, d, "numbers are decimal: `64`, `1_000`, `1e-3`");
    else if (strchr("eE", end[-1])) diag_help(lexer->diagnostics, d, "an exponent needs digits: `1e-3`");
    else diag_help(lexer->diagnostics, d, "a name can't begin with a digit; known units are Hz kHz s ms epochs steps B KiB MiB GiB fps %%");
}

/* Underscores stand between digits. */
static int underscores_right(const char *start, const char *end) {
    for (const char *p = start; p < end; p++)
        if (*p == '_' && (p == start || p + 1 == end || !is_digit(p[-1]) || !is_digit(p[1]))) return 0;
    return 1;
}

/* Reads digits [start, *end): the whole number token grows over its unit. */
static int number(Lexer *lexer, Token *token, const char *start, const char **end) {
    const char *stop = *end;
    int is_real = memchr(start, '.', (size_t)(stop - start)) || memchr(start, 'e', (size_t)(stop - start)) || memchr(start, 'E', (size_t)(stop - start));
    char *digits = arena_alloc(lexer->arena, (size_t)(stop - start) + 1);
    size_t count = 0;
    for (const char *p = start; p < stop; p++)
        if (*p != '_') digits[count++] = *p;

    if (*start == '.') {
        Diagnostic *d = LEXER_REPORT(lexer, E0104, lexer_span(lexer, start, stop), "a number begins with a digit");
        diag_help(lexer->diagnostics, d, "write `0%.*s`", (int)(stop - start), start);
    } else if (!underscores_right(start, stop)) {
        Diagnostic *d = LEXER_REPORT(lexer, E0104, lexer_span(lexer, start, stop), "an underscore in a number stands between two digits");
        diag_help(lexer->diagnostics, d, "write `%s`", digits);
    } else if (*stop == '.' && !is_digit(stop[1]) && !is_real) {
        stop = word_end(stop + 1);
        Diagnostic *d = LEXER_REPORT(lexer, E0104, lexer_span(lexer, start, stop), "digits are missing behind the point");
        diag_help(lexer->diagnostics, d, "write `%s.0`", digits);
        is_real = 1;
    } else if (is_letter(*stop)) {
        const char *word = stop;
        stop = word_end(stop);
        if (!unit_named(word, (size_t)(stop - word))) report_glued(lexer, start, stop);
        else stop = word;
    }
    errno = 0;
    Number value = {0};
    if (is_real) value.real = strtod(digits, NULL);
    else value.integer = strtoll(digits, NULL, 10);
    if (errno == ERANGE && is_real && value.real != 0 && !isinf(value.real)) errno = 0;      /* a subnormal is one */
    if (errno == ERANGE) {
        Diagnostic *d = LEXER_REPORT(lexer, E0105, lexer_span(lexer, start, stop),
                             is_real ? value.real == 0 ? "this number is too small for a 64-bit real" : "this number is too large for a 64-bit real"
                                     : "this number is too large for a 64-bit int");
        diag_help(lexer->diagnostics, d, is_real ? "reals reach from 4.9e-324 to 1.7e308; `inf` is infinity"
                                                 : "ints reach to 9_223_372_036_854_775_807; a real has a point or an exponent");
    }
    value.unit = take_unit(&stop);
    token->value.number = value;
    *end = stop;
    return is_real ? TOK_REAL : TOK_INTEGER;
}

/* ---- Words ---- */

static int word(Lexer *lexer, Token *token, const char *start, const char **end) {
    size_t length = (size_t)(*end - start);
    token->value.name = intern(lexer->names, start, length);
    for (size_t i = 0; i < COUNT(reserved); i++)
        if (same(reserved[i].text, start, length)) {
            if (reserved[i].token == TOK_REAL) token->value.number = (Number){.real = HUGE_VAL, .unit = take_unit(end)};
            return reserved[i].token;
        }
    return TOK_NAME;
}

int lexer_token(Lexer *lexer, Token *token, const char *start, const char *end, int kind) {
    if (kind == TOK_NAME) kind = word(lexer, token, start, &end);
    else if (kind == TOK_REAL) kind = number(lexer, token, start, &end);
    else if (kind == TOK_LIST_UNIT) token->value.unit = unit_named(start, (size_t)(end - start));
    token->kind = kind;
    token->span = lexer_span(lexer, start, end);
    lexer->cursor = end;
    return kind;
}

/* ---- What isn't of the language ---- */

int lexer_foreign(Lexer *lexer, const char *start, const char *end) {
    size_t length = (size_t)(end - start);
    if (*start == '%' && lexer->last_kind == TOK_CLOSE_LIST) return TOK_LIST_UNIT;
    for (size_t i = 0; i < COUNT(foreign); i++)
        if (same(foreign[i].text, start, length)) {
            Diagnostic *d = LEXER_REPORT(lexer, E0109, lexer_span(lexer, start, end), "`%s` is not an operator here", foreign[i].text);
            diag_help(lexer->diagnostics, d, "%s", foreign[i].advice);
            return foreign[i].token;
        }
    mml_ice("an operator without a row in tokens.def: %.*s", (int)length, start);
}

static const Foreign *lookalike(const char *start, const char *limit) {
    for (size_t i = 0; i < COUNT(lookalikes); i++) {
        size_t length = strlen(lookalikes[i].text);
        if ((size_t)(limit - start) >= length && memcmp(start, lookalikes[i].text, length) == 0) return &lookalikes[i];
    }
    return NULL;
}

/* The ASCII characters that begin no token, and letters of other scripts. */
static void report_strange(Lexer *lexer, const char *start, const char *end, int32_t first) {
    Span span = lexer_span(lexer, start, end);
    Diagnostic *d;
    if (first < 0x20 || first == 0x7F) {
        LEXER_REPORT(lexer, E0101, span, "a control character (code %d) stands here", (int)first);
        return;
    }
    d = LEXER_REPORT(lexer, E0101, span, "`%.*s` can't stand here", (int)(end - start), start);
    if (first == '\'' || first == '`' || first == 0x201C || first == 0x201D || first == 0x2018 || first == 0x2019)
        diag_help(lexer->diagnostics, d, "texts are written between straight double quotes: \"…\"");
    else if (first >= 0x80)
        diag_help(lexer->diagnostics, d, "names are of the letters A to Z, a to z, digits and `_`; other characters stand in texts and comments");
}

const char *lexer_strange(Lexer *lexer, const char *start, Token *token) {
    int bytes;
    int32_t first = utf8_decode(start, (size_t)(lexer->limit - start), &bytes);
    const char *end = start + bytes;
    token->kind = 0;
    if (first <= 0) return end;              /* bytes that aren't text are reported once for the whole file */
    const Foreign *meant = lookalike(start, lexer->limit);
    if (meant) {
        end = start + strlen(meant->text);
        Diagnostic *d = LEXER_REPORT(lexer, E0101, lexer_span(lexer, start, end), meant->token ? "`%s` is not an operator here" : "%s",
                             meant->token ? meant->text : "an invisible character stands here");
        diag_help(lexer->diagnostics, d, "%s", meant->advice);
        token->kind = meant->token;
        token->span = lexer_span(lexer, start, end);
        return end;
    }
    while (end < lexer->limit) {             /* a run of the same sort is one mistake */
        int32_t next = utf8_decode(end, (size_t)(lexer->limit - end), &bytes);
        if (first < 0x80 ? next != first : (next < 0x80 || lookalike(end, lexer->limit))) break;
        end += bytes;
    }
    report_strange(lexer, start, end, first);
    return end;
}

void lexer_comment(Lexer *lexer, const char *start, const char *end) {
    Span span = lexer_span(lexer, start, end);
    int line, column;
    source_position(lexer->source, span.begin, &line, &column);
    const char *before = start;
    while (before > lexer->text && strchr(" \t\r\f\v;", before[-1])) before--;
    int alone = before == lexer->text || before[-1] == '\n' || lexer->last_kind == 0;
    Comment comment = {span.begin + 1, span.end, line, alone};
    VECTOR_PUSH(lexer->arena, &lexer->comments, comment);
}

void lex(Lexer *lexer, TokenVector *out) {
    int first_on_line = 1;
    for (;;) {
        Token token = {0};
        token.kind = lexer_next(lexer, &token);
        token.first_on_line = first_on_line;
        first_on_line = token.kind == TOK_NEWLINE;
        lexer->last_kind = token.kind;
        if (out->count == MOST_TOKENS && token.kind != TOK_YYEOF) {
            LEXER_REPORT(lexer, E0114, token.span, "more than a million words and signs stand in this file; the rest is not read");
            token.kind = TOK_YYEOF;
        }
        VECTOR_PUSH(lexer->arena, out, token);
        if (token.kind == TOK_YYEOF) return;
    }
}
