/* The source idx: what it reads, and what it says of damaged sets. */
#include "program.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* data digits = idx(folder) of 2 x 3 images, 12 train and 6 test, 3 classes. */
static Program *small_set(void) {
    Program *p = program_new();
    write_idx_set(p, 12, 6, 2, 3, 3);
    add_idx(p, "digits");
    add_modality(p, "gray", "image[1, 2, 3]", "image", 3, 1, 2, 3);
    set_target(p, 3, "label");
    return p;
}

Test(idx, reads_images_and_labels_of_both_splits) {
    Program *p = small_set();
    MmlData *data = open_data(p);
    cr_assert_eq(mml_data_count(data, MML_TRAIN), 12);
    cr_assert_eq(mml_data_count(data, MML_VALIDATION), 0);
    cr_assert_eq(mml_data_count(data, MML_TEST), 6);
    cr_assert_str_eq(mml_data_describe(data), "12 train, 6 test");
    float image[6];
    i64 label, number;
    sample_of(data, MML_TRAIN, 5, 1, 0, p, 0, image, &label, &number);
    for (int i = 0; i < 6; i++) cr_assert_eq(image[i], 30 + i);
    cr_assert_eq(label, 2);
    cr_assert_eq(number, 5);
    sample_of(data, MML_TEST, 1, 1, 0, p, 0, image, &label, &number);
    for (int i = 0; i < 6; i++) cr_assert_eq(image[i], 106 + i);
    cr_assert_eq(label, 1);
    cr_assert_eq(number, 13, "test samples are numbered behind the train file's");
    program_free(p);
}

Test(idx, reads_the_same_from_gzip_and_from_dotted_names) {
    Program *p = small_set();
    char checksum[32];
    snprintf(checksum, sizeof checksum, "%s", mml_data_checksum(open_data(p)));
    static const char *const plain[] = { "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte" };
    for (int i = 0; i < 4; i++) {
        char from[512], to[512];
        snprintf(from, sizeof from, "%s/%s", program_folder(p), plain[i]);
        snprintf(to, sizeof to, "%s/%s", program_folder(p), plain[i]);
        *strstr(to + strlen(program_folder(p)), "-idx") = '.';
        cr_assert_eq(rename(from, to), 0);
    }
    cr_assert_str_eq(mml_data_checksum(open_data(p)), checksum);
    u8 bytes[256];
    for (int i = 0; i < 4; i++) {
        char dotted[512];
        snprintf(dotted, sizeof dotted, "%s/%s", program_folder(p), plain[i]);
        *strstr(dotted + strlen(program_folder(p)), "-idx") = '.';
        unlink(dotted);
    }
    write_gzip(p, "train-images-idx3-ubyte.gz", bytes, idx_images(bytes, 12, 2, 3, 0), 0);
    write_gzip(p, "train-labels-idx1-ubyte.gz", bytes, idx_labels(bytes, 12, 3), 0);
    write_gzip(p, "t10k-images-idx3-ubyte.gz", bytes, idx_images(bytes, 6, 2, 3, 100), 0);
    write_gzip(p, "t10k-labels-idx1-ubyte.gz", bytes, idx_labels(bytes, 6, 3), 0);
    cr_assert_str_eq(mml_data_checksum(open_data(p)), checksum);
    program_free(p);
}

Test(idx, takes_the_first_samples_under_a_limit_and_keeps_their_numbers) {
    Program *p = small_set();
    set_int(p, "data.digits.limit", 4);
    set_int(p, "data.digits.test_limit", 100);
    MmlData *data = open_data(p);
    cr_assert_str_eq(mml_data_describe(data), "4 train, 6 test");
    float image[6];
    i64 label, number;
    sample_of(data, MML_TEST, 0, 1, 0, p, 0, image, &label, &number);
    cr_assert_eq(number, 12);
    cr_assert_eq(image[0], 100);
    program_free(p);
}

Test(idx, changes_its_checksum_with_any_byte) {
    Program *p = small_set();
    char checksum[32];
    snprintf(checksum, sizeof checksum, "%s", mml_data_checksum(open_data(p)));
    u8 bytes[256];
    size_t size = idx_images(bytes, 12, 2, 3, 0);
    bytes[40] ^= 1;
    write_bytes(p, "train-images-idx3-ubyte", bytes, size);
    cr_assert_str_neq(mml_data_checksum(open_data(p)), checksum);
    program_free(p);
}

/* A set whose train images are these bytes; expects one message. */
static void refuses(const void *images, size_t size, const char *part) {
    Program *p = small_set();
    write_bytes(p, "train-images-idx3-ubyte", images, size);
    const char *message = open_fails(p);
    expect_in(message, "train-images-idx3-ubyte");
    expect_in(message, part);
    program_free(p);
}

Test(idx, refuses_a_truncated_file) {
    u8 bytes[256];
    size_t size = idx_images(bytes, 12, 2, 3, 0);
    refuses(bytes, size - 1, "truncated");
    refuses(bytes, 16, "truncated");
    refuses(bytes, 7, "truncated");
    refuses(bytes, 0, "truncated");
}

Test(idx, refuses_bytes_behind_the_last_image) {
    u8 bytes[256];
    size_t size = idx_images(bytes, 12, 2, 3, 0);
    bytes[size] = 0;
    refuses(bytes, size + 1, "longer than its header says");
}

Test(idx, refuses_another_magic_number) {
    u8 bytes[256];
    size_t size = idx_images(bytes, 12, 2, 3, 0);
    bytes[3] = 1;
    refuses(bytes, size, "magic number is 0x00000801, not 0x00000803");
}

Test(idx, refuses_an_empty_set) {
    u8 bytes[256];
    Program *p = small_set();
    write_bytes(p, "train-images-idx3-ubyte", bytes, idx_images(bytes, 0, 2, 3, 0));
    write_bytes(p, "train-labels-idx1-ubyte", bytes, idx_labels(bytes, 0, 3));
    expect_in(open_fails(p), "no samples");
    program_free(p);
}

Test(idx, refuses_images_without_pixels) {
    u8 bytes[256];
    refuses(bytes, idx_images(bytes, 12, 0, 3, 0), "images of 0 x 3 pixels");
}

Test(idx, refuses_sizes_that_overflow) {
    u8 bytes[16];
    memset(bytes, 0xff, sizeof bytes);
    memcpy(bytes, "\0\0\x08\x03\0\0\0\x0c", 8);
    refuses(bytes, sizeof bytes, "images of 4294967295 x 4294967295 pixels");
    /* 12 * 0x7fffffff * 0x7fffffff bytes don't fit 64 bits, one image does. */
    memcpy(bytes + 8, "\x7f\xff\xff\xff\x7f\xff\xff\xff", 8);
    refuses(bytes, sizeof bytes, "truncated or its header is wrong");
    /* 12 * 0xfffff * 0x7ffff bytes: no overflow, and still not there. */
    memcpy(bytes + 8, "\0\x0f\xff\xff\0\x07\xff\xff", 8);
    refuses(bytes, sizeof bytes, "truncated");
}

Test(idx, refuses_gzip_whose_header_promises_more_than_it_can_hold) {
    Program *p = small_set();
    u8 bytes[256];
    size_t size = idx_images(bytes, 12, 2, 3, 0);
    memcpy(bytes + 8, "\0\0\x40\0\0\0\x40\0", 8);
    char path[512];
    snprintf(path, sizeof path, "%s/train-images-idx3-ubyte", program_folder(p));
    unlink(path);
    write_gzip(p, "train-images-idx3-ubyte.gz", bytes, size, 0);
    expect_in(open_fails(p), "train-images-idx3-ubyte.gz' is truncated");
    program_free(p);
}

Test(idx, refuses_truncated_gzip) {
    for (size_t cut = 1; cut < 40; cut += 6) {
        Program *p = small_set();
        u8 bytes[2048];
        write_bytes(p, "train-labels-idx1-ubyte", bytes, idx_labels(bytes, 12, 3));
        size_t size = idx_images(bytes, 12, 2, 3, 0);
        char path[512];
        snprintf(path, sizeof path, "%s/train-images-idx3-ubyte", program_folder(p));
        unlink(path);
        write_gzip(p, "train-images-idx3-ubyte.gz", bytes, size, cut);
        const char *message = open_fails(p);
        expect_in(message, "train-images-idx3-ubyte.gz");
        expect_in(message, "truncated");
        program_free(p);
    }
}

Test(idx, refuses_damaged_gzip) {
    Program *p = small_set();
    u8 bytes[256];
    size_t size = idx_images(bytes, 12, 2, 3, 0);
    char path[512];
    snprintf(path, sizeof path, "%s/train-images-idx3-ubyte", program_folder(p));
    unlink(path);
    write_gzip(p, "train-images-idx3-ubyte.gz", bytes, size, 0);
    snprintf(path, sizeof path, "%s/train-images-idx3-ubyte.gz", program_folder(p));
    FILE *file = fopen(path, "r+b");
    fseek(file, -8, SEEK_END);             /* its CRC */
    fputs("CRCX", file);
    fclose(file);
    expect_in(open_fails(p), "damaged");
    program_free(p);
}

Test(idx, refuses_images_and_labels_of_different_count) {
    Program *p = small_set();
    u8 bytes[64];
    write_bytes(p, "train-labels-idx1-ubyte", bytes, idx_labels(bytes, 11, 3));
    const char *message = open_fails(p);
    expect_in(message, "12 images");
    expect_in(message, "11 labels");
    program_free(p);
}

Test(idx, refuses_labels_that_are_no_class) {
    Program *p = small_set();
    set_target(p, 2, "label");
    const char *message = open_fails(p);
    expect_in(message, "train-labels-idx1-ubyte, sample 2: label 2 is not below the 2 classes of target kind (test.mml:30)");
    expect_in(message, "class[3]");
    program_free(p);
}

Test(idx, refuses_test_images_of_another_size) {
    Program *p = small_set();
    u8 bytes[256];
    write_bytes(p, "t10k-images-idx3-ubyte", bytes, idx_images(bytes, 6, 3, 3, 0));
    expect_in(open_fails(p), "of 2 x 3 pixels and");
    program_free(p);
}

Test(idx, names_file_modality_and_both_shapes_when_images_do_not_fit) {
    Program *p = program_new();
    write_idx_set(p, 12, 6, 9, 9, 3);
    add_idx(p, "digits");
    add_modality(p, "gray", "image[1, 8, 8]", "image", 3, 1, 8, 8);
    const char *message = open_fails(p);
    expect_in(message, "train-images-idx3-ubyte");
    expect_in(message, "[1, 9, 9]");
    expect_in(message, "image[1, 8, 8]");
    add_step(p, "scale", 3, 1, 8, 8);
    step_real(p, "factor", 1);
    message = open_fails(p);
    expect_in(message, "test.mml:20:5: scale makes [1, 9, 9] of ");
    expect_in(message, "[1, 8, 8] is needed for modality gray : image[1, 8, 8]");
    program_free(p);
}

Test(idx, names_the_missing_folder_and_the_option_to_give) {
    Program *p = program_new();
    set_param(p, "root", "data/nowhere");
    add_source(p, "digits", "idx", "data/nowhere");
    add_modality(p, "gray", "image[1, 2, 3]", "image", 3, 1, 2, 3);
    cr_assert_str_eq(open_fails(p), "there is no folder 'data/nowhere' (data.digits.root, test.mml:9); give --root");
    program_free(p);
}

Test(idx, names_the_setting_to_give_when_no_param_is_behind_the_folder) {
    Program *p = program_new();
    set_param(p, "other", "elsewhere");
    add_source(p, "digits", "idx", "data/nowhere");
    add_modality(p, "gray", "image[1, 2, 3]", "image", 3, 1, 2, 3);
    expect_in(open_fails(p), "give --set data.digits.root=PATH");
    program_free(p);
}

Test(idx, names_a_missing_file) {
    Program *p = small_set();
    char path[512];
    snprintf(path, sizeof path, "%s/t10k-labels-idx1-ubyte", program_folder(p));
    unlink(path);
    expect_in(open_fails(p), "t10k-labels-idx1-ubyte");
    program_free(p);
}

Test(idx, refuses_a_folder_in_place_of_a_file_and_a_file_in_place_of_the_folder) {
    Program *p = small_set();
    char path[512];
    snprintf(path, sizeof path, "%s/t10k-labels-idx1-ubyte", program_folder(p));
    set_text(p, "data.digits.root", path);
    expect_in(open_fails(p), "is a file; data.digits.root (test.mml:9) takes a folder");
    set_text(p, "data.digits.root", program_folder(p));
    unlink(path);
    cr_assert_eq(mkdir(path, 0755), 0);
    expect_in(open_fails(p), "t10k-labels-idx1-ubyte' is a folder, not a file");
    program_free(p);
}

Test(idx, takes_test_rows_off_the_train_files_and_leaves_the_test_files_alone) {
    Program *p = small_set();
    char path[512];
    snprintf(path, sizeof path, "%s/t10k-images-idx3-ubyte", program_folder(p));
    unlink(path);
    set_word(p, "data.digits.test", "every");
    set_int(p, "data.digits.test.every", 4);
    set_int(p, "data.digits.test.of", 3);
    set_int(p, "data.digits.limit", 5);
    MmlData *data = open_data(p);
    cr_assert_str_eq(mml_data_describe(data), "5 train, 3 test");
    float pixels[6];
    i64 number;
    sample_of(data, MML_TEST, 2, 1, 0, p, 0, pixels, NULL, &number);
    cr_assert_eq(number, 11);
    cr_assert_eq(pixels[0], 66);
    program_free(p);
}

Test(idx, says_of_other_sources_first_what_is_missing_then_that_it_cannot_read_them) {
    static const char *const kinds[] = { "ave", "ucf101" };
    for (int i = 0; i < 2; i++) {
        Program *p = program_new();
        set_param(p, "root", "data/clips");
        add_source(p, "clips", kinds[i], "data/clips");
        add_modality(p, "audio", "spectrogram[1, 257, 299]", "wav", 3, 1, 257, 299);
        cr_assert_str_eq(open_fails(p), "there is no folder 'data/clips' (data.clips.root, test.mml:9); give --root");
        set_text(p, "data.clips.root", program_folder(p));
        expect_in(open_fails(p), "this version has no reader for");
        expect_in(open_fails(p), kinds[i]);
        program_free(p);
    }
}
