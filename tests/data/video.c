/* Decoding videos: how many frames there are, which are asked for, what is refused. Without FFmpeg's libraries
 * these tests say that they are skipped. */
#include "archive.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "data/file.h"
#include "data/video.h"

#define SHARED MML_SHARED_DIR "/data/"

static int without(const char *what) {
    int ready = mml_video_ready() == MML_OK;
    if (ready && access(SHARED "grid/bbaf2n.flv", F_OK) == 0) return 0;
    fprintf(stderr, "skipped: %s: %s\n", what, ready ? "no ../shared" : mml_message());
    return 1;
}

typedef struct { i64 from, to, asked, taken; Picture last; } Some;

static int wants(void *context, const VideoInfo *info, i64 frame) {
    Some *some = context;
    cr_assert_eq(frame, some->asked++);
    return frame < some->from ? 0 : frame < some->to ? 1 : -1;
}

static void take(void *context, i64 frame, Picture *picture) {
    Some *some = context;
    some->taken++;
    free(some->last.pixels);
    some->last = *picture;
}

static Status decode(const char *path, Some *some, VideoInfo *info) {
    u64 checksum = MML_DATA_HASH_START;
    return mml_video_decode(path, &checksum, &(VideoSink){ some, wants, take }, info);
}

/* ../shared/data/DECODED.txt: what ffmpeg 5.1.9 decodes of each. */
Test(video, has_as_many_frames_as_ffmpeg_decodes) {
    static const struct { const char *path; i64 frames, rate, height, width; } files[] = {
        { "grid/bbaf2n.flv", 90, 29, 360, 480 }, { "grid/bbaf2n.mpg", 75, 25, 288, 360 },
        { "av-clips/R6llTwEh07w.mp4", 303, 30, 256, 340 },
        { "ucf101/UCF-101/ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi", 164, 25, 240, 320 },
    };
    if (without("frames of videos")) return;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[512];
        Some some = { INT64_MAX, INT64_MAX, 0, 0, { 0 } };
        VideoInfo info;
        snprintf(path, sizeof path, SHARED "%s", files[i].path);
        cr_assert_eq(decode(path, &some, &info), MML_OK, "%s", mml_message());
        cr_expect_eq(info.frames, files[i].frames, "%s: %lld", path, (long long)info.frames);
        cr_expect_eq(info.rate, files[i].rate, "%s: %lld", path, (long long)info.rate);
        cr_expect(info.height == files[i].height && info.width == files[i].width);
        cr_expect_eq(some.taken, 0);
    }
}

static double mean_of(const Picture *picture, int channel) {
    double sum = 0;
    i64 plane = picture->height * picture->width;
    for (i64 i = 0; i < plane; i++) sum += picture->pixels[3 * i + channel];
    return sum / (double)plane;
}

/* Means of red, green and blue of frames 0 and 58: by NumPy in double precision from the planes that PyAV 18 decodes, another build of
 * FFmpeg whose frames have the checksum in DECODED.txt. */
Test(video, gives_the_frames_that_are_asked_for_and_stops_behind_them) {
    static const struct { i64 frame; double red, green, blue; } frames[] = { { 0, 80.8772, 160.9109, 169.3023 }, { 58, 81.4314, 160.6869, 168.3750 } };
    if (without("pixels of videos")) return;
    for (int i = 0; i < 2; i++) {
        Some some = { frames[i].frame, frames[i].frame + 1, 0, 0, { 0 } };
        VideoInfo info;
        cr_assert_eq(decode(SHARED "grid/bbaf2n.flv", &some, &info), MML_OK, "%s", mml_message());
        cr_assert_eq(some.taken, 1);
        cr_assert_eq(some.asked, frames[i].frame + 2);
        cr_assert(some.last.height == 360 && some.last.width == 480);
        expect_near(mean_of(&some.last, 0), frames[i].red, 2e-3, "red");
        expect_near(mean_of(&some.last, 1), frames[i].green, 2e-3, "green");
        expect_near(mean_of(&some.last, 2), frames[i].blue, 2e-3, "blue");
        free(some.last.pixels);
    }
}

static void refuses(Program *p, const char *name, const char *part) {
    Some some = { 0, INT64_MAX, 0, 0, { 0 } };
    VideoInfo info;
    char path[512];
    snprintf(path, sizeof path, "%s/%s", program_folder(p), name);
    cr_assert_eq(decode(path, &some, &info), MML_EDATA);
    expect_in(mml_message(), name);
    expect_in(mml_message(), part);
    free(some.last.pixels);
}

Test(video, refuses_what_is_none_and_opens_nothing_else) {
    if (without("files that are no videos")) return;
    Program *p = program_new();
    write_text(p, "pointer.flv", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n");
    write_text(p, "text.flv", "hello, this is no video");
    write_text(p, "empty.flv", "");
    write_text(p, "list.flv", "#EXTM3U\n#EXTINF:1,\nother.flv\n");
    write_text(p, "concat.flv", "ffconcat version 1.0\nfile other.flv\n");
    refuses(p, "pointer.flv", "is a git-lfs pointer in place of the video (git lfs pull fetches it)");
    refuses(p, "text.flv", "is no video that can be read");
    refuses(p, "empty.flv", "is no video that can be read");
    refuses(p, "list.flv", "is no video that can be read");
    refuses(p, "concat.flv", "is no video that can be read");
    refuses(p, "nowhere.flv", "No such file");
    program_free(p);
}

/* Cut off anywhere a video has the frames in front of the cut, or none and is refused. */
Test(video, cut_off_has_the_frames_that_can_be_decoded) {
    if (without("videos that are cut off")) return;
    Program *p = program_new();
    u8 *bytes = NULL;
    i64 count = 0, before = 0;
    cr_assert_eq(mml_data_file_bytes(SHARED "grid/bbaf2n.flv", &bytes, &count), MML_OK);
    for (i64 size = 0; size < count; size += count / 11) {
        char path[512];
        Some some = { INT64_MAX, INT64_MAX, 0, 0, { 0 } };
        VideoInfo info;
        write_bytes(p, "cut.flv", bytes, (size_t)size);
        snprintf(path, sizeof path, "%s/cut.flv", program_folder(p));
        if (decode(path, &some, &info) != MML_OK) info.frames = 0;
        cr_assert(info.frames >= before && info.frames <= 90);
        before = info.frames;
    }
    cr_assert_gt(before, 60);
    free(bytes);
    program_free(p);
}
