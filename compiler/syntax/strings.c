#include <string.h>

#include "support/utf8.h"
#include "syntax/lexer.h"
#include "syntax/parser.h"

void lexer_string_begin(Lexer *lexer, const char *start) {
    lexer->string_start = start;
    lexer->parts        = (PartList){0};
}

/* Literal text joins on to the literal part before it, which has room for room bytes. */
static void add_text(Lexer *lexer, const char *text, size_t length, Span span) {
    StringPart *last = lexer->parts.last;
    if (!last || last->expr) {
        last = NEW(lexer->arena, StringPart);
        *last = (StringPart){.text = arena_copy(lexer->arena, "", 0), .span = span};
        LIST_ADD(&lexer->parts, last);
        lexer->room = 0;
    }
    if (last->length + length > lexer->room) {
        lexer->room = 2 * (last->length + length);
        last->text  = memcpy(arena_alloc(lexer->arena, lexer->room + 1), last->text, last->length);
    }
    memcpy((char *)last->text + last->length, text, length);
    last->length += length;
    last->span    = span_join(last->span, span);
}

const char *lexer_string_text(Lexer *lexer, const char *start, const char *end) {
    if (memchr(start, 0, (size_t)(end - start))) return end;       /* NULs are reported for the whole file */
    add_text(lexer, start, (size_t)(end - start), lexer_span(lexer, start, end));
    return end;
}

/* The value between the braces of \u{…}, or -1. */
static int32_t code_point(const char *start, const char *end) {
    int32_t value = 0;
    if (end == start || end - start > 6) return -1;
    for (; start < end; start++) {
        const char *digits = "0123456789abcdef0123456789ABCDEF", *at = strchr(digits, *start);
        if (!at) return -1;
        value = value * 16 + (int32_t)((at - digits) % 16);
    }
    return value > 0 && value <= 0x10FFFF && !(value >= 0xD800 && value <= 0xDFFF) ? value : -1;
}

const char *lexer_string_escape(Lexer *lexer, const char *start, const char *end) {
    static const char from[] = "nt\"\\{}", to[] = "\n\t\"\\{}";
    Span span = lexer_span(lexer, start, end);
    const char *at = strchr(from, start[1]);
    if (end - start == 2 && at) {
        add_text(lexer, &to[at - from], 1, span);
        return end;
    }
    int32_t value = start[1] == 'u' && end - start > 2 ? code_point(start + 3, end - 1) : -1;
    if (value >= 0) {
        char bytes[4];
        add_text(lexer, bytes, (size_t)utf8_encode(value, bytes), span);
        return end;
    }
    int bytes;
    utf8_decode(start + 1, (size_t)(lexer->limit - start) - 1, &bytes);
    if (end - start == 2) end = start + 1 + bytes;
    span = lexer_span(lexer, start, end);
    Diagnostic *d = LEXER_REPORT(lexer, E0107, span, "`%.*s` is no escape", (int)(end - start), start);
    if (start[1] == 'u') diag_help(lexer->diagnostics, d, "a character is given by its number in hexadecimal: \\u{e9} is é; 1 to 10ffff but for d800 to dfff");
    else diag_help(lexer->diagnostics, d, "escapes are \\n \\t \\\" \\\\ \\{ \\} \\u{…}; a backslash is \\\\");
    return end;
}

/* Where `}` stands behind a text that begins at quote, on the same line: the
 * expression held a text. NULL where the quote closes the outer text instead. */
static const char *brace_behind_text(const char *quote) {
    for (const char *p = quote; *p && *p != '\n' && *p != '{'; p++) {
        if (*p == '}') return p;
        if (*p != '"') continue;
        for (p++; *p != '"'; p++)
            if (!*p || *p == '\n') return NULL;
    }
    return NULL;
}

const char *lexer_string_expression(Lexer *lexer, const char *start, const char *end) {
    const char *stop = end;
    while (stop < lexer->limit && !strchr("}\"\n", *stop)) stop++;
    StringPart *part = NEW(lexer->arena, StringPart);
    LIST_ADD(&lexer->parts, part);
    if (*stop == '}' && end + strspn(end, " \t") < stop) {
        part->span = lexer_span(lexer, start, stop + 1);
        part->expr = parse_inside(lexer, end, stop);
        return stop + 1;
    }
    const char *brace = *stop == '"' ? brace_behind_text(stop) : NULL;
    Diagnostic *d;
    if (*stop == '}') {
        stop++;
        d = LEXER_REPORT(lexer, E0108, lexer_span(lexer, start, stop), "an expression is missing between the braces");
    } else if (brace) {
        stop = brace + 1;
        d = LEXER_REPORT(lexer, E0108, lexer_span(lexer, start, stop), "an expression in a text can't hold a text");
    } else {
        d = LEXER_REPORT(lexer, E0108, lexer_span(lexer, start, end), "`{` opens an expression in a text, and no `}` closes it");
    }
    diag_help(lexer->diagnostics, d, "a brace itself is written \\{; an expression in a text has no text and no line break in it");
    part->span = lexer_span(lexer, start, stop);
    part->expr = NEW(lexer->arena, Expr);
    part->expr->span = part->span;
    return stop;
}

void lexer_string_end(Lexer *lexer, Token *token, const char *end) {
    lexer_token(lexer, token, lexer->string_start, end, TOK_STRING);
    token->value.parts = lexer->parts.first;
}

void lexer_string_unterminated(Lexer *lexer, Token *token, const char *end) {
    const char *start = lexer->string_start;
    while (end > start + 1 && strchr(" \t\r", end[-1])) end--;
    VECTOR_PUSH(lexer->arena, &lexer->strays, lexer_span(lexer, start, end).begin);
    Diagnostic *d = LEXER_REPORT(lexer, E0106, lexer_span(lexer, start, start + 1), "this text has no closing `\"` on its line");
    diag_help(lexer->diagnostics, d, "a line break in a text is written \\n");
    lexer_string_end(lexer, token, end);
}
