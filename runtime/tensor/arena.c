#define _GNU_SOURCE
#include "mml/base.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

/* A cache line, and the widest vector of any host. */
#define ALIGNMENT 64
/* A page of 2 MiB comes in 0.2 ms, 512 small ones in 1.2 ms (most of it the faults). But a virtual machine
 * that gives free memory back to its host gets huge pages from there, in 5 ms each: behind one that is dear
 * the memory at hand is left to small pages, after two everything. */
#define HUGE_PAGE ((size_t)2 << 20)
#define DEAR      1e-3
#define TRIALS    2
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

void mml_arena_each_block(const MmlArena *arena, void (*visit)(void *context, void *memory, size_t bytes), void *context) {
    for (const Block *block = arena->last; block; block = block->previous) visit(context, block->start, block->used);
}

/* Time of this thread on a processor, seconds. */
static double thread_seconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

void mml_prefer_huge_pages(void *memory, size_t bytes) {
#ifdef MADV_HUGEPAGE
    static atomic_int dear;
    u8 *at = (u8 *)(((uintptr_t)memory + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE), *end = (u8 *)memory + bytes;
    if (bytes < HUGE_PAGE || at >= end || atomic_load(&dear) >= TRIALS) return;
    if (madvise(at, (size_t)(end - at), MADV_HUGEPAGE) != 0) return;
    while (at + HUGE_PAGE <= end) {
        double started = thread_seconds();
        *(volatile u8 *)at = 0;
        at += HUGE_PAGE;
        if (thread_seconds() - started < DEAR) continue;
        atomic_fetch_add(&dear, 1);
        if (at < end) madvise(at, (size_t)(end - at), MADV_NOHUGEPAGE);
        return;
    }
#endif
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
    if (size == bytes) mml_prefer_huge_pages(block->start, size);
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

void *mml_arena_grow(MmlArena *arena, const void *list, i64 count, i64 *room, i64 first, size_t item) {
    if (count < *room) return (void *)(uintptr_t)list;
    i64 larger = *room ? 2 * *room : first;
    void *moved = mml_arena_alloc(arena, item * (size_t)larger);
    if (!moved) return NULL;
    if (count) memcpy(moved, list, item * (size_t)count);
    *room = larger;
    return moved;
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
