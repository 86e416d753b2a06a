#include "data/video_file.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "data/file.h"
#include "data/picture.h"
#include "data/video.h"

/* ---- The libraries ---- */

#define LIBRARY(name, version) "lib" name ".so." AV_STRINGIFY(version)

struct MmlLibav mml_libav;
static char missing[512];            /* what could not be opened; empty: all could      */

static void *open_library(const char *name) {
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!library && !*missing) snprintf(missing, sizeof missing, "%s", dlerror());
    return library;
}

/* The memory of a function's pointer: ISO C has no conversion from dlsym's. */
static void load(void *library, const char *name, void *member) {
    void *symbol = library ? dlsym(library, name) : NULL;
    if (!symbol && !*missing) snprintf(missing, sizeof missing, "it has no %s", name);
    memcpy(member, &symbol, sizeof symbol);
}

static void open_libraries(void) {
    void *util = open_library(LIBRARY("avutil", LIBAVUTIL_VERSION_MAJOR)), *codec = open_library(LIBRARY("avcodec", LIBAVCODEC_VERSION_MAJOR));
    void *format = open_library(LIBRARY("avformat", LIBAVFORMAT_VERSION_MAJOR));
#define LOAD(library, function) load(library, #function, &mml_libav.function);
    MML_LIBAV_FUNCTIONS(LOAD)
    if (!*missing) mml_libav.av_log_set_level(AV_LOG_QUIET);
}

Status mml_video_ready(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, open_libraries);
    if (!*missing) return MML_OK;
    return mml_fail(MML_EDATA, "FFmpeg's libraries, which decode videos, can't be opened (%s); Debian's are in libavformat%d",
                    missing, LIBAVFORMAT_VERSION_MAJOR);
}

/* ---- A file in memory ---- */

static int read_memory(void *opaque, uint8_t *out, int size) {
    VideoBytes *memory = opaque;
    i64 left = memory->count - memory->at;
    if (left <= 0) return AVERROR_EOF;
    if (size > left) size = (int)left;
    memcpy(out, memory->bytes + memory->at, (size_t)size);
    memory->at += size;
    return size;
}

static int64_t seek_memory(void *opaque, int64_t offset, int whence) {
    VideoBytes *memory = opaque;
    if (whence == AVSEEK_SIZE) return memory->count;
    i64 from = whence == SEEK_CUR ? memory->at : whence == SEEK_END ? memory->count : 0, to = from + offset;
    if (to < 0 || to > memory->count) return AVERROR(EINVAL);
    return memory->at = to;
}

/* ---- Opening ---- */

Status mml_video_unreadable(const VideoFile *v, const char *why) { return mml_fail(MML_EDATA, "'%s' %s", v->path, why); }

/* Containers that hold their streams themselves. */
#define FORMATS "flv,avi,mov,mp4,mpeg,mpegts,mpegvideo,m4v,matroska,webm,asf,ogg"

static Status open_format(VideoFile *v) {
    enum { BUFFER = 1 << 15 };
    AVDictionary *options = NULL;
    u8 *buffer = mml_libav.av_malloc(BUFFER);
    if (!buffer) return MML_ENOMEM;
    v->input = mml_libav.avio_alloc_context(buffer, BUFFER, 0, &v->memory, read_memory, NULL, seek_memory);
    v->format = v->input ? mml_libav.avformat_alloc_context() : NULL;
    if (!v->input) mml_libav.av_freep(&buffer);
    if (!v->format) return MML_ENOMEM;
    v->format->pb = v->input;
    mml_libav.av_dict_set(&options, "format_whitelist", FORMATS, 0);
    int opened = mml_libav.avformat_open_input(&v->format, "", NULL, &options);
    mml_libav.av_dict_free(&options);
    return opened < 0 ? mml_video_unreadable(v, "is no video that can be read") : MML_OK;
}

static Status open_codec(VideoFile *v, enum AVMediaType kind, const char *what) {
    const AVCodec *decoder = NULL;
    if (mml_libav.avformat_find_stream_info(v->format, NULL) < 0) return mml_video_unreadable(v, "is a damaged video");
    v->stream = mml_libav.av_find_best_stream(v->format, kind, -1, -1, &decoder, 0);
    if (v->stream < 0 || !decoder) return mml_fail(MML_EDATA, "'%s' has no %s that can be decoded", v->path, what);
    v->codec = mml_libav.avcodec_alloc_context3(decoder);
    v->packet = mml_libav.av_packet_alloc();
    v->frame = mml_libav.av_frame_alloc();
    if (!v->codec || !v->packet || !v->frame || mml_libav.avcodec_parameters_to_context(v->codec, v->format->streams[v->stream]->codecpar) < 0) return MML_ENOMEM;
    v->codec->thread_count = 1;      /* files are decoded side by side */
    v->codec->max_pixels = MML_PICTURE_PIXELS;
    return mml_libav.avcodec_open2(v->codec, decoder, NULL) < 0 ? mml_fail(MML_EDATA, "'%s' has %s that can't be decoded", v->path, what) : MML_OK;
}

Status mml_video_open(const char *path, enum AVMediaType kind, const char *what, u64 *checksum, VideoFile *out) {
    static const char pointer[] = "version https://git-lfs";
    *out = (VideoFile){ .path = path };
    MML_TRY(mml_video_ready());
    MML_TRY(mml_data_file_bytes(path, &out->memory.bytes, &out->memory.count));
    if (checksum) *checksum = mml_data_hash(*checksum, out->memory.bytes, out->memory.count);
    if (out->memory.count >= (i64)sizeof pointer - 1 && memcmp(out->memory.bytes, pointer, sizeof pointer - 1) == 0)
        return mml_video_unreadable(out, "is a git-lfs pointer in place of the video (git lfs pull fetches it)");
    Status status = open_format(out);
    if (status == MML_OK) status = open_codec(out, kind, what);
    return status == MML_ENOMEM ? mml_fail(MML_ENOMEM, "no memory to decode '%s'", path) : status;
}

void mml_video_close(VideoFile *v) {
    if (v->memory.bytes) {           /* the libraries are there */
        mml_libav.av_frame_free(&v->frame);
        mml_libav.av_packet_free(&v->packet);
        mml_libav.avcodec_free_context(&v->codec);
        mml_libav.avformat_close_input(&v->format);
        if (v->input) mml_libav.av_freep(&v->input->buffer);
        mml_libav.avio_context_free(&v->input);
    }
    free(v->memory.bytes);
    v->memory.bytes = NULL;
}

/* ---- Decoding ---- */

/* packet NULL: what the decoder still holds. */
static Status decode_packet(VideoFile *v, const AVPacket *packet) {
    if (mml_libav.avcodec_send_packet(v->codec, packet) < 0) return MML_OK;
    while (!v->done && mml_libav.avcodec_receive_frame(v->codec, v->frame) >= 0) {
        Status status = v->take(v);
        mml_libav.av_frame_unref(v->frame);
        MML_TRY(status);
    }
    return MML_OK;
}

Status mml_video_each(VideoFile *v) {
    while (!v->done && mml_libav.av_read_frame(v->format, v->packet) >= 0) {
        Status status = v->packet->stream_index == v->stream ? decode_packet(v, v->packet) : MML_OK;
        mml_libav.av_packet_unref(v->packet);
        MML_TRY(status);
    }
    return v->done ? MML_OK : decode_packet(v, NULL);
}
