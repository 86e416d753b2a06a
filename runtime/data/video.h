/* Frames and sound of video files, decoded by FFmpeg's libraries where they are installed.
 *
 * They are opened when the first video is read (dlopen), so that no program depends on
 * them; a build without their headers (libavformat-dev, libavcodec-dev) has no_video.c
 * in place of video.c, video_file.c and video_sound.c. Frames are counted as they come out of the
 * decoder: what a file's header says of their number isn't looked at, and a packet
 * that can't be decoded is passed over, as OpenCV does. Planes of 8-bit YUV become RGB
 * by the matrix of BT.601, or of BT.709 where the file says so.
 */
#ifndef DATA_VIDEO_H
#define DATA_VIDEO_H

#include "data/picture.h"

/* MML_EDATA saying what is missing when videos can't be decoded here. */
Status mml_video_ready(void);

typedef struct { i64 frames, rate, height, width; } VideoInfo;      /* rate: whole frames a second, 29.97 is 29; 0: not known */

/* What is to become of the frames, from 0: wants says 0 no, 1 yes, -1 none from here on; take gets
 * the picture and its pixels. info: rate, height and width. */
typedef struct {
    void *context;
    int (*wants)(void *context, const VideoInfo *info, i64 frame);
    void (*take)(void *context, i64 frame, Picture *picture);
} VideoSink;

/* out->frames: how many were decoded. Frames of several sizes, and a file without any, are MML_EDATA.
 * checksum: the file's bytes are added, NULL: they aren't. Threads may decode at once. */
Status mml_video_decode(const char *path, u64 *checksum, const VideoSink *sink, VideoInfo *out);

/* The mean of the channels of the best track, full scale being 1: *out[*samples], which the caller frees. MML_EDATA also for a video
 * without sound. checksum and threads as above. */
Status mml_video_sound(const char *path, u64 *checksum, i64 *rate, i64 *samples, float **out);

#endif
