#include <criterion/criterion.h>
#include <string.h>

#include "mml/base.h"

static int is_zero(const u8 *bytes, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (bytes[i]) return 0;
    return 1;
}

Test(arena, gives_aligned_zeroed_memory_of_any_size) {
    MmlArena *arena = mml_arena_new();
    static const size_t sizes[] = {0, 1, 63, 64, 65, 4096, 65536, 65537, 1000000, 3};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        u8 *p = mml_arena_alloc(arena, sizes[i]);
        cr_assert_not_null(p);
        cr_assert_eq((uintptr_t)p % 64, 0);
        cr_assert(is_zero(p, sizes[i]));
        memset(p, 0xff, sizes[i]);
    }
    mml_arena_free(arena);
}

Test(arena, allocations_do_not_overlap) {
    MmlArena *arena = mml_arena_new();
    enum { COUNT = 300 };
    u8 *p[COUNT];
    for (int i = 0; i < COUNT; i++) memset(p[i] = mml_arena_alloc(arena, (size_t)(i * 37)), i % 251, (size_t)(i * 37));
    for (int i = 0; i < COUNT; i++)
        for (int j = 0; j < i * 37; j++) cr_assert_eq(p[i][j], i % 251);
    mml_arena_free(arena);
}

Test(arena, gives_zeroed_memory_again_after_release) {
    MmlArena *arena = mml_arena_new();
    u8 *kept = mml_arena_alloc(arena, 10);
    kept[0] = 9;
    MmlArenaMark mark = mml_arena_mark(arena);
    for (int round = 0; round < 3; round++) {
        for (int i = 1; i < 8; i++) {
            u8 *p = mml_arena_alloc(arena, (size_t)30000 * (size_t)i);
            cr_assert(is_zero(p, (size_t)30000 * (size_t)i));
            memset(p, 0xff, (size_t)30000 * (size_t)i);
        }
        mml_arena_release(arena, mark);
    }
    cr_assert_eq(kept[0], 9);
    cr_assert_eq((u8 *)mml_arena_alloc(arena, 1), kept + 64);
    mml_arena_free(arena);
}

Test(arena, marks_of_an_empty_arena_release_everything) {
    MmlArena *arena = mml_arena_new();
    MmlArenaMark mark = mml_arena_mark(arena);
    cr_assert_not_null(mml_arena_alloc(arena, 100000));
    mml_arena_release(arena, mark);
    cr_assert_not_null(mml_arena_alloc(arena, 100000));
    mml_arena_free(arena);
}

Test(arena, refuses_impossible_sizes_with_a_message) {
    MmlArena *arena = mml_arena_new();
    cr_assert_null(mml_arena_alloc(arena, SIZE_MAX));
    cr_assert_null(mml_arena_alloc(arena, SIZE_MAX / 2 - 1));
    cr_assert(strstr(mml_message(), "out of memory") != NULL);
    cr_assert_not_null(mml_arena_alloc(arena, 8));
    mml_arena_free(arena);
}

Test(arena, formats_strings_of_any_length) {
    MmlArena *arena = mml_arena_new();
    cr_assert_str_eq(mml_arena_format(arena, "%s-%d", "epoch", 12), "epoch-12");
    char *long_one = mml_arena_format(arena, "%0200000d", 7);
    cr_assert_eq(strlen(long_one), 200000);
    cr_assert_eq(long_one[199999], '7');
    mml_arena_free(arena);
}

Test(arena, freeing_none_is_fine) { mml_arena_free(NULL); }

Test(arena, lists_grow_and_keep_their_items) {
    MmlArena *arena = mml_arena_new();
    i64 *list = NULL, room = 0;
    for (i64 i = 0; i < 100; i++) {
        list = MML_GROW(arena, list, i, &room, 3);
        cr_assert(list && room > i);
        list[i] = i;
    }
    for (i64 i = 0; i < 100; i++) cr_assert_eq(list[i], i);
    mml_arena_free(arena);
}
