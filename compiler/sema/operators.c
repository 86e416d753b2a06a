#include "sema/values.h"
#include "syntax/parse.h"

/* What an arithmetic operator makes of two types: the type each operand is
 * brought to first, and that of the result. */
typedef struct { TypeKind left, right, result; bool ok; } Arithmetic;

static bool plain(TypeKind kind) {
    return kind == TYPE_INT || kind == TYPE_REAL;
}

static Arithmetic product_type(TypeKind a, TypeKind b) {
    if (plain(a) && plain(b)) {
        TypeKind both = a == TYPE_REAL || b == TYPE_REAL ? TYPE_REAL : TYPE_INT;
        return (Arithmetic){both, both, both, true};
    }
    if (type_unit(a) && plain(b)) {
        bool whole = type_held(a) == HELD_INT;
        return (Arithmetic){a, whole ? TYPE_INT : TYPE_REAL, a, !whole || b == TYPE_INT};
    }
    if (plain(a) && type_unit(b)) {
        bool whole = type_held(b) == HELD_INT;
        return (Arithmetic){whole ? TYPE_INT : TYPE_REAL, b, b, !whole || a == TYPE_INT};
    }
    return (Arithmetic){.ok = false};
}

static Arithmetic quotient_type(TypeKind a, TypeKind b) {
    if (plain(a) && plain(b))
        return (Arithmetic){TYPE_REAL, TYPE_REAL, TYPE_REAL, true};
    if (type_unit(b) && (a == b || (a == TYPE_INT && b == TYPE_EPOCHS)))
        return (Arithmetic){b, b, TYPE_REAL, true};
    if (type_unit(a) && plain(b) && type_held(a) == HELD_REAL)
        return (Arithmetic){a, TYPE_REAL, a, true};
    return (Arithmetic){.ok = false};
}

static Arithmetic whole_quotient_type(Op op, TypeKind a, TypeKind b) {
    if (a == TYPE_INT && b == TYPE_INT)
        return (Arithmetic){TYPE_INT, TYPE_INT, TYPE_INT, true};
    if (a == TYPE_EPOCHS && b == TYPE_INT)
        return (Arithmetic){TYPE_EPOCHS, TYPE_INT, TYPE_EPOCHS, true};
    if ((a == TYPE_EPOCHS || a == TYPE_INT) && b == TYPE_EPOCHS)
        return (Arithmetic){TYPE_EPOCHS, TYPE_EPOCHS, op == OP_INTDIV ? TYPE_INT : TYPE_EPOCHS, true};
    return (Arithmetic){.ok = false};
}

static Arithmetic arithmetic_type(Op op, TypeKind a, TypeKind b) {
    TypeKind both;
    switch (op) {
    case OP_ADD: case OP_SUB:
        if (type_unify(a, b, &both) && type_number(both))
            return (Arithmetic){both, both, both, true};
        return (Arithmetic){.ok = false};
    case OP_MUL: return product_type(a, b);
    case OP_DIV: return quotient_type(a, b);
    default:     return whole_quotient_type(op, a, b);
    }
}

static Value *as_real(Sema *s, Value *value) {
    if (type_held(value->type.kind) == HELD_REAL)
        return value;
    if (value->kind == VALUE_INTEGER)
        return value_real(s, TYPE_REAL, (double)value->integer, value->span);
    return value_with(s, VALUE_CONVERT, SCALAR(TYPE_REAL), value->span, 1, &value);
}

static Value *refuse(Sema *s, const Expr *expr, const Value *left, const Value *right) {
    Diagnostic *d = diag(s->diagnostics, E0302, expr->op_span, "`%s` doesn't go between %s and %s", op_text(expr->op),
                         type_article(s->arena, left->type), type_article(s->arena, right->type));
    if (expr->op == OP_DIV && type_held(left->type.kind) == HELD_INT && type_unit(left->type.kind) && plain(right->type.kind))
        diag_help(s->diagnostics, d, left->type.kind == TYPE_EPOCHS ? "`div` divides to whole epochs" : "%s are whole",
                  type_text(s->arena, left->type));
    return value_error(s, expr->span);
}

/* Both scalar. */
static Value *arithmetic(Sema *s, const Expr *expr, Value *left, Value *right) {
    Arithmetic types = arithmetic_type(expr->op, left->type.kind, right->type.kind);
    if (!types.ok)
        return refuse(s, expr, left, right);
    left  = value_convert(s, left, SCALAR(types.left));
    right = value_convert(s, right, SCALAR(types.right));
    if (type_held(types.result) == HELD_REAL) {
        left  = as_real(s, left);
        right = as_real(s, right);
    }
    return value_checked(s, value_binary(s, expr->op, SCALAR(types.result), expr->span, left, right));
}

static Value *lifted(Sema *s, const Expr *expr, Value *left, Value *right) {
    int modalities = modality_count(s);
    if (modalities == 0)                         /* reported: an experiment has at least one */
        return value_error(s, expr->span);
    Value **elements = NEW_ARRAY(s->arena, Value *, modalities);
    for (int m = 0; m < modalities; m++) {
        elements[m] = arithmetic(s, expr, value_share(s, left, m), value_share(s, right, m));
        if (value_wrong(elements[m]))
            return value_error(s, expr->span);
    }
    return value_with(s, VALUE_EACH, EACH(elements[0]->type.kind), expr->span, modalities, elements);
}

static Value *comparison(Sema *s, const Expr *expr, Value *left, Value *right) {
    bool equality = expr->op == OP_EQ || expr->op == OP_NE;
    TypeKind both;
    if (!type_unify(left->type.kind, right->type.kind, &both)
        || !(type_number(both) || (equality && (both == TYPE_BOOL || both == TYPE_MODALITY)))) {
        Diagnostic *d = diag(s->diagnostics, E0302, expr->op_span, "`%s` can't compare %s with %s", op_text(expr->op),
                             type_article(s->arena, left->type), type_article(s->arena, right->type));
        if (type_unit(left->type.kind) && plain(right->type.kind))
            diag_help(s->diagnostics, d, "a number takes its unit, as in `0.5 s`, `100 steps`, `10 %%`");
        return value_error(s, expr->span);
    }
    left  = value_convert(s, left, SCALAR(both));
    right = value_convert(s, right, SCALAR(both));
    return value_binary(s, expr->op, SCALAR(TYPE_BOOL), expr->span, left, right);
}

static bool needs_scalar(Sema *s, Value *value) {
    if (!value->type.each)
        return true;
    Diagnostic *d = diag(s->diagnostics, E0310, value->span, "this is %s, and one value is needed", type_article(s->arena, value->type));
    diag_help(s->diagnostics, d, "index it by a modality, or use sum, mean, max, min or count");
    return false;
}

Value *unary_value(Sema *s, const Expr *expr, Value *operand) {
    if (value_wrong(operand))
        return value_error(s, expr->span);
    if (type_tensor(operand->type.kind))
        return loss_unary(s, expr, operand);
    if (expr->op == OP_NOT) {
        operand = value_convert(s, operand, SCALAR(TYPE_BOOL));
        if (value_wrong(operand))
            return value_error(s, expr->span);
    } else if (!type_number(operand->type.kind)) {
        diag(s->diagnostics, E0302, expr->op_span, "`-` needs a number, and this is %s", type_article(s->arena, operand->type));
        return value_error(s, expr->span);
    }
    if (expr->op == OP_NEG && operand->kind == VALUE_INTEGER && operand->integer != INT64_MIN)
        return value_integer(s, operand->type.kind, -operand->integer, expr->span);
    if (expr->op == OP_NEG && operand->kind == VALUE_REAL)
        return value_real(s, operand->type.kind, -operand->real, expr->span);
    int count = operand->type.each ? modality_count(s) : 1;
    Value **results = NEW_ARRAY(s->arena, Value *, count);
    for (int m = 0; m < count; m++) {
        Value *share = value_share(s, operand, m);
        results[m] = value_with(s, VALUE_UNARY, type_element(operand->type), expr->span, 1, &share);
        results[m]->op = expr->op;
    }
    return operand->type.each ? value_with(s, VALUE_EACH, operand->type, expr->span, count, results) : results[0];
}

Value *binary_value(Sema *s, const Expr *expr, Value *left, Value *right) {
    if (value_wrong(left) || value_wrong(right))
        return value_error(s, expr->span);
    if (type_tensor(left->type.kind) || type_tensor(right->type.kind))
        return loss_binary(s, expr, left, right);
    switch (expr->op) {
    case OP_AND: case OP_OR:
        left  = value_convert(s, left, SCALAR(TYPE_BOOL));
        right = value_convert(s, right, SCALAR(TYPE_BOOL));
        if (value_wrong(left) || value_wrong(right))
            return value_error(s, expr->span);
        return value_binary(s, expr->op, SCALAR(TYPE_BOOL), expr->span, left, right);
    case OP_EQ: case OP_NE: case OP_LT: case OP_LE: case OP_GT: case OP_GE:
        if (!needs_scalar(s, left) || !needs_scalar(s, right))
            return value_error(s, expr->span);
        return comparison(s, expr, left, right);
    default:
        return left->type.each || right->type.each ? lifted(s, expr, left, right) : arithmetic(s, expr, left, right);
    }
}

/* A tensor's branch is chosen when the program is compiled. */
static Value *tensor_branch(Sema *s, Value *condition, Value *then, Value *otherwise, Span span) {
    if (!type_tensor(then->type.kind) || !type_tensor(otherwise->type.kind)) {
        diag(s->diagnostics, E0302, span, "one branch is %s and the other %s", type_article(s->arena, then->type),
             type_article(s->arena, otherwise->type));
        return value_error(s, span);
    }
    Value known;
    if (!value_fold(s, condition, "a condition that chooses between losses", &known))
        return value_error(s, span);
    return known.integer ? then : otherwise;
}

Value *if_value(Sema *s, const Scope *scope, const Expr *expr, Type expected) {
    Value *condition = value_of(s, scope, expr->base, SCALAR(TYPE_BOOL));
    Value *then      = value_of(s, scope, expr->right, expected);
    Value *otherwise = value_of(s, scope, expr->other, expected);
    if (value_wrong(condition) || value_wrong(then) || value_wrong(otherwise))
        return value_error(s, expr->span);
    if (type_tensor(then->type.kind) || type_tensor(otherwise->type.kind))
        return tensor_branch(s, condition, then, otherwise, expr->span);
    TypeKind both;
    if (!type_unify(then->type.kind, otherwise->type.kind, &both)) {
        diag(s->diagnostics, E0302, expr->span, "one branch is %s and the other %s", type_article(s->arena, then->type),
             type_article(s->arena, otherwise->type));
        return value_error(s, expr->span);
    }
    Type type = {.kind = both, .each = then->type.each || otherwise->type.each};
    then      = value_convert(s, then, type);
    otherwise = value_convert(s, otherwise, type);
    int count = type.each ? modality_count(s) : 1;
    Value **results = NEW_ARRAY(s->arena, Value *, count);
    for (int m = 0; m < count; m++)
        results[m] = value_with(s, VALUE_IF, SCALAR(both), expr->span, 3,
                                (Value *[]){condition, value_share(s, then, m), value_share(s, otherwise, m)});
    return type.each ? value_with(s, VALUE_EACH, type, expr->span, count, results) : results[0];
}
