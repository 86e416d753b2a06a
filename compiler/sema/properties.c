#include <string.h>
#include "sema/declarations.h"

bool properties_check(Sema *s, const Property *properties, const char *block, const char *const *valid, int count) {
    bool all_known = true;
    for (const Property *property = properties; property; property = property->next) {
        if (!property->name)
            continue;
        bool known = false;
        for (int i = 0; i < count; i++)
            known |= strcmp(property->name, valid[i]) == 0;
        if (!known) {
            Diagnostic *d = diag(s->diagnostics, E0206, property->name_span, "%s has no property `%s`", block, property->name);
            help_names(s, d, property->name, valid, count, "its properties are");
            all_known = false;
            continue;
        }
        for (const Property *earlier = properties; earlier != property; earlier = earlier->next) {
            if (earlier->name == property->name) {
                Diagnostic *d = diag(s->diagnostics, E0207, property->name_span, "`%s` is given twice", property->name);
                diag_note(s->diagnostics, d, earlier->name_span, "first here");
                break;
            }
        }
    }
    return all_known;
}

const Expr *property_find(Sema *s, const Property *properties, const char *name) {
    for (const Property *property = properties; property; property = property->next)
        if (property->name && strcmp(property->name, name) == 0)
            return property->value ? property->value : expr_new(s, EXPR_ERROR, property->span);
    return NULL;
}

const Expr *property_of(Sema *s, const Property *properties, const char *prefix, const char *name) {
    return override_expr(s, arena_printf(s->arena, "%s.%s", prefix, name), property_find(s, properties, name));
}
