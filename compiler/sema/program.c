#include "sema/program.h"

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
