#include "data/video.h"

Status mml_video_ready(void) {
    return mml_fail(MML_EDATA, "this build of MML decodes no videos: it was made without libavformat-dev and libavcodec-dev");
}

Status mml_video_decode(const char *path, u64 *checksum, const VideoSink *sink, VideoInfo *out) { return mml_video_ready(); }

Status mml_video_sound(const char *path, u64 *checksum, i64 *rate, i64 *samples, float **out) { return mml_video_ready(); }
