/* The source csv: joining files, labels, splits, and what it says of damaged files. */
#include "program.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* data rows = csv("a.csv", "b.csv", label = last, test = every(2, 1)). */
static Program *two_files(const char *a, const char *b) {
    Program *p = program_new();
    write_text(p, "a.csv", a);
    write_text(p, "b.csv", b);
    add_csv(p, "rows", "a.csv", "b.csv", NULL);
    set_word(p, "data.rows.label", "last");
    set_word(p, "data.rows.test", "every");
    set_int(p, "data.rows.test.every", 2);
    set_int(p, "data.rows.test.of", 1);
    add_modality(p, "a", "vector[2]", "a", 1, 2);
    add_modality(p, "b", "vector[1]", "b", 1, 1);
    set_target(p, 2, "label");
    return p;
}

#define GOOD_A "x,y,c\n1,2,0\n2,3,1\n3,4,0\n4,5,1\n5,6,0\n6,7,1\n"
#define GOOD_B "z,c\n1,0\n2,1\n3,0\n4,1\n5,0\n6,1\n"

static void refuses(const char *a, const char *b, const char *place, const char *part) {
    Program *p = two_files(a, b);
    const char *message = open_fails(p);
    expect_in(message, place);
    expect_in(message, part);
    program_free(p);
}

/* One file with label = last and no test rows: rows of two features. */
static Program *one_file(const char *text) {
    Program *p = program_new();
    write_text(p, "a.csv", text);
    add_csv(p, "rows", "a.csv", NULL);
    set_word(p, "data.rows.label", "last");
    add_modality(p, "a", "vector[2]", "a", 1, 2);
    return p;
}

static void reads(const char *text, float x, float y, i64 expected) {
    Program *p = one_file(text);
    MmlData *data = open_data(p);
    float row[2];
    i64 label;
    sample_of(data, MML_TRAIN, 0, 1, 0, p, 0, row, &label, NULL);
    cr_assert_eq(row[0], x);
    cr_assert_eq(row[1], y);
    cr_assert_eq(label, expected);
    program_free(p);
}

Test(csv, joins_files_by_position_and_takes_every_nth_row_for_test) {
    Program *p = two_files(GOOD_A, GOOD_B);
    MmlData *data = open_data(p);
    cr_assert_str_eq(mml_data_describe(data), "3 train, 3 test");
    float a[2], b[1];
    i64 label, number;
    sample_of(data, MML_TEST, 1, 1, 0, p, 0, a, &label, &number);
    sample_of(data, MML_TEST, 1, 1, 0, p, 1, b, NULL, NULL);
    cr_assert_eq(a[0], 4);
    cr_assert_eq(a[1], 5);
    cr_assert_eq(b[0], 4);
    cr_assert_eq(label, 1);
    cr_assert_eq(number, 3, "a sample's number is its row in the file");
    program_free(p);
}

Test(csv, accepts_crlf_byte_order_mark_quotes_spaces_signs_and_exponents) {
    reads("x,y,c\r\n1.5,-2,3\r\n", 1.5f, -2, 3);
    reads("\xEF\xBB\xBFx,y,c\n1,2,3\n", 1, 2, 3);
    reads("\"x, first\",\"y \"\"two\"\"\",c\n\"1\", \"2.5\" ,3\n", 1, 2.5f, 3);
    reads("x,y,c\n 1e2 ,\t+.5,3.0", 100, .5f, 3);
    reads("x,y,c\n1,2,3\n\n \r\n", 1, 2, 3);
    reads("\"two\nlines\",y,c\n1,2,3\n", 1, 2, 3);
    reads("7,8,9\n1,2,3\n", 1, 2, 3);          /* a header whatever its cells look like */
}

Test(csv, reads_the_first_row_as_data_without_a_header) {
    Program *p = one_file("1,2,3\n4,5,6\n");
    set_int(p, "data.rows.header", 0);
    cr_assert_eq(mml_data_count(open_data(p), MML_TRAIN), 2);
    program_free(p);
}

Test(csv, takes_the_label_from_a_named_column) {
    Program *p = program_new();
    write_text(p, "a.csv", "x,kind,y\n1,4,2\n");
    add_csv(p, "rows", "a.csv", NULL);
    set_text(p, "data.rows.label", "kind");
    add_modality(p, "a", "vector[2]", "a", 1, 2);
    MmlData *data = open_data(p);
    float row[2];
    i64 label;
    sample_of(data, MML_TRAIN, 0, 1, 0, p, 0, row, &label, NULL);
    cr_assert_eq(row[0], 1);
    cr_assert_eq(row[1], 2);
    cr_assert_eq(label, 4);
    set_text(p, "data.rows.label", "sort");
    expect_in(open_fails(p), "has a column named 'sort'");
    program_free(p);
}

Test(csv, takes_the_label_from_a_file_of_that_name) {
    Program *p = program_new();
    write_text(p, "a.csv", "x,y\n1,2\n3,4\n");
    write_text(p, "kinds.csv", "k\n5\n6\n");
    add_csv(p, "rows", "a.csv", "kinds.csv", NULL);
    set_text(p, "data.rows.label", "kinds");
    add_modality(p, "a", "vector[2]", "a", 1, 2);
    MmlData *data = open_data(p);
    float row[2];
    i64 label;
    sample_of(data, MML_TRAIN, 1, 1, 0, p, 0, row, &label, NULL);
    cr_assert_eq(row[1], 4);
    cr_assert_eq(label, 6);
    program_free(p);
}

Test(csv, takes_test_rows_from_a_file_of_their_own) {
    Program *p = one_file("x,y,c\n1,2,0\n3,4,1\n5,6,1\n");
    write_text(p, "test.csv", "x,y,c\n7,8,1\n");
    set_word(p, "data.rows.test", "file");
    set_text(p, "data.rows.test.file", mml_arena_format(program_settings(p)->arena, "%s/test.csv", program_folder(p)));
    MmlData *data = open_data(p);
    cr_assert_str_eq(mml_data_describe(data), "3 train, 1 test");
    float row[2];
    i64 label, number;
    sample_of(data, MML_TEST, 0, 1, 0, p, 0, row, &label, &number);
    cr_assert_eq(row[0], 7);
    cr_assert_eq(label, 1);
    cr_assert_eq(number, 3);
    write_text(p, "test.csv", "y,x,c\n7,8,1\n");
    expect_in(open_fails(p), "column 1 is 'x' in");
    write_text(p, "test.csv", "x,c\n7,1\n");
    expect_in(open_fails(p), "2 columns");
    program_free(p);
}

Test(csv, takes_a_seeded_share_of_rows_for_test) {
    char text[4000] = "x,y,c\n";
    for (int i = 0; i < 100; i++) sprintf(text + strlen(text), "%d,0,%d\n", i, i % 2);
    Program *p = one_file(text);
    set_word(p, "data.rows.test", "share");
    set_real(p, "data.rows.test.share", 0.25);
    i64 chosen[3][25];
    for (int run = 0; run < 3; run++) {
        MmlData *data = open_data_with(p, run == 2 ? 8 : 7, 1);
        cr_assert_str_eq(mml_data_describe(data), "75 train, 25 test");
        i64 seen[100] = { 0 };
        float row[2];
        for (i64 i = 0; i < 75; i++) {
            train_sample(p, data, i, row);
            seen[(int)row[0]]++;
        }
        for (i64 i = 0; i < 25; i++) {
            sample_of(data, MML_TEST, i, 1, 0, p, 0, row, NULL, &chosen[run][i]);
            cr_assert_eq(row[0], chosen[run][i]);
            seen[(int)row[0]]++;
        }
        for (int i = 0; i < 100; i++) cr_assert_eq(seen[i], 1);
    }
    cr_assert_eq(memcmp(chosen[0], chosen[1], sizeof chosen[0]), 0, "the same seed splits alike");
    cr_assert_neq(memcmp(chosen[0], chosen[2], sizeof chosen[0]), 0, "another seed splits otherwise");
    program_free(p);
}

/* ---- Class names ---- */

Test(csv, numbers_class_names_in_their_order_and_tells_them) {
    Program *p = one_file("x,y,kind\n1,2,dog\n3,4, cat \n5,6,\"a, \"\"b\"\"\"\n7,8,dog\n");
    MmlData *data = open_data(p);
    static const i64 expected[] = { 2, 1, 0, 2 };
    for (i64 i = 0; i < 4; i++) {
        float row[2];
        i64 label;
        sample_of(data, MML_TRAIN, i, 1, 0, p, 0, row, &label, NULL);
        cr_assert_eq(label, expected[i]);
        cr_assert_eq(row[0], 1 + 2 * i);
    }
    cr_assert_str_eq(mml_data_class(data, 0), "a, \"b\"");
    cr_assert_str_eq(mml_data_class(data, 1), "cat");
    cr_assert_str_eq(mml_data_class(data, 2), "dog");
    cr_assert_null(mml_data_class(data, 3));
    program_free(p);
    p = one_file("x,y,c\n1,2,3\n");
    cr_assert_null(mml_data_class(open_data(p), 0), "numbers have no names");
    program_free(p);
}

Test(csv, numbers_class_names_alike_in_all_files) {
    Program *p = two_files("x,y,c\n1,2,b\n2,3,a\n", "z,c\n1,b\n2,a\n");
    cr_assert_eq(mml_data_count(open_data(p), MML_TEST), 1);
    program_free(p);
    refuses("x,y,c\n1,2,b\n2,3,a\n", "z,c\n1,b\n2,c\n", "b.csv:3: label 2", "disagrees with label 0");
    refuses("x,y,c\n1,2,b\n2,3,a\n", "z,c\n1,0\n2,1\n", "b.csv' are numbers and those of '", "names");
}

Test(csv, refuses_test_classes_that_the_train_file_lacks) {
    Program *p = one_file("x,y,c\n1,2,b\n3,4,a\n");
    write_text(p, "test.csv", "x,y,c\n7,8,a\n7,8,bb\n");
    set_word(p, "data.rows.test", "file");
    set_text(p, "data.rows.test.file", mml_arena_format(program_settings(p)->arena, "%s/test.csv", program_folder(p)));
    const char *message = open_fails(p);
    expect_in(message, "test.csv:3: column 3: the class 'bb' does not occur in '");
    expect_in(message, "a.csv'");
    program_free(p);
}

Test(csv, refuses_labels_that_are_missing_or_too_many) {
    refuses("x,y,c\n1,2,a\n2,3,\n", GOOD_B, "a.csv:3: column 3", "the label is empty");
    refuses("x,y,c\n1,2,a\n2,3,NA\n", GOOD_B, "a.csv:3: column 3", "missing label 'NA'");
    refuses("x,y,c\n1,2,1\n2,3,a\n", GOOD_B, "a.csv:3: column 3", "not a number: 'a'");
    refuses("x,y,c\n1,2,0.25\n", GOOD_B, "a.csv:2: column 3", "label = \"NAME\" names another");
    Program *p = one_file("");
    write_bytes(p, "a.csv", "x,y,c\n1,2,a\0b\n", 14);
    expect_in(open_fails(p), "a.csv:2: column 3: a zero byte in a label");
    program_free(p);
    char *text = malloc(300000), *at = text + sprintf(text, "x,y,c\n");
    for (int i = 0; i < 10001; i++) at += sprintf(at, "1,2,id%d\n", i);
    refuses(text, GOOD_B, "a.csv:10002: column 3", "more than 10000 different labels");
    free(text);
}

Test(csv, refuses_text_in_a_number) {
    refuses("x,y,c\n1,2,0\nthree,3,1\n", GOOD_B, "a.csv:3: column 1", "'three'");
    refuses("x,y,c\n1,2x,0\n2,3,1\n", GOOD_B, "a.csv:2: column 2", "'2x'");
    refuses("x,y,c\n1,0x10,0\n", GOOD_B, "a.csv:2: column 2", "'0x10'");
    refuses("x,y,c\n1,1.2.3,0\n", GOOD_B, "a.csv:2: column 2", "'1.2.3'");
    refuses("x,y,c\n1,,0\n", GOOD_B, "a.csv:2: column 2", "empty");
}

Test(csv, refuses_nan_and_infinity) {
    refuses("x,y,c\nnan,2,0\n2,3,1\n", GOOD_B, "a.csv:2: column 1", "missing value 'nan'");
    refuses("x,y,c\n1,NaN,0\n", GOOD_B, "a.csv:2: column 2", "missing value 'NaN'");
    refuses("x,y,c\n1,-inf,0\n", GOOD_B, "a.csv:2: column 2", "infinite value '-inf'");
    refuses("x,y,c\n1,1e39,0\n", GOOD_B, "a.csv:2: column 2", "too large");
    refuses("x,y,c\n1,1e999,0\n", GOOD_B, "a.csv:2: column 2", "too large");
}

Test(csv, refuses_ragged_rows) {
    refuses("x,y,c\n1,2,0\n2,3,1\n3,0\n", GOOD_B, "a.csv:4", "2 cells where the header has 3");
    refuses("x,y,c\n1,2,0,9\n", GOOD_B, "a.csv:2", "4 cells where the header has 3");
    refuses("x,y,c\n1,2,0\n\n3,4,0\n", GOOD_B, "a.csv:3", "blank line");
}

Test(csv, refuses_a_quote_that_never_closes) {
    refuses("x,y,c\n1,\"2,0\n2,3,1\n", GOOD_B, "a.csv:2: column 2", "never closed");
    refuses("x,y,c\n1,\"2\"3,0\n", GOOD_B, "a.csv:2: column 2", "behind the closing quote");
}

Test(csv, refuses_empty_files) {
    refuses("", GOOD_B, "a.csv", "is empty");
    refuses("\n\r\n  \n", GOOD_B, "a.csv", "is empty");
    refuses("x,y,c\n", GOOD_B, "a.csv", "no samples");
}

Test(csv, refuses_labels_that_disagree) {
    refuses(GOOD_A, "z,c\n1,1\n2,1\n3,0\n4,1\n5,0\n6,1\n", "b.csv:2: label 1", "a.csv:2");
}

Test(csv, refuses_files_of_different_length) {
    refuses(GOOD_A, "z,c\n1,0\n2,1\n", "b.csv' has 2 rows", "6");
}

Test(csv, refuses_labels_that_are_no_class) {
    refuses("x,y,c\n1,2,0.5\n", GOOD_B, "a.csv:2: column 3", "label 0.5 is no class");
    refuses("x,y,c\n1,2,7\n2,3,1\n3,4,0\n4,5,1\n5,6,0\n6,7,1\n", "z,c\n1,7\n2,1\n3,0\n4,1\n5,0\n6,1\n", "a.csv:2: label 7",
            "class[8]");
    refuses("x,y,c\n1,2,-1\n2,3,1\n", "z,c\n1,-1\n2,1\n", "a.csv:2: label -1", "below 0");
}

Test(csv, names_file_step_and_both_shapes_when_columns_do_not_fit) {
    refuses("x,c\n1,0\n2,1\n", "z,c\n1,0\n2,1\n", "a.csv' has samples of [1]", "vector[2]");
}

Test(csv, names_a_missing_file_and_the_option_to_give) {
    Program *p = two_files(GOOD_A, GOOD_B);
    set_param(p, "root", program_folder(p));
    set_text(p, "data.rows.file2", mml_arena_format(program_settings(p)->arena, "%s/c.csv", program_folder(p)));
    expect_in(open_fails(p), "c.csv' (data.rows.file2, test.mml:9); give --root");
    set_text(p, "data.rows.file2", program_folder(p));
    expect_in(open_fails(p), "is a folder, not a file");
    program_free(p);
}

Test(csv, reads_numbers_alike_in_any_compression) {
    Program *p = one_file("x,y,c\n0.1,0.2,0\n");
    write_gzip(p, "a.csv", "x,y,c\n0.3,0.4,1\n", 16, 0);
    float row[2];
    train_sample(p, open_data(p), 0, row);
    cr_assert_eq(row[0], 0.3f);
    cr_assert_eq(row[1], 0.4f);
    program_free(p);
}

Test(csv, needs_a_label_for_the_target) {
    Program *p = program_new();
    write_text(p, "a.csv", "x,y\n1,2\n");
    add_csv(p, "rows", "a.csv", NULL);
    add_modality(p, "a", "vector[2]", "a", 1, 2);
    expect_in(open_fails(p), "test.mml:30: rows.label is no label; data rows (test.mml:9) needs a label");
    program_free(p);
}

/* ---- The cache ---- */

/* A file above DATA_STORE_LEAST, gzip or not: x counts up, y has many digits. kinds: names of the classes, in turn. */
static void write_kinds(Program *p, const char *name, int rows, const char *const kinds[3], int gzip) {
    static char text[1 << 18];
    size_t used = (size_t)sprintf(text, "x,y,kind\n");
    for (int i = 0; i < rows; i++) used += (size_t)sprintf(text + used, "%d,%u%u,%s\n", i, 1 + (u32)i * 2654435761u, (u32)i * 2246822519u, kinds[i % 3]);
    if (gzip) write_gzip(p, name, text, used, 0);
    else write_bytes(p, name, text, used);
}

static MmlData *open_cached(Program *p, const char *folder, i64 limit, const char *found) {
    MmlCache cache = { .folder = folder, .limit = limit };
    MmlData *data;
    cr_assert_eq(mml_data_open_cached(program_settings(p), 1, NULL, &cache, &data), MML_OK, "%s", mml_message());
    expect_in(mml_data_cache_describe(data), found);
    return data;
}

static void expect_same_data(Program *p, MmlData *a, MmlData *b) {
    float rows[2][2];
    i64 labels[2], numbers[2];
    cr_assert_str_eq(mml_data_checksum(a), mml_data_checksum(b));
    cr_assert_str_eq(mml_data_describe(a), mml_data_describe(b));
    for (int c = 0; c < 3; c++) cr_assert_str_eq(mml_data_class(a, c), mml_data_class(b, c));
    for (int split = 0; split < MML_SPLITS; split++)
        for (i64 i = 0; i < mml_data_count(a, (MmlSplit)split); i += 11) {
            sample_of(a, (MmlSplit)split, i, 1, 0, p, 0, rows[0], &labels[0], &numbers[0]);
            sample_of(b, (MmlSplit)split, i, 1, 0, p, 0, rows[1], &labels[1], &numbers[1]);
            cr_assert_eq(memcmp(rows[0], rows[1], sizeof rows[0]), 0);
            cr_assert_eq(labels[0], labels[1]);
            cr_assert_eq(numbers[0], numbers[1]);
        }
}

Test(csv, keeps_tables_in_a_cache_whole_with_labels_and_names) {
    enum { ROWS = 8000 };
    static const char *const kinds[3] = { "dog", "a b", "cat" };
    for (int gzip = 0; gzip < 2; gzip++) {
        Program *p = one_file("");
        char folder[512];
        snprintf(folder, sizeof folder, "%s/cache", program_folder(p));
        cr_assert_eq(mkdir(folder, 0777), 0);
        write_kinds(p, "a.csv", ROWS, kinds, gzip);
        write_kinds(p, "test.csv", ROWS - 1, kinds, gzip);
        set_word(p, "data.rows.test", "file");
        set_text(p, "data.rows.test.file", mml_arena_format(program_settings(p)->arena, "%s/test.csv", program_folder(p)));
        set_target(p, 3, "label");
        MmlData *without = open_data(p);
        static const char *const told[] = { ", 2 made", ", 2 found", ", 1 found", "nothing to keep" };
        for (int round = 0; round < 4; round++) {
            if (round == 2) {            /* the train file is found, and the other read: its names are numbered as before */
                write_kinds(p, "test.csv", ROWS - 2, kinds, gzip);
                without = open_data(p);
            }
            if (round == 3) {            /* no room below the limit */
                char command[600];
                snprintf(command, sizeof command, "rm '%s'/*", folder);
                cr_assert_eq(system(command), 0);
            }
            MmlData *data = open_cached(p, folder, round == 3 ? 20000 : 0, told[round]);
            expect_same_data(p, without, data);
            mml_data_close(data);
        }
        program_free(p);
    }
}

Test(csv, reads_a_cached_table_again_for_another_label) {
    enum { ROWS = 5000 };
    static const char *const kinds[3] = { "0", "1", "2" };
    Program *p = program_new();
    char folder[512];
    add_csv(p, "rows", "a.csv", NULL);
    set_text(p, "data.rows.label", "kind");
    add_modality(p, "a", "vector[2]", "a", 1, 2);
    snprintf(folder, sizeof folder, "%s/cache", program_folder(p));
    cr_assert_eq(mkdir(folder, 0777), 0);
    write_kinds(p, "a.csv", ROWS, kinds, 0);
    set_target(p, ROWS, "label");
    float row[2];
    i64 label;
    MmlData *data = open_cached(p, folder, 0, ", 1 made");
    sample_of(data, MML_TRAIN, 70, 1, 0, p, 0, row, &label, NULL);
    cr_assert(row[0] == 70 && label == 1);
    mml_data_close(data);
    set_text(p, "data.rows.label", "x");
    data = open_cached(p, folder, 0, ", 1 made");
    sample_of(data, MML_TRAIN, 70, 1, 0, p, 0, row, &label, NULL);
    cr_assert(row[1] == 1 && label == 70);
    mml_data_close(data);
    program_free(p);
}

Test(csv, names_file_and_line_of_what_is_wrong_in_a_table_for_the_cache) {
    static char text[1 << 18];
    size_t used = 0;
    for (int i = 0; i < 8000; i++) used += (size_t)sprintf(text + used, "%d,%d,%d\n", i, i, i % 2);
    Program *p = one_file("");
    char folder[512];
    snprintf(folder, sizeof folder, "%s/cache", program_folder(p));
    cr_assert_eq(mkdir(folder, 0777), 0);
    sprintf(text + used, "1,x,0\n");
    write_text(p, "a.csv", text);
    set_target(p, 2, "label");
    MmlCache cache = { .folder = folder };
    MmlData *data;
    cr_assert_eq(mml_data_open_cached(program_settings(p), 1, NULL, &cache, &data), MML_EDATA);
    expect_in(mml_message(), "a.csv:8001: column 2: not a number: 'x'");
    cr_assert_eq(rmdir(folder), 0, "files are left");
    program_free(p);
}
