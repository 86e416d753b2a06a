/* Programs of the specification and of examples/, and what is left of them when cut. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "syntax/parse.h"

/* Errors in text; prints them. */
static int errors_in(const char *name, const char *text, size_t length, int shown) {
    Arena *arena = arena_new();
    Diagnostics *diagnostics = diagnostics_new(arena);
    const Source *source = source_from_text(arena, name, arena_copy(arena, text, length), length);
    parse_file(arena, interner_new(arena), diagnostics, source);
    int errors = diag_errors(diagnostics);
    if (shown) diag_print(diagnostics, stderr, DIAG_TEXT, 0);
    arena_free(arena);
    return errors;
}

static char *read_text(const char *path, size_t *length) {
    char *text = NULL;
    FILE *in = fopen(path, "rb");
    if (!in) return NULL;
    FILE *out = open_memstream(&text, length);
    for (int c; (c = fgetc(in)) != EOF;) fputc(c, out);
    fclose(in);
    fclose(out);
    return text;
}

static int is_program(const struct dirent *entry) {
    size_t length = strlen(entry->d_name);
    return length > 4 && strcmp(entry->d_name + length - 4, ".mml") == 0;
}

typedef void Visit(const char *path, const char *text, size_t length);

static int visit_programs(const char *folder, Visit *visit) {
    struct dirent **entries;
    int count = scandir(folder, &entries, is_program, alphasort);
    for (int i = 0; i < count; i++) {
        char path[4096];
        size_t length;
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        char *text = read_text(path, &length);
        cr_assert_not_null(text);
        visit(path, text, length);
        free(text);
        free(entries[i]);
    }
    if (count >= 0) free(entries);
    return count;
}

static void parses(const char *path, const char *text, size_t length) {
    cr_expect_eq(errors_in(path, text, length, 1), 0, "%s", path);
}

Test(specification, its_examples_parse) {
    if (visit_programs(MML_SHARED_DIR "/specs/examples", parses) < 0) fprintf(stderr, "skipped: the specification's examples: no ../shared\n");
}

Test(specification, examples_programs_and_library_parse) {
    cr_assert_gt(visit_programs(MML_SOURCE_DIR "/examples", parses), 0);
    cr_assert_gt(visit_programs(MML_SOURCE_DIR "/tests/programs", parses), 0);
    cr_assert_gt(visit_programs(MML_SOURCE_DIR "/stdlib", parses), 0);
}

/* The code blocks of language.md; the first is a sketch of a file, not a program. */
Test(specification, its_code_blocks_parse) {
    size_t length;
    char *text = read_text(MML_SHARED_DIR "/specs/language.md", &length);
    if (!text) {
        fprintf(stderr, "skipped: the code blocks of language.md: no ../shared\n");
        return;
    }
    int count = 0;
    for (char *at = strstr(text, "```\n"); at;) {
        char *end = strstr(at + 4, "```");
        cr_assert_not_null(end);
        if (count++) cr_expect_eq(errors_in("language.md", at + 4, (size_t)(end - at - 4), 1), 0, "block %d", count);
        at = strstr(end + 3, "```\n");
    }
    cr_assert_gt(count, 5);
    free(text);
}

/* Whatever is missing at the end, the parser stops and says so once at most for each open bracket and the cut place. */
static void is_cut(const char *path, const char *text, size_t length) {
    for (size_t cut = 0; cut < length; cut++)
        cr_assert_lt(errors_in(path, text, cut, 0), 8, "%s cut at byte %zu", path, cut);
}

Test(recovery, a_program_cut_anywhere_gives_few_errors) {
    cr_assert_gt(visit_programs(MML_SOURCE_DIR "/examples", is_cut), 0);
}

static void loses_a_byte(const char *path, const char *text, size_t length) {
    char *copy = malloc(length);
    cr_assert_not_null(copy);
    for (size_t gone = 0; gone < length; gone++) {
        memcpy(copy, text, gone);
        memcpy(copy + gone, text + gone + 1, length - gone - 1);
        cr_assert_lt(errors_in(path, copy, length - 1, 0), 5, "%s without byte %zu", path, gone);
    }
    free(copy);
}

Test(recovery, a_program_without_one_byte_gives_few_errors) {
    cr_assert_gt(visit_programs(MML_SOURCE_DIR "/examples", loses_a_byte), 0);
}
