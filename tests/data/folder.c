/* The source folder: decoding beside PIL's, classes, sizes, what is skipped and what is refused. */
#include "archive.h"
#include "picture_files.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "data/picture.h"

#define PICTURES MML_SOURCE_DIR "/tests/data/files/pictures/"

/* ---- Decoding ---- */

static Bytes whole_file(const char *path) {
    Bytes b = { 0 };
    u8 buffer[4096];
    FILE *file = fopen(path, "rb");
    cr_assert(file, "no %s", path);
    for (size_t got; (got = fread(buffer, 1, sizeof buffer, file));) put(&b, buffer, got);
    fclose(file);
    return b;
}

static Bytes picture_file(const char *name, const char *ending) {
    char path[512];
    snprintf(path, sizeof path, PICTURES "%s%s", name, ending);
    return whole_file(path);
}

/* The largest difference from PIL's pixels (pictures.py beside the files). */
static int difference(const char *name) {
    Bytes file = picture_file(name, ""), expected = picture_file(name, ".rgb");
    Picture picture;
    cr_assert_eq(mml_picture_decode(name, file.bytes, (i64)file.count, &picture), MML_OK, "%s", mml_message());
    cr_assert_eq(picture.height, expected.bytes[0], "%s", name);
    cr_assert_eq(picture.width, expected.bytes[1], "%s", name);
    int largest = 0;
    for (i64 i = 0; i < 3 * picture.height * picture.width; i++) {
        int d = abs(picture.pixels[i] - expected.bytes[2 + i]);
        largest = d > largest ? d : largest;
    }
    free(picture.pixels);
    free(file.bytes);
    free(expected.bytes);
    return largest;
}

Test(folder, decodes_every_kind_of_png_to_the_pixels_that_pil_gives) {
    static const char *const names[] = {
        "rgb.png", "rgba.png", "gray.png", "gray_alpha.png", "palette.png", "transparent_palette.png", "one_bit.png", "sixteen.png",
        "interlaced.png",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) cr_assert_eq(difference(names[i]), 0, "%s", names[i]);
}

/* Another libjpeg may round its transform otherwise; CMYK is rounded once more. */
Test(folder, decodes_every_kind_of_jpeg_to_nearly_the_pixels_that_pil_gives) {
    static const char *const names[] = { "rgb.jpg", "progressive.jpg", "gray.jpg", "cmyk.jpg", "turned.jpg", "jpeg_named.png" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) cr_assert_leq(difference(names[i]), 2, "%s", names[i]);
}

static void refuses_picture(const void *bytes, size_t count, const char *part) {
    Picture picture;
    cr_assert_eq(mml_picture_decode("x.png", bytes, (i64)count, &picture), MML_EDATA);
    cr_assert_null(picture.pixels);
    expect_in(mml_message(), "'x.png'");
    expect_in(mml_message(), part);
}

Test(folder, refuses_pictures_cut_anywhere) {
    static const struct { const char *name, *part; } files[] = {
        { "rgb.png", "damaged PNG" }, { "interlaced.png", "damaged PNG" }, { "rgb.jpg", "damaged JPEG" }, { "progressive.jpg", "damaged JPEG" },
        { "cmyk.jpg", "damaged JPEG" },
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        Bytes file = picture_file(files[i].name, "");
        for (size_t count = 8; count < file.count - 12; count += 5) refuses_picture(file.bytes, count, files[i].part);
        free(file.bytes);
    }
}

Test(folder, names_what_is_no_picture_that_it_reads) {
    refuses_picture("", 0, "is empty");
    refuses_picture("hello", 5, "neither PNG nor JPEG");
    refuses_picture("GIF89a", 6, "is a GIF picture; PNG and JPEG are read");
    refuses_picture("RIFFxxxxWEBP", 12, "a WebP picture");
    refuses_picture("version https://git-lfs.github.com/spec/v1\n", 43, "git lfs pull");
}

Test(folder, refuses_a_picture_that_says_it_is_huge) {
    Bytes b = png(60000, 60000, 0);
    refuses_picture(b.bytes, b.count, "60000 x 60000 pixels; 67108864 are the most");
    free(b.bytes);
}

/* ---- Folders ---- */

/* root/cat and root/dog, of three pictures each; a picture's first value tells it: cat 0 1 2, dog 10 11 12. */
static Program *pets(void) {
    Program *p = program_new();
    make_folder(p, "dog");
    make_folder(p, "cat");
    for (int i = 2; i >= 0; i--) {
        char name[32];
        snprintf(name, sizeof name, "cat/%d.png", i);
        write_png(p, name, 2, 3, i);
        snprintf(name, sizeof name, "dog/%d.PNG", i);
        write_png(p, name, 2, 3, 10 + i);
    }
    add_source(p, "pets", "folder", program_folder(p));
    add_modality(p, "photo", "image[3, 2, 3]", "image", 3, 3, 2, 3);
    set_target(p, 2, "label");
    return p;
}

Test(folder, numbers_classes_and_rows_by_name) {
    Program *p = pets();
    write_text(p, "README", "no class");
    write_text(p, "cat/notes.txt", "no picture");
    write_text(p, "cat/.DS_Store", "no picture");
    make_folder(p, ".git");
    for (int threads = 1; threads <= 3; threads++) {
        MmlData *data = open_data_with(p, 1, threads);
        cr_assert_str_eq(mml_data_describe(data), "6 train");
        for (i64 row = 0; row < 6; row++) {
            float photo[18];
            i64 label, number;
            sample_of(data, MML_TRAIN, row, 1, 0, p, 0, photo, &label, &number);
            cr_assert_eq(label, row / 3);
            cr_assert_eq(number, row);
            for (int c = 0; c < 3; c++)
                for (int y = 0; y < 2; y++)
                    for (int x = 0; x < 3; x++)
                        cr_assert_eq(photo[(c * 2 + y) * 3 + x], (float)(10 * (row / 3) + row % 3 + 40 * y + 4 * x + c));
        }
        cr_assert_str_eq(mml_data_class(data, 0), "cat");
        cr_assert_str_eq(mml_data_class(data, 1), "dog");
        cr_assert_null(mml_data_class(data, 2));
    }
    program_free(p);
}

Test(folder, takes_test_pictures_by_number_by_share_and_from_a_folder) {
    Program *p = pets();
    set_word(p, "data.pets.test", "every");
    set_int(p, "data.pets.test.every", 3);
    set_int(p, "data.pets.test.of", 2);
    set_real(p, "data.pets.holdout", 0.25);
    cr_assert_str_eq(mml_data_describe(open_data(p)), "3 train, 1 validation, 2 test");
    program_free(p);

    p = pets();
    Program *q = pets();
    set_word(p, "data.pets.test", "file");
    set_text(p, "data.pets.test.file", program_folder(q));
    MmlData *data = open_data(p);
    cr_assert_str_eq(mml_data_describe(data), "6 train, 6 test");
    float photo[18];
    i64 label, number;
    sample_of(data, MML_TEST, 4, 1, 0, p, 0, photo, &label, &number);
    cr_assert_eq(photo[0], 11);
    cr_assert_eq(label, 1);
    cr_assert_eq(number, 10);
    make_folder(q, "eel");
    expect_in(open_fails(p), "/eel' is no class: the train data have no folder 'eel'");
    program_free(q);
    program_free(p);
}

Test(folder, skips_what_cannot_be_read_and_keeps_the_numbers_of_the_others) {
    Program *p = pets();
    Bytes cut = png(2, 3, 0);
    write_bytes(p, "cat/1.png", cut.bytes, cut.count / 2);
    free(cut.bytes);
    set_real(p, "data.pets.skip", 0.2);
    MmlData *data = open_data(p);
    cr_assert_str_eq(mml_data_describe(data), "5 train, 1 skipped");
    cr_assert_eq(mml_data_skipped(data), 1);
    expect_in(mml_data_skip(data, 0), "cat/1.png' is a damaged PNG");
    cr_assert_null(mml_data_skip(data, 1));
    float photo[18];
    i64 number;
    sample_of(data, MML_TRAIN, 1, 1, 0, p, 0, photo, NULL, &number);
    cr_assert_eq(number, 2);
    cr_assert_eq(photo[0], 2);
    set_real(p, "data.pets.skip", 0.01);
    const char *message = open_fails(p);
    expect_in(message, "1 of the 6 pictures of data.pets (test.mml:9) can't be read, more than data.pets.skip = 1 %");
    expect_in(message, "cat/1.png' is a damaged PNG");
    program_free(p);
}

Test(folder, fails_when_nothing_can_be_read) {
    Program *p = pets();
    for (int i = 0; i < 3; i++) {
        char name[32];
        snprintf(name, sizeof name, "cat/%d.png", i);
        write_text(p, name, "GIF89a");
        snprintf(name, sizeof name, "dog/%d.PNG", i);
        write_text(p, name, "version https://git-lfs.github.com/spec/v1");
    }
    set_real(p, "data.pets.skip", 1);
    expect_in(open_fails(p), "6 of the 6 pictures");
    program_free(p);
}

Test(folder, says_what_is_wrong_with_the_folders) {
    Program *p = program_new();
    add_source(p, "pets", "folder", program_folder(p));
    add_modality(p, "photo", "image[3, 2, 3]", "image", 3, 3, 2, 3);
    set_target(p, 2, "label");
    expect_in(open_fails(p), "has no folders; each class is a folder of pictures (data.pets.root, test.mml:9)");
    make_folder(p, "train");
    expect_in(open_fails(p), "the class folder '");
    expect_in(open_fails(p), "/train' holds no picture");
    make_folder(p, "train/cat");
    expect_in(open_fails(p), "/train' holds folders and no pictures; classes are the folders directly below data.pets.root");
    program_free(p);
}

Test(folder, a_class_beyond_the_declared_number_is_named) {
    Program *p = pets();
    make_folder(p, "eel");
    write_png(p, "eel/0.png", 2, 3, 0);
    const char *message = open_fails(p);
    expect_in(message, "eel/0.png: label 2 is not below the 2 classes");
    expect_in(message, "class[3]");
    program_free(p);
}

/* ---- Sizes ---- */

Test(folder, names_two_pictures_that_differ_in_size_and_the_remedy) {
    Program *p = pets();
    write_png(p, "dog/1.PNG", 4, 6, 0);
    const char *message = open_fails(p);
    expect_in(message, "cat/0.png' is 2 x 3 pixels and '");
    expect_in(message, "dog/1.PNG' 4 x 6; begin with resize(height, width) or random_resized_crop(side)");
    program_free(p);
}

static void write_sizes(Program *p) {
    make_folder(p, "a");
    make_folder(p, "b");
    write_png(p, "a/0.png", 8, 5, 3);
    write_png(p, "a/1.png", 5, 8, 30);
    write_png(p, "b/0.png", 4, 4, 60);
    write_png(p, "b/1.png", 3, 3, 90);
}

/* Each picture comes out as it does when it is alone in the folder, where the step is
 * prepared for its size. */
static void alike_alone(const char *step, int side, int augment) {
    static const char *const names[] = { "a/0.png", "a/1.png", "b/0.png", "b/1.png" };
    float together[4][3 * 16], alone[3 * 16];
    for (int pass = -1; pass < 4; pass++) {
        Program *p = program_new();
        if (pass < 0) {
            write_sizes(p);
        } else {
            Program *q = program_new();
            write_sizes(q);
            make_folder(p, "a");
            Bytes b = whole_file(mml_arena_format(program_settings(q)->arena, "%s/%s", program_folder(q), names[pass]));
            write_bytes(p, "a/0.png", b.bytes, b.count);
            free(b.bytes);
            program_free(q);
        }
        add_source(p, "shapes", "folder", program_folder(p));
        set_target(p, 2, "label");
        add_modality(p, "view", "image[3, 4, 4]", "image", 3, 3, 4, 4);
        add_step(p, step, 3, 3, 4, 4);
        if (side) step_int(p, "side", 4);
        else {
            step_int(p, "height", 4);
            step_int(p, "width", 4);
        }
        add_step(p, "scale", 3, 3, 4, 4);
        step_real(p, "factor", 0.5);
        MmlData *data = open_data_with(p, 1, 2);
        for (int row = 0; row < (pass < 0 ? 4 : 1); row++)
            for (int again = 0; again < 2; again++)          /* the second time from what is kept */
                sample_of(data, MML_TRAIN, row, 1, augment, p, 0, pass < 0 ? together[row] : alone, NULL, NULL);
        if (pass >= 0 && !(augment && pass > 0)) cr_assert_eq(memcmp(together[pass], alone, sizeof alone), 0, "%s", names[pass]);
        program_free(p);
    }
}

Test(folder, pictures_of_several_sizes_are_resized_each_from_its_own) {
    alike_alone("resize", 0, 0);
    alike_alone("random_resized_crop", 1, 0);
    alike_alone("random_resized_crop", 1, 1);            /* the crop is drawn by row number: row 0 */
}

/* PIL rounds to bytes after each of the two directions: half a unit each, and its own weights have 22 bits. */
Test(folder, resizes_to_the_pixels_that_pil_gives) {
    Bytes expected = whole_file(MML_SOURCE_DIR "/tests/data/files/resized.rgb");
    size_t at = 0;
    for (int i = 0; i < 3; i++) {
        int height = expected.bytes[at], width = expected.bytes[at + 1];
        const u8 *pixels = expected.bytes + at + 2;
        Program *p = program_new();
        make_folder(p, "one");
        Bytes b = picture_file("rgb.png", "");
        write_bytes(p, "one/rgb.png", b.bytes, b.count);
        free(b.bytes);
        add_source(p, "one", "folder", program_folder(p));
        add_modality(p, "photo", "image[3, H, W]", "image", 3, 3, height, width);
        add_step(p, "resize", 3, 3, height, width);
        step_int(p, "height", height);
        step_int(p, "width", width);
        set_target(p, 2, "label");
        float values[3 * 17 * 30];
        train_sample(p, open_data(p), 0, values);
        for (int c = 0; c < 3; c++)
            for (int k = 0; k < height * width; k++)
                cr_assert_leq(fabs((double)values[c * height * width + k] - pixels[3 * k + c]), 1.05, "%d x %d: %g and %d", height, width,
                              (double)values[c * height * width + k], pixels[3 * k + c]);
        program_free(p);
        at += 2 + 3 * (size_t)height * (size_t)width;
    }
    cr_assert_eq(at, expected.count);
    free(expected.bytes);
}

Test(folder, refuses_a_resize_that_keeps_the_ratio_of_pictures_that_differ) {
    Program *p = program_new();
    write_sizes(p);
    add_source(p, "shapes", "folder", program_folder(p));
    set_target(p, 2, "label");
    add_modality(p, "view", "image[3, 4, 4]", "image", 3, 3, 4, 4);
    add_step(p, "resize", 3, 3, 4, 4);
    step_int(p, "side", 4);
    expect_in(open_fails(p), "resize keeps the ratio of height and width, and the pictures differ in size; give both");
    program_free(p);
}

Test(folder, reads_pictures_of_a_camera) {
    const char *root = MML_SHARED_DIR "/data/flow-sample";
    if (access(root, F_OK) != 0) {
        fprintf(stderr, "skipped: real pictures: no ../shared\n");
        return;
    }
    Program *p = program_new();
    add_source(p, "frames", "folder", root);
    add_modality(p, "frame", "image[3, 240, 320]", "image", 3, 3, 240, 320);
    set_target(p, 2, "label");
    MmlData *data = open_data_with(p, 1, 2);
    cr_assert_str_eq(mml_data_describe(data), "20 train");
    /* flow_x_00001.jpg is gray: its three channels are one. */
    float *frame = malloc(sizeof *frame * 3 * 240 * 320);
    train_sample(p, data, 0, frame);
    cr_assert_eq(memcmp(frame, frame + 240 * 320, sizeof *frame * 240 * 320), 0);
    free(frame);
    program_free(p);
}

Test(folder, reads_a_folder_of_every_format) {
    Program *p = program_new();
    make_folder(p, "all");
    static const char *const names[] = { "rgb.png", "sixteen.png", "palette.png", "interlaced.png", "rgb.jpg", "gray.jpg", "cmyk.jpg", "jpeg_named.png" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        Bytes b = picture_file(names[i], "");
        write_bytes(p, mml_arena_format(program_settings(p)->arena, "all/%s", names[i]), b.bytes, b.count);
        free(b.bytes);
    }
    add_source(p, "all", "folder", program_folder(p));
    add_modality(p, "photo", "image[3, 11, 13]", "image", 3, 3, 11, 13);
    set_target(p, 2, "label");
    cr_assert_str_eq(mml_data_describe(open_data_with(p, 1, 2)), "8 train");
    program_free(p);
}
