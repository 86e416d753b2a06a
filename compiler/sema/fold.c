#include <math.h>
#include <string.h>
#include "sema/values.h"
#include "syntax/parse.h"

typedef enum {
    FOLD_DONE,
    FOLD_WRONG,           /* TYPE_ERROR inside: reported before           */
    FOLD_RUNNING,         /* reads what only a running program knows      */
    FOLD_REQUIRED,        /* reads a required param without -D            */
    FOLD_ARITHMETIC       /* division by zero, overflow                   */
} FoldResult;

typedef struct {
    Sema        *s;
    bool         settings;        /* read params' values                  */
    bool         fix;             /* and make them FIXED                  */
    const Value *at;              /* where it failed                      */
    const char  *why;             /* FOLD_ARITHMETIC; the param's path    */
    Value      **known;           /* by slot: each setting is folded once */
} Fold;

static FoldResult fold(Fold *f, const Value *value, Value *out);

static FoldResult fail(Fold *f, FoldResult result, const Value *at, const char *why) {
    f->at = at;
    f->why = why;
    return result;
}

static FoldResult done_integer(Value *out, int64_t integer) {
    out->kind = VALUE_INTEGER;
    out->integer = integer;
    return FOLD_DONE;
}

static FoldResult done_real(Value *out, double real) {
    out->kind = VALUE_REAL;
    out->real = real;
    return FOLD_DONE;
}

static Setting *setting_at(const Program *program, int slot) {
    for (int i = 0; i < program->settings.count; i++)
        if (program->settings.items[i].slot == slot && !(program->settings.items[i].flags & SETTING_LIST))
            return &program->settings.items[i];
    return NULL;
}

static FoldResult fold_setting(Fold *f, const Value *value, Value *out) {
    if (!f->settings || value->number < 0)       /* < 0: an argument of a definition checked on its own */
        return fail(f, FOLD_RUNNING, value, NULL);
    Setting *setting = setting_at(f->s->program, value->number);
    if (!setting)
        mml_ice("no setting has slot %d", value->number);
    if (!setting->value)
        return fail(f, FOLD_REQUIRED, value, setting->path);
    if (!f->known)
        f->known = NEW_ARRAY(f->s->arena, Value *, f->s->program->slot_count);
    Value **known = &f->known[value->number];
    if (!*known) {
        if (f->fix)
            setting->flags |= SETTING_FIXED;
        Value *folded = NEW(f->s->arena, Value);
        FoldResult result = fold(f, setting->value, folded);
        if (result != FOLD_DONE)
            return result;
        *known = folded;
    }
    *out = **known;
    out->type = value->type;
    out->span = value->span;
    return FOLD_DONE;
}

static FoldResult fold_each(Fold *f, const Value *value, Value *out) {
    Value **elements = NEW_ARRAY(f->s->arena, Value *, value->count);
    for (int i = 0; i < value->count; i++) {
        elements[i] = NEW(f->s->arena, Value);
        FoldResult result = fold(f, value->operands[i], elements[i]);
        if (result != FOLD_DONE)
            return result;
    }
    out->operands = elements;
    out->count = value->count;
    return FOLD_DONE;
}

static FoldResult fold_at(Fold *f, const Value *value, Value *out) {
    Value each, index;
    FoldResult result = fold(f, value->operands[1], &index);
    if (result == FOLD_DONE)
        result = fold(f, value->operands[0], &each);
    if (result != FOLD_DONE)
        return result;
    if (index.integer < 0 || index.integer >= each.count)
        return fail(f, FOLD_ARITHMETIC, value, "the index is out of range");
    *out = *each.operands[index.integer];
    out->span = value->span;
    return FOLD_DONE;
}

static FoldResult fold_join(Fold *f, const Value *value, Value *out) {
    const char *text = "";
    for (int i = 0; i < value->count; i++) {
        Value part;
        FoldResult result = fold(f, value->operands[i], &part);
        if (result != FOLD_DONE)
            return result;
        if (part.kind == VALUE_TEXT)
            text = arena_printf(f->s->arena, "%s%s", text, part.text);
        else if (part.kind == VALUE_INTEGER)
            text = arena_printf(f->s->arena, "%s%lld", text, (long long)part.integer);
        else
            text = arena_printf(f->s->arena, "%s%g", text, isnan(part.real) ? (double)NAN : part.real);
    }
    out->kind = VALUE_TEXT;
    out->text = text;
    return FOLD_DONE;
}

static FoldResult fold_unary(Fold *f, const Value *value, Value *out) {
    Value operand;
    FoldResult result = fold(f, value->operands[0], &operand);
    if (result != FOLD_DONE)
        return result;
    if (value->op == OP_NOT)
        return done_integer(out, !operand.integer);
    if (operand.kind == VALUE_REAL)
        return done_real(out, -operand.real);
    if (operand.integer == INT64_MIN)
        return fail(f, FOLD_ARITHMETIC, value, "the result is beyond 64 bits");
    return done_integer(out, -operand.integer);
}

/* div and mod round towards minus infinity, so that a mod b has the sign of b. */
static FoldResult fold_whole_division(Fold *f, const Value *value, int64_t a, int64_t b, Value *out) {
    if (b == 0)
        return fail(f, FOLD_ARITHMETIC, value, "this divides by zero");
    if (a == INT64_MIN && b == -1)
        return fail(f, FOLD_ARITHMETIC, value, "the result is beyond 64 bits");
    int64_t quotient = a / b, rest = a % b;
    bool below = rest != 0 && (rest < 0) != (b < 0);
    return done_integer(out, value->op == OP_INTDIV ? quotient - below : rest + (below ? b : 0));
}

static FoldResult fold_integers(Fold *f, const Value *value, int64_t a, int64_t b, Value *out) {
    int64_t result;
    bool over = false;
    switch (value->op) {
    case OP_ADD: over = __builtin_add_overflow(a, b, &result); break;
    case OP_SUB: over = __builtin_sub_overflow(a, b, &result); break;
    case OP_MUL: over = __builtin_mul_overflow(a, b, &result); break;
    case OP_INTDIV: case OP_MOD: return fold_whole_division(f, value, a, b, out);
    case OP_EQ: result = a == b; break;
    case OP_NE: result = a != b; break;
    case OP_LT: result = a <  b; break;
    case OP_LE: result = a <= b; break;
    case OP_GT: result = a >  b; break;
    case OP_GE: result = a >= b; break;
    default: mml_ice("operator %s on integers", op_text(value->op));
    }
    return over ? fail(f, FOLD_ARITHMETIC, value, "the result is beyond 64 bits") : done_integer(out, result);
}

static FoldResult fold_reals(const Value *value, double a, double b, Value *out) {
    switch (value->op) {
    case OP_ADD: return done_real(out, a + b);
    case OP_SUB: return done_real(out, a - b);
    case OP_MUL: return done_real(out, a * b);
    case OP_DIV: return done_real(out, a / b);
    case OP_EQ:  return done_integer(out, a == b);
    case OP_NE:  return done_integer(out, a != b);
    case OP_LT:  return done_integer(out, a <  b);
    case OP_LE:  return done_integer(out, a <= b);
    case OP_GT:  return done_integer(out, a >  b);
    case OP_GE:  return done_integer(out, a >= b);
    default: mml_ice("operator %s on reals", op_text(value->op));
    }
}

static FoldResult fold_binary(Fold *f, const Value *value, Value *out) {
    Value left, right;
    FoldResult result = fold(f, value->operands[0], &left);
    if (result != FOLD_DONE)
        return result;
    if (value->op == OP_AND || value->op == OP_OR) {
        if ((left.integer != 0) == (value->op == OP_OR))
            return done_integer(out, left.integer);
        result = fold(f, value->operands[1], &right);
        return result == FOLD_DONE ? done_integer(out, right.integer) : result;
    }
    result = fold(f, value->operands[1], &right);
    if (result != FOLD_DONE)
        return result;
    if (left.kind == VALUE_REAL)
        return fold_reals(value, left.real, right.real, out);
    return fold_integers(f, value, left.integer, right.integer, out);
}

static double number(const Value *value) {
    return value->kind == VALUE_REAL ? value->real : (double)value->integer;
}

/* Of several values: the place of the largest (sign 1) or smallest (-1); ties: the first. */
static int extreme(Value *const *operands, int count, int sign) {
    int best = 0;
    for (int i = 1; i < count; i++)
        if (sign * number(operands[i]) > sign * number(operands[best]))
            best = i;
    return best;
}

static FoldResult fold_total(Fold *f, const Value *value, Value *const *operands, int count, Value *out) {
    if (value->function == FN_COUNT) {
        int64_t yes = 0;
        for (int i = 0; i < count; i++)
            yes += operands[i]->integer != 0;
        return done_integer(out, yes);
    }
    if (operands[0]->kind == VALUE_INTEGER) {
        int64_t total = 0;
        for (int i = 0; i < count; i++)
            if (__builtin_add_overflow(total, operands[i]->integer, &total))
                return fail(f, FOLD_ARITHMETIC, value, "the result is beyond 64 bits");
        return done_integer(out, total);
    }
    double total = 0;
    for (int i = 0; i < count; i++)
        total += operands[i]->real;
    return done_real(out, value->function == FN_MEAN ? total / count : total);
}

static FoldResult fold_call(Fold *f, const Value *value, Value *out) {
    Value **operands = NEW_ARRAY(f->s->arena, Value *, value->count);
    for (int i = 0; i < value->count; i++) {
        operands[i] = NEW(f->s->arena, Value);
        FoldResult result = fold(f, value->operands[i], operands[i]);
        if (result != FOLD_DONE)
            return result;
    }
    int count = value->count;
    if (count == 1 && operands[0]->kind == VALUE_EACH) {
        count = operands[0]->count;
        operands = operands[0]->operands;
    }
    double x = number(operands[0]);
    switch (value->function) {
    case FN_MAX: case FN_MIN: {
        const Value *best = operands[extreme(operands, count, value->function == FN_MAX ? 1 : -1)];
        return best->kind == VALUE_REAL ? done_real(out, best->real) : done_integer(out, best->integer);
    }
    case FN_ARGMAX: return done_integer(out, extreme(operands, count, 1));
    case FN_ARGMIN: return done_integer(out, extreme(operands, count, -1));
    case FN_SUM: case FN_MEAN: case FN_COUNT: return fold_total(f, value, operands, count, out);
    case FN_OTHER:  return done_integer(out, 1 - operands[0]->integer);
    case FN_ABS:
        if (operands[0]->kind == VALUE_REAL)
            return done_real(out, fabs(x));
        if (operands[0]->integer == INT64_MIN)
            return fail(f, FOLD_ARITHMETIC, value, "the result is beyond 64 bits");
        return done_integer(out, operands[0]->integer < 0 ? -operands[0]->integer : operands[0]->integer);
    case FN_CLAMP: {
        const Value *low = operands[extreme(operands, 2, 1)];
        const Value *both = number(low) < number(operands[2]) ? low : operands[2];
        return both->kind == VALUE_REAL ? done_real(out, both->real) : done_integer(out, both->integer);
    }
    case FN_LOG:  return done_real(out, log(x));
    case FN_LOG2: return done_real(out, log2(x));
    case FN_EXP:  return done_real(out, exp(x));
    case FN_POW:  return done_real(out, pow(x, operands[1]->real));
    case FN_SQRT: return done_real(out, sqrt(x));
    case FN_TANH: return done_real(out, tanh(x));
    default:      return fail(f, FOLD_RUNNING, value, NULL);
    }
}

static FoldResult fold(Fold *f, const Value *value, Value *out) {
    *out = (Value){.kind = value->kind, .type = value->type, .span = value->span};
    if (value->type.kind == TYPE_ERROR)
        return fail(f, FOLD_WRONG, value, NULL);
    switch (value->kind) {
    case VALUE_INTEGER: return done_integer(out, value->integer);
    case VALUE_REAL:    return done_real(out, value->real);
    case VALUE_TEXT:    out->text = value->text; return FOLD_DONE;
    case VALUE_SETTING: return fold_setting(f, value, out);
    case VALUE_EACH:    return fold_each(f, value, out);
    case VALUE_AT:      return fold_at(f, value, out);
    case VALUE_JOIN:    return fold_join(f, value, out);
    case VALUE_UNARY:   return fold_unary(f, value, out);
    case VALUE_BINARY:  return fold_binary(f, value, out);
    case VALUE_CALL:    return fold_call(f, value, out);
    case VALUE_CONVERT: {
        FoldResult result = fold(f, value->operands[0], out);
        out->type = value->type;
        return result == FOLD_DONE ? done_real(out, (double)out->integer) : result;
    }
    case VALUE_IF: {
        Value condition;
        FoldResult result = fold(f, value->operands[0], &condition);
        return result == FOLD_DONE ? fold(f, value->operands[condition.integer ? 1 : 2], out) : result;
    }
    default:
        return fail(f, FOLD_RUNNING, value, NULL);
    }
}

/* A text of Value's own type stands for the folded one. */
static bool fold_to(Fold *f, const Value *value, Value *out, FoldResult *result) {
    Value folded;
    *result = fold(f, value, &folded);
    if (*result != FOLD_DONE)
        return false;
    folded.type = value->type;
    folded.span = value->span;
    *out = folded;
    return true;
}

bool value_peek(Sema *s, const Value *value, Value *out) {
    Fold f = {.s = s, .settings = true};
    FoldResult result;
    return fold_to(&f, value, out, &result);
}

Value *value_checked(Sema *s, Value *value) {
    Fold f = {.s = s};
    Value out;
    FoldResult result;
    if (fold_to(&f, value, &out, &result) || result != FOLD_ARITHMETIC)
        return value;
    diag(s->diagnostics, E0306, f.at->span, "%s", f.why);
    return value_error(s, value->span);
}

bool value_fold(Sema *s, Value *value, const char *what, Value *out) {
    Fold f = {.s = s, .settings = true, .fix = true};
    FoldResult result;
    if (fold_to(&f, value, out, &result))
        return true;
    Diagnostic *d;
    switch (result) {
    case FOLD_REQUIRED:
        d = diag(s->diagnostics, E0307, value->span, "%s must be known to the compiler, and `%s` has no value", what, f.why);
        diag_help(s->diagnostics, d, "give it with `mmlc -D %s=VALUE`, or give the param a default", f.why);
        break;
    case FOLD_RUNNING:
        diag(s->diagnostics, E0307, f.at->span, "%s must be known to the compiler, and this is known in a running program only", what);
        break;
    case FOLD_ARITHMETIC:
        diag(s->diagnostics, E0306, f.at->span, "%s", f.why);
        break;
    default:
        break;
    }
    return false;
}

bool value_fold_int(Sema *s, Value *value, const char *what, int64_t *out) {
    Value folded;
    if (!value_fold(s, value, what, &folded))
        return false;
    if (folded.kind != VALUE_INTEGER) {
        diag(s->diagnostics, E0301, value->span, "%s is %s, and a whole number is needed", what, type_article(s->arena, value->type));
        return false;
    }
    *out = folded.integer;
    return true;
}

bool value_reads_run(const Value *value) {
    switch (value->kind) {
    case VALUE_LOCAL: case VALUE_STATE: case VALUE_FIELD: case VALUE_ACTIVE: case VALUE_TRAINED:
        return true;
    default:
        for (int i = 0; i < value->count; i++)
            if (value_reads_run(value->operands[i]))
                return true;
        return false;
    }
}
