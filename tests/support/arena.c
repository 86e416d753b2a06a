#include <criterion/criterion.h>
#include <string.h>
#include "support/arena.h"

Test(arena, gives_zeroed_aligned_memory_that_does_not_overlap) {
    Arena *arena = arena_new();
    char  *blocks[2000];
    for (int i = 0; i < 2000; i++) {
        size_t bytes = (size_t)(i * 37 % 500) + (i % 100 == 0 ? 100000 : 1);
        blocks[i] = arena_alloc(arena, bytes);
        cr_assert_eq((uintptr_t)blocks[i] % 16, 0);
        for (size_t j = 0; j < bytes; j++) cr_assert_eq(blocks[i][j], 0);
        memset(blocks[i], i % 127 + 1, bytes);
    }
    for (int i = 0; i < 2000; i++) cr_assert_eq(blocks[i][0], i % 127 + 1, "block %d was overwritten", i);
    arena_free(arena);
}

Test(arena, of_nothing_can_be_freed) {
    arena_free(NULL);
    arena_free(arena_new());
}

Test(arena, copies_and_formats_texts) {
    Arena *arena = arena_new();
    cr_assert_str_eq(arena_copy(arena, "abcdef", 3), "abc");
    cr_assert_str_eq(arena_copy(arena, NULL, 0), "");
    cr_assert_str_eq(arena_printf(arena, "%s-%d", "x", 42), "x-42");
    char *longer = arena_printf(arena, "%0*d", 100000, 7);
    cr_assert_eq(strlen(longer), 100000);
    cr_assert_eq(longer[99999], '7');
    arena_free(arena);
}

Test(arena, vectors_keep_their_items_while_growing) {
    Arena *arena = arena_new();
    VECTOR(int) numbers = {0};
    for (int i = 0; i < 10000; i++) VECTOR_PUSH(arena, &numbers, i * i);
    cr_assert_eq(numbers.count, 10000);
    for (int i = 0; i < 10000; i++) cr_assert_eq(numbers.items[i], i * i);
    arena_free(arena);
}

Test(arena, says_that_memory_ran_out_and_exits_with_3, .exit_code = 3) {
    arena_alloc(arena_new(), SIZE_MAX / 2 + 1);
}
