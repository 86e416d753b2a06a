/* The source npz: types, orders, archives, splits, and what it says of damaged files. */
#include "archive.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 6, WIDTH = 4 };

static void add_array(Zip *zip, const char *name, const char *dict, const void *values, size_t bytes, int flags) {
    Bytes b = { 0 };
    put_npy(&b, 1, dict, values, bytes);
    zip_add(zip, name, b.bytes, b.count, flags);
    free(b.bytes);
}

/* x is [6, 4] floats 0, 0.5, 1 …; y labels 0, 1, 2, 0, 1, 2 as int64. */
static void add_pair(Zip *zip, int flags) {
    float x[ROWS * WIDTH];
    int64_t y[ROWS];
    for (int i = 0; i < ROWS * WIDTH; i++) x[i] = (float)i / 2;
    for (int i = 0; i < ROWS; i++) y[i] = i % 3;
    add_array(zip, "x.npy", "{'descr': '<f4', 'fortran_order': False, 'shape': (6, 4), }", x, sizeof x, flags);
    add_array(zip, "y.npy", "{'descr': '<i8', 'fortran_order': False, 'shape': (6,), }", y, sizeof y, flags);
}

/* data arrays = npz("a.npz"); modality x : vector[4] = arrays.x; target kind = arrays.y. */
static Program *pair_program(void) {
    Program *p = program_new();
    add_npz(p, "arrays", "a.npz", "x", "y", NULL);
    add_modality(p, "x", "vector[4]", "x", 1, WIDTH);
    set_target(p, 3, "y");
    return p;
}

static void expect_pair(Program *p) {
    MmlData *data = open_data(p);
    cr_assert_eq(mml_data_count(data, MML_TRAIN), ROWS);
    for (i64 row = 0; row < ROWS; row++) {
        float x[WIDTH];
        i64 label, number;
        sample_of(data, MML_TRAIN, row, 1, 0, p, 0, x, &label, &number);
        for (int j = 0; j < WIDTH; j++) cr_assert_eq(x[j], (float)(row * WIDTH + j) / 2);
        cr_assert_eq(label, row % 3);
        cr_assert_eq(number, row);
    }
    program_free(p);
}

Test(npz, reads_stored_deflated_streamed_and_zip64_entries) {
    for (int flags = 0; flags < 8; flags++) {
        Program *p = pair_program();
        Zip zip = { 0 };
        add_pair(&zip, flags);
        zip_write(&zip, p, "a.npz", 0);
        expect_pair(p);
    }
}

Test(npz, reads_an_archive_with_a_comment_and_other_entries) {
    Program *p = pair_program();
    Zip zip = { 0 };
    zip_add(&zip, "notes.txt", "hello", 5, 0);
    add_pair(&zip, ZIP_DEFLATE);
    zip_write(&zip, p, "a.npz", 0);
    char path[512];
    snprintf(path, sizeof path, "%s/a.npz", program_folder(p));
    FILE *file = fopen(path, "r+b");
    fseek(file, -2, SEEK_END);
    fwrite("\5\0PK\5\6!", 1, 7, file);                           /* a comment that looks like an end */
    fclose(file);
    expect_pair(p);
}

/* A vector of two values of a type gives 1 and -2 (or 1 and 254 of an unsigned one). */
static void reads_type(const char *descr, const void *values, size_t bytes, float first, float second) {
    Program *p = program_new();
    Zip zip = { 0 };
    char dict[128];
    snprintf(dict, sizeof dict, "{'descr': '%s', 'fortran_order': False, 'shape': (1, 2), }", descr);
    add_array(&zip, "x.npy", dict, values, bytes, 0);
    add_array(&zip, "y.npy", "{'descr': '|u1', 'fortran_order': False, 'shape': (1,), }", "\0", 1, 0);
    zip_write(&zip, p, "a.npz", 0);
    add_npz(p, "arrays", "a.npz", "x", "y", NULL);
    add_modality(p, "x", "vector[2]", "x", 1, 2);
    set_target(p, 2, "y");
    float x[2];
    train_sample(p, open_data(p), 0, x);
    cr_assert_eq(x[0], first, "%s", descr);
    cr_assert_eq(x[1], second, "%s", descr);
    program_free(p);
}

Test(npz, reads_every_type_in_both_byte_orders) {
    reads_type("|b1", "\1\0", 2, 1, 0);
    reads_type("|i1", "\1\xfe", 2, 1, -2);
    reads_type("|u1", "\1\xfe", 2, 1, 254);
    reads_type("<i2", "\1\0\xfe\xff", 4, 1, -2);
    reads_type(">i2", "\0\1\xff\xfe", 4, 1, -2);
    reads_type("<u2", "\1\0\xfe\xff", 4, 1, 65534);
    reads_type(">i4", "\0\0\0\1\xff\xff\xff\xfe", 8, 1, -2);
    reads_type("<u4", "\1\0\0\0\xfe\0\0\0", 8, 1, 254);
    reads_type(">i8", "\0\0\0\0\0\0\0\1\xff\xff\xff\xff\xff\xff\xff\xfe", 16, 1, -2);
    reads_type("<u8", "\1\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0", 16, 1, 4294967296.0f);
    reads_type("<f2", "\0\x3c\0\xc0", 4, 1, -2);
    reads_type("<f2", "\1\0\xff\x7b", 4, 0x1p-24f, 65504);       /* least subnormal, largest */
    reads_type(">f4", "\x3f\x80\0\0\xc0\0\0\0", 8, 1, -2);
    reads_type("<f8", "\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\0\xc0", 16, 1, -2);
    reads_type(">f8", "\x3f\xf0\0\0\0\0\0\0\xc0\0\0\0\0\0\0\0", 16, 1, -2);
    reads_type("=f4", "\0\0\x80\x3f\0\0\0\xc0", 8, 1, -2);
}

Test(npz, reads_all_three_header_versions_and_keys_in_any_order) {
    static const char *const dicts[] = {
        "{'descr': '<f4', 'fortran_order': False, 'shape': (6, 4), }", "{\"shape\": (6L, 4L), 'descr': '<f4','fortran_order':False}",
        "{ 'fortran_order' : False , 'shape' : ( 6 , 4 ,) , 'descr' : '<f4' }",
    };
    for (int version = 1; version <= 3; version++) {
        Program *p = pair_program();
        Zip zip = { 0 };
        Bytes b = { 0 };
        float x[ROWS * WIDTH];
        int32_t y[ROWS] = { 0, 1, 2, 0, 1, 2 };
        for (int i = 0; i < ROWS * WIDTH; i++) x[i] = (float)i / 2;
        put_npy(&b, version, dicts[version - 1], x, sizeof x);
        zip_add(&zip, "x.npy", b.bytes, b.count, 0);
        add_array(&zip, "y.npy", "{'descr': '<i4', 'fortran_order': False, 'shape': (6,), }", y, sizeof y, 0);
        zip_write(&zip, p, "a.npz", 0);
        free(b.bytes);
        expect_pair(p);
    }
}

Test(npz, reads_fortran_order) {
    /* a[n, r, c] = 100 n + 10 r + c of shape [2, 2, 3], first index fastest, big-endian. */
    Program *p = program_new();
    Zip zip = { 0 };
    Bytes values = { 0 };
    for (int c = 0; c < 3; c++)
        for (int r = 0; r < 2; r++)
            for (int n = 0; n < 2; n++) {
                int v = 100 * n + 10 * r + c;
                put(&values, &(u8){ (u8)(v >> 8) }, 1);
                put(&values, &(u8){ (u8)v }, 1);
            }
    add_array(&zip, "a.npy", "{'descr': '>i2', 'fortran_order': True, 'shape': (2, 2, 3), }", values.bytes, values.count, ZIP_DEFLATE);
    add_array(&zip, "y.npy", "{'descr': '|b1', 'fortran_order': True, 'shape': (2,), }", "\0\1", 2, 0);
    zip_write(&zip, p, "a.npz", 0);
    free(values.bytes);
    add_npz(p, "arrays", "a.npz", "a", "y", NULL);
    add_modality(p, "a", "image[1, 2, 3]", "a", 3, 1, 2, 3);
    set_target(p, 2, "y");
    float a[6];
    i64 label;
    sample_of(open_data(p), MML_TRAIN, 1, 1, 0, p, 0, a, &label, NULL);
    static const float expected[] = { 100, 101, 102, 110, 111, 112 };
    cr_assert_eq(memcmp(a, expected, sizeof a), 0);
    cr_assert_eq(label, 1);
    program_free(p);
}

/* ---- Shapes ---- */

static Program *pictures(const char *type, int rank, int a, int b, int c) {
    Program *p = program_new();
    Zip zip = { 0 };
    u8 values[24];
    for (int i = 0; i < 24; i++) values[i] = (u8)i;
    add_array(&zip, "images.npy", "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 2, 2, 3), }", values, 24, 0);
    add_array(&zip, "planes.npy", "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3, 4), }", values, 24, 0);
    add_array(&zip, "y.npy", "{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }", "\0\1", 2, 0);
    zip_write(&zip, p, "a.npz", 0);
    add_npz(p, "arrays", "a.npz", rank == 3 && a == 1 ? "planes" : "images", "y", NULL);
    add_modality(p, "view", type, rank == 3 && a == 1 ? "planes" : "images", rank, a, b, c);
    set_target(p, 2, "y");
    return p;
}

Test(npz, takes_an_array_as_what_the_modality_declares) {
    Program *p = pictures("image[1, 3, 4]", 3, 1, 3, 4);
    float values[12];
    train_sample(p, open_data(p), 1, values);
    cr_assert_eq(values[0], 12);
    program_free(p);
    p = pictures("vector[12]", 1, 12, 0, 0);
    train_sample(p, open_data(p), 0, values);
    cr_assert_eq(values[11], 11);
    program_free(p);
}

Test(npz, names_both_shapes_when_they_differ_and_says_so_of_channels_that_come_last) {
    Program *p = pictures("image[3, 2, 2]", 3, 3, 2, 2);
    const char *message = open_fails(p);
    expect_in(message, "a.npz[images]' has samples of [2, 2, 3]");
    expect_in(message, "image[3, 2, 2]");
    expect_in(message, "numpy.moveaxis(a, -1, 1)");
    program_free(p);
    p = pictures("vector[11]", 1, 11, 0, 0);
    expect_in(open_fails(p), "[12]");
    program_free(p);
}

/* Two clips of 3 frames of 2 x 2 pixels in one channel, which lies where `shape` says. */
static Program *clips(const char *shape, int height, int width) {
    Program *p = program_new();
    Zip zip = { 0 };
    u8 values[24];
    for (int i = 0; i < 24; i++) values[i] = (u8)i;
    add_array(&zip, "clips.npy", shape, values, 24, 0);
    add_array(&zip, "y.npy", "{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }", "\0\1", 2, 0);
    zip_write(&zip, p, "a.npz", 0);
    add_npz(p, "arrays", "a.npz", "clips", "y", NULL);
    add_modality(p, "view", "video[3, 1, 2, 2]", "clips", 4, 3, 1, height, width);
    set_target(p, 2, "y");
    return p;
}

Test(npz, reads_clips_as_samples_of_four_axes) {
    Program *p = clips("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3, 1, 2, 2), }", 2, 2);
    float values[12];
    train_sample(p, open_data(p), 1, values);
    for (int i = 0; i < 12; i++) cr_assert_eq(values[i], 12 + i);
    program_free(p);
    p = clips("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3, 2, 2, 1), }", 2, 2);
    expect_in(open_fails(p), "channels come first: save numpy.moveaxis(a, -1, 2)");
    program_free(p);
}

/* ---- Splits ---- */

Test(npz, takes_test_rows_by_number_by_share_and_from_a_file) {
    Program *p = pair_program();
    Zip zip = { 0 };
    add_pair(&zip, 0);
    zip_write(&zip, p, "a.npz", 0);
    add_pair(&zip, ZIP_DEFLATE);
    zip_write(&zip, p, "b.npz", 0);
    set_word(p, "data.arrays.test", "file");
    set_text(p, "data.arrays.test.file", mml_arena_format(program_settings(p)->arena, "%s/b.npz", program_folder(p)));
    set_int(p, "data.arrays.test_limit", 2);
    MmlData *data = open_data(p);
    cr_assert_str_eq(mml_data_describe(data), "6 train, 2 test");
    i64 number;
    float x[WIDTH];
    sample_of(data, MML_TEST, 1, 1, 0, p, 0, x, NULL, &number);
    cr_assert_eq(number, 7);
    cr_assert_eq(x[0], 2);
    program_free(p);

    p = pair_program();
    add_pair(&zip, 0);
    zip_write(&zip, p, "a.npz", 0);
    set_word(p, "data.arrays.test", "every");
    set_int(p, "data.arrays.test.every", 3);
    set_int(p, "data.arrays.test.of", 1);
    set_real(p, "data.arrays.holdout", 0.25);
    data = open_data(p);
    cr_assert_str_eq(mml_data_describe(data), "3 train, 1 validation, 2 test");
    sample_of(data, MML_TEST, 1, 1, 0, p, 0, x, NULL, &number);
    cr_assert_eq(number, 4);
    program_free(p);

    p = pair_program();
    add_pair(&zip, 0);
    zip_write(&zip, p, "a.npz", 0);
    set_word(p, "data.arrays.test", "share");
    set_real(p, "data.arrays.test.share", 0.5);
    cr_assert_str_eq(mml_data_describe(open_data(p)), "3 train, 3 test");
    program_free(p);
}

/* ---- Damage ---- */

/* The message about an archive whose array x is of that header and values. */
static void refuses(const char *dict, const void *values, size_t bytes, const char *part) {
    Program *p = pair_program();
    Zip zip = { 0 };
    int64_t y[ROWS] = { 0 };
    add_array(&zip, "x.npy", dict, values, bytes, 0);
    add_array(&zip, "y.npy", "{'descr': '<i8', 'fortran_order': False, 'shape': (6,), }", y, sizeof y, 0);
    zip_write(&zip, p, "a.npz", 0);
    const char *message = open_fails(p);
    expect_in(message, "a.npz");
    expect_in(message, part);
    program_free(p);
}

Test(npz, refuses_a_shape_that_lies) {
    u8 values[96] = { 0 };
    refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (6, 5), }", values, 96, "promises 120 bytes of values and there are 96");
    refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (6, 3), }", values, 96, "promises 72 bytes");
    refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296, 4), }", values, 96, "overflow");
    refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999, 4), }", values, 96, "overflows");
    refuses("{'descr': '<f8', 'fortran_order': False, 'shape': (1152921504606846976, 2), }", values, 96, "overflow");
    refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (-6, 4), }", values, 96, "no NPY header");
    refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4), }", values, 0, "no samples");
    refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (), }", values, 4, "single value");
    refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,24), }", values, 96, "more than 8 axes");
    refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,24), }", values, 96, "samples of 6 axes");
}

Test(npz, refuses_what_are_no_numbers_by_name) {
    u8 values[96] = { 0 };
    refuses("{'descr': '|O', 'fortran_order': False, 'shape': (6, 4), }", values, 96, "Python objects");
    refuses("{'descr': '|O8', 'fortran_order': False, 'shape': (6, 4), }", values, 96, "Python objects");
    refuses("{'descr': '<c8', 'fortran_order': False, 'shape': (6, 2), }", values, 96, "complex numbers");
    refuses("{'descr': '<U4', 'fortran_order': False, 'shape': (6,), }", values, 96, "texts (U4); number them: numpy.unique(x, return_inverse = True)[1]");
    refuses("{'descr': '<M8[ns]', 'fortran_order': False, 'shape': (6, 2), }", values, 96, "dates");
    refuses("{'descr': '<f16', 'fortran_order': False, 'shape': (6,), }", values, 96, "is of type 'f16'");
    refuses("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (24,), }", values, 96, "records");
}

Test(npz, refuses_headers_that_are_none) {
    u8 values[96] = { 0 };
    refuses("", values, 96, "no NPY header");
    refuses("{'descr': '<f4', 'fortran_order': False}", values, 96, "no NPY header");
    refuses("{'descr': '<f4', 'fortran_order': None, 'shape': (6, 4)}", values, 96, "no NPY header");
    refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (6, 4)} import os", values, 96, "no NPY header");
    refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (6, 4), 'more': 1}", values, 96, "no NPY header");
    refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (6, 4", values, 96, "no NPY header");
    refuses("{'descr': '<f4', 'fortran_order: False, 'shape': (6, 4)}", values, 96, "no NPY header");
}

Test(npz, refuses_values_that_are_not_finite) {
    float x[24] = { 0 };
    x[17] = NAN;
    refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (6, 4), }", x, sizeof x, "[x]', sample 4: not a finite");
    double d[24] = { 0 };
    d[3] = 1e39;
    refuses("{'descr': '<f8', 'fortran_order': False, 'shape': (6, 4), }", d, sizeof d, "sample 0: not a finite single-precision number: 1e+39");
}

Test(npz, refuses_arrays_of_different_length) {
    u8 values[80] = { 0 };
    refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (5, 4), }", values, 80, "[y]' has 6 samples and '");
}

Test(npz, names_the_arrays_there_are_when_one_is_missing) {
    Program *p = program_new();
    Zip zip = { 0 };
    add_pair(&zip, 0);
    zip_write(&zip, p, "a.npz", 0);
    add_npz(p, "arrays", "a.npz", "z", "y", NULL);
    add_modality(p, "z", "vector[4]", "z", 1, WIDTH);
    set_target(p, 3, "y");
    expect_in(open_fails(p), "has no array z (data.arrays, test.mml:9); its arrays are x, y");
    program_free(p);
}

Test(npz, finds_an_array_whose_name_is_no_name_and_refuses_two_that_read_alike) {
    Program *p = program_new();
    Zip zip = { 0 };
    u8 values[4] = { 0, 1, 0, 1 };
    const char *dict = "{'descr': '|u1', 'fortran_order': False, 'shape': (4,), }";
    add_array(&zip, "2 left-right.npy", dict, values, 4, 0);
    zip_write(&zip, p, "a.npz", 0);
    add_npz(p, "arrays", "a.npz", "_2_left_right", NULL);
    add_modality(p, "v", "vector[1]", "_2_left_right", 1, 1);
    set_target(p, 2, "_2_left_right");
    cr_assert_eq(mml_data_count(open_data(p), MML_TRAIN), 4);
    add_array(&zip, "2 left-right.npy", dict, values, 4, 0);
    add_array(&zip, "2.left/right.npy", dict, values, 4, 0);
    zip_write(&zip, p, "a.npz", 0);
    expect_in(open_fails(p), "two arrays by the name _2_left_right");
    program_free(p);
}

Test(npz, says_why_an_array_is_no_label) {
    Program *p = program_new();
    Zip zip = { 0 };
    float x[ROWS * WIDTH] = { 0 };
    double y[ROWS] = { 0, 1, 0, 1.5, 0, 1 };
    add_array(&zip, "x.npy", "{'descr': '<f4', 'fortran_order': False, 'shape': (6, 4), }", x, sizeof x, 0);
    add_array(&zip, "y.npy", "{'descr': '<f8', 'fortran_order': False, 'shape': (6,), }", y, sizeof y, 0);
    zip_write(&zip, p, "a.npz", 0);
    add_npz(p, "arrays", "a.npz", "x", "y", NULL);
    add_modality(p, "x", "vector[4]", "x", 1, WIDTH);
    set_target(p, 3, "y");
    const char *message = open_fails(p);
    expect_in(message, "test.mml:30: arrays.y is no label: ");
    expect_in(message, "sample 3: 1.5 is no class");
    set_target(p, 3, "x");
    expect_in(open_fails(p), "has 2 axes; a label is one whole number a sample");
    program_free(p);
}

Test(npz, names_a_label_that_is_no_class) {
    Program *p = pair_program();
    Zip zip = { 0 };
    add_pair(&zip, 0);
    zip_write(&zip, p, "a.npz", 0);
    set_target(p, 2, "y");
    expect_in(open_fails(p), "a.npz[y], sample 2: label 2 is not below the 2 classes of target kind");
    program_free(p);
}

Test(npz, refuses_an_archive_cut_anywhere) {
    for (int flags = 0; flags < 4; flags++)
        for (size_t cut = 1; cut < 1200; cut += 7) {
            Program *p = pair_program();
            Zip zip = { 0 };
            add_pair(&zip, flags);
            zip_write(&zip, p, "a.npz", cut);
            expect_in(open_fails(p), "a.npz");
            program_free(p);
        }
}

static void refuses_entry(int flags, int field, u32 value, const char *part) {
    Program *p = pair_program();
    Zip zip = { 0 };
    add_pair(&zip, flags);
    for (int i = 0; i < 4; i++) zip_record(&zip)[field + i] = (u8)(value >> 8 * i);
    zip_write(&zip, p, "a.npz", 0);
    expect_in(open_fails(p), part);
    program_free(p);
}

Test(npz, refuses_an_archive_whose_directory_lies) {
    refuses_entry(ZIP_DEFLATE, 16, 12345, "its CRC is wrong");
    refuses_entry(0, 16, 12345, "its CRC is wrong");
    refuses_entry(ZIP_DEFLATE, 24, 0x7fffffff, "packed bytes hold 2147483647, which can't be");
    refuses_entry(0, 24, 0x7fffffff, "which can't be");
    refuses_entry(ZIP_DEFLATE, 20, 20, "packed bytes end too early");
    refuses_entry(ZIP_DEFLATE, 20, 0x7fffffff, "truncated");
    refuses_entry(0, 42, 0x7fffffff, "outside of the file");
    refuses_entry(0, 42, 3, "is not where the directory says");
    refuses_entry(0, 8, 1, "is encrypted");
    refuses_entry(0, 10, 12, "packed by method 12");
}

/* 64 MiB of zeros deflate to 64 KiB; the header of the array says so too. What it
 * says beyond is refused before memory is taken. */
Test(npz, refuses_a_bomb_by_what_its_header_promises) {
    Program *p = pair_program();
    Zip zip = { 0 };
    Bytes b = { 0 };
    u8 *zeros = calloc(1, 1 << 22);
    put_npy(&b, 1, "{'descr': '|u1', 'fortran_order': False, 'shape': (6, 1099511627776), }", zeros, 1 << 22);
    zip_add(&zip, "x.npy", b.bytes, b.count, ZIP_DEFLATE);
    zip_write(&zip, p, "a.npz", 0);
    free(b.bytes);
    free(zeros);
    expect_in(open_fails(p), "promises 6597069766656 bytes of values and there are 4194304");
    program_free(p);
}

Test(npz, refuses_files_that_are_no_archive) {
    Program *p = pair_program();
    expect_in(open_fails(p), "there is no file '");
    expect_in(open_fails(p), "(data.arrays.file, test.mml:9); give --set data.arrays.file=PATH");
    write_text(p, "a.npz", "");
    expect_in(open_fails(p), "too short");
    write_text(p, "a.npz", "this is a text and no archive at all");
    expect_in(open_fails(p), "no ZIP archive");
    Bytes b = { 0 };
    put_npy(&b, 1, "{'descr': '|u1', 'fortran_order': False, 'shape': (1,), }", "\0", 1);
    write_bytes(p, "a.npz", b.bytes, b.count);
    free(b.bytes);
    expect_in(open_fails(p), "no ZIP archive");
    program_free(p);
}

/* tests/data/files/numpy.npz, written by numpy.savez_compressed (NumPy 2.4): for
 * rows i of 24 and j of 4, x = i + j / 8 as float32, `wide` the same as [24, 2, 2]
 * big-endian doubles in Fortran order, `half` as float16, `flags` = x > 12, and
 * labels i mod 3 as int64 and as big-endian uint16. */
Test(npz, reads_what_numpy_writes) {
    static const struct { const char *array, *label, *type; int rank, a, b, c; } views[] = {
        { "x", "labels", "vector[4]", 1, 4, 0, 0 },         { "wide", "big", "image[1, 2, 2]", 3, 1, 2, 2 },
        { "half", "labels", "vector[4]", 1, 4, 0, 0 },      { "flags", "big", "vector[4]", 1, 4, 0, 0 },
    };
    for (int v = 0; v < 4; v++) {
        Program *p = program_new();
        add_npz(p, "arrays", "a.npz", views[v].array, views[v].label, NULL);
        set_text(p, "data.arrays.file", MML_SOURCE_DIR "/tests/data/files/numpy.npz");
        add_modality(p, "view", views[v].type, views[v].array, views[v].rank, views[v].a, views[v].b, views[v].c);
        set_target(p, 3, views[v].label);
        MmlData *data = open_data(p);
        cr_assert_eq(mml_data_count(data, MML_TRAIN), 24);
        for (i64 i = 0; i < 24; i++) {
            float x[4];
            i64 label;
            sample_of(data, MML_TRAIN, i, 1, 0, p, 0, x, &label, NULL);
            cr_assert_eq(label, i % 3);
            for (int j = 0; j < 4; j++) {
                float expected = (float)i + (float)j / 8;
                cr_assert_eq(x[j], v == 3 ? (expected > 12) : expected, "%s[%d, %d]", views[v].array, (int)i, j);
            }
        }
        program_free(p);
    }
}
