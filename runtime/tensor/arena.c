#include "mml/base.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A cache line, and the widest vector of any host. */
#define ALIGNMENT 64
/* Blocks double from here, so that small arenas stay small and big ones few. */
#define FIRST_BLOCK ((size_t)64 << 10)
#define LARGEST_STEP ((size_t)64 << 20)

typedef struct Block Block;
struct Block {
    Block  *previous;
    u8     *start;        /* aligned                                          */
    size_t  size;
    size_t  used;
    size_t  touched;      /* bytes ever handed out; what lies beyond is zero  */
};

struct MmlArena { Block *last; };

MmlArena *mml_arena_new(void) {
    MmlArena *arena = calloc(1, sizeof *arena);
    if (!arena) mml_fail(MML_ENOMEM, "out of memory for an arena");
    return arena;
}

static void drop_last(MmlArena *arena) {
    Block *block = arena->last;
    arena->last = block->previous;
    free(block);
}

void mml_arena_free(MmlArena *arena) {
    if (!arena) return;
    while (arena->last) drop_last(arena);
    free(arena);
}

/* calloc, since big blocks come zeroed from the system without being touched. */
static Block *add_block(MmlArena *arena, size_t bytes) {
    size_t size = arena->last ? 2 * arena->last->size : FIRST_BLOCK;
    if (size > LARGEST_STEP) size = LARGEST_STEP;
    if (size < bytes) size = bytes;
    Block *block = calloc(1, sizeof *block + ALIGNMENT + size);
    if (!block) return NULL;
    uintptr_t first = (uintptr_t)(block + 1);
    block->start = (u8 *)(block + 1) + (ALIGNMENT - first % ALIGNMENT) % ALIGNMENT;
    block->size = size;
    block->previous = arena->last;
    arena->last = block;
    return block;
}

void *mml_arena_alloc(MmlArena *arena, size_t bytes) {
    if (bytes > PTRDIFF_MAX / 2) {
        mml_fail(MML_ENOMEM, "out of memory: %zu bytes asked for at once", bytes);
        return NULL;
    }
    size_t rounded = bytes ? (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT : ALIGNMENT;
    Block *block = arena->last;
    if (!block || block->size - block->used < rounded) block = add_block(arena, rounded);
    if (!block) {
        mml_fail(MML_ENOMEM, "out of memory for %zu bytes; try a smaller batch or fewer samples", bytes);
        return NULL;
    }
    u8 *result = block->start + block->used;
    if (block->touched > block->used) {
        size_t dirty = block->touched - block->used;
        memset(result, 0, dirty < rounded ? dirty : rounded);
    }
    block->used += rounded;
    if (block->touched < block->used) block->touched = block->used;
    return result;
}

MmlArenaMark mml_arena_mark(MmlArena *arena) {
    return (MmlArenaMark){.block = arena->last, .used = arena->last ? arena->last->used : 0};
}

void mml_arena_release(MmlArena *arena, MmlArenaMark mark) {
    while (arena->last && (void *)arena->last != mark.block) drop_last(arena);
    if (arena->last) arena->last->used = mark.used;
}

char *mml_arena_format(MmlArena *arena, const char *format, ...) {
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = length < 0 ? NULL : mml_arena_alloc(arena, (size_t)length + 1);
    if (text) vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}
