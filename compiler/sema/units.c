#include <math.h>
#include "sema/values.h"
#include "syntax/parse.h"

/* One row a unit: its type, and what one of it is in the type's own measure
 * (seconds, hertz, epochs, steps, bytes, frames a second, a share of 1). */
static const struct { TypeKind type; double factor; } UNITS[] = {
    [UNIT_NONE]    = {TYPE_REAL,      1},
    [UNIT_HZ]      = {TYPE_FREQUENCY, 1},
    [UNIT_KHZ]     = {TYPE_FREQUENCY, 1000},
    [UNIT_S]       = {TYPE_TIME,      1},
    [UNIT_MS]      = {TYPE_TIME,      0.001},
    [UNIT_EPOCHS]  = {TYPE_EPOCHS,    1},
    [UNIT_STEPS]   = {TYPE_STEPS,     1},
    [UNIT_B]       = {TYPE_BYTES,     1},
    [UNIT_KIB]     = {TYPE_BYTES,     1024},
    [UNIT_MIB]     = {TYPE_BYTES,     1048576},
    [UNIT_GIB]     = {TYPE_BYTES,     1073741824},
    [UNIT_FPS]     = {TYPE_FPS,       1},
    [UNIT_PERCENT] = {TYPE_SHARE,     0.01},
};

/* amount of unit; whole: amount as an exact integer, used where the type is held as one. */
static Value *measured(Sema *s, double amount, bool is_whole, int64_t whole, Unit unit, Span span) {
    TypeKind type = UNITS[unit].type;
    /* 10 % is 10 / 100, correctly rounded; 10 * 0.01 would not be. */
    if (type_held(type) == HELD_REAL)
        return value_real(s, type, UNITS[unit].factor < 1 ? amount / round(1 / UNITS[unit].factor) : amount * UNITS[unit].factor, span);
    int64_t total;
    if (is_whole) {
        if (!__builtin_mul_overflow(whole, (int64_t)UNITS[unit].factor, &total))
            return value_integer(s, type, total, span);
    } else {
        double product = amount * UNITS[unit].factor;
        if (isfinite(product) && product == floor(product) && fabs(product) < 9e18)
            return value_integer(s, type, (int64_t)product, span);
    }
    diag(s->diagnostics, E0308, span, "%s are counted in whole numbers of at most 64 bits",
         type_text(s->arena, SCALAR(type)));
    return value_error(s, span);
}

Value *literal_value(Sema *s, const Expr *expr) {
    if (expr->kind == EXPR_BOOL)
        return value_integer(s, TYPE_BOOL, expr->integer != 0, expr->span);
    if (expr->kind == EXPR_INT && expr->unit == UNIT_NONE)
        return value_integer(s, TYPE_INT, expr->integer, expr->span);
    if (expr->kind == EXPR_INT)
        return measured(s, (double)expr->integer, true, expr->integer, expr->unit, expr->span);
    return measured(s, expr->real, false, 0, expr->unit, expr->span);
}

Value *literal_with_unit(Sema *s, Value *value, Unit unit) {
    if (unit == UNIT_NONE || value_wrong(value))
        return value;
    if (value->kind == VALUE_INTEGER && value->type.kind == TYPE_INT)
        return measured(s, (double)value->integer, true, value->integer, unit, value->span);
    if (value->kind == VALUE_REAL && value->type.kind == TYPE_REAL)
        return measured(s, value->real, false, 0, unit, value->span);
    diag(s->diagnostics, E0308, value->span, "a list with the unit `%s` holds plain numbers", unit_text(unit));
    return value_error(s, value->span);
}
