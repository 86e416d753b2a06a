/* Golden pairs: of every tests/syntax/NAME.mml all that the parser says stands in
 * NAME.err, and of one without errors the tree in NAME.ast. After a change:
 *   MML_GOLDEN=write build/debug/tests/test_syntax --filter='golden*'
 * and read the difference before committing it.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "syntax/parse.h"

#define FOLDER MML_SOURCE_DIR "/tests/syntax"

enum { MOST_PAIRS = 256 };

typedef struct { char *said, *tree; int errors; } Outcome;

static Outcome parse(const char *name) {
    char path[4096];
    size_t length;
    Outcome outcome = {0};
    Arena *arena = arena_new();
    snprintf(path, sizeof path, "%s/%s", FOLDER, name);
    Source *source = source_read(arena, path);
    cr_assert_not_null(source, "%s can't be read", path);
    source->path = name;
    Diagnostics *diagnostics = diagnostics_new(arena);
    const File *file = parse_file(arena, interner_new(arena), diagnostics, source);
    FILE *said = open_memstream(&outcome.said, &length), *tree;
    diag_print(diagnostics, said, DIAG_TEXT, 0);
    fclose(said);
    tree = open_memstream(&outcome.tree, &length);
    print_ast(file, tree);
    fclose(tree);
    outcome.errors = diag_errors(diagnostics);
    arena_free(arena);
    return outcome;
}

static char *read_text(const char *path) {
    char *text = NULL;
    size_t length;
    FILE *in = fopen(path, "rb"), *out = open_memstream(&text, &length);
    for (int c; in && (c = fgetc(in)) != EOF;) fputc(c, out);
    if (in) fclose(in);
    fclose(out);
    return text;
}

/* Prints from the first line on that differs. */
static void show_difference(const char *name, const char *expected, const char *got) {
    int line = 1;
    for (size_t a; *expected && *got; line++) {
        a = strcspn(expected, "\n");
        if (a != strcspn(got, "\n") || strncmp(expected, got, a) != 0) break;
        expected += a + (expected[a] == '\n');
        got      += a + (got[a] == '\n');
    }
    fprintf(stderr, "%s differs from line %d on\n--- expected\n%s--- got\n%s---\n", name, line, expected, got);
}

/* got is what stands in NAME + ending; with MML_GOLDEN=write it is written there. */
static int matches(const char *program, const char *ending, const char *got) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%.*s%s", FOLDER, (int)(strlen(program) - 4), program, ending);
    const char *mode = getenv("MML_GOLDEN");
    if (mode && strcmp(mode, "write") == 0) {
        FILE *out = fopen(path, "wb");
        cr_assert(out && fputs(got, out) >= 0 && fclose(out) == 0);
        return 1;
    }
    char *expected = read_text(path);
    int   same = strcmp(expected, got) == 0;
    if (!same) show_difference(path + sizeof FOLDER, expected, got);
    free(expected);
    return same;
}

static int is_program(const struct dirent *entry) {
    size_t length = strlen(entry->d_name);
    return length > 4 && strcmp(entry->d_name + length - 4, ".mml") == 0;
}

Test(golden, every_program_gives_its_messages_or_its_tree) {
    struct dirent **entries;
    int count = scandir(FOLDER, &entries, is_program, alphasort), wrong = 0;
    cr_assert_gt(count, 20);
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        Outcome outcome = parse(name);
        wrong += !matches(name, outcome.errors ? ".err" : ".ast", outcome.errors ? outcome.said : outcome.tree);
        cr_expect(outcome.errors || !*outcome.said, "%s: a warning without an error", name);
        free(outcome.said);
        free(outcome.tree);
        free(entries[i]);
    }
    free(entries);
    cr_assert_eq(wrong, 0, "%d of %d pairs differ (above)", wrong, count);
}

Test(golden, every_syntax_diagnostic_is_provoked_by_a_program) {
    struct dirent **entries;
    int  count = scandir(FOLDER, &entries, is_program, alphasort);
    char seen[DIAGNOSTIC_COUNT] = {0};
    for (int i = 0; i < count; i++) {
        Outcome outcome = parse(entries[i]->d_name);
        for (int code = 0; code < DIAGNOSTIC_COUNT; code++)
            seen[code] |= strstr(outcome.said, diag_code_text((DiagCode)code)) != NULL;
        free(outcome.said);
        free(outcome.tree);
        free(entries[i]);
    }
    free(entries);
    for (int code = 0; code < DIAGNOSTIC_COUNT; code++)
        if (strncmp(diag_code_text((DiagCode)code), "E01", 3) == 0)
            cr_expect(seen[code], "no program provokes %s", diag_code_text((DiagCode)code));
}

Test(catalogue, each_syntax_diagnostic_has_title_meaning_and_repair) {
    for (int code = 0; code < DIAGNOSTIC_COUNT; code++) {
        const DiagEntry *entry = diag_entry(diag_code_text((DiagCode)code));
        cr_assert_not_null(entry);
        if (strncmp(entry->code, "E01", 3) != 0) continue;
        cr_expect(strlen(entry->title) > 3 && strlen(entry->meaning) > 20, "%s", entry->code);
        cr_expect(*entry->wrong && *entry->right && strcmp(entry->wrong, entry->right) != 0, "%s", entry->code);
    }
}
