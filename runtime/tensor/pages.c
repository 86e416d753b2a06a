#define _GNU_SOURCE
#include "mml/pages.h"

#include <sys/mman.h>
#include <unistd.h>

/* Less than this isn't worth waking a thread. */
#define LITTLE ((size_t)1 << 20)

typedef struct { u8 *start; size_t page; int advice; } Advice;

static void advise(void *context, i64 begin, i64 end, int thread) {
    const Advice *a = context;
    madvise(a->start + (size_t)begin * a->page, (size_t)(end - begin) * a->page, a->advice);
}

/* What the kernel can't do, being older, comes by faults. */
static void advise_all(MmlThreads *threads, void *memory, size_t bytes, int advice) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uintptr_t begin = ((uintptr_t)memory + page - 1) / page * page, end = ((uintptr_t)memory + bytes) / page * page;
    Advice a = {(u8 *)begin, page, advice};
    if (end > begin) mml_parallel(end - begin < LITTLE ? NULL : threads, (i64)((end - begin) / page), advise, &a);
}

void mml_pages_fill(MmlThreads *threads, void *memory, size_t bytes) {
#ifdef MADV_POPULATE_WRITE
    advise_all(threads, memory, bytes, MADV_POPULATE_WRITE);
#endif
}

void mml_pages_drop(MmlThreads *threads, void *memory, size_t bytes) { advise_all(threads, memory, bytes, MADV_DONTNEED); }

static void drop_block(void *threads, void *memory, size_t bytes) {
    if (bytes >= LITTLE) mml_pages_drop(threads, memory, bytes);
}

void mml_pages_free_arena(MmlThreads *threads, MmlArena *arena) {
    if (arena && mml_threads_count(threads) > 1) mml_arena_each_block(arena, drop_block, threads);
    mml_arena_free(arena);
}
