#include <string.h>
#include "sema/declarations.h"

/* class[K]; 0 after a report. */
static int64_t read_classes(Sema *s, const Decl *decl, const Expr *type) {
    if (!type) {
        if (!s->analysis->broken_syntax)
            diag(s->diagnostics, E0224, decl->name_span, "the target has no type; it is written behind a colon, as in `class[10]`");
        return 0;
    }
    if (expr_wrong(type))
        return 0;
    const Arg *size = type->kind == EXPR_INDEX ? type->arguments : NULL;
    bool named = type->kind == EXPR_INDEX && type->base && type->base->kind == EXPR_NAME && strcmp(type->base->name, "class") == 0;
    if (!named || !size || size->next || size->name) {
        diag(s->diagnostics, E0224, type->span, "a target's type is `class[K]`, with the number of classes K");
        return 0;
    }
    if (expr_wrong(size->value))
        return 0;
    int64_t classes;
    Value *value = value_of(s, &setting_scope, size->value, (Type){.kind = TYPE_INT});
    if (value->type.kind == TYPE_ERROR || !value_fold_int(s, value, "the number of classes", &classes))
        return 0;
    if (classes < 2 || classes > 1000000) {
        diag(s->diagnostics, E0224, size->value->span, "a target has 2 to 1,000,000 classes, not %lld", (long long)classes);
        return 0;
    }
    return classes;
}

void target_read(Sema *s) {
    const Decl *decl = s->target;
    s->program->target.classes = 2;           /* stands in after an error, so that heads are checked all the same */
    if (!decl)
        return;
    const Expr *type = override_expr(s, "target.type", decl->type);
    int64_t classes = read_classes(s, decl, type);
    if (classes)
        s->program->target.classes = classes;
    s->program->target.name = decl->name;
    s->program->target.where = place_line(s, decl->span);
    const Expr *value = override_expr(s, "target", decl->value);
    Field field;
    if (!value && !s->analysis->broken_syntax)
        diag(s->diagnostics, E0218, decl->name_span, "the target names no field of the data, as in `= digits.label`");
    if (expr_wrong(value) || !data_field(s, value, &s->program->target.source, &field))
        return;
    s->program->target.field = field.name;
    if (field.content != CONTENT_LABEL && field.content != CONTENT_ARRAY && field.content != CONTENT_ERROR)
        diag(s->diagnostics, E0225, value->span, "a target is a label, and `%s` is %s", field.name, content_article(field.content));
}
