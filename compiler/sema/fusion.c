#include <string.h>
#include "sema/network.h"

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

static bool concat_features(NetworkBuilder *b, const Expr *expr, const Shape *features, int count, Signal *out) {
    if (expr->kind == EXPR_CALL && expr->arguments) {
        Diagnostic *d = network_error(b, E0350, expr->span, "the `concat` of a fusion joins the features of all modalities: it takes no arguments");
        diag_help(b->s->diagnostics, d, "write `concat -> linear(classes)`");
        return false;
    }
    Signal parts[MAX_JOINED];
    for (int m = 0; m < count; m++)
        parts[m] = (Signal){-1 - m, {1, {shape_count(features[m])}}};
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
        if (!network_expression(b, argument->value, (Signal){-1 - m, {1, {shape_count(features[m])}}}, name, &part))
            return false;
        if (m == 0)
            *out = part;
        else if (!layer_add_sum(b, "sum", expr->span, *out, part, out))
            return false;
    }
    return true;
}

/* Linear all through, so that the logits are a sum of parts of the modalities. */
static FusionKind kind_of(const Network *network, bool concat, int modalities) {
    int linear = 0, add = 0;
    for (int i = 0; i < network->layers.count; i++) {
        linear += network->layers.items[i].kind == LAYER_LINEAR;
        add    += network->layers.items[i].kind == LAYER_ADD;
    }
    int layers = network->layers.count;
    if (concat)
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
    if (is_form(form, "film") || is_form(form, "gated")) {
        network_error(&b, E0351, form->span, "this version has no `%s` fusion yet; it compiles `concat` and `sum`", is_form(form, "film") ? "film" : "gated");
        return false;
    }
    bool concat = is_form(form, "concat");
    if (!concat && !is_form(form, "sum")) {
        Diagnostic *d = network_error(&b, E0350, form->span, "a fusion is `concat -> …` or `sum(…)`");
        diag_help(s->diagnostics, d, "the usual one: `concat -> linear(classes)`");
        return false;
    }
    Signal joined, result;
    if (!common_width(&b, form->span, features, count)
        || !(concat ? concat_features(&b, form, features, count, &joined) : sum_features(&b, form, features, count, &joined)))
        return false;
    /* What stands alone behind the form needs no position: fusion.weight. */
    if (!network_chain(&b, members, 1, member_count, member_count == 2, joined, "", &result)
        || !gives_classes(&b, "this fusion", expr->span, result.shape) || !network_finish(&b, result))
        return false;
    *kind = kind_of(out, concat, count);
    return true;
}
