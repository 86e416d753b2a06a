/* Safetensors, JSON, files. */
#define _GNU_SOURCE
#include "toy.h"

#include "train/files.h"
#include "train/json.h"
#include "train/safetensors.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *in_folder(const char *folder, const char *name) {
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* ---- Safetensors ---- */

static float weights[] = {1, 2, 3, 4, 5, 6};
static i64 counter[] = {-7};
static double sums[] = {0.1, NAN};
static u8 bytes[] = {1, 2, 3};

static const MmlTensor tensors[] = {
    {.name = "encoder.a.weight", .dtype = MML_DTYPE_F32, .rank = 2, .size = {2, 3}, .count = 6, .data = weights},
    {.name = "counter", .dtype = MML_DTYPE_I64, .rank = 0, .count = 1, .data = counter},
    {.name = "bytes", .dtype = MML_DTYPE_U8, .rank = 1, .size = {3}, .count = 3, .data = bytes},
    {.name = "sums", .dtype = MML_DTYPE_F64, .rank = 1, .size = {2}, .count = 2, .data = sums},
};
static const MmlMetadata metadata[] = {{"reason", "it said \"stop\"\n"}, {"hash", "ab"}};

static void write_sample(const char *path) { cr_assert_eq(mml_safetensors_write(path, tensors, 4, metadata, 2), MML_OK,
                                                          "%s", mml_message()); }

Test(safetensors, read_back_what_was_written) {
    const char *folder = toy_folder(), *path = in_folder(folder, "x.safetensors");
    MmlSafetensors *file;
    write_sample(path);
    cr_assert_eq(mml_file_size(path), mml_safetensors_size(tensors, 4, metadata, 2));
    cr_assert_eq(mml_safetensors_open(path, &file), MML_OK, "%s", mml_message());
    cr_assert_eq(mml_safetensors_count(file), 4);
    for (int i = 0; i < 4; i++) {
        const MmlTensor *there = mml_safetensors_find(file, tensors[i].name);
        char back[64], shape[160];
        cr_assert(there && there->dtype == tensors[i].dtype && there->count == tensors[i].count && there->rank == tensors[i].rank);
        cr_assert_eq(mml_safetensors_read(file, there, back), MML_OK);
        cr_assert_arr_eq(back, (const char *)tensors[i].data, (size_t)there->bytes);
        mml_tensor_shape_text(there, shape);
        cr_assert_str_eq(shape, ((const char *[]){"[2, 3]", "[]", "[3]", "[2]"})[i]);
    }
    cr_assert_str_eq(mml_safetensors_metadata(file, "reason"), "it said \"stop\"\n");
    cr_assert_null(mml_safetensors_find(file, "nothing"));
    mml_safetensors_close(file);
    toy_remove(folder);
}

/* By the format: length, JSON header, data; offsets from the data's start, 8-byte numbers aligned. */
Test(safetensors, follow_the_published_format) {
    const char *folder = toy_folder(), *path = in_folder(folder, "x.safetensors");
    char *raw;
    size_t size;
    u64 length;
    write_sample(path);
    cr_assert_eq(mml_read_file(path, &raw, &size), MML_OK);
    memcpy(&length, raw, 8);
    cr_assert_eq(length % 8, 0);
    json_t *header = json_loadb(raw + 8, length, 0, NULL), *weight = json_object_get(header, "encoder.a.weight");
    cr_assert_str_eq(json_string_value(json_object_get(weight, "dtype")), "F32");
    cr_assert_eq(json_integer_value(json_array_get(json_object_get(weight, "shape"), 1)), 3);
    i64 begin = json_integer_value(json_array_get(json_object_get(weight, "data_offsets"), 0));
    cr_assert_arr_eq(raw + 8 + length + begin, (const char *)weights, sizeof weights);
    i64 counter_at = json_integer_value(json_array_get(json_object_get(json_object_get(header, "counter"), "data_offsets"), 0));
    cr_assert_eq(counter_at % 8, 0);
    json_decref(header);
    free(raw);
    toy_remove(folder);
}

Test(safetensors, cut_off_anywhere_are_refused) {
    const char *folder = toy_folder();
    char path[512], cut[512], *raw;
    size_t size;
    snprintf(path, sizeof path, "%s/x.safetensors", folder);
    snprintf(cut, sizeof cut, "%s/cut.safetensors", folder);
    write_sample(path);
    cr_assert_eq(mml_read_file(path, &raw, &size), MML_OK);
    for (size_t length = 0; length < size; length++) {
        MmlSafetensors *file = NULL;
        cr_assert_eq(mml_replace_file(cut, raw, length), MML_OK);
        cr_assert_eq(mml_safetensors_open(cut, &file), MML_EDATA, "%zu of %zu bytes are taken", length, size);
        cr_assert(strstr(mml_message(), "cut.safetensors"));
    }
    free(raw);
    toy_remove(folder);
}

Test(safetensors, with_a_changed_header_never_crash) {
    const char *folder = toy_folder();
    char path[512], *raw;
    size_t size;
    snprintf(path, sizeof path, "%s/x.safetensors", folder);
    write_sample(path);
    cr_assert_eq(mml_read_file(path, &raw, &size), MML_OK);
    for (size_t at = 0; at < size; at++) {
        MmlSafetensors *file = NULL;
        char before = raw[at];
        raw[at] = (char)(before ^ 0x11);
        cr_assert_eq(mml_replace_file(path, raw, size), MML_OK);
        if (mml_safetensors_open(path, &file) == MML_OK) mml_safetensors_close(file);
        raw[at] = before;
    }
    free(raw);
    toy_remove(folder);
}

static void expect_refused(const char *folder, const char *header, const char *data, const char *part) {
    char path[512], raw[1024];
    u64 length = strlen(header);
    MmlSafetensors *file;
    snprintf(path, sizeof path, "%s/x.safetensors", folder);
    memcpy(raw, &length, 8);
    memcpy(raw + 8, header, length);
    memcpy(raw + 8 + length, data, strlen(data));
    cr_assert_eq(mml_replace_file(path, raw, 8 + length + strlen(data)), MML_OK);
    cr_assert_eq(mml_safetensors_open(path, &file), MML_EDATA, "%s", header);
    cr_assert(strstr(mml_message(), part), "no '%s' in: %s", part, mml_message());
}

Test(safetensors, with_holes_overlaps_or_lies_are_refused) {
    const char *folder = toy_folder();
    expect_refused(folder, "[]", "", "not JSON");
    expect_refused(folder, "{\"a\": 3}", "", "entry 'a'");
    expect_refused(folder, "{\"a\": {\"dtype\": \"F33\", \"shape\": [1], \"data_offsets\": [0, 4]}}", "1234", "entry 'a'");
    expect_refused(folder, "{\"a\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [0, 4]}}", "1234", "entry 'a'");
    expect_refused(folder, "{\"a\": {\"dtype\": \"F32\", \"shape\": [-1], \"data_offsets\": [0, -4]}}", "1234", "entry 'a'");
    expect_refused(folder, "{\"a\": {\"dtype\": \"F32\", \"shape\": [4611686018427387904, 4], \"data_offsets\": [0, 0]}}",
                   "", "entry 'a'");
    expect_refused(folder, "{\"a\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [4, 8]}}", "12345678",
                   "'a' does not start");
    expect_refused(folder,
                   "{\"a\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [0, 4]}, \"b\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [0, 4]}}",
                   "1234", "does not start");
    expect_refused(folder, "{\"a\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [0, 4]}}", "12345", "behind its data");
    toy_remove(folder);
}

/* ---- JSON ---- */

Test(json, numbers_read_back_and_what_has_no_number_is_null) {
    MmlJson json = {0};
    mml_json_open(&json, '{');
    mml_json_key(&json, "a \"b\"\\");
    mml_json_text(&json, "tab\tnew\nline\x01 ü");
    mml_json_key(&json, "numbers");
    mml_json_open(&json, '[');
    mml_json_real(&json, 0.1);
    mml_json_real(&json, 1e300);
    mml_json_real(&json, NAN);
    mml_json_real(&json, -INFINITY);
    mml_json_int(&json, -5);
    mml_json_bool(&json, 1);
    mml_json_text(&json, NULL);
    mml_json_open(&json, '{');
    mml_json_close(&json, '}');
    mml_json_close(&json, ']');
    mml_json_close(&json, '}');
    cr_assert_str_eq(json.text,
                     "{\"a \\\"b\\\"\\\\\": \"tab\\tnew\\nline\\u0001 ü\", \"numbers\": [0.1, 1e+300, null, null, -5, true, null, {}]}");
    mml_json_free(&json);
}

Test(json, bytes_that_are_no_utf8_are_replaced) {
    static const struct { const char *text, *expected; } cases[] = {
        {"a\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x88", "\"a\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x88\""},
        {"caf\xe9!", "\"caf\xef\xbf\xbd!\""},
        {"\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\""},                               /* overlong */
        {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},                /* a surrogate */
        {"\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        MmlJson json = {0};
        mml_json_text(&json, cases[i].text);
        cr_assert_str_eq(json.text, cases[i].expected);
        mml_json_free(&json);
    }
}

Test(json, outer_members_go_on_lines_of_their_own_on_request) {
    MmlJson json = {.lines = 1};
    mml_json_open(&json, '{');
    mml_json_key(&json, "a");
    mml_json_int(&json, 1);
    mml_json_key(&json, "b");
    mml_json_open(&json, '{');
    mml_json_key(&json, "c");
    mml_json_int(&json, 2);
    mml_json_close(&json, '}');
    mml_json_close(&json, '}');
    cr_assert_str_eq(json.text, "{\n  \"a\": 1,\n  \"b\": {\"c\": 2}\n}");
    mml_json_free(&json);
}

/* ---- Files ---- */

Test(files, a_log_is_cut_behind_a_line) {
    const char *folder = toy_folder(), *path = in_folder(folder, "log");
    cr_assert_eq(mml_replace_file(path, "one\ntwo\nthr", 11), MML_OK);
    cr_assert_eq(mml_log_keep(path, 2), MML_OK);
    cr_assert_eq(mml_file_size(path), 8);
    cr_assert_eq(mml_log_keep(path, 3), MML_EDATA);
    cr_assert(strstr(mml_message(), "fewer than the 3 lines"));
    cr_assert_eq(mml_log_keep(path, 0), MML_OK);
    cr_assert_eq(mml_file_size(path), 0);
    toy_remove(folder);
}

Test(files, an_abandoned_replacement_leaves_the_old_file) {
    const char *folder = toy_folder();
    char path[512];
    MmlReplacement file;
    snprintf(path, sizeof path, "%s/x", folder);
    cr_assert_eq(mml_replace_file(path, "old", 3), MML_OK);
    cr_assert_eq(mml_replace_begin(&file, path), MML_OK);
    cr_assert_eq(mml_replace_write(&file, "new!", 4), MML_OK);
    mml_replace_abandon(&file);
    cr_assert_eq(mml_file_size(path), 3);
    char *text = toy_read(folder, "x");
    cr_assert_str_eq(text, "old");
    free(text);
    toy_remove(folder);
}

Test(files, a_folder_is_made_with_its_parents_and_refused_below_a_file) {
    const char *folder = toy_folder();
    char path[512];
    int created;
    snprintf(path, sizeof path, "%s/p/q/r", folder);
    cr_assert_eq(mml_folder_writable(path), MML_OK);
    cr_assert_eq(mml_folder_make(path, &created), MML_OK);
    cr_assert_eq(created, 1);
    cr_assert_eq(mml_folder_make(path, &created), MML_OK);
    cr_assert_eq(created, 0);
    snprintf(path, sizeof path, "%s/a.csv/q", folder);
    cr_assert_eq(mml_folder_writable(path), MML_EIO);
    cr_assert_eq(mml_folder_make(path, &created), MML_EIO);
    cr_assert(strstr(mml_message(), "a.csv"));
    toy_remove(folder);
}

Test(files, room_that_is_not_there_is_said) {
    const char *folder = toy_folder();
    cr_assert_eq(mml_folder_reserve(folder, 4096), MML_OK);
    cr_assert_eq(mml_folder_reserve(folder, (i64)1 << 60), MML_EIO);
    cr_assert(strstr(mml_message(), "no room"));
    cr_assert_not(mml_exists(in_folder(folder, ".space")));
    toy_remove(folder);
}
