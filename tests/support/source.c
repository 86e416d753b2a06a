#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "support/source.h"

static Source *source_of(Arena *arena, const char *text) { return source_from_text(arena, "x.mml", text, strlen(text)); }

static void expect_place(const Source *source, uint32_t offset, int line, int column) {
    int l, c;
    source_position(source, offset, &l, &c);
    cr_expect(l == line && c == column, "offset %u is %d:%d, not %d:%d", offset, l, c, line, column);
}

Test(source, counts_lines_and_columns_from_one) {
    Arena *arena = arena_new();
    Source *source = source_of(arena, "ab\n\ncd\r\ne");
    expect_place(source, 0, 1, 1);
    expect_place(source, 2, 1, 3);       /* the line break itself */
    expect_place(source, 3, 2, 1);
    expect_place(source, 4, 3, 1);
    expect_place(source, 8, 4, 1);
    expect_place(source, 9, 4, 2);       /* the end */
    cr_assert_eq(source->line_count, 4);
    arena_free(arena);
}

Test(source, without_text_has_one_line) {
    Arena *arena = arena_new();
    Source *source = source_of(arena, "");
    cr_assert_eq(source->line_count, 1);
    expect_place(source, 0, 1, 1);
    arena_free(arena);
}

Test(source, joins_spans_of_one_source) {
    Arena *arena = arena_new();
    Source *source = source_of(arena, "0123456789"), *other = source_of(arena, "x");
    Span joined = span_join((Span){source, 6, 8}, (Span){source, 2, 3});
    cr_assert(joined.begin == 2 && joined.end == 8);
    joined = span_join((Span){source, 6, 8}, (Span){other, 0, 1});
    cr_assert(joined.source == source && joined.begin == 6);
    joined = span_join((Span){0}, (Span){other, 0, 1});
    cr_assert_eq(joined.source, other);
    arena_free(arena);
}

Test(source, writes_places) {
    Arena *arena = arena_new();
    Source *source = source_of(arena, "a\nbc");
    cr_assert_str_eq(span_line_text(arena, (Span){source, 3, 4}), "x.mml:2");
    cr_assert_str_eq(span_place_text(arena, (Span){source, 3, 4}), "x.mml:2:2");
    cr_assert_str_eq(span_place_text(arena, (Span){0}), "");
    arena_free(arena);
}

static char *file_with(const char *text, size_t length) {
    static char path[64];
    strcpy(path, "/tmp/mml-source-XXXXXX");
    int file = mkstemp(path);
    cr_assert(file >= 0 && write(file, text, length) == (ssize_t)length && close(file) == 0);
    return path;
}

Test(source, is_read_as_it_is) {
    Arena *arena = arena_new();
    char *path = file_with("a\0b\n", 4);
    Source *source = source_read(arena, path);
    unlink(path);
    cr_assert_not_null(source);
    cr_assert_eq(source->length, 4);
    cr_assert_eq(memcmp(source->text, "a\0b\n", 5), 0);
    arena_free(arena);
}

Test(source, that_can_not_be_read_gives_errno) {
    Arena *arena = arena_new();
    cr_assert_null(source_read(arena, "/nonexistent/x.mml"));
    cr_assert_eq(errno, ENOENT);
    cr_assert_null(source_read(arena, "/tmp"));
    cr_assert_eq(errno, EISDIR);
    char *path = file_with("", 0);
    cr_assert_eq(truncate(path, 17 * 1024 * 1024), 0);
    cr_assert_null(source_read(arena, path));
    cr_assert_eq(errno, EFBIG);
    unlink(path);
    arena_free(arena);
}
