#include "support/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LARGEST_SOURCE = 16 * 1024 * 1024 };

static void find_lines(Arena *arena, Source *source) {
    int count = 1;
    for (const char *p = source->text, *end = p + source->length; p < end && (p = memchr(p, '\n', (size_t)(end - p))); p++) count++;
    source->lines      = NEW_ARRAY(arena, uint32_t, count);
    source->line_count = 1;
    for (size_t i = 0; i < source->length; i++)
        if (source->text[i] == '\n') source->lines[source->line_count++] = (uint32_t)i + 1;
}

Source *source_from_text(Arena *arena, const char *path, const char *text, size_t length) {
    Source *source = NEW(arena, Source);
    source->path   = path;
    source->text   = text;
    source->length = length;
    find_lines(arena, source);
    return source;
}

/* The file's bytes in malloc's memory, or NULL with errno. */
static char *read_all(int file, size_t *length) {
    size_t capacity = 64 * 1024, count = 0;
    char  *bytes = malloc(capacity);
    if (!bytes) arena_exhausted(capacity);
    for (;;) {
        ssize_t got = read(file, bytes + count, capacity - count);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) break;
        if (got == 0) { *length = count; return bytes; }
        count += (size_t)got;
        if (count > LARGEST_SOURCE) { errno = EFBIG; break; }
        if (count == capacity) {
            char *wider = realloc(bytes, capacity *= 2);
            if (!wider) arena_exhausted(capacity);
            bytes = wider;
        }
    }
    int reason = errno;
    free(bytes);
    errno = reason;
    return NULL;
}

Source *source_read(Arena *arena, const char *path) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return NULL;
    size_t length = 0;
    char  *bytes  = read_all(file, &length);
    int    reason = errno;
    close(file);
    if (!bytes) { errno = reason; return NULL; }
    char *text = arena_copy(arena, bytes, length);
    free(bytes);
    return source_from_text(arena, arena_copy(arena, path, strlen(path)), text, length);
}

void source_position(const Source *source, uint32_t offset, int *line, int *column) {
    int low = 0, high = source->line_count - 1;           /* lines[low] <= offset */
    while (low < high) {
        int middle = low + (high - low + 1) / 2;
        if (source->lines[middle] <= offset) low = middle;
        else high = middle - 1;
    }
    *line   = low + 1;
    *column = (int)(offset - source->lines[low]) + 1;
}

Span span_join(Span a, Span b) {
    if (!a.source) return b;
    if (!b.source || a.source != b.source) return a;
    return (Span){a.source, a.begin < b.begin ? a.begin : b.begin, a.end > b.end ? a.end : b.end};
}

char *span_line_text(Arena *arena, Span span) {
    if (!span.source) return arena_copy(arena, "", 0);
    int line, column;
    source_position(span.source, span.begin, &line, &column);
    return arena_printf(arena, "%s:%d", span.source->path, line);
}

char *span_place_text(Arena *arena, Span span) {
    if (!span.source) return arena_copy(arena, "", 0);
    int line, column;
    source_position(span.source, span.begin, &line, &column);
    return arena_printf(arena, "%s:%d:%d", span.source->path, line, column);
}
