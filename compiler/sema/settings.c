#include <math.h>
#include <string.h>
#include "sema/declarations.h"

const Scope setting_scope = {.place = PLACE_SETTING};

static const char *file_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

const char *place_line(Sema *s, Span span) {
    if (!span.source)
        return NULL;
    int line, column;
    source_position(span.source, span.begin, &line, &column);
    return arena_printf(s->arena, "%s:%d", file_name(span.source->path), line);
}

const char *place_column(Sema *s, Span span) {
    if (!span.source)
        return "";
    int line, column;
    source_position(span.source, span.begin, &line, &column);
    return arena_printf(s->arena, "%s:%d:%d", file_name(span.source->path), line, column);
}

Setting *setting_find(Sema *s, const char *path) { return (Setting *)program_setting(s->program, path); }

/* ---- Ranges ---- */

static void check_range(Sema *s, const Setting *setting, const Value *value) {
    double number;
    if (!value || value->type.kind == TYPE_WORD)
        return;
    if (value->kind == VALUE_INTEGER)
        number = (double)value->integer;
    else if (value->kind == VALUE_REAL)
        number = value->real;
    else
        return;
    if (number >= setting->low && number <= setting->high)
        return;
    const char *allowed = setting->high == HUGE_VAL ? arena_printf(s->arena, "at least %g", setting->low)
                        : setting->low == -HUGE_VAL ? arena_printf(s->arena, "at most %g", setting->high)
                                                    : arena_printf(s->arena, "from %g to %g", setting->low, setting->high);
    diag(s->diagnostics, E0231, value->span, "`%s` is %g, and must be %s", setting->path, number, allowed);
}

/* ---- Adding ---- */

/* --set PATH for a setting that is not bound through a row of arguments. */
static void apply_override(Sema *s, Setting *setting) {
    Given *given = override_for(s, setting->path);
    if (!given)
        return;
    const Expr *expr = given_expr(s, given, setting->type);
    setting->origin = given_origin(s, given);
    setting->span = expr->span;
    if (setting->type.each) {
        setting->value = value_of(s, &setting_scope, expr, setting->type);
        return;
    }
    ArgumentRow row = {setting->path, setting->type.kind, setting->flags & SETTING_LIST ? ARGUMENT_LIST : 0,
                       setting->words, NULL, setting->low, setting->high};
    Argument out = {0};
    if (argument_value(s, &row, "--set", expr, &out)) {
        setting->value = out.value;
        memcpy(&setting->list, &out.list, sizeof out.list);
    }
}

Value *setting_add(Sema *s, Setting setting) {
    if (!setting.span.source && setting.value)
        setting.span = setting.value->span;
    apply_override(s, &setting);
    return setting_add_settled(s, setting);
}

Value *setting_add_settled(Sema *s, Setting setting) {
    if (setting_find(s, setting.path))
        mml_ice("the setting %s is added twice", setting.path);
    if (setting.low == 0 && setting.high == 0) {
        setting.low = -HUGE_VAL;
        setting.high = HUGE_VAL;
    }
    if (!setting.origin) {
        const char *place = setting.span.source && setting.span.source->path[0] != '<' ? place_line(s, setting.span) : NULL;
        setting.origin = place ? place : "default";
    }
    check_range(s, &setting, setting.value);
    for (int i = 0; i < setting.list.count; i++)
        check_range(s, &setting, setting.list.items[i]);

    int modalities = modality_count(s);
    int words = setting.flags & SETTING_LIST ? 1 + setting.list.count
              : setting.type.each            ? (modalities > 0 ? modalities : 1)
                                             : 1;
    setting.slot = s->program->slot_count;
    s->program->slot_count += words;
    VECTOR_PUSH(s->arena, &s->program->settings, setting);

    return setting_value(s, &setting);
}

Value *setting_value(Sema *s, const Setting *setting) {
    Value *value = NEW(s->arena, Value);
    value->kind = VALUE_SETTING;
    value->type = setting->type;
    value->span = setting->span;
    value->number = setting->slot;
    return value;
}

void setting_add_choice(Sema *s, const char *path, const char *word, Span span, const char *origin) {
    Value *value = value_integer(s, TYPE_WORD, 0, span);
    setting_add_settled(s, (Setting){.path = path, .type = {.kind = TYPE_WORD}, .flags = SETTING_FIXED, .value = value,
                                     .words = word, .span = span, .origin = origin});
}

void settings_add_arguments(Sema *s, const char *prefix, const char *what, const ArgumentRow *rows, int count,
                            const Argument *arguments) {
    for (int i = 0; i < count; i++) {
        const ArgumentRow *row = &rows[i];
        const Argument *argument = &arguments[i];
        if (row->flags & ARGUMENT_RAW)
            continue;
        const char *path = arena_printf(s->arena, "%s.%s", prefix, row->name);
        bool list = row->flags & ARGUMENT_LIST;
        if (!argument->value && !(list && (argument->list.count > 0 || argument->raw))) {
            if (s->analysis->sets.count > 0)
                VECTOR_PUSH(s->arena, &s->analysis->paths, path);
            VECTOR_PUSH(s->arena, &s->program->unset, path);
            continue;
        }
        Setting setting = {.path = path, .type = {.kind = row->type}, .words = row->words, .low = row->low, .high = row->high};
        setting.flags = (row->flags & ARGUMENT_FIXED ? SETTING_FIXED : 0) | (list ? SETTING_LIST : 0);
        if (list)
            memcpy(&setting.list, &argument->list, sizeof argument->list);
        else
            setting.value = argument->value;
        if (argument->raw)
            setting.span = argument->raw->span;
        else
            setting.origin = arena_printf(s->arena, "default of %s", what);
        setting_add(s, setting);
    }
}

bool argument_value(Sema *s, const ArgumentRow *row, const char *what, const Expr *value, Argument *out) {
    if (expr_wrong(value))
        return false;
    /* The row's name may be a path, which no program can spell: bound under the path's last part. */
    ArgumentRow plain = *row;
    const char *dot = strrchr(row->name, '.');
    plain.name = dot ? dot + 1 : row->name;
    return arguments_bind(s, &setting_scope, expr_call_with(s, what, plain.name, value), what, &plain, 1, out);
}

bool arguments_of(Sema *s, const Expr *call, const char *what, const char *prefix,
                  const ArgumentRow *rows, int count, Argument *out) {
    if (!arguments_bind(s, &setting_scope, call, what, rows, count, out))
        return false;
    bool ok = true;
    for (int i = 0; i < count; i++) {
        Given *given = override_for(s, arena_printf(s->arena, "%s.%s", prefix, rows[i].name));
        if (!given)
            continue;
        const Expr *expr = given_expr(s, given, (Type){.kind = rows[i].flags & ARGUMENT_RAW ? TYPE_NONE : rows[i].type});
        if (rows[i].flags & ARGUMENT_RAW)
            out[i].raw = expr;
        else
            ok &= argument_value(s, &rows[i], what, expr, &out[i]);
    }
    return ok;
}
