#include <string.h>
#include "sema/declarations.h"

static void name_program(Sema *s, const char *path) {
    const char *slash = strrchr(path, '/');
    const char *file = slash ? slash + 1 : path;
    const char *dot = strrchr(file, '.');
    s->program->file = file;
    s->program->name = dot && dot > file ? arena_copy(s->arena, file, (size_t)(dot - file)) : file;
}

static void fusion_read(Sema *s) {
    int count = s->program->modalities.count;
    const Expr *expr = override_expr(s, "fusion", s->fusion ? s->fusion->value : NULL);
    if (expr_wrong(expr) || count == 0)
        return;
    Shape *features = NEW_ARRAY(s->arena, Shape, count);
    for (int i = 0; i < count; i++) {
        features[i] = (Shape){.rank = 1, .size = {s->program->modalities.items[i].width}};
        if (features[i].size[0] == 0)            /* that encoder's error is reported */
            return;
    }
    s->program->has_fusion = fusion_build(s, expr, features, count, &s->program->fusion, &s->program->fusion_kind);
}

Program *analyse(Arena *arena, Interner *interner, Diagnostics *diagnostics, const File *file, const AnalyseOptions *options) {
    Program *program = NEW(arena, Program);
    Analysis *analysis = NEW(arena, Analysis);
    Sema *s = NEW(arena, Sema);
    *s = (Sema){.arena = arena, .names = interner, .diagnostics = diagnostics, .program = program, .options = options,
                .analysis = analysis};
    analysis->file = file;
    analysis->broken_syntax = diag_errors(diagnostics) > 0;
    s->incomplete = analysis->broken_syntax;
    program->source = file->source;
    name_program(s, file->source->path);

    overrides_read(s);
    definitions_collect(s);
    params_read(s);
    data_read(s);
    target_read(s);
    modalities_read(s);
    fusion_read(s);
    train_read(s);
    definitions_check_unused(s);
    overrides_check(s);
    return diag_errors(diagnostics) > 0 ? NULL : program;
}
