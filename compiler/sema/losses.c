#include <string.h>
#include "sema/values.h"
#include "syntax/parse.h"

static Value *refuse(Sema *s, Span span, const char *text) {
    diag(s->diagnostics, E0371, span, "%s", text);
    return value_error(s, span);
}

static Type tensor_type(TypeKind kind, int64_t width) {
    return (Type){.kind = kind, .width = width};
}

/* ---- joint, label, head[m], split[m], feature[m] ---- */

Value *loss_name(Sema *s, const Scope *scope, const Expr *expr) {
    if (is_name(expr, "joint"))
        return value_new(s, VALUE_JOINT, tensor_type(TYPE_LOGITS, s->program->target.classes), expr->span);
    if (is_name(expr, "label"))
        return value_new(s, VALUE_LABEL, SCALAR(TYPE_LABEL), expr->span);
    if (is_name(expr, "head") || is_name(expr, "split") || is_name(expr, "feature"))
        return refuse(s, expr->span, arena_printf(s->arena, "`%s` is of one modality: `%s[m]`", expr->name, expr->name));
    return NULL;
}

/* The modality in the brackets, or -1 after a report. */
static int modality_index(Sema *s, const Scope *scope, const Expr *expr) {
    const Arg *argument = expr->arguments;
    if (!argument || argument->next || argument->name) {
        diag(s->diagnostics, E0311, expr->span, "`%s` takes one modality as its index", expr->base->name);
        return -1;
    }
    Value *index = value_of(s, scope, argument->value, SCALAR(TYPE_NONE));
    if (value_wrong(index))
        return -1;
    if (index->type.each || (index->type.kind != TYPE_MODALITY && index->type.kind != TYPE_INT)) {
        diag(s->diagnostics, E0311, index->span, "the index is %s; a modality is needed", type_article(s->arena, index->type));
        return -1;
    }
    if (value_reads_run(index)) {
        if (!scope_unused(scope))
            diag(s->diagnostics, E0370, index->span, "this version has no losses whose modality changes while the program runs");
        return -1;
    }
    int64_t m;
    if (scope_unused(scope)) {
        Value known;
        return value_peek(s, index, &known) && known.integer >= 0 && known.integer < modality_count(s) ? (int)known.integer : -1;
    }
    if (!value_fold_int(s, index, "the modality in a loss", &m))
        return -1;
    if (m >= 0 && m < modality_count(s))
        return (int)m;
    diag(s->diagnostics, E0311, index->span, "there is no modality %lld: the %d of this experiment are numbered from 0", (long long)m,
         modality_count(s));
    return -1;
}

static int64_t feature_width(const Sema *s, int m) {
    return m < s->program->modalities.count ? s->program->modalities.items[m].width : 0;
}

Value *loss_index(Sema *s, const Scope *scope, const Expr *expr) {
    static const struct { const char *name; ValueKind kind; TypeKind type; } tensors[] = {
        {"head", VALUE_HEAD, TYPE_LOGITS}, {"split", VALUE_SPLIT, TYPE_LOGITS}, {"feature", VALUE_FEATURE, TYPE_FEATURE},
    };
    const Expr *base = expr->base;
    if (base->kind != EXPR_NAME || scope_find(scope, base->name))
        return NULL;
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++) {
        if (strcmp(tensors[i].name, base->name) != 0)
            continue;
        int m = modality_index(s, scope, expr);
        if (m < 0)
            return value_error(s, expr->span);
        if (tensors[i].kind == VALUE_SPLIT && !scope_unused(scope) && s->program->has_fusion && s->program->fusion_kind == FUSION_OTHER) {
            diag(s->diagnostics, E0354, expr->span, "this fusion has no part that comes from one modality: `split` needs `concat -> linear(classes)` "
                 "or `sum(linear(classes))`");
            return value_error(s, expr->span);
        }
        int64_t width = tensors[i].kind == VALUE_FEATURE ? feature_width(s, m) : s->program->target.classes;
        Value *value = value_new(s, tensors[i].kind, tensor_type(tensors[i].type, width), expr->span);
        value->number = m;
        return value;
    }
    return NULL;
}

/* ---- ce, mse, kl, entropy, confidence, softmax, stop ---- */

typedef struct { const char *name; Function function; int operands; const char *needs; } LossFunction;

static const LossFunction LOSSES[] = {
    {"ce",         FN_CE,         1, "logits"},
    {"mse",        FN_MSE,        2, "logits, features or probabilities of one width"},
    {"kl",         FN_KL,         2, "logits"},
    {"entropy",    FN_ENTROPY,    1, "logits"},
    {"confidence", FN_CONFIDENCE, 1, "logits"},
    {"softmax",    FN_SOFTMAX,    1, "logits"},
    {"stop",       FN_STOP,       1, "something with a gradient"},
};

static bool suits(Function function, TypeKind kind) {
    if (function == FN_STOP)
        return type_tensor(kind) && kind != TYPE_LABEL;
    return kind == TYPE_LOGITS || (function == FN_MSE && type_wide(kind));
}

static Value *loss_call(Sema *s, const LossFunction *row, const Expr *expr, int count, Value **operands) {
    for (int i = 0; i < row->operands; i++) {
        if (operands[i]->type.each || !suits(row->function, operands[i]->type.kind))
            return refuse(s, operands[i]->span, arena_printf(s->arena, "`%s` needs %s, and this is %s", row->name, row->needs,
                                                             type_article(s->arena, operands[i]->type)));
    }
    Type first = operands[0]->type;
    if (row->operands == 2) {
        Type second = operands[1]->type;
        if (first.width > 0 && second.width > 0 && first.width != second.width)
            return refuse(s, expr->span, arena_printf(s->arena, "`%s` needs two of one width, and these are %s and %s", row->name,
                                                      type_text(s->arena, first), type_text(s->arena, second)));
    }
    if (count > row->operands && (operands[1]->type.each || operands[1]->type.kind != TYPE_SAMPLES))
        return refuse(s, operands[1]->span, arena_printf(s->arena, "the weight of `ce` is a number for each sample, such as `confidence(…)`, and this is %s",
                                                         type_article(s->arena, operands[1]->type)));
    Type type = row->function == FN_STOP ? first
        : row->function == FN_SOFTMAX ? tensor_type(TYPE_PROBABILITIES, first.width)
        : SCALAR(row->function == FN_CONFIDENCE ? TYPE_SAMPLES : TYPE_LOSS);
    return value_call(s, row->function, type, expr->span, count, operands);
}

Value *loss_function(Sema *s, const Scope *scope, const Expr *expr) {
    const LossFunction *row = NULL;
    for (size_t i = 0; i < sizeof LOSSES / sizeof *LOSSES; i++)
        if (strcmp(LOSSES[i].name, expr->base->name) == 0)
            row = &LOSSES[i];
    if (!row)
        return soft_function(s, scope, expr);
    Value *operands[2] = {0};
    int count = 0, positional = 0;
    bool wrong = false;
    for (const Arg *argument = expr->arguments; argument; argument = argument->next) {
        Value *value = value_of(s, scope, argument->value, SCALAR(TYPE_NONE));
        wrong |= value_wrong(value);
        bool weight = argument->name && strcmp(argument->name, "weight") == 0 && row->function == FN_CE;
        if (argument->name && !weight) {
            diag(s->diagnostics, E0305, argument->name_span, row->function == FN_CE ? "`ce` has no argument `%s`; it has `weight`"
                 : "the arguments of a loss have no names, so none is `%s`", argument->name);
            wrong = true;
            continue;
        }
        int place = weight ? 1 : positional++;
        if (place > 1 || place >= row->operands + (row->function == FN_CE) || operands[place]) {
            diag(s->diagnostics, E0305, argument->value->span, "`%s` takes %s", row->name,
                 row->function == FN_CE ? "logits and `weight =`, each once" : row->operands == 1 ? "one argument" : "two arguments");
            return value_error(s, expr->span);
        }
        operands[place] = value;
        count++;
    }
    if (wrong)
        return value_error(s, expr->span);
    if (count < row->operands || !operands[0]) {
        diag(s->diagnostics, E0305, expr->span, "`%s` takes %s", row->name, row->operands == 1 ? "one argument" : "two arguments");
        return value_error(s, expr->span);
    }
    return loss_call(s, row, expr, count, operands);
}

/* ---- Operators ---- */

Value *loss_unary(Sema *s, const Expr *expr, Value *operand) {
    if (expr->op != OP_NEG || operand->type.each || operand->type.kind == TYPE_LABEL || operand->type.kind == TYPE_SOFT)
        return refuse(s, expr->span, arena_printf(s->arena, "`%s` doesn't go with %s", op_text(expr->op), type_article(s->arena, operand->type)));
    Value *value = value_with(s, VALUE_UNARY, operand->type, expr->span, 1, &operand);
    value->op = expr->op;
    return value;
}

/* The result of `a op b`; TYPE_ERROR: none. One of the two is a tensor, the other a tensor or a real. */
static Type combined(Op op, Type a, Type b) {
    bool wide_a = type_wide(a.kind), wide_b = type_wide(b.kind);
    Type none = SCALAR(TYPE_ERROR);
    if (a.each || b.each || a.kind == TYPE_LABEL || b.kind == TYPE_LABEL || a.kind == TYPE_SOFT || b.kind == TYPE_SOFT)
        return none;
    if (op == OP_ADD || op == OP_SUB) {
        if (wide_a || wide_b)
            return a.kind == b.kind && (a.width == b.width || !a.width || !b.width) ? a : none;
    } else if (op == OP_MUL) {
        if (wide_a)
            return b.kind == TYPE_REAL ? a : none;
        if (wide_b)
            return a.kind == TYPE_REAL ? b : none;
    } else if (op == OP_DIV) {
        if (wide_a)
            return b.kind == TYPE_REAL ? a : none;
        if (wide_b)
            return none;
    } else {
        return none;
    }
    return SCALAR(a.kind == TYPE_SAMPLES || b.kind == TYPE_SAMPLES ? TYPE_SAMPLES : TYPE_LOSS);
}

Value *loss_binary(Sema *s, const Expr *expr, Value *left, Value *right) {
    if (!left->type.each && left->type.kind == TYPE_INT)
        left = value_convert(s, left, SCALAR(TYPE_REAL));
    if (!right->type.each && right->type.kind == TYPE_INT)
        right = value_convert(s, right, SCALAR(TYPE_REAL));
    Type type = SCALAR(TYPE_ERROR);
    if ((type_tensor(left->type.kind) || left->type.kind == TYPE_REAL) && (type_tensor(right->type.kind) || right->type.kind == TYPE_REAL))
        type = combined(expr->op, left->type, right->type);
    if (type.kind == TYPE_ERROR) {
        Diagnostic *d = diag(s->diagnostics, E0371, expr->op_span, "`%s` doesn't go between %s and %s in a loss", op_text(expr->op),
                             type_article(s->arena, left->type), type_article(s->arena, right->type));
        if (left->type.each || right->type.each)
            diag_help(s->diagnostics, d, "index it by a modality, or sum it over them");
        return value_error(s, expr->span);
    }
    return value_binary(s, expr->op, type, expr->span, left, right);
}

/* ---- sum, mean, exp, log of tensors ---- */

/* Elements of a value for each modality, added in order, so that the sum is the same each time. */
static Value *added(Sema *s, Value *each, Span span) {
    Type type = type_element(each->type);
    Value *total = value_share(s, each, 0);
    for (int m = 1; m < modality_count(s); m++)
        total = value_binary(s, OP_ADD, type, span, total, value_share(s, each, m));
    return total;
}

Value *loss_function_of(Sema *s, Function function, const Expr *call, int count, Value **operands) {
    Value *operand = operands[0];
    TypeKind kind = operand->type.kind;
    if (count == 1 && kind != TYPE_LABEL && kind != TYPE_SOFT) {
        bool total = function == FN_SUM || function == FN_MEAN;
        if (total && operand->type.each) {
            Value *sum = added(s, operand, call->span);
            if (function == FN_SUM)
                return sum;
            return value_binary(s, OP_MUL, sum->type, call->span, sum, value_real(s, TYPE_REAL, 1.0 / modality_count(s), call->span));
        }
        if (total && kind == TYPE_SAMPLES)
            return value_call(s, function, SCALAR(TYPE_LOSS), call->span, 1, operands);
        if ((function == FN_EXP || function == FN_LOG) && !operand->type.each && (kind == TYPE_SAMPLES || kind == TYPE_LOSS))
            return value_call(s, function, SCALAR(kind), call->span, 1, operands);
    }
    return refuse(s, call->span, arena_printf(s->arena, "`%s` can't take %s", call->base->name, type_article(s->arena, operand->type)));
}
