/* The source crema_d: lists, labels from names, sounds and frames by clip, what is skipped and what is refused. */
#include "picture_files.h"
#include "sounds.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "data/file.h"
#include "data/video.h"

static const char *const train[] = { "1001_DFA_ANG_XX", "1001_IEO_HAP_LO", "1002_TIE_NEU_XX", "1003_IOM_SAD_XX" };
static const char *const test[] = { "1004_WSI_FEA_XX", "1004_MTI_DIS_XX" };

/* Clip i has a sound of 10 samples of (i + 1) / 16, and two frames of 2 x 3 that start with 20 i and 20 i + 5. */
static void write_clip(Program *p, int i, const char *clip) {
    char name[64];
    double values[10];
    for (int k = 0; k < 10; k++) values[k] = (i + 1) / 16.0;
    snprintf(name, sizeof name, "AudioWAV/%s.wav", clip);
    write_wav(p, name, 8000, values, 10);
    snprintf(name, sizeof name, "Image-01-FPS/%s", clip);
    make_folder(p, name);
    for (int frame = 0; frame < 2; frame++) {
        snprintf(name, sizeof name, "Image-01-FPS/%s/%05d.jpg", clip, 29 * frame);        /* a PNG: content counts */
        write_png(p, name, 2, 3, 20 * i + 5 * frame);
    }
}

/* The lists have a byte order mark and CRLF, as some copies do. */
static Program *tree(void) {
    Program *p = program_new();
    make_folder(p, "AudioWAV");
    make_folder(p, "Image-01-FPS");
    for (int i = 0; i < 4; i++) write_clip(p, i, train[i]);
    for (int i = 0; i < 2; i++) write_clip(p, 4 + i, test[i]);
    write_text(p, "train.csv", "\xef\xbb\xbf" "1001_DFA_ANG_XX,ANG\r\n1001_IEO_HAP_LO,HAP\r\n1002_TIE_NEU_XX,NEU\r\n1003_IOM_SAD_XX,SAD\r\n");
    write_text(p, "test.csv", "1004_WSI_FEA_XX,FEA\n1004_MTI_DIS_XX,DIS\n");
    add_source(p, "clips", "crema_d", program_folder(p));
    set_target(p, 6, "emotion");
    return p;
}

static void add_sound(Program *p) {
    add_modality(p, "audio", "vector[10]", "wav", 1, 10);
    add_step(p, "mono", 1, 10);
    step_real(p, "rate", 8000);
}

/* One frame of the field at `rate` frames a second (0: all). */
static void add_frame(Program *p, const char *field, double rate, const char *pick) {
    add_modality(p, "visual", "image[3, 2, 3]", field, 3, 3, 2, 3);
    add_sample(p, rate);
    add_step(p, "frames", 3, 3, 2, 3);
    step_int(p, "count", 1);
    step_word(p, "pick", pick);
}

Test(crema_d, pairs_sound_frames_and_the_emotion_of_the_name) {
    Program *p = tree();
    add_sound(p);
    add_frame(p, "video", 1, "random");
    MmlData *data = open_data_with(p, 1, 2);
    cr_assert_str_eq(mml_data_describe(data), "4 train, 2 test");
    static const i64 labels[] = { 5, 1, 0, 2, 3, 4 };
    for (i64 i = 0; i < 6; i++) {
        float sound[10], frame[18];
        i64 label, number;
        MmlSplit split = i < 4 ? MML_TRAIN : MML_TEST;
        sample_of(data, split, i % 4, 1, 0, p, 0, sound, &label, &number);
        sample_of(data, split, i % 4, 1, 0, p, 1, frame, NULL, NULL);
        cr_assert_eq(label, labels[i]);
        cr_assert_eq(number, i);
        expect_near((double)sound[5], (double)(i + 1) / 16, 1e-4, "sound");
        cr_assert_eq(frame[0], (float)(20 * i + 5));                        /* the middle of two */
    }
    cr_assert_str_eq(mml_data_class(data, 0), "NEU");
    cr_assert_str_eq(mml_data_class(data, 5), "ANG");
    program_free(p);
}

Test(crema_d, reads_what_the_program_names_and_nothing_else) {
    Program *p = tree();
    write_text(p, "AudioWAV/1001_DFA_ANG_XX.wav", "no sound");
    add_frame(p, "frames", 0, "middle");
    cr_assert_str_eq(mml_data_describe(open_data(p)), "4 train, 2 test");
    program_free(p);
}

Test(crema_d, takes_the_lists_where_public_codes_have_them_or_as_given) {
    static const struct { const char *folder, *train; } places[] = { { "splits", NULL }, { "data/CREMAD", NULL }, { "mine", "mine/train.csv" } };
    for (int i = 0; i < 3; i++) {
        Program *p = tree();
        char name[64];
        make_folder(p, i == 1 ? "data" : places[i].folder);
        if (i == 1) make_folder(p, places[i].folder);
        snprintf(name, sizeof name, "%s/train.csv", places[i].folder);
        write_text(p, name, "1001_DFA_ANG_XX,ANG\n");
        if (places[i].train) set_text(p, "data.clips.train", places[i].train);
        else unlink(mml_arena_format(program_settings(p)->arena, "%s/train.csv", program_folder(p)));
        add_sound(p);
        cr_assert_str_eq(mml_data_describe(open_data(p)), "1 train, 2 test");
        program_free(p);
    }
    Program *p = tree();
    unlink(mml_arena_format(program_settings(p)->arena, "%s/test.csv", program_folder(p)));
    add_sound(p);
    expect_in(open_fails(p), "has no list of test clips (data.clips.root, test.mml:9): put test.csv with rows like 1001_DFA_ANG_XX,ANG");
    program_free(p);
}

Test(crema_d, limits_and_holdout_take_their_share_of_the_lists) {
    Program *p = tree();
    add_sound(p);
    set_int(p, "data.clips.test_limit", 1);
    set_real(p, "data.clips.holdout", 0.25);
    cr_assert_str_eq(mml_data_describe(open_data(p)), "3 train, 1 validation, 1 test");
    program_free(p);
}

/* ---- What is missing ---- */

Test(crema_d, skips_counts_and_names_rows_whose_sound_or_frames_are_missing) {
    Program *p = tree();
    add_sound(p);
    add_frame(p, "video", 1, "middle");
    unlink(mml_arena_format(program_settings(p)->arena, "%s/AudioWAV/%s.wav", program_folder(p), train[1]));
    write_text(p, mml_arena_format(program_settings(p)->arena, "AudioWAV/%s.wav", train[2]), "version https://git-lfs.github.com/spec/v1\n");
    for (int frame = 0; frame < 2; frame++)
        unlink(mml_arena_format(program_settings(p)->arena, "%s/Image-01-FPS/%s/%05d.jpg", program_folder(p), test[0], 29 * frame));
    expect_in(open_fails(p), "3 of the 6 clips of data.clips (test.mml:9) can't be read, more than data.clips.skip = 1 %; the first: ");
    set_real(p, "data.clips.skip", 0.5);
    MmlData *data = open_data(p);
    cr_assert_str_eq(mml_data_describe(data), "2 train, 1 test, 3 skipped");
    expect_in(mml_data_skip(data, 0), "AudioWAV/1001_IEO_HAP_LO.wav': No such file");
    expect_in(mml_data_skip(data, 1), "AudioWAV/1002_TIE_NEU_XX.wav' is a git-lfs pointer in place of the sound (git lfs pull fetches it)");
    expect_in(mml_data_skip(data, 2), "Image-01-FPS/1004_WSI_FEA_XX' holds no picture");
    program_free(p);
}

Test(crema_d, fails_when_every_row_is_skipped) {
    Program *p = tree();
    add_sound(p);
    set_real(p, "data.clips.skip", 1);
    for (int i = 0; i < 6; i++)
        write_text(p, mml_arena_format(program_settings(p)->arena, "AudioWAV/%s.wav", i < 4 ? train[i] : test[i - 4]),
                   "version https://git-lfs.github.com/spec/v1\n");
    expect_in(open_fails(p), "6 of the 6 clips of data.clips");
    expect_in(mml_message(), "is a git-lfs pointer");
    program_free(p);
}

Test(crema_d, says_how_frames_are_taken_out_of_the_videos) {
    Program *p = tree();
    add_frame(p, "video", 1, "random");
    char from[600], to[600];
    snprintf(from, sizeof from, "%s/Image-01-FPS", program_folder(p));
    snprintf(to, sizeof to, "%s/Pictures", program_folder(p));
    cr_assert_eq(rename(from, to), 0);
    expect_in(open_fails(p), "has no folder Image-NN-FPS of frames (data.clips.root, test.mml:9), and ");
    expect_in(mml_message(), "ffmpeg -i $f -vf 'select=not(mod(n\\,29))' -vsync 0 -q:v 2 $d/%05d.jpg");
    program_free(p);
}

/* ---- Lists that are wrong ---- */

Test(crema_d, names_the_line_of_what_is_wrong_in_a_list) {
    static const struct { const char *text, *part; } cases[] = {
        { "clip,emotion\n1001_DFA_ANG_XX,ANG\n",        "train.csv:1: 'clip' is no clip's name: 1001_DFA_ANG_XX is actor, sentence, emotion" },
        { "1001_DFA_ANG_XX,ANG\n1001_DFA_JOY_XX,JOY\n", "train.csv:2: '1001_DFA_JOY_XX' is no clip's name" },
        { "1001_DFA_ANG_XX,SAD\n",                      "train.csv:1: the clip 1001_DFA_ANG_XX has the emotion ANG in its name and 'SAD' in the list" },
        { "1001_DFA_ANG_XX\n",                          "has 1 columns; a list has the clip and its emotion" },
        { "../../etc/passwd,ANG\n",                     "train.csv:1: '../../etc/passwd' is no clip's name" },
        { "1004_WSI_FEA_XX,FEA\n",                      "the clip 1004_WSI_FEA_XX stands at " },
        { "1001_DFA_ANG_XX,ANG\n1001_DFA_ANG_XX,ANG\n", "the clip 1001_DFA_ANG_XX stands at " },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Program *p = tree();
        add_sound(p);
        write_text(p, "train.csv", cases[i].text);
        expect_in(open_fails(p), cases[i].part);
        program_free(p);
    }
}

/* ---- Frames a second ---- */

/* Image-05-FPS of one clip: 12 frames, 2.4 seconds, beside the two of Image-01-FPS. */
static Program *fine(double rate, const char *pick, int count) {
    Program *p = tree();
    write_text(p, "train.csv", "1001_DFA_ANG_XX,ANG\n");
    write_text(p, "test.csv", "1004_WSI_FEA_XX,FEA\n");
    for (int clip = 0; clip < 2; clip++) {
        const char *name = clip ? test[0] : train[0];
        if (clip == 0) make_folder(p, "Image-05-FPS");
        make_folder(p, mml_arena_format(program_settings(p)->arena, "Image-05-FPS/%s", name));
        for (int i = 0; i < 12; i++)
            write_png(p, mml_arena_format(program_settings(p)->arena, "Image-05-FPS/%s/%05d.jpg", name, 29 * (i / 5) + 5 * (i % 5)), 2, 3, 10 * i);
    }
    add_modality(p, "visual", "video[N, 3, 2, 3]", "video", 4, count, 3, 2, 3);
    add_sample(p, rate);
    add_step(p, "frames", 4, count, 3, 2, 3);
    step_int(p, "count", count);
    step_word(p, "pick", pick);
    return p;
}

static void frames_are(double rate, int count, const int *expected) {
    Program *p = fine(rate, "uniform", count);
    float values[12 * 18];
    train_sample(p, open_data(p), 0, values);
    for (int i = 0; i < count; i++)
        cr_expect_eq(values[18 * i], (float)expected[i], "at %g fps frame %d starts with %g and not %d", rate, i, (double)values[18 * i], expected[i]);
    program_free(p);
}

#define FRAMES_ARE(rate, count, ...) frames_are(rate, count, (const int[]){ __VA_ARGS__ })

Test(crema_d, samples_the_folder_with_the_fewest_frames_that_are_enough) {
    FRAMES_ARE(1, 2, 0, 5);                              /* Image-01-FPS as it is */
    FRAMES_ARE(5, 12, 0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110);
    FRAMES_ARE(0, 12, 0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110);
    /* 2 of 5: places 0 and 2 of each second (5 div 2 = 2; 4 is beyond 2 x 2). */
    FRAMES_ARE(2, 5, 0, 20, 50, 70, 100);
    /* 2.5 of 5: every second one. */
    FRAMES_ARE(2.5, 6, 0, 20, 40, 60, 80, 100);
    /* 0.5 of 1: every second one of Image-01-FPS. */
    FRAMES_ARE(0.5, 2, 0, 0);
    Program *p = fine(8, "uniform", 2);
    expect_in(open_fails(p), "sample takes 8 frames a second, and the clip of ");
    expect_in(mml_message(), "/train.csv:1 has 5");
    program_free(p);
}

/* The same video for every clip: 90 frames at 29.97, of which sample(1 fps) takes 0, 29, 58 and 87 (means as in video.c). */
Test(crema_d, decodes_the_videos_where_there_are_no_pictures) {
    const char *video = MML_SHARED_DIR "/data/grid/bbaf2n.flv";
    if (mml_video_ready() != MML_OK || access(video, F_OK) != 0) {
        fprintf(stderr, "skipped: VideoFlash: %s\n", mml_video_ready() == MML_OK ? "no ../shared" : mml_message());
        return;
    }
    Program *p = tree();
    u8 *bytes = NULL;
    i64 count = 0;
    cr_assert_eq(mml_data_file_bytes(video, &bytes, &count), MML_OK);
    make_folder(p, "VideoFlash");
    for (int i = 0; i < 6; i++)
        write_bytes(p, mml_arena_format(program_settings(p)->arena, "VideoFlash/%s.flv", i < 4 ? train[i] : test[i - 4]), bytes, (size_t)count);
    free(bytes);
    char from[600], to[600];
    snprintf(from, sizeof from, "%s/Image-01-FPS", program_folder(p));
    snprintf(to, sizeof to, "%s/Pictures", program_folder(p));
    cr_assert_eq(rename(from, to), 0);
    write_text(p, "VideoFlash/1002_TIE_NEU_XX.flv", "no video");
    set_real(p, "data.clips.skip", 0.3);
    add_modality(p, "visual", "video[4, 3, 360, 480]", "video", 4, 4, 3, 360, 480);
    add_sample(p, 1);
    add_step(p, "frames", 4, 4, 3, 360, 480);
    step_int(p, "count", 4);
    step_word(p, "pick", "uniform");
    MmlData *data = open_data_with(p, 1, 2);
    cr_assert_str_eq(mml_data_describe(data), "3 train, 2 test, 1 skipped");
    expect_in(mml_data_skip(data, 0), "VideoFlash/1002_TIE_NEU_XX.flv' is no video that can be read");
    const i64 plane = 360 * 480;
    float *frames = malloc(sizeof *frames * (size_t)(4 * 3 * plane));
    sample_of(data, MML_TEST, 1, 1, 0, p, 0, frames, NULL, NULL);
    double means[4] = { 0 };
    for (int t = 0; t < 4; t++)
        for (i64 i = 0; i < plane; i++) means[t] += (double)frames[3 * t * plane + i] / (double)plane;
    expect_near(means[0], 80.8772, 2e-3, "red of frame 0");
    expect_near(means[2], 81.4314, 2e-3, "red of frame 58");
    make_folder(p, "cache");
    for (int run = 0; run < 2; run++) {                   /* made, found */
        float *cached = malloc(sizeof *cached * (size_t)(4 * 3 * plane));
        char folder[600];
        snprintf(folder, sizeof folder, "%s/cache", program_folder(p));
        MmlData *again;
        cr_assert_eq(mml_data_open_cached(program_settings(p), 1, NULL, &(MmlCache){ .folder = folder }, &again), MML_OK, "%s", mml_message());
        cr_assert_str_eq(mml_data_describe(again), "3 train, 2 test, 1 skipped");
        cr_assert_str_eq(mml_data_checksum(again), mml_data_checksum(data));
        sample_of(again, MML_TEST, 1, 1, 0, p, 0, cached, NULL, NULL);
        cr_assert_eq(memcmp(frames, cached, sizeof *cached * (size_t)(4 * 3 * plane)), 0);
        free(cached);
        mml_data_close(again);
    }
    free(frames);
    set_real(p, "modality.visual.input.sample.rate", 30);
    expect_in(open_fails(p), "takes 30 frames a second, and the clip of ");
    expect_in(mml_message(), "train.csv:1 has 29");
    program_free(p);
}

Test(crema_d, reads_the_published_lists) {
    const char *root = MML_SHARED_DIR "/data/cremad";
    if (access(root, F_OK) != 0) {
        fprintf(stderr, "skipped: the published lists of CREMA-D: no ../shared\n");
        return;
    }
    Program *p = program_new();
    add_source(p, "clips", "crema_d", root);
    set_target(p, 6, "emotion");
    add_sound(p);
    expect_in(open_fails(p), "7442 of the 7442 clips of data.clips (test.mml:9) can't be read");
    expect_in(mml_message(), "AudioWAV/1088_IOM_NEU_XX.wav': No such file");
    program_free(p);
}
