/* Golden pairs: every tests/sema/NAME.mml with all that is said about it in
 * NAME.err. A first line `# options: -D half=10 --set train.joint.epochs=2 -I modules`
 * is what the command line would have. After a change of messages:
 *   MML_GOLDEN=write build/.../test_sema --filter='sema_golden*'
 * and read the difference before committing it.
 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sema/sema.h"
#include "syntax/parse.h"

#define FOLDER MML_SOURCE_DIR "/tests/sema"

enum { MOST_OPTIONS = 16 };

typedef struct { Define defines[MOST_OPTIONS], sets[MOST_OPTIONS]; const char *include[MOST_OPTIONS]; AnalyseOptions options; } Options;

static void read_options(Arena *arena, const Source *source, Options *out) {
    static const char mark[] = "# options:";
    out->options = (AnalyseOptions){out->defines, 0, out->sets, 0, out->include, 0};
    if (strncmp(source->text, mark, sizeof mark - 1) != 0)
        return;
    char *line = arena_copy(arena, source->text + sizeof mark - 1, strcspn(source->text, "\n") - (sizeof mark - 1));
    for (char *word = strtok(line, " "); word; word = strtok(NULL, " ")) {
        char *value = strtok(NULL, " ");
        cr_assert(value, "an option without a value in %s", source->path);
        if (strcmp(word, "-I") == 0) {
            out->include[out->options.include_count++] = value;
            continue;
        }
        char *equals = strchr(value, '=');
        cr_assert(equals, "an option without = in %s", source->path);
        *equals = 0;
        if (strcmp(word, "-D") == 0)
            out->defines[out->options.define_count++] = (Define){value, equals + 1};
        else
            out->sets[out->options.set_count++] = (Define){value, equals + 1};
    }
}

/* All that the compiler says about a file; sets *fine to whether it gave a program. */
static char *said_about(const char *path, int *fine) {
    char *text = NULL;
    size_t length = 0;
    Arena *arena = arena_new();
    Interner *names = interner_new(arena);
    Diagnostics *diagnostics = diagnostics_new(arena);
    const Source *source = source_read(arena, path);
    cr_assert(source, "%s can't be read", path);
    Options options;
    read_options(arena, source, &options);
    const File *file = parse_file(arena, names, diagnostics, source);
    *fine = analyse(arena, names, diagnostics, file, &options.options) != NULL;
    FILE *out = open_memstream(&text, &length);
    diag_print(diagnostics, out, DIAG_TEXT, 0);
    fclose(out);
    arena_free(arena);
    return text;
}

static char *read_whole(const char *path) {
    FILE *in = fopen(path, "rb");
    if (!in)
        return strdup("");
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    for (int c = fgetc(in); c != EOF; c = fgetc(in))
        fputc(c, out);
    fclose(in);
    fclose(out);
    return text;
}

/* The first line that differs, of both. */
static void show_difference(const char *expected, const char *got) {
    int line = 1;
    while (*expected && *got) {
        size_t a = strcspn(expected, "\n"), b = strcspn(got, "\n");
        if (a != b || strncmp(expected, got, a) != 0)
            break;
        expected += a + (expected[a] == '\n');
        got += b + (got[b] == '\n');
        line++;
    }
    fprintf(stderr, "from line %d on\n- expected ----\n%s- got ---------\n%s---------------\n", line, expected, got);
}

/* ---- Pairs ---- */

typedef struct { char name[128]; } Pair;

static int by_name(const void *a, const void *b) {
    return strcmp(((const Pair *)a)->name, ((const Pair *)b)->name);
}

static int list_programs(const char *folder, Pair *pairs, int capacity) {
    int count = 0;
    DIR *dir = opendir(folder);
    if (!dir)
        return 0;
    for (struct dirent *entry = readdir(dir); entry && count < capacity; entry = readdir(dir)) {
        size_t length = strlen(entry->d_name);
        if (length > 4 && length < sizeof pairs->name && strcmp(entry->d_name + length - 4, ".mml") == 0)
            memcpy(pairs[count++].name, entry->d_name, length + 1);
    }
    closedir(dir);
    qsort(pairs, (size_t)count, sizeof *pairs, by_name);
    return count;
}

ParameterizedTestParameters(sema_golden, says_what_is_expected) {
    enum { MOST = 1024 };
    Pair *pairs = cr_malloc(sizeof *pairs * MOST);
    int count = list_programs(FOLDER, pairs, MOST);
    return cr_make_param_array(Pair, pairs, count, NULL);
}

ParameterizedTest(Pair *pair, sema_golden, says_what_is_expected) {
    char expectation[160];
    int fine;
    cr_assert_eq(chdir(FOLDER), 0);
    snprintf(expectation, sizeof expectation, "%.*s.err", (int)strlen(pair->name) - 4, pair->name);
    char *got = said_about(pair->name, &fine), *expected = read_whole(expectation);
    const char *mode = getenv("MML_GOLDEN");
    int same = 1, wrong = strstr(got, ": error[") != NULL;
    if (mode && strcmp(mode, "write") == 0) {
        FILE *out = fopen(expectation, "wb");
        cr_assert(out);
        fputs(got, out);
        fclose(out);
    } else if (strcmp(got, expected) != 0) {
        show_difference(expected, got);
        same = 0;
    }
    free(got);
    free(expected);
    cr_assert(same, "%s: another message than in %s", pair->name, expectation);
    cr_assert_neq(fine, wrong, "%s: a program in spite of errors, or none without", pair->name);
}

/* ---- The catalogue ---- */

static int mentioned(const char *code) {
    static Pair pairs[1024];
    int count = list_programs(FOLDER, pairs, 1024), found = 0;
    char bracketed[16], path[512];
    snprintf(bracketed, sizeof bracketed, "[%s]", code);
    for (int i = 0; i < count && !found; i++) {
        snprintf(path, sizeof path, "%s/%.*s.err", FOLDER, (int)strlen(pairs[i].name) - 4, pairs[i].name);
        char *text = read_whole(path);
        found = strstr(text, bracketed) != NULL;
        free(text);
    }
    return found;
}

Test(sema_catalogue, has_a_golden_message_for_every_diagnostic_of_declarations_and_values) {
    for (int code = 0; code < DIAGNOSTIC_COUNT; code++) {
        const char *text = diag_code_text(code);
        if (text[1] == '0' && (text[2] == '2' || text[2] == '3'))
            cr_expect(mentioned(text), "no tests/sema/*.err has %s", text);
    }
}

/* ---- Programs that are right ---- */

static void expect_all_fine(const char *folder) {
    static Pair pairs[256];
    int count = list_programs(folder, pairs, 256);
    if (count == 0)
        fprintf(stderr, "skipped: no programs in %s\n", folder);
    for (int i = 0; i < count; i++) {
        char path[1024];
        int fine;
        snprintf(path, sizeof path, "%s/%s", folder, pairs[i].name);
        char *said = said_about(path, &fine);
        cr_expect(fine, "%s:\n%s", pairs[i].name, said);
        cr_expect_str_empty(said, "%s", pairs[i].name);
        free(said);
    }
}

Test(sema_programs, the_canon_passes_without_a_word) { expect_all_fine(MML_SHARED_DIR "/specs/examples"); }
Test(sema_programs, the_examples_pass_without_a_word) { expect_all_fine(MML_SOURCE_DIR "/examples"); }
Test(sema_programs, programs_by_the_specification_pass_without_a_word) { expect_all_fine(MML_SOURCE_DIR "/tests/programs"); }
