#include <math.h>
#include <string.h>
#include "sema/arguments.h"
#include "syntax/parse.h"

/* ---- Which argument goes where ---- */

typedef struct { const char *name; bool required, named; } Slot;

static const char *names_list(Arena *arena, const Slot *places, int count) {
    const char *text = "";
    for (int i = 0; i < count; i++)
        text = arena_printf(arena, "%s%s`%s`", text, i ? ", " : "", places[i].name);
    return text;
}

static Diagnostic *unknown_argument(Sema *s, const Arg *argument, const char *what, const Slot *places, int count) {
    if (count == 0)
        return diag(s->diagnostics, E0320, argument->name_span, "%s takes no arguments", what);
    Diagnostic *d = diag(s->diagnostics, E0320, argument->name_span, "%s has no argument `%s`; it takes %s", what, argument->name,
                         names_list(s->arena, places, count));
    const char **names = NEW_ARRAY(s->arena, const char *, count);
    for (int i = 0; i < count; i++)
        names[i] = places[i].name;
    help_nearest(s, d, argument->name, names, count);
    return d;
}

/* Writes given[count]: the argument of each place, or NULL. */
static bool distribute(Sema *s, const Expr *call, const char *what, const Slot *places, int count, const Arg **given) {
    bool fine = true;
    int position = 0;
    bool named = false;
    const Arg *arguments = call && call->kind == EXPR_CALL ? call->arguments : NULL;
    for (const Arg *argument = arguments; argument; argument = argument->next) {
        int place = 0;
        if (argument->name) {
            named = true;
            while (place < count && strcmp(places[place].name, argument->name) != 0)
                place++;
            if (place == count) {
                unknown_argument(s, argument, what, places, count);
                fine = false;
                continue;
            }
        } else {
            if (named) {
                diag(s->diagnostics, E0324, argument->value->span, "an argument without a name stands behind one with a name");
                fine = false;
                continue;
            }
            place = position++;
            if (place >= count || places[place].named) {
                int positional = 0;
                while (positional < count && !places[positional].named)
                    positional++;
                if (positional == 0)
                    diag(s->diagnostics, E0323, argument->value->span, "%s takes no arguments%s", what, count ? " without a name" : "");
                else
                    diag(s->diagnostics, E0323, argument->value->span, "%s takes at most %d argument%s%s", what, positional,
                         positional == 1 ? "" : "s", positional < count ? " without a name" : "");
                return false;
            }
        }
        if (given[place]) {
            diag(s->diagnostics, E0321, argument->name ? argument->name_span : argument->value->span, "`%s` is given twice", places[place].name);
            fine = false;
            continue;
        }
        given[place] = argument;
    }
    for (int i = 0; i < count && fine; i++) {
        if (places[i].required && !given[i]) {
            diag(s->diagnostics, E0322, call ? call->span : (Span){0}, "%s needs `%s`", what, places[i].name);
            fine = false;
        }
    }
    return fine;
}

/* ---- Formals of definitions ---- */

int formal_count(const Formal *formals) {
    int count = 0;
    for (; formals; formals = formals->next)
        count++;
    return count;
}

bool formals_bind(Sema *s, const Expr *call, const char *what, const Formal *formals, BoundFormal *out) {
    int count = formal_count(formals);
    Slot *places = NEW_ARRAY(s->arena, Slot, count + 1);
    const Arg **given = NEW_ARRAY(s->arena, const Arg *, count + 1);
    int i = 0;
    for (const Formal *formal = formals; formal; formal = formal->next, i++)
        places[i] = (Slot){formal->name, !formal->value, false};
    bool fine = distribute(s, call, what, places, count, given);
    i = 0;
    for (const Formal *formal = formals; formal; formal = formal->next, i++)
        out[i] = (BoundFormal){formal, given[i] ? given[i]->value : NULL};
    return fine;
}

/* ---- Rows of built-in tables ---- */

static const Expr *fallback_expression(Sema *s, const ArgumentRow *row) {
    const Source *source = source_from_text(s->arena, "<default>", row->fallback, strlen(row->fallback));
    return parse_expression(s->arena, s->names, s->diagnostics, source);
}

static const char *bound_text(Arena *arena, double bound) {
    return arena_printf(arena, "%.15g", isnan(bound) ? (double)NAN : bound);
}

/* A value that is known now has to lie in the row's range. */
static bool in_range(Sema *s, const ArgumentRow *row, const Value *value) {
    Value known;
    if ((row->low == 0 && row->high == 0) || !type_number(value->type.kind) || !value_peek(s, value, &known))
        return true;
    double number = known.kind == VALUE_REAL ? known.real : (double)known.integer;
    if (number >= row->low && number <= row->high)
        return true;
    if (row->high == HUGE_VAL)
        diag(s->diagnostics, E0325, value->span, "`%s` is at least %s, not %s", row->name, bound_text(s->arena, row->low),
             bound_text(s->arena, number));
    else if (row->low == -HUGE_VAL)
        diag(s->diagnostics, E0325, value->span, "`%s` is at most %s, not %s", row->name, bound_text(s->arena, row->high),
             bound_text(s->arena, number));
    else
        diag(s->diagnostics, E0325, value->span, "`%s` lies between %s and %s, not %s", row->name, bound_text(s->arena, row->low),
             bound_text(s->arena, row->high), bound_text(s->arena, number));
    return false;
}

static bool is_word(Sema *s, const Expr *expr, const char *words) {
    if (expr->kind != EXPR_NAME)
        return false;
    const char *padded = arena_printf(s->arena, "|%s|", words);
    return strstr(padded, arena_printf(s->arena, "|%s|", expr->name)) != NULL;
}

/* Types one expression for a row; NULL after a report. */
static Value *row_value(Sema *s, const Scope *scope, const ArgumentRow *row, const Expr *expr, const char *what, Unit unit) {
    const char *argument = arena_printf(s->arena, "`%s` of %s", row->name, what);
    Value *value;
    if (row->type == TYPE_WORD || (row->words && is_word(s, expr, row->words)))
        value = word_of(s, expr, row->words, argument);
    else if (unit != UNIT_NONE)
        value = value_convert(s, literal_with_unit(s, value_of(s, scope, expr, SCALAR(TYPE_NONE)), unit), SCALAR(row->type));
    else
        value = value_of(s, scope, expr, SCALAR(row->type));
    if (value_wrong(value))
        return NULL;
    if (row->flags & ARGUMENT_FIXED && !scope_unused(scope)) {
        Value *known = NEW(s->arena, Value);
        if (!value_fold(s, value, argument, known))
            return NULL;
        value = known;
    }
    return in_range(s, row, value) ? value : NULL;
}

static bool list_values(Sema *s, const Scope *scope, const ArgumentRow *row, const Expr *expr, const char *what, Argument *out) {
    if (expr->kind != EXPR_LIST) {
        Value *value = row_value(s, scope, row, expr, what, UNIT_NONE);
        if (value)
            VECTOR_PUSH(s->arena, &out->list, value);
        return value;
    }
    bool fine = true;
    for (const Arg *item = expr->arguments; item; item = item->next) {
        if (item->name) {
            diag(s->diagnostics, E0320, item->name_span, "the items of a list have no names");
            fine = false;
            continue;
        }
        Value *value = row_value(s, scope, row, item->value, what, expr->unit);
        if (value)
            VECTOR_PUSH(s->arena, &out->list, value);
        fine &= value != NULL;
    }
    return fine;
}

bool arguments_bind(Sema *s, const Scope *scope, const Expr *call, const char *what,
                    const ArgumentRow *rows, int count, Argument *out) {
    memset(out, 0, sizeof *out * (size_t)count);
    if (call->kind == EXPR_ERROR)
        return false;
    if (call->kind != EXPR_NAME && !(call->kind == EXPR_CALL && call->base->kind == EXPR_NAME))
        mml_ice("arguments_bind needs a name or a call");
    Slot *places = NEW_ARRAY(s->arena, Slot, count + 1);
    const Arg **given = NEW_ARRAY(s->arena, const Arg *, count + 1);
    for (int i = 0; i < count; i++)
        places[i] = (Slot){rows[i].name, rows[i].flags & ARGUMENT_REQUIRED, rows[i].flags & ARGUMENT_NAMED};
    bool fine = distribute(s, call, what, places, count, given);
    for (int i = 0; i < count; i++) {
        const Expr *expr = given[i] ? given[i]->value : NULL;
        out[i].raw = expr;
        if (rows[i].flags & ARGUMENT_RAW)
            continue;
        if (!expr && rows[i].fallback)
            expr = fallback_expression(s, &rows[i]);
        if (!expr)
            continue;
        if (rows[i].flags & ARGUMENT_LIST)
            fine &= list_values(s, scope, &rows[i], expr, what, &out[i]);
        else
            fine &= (out[i].value = row_value(s, scope, &rows[i], expr, what, UNIT_NONE)) != NULL;
    }
    return fine;
}
