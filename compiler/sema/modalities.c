#include "sema/declarations.h"

static const char *const PROPERTIES[] = {"input", "encoder", "head"};

/* Neither input nor encoder has a default. */
static void check_missing(Sema *s, const Decl *decl, const Expr *input, const Expr *encoder) {
    if ((input && encoder) || s->analysis->broken_syntax)
        return;
    Diagnostic *d = diag(s->diagnostics, E0208, decl->name_span, "modality `%s` has no %s", decl->name,
                         input ? "`encoder`" : encoder ? "`input`" : "`input` and no `encoder`");
    if (!input)
        diag_help(s->diagnostics, d, "add `input = DATA.FIELD -> scale(1 / 255)`");
    if (!encoder)
        diag_help(s->diagnostics, d, "add `encoder = cnn4() -> linear(64)`");
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

static void read_networks(Sema *s, const Decl *decl, const Expr *encoder, const Expr *head, int number, Shape in, Modality *modality) {
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
        bool spelt = properties_check(s, decl->properties, "a modality", PROPERTIES, sizeof PROPERTIES / sizeof *PROPERTIES);
        const Expr *type = override_expr(s, prefix, decl->type);
        bool known = modality_type(s, type, &declared);
        if (!known)
            declared.content = CONTENT_ERROR;
        if (!decl->type && !s->analysis->broken_syntax)
            diag(s->diagnostics, E0223, decl->name_span, "modality `%s` has no type; it is written behind a colon, as in `image[1, 28, 28]`",
                 decl->name);
        modality.type_text = flow_text(s->arena, declared);
        modality.shape = declared.shape;
        const Expr *input = property_of(s, decl->properties, prefix, "input");
        const Expr *encoder = property_of(s, decl->properties, prefix, "encoder");
        const Expr *head = property_of(s, decl->properties, prefix, "head");
        if (spelt)
            check_missing(s, decl, input, encoder);
        if (!expr_wrong(input))
            pipeline_read(s, input, declared, type, &modality);
        if (!expr_wrong(encoder) && known)
            read_networks(s, decl, encoder, head, i, declared.shape, &modality);
        VECTOR_PUSH(s->arena, &s->program->modalities, modality);
    }
}
