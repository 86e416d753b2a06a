#include <string.h>
#include "sema/declarations.h"

/* One row a content: its type in a program, or what to call it where it has none; how many sizes it has (0: none yet). */
static const struct { const char *name, *article; int rank; bool type; } CONTENT_ROWS[CONTENTS] = {
    [CONTENT_ERROR]       = {"unknown",         "something unknown", 0, false},
    [CONTENT_ARRAY]       = {"an array",        "an array",          0, false},
    [CONTENT_LABEL]       = {"a label",         "a label",           0, false},
    [CONTENT_IMAGE]       = {"image",           "an image",          3, true},
    [CONTENT_VIDEO]       = {"video",           "a video",           4, true},
    [CONTENT_FLOW]        = {"flow",            "a flow",            3, true},
    [CONTENT_FLOWCLIP]    = {"flowclip",        "a flow clip",       4, true},
    [CONTENT_SPECTROGRAM] = {"spectrogram",     "a spectrogram",     3, true},
    [CONTENT_VECTOR]      = {"vector",          "a vector",          1, true},
    [CONTENT_TENSOR]      = {"tensor",          "a tensor",          0, true},
    [CONTENT_SOUND_FILE]  = {"a sound file",    "a sound file",      0, false},
    [CONTENT_SOUND]       = {"sound",           "a sound",           1, false},
    [CONTENT_VIDEO_FILE]  = {"a video file",    "a video file",      0, false},
    [CONTENT_FRAMES]      = {"a folder of pictures",      "a folder of pictures",      0, false},
    [CONTENT_FLOW_FRAMES] = {"a folder of flow pictures", "a folder of flow pictures", 0, false},
};

const char *content_article(Content content) {
    return CONTENT_ROWS[content].article;
}

const char *flow_text(Arena *arena, Flow flow) {
    if (flow.shape.rank == 0)
        return CONTENT_ROWS[flow.content].name;
    return arena_printf(arena, "%s%s", CONTENT_ROWS[flow.content].name, shape_text(arena, flow.shape));
}

bool modality_type(Sema *s, const Expr *expr, Flow *out) {
    if (expr_wrong(expr) || (expr->kind == EXPR_INDEX && expr_wrong(expr->base)))
        return false;
    const Expr *base = expr->kind == EXPR_INDEX ? expr->base : expr;
    const char *names[CONTENTS];
    int count = 0;
    Content content = CONTENT_ERROR;
    for (int i = 0; i < CONTENTS; i++) {
        if (!CONTENT_ROWS[i].type)
            continue;
        names[count++] = CONTENT_ROWS[i].name;
        if (base->kind == EXPR_NAME && strcmp(base->name, CONTENT_ROWS[i].name) == 0)
            content = i;
    }
    if (content == CONTENT_ERROR) {
        Diagnostic *d = base->kind == EXPR_NAME ? diag(s->diagnostics, E0210, base->span, "there is no type `%s` for a modality", base->name)
                                                : diag(s->diagnostics, E0223, expr->span, "a modality's type is written as in `image[1, 28, 28]`");
        help_names(s, d, base->kind == EXPR_NAME ? base->name : NULL, names, count, "the types are");
        return false;
    }
    static const char *const FORMS[CONTENTS] = {
        [CONTENT_IMAGE] = "image[channels, height, width]", [CONTENT_VIDEO] = "video[frames, channels, height, width]",
        [CONTENT_FLOW] = "flow[channels, height, width]",   [CONTENT_FLOWCLIP] = "flowclip[frames, 2, height, width]",
        [CONTENT_SPECTROGRAM] = "spectrogram[channels, frequencies, frames]", [CONTENT_VECTOR] = "vector[size]",
        [CONTENT_TENSOR] = "tensor[…], with one to five sizes",
    };
    int sizes = 0, rank = CONTENT_ROWS[content].rank;
    for (const Arg *size = expr->kind == EXPR_INDEX ? expr->arguments : NULL; size; size = size->next)
        sizes++;
    if ((rank && sizes != rank) || sizes < 1 || sizes > 5) {
        diag(s->diagnostics, E0223, expr->span, "the type is written %s", FORMS[content]);
        return false;
    }
    *out = (Flow){.content = content, .shape = {.rank = sizes}};
    bool fine = true;
    int i = 0;
    for (const Arg *size = expr->arguments; size; size = size->next, i++) {
        Value *value = expr_wrong(size->value) ? NULL : value_of(s, &setting_scope, size->value, (Type){.kind = TYPE_INT});
        if (!value || value->type.kind == TYPE_ERROR || !value_fold_int(s, value, "a size of the modality's type", &out->shape.size[i])) {
            fine = false;
        } else if (out->shape.size[i] < 1 || out->shape.size[i] > 1000000000) {
            diag(s->diagnostics, E0223, size->value->span, "a size lies between 1 and 1,000,000,000, and this is %lld",
                 (long long)out->shape.size[i]);
            fine = false;
        }
    }
    if (fine && content == CONTENT_FLOWCLIP && out->shape.size[1] != 2) {
        diag(s->diagnostics, E0223, expr->span, "a flow has 2 channels, horizontal and vertical: flowclip[%lld, 2, %lld, %lld]",
             (long long)out->shape.size[0], (long long)out->shape.size[2], (long long)out->shape.size[3]);
        fine = false;
    }
    if (fine && shape_count(out->shape) > INT32_MAX) {
        diag(s->diagnostics, E0223, expr->span, "a sample of %s does not fit into memory", flow_text(s->arena, *out));
        fine = false;
    }
    return fine;
}
