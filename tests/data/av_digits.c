/* The source av_digits: three lists, sounds and images joined by them, and what is refused. */
#include "sounds.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Sound i is the constant (i + 1) / 8, ten samples at 8 kHz. */
static void write_sounds(Program *p, int count) {
    for (int i = 0; i < count; i++) {
        double values[10];
        char name[32];
        for (int j = 0; j < 10; j++) values[j] = (i + 1) / 8.0;
        snprintf(name, sizeof name, "s%d.wav", i);
        write_wav(p, name, 8000, values, 10);
    }
}

static void add_modalities(Program *p) {
    add_modality(p, "image", "image[1, 4, 4]", "image", 3, 1, 4, 4);
    add_modality(p, "sound", "vector[10]", "wav", 1, 10);
    add_step(p, "mono", 1, 10);
    step_real(p, "rate", 8000);
}

static Program *small(void) {
    Program *p = sounds_program(20, 4);
    write_sounds(p, 4);
    add_modalities(p);
    return p;
}

Test(av_digits, joins_sounds_and_images_by_the_lists) {
    Program *p = small();
    MmlData *data = open_data(p);
    cr_assert_str_eq(mml_data_describe(data), "20 train, 20 validation, 20 test");
    static const struct { MmlSplit split; int start; i64 first; } splits[] = {
        { MML_TRAIN, 0, 0 }, { MML_TEST, 100, 20 }, { MML_VALIDATION, 0, 40 },
    };
    for (int s = 0; s < 3; s++) {
        float image[16], sound[10];
        i64 label, number;
        sample_of(data, splits[s].split, 13, 1, 0, p, 0, image, &label, &number);
        sample_of(data, splits[s].split, 13, 1, 0, p, 1, sound, NULL, NULL);
        cr_assert_eq(label, 3);
        cr_assert_eq(number, splits[s].first + 13);
        expect_near((double)image[5], splits[s].start == 0 ? (13 * 16 + 5) % 256 : (100 + 13 * 16 + 5) % 256, 0, "pixel");
        expect_near((double)sound[7], 2 / 8.0, 1e-4, "sound s1");
    }
    program_free(p);
}

Test(av_digits, holdout_takes_the_place_of_the_validation_list) {
    Program *p = small();
    set_real(p, "data.clips.holdout", 0.1);
    char path[512];
    snprintf(path, sizeof path, "%s/avdigits/val.csv", program_folder(p));
    cr_assert_eq(unlink(path), 0);
    cr_assert_str_eq(mml_data_describe(open_data(p)), "18 train, 2 validation, 20 test");
    program_free(p);
}

Test(av_digits, a_sound_that_cannot_be_read_skips_its_rows_and_is_named_once) {
    Program *p = small();
    write_text(p, "s3.wav", "version https://git-lfs.github.com/spec/v1\n");
    expect_in(open_fails(p), "15 of the 60 samples of data.clips (test.mml:9) can't be read, more than data.clips.skip = 1 %; the first: ");
    expect_in(mml_message(), "s3.wav' is a git-lfs pointer in place of the sound (git lfs pull fetches it)");
    set_real(p, "data.clips.skip", 0.3);
    MmlData *data = open_data(p);
    cr_assert_str_eq(mml_data_describe(data), "15 train, 15 validation, 15 test, 15 skipped");
    expect_in(mml_data_skip(data, 0), "s3.wav");
    cr_assert_null(mml_data_skip(data, 1));
    i64 label, number;
    float sound[10];
    sample_of(data, MML_TRAIN, 3, 1, 0, p, 1, sound, &label, &number);          /* row 4: row 3 is skipped */
    cr_assert_eq(number, 4);
    program_free(p);
}

Test(av_digits, names_the_list_and_line_of_what_is_wrong) {
    static const struct { const char *row, *part; } cases[] = {
        { "x,1,s0.wav,train,2",     "avdigits/train.csv:2: label 1 disagrees with label 2 of image 2 of '" },
        { "x,one,s0.wav,train,1",   "avdigits/train.csv:2: label is 'one'; it is a whole number" },
        { "x,1,s0.wav,valid,1",     "avdigits/train.csv:2: mnist_set is 'valid'; it is train or t10k" },
        { "x,1,s0.wav,t10k,20",     "avdigits/train.csv:2: mnist_index is '20'; '" },
        { "x,1,s0.wav,train,-1",    "avdigits/train.csv:2: mnist_index is '-1'; '" },
        { "x,1,,train,1",           "avdigits/train.csv:2: wav is ''; it is a file's path from root" },
        { "x,1,s0.wav,train",       "avdigits/train.csv:2: 4 cells where the first row has 5" },
        { "x,1,\"s0.wav,train,1",   "avdigits/train.csv:2: column 3: the quote is never closed" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Program *p = small();
        char text[256];
        snprintf(text, sizeof text, "\xEF\xBB\xBFid,label,wav,mnist_set,mnist_index\r\n%s\r\n", cases[i].row);
        write_text(p, "avdigits/train.csv", text);
        expect_in(open_fails(p), cases[i].part);
        program_free(p);
    }
    Program *p = small();
    write_text(p, "avdigits/test.csv", "id,label,wav,mnist_set\n0,0,s0.wav,train\n");
    expect_in(open_fails(p), "avdigits/test.csv' has no column mnist_index");
    program_free(p);
}

Test(av_digits, says_which_file_is_missing_and_what_to_give) {
    static const char *const files[] = { "avdigits/val.csv", "avdigits/train.csv", "mnist/t10k-images-idx3-ubyte" };
    for (int i = 0; i < 3; i++) {
        Program *p = small();
        char path[512];
        set_param(p, "root", program_folder(p));
        snprintf(path, sizeof path, "%s/%s", program_folder(p), files[i]);
        cr_assert_eq(unlink(path), 0);
        expect_in(open_fails(p), files[i]);
        expect_in(mml_message(), "give --root");
        program_free(p);
    }
}

Test(av_digits, a_sound_that_changed_since_the_start_ends_the_batch_in_a_message) {
    Program *p = small();
    MmlData *data = open_data(p);
    double values[3] = { 0 };
    write_wav(p, "s2.wav", 8000, values, 3);
    float image[16], sound[10], *inputs[2] = { image, sound };
    i64 row = 2, label, number;
    cr_assert_eq(mml_data_batch(data, MML_TRAIN, &row, 1, 1, 0, inputs, &label, &number), MML_EDATA);
    expect_in(mml_message(), "mono gives nan for a sample of modality sound (");
    expect_in(mml_message(), "avdigits/train.csv:4)");
    program_free(p);
}
