#include <math.h>
#include <string.h>
#include "sema/values.h"

/* ---- Making values ---- */

Value *value_new(Sema *s, ValueKind kind, Type type, Span span) {
    Value *value = NEW(s->arena, Value);
    value->kind = kind;
    value->type = type;
    value->span = span;
    return value;
}

Value *value_error(Sema *s, Span span) {
    return value_new(s, VALUE_INTEGER, SCALAR(TYPE_ERROR), span);
}

bool value_wrong(const Value *value) {
    return value->type.kind == TYPE_ERROR;
}

Value *value_integer(Sema *s, TypeKind kind, int64_t integer, Span span) {
    Value *value = value_new(s, VALUE_INTEGER, SCALAR(kind), span);
    value->integer = integer;
    return value;
}

Value *value_real(Sema *s, TypeKind kind, double real, Span span) {
    Value *value = value_new(s, VALUE_REAL, SCALAR(kind), span);
    value->real = real;
    return value;
}

Value *value_text(Sema *s, TypeKind kind, const char *text, Span span) {
    Value *value = value_new(s, VALUE_TEXT, SCALAR(kind), span);
    value->text = text;
    return value;
}

Value *value_with(Sema *s, ValueKind kind, Type type, Span span, int count, Value *const *operands) {
    if (kind == VALUE_EACH && count == 0)        /* no modality: reported */
        return value_error(s, span);
    Value *value = value_new(s, kind, type, span);
    value->count = count;
    value->operands = NEW_ARRAY(s->arena, Value *, count);
    if (count > 0)
        memcpy(value->operands, operands, sizeof *operands * (size_t)count);
    return value;
}

Value *value_call(Sema *s, Function function, Type type, Span span, int count, Value *const *operands) {
    Value *value = value_with(s, VALUE_CALL, type, span, count, operands);
    value->function = function;
    return value;
}

Value *value_binary(Sema *s, Op op, Type type, Span span, Value *left, Value *right) {
    Value *value = value_with(s, VALUE_BINARY, type, span, 2, (Value *[]){left, right});
    value->op = op;
    return value;
}

/* ---- One modality's value ---- */

static Value *value_at(Sema *s, Value *each, Value *index, Span span) {
    if (each->kind == VALUE_EACH && index->kind == VALUE_INTEGER)
        return each->operands[index->integer];
    return value_with(s, VALUE_AT, type_element(each->type), span, 2, (Value *[]){each, index});
}

Value *value_share(Sema *s, Value *value, int modality) {
    if (!value->type.each)
        return value;
    if (modality >= modality_count(s))           /* a file without modalities; that is reported */
        return value_error(s, value->span);
    return value_at(s, value, value_integer(s, TYPE_MODALITY, modality, value->span), value->span);
}

static Value *index_value(Sema *s, const Scope *scope, const Expr *expr) {
    if (scope_place(scope) == PLACE_LOSS) {
        Value *tensor = loss_index(s, scope, expr);
        if (tensor)
            return tensor;
    }
    Value *base = value_of(s, scope, expr->base, SCALAR(TYPE_NONE));
    const Arg *argument = expr->arguments;
    if (!argument || argument->next || argument->name) {
        if (!value_wrong(base))
            diag(s->diagnostics, E0311, expr->span, "a value for each modality takes one modality as its index");
        return value_error(s, expr->span);
    }
    Value *index = value_of(s, scope, argument->value, SCALAR(TYPE_NONE));
    if (value_wrong(base) || value_wrong(index))
        return value_error(s, expr->span);
    if (!base->type.each) {
        diag(s->diagnostics, E0310, expr->base->span, "this is %s, one value: it takes no index",
             type_article(s->arena, base->type));
        return value_error(s, expr->span);
    }
    if (index->type.each || (index->type.kind != TYPE_MODALITY && index->type.kind != TYPE_INT)) {
        diag(s->diagnostics, E0311, index->span, "the index is %s; a modality is needed", type_article(s->arena, index->type));
        return value_error(s, expr->span);
    }
    Value known;
    if (index->type.kind == TYPE_INT && value_peek(s, index, &known) && (known.integer < 0 || known.integer >= modality_count(s))) {
        if (!scope_unused(scope))
            diag(s->diagnostics, E0311, index->span, "there is no modality %lld: the %d of this experiment are numbered from 0",
                 (long long)known.integer, modality_count(s));
        return value_error(s, expr->span);
    }
    return value_at(s, base, index, expr->span);
}

enum { MAX_UNROLLED = 100000 };      /* elements of one comprehension and those inside it */

Value *value_comprehension(Sema *s, const Scope *scope, Name binder, Span binder_span, const Expr *over,
                           const Expr *body, Type expected, Span span) {
    if (over->kind == EXPR_ERROR)
        return value_error(s, span);
    if (!is_name(over, "modalities")) {
        diag(s->diagnostics, E0317, over->span, "a value for each modality is made over `modalities`");
        return value_error(s, span);
    }
    int modalities = modality_count(s);
    Value **elements = NEW_ARRAY(s->arena, Value *, modalities);
    bool wrong = false;
    if (s->comprehensions++ == 0)
        s->unrolled = 0;
    for (int m = 0; m < modalities && !wrong; m++) {
        if (++s->unrolled > MAX_UNROLLED) {
            diag(s->diagnostics, E0326, span, "this has more than %d values when it is unrolled over the modalities", (int)MAX_UNROLLED);
            wrong = true;
            break;
        }
        Scope inner = {.parent = scope, .place = scope_place(scope)};
        scope_bind(s, &inner, binder, binder_span, value_integer(s, TYPE_MODALITY, m, binder_span));
        elements[m] = value_of(s, &inner, body, type_element(expected));
        if (!value_wrong(elements[m]) && elements[m]->type.each) {
            diag(s->diagnostics, E0310, body->span, "this is %s; one value is needed for each `%s`",
                 type_article(s->arena, elements[m]->type), binder);
            elements[m] = value_error(s, body->span);
        }
        wrong |= value_wrong(elements[m]);
    }
    s->comprehensions--;
    if (wrong || modalities == 0)
        return value_error(s, span);
    Type type = {.kind = elements[0]->type.kind, .each = 1, .width = elements[0]->type.width};
    return value_with(s, VALUE_EACH, type, span, modalities, elements);
}

/* ---- Conversion ---- */

static void help_conversion(Sema *s, Diagnostic *d, const Value *value, TypeKind wanted) {
    static const struct { TypeKind type; const char *example; } written[] = {
        {TYPE_TIME, "5 s"}, {TYPE_FREQUENCY, "16 kHz"}, {TYPE_STEPS, "100 steps"}, {TYPE_BYTES, "512 MiB"},
        {TYPE_SHARE, "10 %"}, {TYPE_FPS, "1 fps"},
    };
    TypeKind found = value->type.kind;
    for (size_t i = 0; i < sizeof written / sizeof *written; i++)
        if (written[i].type == wanted && (found == TYPE_INT || found == TYPE_REAL))
            diag_help(s->diagnostics, d, "write it with its unit, as in `%s`", written[i].example);
    if (wanted == TYPE_EPOCHS && found == TYPE_REAL)
        diag_help(s->diagnostics, d, "epochs are whole: write an int or `5 epochs`");
    if (wanted == TYPE_BOOL && type_number(found))
        diag_help(s->diagnostics, d, "compare it, as in `x > 0`");
    if ((wanted == TYPE_STRING || wanted == TYPE_PATH) && type_number(found))
        diag_help(s->diagnostics, d, "write it into a string: \"{…}\"");
}

static Value *convert_element(Sema *s, Value *value, TypeKind kind) {
    if (value->type.kind == kind)
        return value;
    if (type_held(value->type.kind) == type_held(kind)) {
        Value *copy = NEW(s->arena, Value);
        *copy = *value;
        copy->type.kind = kind;
        return copy;
    }
    if (value->kind == VALUE_INTEGER)
        return value_real(s, kind, (double)value->integer, value->span);
    return value_with(s, VALUE_CONVERT, SCALAR(kind), value->span, 1, &value);
}

static bool converts(TypeKind from, TypeKind to) {
    return from == to || (from == TYPE_INT && (to == TYPE_REAL || to == TYPE_EPOCHS))
        || (from == TYPE_STRING && to == TYPE_PATH) || (from == TYPE_PATH && to == TYPE_STRING);
}

Value *value_convert(Sema *s, Value *value, Type expected) {
    if (value_wrong(value) || expected.kind == TYPE_ERROR)
        return value;
    TypeKind kind = expected.kind == TYPE_NONE ? value->type.kind : expected.kind;
    if (!converts(value->type.kind, kind)) {
        Diagnostic *d = diag(s->diagnostics, E0301, value->span, "this is %s, and %s", type_article(s->arena, value->type),
                             type_needed(s->arena, expected));
        help_conversion(s, d, value, kind);
        return value_error(s, value->span);
    }
    if (value->type.each && !expected.each && expected.kind != TYPE_NONE) {
        Diagnostic *d = diag(s->diagnostics, E0310, value->span, "this is %s, and one value is needed",
                             type_article(s->arena, value->type));
        diag_help(s->diagnostics, d, "index it by a modality, or use sum, mean, max or min");
        return value_error(s, value->span);
    }
    bool each = value->type.each || expected.each;
    if (each == value->type.each && kind == value->type.kind)
        return value;
    if (!each)
        return convert_element(s, value, kind);
    int modalities = modality_count(s);
    Value **elements = NEW_ARRAY(s->arena, Value *, modalities);
    Value *single = value->type.each ? NULL : convert_element(s, value, kind);
    for (int m = 0; m < modalities; m++)
        elements[m] = single ? single : convert_element(s, value_share(s, value, m), kind);
    return value_with(s, VALUE_EACH, EACH(kind), value->span, modalities, elements);
}

/* ---- Expressions ---- */

static Value *misplaced(Sema *s, const Expr *expr, const char *what) {
    diag(s->diagnostics, E0319, expr->span, "%s", what);
    return value_error(s, expr->span);
}

static Value *typed(Sema *s, const Scope *scope, const Expr *expr, Type expected) {
    switch (expr->kind) {
    case EXPR_ERROR:  return value_error(s, expr->span);
    case EXPR_INT: case EXPR_REAL: case EXPR_BOOL: return literal_value(s, expr);
    case EXPR_STRING: return string_value(s, scope, expr);
    case EXPR_NAME:   return name_value(s, scope, expr);
    case EXPR_FIELD:  return field_value(s, scope, expr);
    case EXPR_INDEX:  return index_value(s, scope, expr);
    case EXPR_CALL:   return function_value(s, scope, expr, expected);
    case EXPR_IF:     return if_value(s, scope, expr, expected);
    case EXPR_UNARY:  return unary_value(s, expr, value_of(s, scope, expr->base, SCALAR(TYPE_NONE)));
    case EXPR_BINARY:
        if (expr->op == OP_ARROW)
            return misplaced(s, expr, "a chain `… -> …` is no value");
        Value *left = value_of(s, scope, expr->base, SCALAR(TYPE_NONE));
        return binary_value(s, expr, left, value_of(s, scope, expr->right, SCALAR(TYPE_NONE)));
    case EXPR_LABEL:  return misplaced(s, expr, "a label `name: …` belongs to a piece of an encoder");
    case EXPR_LIST:   return misplaced(s, expr, "a list is no value");
    case EXPR_EACH:   return misplaced(s, expr, "`m in modalities: …` stands inside sum, mean, max, min, argmax, argmin, count or each");
    }
    mml_ice("expression kind %d", expr->kind);
}

Value *value_of(Sema *s, const Scope *scope, const Expr *expr, Type expected) {
    return value_convert(s, typed(s, scope, expr, expected), expected);
}

bool is_name(const Expr *expr, const char *text) {
    return expr && expr->kind == EXPR_NAME && strcmp(expr->name, text) == 0;
}

const char *source_slice(Arena *arena, Span span) {
    return arena_copy(arena, span.source->text + span.begin, span.end - span.begin);
}

void help_nearest(Sema *s, Diagnostic *to, const char *name, const char *const *names, int count) {
    const char *near = nearest_name(name, names, count);
    if (near)
        diag_help(s->diagnostics, to, "did you mean `%s`?", near);
}

/* ---- Words ---- */

static int split_words(Arena *arena, const char *words, const char ***out) {
    int count = 1;
    for (const char *c = words; *c; c++)
        count += *c == '|';
    *out = NEW_ARRAY(arena, const char *, count);
    const char *begin = words;
    for (int i = 0; i < count; i++) {
        size_t length = strcspn(begin, "|");
        (*out)[i] = arena_copy(arena, begin, length);
        begin += length + 1;
    }
    return count;
}

/* "before, after or both" */
static const char *word_list(Arena *arena, const char *const *words, int count) {
    const char *text = arena_printf(arena, "`%s`", words[0]);
    for (int i = 1; i < count; i++)
        text = arena_printf(arena, "%s%s`%s`", text, i + 1 < count ? ", " : " or ", words[i]);
    return text;
}

Value *word_of(Sema *s, const Expr *expr, const char *words, const char *what) {
    if (expr->kind == EXPR_ERROR)
        return value_error(s, expr->span);
    const char **list;
    int count = split_words(s->arena, words, &list);
    if (expr->kind == EXPR_NAME) {
        for (int i = 0; i < count; i++)
            if (strcmp(list[i], expr->name) == 0)
                return value_integer(s, TYPE_WORD, i, expr->span);
    }
    Diagnostic *d = diag(s->diagnostics, E0316, expr->span, "%s is %s", what, word_list(s->arena, list, count));
    if (expr->kind == EXPR_NAME)
        help_nearest(s, d, expr->name, list, count);
    return value_error(s, expr->span);
}
