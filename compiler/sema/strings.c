#include "sema/values.h"

typedef struct { Sema *s; VECTOR(Value *) pieces; } Text;

static void push(Text *text, Value *piece) {
    VECTOR_PUSH(text->s->arena, &text->pieces, piece);
}

static void push_literal(Text *text, const char *literal, Span span) {
    push(text, value_text(text->s, TYPE_STRING, literal, span));
}

/* One interpolated value as text: a modality is its name, a bool true or false,
 * a share a percentage; numbers are left to the text builder. */
static void push_value(Text *text, Value *value) {
    Sema *s = text->s;
    Span span = value->span;
    TypeKind kind = value->type.kind;
    if (kind == TYPE_BOOL) {
        Value *choice[3] = {value, value_text(s, TYPE_STRING, "true", span), value_text(s, TYPE_STRING, "false", span)};
        push(text, value_with(s, VALUE_IF, SCALAR(TYPE_STRING), span, 3, choice));
    } else if (kind == TYPE_MODALITY) {
        int modalities = modality_count(s);
        Value **names = NEW_ARRAY(s->arena, Value *, modalities);
        for (int m = 0; m < modalities; m++)
            names[m] = value_text(s, TYPE_STRING, s->modalities.items[m]->name, span);
        Value *at[2] = {value_with(s, VALUE_EACH, EACH(TYPE_STRING), span, modalities, names), value};
        push(text, value_with(s, VALUE_AT, SCALAR(TYPE_STRING), span, 2, at));
    } else if (kind == TYPE_SHARE) {
        push(text, value_binary(s, OP_MUL, SCALAR(TYPE_REAL), span, value, value_real(s, TYPE_REAL, 100, span)));
        push_literal(text, " %", span);
    } else {
        push(text, value);
    }
}

/* A value for each modality is written as its elements with commas. */
static void push_part(Text *text, Value *value) {
    int count = value->type.each ? modality_count(text->s) : 1;
    for (int m = 0; m < count; m++) {
        if (m > 0)
            push_literal(text, ", ", value->span);
        push_value(text, value_share(text->s, value, m));
    }
}

Value *string_value(Sema *s, const Scope *scope, const Expr *expr) {
    const StringPart *first = expr->parts;
    if (!first || (!first->next && !first->expr))
        return value_text(s, TYPE_STRING, first ? arena_copy(s->arena, first->text, first->length) : "", expr->span);
    Text text = {.s = s};
    bool wrong = false;
    for (const StringPart *part = first; part; part = part->next) {
        if (!part->expr) {
            push_literal(&text, arena_copy(s->arena, part->text, part->length), part->span);
            continue;
        }
        Value *value = value_of(s, scope, part->expr, SCALAR(TYPE_NONE));
        if (!value_wrong(value) && type_tensor(value->type.kind)) {
            diag(s->diagnostics, E0371, value->span, "%s can't stand in a string", type_article(s->arena, value->type));
            value = value_error(s, value->span);
        }
        wrong |= value_wrong(value);
        if (!wrong)
            push_part(&text, value);
    }
    return wrong ? value_error(s, expr->span) : value_with(s, VALUE_JOIN, SCALAR(TYPE_STRING), expr->span, text.pieces.count, text.pieces.items);
}
