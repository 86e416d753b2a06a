#include "sema/values.h"

static const struct { const char *name; Held held; } TYPES[] = {
    [TYPE_ERROR]     = {"unknown",   HELD_INT},
    [TYPE_NONE]      = {"nothing",   HELD_INT},
    [TYPE_INT]       = {"int",       HELD_INT},
    [TYPE_REAL]      = {"real",      HELD_REAL},
    [TYPE_BOOL]      = {"bool",      HELD_INT},
    [TYPE_STRING]    = {"string",    HELD_TEXT},
    [TYPE_PATH]      = {"path",      HELD_TEXT},
    [TYPE_TIME]      = {"time",      HELD_REAL},
    [TYPE_FREQUENCY] = {"frequency", HELD_REAL},
    [TYPE_EPOCHS]    = {"epochs",    HELD_INT},
    [TYPE_STEPS]     = {"steps",     HELD_INT},
    [TYPE_BYTES]     = {"bytes",     HELD_INT},
    [TYPE_SHARE]     = {"share",     HELD_REAL},
    [TYPE_FPS]       = {"fps",       HELD_REAL},
    [TYPE_MODALITY]  = {"modality",  HELD_INT},
    [TYPE_WORD]      = {"word",      HELD_INT},
    [TYPE_LOGITS]    = {"logits",    HELD_REAL},
    [TYPE_FEATURE]   = {"feature",   HELD_REAL},
    [TYPE_PROBABILITIES] = {"probabilities", HELD_REAL},
    [TYPE_SOFT]      = {"soft assignment", HELD_REAL},
    [TYPE_SAMPLES]   = {"number for each sample", HELD_REAL},
    [TYPE_LABEL]     = {"label",     HELD_INT},
    [TYPE_LOSS]      = {"loss",      HELD_REAL},
};

Held type_held(TypeKind kind) {
    return TYPES[kind].held;
}

bool type_wide(TypeKind kind) {
    return kind == TYPE_LOGITS || kind == TYPE_FEATURE || kind == TYPE_PROBABILITIES;
}

const char *type_text(Arena *arena, Type type) {
    if (type.each)
        return arena_printf(arena, "%s[modalities]", TYPES[type.kind].name);
    if ((type_wide(type.kind) || type.kind == TYPE_SOFT) && type.width > 0)
        return arena_printf(arena, "%s[%lld]", TYPES[type.kind].name, (long long)type.width);
    return TYPES[type.kind].name;
}

/* These are written without an article: "epochs", "bytes". */
static bool is_plural(TypeKind kind) {
    return kind == TYPE_EPOCHS || kind == TYPE_STEPS || kind == TYPE_BYTES || kind == TYPE_LOGITS || kind == TYPE_PROBABILITIES
        || kind == TYPE_FPS;
}

const char *type_article(Arena *arena, Type type) {
    const char *text = type_text(arena, type);
    if (is_plural(type.kind))
        return text;
    return arena_printf(arena, "%s %s", text[0] == 'i' ? "an" : "a", text);
}

const char *type_needed(Arena *arena, Type type) {
    return arena_printf(arena, "%s %s needed", type_article(arena, type), is_plural(type.kind) ? "are" : "is");
}

bool type_unit(TypeKind kind) {
    return kind == TYPE_TIME || kind == TYPE_FREQUENCY || kind == TYPE_EPOCHS || kind == TYPE_STEPS
        || kind == TYPE_BYTES || kind == TYPE_SHARE || kind == TYPE_FPS;
}

bool type_number(TypeKind kind) {
    return kind == TYPE_INT || kind == TYPE_REAL || type_unit(kind);
}

bool type_tensor(TypeKind kind) {
    return type_wide(kind) || kind == TYPE_SOFT || kind == TYPE_SAMPLES || kind == TYPE_LABEL || kind == TYPE_LOSS;
}

Type type_element(Type type) {
    type.each = 0;
    return type;
}

bool type_unify(TypeKind a, TypeKind b, TypeKind *out) {
    static const struct { TypeKind from, to; } conversions[] = {
        {TYPE_INT, TYPE_REAL}, {TYPE_INT, TYPE_EPOCHS}, {TYPE_PATH, TYPE_STRING},
    };
    if (a == b || b == TYPE_ERROR) { *out = a; return true; }
    if (a == TYPE_ERROR)           { *out = b; return true; }
    for (size_t i = 0; i < sizeof conversions / sizeof *conversions; i++) {
        if ((conversions[i].from == a && conversions[i].to == b) || (conversions[i].from == b && conversions[i].to == a)) {
            *out = conversions[i].to;
            return true;
        }
    }
    return false;
}
