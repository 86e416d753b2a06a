#include <string.h>
#include "sema/values.h"

typedef enum {
    FORM_EXTREME,      /* two or more alike, or one each value -> alike   */
    FORM_SAME,         /* numbers alike -> the same type                  */
    FORM_REAL,         /* reals -> real                                   */
    FORM_ARGUMENT,     /* each value -> modality                          */
    FORM_SUM,          /* each value -> its element                       */
    FORM_MEAN,         /* each value -> real, or its real-held unit       */
    FORM_COUNT,        /* each bool, or `modalities` -> int               */
    FORM_OTHER,        /* modality -> modality                            */
    FORM_FIRST,        /* each value -> its first                         */
    FORM_EACH          /* each(audio = 5, visual = 100)                   */
} Form;

/* `first` and `each` make no call: their function is not read. */
static const struct { const char *name; Function function; Form form; int least, most; } FUNCTIONS[] = {
    {"max",    FN_MAX,    FORM_EXTREME,  1, 64},
    {"min",    FN_MIN,    FORM_EXTREME,  1, 64},
    {"abs",    FN_ABS,    FORM_SAME,     1, 1},
    {"log",    FN_LOG,    FORM_REAL,     1, 1},
    {"log2",   FN_LOG2,   FORM_REAL,     1, 1},
    {"exp",    FN_EXP,    FORM_REAL,     1, 1},
    {"pow",    FN_POW,    FORM_REAL,     2, 2},
    {"sqrt",   FN_SQRT,   FORM_REAL,     1, 1},
    {"tanh",   FN_TANH,   FORM_REAL,     1, 1},
    {"clamp",  FN_CLAMP,  FORM_SAME,     3, 3},
    {"argmax", FN_ARGMAX, FORM_ARGUMENT, 1, 1},
    {"argmin", FN_ARGMIN, FORM_ARGUMENT, 1, 1},
    {"sum",    FN_SUM,    FORM_SUM,      1, 1},
    {"mean",   FN_MEAN,   FORM_MEAN,     1, 1},
    {"count",  FN_COUNT,  FORM_COUNT,    1, 1},
    {"other",  FN_OTHER,  FORM_OTHER,    1, 1},
    {"first",  FN_COUNT,  FORM_FIRST,    1, 1},
    {"each",   FN_COUNT,  FORM_EACH,     1, 64},
};
#define FUNCTION_COUNT (int)(sizeof FUNCTIONS / sizeof *FUNCTIONS)

int function_names(const char **names, int capacity) {
    int count = 0;
    for (; count < FUNCTION_COUNT && count < capacity; count++)
        names[count] = FUNCTIONS[count].name;
    return count;
}

static Value *wrong_operand(Sema *s, const char *function, const Value *value, const char *needed) {
    diag(s->diagnostics, E0305, value->span, "`%s` needs %s, and this is %s", function, needed, type_article(s->arena, value->type));
    return value_error(s, value->span);
}

/* Brings numbers to their common type; false after a report. */
static bool alike(Sema *s, const char *function, Span span, int count, Value **operands, TypeKind *kind) {
    *kind = operands[0]->type.kind;
    for (int i = 0; i < count; i++) {
        if (operands[i]->type.each || !type_number(operands[i]->type.kind)) {
            wrong_operand(s, function, operands[i], "numbers");
            return false;
        }
        if (!type_unify(*kind, operands[i]->type.kind, kind)) {
            diag(s->diagnostics, E0302, span, "`%s` can't take %s and %s together", function,
                 type_article(s->arena, SCALAR(*kind)), type_article(s->arena, operands[i]->type));
            return false;
        }
    }
    for (int i = 0; i < count; i++)
        operands[i] = value_convert(s, operands[i], SCALAR(*kind));
    return true;
}

static Value *mean_value(Sema *s, const Expr *expr, Value *each) {
    TypeKind kind = each->type.kind;
    if (kind == TYPE_INT)
        each = value_convert(s, each, EACH(TYPE_REAL));
    else if (type_held(kind) != HELD_REAL)
        return wrong_operand(s, "mean", each, "reals");
    return value_call(s, FN_MEAN, type_element(each->type), expr->span, 1, &each);
}

static Value *count_value(Sema *s, const Scope *scope, const Expr *expr, Value *each) {
    if (!each->type.each || (each->type.kind != TYPE_BOOL && each->type.kind != TYPE_MODALITY))
        return wrong_operand(s, "count", each, "`modalities`, or a bool for each of them");
    if (each->type.kind != TYPE_MODALITY)
        return value_call(s, FN_COUNT, SCALAR(TYPE_INT), expr->span, 1, &each);
    if (scope_unused(scope))
        return value_error(s, expr->span);
    return value_integer(s, TYPE_INT, modality_count(s), expr->span);
}

static Value *other_value(Sema *s, const Scope *scope, const Expr *expr, Value *modality) {
    modality = value_convert(s, modality, SCALAR(TYPE_MODALITY));
    if (value_wrong(modality))
        return modality;
    if (modality_count(s) != 2) {
        if (!scope_unused(scope))
            diag(s->diagnostics, E0318, expr->span, "`other` needs two modalities, and this experiment has %d", modality_count(s));
        return value_error(s, expr->span);
    }
    if (modality->kind == VALUE_INTEGER)
        return value_integer(s, TYPE_MODALITY, 1 - modality->integer, expr->span);
    return value_call(s, FN_OTHER, SCALAR(TYPE_MODALITY), expr->span, 1, &modality);
}

static Value *apply(Sema *s, const Scope *scope, int row, const Expr *expr, int count, Value **operands) {
    Function function = FUNCTIONS[row].function;
    const char *name = FUNCTIONS[row].name;
    TypeKind kind = operands[0]->type.kind;
    bool each = operands[0]->type.each;
    switch (FUNCTIONS[row].form) {
    case FORM_EXTREME:
        if (count == 1 && each && type_number(kind))
            return value_call(s, function, SCALAR(kind), expr->span, 1, operands);
        if (count == 1)
            return wrong_operand(s, name, operands[0], "two numbers, or a number for each modality");
        if (!alike(s, name, expr->span, count, operands, &kind))
            return value_error(s, expr->span);
        return value_call(s, function, SCALAR(kind), expr->span, count, operands);
    case FORM_SAME:
        if (!alike(s, name, expr->span, count, operands, &kind))
            return value_error(s, expr->span);
        return value_call(s, function, SCALAR(kind), expr->span, count, operands);
    case FORM_REAL:
        for (int i = 0; i < count; i++) {
            operands[i] = value_convert(s, operands[i], SCALAR(TYPE_REAL));
            if (value_wrong(operands[i]))
                return value_error(s, expr->span);
        }
        return value_call(s, function, SCALAR(TYPE_REAL), expr->span, count, operands);
    case FORM_ARGUMENT:
        if (!each || !type_number(kind))
            return wrong_operand(s, name, operands[0], "a number for each modality");
        return value_call(s, function, SCALAR(TYPE_MODALITY), expr->span, 1, operands);
    case FORM_SUM:
        if (!each || !type_number(kind))
            return wrong_operand(s, name, operands[0], "a number for each modality");
        return value_call(s, function, SCALAR(kind), expr->span, 1, operands);
    case FORM_MEAN:
        if (!each || !type_number(kind))
            return wrong_operand(s, name, operands[0], "a number for each modality");
        return mean_value(s, expr, operands[0]);
    case FORM_COUNT: return count_value(s, scope, expr, operands[0]);
    case FORM_OTHER: return other_value(s, scope, expr, operands[0]);
    case FORM_FIRST:
        if (!each)
            return wrong_operand(s, name, operands[0], "`modalities`, or a value for each of them");
        return value_share(s, operands[0], 0);
    case FORM_EACH: break;
    }
    mml_ice("function form");
}

/* each(audio = 5, visual = 100): every modality once. */
static Value *each_by_name(Sema *s, const Scope *scope, const Expr *expr, Type expected) {
    int modalities = modality_count(s);
    Value **elements = NEW_ARRAY(s->arena, Value *, modalities);
    bool wrong = false;
    TypeKind kind = TYPE_ERROR;
    for (const Arg *argument = expr->arguments; argument; argument = argument->next) {
        Value *value = value_of(s, scope, argument->value, type_element(expected));
        wrong |= value_wrong(value);
        int m = argument->name ? find_modality(s, argument->name) : -1;
        if (m < 0 || elements[m]) {
            const char **names = NEW_ARRAY(s->arena, const char *, modalities + 1);
            for (int i = 0; i < modalities; i++)
                names[i] = s->modalities.items[i]->name;
            Diagnostic *d = !argument->name
                ? diag(s->diagnostics, E0309, argument->value->span, "`each` takes its values by the modalities' names, as in `each(%s = …)`",
                       modalities ? s->modalities.items[0]->name : "audio")
                : diag(s->diagnostics, E0309, argument->name_span, m < 0 ? "there is no modality `%s`" : "modality `%s` is given twice", argument->name);
            if (argument->name && m < 0)
                help_nearest(s, d, argument->name, names, modalities);
            wrong = true;
            continue;
        }
        if (!value_wrong(value) && value->type.each) {
            diag(s->diagnostics, E0310, value->span, "this is %s, and one value is needed", type_article(s->arena, value->type));
            wrong = true;
        } else if (!type_unify(kind, value->type.kind, &kind)) {
            diag(s->diagnostics, E0302, value->span, "this is %s, and the values before are %s", type_article(s->arena, value->type),
                 type_text(s->arena, SCALAR(kind)));
            wrong = true;
        }
        elements[m] = value;
    }
    for (int m = 0; m < modalities && !wrong; m++) {
        if (!elements[m]) {
            diag(s->diagnostics, E0309, expr->span, "`each` gives no value for modality `%s`", s->modalities.items[m]->name);
            wrong = true;
        }
    }
    if (wrong || modalities == 0)
        return value_error(s, expr->span);
    for (int m = 0; m < modalities; m++)
        elements[m] = value_convert(s, elements[m], SCALAR(kind));
    return value_with(s, VALUE_EACH, EACH(kind), expr->span, modalities, elements);
}

static int find_function(const char *name) {
    for (int i = 0; i < FUNCTION_COUNT; i++)
        if (strcmp(FUNCTIONS[i].name, name) == 0)
            return i;
    return -1;
}

static Value *unknown_function(Sema *s, const Expr *expr) {
    Name name = expr->base->name;
    Diagnostic *d = diag(s->diagnostics, E0304, expr->base->span, "there is no function `%s` in values", name);
    if (find_encoder(s, name) || find_policy(s, name) || find_method(s, name))
        diag_help(s->diagnostics, d, "`%s` is the name of an encoder, a policy or a method", name);
    else {
        const char *names[FUNCTION_COUNT];
        help_nearest(s, d, name, names, function_names(names, FUNCTION_COUNT));
    }
    return value_error(s, expr->span);
}

/* Every argument typed, so that mistakes in them come out too. */
static int type_arguments(Sema *s, const Scope *scope, const Expr *expr, Value ***operands, bool *wrong) {
    int count = 0;
    for (const Arg *argument = expr->arguments; argument; argument = argument->next)
        count++;
    *operands = NEW_ARRAY(s->arena, Value *, count + 1);
    count = 0;
    for (const Arg *argument = expr->arguments; argument; argument = argument->next) {
        const Expr *value = argument->value;
        if (argument->name) {
            diag(s->diagnostics, E0305, argument->name_span, "the arguments of a function have no names");
            *wrong = true;
        }
        (*operands)[count] = value->kind == EXPR_EACH
            ? value_comprehension(s, scope, value->name, value->name_span, value->right, value->base, SCALAR(TYPE_NONE), value->span)
            : value_of(s, scope, value, SCALAR(TYPE_NONE));
        *wrong |= value_wrong((*operands)[count++]);
    }
    return count;
}

Value *function_value(Sema *s, const Scope *scope, const Expr *expr, Type expected) {
    if (expr->base->kind != EXPR_NAME) {
        if (expr->base->kind != EXPR_ERROR)
            diag(s->diagnostics, E0304, expr->base->span, "only a function's name can be called");
        return value_error(s, expr->span);
    }
    if (scope_place(scope) == PLACE_LOSS) {
        Value *tensor = loss_function(s, scope, expr);
        if (tensor)
            return tensor;
    }
    int row = find_function(expr->base->name);
    if (row < 0) {
        bool wrong = false;
        Value **operands;
        unknown_function(s, expr);
        type_arguments(s, scope, expr, &operands, &wrong);
        return value_error(s, expr->span);
    }
    if (FUNCTIONS[row].form == FORM_EACH && expr->arguments) {
        const Expr *only = expr->arguments->value;
        if (!expr->arguments->next && only->kind == EXPR_EACH)
            return value_comprehension(s, scope, only->name, only->name_span, only->right, only->base, expected, expr->span);
        return each_by_name(s, scope, expr, expected);
    }
    bool wrong = false;
    Value **operands;
    int count = type_arguments(s, scope, expr, &operands, &wrong);
    for (const Arg *argument = expr->arguments; argument; argument = argument->next)
        if (argument->name)
            return value_error(s, expr->span);
    if (count < FUNCTIONS[row].least || count > FUNCTIONS[row].most) {
        diag(s->diagnostics, E0305, expr->span, "`%s` takes %d argument%s%s, not %d", FUNCTIONS[row].name, FUNCTIONS[row].least,
             FUNCTIONS[row].least == 1 ? "" : "s", FUNCTIONS[row].most > FUNCTIONS[row].least ? " or more" : "", count);
        return value_error(s, expr->span);
    }
    if (wrong)
        return value_error(s, expr->span);
    for (int i = 0; i < count; i++)
        if (type_tensor(operands[i]->type.kind))
            return loss_function_of(s, FUNCTIONS[row].function, expr, count, operands);
    return apply(s, scope, row, expr, count, operands);
}
