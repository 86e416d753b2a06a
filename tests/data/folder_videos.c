/* Videos by class, beside sounds of their name. Without FFmpeg's libraries these tests say that they are skipped. */
#include "avi_files.h"
#include "picture_files.h"
#include "sounds.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "data/video.h"

static int without(const char *what) {
    if (mml_video_ready() == MML_OK) return 0;
    fprintf(stderr, "skipped: %s: %s\n", what, mml_message());
    return 1;
}

/* films/calm and films/wild of two videos each: video i of class c has 6 + 2 i frames, 2 a second, of luma 30 + 60 c + 20 i + 2 frame. */
static Program *films(void) {
    static const char *const classes[] = { "calm", "wild" };
    Program *p = program_new();
    make_folder(p, "films");
    for (int c = 0; c < 2; c++) {
        char name[64];
        snprintf(name, sizeof name, "films/%s", classes[c]);
        make_folder(p, name);
        for (int i = 0; i < 2; i++) {
            snprintf(name, sizeof name, "films/%s/v%d.avi", classes[c], i);
            write_avi(p, name, &(Avi){ .frames = 6 + 2 * i, .rate = 2, .height = 4, .width = 6, .first = 30 + 60 * c + 20 * i, .step = 2 });
        }
    }
    add_source(p, "films", "folder", mml_arena_format(program_settings(p)->arena, "%s/films", program_folder(p)));
    set_target(p, 2, "label");
    return p;
}

/* count frames of those that `sample` takes at `rate` a second; 0: of all. */
static void add_film(Program *p, double rate, int count) {
    add_modality(p, "film", "video[N, 3, 4, 6]", "video", 4, count, 3, 4, 6);
    if (rate > 0) {
        add_step(p, "sample", 0);
        step_real(p, "rate", rate);
    }
    add_step(p, "frames", 4, count, 3, 4, 6);
    step_int(p, "count", count);
    step_word(p, "pick", "uniform");
}

Test(folder_videos, by_class_are_clips) {
    static const int luma[4] = { 30, 50, 90, 110 };
    if (without("videos by class")) return;
    for (int sampled = 0; sampled < 2; sampled++) {
        Program *p = films();
        write_text(p, "films/calm/notes.txt", "no video");
        add_film(p, sampled, 3);
        MmlData *data = open_data_with(p, 1, 2);
        cr_assert_str_eq(mml_data_describe(data), "4 train");
        for (i64 row = 0; row < 4; row++) {
            float film[3 * 72];
            i64 label, number, frames = row % 2 ? 8 : 6;
            sample_of(data, MML_TRAIN, row, 1, 0, p, 0, film, &label, &number);
            cr_assert(label == row / 2 && number == row);
            for (int k = 0; k < 3; k++) {
                /* Of all frames: the first, (2 (n - 1) + 2) div 4, the last. Sampled are 0, 2, 4 … */
                i64 count = sampled ? frames / 2 : frames, frame = (2 * k * (count - 1) + 2) / 4 * (sampled ? 2 : 1);
                for (int v = 0; v < 72; v++)
                    expect_near((double)film[72 * k + v], gray_of(luma[row] + 2 * (int)frame), 0, "a pixel");
            }
        }
        program_free(p);
    }
}

Test(folder_videos, come_out_of_the_cache_as_they_went_in) {
    if (without("videos in the cache")) return;
    Program *p = films();
    add_film(p, 0, 4);
    make_folder(p, "cache");
    char folder[512], checksum[2][32];
    float film[2][4][4 * 72];
    snprintf(folder, sizeof folder, "%s/cache", program_folder(p));
    for (int run = 0; run < 2; run++) {
        MmlCache cache = { folder, 0, NULL, NULL };
        MmlThreads *threads;
        MmlData *data;
        cr_assert_eq(mml_threads_new(2, &threads), MML_OK);
        cr_assert_eq(mml_data_open_cached(program_settings(p), 1, threads, &cache, &data), MML_OK, "%s", mml_message());
        for (i64 row = 0; row < 4; row++) sample_of(data, MML_TRAIN, row, 1, 0, p, 0, film[run][row], NULL, NULL);
        snprintf(checksum[run], sizeof checksum[run], "%s", mml_data_checksum(data));
        mml_data_close(data);
        mml_threads_free(threads);
    }
    cr_assert_eq(memcmp(film[0], film[1], sizeof film[0]), 0);
    cr_assert_str_eq(checksum[0], checksum[1]);
    program_free(p);
}

Test(folder_videos, that_cannot_be_read_are_skipped_and_named) {
    if (without("damaged videos by class")) return;
    Program *p = films();
    add_film(p, 0, 2);
    write_text(p, "films/calm/v0.avi", "RIFF1234AVI no more");
    write_text(p, "films/wild/w.mp4", "version https://git-lfs.github.com/spec/v1\n");
    expect_in(open_fails(p), "2 of the 5 videos of data.films (test.mml:9) can't be read");
    set_real(p, "data.films.skip", 0.5);
    MmlData *data = open_data(p);
    cr_assert_str_eq(mml_data_describe(data), "3 train, 2 skipped");
    expect_in(mml_data_skip(data, 0), "calm/v0.avi' ");
    expect_in(mml_data_skip(data, 1), "wild/w.mp4' is a git-lfs pointer in place of the video");
    program_free(p);
}

Test(folder_videos, and_sounds_of_one_name_are_one_sample) {
    if (without("videos beside sounds")) return;
    Program *p = films();
    add_film(p, 0, 2);
    add_modality(p, "sound", "vector[4]", "wav", 1, 4);
    add_step(p, "mono", 1, 4);
    step_real(p, "rate", 8000);
    static const char *const names[] = { "films/calm/v0.wav", "films/calm/v1.wav", "films/wild/v0.wav", "films/wild/v1.wav" };
    for (int i = 0; i < 4; i++) write_wav(p, names[i], 8000, (const double[]){ i / 8.0, i / 8.0, i / 8.0, i / 8.0 }, 4);
    MmlData *data = open_data(p);
    cr_assert_str_eq(mml_data_describe(data), "4 train");
    for (i64 row = 0; row < 4; row++) {
        float film[2 * 72], sound[4];
        sample_of(data, MML_TRAIN, row, 1, 0, p, 0, film, NULL, NULL);
        sample_of(data, MML_TRAIN, row, 1, 0, p, 1, sound, NULL, NULL);
        expect_near((double)film[0], gray_of((int)(30 + 60 * (row / 2) + 20 * (row % 2))), 0, "film");
        expect_near((double)sound[1], (double)row / 8, 1e-4, "sound");
    }
    program_free(p);
}

Test(folder_videos, where_none_can_be_decoded_the_message_has_the_remedy) {
    if (mml_video_ready() == MML_OK) return;
    Program *p = films();
    add_film(p, 0, 2);
    expect_in(open_fails(p), "data.films (test.mml:9) reads videos, and ");
    expect_in(mml_message(), "are read as `frames`");
    expect_in(mml_message(), "ffmpeg -i");
    program_free(p);
}
