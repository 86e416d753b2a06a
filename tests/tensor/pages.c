/* Pages of large memory. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mml/pages.h"

enum { BYTES = 5 << 20 };

static size_t resident(u8 *memory, size_t bytes) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), count = 0;
    static unsigned char there[BYTES / 4096];
    cr_assert_eq(mincore(memory, bytes, there), 0);
    for (size_t i = 0; i < bytes / page; i++) count += there[i] & 1;
    return count * page;
}

Test(pages, are_there_before_they_are_written_and_keep_what_was) {
    MmlThreads *threads;
    cr_assert_eq(mml_threads_new(2, &threads), MML_OK);
    u8 *memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(memory, MAP_FAILED);
    memory[12345] = 7;
    mml_pages_fill(threads, memory, BYTES);
#ifdef MADV_POPULATE_WRITE
    cr_assert_eq(resident(memory, BYTES), BYTES);
#endif
    cr_assert_eq(memory[12345], 7);
    cr_assert_eq(memory[BYTES - 1], 0);
    munmap(memory, BYTES);
    mml_threads_free(threads);
}

/* Neighbours in the first and last page are not of the memory. */
Test(pages, are_dropped_only_whole) {
    u8 *memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(memory, MAP_FAILED);
    memset(memory, 3, BYTES);
    mml_pages_drop(NULL, memory + 1, BYTES - 2);
    cr_assert_eq(memory[0], 3);
    cr_assert_eq(memory[BYTES - 1], 3);
    cr_assert_eq(memory[BYTES / 2], 0);
    mml_pages_drop(NULL, memory + 1, 100);
    cr_assert_eq(memory[1], 3);
    mml_pages_fill(NULL, memory, 0);
    munmap(memory, BYTES);
}

Test(pages, of_an_arena_are_freed_by_threads) {
    MmlThreads *threads;
    cr_assert_eq(mml_threads_new(2, &threads), MML_OK);
    MmlArena *arena = mml_arena_new();
    u8 *small = mml_arena_alloc(arena, 10), *large = mml_arena_alloc(arena, BYTES);
    cr_assert(small && large);
    memset(large, 1, BYTES);
    mml_pages_free_arena(threads, arena);
    mml_pages_free_arena(threads, NULL);
    mml_pages_free_arena(NULL, mml_arena_new());
    mml_threads_free(threads);
}
