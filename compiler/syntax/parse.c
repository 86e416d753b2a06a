#include "syntax/parse.h"

#include <string.h>

#include "support/utf8.h"
#include "syntax/build.h"
#include "syntax/filter.h"
#include "syntax/parser.h"

int parser_token(Parser *p, TokenValue *value, Span *span) {
    int last = p->tokens.count - 1;
    const Token *token = &p->tokens.items[p->next < last ? p->next : last];
    if (p->next <= last) p->next++;
    *value = token->value;
    *span  = token->span;
    return token->kind;
}

/* Tokens of text, which stands at offset base of p's source. */
static void tokenize(Parser *p, const char *text, size_t length, uint32_t base, int start) {
    Lexer lexer = {.arena = p->arena, .names = p->names, .diagnostics = p->diagnostics, .source = p->source,
                   .text = text, .base = base, .cursor = text, .limit = text + length};
    TokenVector raw = {0};
    if (base == 0 && length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) lexer.text += 3, lexer.base += 3, lexer.cursor += 3;
    lex(&lexer, &raw);
    p->comments = lexer.comments;
    p->faults   = lexer.faults;
    p->strays   = lexer.strays;
    if (!filter_tokens(p->arena, p->diagnostics, &raw, start, &p->tokens, &p->strays)) p->silent = 1;
}

/* Bytes that aren't text are reported once for the whole file, and skipped by the lexer. */
static void check_text(Diagnostics *diagnostics, const Source *source) {
    const char *nul = source->length ? memchr(source->text, 0, source->length) : NULL;
    if (nul) {
        uint32_t at = (uint32_t)(nul - source->text);
        Diagnostic *d = diag(diagnostics, E0103, (Span){source, at, at + 1}, "a NUL byte stands here");
        diag_help(diagnostics, d, "is this a program, saved as UTF-8?");
    }
    uint32_t first = 0, count = 0;
    int bytes;
    for (size_t i = 0; i < source->length; i += (size_t)bytes)
        if (utf8_decode(source->text + i, source->length - i, &bytes) < 0 && count++ == 0) first = (uint32_t)i;
    if (!count) return;
    Diagnostic *d = diag(diagnostics, E0102, (Span){source, first, first + 1}, "byte 0x%02x is not UTF-8", (unsigned)(unsigned char)source->text[first]);
    if (count > 1) diag_note(diagnostics, d, (Span){0}, "%u such bytes are in this file", (unsigned)count);
    diag_help(diagnostics, d, "save the file as UTF-8");
}

void parser_read_tokens(Parser *p, int start) { tokenize(p, p->source->text, p->source->length, 0, start); }

File *parse_file(Arena *arena, Interner *interner, Diagnostics *diagnostics, const Source *source) {
    Parser p = {.arena = arena, .names = interner, .diagnostics = diagnostics, .source = source};
    check_text(diagnostics, source);
    parser_read_tokens(&p, TOK_START_FILE);
    yyparse(&p);
    File *file = NEW(arena, File);
    *file = (File){.source = source, .decls = p.decls};
    return file;
}

Expr *parse_expression(Arena *arena, Interner *interner, Diagnostics *diagnostics, const Source *source) {
    Parser p = {.arena = arena, .names = interner, .diagnostics = diagnostics, .source = source, .end_text = "the end"};
    check_text(diagnostics, source);
    p.result = build_error(&p, (Span){source, 0, (uint32_t)source->length});
    tokenize(&p, source->text, source->length, 0, TOK_START_EXPRESSION);
    yyparse(&p);
    return p.result;
}

void print_tokens(Arena *arena, Interner *interner, const Source *source, FILE *out) {
    Parser p = {.arena = arena, .names = interner, .diagnostics = diagnostics_new(arena), .source = source};
    parser_read_tokens(&p, TOK_START_FILE);
    for (int i = 1; i < p.tokens.count; i++) {
        const Token *token = &p.tokens.items[i];
        int line, column, length = (int)(token->span.end - token->span.begin);
        source_position(source, token->span.begin, &line, &column);
        fprintf(out, "%d:%d\t%s", line, column, token_text(token->kind));
        if (length && token->kind != TOK_NEWLINE) fprintf(out, "\t%.*s", length, source->text + token->span.begin);
        fputc('\n', out);
    }
}

Expr *parse_inside(Lexer *outer, const char *start, const char *end) {
    Parser p = {.arena = outer->arena, .names = outer->names, .diagnostics = outer->diagnostics, .source = outer->source,
                .end_text = "`}`"};
    Span span = lexer_span(outer, start, end);
    p.result = build_error(&p, span);
    tokenize(&p, arena_copy(outer->arena, start, (size_t)(end - start)), (size_t)(end - start), span.begin, TOK_START_EXPRESSION);
    yyparse(&p);
    if (p.result->kind == EXPR_ERROR) lexer_fault(outer, span);
    return p.result;
}
