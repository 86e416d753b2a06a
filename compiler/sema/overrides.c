#include <string.h>
#include "sema/declarations.h"
#include "syntax/parse.h"

static void read_given(Sema *s, const Define *defines, int count, const char *option, void *into) {
    VECTOR(Given) *list = into;
    for (int i = 0; i < count; i++)
        VECTOR_PUSH(s->arena, list, ((Given){option, defines[i].name, defines[i].value, false, NULL}));
}

void overrides_read(Sema *s) {
    if (!s->options)
        return;
    read_given(s, s->options->defines, s->options->define_count, "-D",    &s->analysis->defines);
    read_given(s, s->options->sets,    s->options->set_count,    "--set", &s->analysis->sets);
}

/* The last one wins, as on any command line. */
static Given *find_given(Given *items, int count, const char *name) {
    Given *found = NULL;
    for (int i = 0; i < count; i++) {
        if (strcmp(items[i].name, name) == 0) {
            items[i].used = true;
            found = &items[i];
        }
    }
    return found;
}

Given *define_for(Sema *s, const char *name) {
    return find_given(s->analysis->defines.items, s->analysis->defines.count, name);
}

Given *override_for(Sema *s, const char *path) {
    if (s->analysis->sets.count > 0)
        VECTOR_PUSH(s->arena, &s->analysis->paths, path);
    return find_given(s->analysis->sets.items, s->analysis->sets.count, path);
}

const char *given_origin(Sema *s, const Given *given) {
    return arena_printf(s->arena, "%s %s=%s", given->option, given->name, given->text);
}

static const Source *given_source(Sema *s, const Given *given, const char *text) {
    return source_from_text(s->arena, arena_printf(s->arena, "%s %s", given->option, given->name), text, strlen(text));
}

static const Expr *text_expr(Sema *s, const Given *given) {
    Span span = {given_source(s, given, given->text), 0, (uint32_t)strlen(given->text)};
    Expr *expr = expr_new(s, EXPR_STRING, span);
    expr->parts = NEW(s->arena, StringPart);
    expr->parts->text = given->text;
    expr->parts->length = strlen(given->text);
    expr->parts->span = span;
    return expr;
}

/* The unit a bare number has on the command line. */
static Unit left_out(TypeKind kind) {
    switch (kind) {
    case TYPE_TIME:      return UNIT_S;
    case TYPE_FREQUENCY: return UNIT_HZ;
    case TYPE_EPOCHS:    return UNIT_EPOCHS;
    case TYPE_STEPS:     return UNIT_STEPS;
    case TYPE_BYTES:     return UNIT_B;
    case TYPE_SHARE:     return UNIT_PERCENT;
    case TYPE_FPS:       return UNIT_FPS;
    default:             return UNIT_NONE;
    }
}

static void add_unit(Expr *expr, TypeKind kind) {
    if (expr_wrong(expr))
        return;
    if ((expr->kind == EXPR_INT || expr->kind == EXPR_REAL || expr->kind == EXPR_LIST) && expr->unit == UNIT_NONE)
        expr->unit = left_out(kind);
    else if (expr->kind == EXPR_UNARY)
        add_unit(expr->base, kind);
    else if (expr_callee(expr) && strcmp(expr_callee(expr), "each") == 0)
        for (Arg *argument = expr->arguments; argument; argument = argument->next)
            add_unit(argument->value, kind);
}

static bool is_name_start(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* audio=5,visual=100 */
static bool looks_like_each(const char *text) {
    size_t n = 0;
    if (!is_name_start(text[0]))
        return false;
    while (is_name_start(text[n]) || (text[n] >= '0' && text[n] <= '9'))
        n++;
    return text[n] == '=' && text[n + 1] != '=';
}

const Expr *given_expr(Sema *s, Given *given, Type type) {
    const char *text = given->text;
    if ((type.kind == TYPE_STRING || type.kind == TYPE_PATH) && text[0] != '"' && !type.each)
        return text_expr(s, given);
    if (type.each && looks_like_each(text))
        text = arena_printf(s->arena, "each(%s)", text);
    if (!given->parsed) {
        const Source *source = given_source(s, given, text);
        given->parsed = parse_expression(s->arena, s->names, s->diagnostics, source);
        if (expr_wrong(given->parsed))
            given->parsed = expr_new(s, EXPR_ERROR, (Span){source, 0, 0});
    }
    add_unit((Expr *)given->parsed, type.kind);
    return given->parsed;
}

const Expr *override_expr(Sema *s, const char *path, const Expr *expr) {
    Given *given = override_for(s, path);
    return given ? given_expr(s, given, (Type){.kind = TYPE_NONE}) : expr;
}

void overrides_check(Sema *s) {
    int params = s->params.count, paths = s->analysis->paths.count, settings = s->program->settings.count;
    for (int i = 0; i < s->analysis->defines.count; i++) {
        const Given *given = &s->analysis->defines.items[i];
        if (given->used)
            continue;
        const char **names = NEW_ARRAY(s->arena, const char *, params + 1);
        for (int p = 0; p < params; p++)
            names[p] = s->params.items[p]->name;
        Span span = {source_from_text(s->arena, "-D", given->name, strlen(given->name)), 0, (uint32_t)strlen(given->name)};
        Diagnostic *d = diag(s->diagnostics, E0212, span, "there is no param `%s`", given->name);
        help_names(s, d, given->name, names, params, "the params are");
    }
    for (int i = 0; i < s->analysis->sets.count; i++) {
        const Given *given = &s->analysis->sets.items[i];
        if (given->used)
            continue;
        const char **names = NEW_ARRAY(s->arena, const char *, paths + settings + 1);
        for (int p = 0; p < paths; p++)
            names[p] = s->analysis->paths.items[p];
        for (int p = 0; p < settings; p++)
            names[paths + p] = s->program->settings.items[p].path;
        Span span = {source_from_text(s->arena, "--set", given->name, strlen(given->name)), 0, (uint32_t)strlen(given->name)};
        Diagnostic *d = diag(s->diagnostics, E0213, span, "there is no property `%s`", given->name);
        const char *near = nearest_name(given->name, names, paths + settings);
        if (near)
            diag_help(s->diagnostics, d, "did you mean `%s`?", near);
        else
            diag_help(s->diagnostics, d, "`mmlc check --explain` lists them all");
    }
}
