#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "sema/network.h"

NetworkBuilder network_builder(Sema *s, Network *network, const char *prefix, int group) {
    *network = (Network){.group = group};
    return (NetworkBuilder){.s = s, .network = network, .prefix = prefix, .group = group, .frames = 1,
                            .first_parameter = s->program->parameters.count, .first_statistic = s->program->statistics.count};
}

Diagnostic *network_error(NetworkBuilder *b, DiagCode code, Span span, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const char *text = arena_vprintf(b->s->arena, format, arguments);
    va_end(arguments);
    Diagnostic *d = diag(b->s->diagnostics, code, span, "%s", text);
    for (const Expansion *at = b->expansion; at; at = at->outer)
        if (at->outer || !b->dry || at->call.begin != at->encoder->name_span.begin)      /* not a definition on its own */
            diag_note(b->s->diagnostics, d, at->call, "in the encoder `%s`, which stands here", at->encoder->name);
    return d;
}

const char *path_join(Arena *arena, const char *path, const char *piece) {
    if (!path[0] || !piece[0])
        return path[0] ? path : piece;
    return arena_printf(arena, "%s.%s", path, piece);
}

const char *path_number(Arena *arena, const char *path, int number) {
    return path_join(arena, path, arena_printf(arena, "%d", number));
}

/* ---- Names that two parameters share ---- */

typedef struct { const char *name; int index; } Named;

static int by_name(const void *a, const void *b) {
    const Named *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : x->index - y->index;
}

bool network_finish(NetworkBuilder *b, Signal result) {
    Program *program = b->s->program;
    b->network->output = result.shape;
    int count = program->parameters.count - b->first_parameter;
    Named *names = NEW_ARRAY(b->s->arena, Named, count + 1);
    for (int i = 0; i < count; i++)
        names[i] = (Named){program->parameters.items[b->first_parameter + i].name, i};
    qsort(names, (size_t)count, sizeof *names, by_name);
    for (int i = 1; i < count; i++) {
        if (strcmp(names[i].name, names[i - 1].name) != 0)
            continue;
        Diagnostic *d = diag(b->s->diagnostics, E0341, b->parameter_spans.items[names[i].index], "two parameters would be named `%s`", names[i].name);
        diag_note(b->s->diagnostics, d, b->parameter_spans.items[names[i - 1].index], "the first of them");
        diag_help(b->s->diagnostics, d, "give them labels that differ");
        return false;
    }
    return true;
}

/* ---- Chains ---- */

static bool in_parentheses(const Expr *expr) {
    return expr->base && expr->span.begin < expr->base->span.begin;
}

int chain_members(Arena *arena, const Expr *expr, const Expr *const **members) {
    int count = 1;
    const Expr *left = expr;
    while (left->kind == EXPR_BINARY && left->op == OP_ARROW && (left == expr || !in_parentheses(left))) {
        left = left->base;
        count++;
    }
    const Expr **list = NEW_ARRAY(arena, const Expr *, count);
    left = expr;
    for (int i = count - 1; i > 0; i--) {
        list[i] = left->right;
        left = left->base;
    }
    list[0] = left;
    *members = list;
    return count;
}
