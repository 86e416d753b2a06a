#include "sema/program.h"

#include <string.h>

int64_t shape_count(Shape shape) {
    int64_t count = 1;
    for (int i = 0; i < shape.rank; i++) {
        if (shape.size[i] < 0)
            return -1;
        if (__builtin_mul_overflow(count, shape.size[i], &count))
            return INT64_MAX;
    }
    return count;
}

const char *shape_text(Arena *arena, Shape shape) {
    const char *text = "[";
    for (int i = 0; i < shape.rank; i++) {
        const char *comma = i ? ", " : "";
        text = shape.size[i] < 0 ? arena_printf(arena, "%s%s?", text, comma)
                                 : arena_printf(arena, "%s%s%lld", text, comma, (long long)shape.size[i]);
    }
    return arena_printf(arena, "%s]", text);
}

const Setting *program_setting(const Program *program, const char *path) {
    for (int i = 0; i < program->settings.count; i++)
        if (!strcmp(program->settings.items[i].path, path)) return &program->settings.items[i];
    return NULL;
}

/* Settings that read each other are no deeper than this. */
#define DEEPEST 8

int64_t program_integer(const Program *program, const Setting *setting) {
    for (int depth = 0; setting && setting->value && depth <= DEEPEST; depth++) {
        const Value *value = setting->value;
        if (value->kind == VALUE_INTEGER) return value->integer;
        setting = NULL;
        for (int i = 0; value->kind == VALUE_SETTING && !setting && i < program->settings.count; i++)
            if (program->settings.items[i].slot == value->number) setting = &program->settings.items[i];
    }
    return -1;
}
