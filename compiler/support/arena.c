#include "support/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 16, CHUNK_BYTES = 64 * 1024 };

typedef struct Chunk {
    struct Chunk *next;
    size_t        used, size;          /* of the bytes behind this header */
} Chunk;

struct Arena { Chunk *chunks; };

_Static_assert(sizeof(Chunk) % 8 == 0, "the header keeps what follows aligned");
#define HEADER_BYTES ((sizeof(Chunk) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT)

_Noreturn void arena_exhausted(size_t bytes) {
    fprintf(stderr, "mmlc: error: out of memory (%zu more bytes were needed); "
                    "free some memory or split the program\n", bytes);
    exit(3);
}

Arena *arena_new(void) {
    Arena *arena = calloc(1, sizeof *arena);
    if (!arena) arena_exhausted(sizeof *arena);
    return arena;
}

void arena_free(Arena *arena) {
    if (!arena) return;
    for (Chunk *chunk = arena->chunks; chunk;) {
        Chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
    free(arena);
}

static char *chunk_bytes(Chunk *chunk) { return (char *)chunk + HEADER_BYTES; }

/* A request above a quarter of a chunk gets its own, put behind the current
 * one, whose rest stays in use. */
static Chunk *chunk_new(Arena *arena, size_t bytes) {
    int    own  = bytes > CHUNK_BYTES / 4 && arena->chunks;
    size_t size = bytes > CHUNK_BYTES ? bytes : own ? bytes : CHUNK_BYTES;
    Chunk *chunk = calloc(1, HEADER_BYTES + size);
    if (!chunk) arena_exhausted(size);
    chunk->size = size;
    if (own) {
        chunk->next = arena->chunks->next;
        arena->chunks->next = chunk;
    } else {
        chunk->next = arena->chunks;
        arena->chunks = chunk;
    }
    return chunk;
}

void *arena_alloc(Arena *arena, size_t bytes) {
    if (bytes > SIZE_MAX / 2) arena_exhausted(bytes);
    bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    Chunk *chunk = arena->chunks;
    if (!chunk || chunk->size - chunk->used < bytes) chunk = chunk_new(arena, bytes);
    void *result = chunk_bytes(chunk) + chunk->used;
    chunk->used += bytes;
    return result;
}

char *arena_copy(Arena *arena, const char *text, size_t length) {
    char *copy = arena_alloc(arena, length + 1);
    if (length) memcpy(copy, text, length);
    return copy;
}

char *arena_vprintf(Arena *arena, const char *format, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    if (length < 0) length = 0;
    char *text = arena_alloc(arena, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

char *arena_printf(Arena *arena, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *text = arena_vprintf(arena, format, arguments);
    va_end(arguments);
    return text;
}

void *vector_grow(Arena *arena, void *items, int count, int *capacity, size_t size) {
    if (*capacity > INT32_MAX / 2) arena_exhausted((size_t)*capacity * size);
    int   wider = *capacity ? 2 * *capacity : 8;
    void *grown = arena_alloc(arena, (size_t)wider * size);
    if (count) memcpy(grown, items, (size_t)count * size);
    *capacity = wider;
    return grown;
}
