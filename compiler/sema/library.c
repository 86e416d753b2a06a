#include "sema/library.h"

#include <string.h>
#include "sema/declarations.h"

const Source *library_source(Arena *arena, const char *name) {
    for (int i = 0; i < library_text_count; i++) {
        if (strcmp(library_texts[i].name, name) == 0) {
            Source *source = source_from_text(arena, library_texts[i].path, (const char *)library_texts[i].text,
                                              library_texts[i].length);
            source->library = 1;
            return source;
        }
    }
    return NULL;
}

int library_names(const char *const **names) {
    static const char *list[16];
    int count = library_text_count < 16 ? library_text_count : 16;
    for (int i = 0; i < count; i++)
        list[i] = library_texts[i].name;
    *names = list;
    return count;
}
