#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "support/diag.h"

static Arena       *arena;
static Diagnostics *diagnostics;

static void set_up(void) {
    arena       = arena_new();
    diagnostics = diagnostics_new(arena);
}

static void tear_down(void) { arena_free(arena); }

TestSuite(diag, .init = set_up, .fini = tear_down);

static Source *source_of(const char *path, const char *text) { return source_from_text(arena, path, text, strlen(text)); }

static void expect_text(DiagFormat format, int color, const char *expected) {
    char *got = NULL;
    size_t length;
    FILE *out = open_memstream(&got, &length);
    diag_print(diagnostics, out, format, color);
    fclose(out);
    cr_expect_str_eq(got, expected);
    free(got);
}

Test(diag, shows_place_code_line_and_caret) {
    Source *source = source_of("x.mml", "param a = 1\nparam tau = two\n");
    Diagnostic *d = diag(diagnostics, E0110, (Span){source, 24, 27}, "expected %s", "a number");
    diag_note(diagnostics, d, (Span){source, 6, 7}, "as here");
    diag_note(diagnostics, d, (Span){0}, "no place");
    diag_help(diagnostics, d, "write `2`");
    expect_text(DIAG_TEXT, 0,
                "x.mml:2:13: error[E0110]: expected a number\n"
                "    2 | param tau = two\n"
                "      |             ^~~\n"
                "x.mml:1:7: note: as here\n"
                "    1 | param a = 1\n"
                "      |       ^\n"
                "      = note: no place\n"
                "      = help: write `2`\n");
}

Test(diag, without_a_place_is_about_the_call) {
    diag(diagnostics, E0401, (Span){0}, "there is no processor `x`");
    expect_text(DIAG_TEXT, 0, "mmlc: error[E0401]: there is no processor `x`\n");
}

Test(diag, puts_the_caret_below_tabs_and_wide_letters) {
    Source *source = source_of("x.mml", "\ta\t= \"\xC3\xA9\xE6\x97\xA5\" oops\n");
    diag(diagnostics, E0110, (Span){source, 13, 17}, "no");
    expect_text(DIAG_TEXT, 0,
                "x.mml:1:14: error[E0110]: no\n"
                "    1 |     a    = \"\xC3\xA9\xE6\x97\xA5\" oops\n"
                "      |                  ^~~~\n");
}

Test(diag, shows_what_is_no_text_as_replacement_characters) {
    Source *source = source_of("x.mml", "a\x01\xFF\x1B[31m\r\nb");
    diag(diagnostics, E0102, (Span){source, 2, 3}, "no");
    expect_text(DIAG_TEXT, 0,
                "x.mml:1:3: error[E0102]: no\n"
                "    1 | a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD[31m\n"
                "      |   ^\n");
}

Test(diag, marks_a_span_of_several_lines_to_the_first_ones_end) {
    Source *source = source_of("x.mml", "let x = f(\n  1)\n");
    diag(diagnostics, E0110, (Span){source, 8, 15}, "no");
    expect_text(DIAG_TEXT, 0,
                "x.mml:1:9: error[E0110]: no\n"
                "    1 | let x = f(\n"
                "      |         ^~\n");
}

Test(diag, points_behind_the_last_byte) {
    Source *source = source_of("x.mml", "let x =");
    diag(diagnostics, E0110, (Span){source, 7, 7}, "no");
    expect_text(DIAG_TEXT, 0,
                "x.mml:1:8: error[E0110]: no\n"
                "    1 | let x =\n"
                "      |        ^\n");
}

Test(diag, cuts_long_lines_around_the_span) {
    char *text = arena_printf(arena, "%0*d!%0*d", 200, 0, 200, 0);
    Source *source = source_of("x.mml", text);
    diag(diagnostics, E0110, (Span){source, 200, 201}, "no");
    expect_text(DIAG_TEXT, 0, arena_printf(arena,
                "x.mml:1:201: error[E0110]: no\n"
                "    1 | ...%0*d!%0*d...\n"
                "      | %*s^\n", 60, 0, 59, 0, 63, ""));
}

Test(diag, sorts_by_source_and_place) {
    Source *first = source_of("a.mml", "abc"), *second = source_of("b.mml", "abc");
    diag(diagnostics, E0110, (Span){first, 2, 3}, "third");
    diag(diagnostics, E0110, (Span){second, 0, 1}, "fourth");
    diag(diagnostics, E0111, (Span){first, 0, 1}, "second");
    diag(diagnostics, E0110, (Span){first, 0, 1}, "first");
    expect_text(DIAG_TEXT, 0,
                "a.mml:1:1: error[E0110]: first\n    1 | abc\n      | ^\n"
                "a.mml:1:1: error[E0111]: second\n    1 | abc\n      | ^\n"
                "a.mml:1:3: error[E0110]: third\n    1 | abc\n      |   ^\n"
                "b.mml:1:1: error[E0110]: fourth\n    1 | abc\n      | ^\n");
}

Test(diag, drops_a_second_one_of_the_same_code_and_place) {
    Source *source = source_of("x.mml", "abc");
    cr_assert_not_null(diag(diagnostics, E0110, (Span){source, 1, 2}, "first"));
    cr_assert_null(diag(diagnostics, E0110, (Span){source, 1, 3}, "second"));
    cr_assert_not_null(diag(diagnostics, E0111, (Span){source, 1, 2}, "other code"));
    diag_help(diagnostics, NULL, "help for nothing is nothing");
    cr_assert_eq(diag_errors(diagnostics), 2);
    cr_assert_eq(diag_warnings(diagnostics), 0);
    cr_assert(diag_has(diagnostics, E0111));
    cr_assert_not(diag_has(diagnostics, E0112));
}

Test(diag, keeps_a_thousand_and_counts_the_rest) {
    char *text = arena_alloc(arena, 3001);
    memset(text, 'x', 3000);
    Source *source = source_of("x.mml", text);
    for (uint32_t i = 0; i < 3000; i++) diag(diagnostics, E0110, (Span){source, i, i + 1}, "no");
    cr_assert_eq(diag_errors(diagnostics), 3000);
    char *got = NULL;
    size_t length;
    FILE *out = open_memstream(&got, &length);
    diag_print(diagnostics, out, DIAG_TEXT, 0);
    fclose(out);
    cr_assert_not_null(strstr(got, "x.mml:1:1000: "));
    cr_assert_null(strstr(got, "x.mml:1:1001: "));
    cr_assert_not_null(strstr(got, "2000 further messages are left out"));
    free(got);
}

Test(diag, writes_colours_when_asked) {
    Source *source = source_of("x.mml", "abc");
    diag(diagnostics, E0110, (Span){source, 0, 1}, "no");
    expect_text(DIAG_TEXT, 1,
                "\033[1mx.mml:1:1: \033[0m\033[1;31merror[E0110]: \033[0m\033[1mno\033[0m\n"
                "\033[34m    1 | \033[0mabc\033[34m\n      | \033[0m\033[1;31m^\033[0m\n");
}

Test(diag, writes_one_json_object_a_line) {
    Source *source = source_of("x \"y\".mml", "ab\ncd\n");
    Diagnostic *d = diag(diagnostics, E0110, (Span){source, 4, 5}, "tab\t, quote \", bad \xFF, \xC3\xA9");
    diag_note(diagnostics, d, (Span){source, 0, 2}, "a note");
    diag_help(diagnostics, d, "a help");
    diag(diagnostics, E0111, (Span){source, 5, 5}, "second");
    char *got = NULL;
    size_t length;
    FILE *out = open_memstream(&got, &length);
    diag_print(diagnostics, out, DIAG_JSON, 1);
    fclose(out);
    char *line_break = strchr(got, '\n');
    cr_assert(line_break && strchr(line_break + 1, '\n') == got + length - 1);
    json_t *object = json_loadb(got, (size_t)(line_break - got), 0, NULL);
    cr_assert_not_null(object, "%s", got);
    const char *severity, *code, *message, *path, *note, *help;
    int line, column, end_line, end_column, begin, end, note_begin;
    cr_assert_eq(json_unpack(object, "{s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:[{s:s, s:i}], s:[s]}", "severity", &severity, "code", &code,
                             "message", &message, "file", &path, "line", &line, "column", &column, "end_line", &end_line, "end_column", &end_column,
                             "begin", &begin, "end", &end, "notes", "message", &note, "begin", &note_begin, "help", &help), 0);
    cr_expect_str_eq(severity, "error");
    cr_expect_str_eq(code, "E0110");
    cr_expect_str_eq(message, "tab\t, quote \", bad \xEF\xBF\xBD, \xC3\xA9");
    cr_expect_str_eq(path, "x \"y\".mml");
    cr_expect(line == 2 && column == 2 && end_line == 2 && end_column == 3 && begin == 4 && end == 5 && note_begin == 0);
    cr_expect_str_eq(note, "a note");
    cr_expect_str_eq(help, "a help");
    json_decref(object);
    free(got);
}

Test(diag, finds_entries_of_the_catalogue) {
    cr_assert_str_eq(diag_code_text(E0110), "E0110");
    cr_assert_str_eq(diag_entry("E0110")->title, "syntax error");
    cr_assert_null(diag_entry("E9999"));
}

Test(diag, a_broken_invariant_exits_with_70, .exit_code = 70) {
    mml_ice("a tree with %d roots", 2);
}
