#include "sema/declarations.h"

/* ---- Every name in a definition ---- */

typedef void Visit(void *context, const Expr *name);

static void property_names(const Property *property, Visit *visit, void *context) {
    for (; property; property = property->next)
        expr_names(property->value, visit, context);
}

static void statement_names(const Stmt *statement, Visit *visit, void *context) {
    for (; statement; statement = statement->next) {
        expr_names(statement->over, visit, context);
        expr_names(statement->target, visit, context);
        expr_names(statement->value, visit, context);
        statement_names(statement->body, visit, context);
        statement_names(statement->otherwise, visit, context);
    }
}

static void decl_names(const Decl *decl, Visit *visit, void *context) {
    expr_names(decl->type, visit, context);
    expr_names(decl->value, visit, context);
    property_names(decl->properties, visit, context);
    statement_names(decl->body, visit, context);
    for (const Formal *formal = decl->formals; formal; formal = formal->next)
        expr_names(formal->value, visit, context);
    for (const Member *member = decl->members; member; member = member->next) {
        expr_names(member->over, visit, context);
        expr_names(member->type, visit, context);
        expr_names(member->value, visit, context);
        statement_names(member->body, visit, context);
    }
    for (const Decl *stage = decl->stages; stage; stage = stage->next)
        decl_names(stage, visit, context);
}

/* ---- What is used: the definitions named by the experiment, and by those ---- */

typedef struct { Sema *s; const Decl *const *items; int count; bool *used; } Marking;

static void mark(void *context, const Expr *name) {
    Marking *marking = context;
    for (int i = 0; i < marking->count; i++) {
        if (marking->items[i]->name == name->name && !marking->used[i]) {
            marking->used[i] = true;
            decl_names(marking->items[i], mark, marking);        /* at most once each */
        }
    }
}

static bool *used_definitions(Sema *s, const Decl *const *items, int count) {
    Marking marking = {s, items, count, NEW_ARRAY(s->arena, bool, count + 1)};
    for (const Decl *decl = s->analysis->file->decls; decl; decl = decl->next)
        if (decl->kind == DECL_MODALITY || decl->kind == DECL_FUSION || decl->kind == DECL_TRAIN)
            decl_names(decl, mark, &marking);
    return marking.used;
}

static void check_unused(Sema *s, const Decl *const *items, int count, void (*check)(Sema *s, const Decl *decl)) {
    bool *used = used_definitions(s, items, count);
    for (int i = 0; i < count; i++)
        if (!used[i] && !items[i]->name_span.source->library)
            check(s, items[i]);
}

/* ---- What is never read ---- */

static void note_use(void *context, const Expr *name) {
    Marking *marking = context;
    for (int i = 0; i < marking->count; i++)
        marking->used[i] |= marking->items[i]->name == name->name;
}

static void warn_params(Sema *s) {
    int count = s->params.count;
    Marking marking = {s, s->params.items, count, NEW_ARRAY(s->arena, bool, count + 1)};
    for (const Decl *decl = s->analysis->file->decls; decl; decl = decl->next)
        decl_names(decl, note_use, &marking);
    for (int i = 0; i < count; i++)
        if (!marking.used[i])
            diag(s->diagnostics, W0202, s->params.items[i]->name_span, "nothing reads the param `%s`", s->params.items[i]->name);
}

static void warn_data(Sema *s) {
    for (int i = 0; i < s->analysis->sources.count; i++)
        if (!s->analysis->sources.items[i].used)
            diag(s->diagnostics, W0202, s->analysis->sources.items[i].span, "nothing reads the data `%s`",
                 s->program->sources.items[i].name);
}

void definitions_check_unused(Sema *s) {
    check_unused(s, s->encoders.items, s->encoders.count, encoder_check_definition);
    check_unused(s, s->policies.items, s->policies.count, rule_check_definition);
    check_unused(s, s->methods.items, s->methods.count, rule_check_definition);
    if (diag_errors(s->diagnostics) == 0) {
        warn_params(s);
        warn_data(s);
    }
}
