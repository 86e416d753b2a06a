#include <string.h>
#include "sema/declarations.h"

/* By `kind = …`, or by the name. False after a report. */
static bool stage_kind(Sema *s, const Decl *decl, const char *path, StageKind *kind) {
    bool named_unimodal = strcmp(decl->name, "unimodal") == 0, named_joint = strcmp(decl->name, "joint") == 0;
    const Expr *expr = property_of(s, decl->properties, path, "kind");
    if (expr && expr_wrong(expr))
        return false;
    if (!expr && !named_unimodal && !named_joint) {
        Diagnostic *d = diag(s->diagnostics, E0226, decl->name_span, "stage `%s` does not say its kind", decl->name);
        diag_help(s->diagnostics, d, "add `kind = unimodal` or `kind = joint`");
        return false;
    }
    if (!expr) {
        *kind = named_joint ? STAGE_JOINT : STAGE_UNIMODAL;
        return true;
    }
    Value *word = word_of(s, expr, "unimodal|joint", "`kind`");
    if (word->type.kind == TYPE_ERROR)
        return false;
    *kind = word->integer ? STAGE_JOINT : STAGE_UNIMODAL;
    if ((named_unimodal && *kind == STAGE_JOINT) || (named_joint && *kind == STAGE_UNIMODAL)) {
        diag(s->diagnostics, E0226, expr->span, "stage `%s` can't be %s", decl->name, *kind == STAGE_JOINT ? "joint" : "unimodal");
        return false;
    }
    return true;
}

static void check_fusion(Sema *s, const Decl *decl) {
    if (s->fusion || s->analysis->broken_syntax || override_for(s, "fusion"))
        return;
    Diagnostic *d = diag(s->diagnostics, E0205, decl->name_span, "stage `%s` is joint, and the experiment has no fusion", decl->name);
    diag_help(s->diagnostics, d, "add `fusion = concat -> linear(classes)`");
}

static void read_stage(Sema *s, const Decl *decl) {
    Block block = {.s = s, .decl = decl, .path = arena_printf(s->arena, "train.%s", decl->name)};
    StageKind kind = STAGE_JOINT;
    bool known = stage_kind(s, decl, block.path, &kind);
    block.place = !known ? IN_STAGE : kind == STAGE_JOINT ? IN_JOINT : IN_UNIMODAL;
    block.stage = (Stage){.name = decl->name, .path = block.path, .kind = kind, .span = decl->span};
    if (known && kind == STAGE_JOINT)
        check_fusion(s, decl);
    block_read(&block);
    VECTOR_PUSH(s->arena, &s->program->stages, block.stage);
}

/* The first of a name is kept. */
static bool check_stage_name(Sema *s, const Decl *stage) {
    if (is_train_property(stage->name)) {
        diag(s->diagnostics, E0202, stage->name_span, "a stage can't be called `%s`: that is a property of `train`", stage->name);
        return false;
    }
    for (const Decl *earlier = s->train->stages; earlier != stage; earlier = earlier->next) {
        if (earlier->name == stage->name) {
            Diagnostic *d = diag(s->diagnostics, E0201, stage->name_span, "stage `%s` is there twice", stage->name);
            diag_note(s->diagnostics, d, earlier->name_span, "first here");
            return false;
        }
    }
    return true;
}

void train_read(Sema *s) {
    if (!s->train)
        return;
    Block block = {.s = s, .decl = s->train, .path = "train", .place = IN_TRAIN};
    block_read(&block);
    bool any = false;
    for (const Decl *stage = s->train->stages; stage; stage = stage->next) {
        any = true;
        if (stage->kind == DECL_STAGE && stage->name && check_stage_name(s, stage))
            read_stage(s, stage);
    }
    if (!any && !s->analysis->broken_syntax) {
        Diagnostic *d = diag(s->diagnostics, E0205, s->train->name_span.source ? s->train->name_span : s->train->span, "`train` has no stage");
        diag_help(s->diagnostics, d, "add `stage joint { epochs = 10 }`");
    }
}
