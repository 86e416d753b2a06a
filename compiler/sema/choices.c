#include <string.h>
#include "sema/declarations.h"

enum { CHOICE_ARGUMENTS = 16 };

const Choice *choice_add(Sema *s, const Expr *expr, const char *fallback, const char *path, const char *what,
                         const Choice *choices, int count, Argument *out) {
    Argument local[CHOICE_ARGUMENTS] = {0};
    if (!out)
        out = local;
    Given *given = override_for(s, path);
    const char *origin = NULL;
    if (given) {
        expr = given_expr(s, given, (Type){.kind = TYPE_NONE});
        origin = given_origin(s, given);
    } else if (!expr) {
        expr = expr_of_text(s, fallback);
        origin = "default";
    }
    if (expr_wrong(expr))
        return NULL;

    const Choice *choice = NULL;
    Name name = expr_callee(expr);
    const char **names = NEW_ARRAY(s->arena, const char *, count);
    for (int i = 0; i < count; i++) {
        names[i] = choices[i].name;
        if (name && strcmp(name, choices[i].name) == 0)
            choice = &choices[i];
    }
    if (!choice) {
        Diagnostic *d = name ? diag(s->diagnostics, E0228, expr_callee_span(expr), "there is no %s `%s`", what, name)
                             : diag(s->diagnostics, E0228, expr->span, "the %s is one of %s, by name", what,
                                    list_text(s, names, count, " and "));
        if (name)
            help_names(s, d, name, names, count, "it is one of");
        return NULL;
    }
    if (!arguments_of(s, expr, choice->name, path, choice->rows, choice->count, out))
        return NULL;
    setting_add_choice(s, path, choice->name, expr->span, origin);
    settings_add_arguments(s, path, choice->name, choice->rows, choice->count, out);
    return choice;
}

void choice_inherit(Sema *s, const char *from, const char *to) {
    size_t length = strlen(from);
    int count = s->program->settings.count;
    for (int i = 0; i < count; i++) {
        Setting setting = s->program->settings.items[i];        /* a copy: the vector moves as it grows */
        if (strncmp(setting.path, from, length) != 0 || (setting.path[length] != 0 && setting.path[length] != '.'))
            continue;
        if (!(setting.flags & SETTING_LIST))
            setting.value = setting_value(s, &setting);
        setting.origin = setting.path;
        setting.path = arena_printf(s->arena, "%s%s", to, setting.path + length);
        setting_add(s, setting);
    }
}
