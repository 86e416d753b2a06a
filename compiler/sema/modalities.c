#include "sema/declarations.h"

static const char *const PROPERTIES[] = {"input", "encoder", "head"};

static const Expr *needed(Sema *s, const Decl *decl, const char *prefix, const char *name, const char *how) {
    const Expr *value = property_of(s, decl->properties, prefix, name);
    if (!value && !s->analysis->broken_syntax) {
        Diagnostic *d = diag(s->diagnostics, E0208, decl->name_span, "modality `%s` has no `%s`", decl->name, name);
        diag_help(s->diagnostics, d, "add `%s`", how);
    }
    return expr_wrong(value) ? NULL : value;
}

/* A feature is a vector. */
static bool check_feature(Sema *s, const Decl *decl, const Expr *encoder, Shape feature) {
    if (feature.rank == 1)
        return true;
    Diagnostic *d = diag(s->diagnostics, E0233, encoder->span, "the encoder of `%s` ends in %s, and a feature is a vector", decl->name,
                         shape_text(s->arena, feature));
    diag_help(s->diagnostics, d, feature.rank == 3 ? "end it with `-> avgpool -> flatten`" : "end it with `-> flatten`");
    return false;
}

static void read_networks(Sema *s, const Decl *decl, const char *prefix, int number, bool known, Shape in, Modality *modality) {
    const Expr *encoder = needed(s, decl, prefix, "encoder", "encoder = cnn4() -> linear(64)");
    const Expr *head = property_of(s, decl->properties, prefix, "head");
    if (!encoder || !known)
        return;
    if (!encoder_build(s, encoder, in, arena_printf(s->arena, "encoder.%s", decl->name), number, &modality->encoder)
        || !check_feature(s, decl, encoder, modality->encoder.output))
        return;
    modality->width = modality->encoder.output.size[0];
    if (!head || head->kind != EXPR_ERROR)
        head_build(s, head, modality->encoder.output, arena_printf(s->arena, "head.%s", decl->name), number, &modality->head);
}

void modalities_read(Sema *s) {
    for (int i = 0; i < s->modalities.count; i++) {
        const Decl *decl = s->modalities.items[i];
        const char *prefix = arena_printf(s->arena, "modality.%s", decl->name);
        Modality modality = {.name = decl->name, .span = decl->span, .doc = decl->doc};
        Flow declared = {.content = CONTENT_ERROR};
        properties_check(s, decl->properties, "a modality", PROPERTIES, sizeof PROPERTIES / sizeof *PROPERTIES);
        const Expr *type = override_expr(s, prefix, decl->type);
        bool known = modality_type(s, type, &declared);
        if (!known)
            declared.content = CONTENT_ERROR;
        if (!decl->type && !s->analysis->broken_syntax)
            diag(s->diagnostics, E0223, decl->name_span, "modality `%s` has no type; it is written behind a colon, as in `image[1, 28, 28]`",
                 decl->name);
        modality.type_text = flow_text(s->arena, declared);
        modality.shape = declared.shape;
        const Expr *input = needed(s, decl, prefix, "input", "input = DATA.FIELD -> scale(1 / 255)");
        if (input)
            pipeline_read(s, input, declared, type, &modality);
        read_networks(s, decl, prefix, i, known, declared.shape, &modality);
        VECTOR_PUSH(s->arena, &s->program->modalities, modality);
    }
}
