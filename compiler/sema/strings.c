#include "sema/values.h"

/* One interpolated value as text: a modality is its name, a bool true or false,
 * a share a percentage; numbers are left to the text builder. */
static void push_part(Sema *s, Value *part, Value **operands, int *count) {
    Span span = part->span;
    TypeKind kind = part->type.kind;
    if (kind == TYPE_BOOL) {
        Value *choice[3] = {part, value_text(s, TYPE_STRING, "true", span), value_text(s, TYPE_STRING, "false", span)};
        operands[(*count)++] = value_with(s, VALUE_IF, SCALAR(TYPE_STRING), span, 3, choice);
    } else if (kind == TYPE_MODALITY) {
        int modalities = modality_count(s);
        Value **names = NEW_ARRAY(s->arena, Value *, modalities);
        for (int m = 0; m < modalities; m++)
            names[m] = value_text(s, TYPE_STRING, s->modalities.items[m]->name, span);
        Value *at[2] = {value_with(s, VALUE_EACH, EACH(TYPE_STRING), span, modalities, names), part};
        operands[(*count)++] = value_with(s, VALUE_AT, SCALAR(TYPE_STRING), span, 2, at);
    } else if (kind == TYPE_SHARE) {
        operands[(*count)++] = value_binary(s, OP_MUL, SCALAR(TYPE_REAL), span, part, value_real(s, TYPE_REAL, 100, span));
        operands[(*count)++] = value_text(s, TYPE_STRING, " %", span);
    } else {
        operands[(*count)++] = part;
    }
}

Value *string_value(Sema *s, const Scope *scope, const Expr *expr) {
    int parts = 0;
    for (const StringPart *part = expr->parts; part; part = part->next)
        parts++;
    if (parts == 0)
        return value_text(s, TYPE_STRING, "", expr->span);
    if (parts == 1 && !expr->parts->expr)
        return value_text(s, TYPE_STRING, arena_copy(s->arena, expr->parts->text, expr->parts->length), expr->span);

    Value **operands = NEW_ARRAY(s->arena, Value *, 2 * parts);
    int count = 0;
    bool wrong = false;
    for (const StringPart *part = expr->parts; part; part = part->next) {
        if (!part->expr) {
            operands[count++] = value_text(s, TYPE_STRING, arena_copy(s->arena, part->text, part->length), part->span);
            continue;
        }
        Value *value = value_of(s, scope, part->expr, SCALAR(TYPE_NONE));
        if (!value_wrong(value) && (value->type.each || type_tensor(value->type.kind))) {
            Diagnostic *d = diag(s->diagnostics, E0310, value->span, "%s can't stand in a string",
                                 type_article(s->arena, value->type));
            if (value->type.each)
                diag_help(s->diagnostics, d, "name one modality's value with an index, as in `x[m]`");
            value = value_error(s, value->span);
        }
        wrong |= value_wrong(value);
        if (!wrong)
            push_part(s, value, operands, &count);
    }
    return wrong ? value_error(s, expr->span) : value_with(s, VALUE_JOIN, SCALAR(TYPE_STRING), expr->span, count, operands);
}
