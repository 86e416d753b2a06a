/* Clips: folders of numbered pictures, which frames are picked, what is drawn for all of them alike. */
#include "picture_files.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A clip of `count` frames of height x width; frame i (from 0) starts with first + 3 i. Names are 1.png, 2.png … 10.png. */
static void write_clip(Program *p, const char *name, int count, u32 height, u32 width, int first) {
    make_folder(p, name);
    for (int i = 0; i < count; i++)
        write_png(p, mml_arena_format(program_settings(p)->arena, "%s/%d.png", name, i + 1), height, width, first + 3 * i);
}

/* cat/a of 7 frames, cat/b of 12, dog/c of 2: all 2 x 3. */
static Program *clips(void) {
    Program *p = program_new();
    make_folder(p, "cat");
    make_folder(p, "dog");
    write_clip(p, "dog/c", 2, 2, 3, 100);
    write_clip(p, "cat/b", 12, 2, 3, 50);
    write_clip(p, "cat/a", 7, 2, 3, 0);
    add_source(p, "pets", "folder", program_folder(p));
    set_target(p, 2, "label");
    return p;
}

static void add_frames(Program *p, int count, const char *pick) {
    if (count == 1) {
        add_modality(p, "clip", "image[3, 2, 3]", "frames", 3, 3, 2, 3);
        add_step(p, "frames", 3, 3, 2, 3);
    } else {
        add_modality(p, "clip", "video[N, 3, 2, 3]", "frames", 4, count, 3, 2, 3);
        add_step(p, "frames", 4, count, 3, 2, 3);
    }
    step_int(p, "count", count);
    step_word(p, "pick", pick);
}

/* Numbers (from 0) of the frames that sample `row` has. */
static void frames_of(Program *p, MmlData *data, i64 row, i64 epoch, int augment, int count, int *out) {
    static const int first[] = { 0, 50, 100 };
    float values[20 * 18];
    sample_of(data, MML_TRAIN, row, epoch, augment, p, 0, values, NULL, NULL);
    for (int i = 0; i < count; i++) {
        out[i] = ((int)values[18 * i] - first[row]) / 3;
        for (int c = 0; c < 3; c++)
            for (int y = 0; y < 2; y++)
                for (int x = 0; x < 3; x++)
                    cr_assert_eq(values[18 * i + (c * 2 + y) * 3 + x], (float)(first[row] + 3 * out[i] + 40 * y + 4 * x + c));
    }
}

static void picks(int count, const char *pick, i64 row, const int *expected) {
    Program *p = clips();
    add_frames(p, count, pick);
    int found[20];
    frames_of(p, open_data_with(p, 1, 2), row, 1, 0, count, found);
    for (int i = 0; i < count; i++) cr_expect_eq(found[i], expected[i], "%s, frame %d of %d: %d and not %d", pick, i, count, found[i], expected[i]);
    program_free(p);
}

#define PICKS(count, pick, row, ...) picks(count, pick, row, (const int[]){ __VA_ARGS__ })

Test(clips, uniform_frames_go_from_the_first_to_the_last) {
    PICKS(3, "uniform", 0, 0, 3, 6);
    PICKS(4, "uniform", 0, 0, 2, 4, 6);
    PICKS(5, "uniform", 1, 0, 3, 6, 8, 11);              /* 0 2.75 5.5 8.25 11 */
    PICKS(1, "uniform", 0, 3);
    PICKS(3, "uniform", 2, 0, 1, 1);                     /* of two frames */
}

Test(clips, middle_frames_are_those_of_equal_parts) {
    PICKS(2, "middle", 0, 1, 5);                         /* 0 1 2 | 3 4 5 6 */
    PICKS(3, "middle", 1, 2, 6, 10);
    PICKS(1, "middle", 1, 6);
    PICKS(4, "middle", 2, 0, 0, 1, 1);
}

Test(clips, frames_are_ordered_by_their_numbers) { PICKS(12, "uniform", 1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11); }

Test(clips, random_frames_are_drawn_by_sample_and_epoch_from_equal_parts_and_rest_in_evaluation) {
    Program *p = clips();
    add_frames(p, 2, "random");
    MmlData *data = open_data_with(p, 1, 1);
    int seen[2][7] = { { 0 } }, found[2], again[2], changes = 0;
    for (i64 epoch = 1; epoch <= 60; epoch++) {
        frames_of(p, data, 0, epoch, 1, 2, found);
        cr_assert(found[0] < 3 && found[1] >= 3);
        seen[0][found[0]]++;
        seen[1][found[1]]++;
        if (epoch > 1) changes += found[0] != again[0] || found[1] != again[1];
        frames_of(p, data, 0, epoch, 1, 2, again);
        cr_assert_eq(memcmp(found, again, sizeof found), 0);
    }
    cr_assert_gt(changes, 30);
    for (int i = 0; i < 7; i++) cr_assert_gt(seen[i >= 3][i], 4, "frame %d: %d of 60", i, seen[i >= 3][i]);
    frames_of(p, data, 0, 1, 0, 2, found);
    cr_assert(found[0] == 1 && found[1] == 5);
    data = open_data_with(p, 1, 3);
    frames_of(p, data, 0, 60, 1, 2, found);
    cr_assert_eq(memcmp(found, again, sizeof found), 0, "another number of threads draws others");
    program_free(p);
}

Test(clips, stack_puts_frames_on_channels) {
    Program *p = clips();
    add_modality(p, "clip", "image[6, 2, 3]", "frames", 3, 6, 2, 3);
    add_step(p, "frames", 4, 2, 3, 2, 3);
    step_int(p, "count", 2);
    step_word(p, "pick", "uniform");
    add_step(p, "stack", 3, 6, 2, 3);
    float values[36];
    train_sample(p, open_data(p), 0, values);
    cr_assert_eq(values[0], 0);
    cr_assert_eq(values[18], 18);
    cr_assert_eq(values[35], 18 + 40 + 8 + 2);
    program_free(p);
}

/* Frames that differ by a constant still do so behind crop and flip: all got the same one. */
Test(clips, crop_and_flip_are_the_same_for_all_frames) {
    Program *p = program_new();
    make_folder(p, "cat");
    write_clip(p, "cat/a", 3, 4, 5, 0);
    write_clip(p, "cat/b", 3, 5, 4, 10);
    add_source(p, "pets", "folder", program_folder(p));
    set_target(p, 2, "label");
    add_modality(p, "clip", "video[3, 3, 3, 3]", "frames", 4, 3, 3, 3, 3);
    add_step(p, "frames", 4, 3, 3, -1, -1);
    step_int(p, "count", 3);
    step_word(p, "pick", "random");
    add_step(p, "random_resized_crop", 4, 3, 3, 3, 3);
    step_int(p, "side", 3);
    add_step(p, "flip", 4, 3, 3, 3, 3);
    MmlData *data = open_data_with(p, 1, 2);
    float values[81], before[81];
    for (i64 row = 0; row < 2; row++)
        for (i64 epoch = 1; epoch <= 8; epoch++) {
            sample_of(data, MML_TRAIN, row, epoch, 1, p, 0, values, NULL, NULL);
            for (int t = 1; t < 3; t++)
                for (int i = 0; i < 27; i++) cr_assert(fabsf(values[27 * t + i] - values[i] - 3 * (float)t) < 1e-3f);
            cr_assert(epoch == 1 || memcmp(values, before, sizeof values) != 0);
            memcpy(before, values, sizeof values);
        }
    program_free(p);
}

/* ---- The cache ---- */

static void count_words(void *context, const char *text) { ++*(int *)context; }

/* Values of all four clips that are there through a cache of at most `limit` bytes (0: any number), without one where folder is NULL. */
static void values_through(Program *p, const char *folder, i64 limit, float *out, char checksum[32], const char **skip) {
    int said = 0;
    MmlCache cache = { folder, limit, count_words, &said };
    MmlThreads *threads;
    MmlData *data;
    cr_assert_eq(mml_threads_new(2, &threads), MML_OK);
    cr_assert_eq(mml_data_open_cached(program_settings(p), 1, threads, folder ? &cache : NULL, &data), MML_OK, "%s", mml_message());
    cr_assert_str_eq(mml_data_describe(data), "3 train, 1 skipped, 1 frame replaced");
    expect_in(mml_data_replacement(data, 0), "cat/1/3.png' is a GIF picture");
    for (i64 row = 0; row < 3; row++) sample_of(data, MML_TRAIN, row, 1, 1, p, 0, out + 2 * 3 * 80 * 90 * row, NULL, NULL);
    snprintf(checksum, 32, "%s", mml_data_checksum(data));
    *skip = mml_arena_format(program_settings(p)->arena, "%s", mml_data_skip(data, 0));
    mml_data_close(data);
    mml_threads_free(threads);
}

static int files_in(const char *folder) {
    DIR *entries = opendir(folder);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(entries));) count += entry->d_name[0] != '.';
    closedir(entries);
    return count;
}

Test(clips, come_out_of_the_cache_as_they_went_in) {
    enum { VALUES = 3 * 2 * 3 * 80 * 90 };
    Program *p = program_new();
    make_folder(p, "pets");
    make_folder(p, "pets/cat");
    make_folder(p, "cache");
    for (int i = 0; i < 4; i++) write_clip(p, mml_arena_format(program_settings(p)->arena, "pets/cat/%d", i), 3 + i, 80, 90, 20 * i);
    for (int i = 3; i <= 5; i++) write_text(p, mml_arena_format(program_settings(p)->arena, "pets/cat/2/%d.png", i), "GIF89a");
    write_text(p, "pets/cat/1/3.png", "GIF89a");
    add_source(p, "pets", "folder", mml_arena_format(program_settings(p)->arena, "%s/pets", program_folder(p)));
    set_target(p, 2, "label");
    set_real(p, "data.pets.skip", 0.5);
    add_modality(p, "clip", "video[2, 3, 80, 90]", "frames", 4, 2, 3, 80, 90);
    add_step(p, "frames", 4, 2, 3, 80, 90);
    step_int(p, "count", 2);
    step_word(p, "pick", "random");
    float *plain = malloc(sizeof *plain * VALUES), *cached = malloc(sizeof *cached * VALUES);
    char folder[512], checksum[32], again[32];
    const char *skip, *skip_again;
    snprintf(folder, sizeof folder, "%s/cache", program_folder(p));
    values_through(p, NULL, 0, plain, checksum, &skip);
    expect_in(skip, "cat/2/3.png' is a GIF picture");
    static const struct { i64 limit; int files; } runs[] = { { 1 << 16, 0 }, { 0, 1 }, { 0, 1 } };       /* no room, made, found */
    for (int run = 0; run < 3; run++) {
        values_through(p, folder, runs[run].limit, cached, again, &skip_again);
        cr_assert_eq(memcmp(plain, cached, sizeof *plain * VALUES), 0, "run %d", run);
        cr_assert_str_eq(checksum, again);
        cr_assert_str_eq(skip, skip_again);
        cr_assert_eq(files_in(folder), runs[run].files, "run %d", run);
    }
    write_png(p, "pets/cat/1/1.png", 80, 90, 3);                          /* another picture: another file */
    values_through(p, folder, 0, cached, again, &skip_again);
    cr_assert_str_neq(checksum, again);
    cr_assert_eq(files_in(folder), 2);
    free(plain);
    free(cached);
    program_free(p);
}

/* ---- What can't be read ---- */

Test(clips, show_the_nearest_frame_in_place_of_one_that_cannot_be_read) {
    static const int damaged[] = { 1, 2, 6, 7, 8, 12 };                   /* of cat/b, by their names */
    static const int shown[12] = { 2, 2, 2, 3, 4, 4, 4, 8, 8, 9, 10, 10 };
    Program *p = clips();
    add_frames(p, 12, "uniform");
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++)
        write_text(p, mml_arena_format(program_settings(p)->arena, "cat/b/%d.png", damaged[i]), "GIF89a");
    set_real(p, "data.pets.skip", 0.3);
    for (int threads = 1; threads <= 2; threads++) {
        int found[12];
        MmlData *data = open_data_with(p, 1, threads);
        cr_assert_str_eq(mml_data_describe(data), "3 train, 6 frames replaced");
        cr_assert(mml_data_replaced(data) == 6 && mml_data_skipped(data) == 0);
        expect_in(mml_data_replacement(data, 0), "6 of 21 frames, in 1 clip, by their neighbours; the first: '");
        expect_in(mml_data_replacement(data, 0), "cat/b/1.png' is a GIF picture");
        cr_assert_null(mml_data_replacement(data, 1));
        frames_of(p, data, 1, 1, 0, 12, found);
        for (int i = 0; i < 12; i++) cr_expect_eq(found[i], shown[i], "frame %d: %d and not %d", i, found[i], shown[i]);
    }
    set_real(p, "data.pets.skip", 0.28);                                  /* 6 of 21 are 28.6 % */
    expect_in(open_fails(p), "6 of the 21 frames of data.pets (test.mml:9) can't be read, more than data.pets.skip = 28 %; the first: '");
    program_free(p);
}

Test(clips, of_which_more_than_half_cannot_be_read_are_skipped_and_named) {
    Program *p = clips();
    add_frames(p, 2, "uniform");
    for (int i = 1; i <= 7; i++) write_text(p, mml_arena_format(program_settings(p)->arena, "cat/b/%d.png", i), "GIF89a");
    write_text(p, "dog/c/1.png", "GIF89a");                               /* one of two stays */
    make_folder(p, "dog/empty");
    make_folder(p, "dog/uneven");
    write_text(p, "dog/uneven/1.png", "GIF89a");
    write_png(p, "dog/uneven/2.png", 2, 3, 0);
    write_png(p, "dog/uneven/3.png", 3, 2, 0);
    write_text(p, "cat/a/notes.txt", "no frame");
    write_text(p, "cat/a/.DS_Store", "no frame");
    set_real(p, "data.pets.skip", 0.6);
    MmlData *data = open_data_with(p, 1, 2);
    cr_assert_str_eq(mml_data_describe(data), "2 train, 3 skipped, 1 frame replaced");
    expect_in(mml_data_skip(data, 0), "cat/b/1.png' is a GIF picture");
    expect_in(mml_data_skip(data, 1), "dog/empty' holds no picture");
    expect_in(mml_data_skip(data, 2), "dog/uneven/2.png' is 2 x 3 pixels and '");
    expect_in(mml_data_skip(data, 2), "dog/uneven/3.png', of the same clip, 3 x 2");
    i64 number, label;
    float values[36];
    sample_of(data, MML_TRAIN, 1, 1, 0, p, 0, values, &label, &number);
    cr_assert(number == 2 && label == 1 && values[0] == 103 && values[18] == 103);
    set_real(p, "data.pets.skip", 0.01);
    expect_in(open_fails(p), "3 of the 5 clips of data.pets (test.mml:9) can't be read");
    program_free(p);
}

Test(clips, of_several_sizes_need_a_step_that_makes_one) {
    Program *p = clips();
    write_clip(p, "dog/d", 2, 4, 4, 0);
    add_frames(p, 2, "uniform");
    const char *message = open_fails(p);
    expect_in(message, "cat/a' is 2 x 3 pixels and '");
    expect_in(message, "dog/d' 4 x 4; go on with resize(height, width) or random_resized_crop(side)");
    program_free(p);
}

Test(clips, are_folders_and_a_class_without_any_is_named) {
    Program *p = program_new();
    make_folder(p, "cat");
    write_png(p, "cat/1.png", 2, 3, 0);
    add_source(p, "pets", "folder", program_folder(p));
    set_target(p, 2, "label");
    add_frames(p, 2, "uniform");
    expect_in(open_fails(p), "/cat' holds no clips: a clip is a folder of pictures in it (data.pets.root");
    program_free(p);
}
