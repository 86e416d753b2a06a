#include <string.h>
#include "sema/declarations.h"

/* ---- Types by name ---- */

static const struct { const char *name; TypeKind kind; } PARAM_TYPES[] = {
    {"int", TYPE_INT},       {"real", TYPE_REAL},           {"bool", TYPE_BOOL},     {"string", TYPE_STRING},
    {"path", TYPE_PATH},     {"time", TYPE_TIME},           {"frequency", TYPE_FREQUENCY}, {"epochs", TYPE_EPOCHS},
    {"steps", TYPE_STEPS},   {"bytes", TYPE_BYTES},         {"share", TYPE_SHARE},   {"fps", TYPE_FPS},
    {"modality", TYPE_MODALITY},
};
enum { PARAM_TYPE_COUNT = sizeof PARAM_TYPES / sizeof *PARAM_TYPES };

Type type_of_expr(Sema *s, const Expr *expr) {
    Type type = {.kind = TYPE_ERROR};
    if (expr_wrong(expr))
        return type;
    const Expr *name = expr;
    int each = 0;
    if (expr->kind == EXPR_INDEX) {
        name = expr->base;
        const Arg *index = expr->arguments;
        if (expr_wrong(name) || (index && expr_wrong(index->value)))
            return type;
        each = index && !index->next && !index->name && index->value->kind == EXPR_NAME
            && strcmp(index->value->name, "modalities") == 0;
        if (!each) {
            diag(s->diagnostics, E0210, expr->span, "a type with an index is T[modalities], a value for each modality");
            return type;
        }
    }
    if (name->kind != EXPR_NAME) {
        diag(s->diagnostics, E0210, expr->span, "a type is a name, as in `real` or `epochs[modalities]`");
        return type;
    }
    const char *names[PARAM_TYPE_COUNT];
    for (int i = 0; i < PARAM_TYPE_COUNT; i++) {
        names[i] = PARAM_TYPES[i].name;
        if (strcmp(name->name, PARAM_TYPES[i].name) == 0)
            return (Type){.kind = PARAM_TYPES[i].kind, .each = each};
    }
    Diagnostic *d = diag(s->diagnostics, E0210, name->span, "there is no type `%s`", name->name);
    help_names(s, d, name->name, names, PARAM_TYPE_COUNT, "the types are");
    return type;
}

/* ---- Order of dependence ---- */

typedef struct { const Decl *decl; int state; VECTOR(int) reads; int next; } Node;      /* state 0 new, 1 open, 2 done */

typedef struct { Sema *s; Node *nodes; Node *from; } Reading;

static void note_read(void *context, const Expr *name) {
    Reading *reading = context;
    for (int i = 0; i < reading->s->params.count; i++)
        if (reading->nodes[i].decl->name == name->name)
            VECTOR_PUSH(reading->s->arena, &reading->from->reads, i);
}

static void report_circle(Sema *s, Node *nodes, const int *stack, int depth, int first) {
    const char *circle = "";
    int start = depth - 1;
    while (stack[start] != first)
        start--;
    for (int i = start; i < depth; i++)
        circle = arena_printf(s->arena, "%s`%s` reads ", circle, nodes[stack[i]].decl->name);
    const Decl *decl = nodes[first].decl;
    diag(s->diagnostics, E0211, decl->name_span, "%s`%s`: the default of a param can't depend on itself", circle, decl->name);
}

/* ---- One param ---- */

static Value *error_value(Sema *s, Span span) {
    Value *value = NEW(s->arena, Value);
    value->type.kind = TYPE_ERROR;
    value->span = span;
    return value;
}

static void add_error(Sema *s, const Decl *decl) {
    setting_add(s, (Setting){.path = decl->name, .type = {.kind = TYPE_ERROR}, .flags = SETTING_PARAM,
                             .value = error_value(s, decl->span), .span = decl->span});
}

static void param_read(Sema *s, const Decl *decl, bool circular) {
    Given *given = define_for(s, decl->name);
    if (circular) {
        override_for(s, decl->name);
        add_error(s, decl);
        return;
    }
    if (!decl->value && !decl->type) {
        Diagnostic *d = diag(s->diagnostics, E0209, decl->name_span, "param `%s` has neither a type nor a default", decl->name);
        diag_help(s->diagnostics, d, "write `param %s : path` if it must be given, or `param %s = 1`", decl->name, decl->name);
        add_error(s, decl);
        return;
    }
    Type type = {.kind = TYPE_NONE};
    if (decl->type) {
        type = type_of_expr(s, decl->type);
        if (type.kind == TYPE_ERROR) {
            add_error(s, decl);
            return;
        }
    }
    Setting setting = {.path = decl->name, .flags = SETTING_PARAM, .span = decl->span, .doc = decl->doc};
    if (decl->value) {
        setting.value = expr_wrong(decl->value) ? error_value(s, decl->value->span)
                                                : value_of(s, &setting_scope, decl->value, type);
        if (type.kind == TYPE_NONE)
            type = setting.value->type;
    } else {
        setting.flags |= SETTING_REQUIRED;
    }
    if (given && type.kind != TYPE_ERROR) {
        const Expr *expr = given_expr(s, given, type);
        setting.value = expr_wrong(expr) ? error_value(s, decl->span) : value_of(s, &setting_scope, expr, type);
        setting.flags &= ~SETTING_REQUIRED;
        setting.origin = given_origin(s, given);
        setting.span = expr->span;
    }
    setting.type = type;
    setting_add(s, setting);
    Setting *added = setting_find(s, decl->name);
    if (added->value)
        added->flags &= ~SETTING_REQUIRED;          /* --set gave it */
}

/* Depth first with a stack of its own: a file may hold a long chain of params. */
void params_read(Sema *s) {
    int count = s->params.count;
    Node *nodes = NEW_ARRAY(s->arena, Node, count + 1);
    int *stack = NEW_ARRAY(s->arena, int, count + 1);
    bool *circular = NEW_ARRAY(s->arena, bool, count + 1);
    for (int i = 0; i < count; i++)
        nodes[i].decl = s->params.items[i];
    for (int i = 0; i < count; i++) {
        Reading reading = {s, nodes, &nodes[i]};
        expr_names(nodes[i].decl->value, note_read, &reading);
    }
    for (int root = 0; root < count; root++) {
        if (nodes[root].state)
            continue;
        int depth = 0;
        stack[depth++] = root;
        nodes[root].state = 1;
        while (depth > 0) {
            Node *node = &nodes[stack[depth - 1]];
            if (node->next < node->reads.count) {
                int read = node->reads.items[node->next++];
                if (nodes[read].state == 1) {
                    if (!circular[read])
                        report_circle(s, nodes, stack, depth, read);
                    for (int i = depth - 1; i >= 0; i--) {
                        circular[stack[i]] = true;
                        if (stack[i] == read)
                            break;
                    }
                } else if (nodes[read].state == 0) {
                    nodes[read].state = 1;
                    stack[depth++] = read;
                }
                continue;
            }
            node->state = 2;
            param_read(s, node->decl, circular[stack[depth - 1]]);
            depth--;
        }
    }
}
