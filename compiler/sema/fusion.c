#include <string.h>
#include "sema/network.h"

enum { FORM_CONCAT, FORM_SUM, FORM_FILM, FORM_GATED, FORM_COUNT };
static const char *const FORMS[] = {"concat", "sum", "film", "gated"};

/* One logit for each class of the target. */
static bool gives_classes(NetworkBuilder *b, const char *what, Span span, Shape shape) {
    int64_t classes = b->s->program->target.classes;
    if (classes <= 0 || (shape.rank == 1 && shape.size[0] == classes))
        return true;
    Diagnostic *d = network_error(b, E0352, span, "%s gives %s, and the target has %lld classes", what, shape_text(b->s->arena, shape), (long long)classes);
    diag_help(b->s->diagnostics, d, "end it with `linear(classes)`");
    return false;
}

bool head_build(Sema *s, const Expr *expr, Shape in, const char *prefix, int group, Network *out) {
    if (expr && expr->kind == EXPR_ERROR)
        return false;
    NetworkBuilder b = network_builder(s, out, prefix, group);
    out->input_count = 1;
    out->inputs[0] = in;
    Signal signal = {-1, in}, result;
    if (!expr) {
        Span nowhere = {0};
        return s->program->target.classes > 0 && layer_add_linear(&b, "", nowhere, s->program->target.classes, signal, &result)
            && network_finish(&b, result);
    }
    return network_expression(&b, expr, signal, "", &result) && gives_classes(&b, "this head", expr->span, result.shape)
        && network_finish(&b, result);
}

/* ---- Fusion ---- */

/* `concat` itself, or `sum(f)`. */
static bool is_form(const Expr *expr, const char *name) {
    return is_name(expr->kind == EXPR_CALL ? expr->base : expr, name);
}

static bool common_width(NetworkBuilder *b, Span span, const Shape *features, int count) {
    for (int m = 1; m < count; m++) {
        if (shape_count(features[m]) == shape_count(features[0]))
            continue;
        const Sema *s = b->s;
        network_error(b, E0353, span, "features have one common width, and `%s` has %lld, `%s` %lld", s->modalities.items[0]->name,
                      (long long)shape_count(features[0]), s->modalities.items[m]->name, (long long)shape_count(features[m]));
        return false;
    }
    return true;
}

/* The feature of modality m, as a vector. */
static Signal feature(const Shape *features, int m) {
    return (Signal){-1 - m, {1, {shape_count(features[m])}}};
}

static bool concat_features(NetworkBuilder *b, const Expr *expr, const Shape *features, int count, Signal *out) {
    if (expr->kind == EXPR_CALL && expr->arguments) {
        Diagnostic *d = network_error(b, E0350, expr->span, "the `concat` of a fusion joins the features of all modalities: it takes no arguments");
        diag_help(b->s->diagnostics, d, "write `concat -> linear(classes)`");
        return false;
    }
    Signal parts[MAX_JOINED];
    for (int m = 0; m < count; m++)
        parts[m] = feature(features, m);
    return layer_add_concat(b, "concat", expr->span, count, parts, out);
}

static bool sum_features(NetworkBuilder *b, const Expr *expr, const Shape *features, int count, Signal *out) {
    const Arg *argument = expr->kind == EXPR_CALL ? expr->arguments : NULL;
    if (!argument || argument->next || argument->name) {
        network_error(b, E0350, expr->span, "`sum(f)` takes one encoder, of which every modality gets a copy: `sum(linear(classes))`");
        return false;
    }
    for (int m = 0; m < count; m++) {
        Signal part;
        const char *name = b->s->modalities.items[m]->name;
        if (!network_expression(b, argument->value, feature(features, m), name, &part))
            return false;
        if (m == 0)
            *out = part;
        else if (!layer_add_sum(b, "sum", expr->span, *out, part, out))
            return false;
    }
    return true;
}

/* film(by = visual): the modality that conditions or gates the other, the first unless `by` names one. */
static bool leader(NetworkBuilder *b, const Expr *expr, const char *form, int count, int *out) {
    static const ArgumentRow rows[] = {{"by", TYPE_MODALITY, ARGUMENT_NAMED | ARGUMENT_FIXED, .words = NULL}};
    if (count != 2) {
        Diagnostic *d = network_error(b, E0351, expr->span, "a `%s` fusion is of two modalities, and this experiment has %d", form, count);
        diag_help(b->s->diagnostics, d, "`concat -> linear(classes)` and `sum(linear(classes))` take any number");
        return false;
    }
    Argument by[1];
    if (!arguments_bind(b->s, NULL, expr, form, rows, 1, by))
        return false;
    *out = by[0].value ? (int)by[0].value->integer : 0;
    return true;
}

/* gamma * h_2 + beta with [gamma; beta] = C h_1 + c: FiLM, on the feature's own width. */
static bool film_features(NetworkBuilder *b, const Expr *expr, const Shape *features, int count, Signal *out) {
    int first;
    return leader(b, expr, FORMS[FORM_FILM], count, &first)
        && layer_add_film(b, FORMS[FORM_FILM], expr->span, feature(features, first), feature(features, 1 - first), out);
}

/* sigmoid(r_1) * r_2 with r_m = A_m h_m + a_m. */
static bool gated_features(NetworkBuilder *b, const Expr *expr, const Shape *features, int count, Signal *out) {
    int first;
    if (!leader(b, expr, FORMS[FORM_GATED], count, &first))
        return false;
    Signal mapped[2];
    for (int m = 0; m < 2; m++) {
        const char *path = path_join(b->s->arena, FORMS[FORM_GATED], b->s->modalities.items[m]->name);
        if (!layer_add_linear(b, path, expr->span, shape_count(features[m]), feature(features, m), &mapped[m]))
            return false;
    }
    return layer_add_gate(b, FORMS[FORM_GATED], expr->span, mapped[first], mapped[1 - first], out);
}

static bool (*const JOIN[])(NetworkBuilder *b, const Expr *expr, const Shape *features, int count, Signal *out) = {
    concat_features, sum_features, film_features, gated_features,
};

/* Linear all through, so that the logits are a sum of parts of the modalities. */
static FusionKind kind_of(const Network *network, int form, int modalities) {
    if (form != FORM_CONCAT && form != FORM_SUM)
        return FUSION_OTHER;
    int linear = 0, add = 0;
    for (int i = 0; i < network->layers.count; i++) {
        linear += network->layers.items[i].kind == LAYER_LINEAR;
        add    += network->layers.items[i].kind == LAYER_ADD;
    }
    int layers = network->layers.count;
    if (form == FORM_CONCAT)
        return layers == 2 && linear == 1 ? FUSION_CONCAT_LINEAR : FUSION_OTHER;
    return layers == 2 * modalities - 1 && linear == modalities && add == modalities - 1 ? FUSION_SUM_LINEAR : FUSION_OTHER;
}

bool fusion_build(Sema *s, const Expr *expr, const Shape *features, int count, Network *out, FusionKind *kind) {
    if (!expr || expr->kind == EXPR_ERROR)
        return false;
    NetworkBuilder b = network_builder(s, out, "fusion", count);
    out->input_count = count;
    for (int m = 0; m < count; m++)
        out->inputs[m] = features[m];
    const Expr *const *members;
    int member_count = chain_members(s->arena, expr, &members);
    const Expr *form = members[0];
    if (form->kind == EXPR_ERROR)
        return false;
    int which = 0;
    while (which < FORM_COUNT && !is_form(form, FORMS[which]))
        which++;
    if (which == FORM_COUNT) {
        Diagnostic *d = network_error(&b, E0350, form->span, "a fusion is `concat -> …`, `sum(…)`, `film -> …` or `gated -> …`");
        diag_help(s->diagnostics, d, "the usual one: `concat -> linear(classes)`");
        return false;
    }
    Signal joined, result;
    if (!common_width(&b, form->span, features, count)
        || !JOIN[which](&b, form, features, count, &joined))
        return false;
    /* What stands alone behind the form needs no position: fusion.weight. */
    if (!network_chain(&b, members, 1, member_count, member_count == 2, joined, "", &result)
        || !gives_classes(&b, "this fusion", expr->span, result.shape) || !network_finish(&b, result))
        return false;
    *kind = kind_of(out, which, count);
    return true;
}
