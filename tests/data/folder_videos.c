/* Videos by class, beside sounds of their name. Without FFmpeg's libraries these tests say that they are skipped. */
#include "avi_files.h"
#include "picture_files.h"
#include "sounds.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "data/file.h"
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
    add_sample(p, rate);
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

/* The mean of both channels; a sound file of the name comes first. */
Test(folder_videos, give_their_sound_where_there_is_no_file_of_it) {
    if (without("the sound of videos")) return;
    double values[2][2 * 40];
    Program *p = films();
    for (int i = 0; i < 40; i++)
        for (int v = 0; v < 2; v++) {
            values[v][2 * i] = (i % 8) / 16.0 + v / 4.0;
            values[v][2 * i + 1] = -(i % 4) / 16.0;
        }
    static const char *const names[] = { "films/calm/v0.avi", "films/calm/v1.avi", "films/wild/v0.avi" };
    for (int i = 0; i < 3; i++)
        write_avi(p, names[i], &(Avi){ .frames = 4, .rate = 2, .height = 4, .width = 6, .first = 50, .step = 1, .sound_rate = 8000, .channels = 2,
                                       .samples = 40, .values = values[i % 2] });
    write_wav(p, "films/calm/v1.wav", 8000, (const double[]){ 0.75, 0.75, 0.75, 0.75 }, 4);
    add_modality(p, "sound", "vector[40]", "wav", 1, 40);
    add_mono(p, 8000);
    add_fit(p, 40.0 / 8000, "pad", 40);
    set_real(p, "data.films.skip", 0.3);
    for (int both = 0; both < 2; both++) {
        if (both) add_film(p, 0, 2);
        MmlData *data = open_data_with(p, 1, 2);
        cr_assert_str_eq(mml_data_describe(data), "3 train, 1 skipped");
        expect_in(mml_data_skip(data, 0), "wild/v1.avi' has no sound that can be decoded");
        float sound[40];
        for (i64 row = 0; row < 3; row += 2) {
            sample_of(data, MML_TRAIN, row, 1, 0, p, 0, sound, NULL, NULL);
            for (int i = 0; i < 40; i++) expect_near((double)sound[i], ((i % 8) - (i % 4)) / 32.0, 5e-5, "a sample");
        }
        sample_of(data, MML_TRAIN, 1, 1, 0, p, 0, sound, NULL, NULL);
        expect_near((double)sound[2], 0.75, 5e-5, "of the file");
    }
    program_free(p);
}

/* An MP3 track beside the WAV of 16 kHz that MMAction2's test data have of it (another resampler, hence not the same to the last bit). */
Test(folder_videos, give_the_sound_that_others_decode) {
    static const char *const files[] = { MML_SHARED_DIR "/data/ucf101/UCF-101/ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi",
                                         MML_SHARED_DIR "/data/ucf101/ApplyEyeMakeup_g01_c01.16k.wav" };
    static float sounds[2][32000];
    if (without("the track of a real video")) return;
    if (access(files[0], R_OK) != 0 || access(files[1], R_OK) != 0) {
        fprintf(stderr, "skipped: the track of a real video: no ../shared\n");
        return;
    }
    for (int i = 0; i < 2; i++) {
        Program *p = program_new();
        u8 *bytes;
        i64 count;
        cr_assert_eq(mml_data_file_bytes(files[i], &bytes, &count), MML_OK);
        make_folder(p, "makeup");
        write_bytes(p, i ? "makeup/a.wav" : "makeup/a.avi", bytes, (size_t)count);
        free(bytes);
        add_source(p, "films", "folder", program_folder(p));
        set_target(p, 2, "label");
        add_modality(p, "sound", "vector[32000]", "wav", 1, 32000);
        add_mono(p, 16000);
        add_fit(p, 2, "pad", 32000);
        train_sample(p, open_data(p), 0, sounds[i]);
        program_free(p);
    }
    double both = 0, one = 0, other = 0;
    for (int i = 0; i < 32000; i++) {
        both += (double)sounds[0][i] * (double)sounds[1][i];
        one += (double)sounds[0][i] * (double)sounds[0][i];
        other += (double)sounds[1][i] * (double)sounds[1][i];
    }
    cr_assert_gt(other, 0);
    expect_near(both / sqrt(one * other), 1, 0.01, "correlation");
    expect_near(one / other, 1, 0.02, "energy");
}

Test(folder_videos, where_none_can_be_decoded_the_message_has_the_remedy) {
    if (mml_video_ready() == MML_OK) return;
    Program *p = films();
    add_film(p, 0, 2);
    expect_in(open_fails(p), "data.films (test.mml:9) reads videos, and ");
    expect_in(mml_message(), "are read as `frames`");
    expect_in(mml_message(), "ffmpeg -i");
    program_free(p);
    p = films();
    add_modality(p, "sound", "vector[4]", "wav", 1, 4);
    add_step(p, "mono", 1, 4);
    step_real(p, "rate", 8000);
    expect_in(open_fails(p), "data.films (test.mml:9) reads the sound of videos, and ");
    expect_in(mml_message(), "ffmpeg -i \"$f\" \"${f%.*}.wav\"");
    program_free(p);
}
