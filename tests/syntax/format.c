/* `mmlc fmt`: the layout of every program here and of programs changed at random.
 *
 * MML_MUTATIONS=10000 (bench/format_mutations) has that many changed programs that still
 * parse formatted, instead of some hundreds.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "syntax/format.h"
#include "syntax/parse.h"

enum { MOST_PROGRAMS = 512, LONGEST_MUTANT = 8 * 1024 };

static const char *const folders[] = {
    MML_SOURCE_DIR "/examples", MML_SOURCE_DIR "/stdlib", MML_SOURCE_DIR "/tests/programs", MML_SOURCE_DIR "/tests/syntax",
    MML_SOURCE_DIR "/tests/sema", MML_SHARED_DIR "/specs/examples",
};

static char *programs[MOST_PROGRAMS];
static int   program_count;

static char *read_text(const char *path) {
    char  *text = NULL;
    size_t length;
    FILE  *in = fopen(path, "rb"), *out = open_memstream(&text, &length);
    for (int c; in && (c = fgetc(in)) != EOF;) fputc(c, out);
    if (in) fclose(in);
    fclose(out);
    return text;
}

static void read_programs(void) {
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        DIR *folder = opendir(folders[i]);
        for (struct dirent *entry; folder && (entry = readdir(folder)) && program_count < MOST_PROGRAMS;) {
            size_t length = strlen(entry->d_name);
            char path[4096];
            if (length < 5 || strcmp(entry->d_name + length - 4, ".mml") != 0) continue;
            snprintf(path, sizeof path, "%s/%s", folders[i], entry->d_name);
            programs[program_count++] = read_text(path);
        }
        if (folder) closedir(folder);
    }
}

/* The formatted text in malloc's memory, or NULL of a wrong program. format_source itself
 * compares trees and comments, and ends the process where they differ. */
static char *formatted(const char *text) {
    Arena *arena = arena_new();
    size_t length = 0;
    const Source *source = source_from_text(arena, "test.mml", text, strlen(text));
    const char *result = format_source(arena, interner_new(arena), diagnostics_new(arena), source, &length);
    char *copy = result ? strdup(result) : NULL;
    arena_free(arena);
    return copy;
}

static void stands(const char *text, const char *expected) {
    char *result = formatted(text), *again = result ? formatted(result) : NULL;
    cr_assert_not_null(result, "this doesn't parse:\n%s", text);
    cr_assert_str_eq(result, expected, "expected\n%sgot\n%s", expected, result);
    cr_assert_str_eq(again, result, "a second time gives\n%safter\n%s", again, result);
    free(result);
    free(again);
}

Test(layout, puts_one_blank_around_operators_and_none_inside_brackets) {
    stands("fusion=concat->linear( classes )\n", "fusion = concat -> linear(classes)\n");
    stands("param a=- 3*(2+ 1 )\n", "param a = -3 * (2 + 1)\n");
    stands("param x:real=2.0\n", "param x : real = 2.0\n");
    stands("data d = idx(\"x\",holdout=20%)\n", "data d = idx(\"x\", holdout = 20 %)\n");
    stands("data d = f([ 1,2 ]epochs, 3s)\n", "data d = f([1, 2] epochs, 3 s)\n");
    stands("encoder e() { return conv1:conv(8 , 3)->relu }\n", "encoder e() { return conv1: conv(8, 3) -> relu }\n");
    stands("method m() { loss=sum(m in modalities:ce( head [m] )) }\n", "method m() { loss = sum(m in modalities: ce(head[m])) }\n");
}

Test(layout, puts_every_statement_on_its_line) {
    stands("param a = 1; param b = 2;;\n", "param a = 1\nparam b = 2\n");
    stands("policy p() { state a = 1; state bb = 2 }\n", "policy p() {\n  state a  = 1\n  state bb = 2\n}\n");
}

Test(layout, keeps_a_block_of_one_simple_statement_on_its_line) {
    const char *text = "policy p() {\n  on start { all() }\n  on probe(p) {\n    if p.total > 1 { all() } else { only(weak) }\n  }\n}\n";
    stands(text, text);
    stands("policy p() {\non start {\nall() } }\n", "policy p() {\n  on start {\n    all()\n  }\n}\n");
    stands("policy p() { on start { all(); all() } }\n", "policy p() {\n  on start {\n    all()\n    all()\n  }\n}\n");
    stands("policy p() {\n}\n", "policy p() {}\n");
}

Test(layout, aligns_neighbours_up_to_a_blank_line_or_a_comment) {
    stands("param a = 1\nparam long = 2\n\nparam b = 3\n", "param a    = 1\nparam long = 2\n\nparam b = 3\n");
    stands("param a = 1\n# other\nparam long = 2\n", "param a = 1\n# other\nparam long = 2\n");
    stands("param a = 1 # one\nparam long = 2 # two\n", "param a    = 1  # one\nparam long = 2  # two\n");
    stands("policy p() {\n  state a = 1\n  state of_each[m in modalities] = 1\n  state bc = 1\n}\n",
           "policy p() {\n  state a  = 1\n  state of_each[m in modalities] = 1\n  state bc = 1\n}\n");
}

Test(layout, keeps_comments_where_they_are) {
    stands("#a\n\n\n\n# b  \nparam x = 1#c\n#d\n", "#a\n\n# b\nparam x = 1  #c\n#d\n");
    stands("policy p() { # why\n# first\n  all = 1\n\n  # last\n\n}\n", "policy p() {  # why\n  # first\n  all = 1\n\n  # last\n}\n");
    stands("data d = f(a, # one\n # between\n b # two\n)\n", "data d = f(a,  # one\n           # between\n           b  # two\n    )\n");
    stands("data d = f(a # one\n, b)\n", "data d = f(a,  # one\n           b)\n");
    stands("policy p() {\n  on start {\n    if a { all() } # yes\n    # no\n    else { only(a) }\n  }\n}\n",
           "policy p() {\n  on start {\n    if a {\n      all()\n    }  # yes\n    # no\n    else {\n      only(a)\n    }\n  }\n}\n");
}

Test(layout, leaves_out_a_comma_behind_the_last_argument_and_keeps_its_comment) {
    stands("policy p(\n  a = 1, # first\n  long = 2, # second\n) {}\n", "policy p(\n  a    = 1,  # first\n  long = 2   # second\n) {}\n");
    stands("data d = f(1, 2,)\n", "data d = f(1, 2)\n");
}

Test(layout, indents_a_chain_so_that_its_parts_begin_in_one_column) {
    stands("encoder e() {\nreturn conv(8, 3)\n->relu -> flatten ->\n linear(3)\n}\n",
           "encoder e() {\n  return conv(8, 3)\n      -> relu -> flatten\n      -> linear(3)\n}\n");
    stands("encoder e() {\nlet skip = if a then\nidentity else b\n return skip }\n",
           "encoder e() {\n  let skip = if a\n             then identity else b\n  return skip\n}\n");
}

Test(layout, breaks_lines_that_are_too_long) {
    char text[1024] = "data d = f(", expected[1024] = "data d = f(";
    for (int i = 0; i < 20; i++) {
        strcat(text, i ? ", argument_0" : "argument_0");
        strcat(expected, i == 0 ? "argument_0" : i == 9 || i == 18 ? ",\n           argument_0" : ", argument_0");
    }
    strcat(text, ")\n");
    strcat(expected, ")\n");
    stands(text, expected);
}

Test(layout, is_of_line_feeds_and_ends_in_one) {
    stands("param a = 1\r\n\r\n\r\n", "param a = 1\n");
    stands("\n\n", "");
    stands("\xEF\xBB\xBFparam a = 1", "param a = 1\n");
}

Test(format, gives_nothing_for_a_wrong_program) {
    cr_assert_null(formatted("param = \n"));
}

Test(format, of_every_program_here_is_stable_and_keeps_its_tree) {
    read_programs();
    int right = 0;
    for (int i = 0; i < program_count; i++) {
        char *once = formatted(programs[i]);
        if (!once) continue;
        right++;
        char *twice = formatted(once);
        cr_expect_str_eq(once, twice, "a second time gives\n%safter\n%s", twice, once);
        free(once);
        free(twice);
    }
    cr_assert_gt(right, 20);
}

/* ---- Programs changed at random ---- */

static unsigned long long state = 0x9E3779B97F4A7C15u;

static int below(int n) {                /* xorshift64* (Vigna 2016) */
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (int)((state * 0x2545F4914F6CDD1Du >> 33) % (unsigned long long)n);
}

static int is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '"'; }

/* Some place in text; mostly the begin or end of a token. */
static int place(const char *text, int length) {
    int at = below(length + 1);
    if (below(8))
        while (at > 0 && at < length && is_word(text[at - 1]) && is_word(text[at])) at++;
    return at;
}

static void splice(char *text, int at, int gone, const char *put) {
    int length = (int)strlen(text), added = (int)strlen(put);
    if (at + gone > length || length - gone + added >= LONGEST_MUTANT) return;
    memmove(text + at + added, text + at + gone, (size_t)(length - at - gone + 1));
    memcpy(text + at, put, (size_t)added);
}

static void mutate(char *text) {
    static const char *const pieces[] = {
        " ", "\n", "\t", "   ", "\n\n\n", ";", "; ", "# c\n", " # c\n", "\n# own\n", "  # c , d\n\n", "#\n", "\r\n", ",", "(", ")", "-", "not ", " -> relu",
        " + 1", "a: ", " [1]", "if a then b else ", "(a)", ", b = 2", "{", "}", "\n}\n", "0.5", "3 s", "\"t{a}\"", " in ", "x = 1\n", "y = 1;",
    };
    int length = (int)strlen(text), at = place(text, length), end = at;
    switch (below(4)) {
    case 0: case 1:
        splice(text, at, 0, pieces[below(sizeof pieces / sizeof *pieces)]);
        break;
    case 2:                                                            /* a token or a blank goes */
        if (end < length && is_word(text[end]))
            while (end < length && is_word(text[end])) end++;
        else if (end < length) end++;
        splice(text, at, end - at, "");
        break;
    case 3: {                                                          /* a piece of the program comes again elsewhere */
        char copy[64];
        int from = place(text, length), count = below(40);
        snprintf(copy, sizeof copy, "%.*s", from + count > length ? length - from : count, text + from);
        splice(text, at, 0, copy);
        break;
    }
    }
}

static const char *at_work;             /* the program that a bug in format_source is about */

static void print_at_work(void) {
    if (at_work) fprintf(stderr, "--- formatting\n%s---\n", at_work);
}

Test(format, of_programs_changed_at_random_is_stable_and_keeps_their_trees, .timeout = 1000) {
    const char *wanted = getenv("MML_MUTATIONS");
    int most = wanted ? atoi(wanted) : 300, right = 0, tried = 0;
    read_programs();
    atexit(print_at_work);
    while (right < most && tried < 100 * most) {
        char text[LONGEST_MUTANT];
        const char *program = programs[below(program_count)];
        if (strlen(program) >= LONGEST_MUTANT / 2) continue;
        strcpy(text, program);
        for (int changes = 1 + below(6); changes; changes--) mutate(text);
        tried++;
        at_work = text;
        char *once = formatted(text);
        if (!once) continue;
        right++;
        at_work = once;
        char *twice = formatted(once);
        cr_assert_str_eq(once, twice, "a second time gives\n%safter\n%sof\n%s", twice, once, text);
        free(once);
        free(twice);
    }
    at_work = NULL;
    cr_assert_eq(right, most, "%d of %d changed programs parse", right, tried);
    if (wanted) printf("%d changed programs of %d tried parse; all are stable and keep their trees\n", right, tried);
}
