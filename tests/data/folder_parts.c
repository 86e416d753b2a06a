/* The source folder: sounds by class, and samples of several parts under one name: sound, picture, frames. */
#include "picture_files.h"
#include "sounds.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A constant of `count` values at 8 kHz. */
static void write_constant(Program *p, const char *name, double value, int count) {
    double values[64];
    for (int i = 0; i < count; i++) values[i] = value;
    write_wav(p, name, 8000, values, count);
}

static void add_sound(Program *p) {
    add_modality(p, "sound", "vector[10]", "wav", 1, 10);
    add_mono(p, 8000);
    add_fit(p, 10.0 / 8000, "pad", 10);
}

static void add_photo(Program *p) { add_modality(p, "photo", "image[3, 2, 3]", "image", 3, 3, 2, 3); }

static void add_clip(Program *p) {
    add_modality(p, "clip", "video[2, 3, 2, 3]", "frames", 4, 2, 3, 2, 3);
    add_step(p, "frames", 4, 2, 3, 2, 3);
    step_int(p, "count", 2);
    step_word(p, "pick", "uniform");
}

/* birds/crow and birds/wren of three samples each: sound i of class c is the constant (3 c + i + 1) / 8 and 4 + i long, its picture
 * begins with 30 c + 3 i, its two frames with 100 + 30 c + 3 i and one more. */
static Program *birds(void) {
    static const char *const classes[] = { "crow", "wren" };
    Program *p = program_new();
    make_folder(p, "birds");
    for (int c = 1; c >= 0; c--) {
        char name[64];
        snprintf(name, sizeof name, "birds/%s", classes[c]);
        make_folder(p, name);
        for (int i = 0; i < 3; i++) {
            snprintf(name, sizeof name, "birds/%s/b-%d.wav", classes[c], i);
            write_constant(p, name, (3 * c + i + 1) / 8.0, 4 + i);
            snprintf(name, sizeof name, "birds/%s/b-%d.png", classes[c], i);
            write_png(p, name, 2, 3, 30 * c + 3 * i);
            snprintf(name, sizeof name, "birds/%s/b-%d", classes[c], i);
            make_folder(p, name);
            for (int frame = 0; frame < 2; frame++) {
                snprintf(name, sizeof name, "birds/%s/b-%d/%d.png", classes[c], i, frame + 1);
                write_png(p, name, 2, 3, 100 + 30 * c + 3 * i + frame);
            }
        }
    }
    add_source(p, "birds", "folder", mml_arena_format(program_settings(p)->arena, "%s/birds", program_folder(p)));
    set_target(p, 2, "label");
    return p;
}

static void remove_file(Program *p, const char *name) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", program_folder(p), name);
    cr_assert_eq(unlink(path), 0, "%s", path);
}

Test(folder_parts, sounds_by_class_of_several_lengths_are_fitted) {
    Program *p = birds();
    add_sound(p);
    write_text(p, "birds/crow/notes.txt", "no sound");
    for (int threads = 1; threads <= 3; threads += 2) {
        MmlData *data = open_data_with(p, 1, threads);
        cr_assert_str_eq(mml_data_describe(data), "6 train");
        for (i64 row = 0; row < 6; row++) {
            float sound[10];
            i64 label, number;
            sample_of(data, MML_TRAIN, row, 1, 0, p, 0, sound, &label, &number);
            cr_assert(label == row / 3 && number == row);
            expect_near((double)sound[3 + row % 3], (double)(row + 1) / 8, 1e-4, "within the sound");
            expect_near((double)sound[4 + row % 3], 0, 0, "behind it");
        }
        cr_assert_str_eq(mml_data_class(data, 1), "wren");
    }
    program_free(p);
}

Test(folder_parts, sounds_take_the_splits_and_limits_of_pictures) {
    Program *p = birds(), *q = birds();
    add_sound(p);
    set_word(p, "data.birds.test", "every");
    set_int(p, "data.birds.test.every", 3);
    set_int(p, "data.birds.test.of", 2);
    set_real(p, "data.birds.holdout", 0.25);
    set_int(p, "data.birds.test_limit", 1);
    cr_assert_str_eq(mml_data_describe(open_data(p)), "3 train, 1 validation, 1 test");
    program_free(p);
    p = birds();
    add_sound(p);
    set_word(p, "data.birds.test", "file");
    set_text(p, "data.birds.test.file", mml_arena_format(program_settings(p)->arena, "%s/birds", program_folder(q)));
    cr_assert_str_eq(mml_data_describe(open_data(p)), "6 train, 6 test");
    program_free(q);
    program_free(p);
}

Test(folder_parts, of_one_name_make_one_sample) {
    Program *p = birds();
    add_sound(p);
    add_photo(p);
    add_clip(p);
    MmlData *data = open_data_with(p, 1, 2);
    cr_assert_str_eq(mml_data_describe(data), "6 train");
    for (i64 row = 0; row < 6; row++) {
        float sound[10], photo[18], clip[36];
        i64 label, number, first = 30 * (row / 3) + 3 * (row % 3);
        sample_of(data, MML_TRAIN, row, 1, 0, p, 0, sound, &label, &number);
        sample_of(data, MML_TRAIN, row, 1, 0, p, 1, photo, NULL, NULL);
        sample_of(data, MML_TRAIN, row, 1, 0, p, 2, clip, NULL, NULL);
        cr_assert(label == row / 3 && number == row);
        expect_near((double)sound[0], (double)(row + 1) / 8, 1e-4, "sound");
        cr_assert_eq(photo[0], (float)first);
        cr_assert(clip[0] == (float)(100 + first) && clip[18] == (float)(101 + first));
    }
    program_free(p);
}

/* "b-1" stands before "b", a longer name that begins with a shorter one behind it, whatever the endings are. */
Test(folder_parts, one_part_and_several_number_rows_alike) {
    for (int several = 0; several < 2; several++) {
        Program *p = program_new();
        make_folder(p, "one");
        make_folder(p, "one/a");
        static const char *const names[] = { "x", "x-1", "x.2", "x_3" };
        for (int i = 3; i >= 0; i--) {
            char name[64];
            snprintf(name, sizeof name, "one/a/%s.wav", names[i]);
            write_constant(p, name, (i + 1) / 8.0, 4);
            snprintf(name, sizeof name, "one/a/%s.png", names[i]);
            write_png(p, name, 2, 3, i);
        }
        add_source(p, "birds", "folder", mml_arena_format(program_settings(p)->arena, "%s/one", program_folder(p)));
        set_target(p, 2, "label");
        add_sound(p);
        if (several) add_photo(p);
        MmlData *data = open_data(p);
        for (i64 row = 0; row < 4; row++) {
            float sound[10];
            sample_of(data, MML_TRAIN, row, 1, 0, p, 0, sound, NULL, NULL);
            expect_near((double)sound[0], (double)(row + 1) / 8, 1e-4, names[row]);
        }
        program_free(p);
    }
}

Test(folder_parts, that_are_missing_skip_their_samples_with_counts_and_examples) {
    Program *p = birds();
    add_sound(p);
    add_photo(p);
    remove_file(p, "birds/crow/b-1.png");
    remove_file(p, "birds/wren/b-2.png");
    write_constant(p, "birds/wren/lonely.wav", 0.5, 5);
    write_png(p, "birds/wren/silent.png", 2, 3, 0);
    const char *message = open_fails(p);
    expect_in(message, "4 of the 8 samples of data.birds (test.mml:9) can't be read, more than data.birds.skip = 1 %; the first: ");
    expect_in(message, "3 samples have no picture of their name: '");
    expect_in(message, "birds/crow/b-1.wav', '");
    expect_in(message, "birds/wren/b-2.wav', '");
    expect_in(message, "birds/wren/lonely.wav'");
    set_real(p, "data.birds.skip", 0.5);
    MmlData *data = open_data(p);
    cr_assert_str_eq(mml_data_describe(data), "4 train, 4 skipped");
    expect_in(mml_data_skip(data, 1), "1 sample has no sound of its name: '");
    expect_in(mml_data_skip(data, 1), "birds/wren/silent.png'");
    cr_assert_null(mml_data_skip(data, 2));
    float sound[10];
    i64 number;
    sample_of(data, MML_TRAIN, 1, 1, 0, p, 0, sound, NULL, &number);
    cr_assert_eq(number, 2);
    program_free(p);
}

Test(folder_parts, that_cannot_be_read_are_each_named_and_skip_their_sample_once) {
    Program *p = birds();
    add_sound(p);
    add_photo(p);
    write_text(p, "birds/crow/b-0.wav", "RIFF");
    write_text(p, "birds/crow/b-0.png", "GIF89a");
    write_text(p, "birds/wren/b-1.wav", "ID3");
    write_text(p, "birds/wren/b-1.mp3", "ID3");
    expect_in(open_fails(p), "b-1.wav' have one name: which sound belongs to it? Rename or remove one");
    remove_file(p, "birds/wren/b-1.mp3");
    set_real(p, "data.birds.skip", 0.5);
    MmlData *data = open_data(p);
    cr_assert_str_eq(mml_data_describe(data), "4 train, 2 skipped");
    expect_in(mml_data_skip(data, 0), "crow/b-0.png' is a GIF picture");
    expect_in(mml_data_skip(data, 1), "crow/b-0.wav' is truncated within its header");
    expect_in(mml_data_skip(data, 2), "wren/b-1.wav' is an MP3 file; PCM and float WAV are read");
    cr_assert_null(mml_data_skip(data, 3));
    program_free(p);
}

Test(folder_parts, sounds_of_other_formats_are_named) {
    Program *p = birds();
    add_sound(p);
    write_text(p, "birds/wren/c.flac", "fLaC");
    expect_in(open_fails(p), "1 of the 7 sounds of data.birds (test.mml:9) can't be read");
    expect_in(mml_message(), "wren/c.flac' is a FLAC file");
    program_free(p);
}

Test(folder_parts, a_class_without_any_is_named) {
    Program *p = program_new();
    make_folder(p, "crow");
    write_text(p, "crow/0.png", "no sound");
    add_source(p, "birds", "folder", program_folder(p));
    set_target(p, 2, "label");
    add_sound(p);
    expect_in(open_fails(p), "/crow' holds no sounds (WAV, or a video with sound); remove it or fill it");
    remove_file(p, "crow/0.png");
    add_photo(p);
    expect_in(open_fails(p), "/crow' holds no pictures and sounds; remove it or fill it");
    program_free(p);
}
