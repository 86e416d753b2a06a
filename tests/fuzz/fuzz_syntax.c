/* Programs of any bytes: the lexer, the filter and the parser end, with or without
 * messages, and what they say and print can be written. */
#include <stdlib.h>
#include <string.h>
#include "syntax/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static void print_all(Arena *arena, Interner *names, const Source *source, const File *file, const Diagnostics *diagnostics) {
    char  *text = NULL;
    size_t length;
    FILE  *out = open_memstream(&text, &length);
    if (!out) abort();
    print_tokens(arena, names, source, out);
    print_ast(file, out);
    diag_print(diagnostics, out, DIAG_TEXT, 1);
    diag_print(diagnostics, out, DIAG_JSON, 0);
    fclose(out);
    free(text);
}

static void check_expr(const Expr *expr, const Source *source) {
    if (expr->span.source != source || expr->span.begin > expr->span.end || expr->span.end > source->length) abort();
    if (expr->depth > EXPR_DEPTH) abort();
    for (const Arg *arg = expr->arguments; arg; arg = arg->next) check_expr(arg->value, source);
    for (const StringPart *part = expr->parts; part; part = part->next)
        if (part->expr) check_expr(part->expr, source);
    if (expr->base) check_expr(expr->base, source);
    if (expr->right) check_expr(expr->right, source);
    if (expr->other) check_expr(expr->other, source);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    Arena *arena = arena_new();
    Interner *names = interner_new(arena);
    Diagnostics *diagnostics = diagnostics_new(arena);
    const char *text = arena_copy(arena, (const char *)bytes, count);
    const Source *source = source_from_text(arena, "fuzz.mml", text, count);
    const File *file = parse_file(arena, names, diagnostics, source);
    for (const Decl *decl = file->decls; decl; decl = decl->next) {
        if (decl->span.begin > decl->span.end || decl->span.end > count) abort();
        if (decl->type) check_expr(decl->type, source);
        if (decl->value) check_expr(decl->value, source);
    }
    print_all(arena, names, source, file, diagnostics);
    Diagnostics *others = diagnostics_new(arena);
    check_expr(parse_expression(arena, names, others, source), source);
    arena_free(arena);
    return 0;
}
