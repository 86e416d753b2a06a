#include "data/video.h"

#include <dlfcn.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/pixdesc.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "data/file.h"

/* ---- The libraries ---- */

#define LIBRARY(name, version) "lib" name ".so." AV_STRINGIFY(version)

/* Each function that is used, by the library that has it. */
#define FUNCTIONS(F)                                                                                     \
    F(util, av_log_set_level) F(util, av_malloc) F(util, av_freep) F(util, av_dict_set) F(util, av_dict_free)       \
    F(util, av_frame_alloc) F(util, av_frame_free) F(util, av_frame_unref) F(util, av_pix_fmt_desc_get)          \
    F(codec, avcodec_alloc_context3) F(codec, avcodec_free_context) F(codec, avcodec_parameters_to_context) F(codec, avcodec_open2) \
    F(codec, avcodec_send_packet) F(codec, avcodec_receive_frame) F(codec, av_packet_alloc) F(codec, av_packet_free) \
    F(codec, av_packet_unref)                                                                            \
    F(format, avformat_alloc_context) F(format, avformat_open_input) F(format, avformat_close_input)         \
    F(format, avformat_find_stream_info) F(format, av_find_best_stream) F(format, av_read_frame)             \
    F(format, avio_alloc_context) F(format, avio_context_free)

#define MEMBER(library, function) __typeof__(function) *function;
static struct { FUNCTIONS(MEMBER) } av;

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
#define LOAD(library, function) load(library, #function, &av.function);
    FUNCTIONS(LOAD)
    if (!*missing) av.av_log_set_level(AV_LOG_QUIET);
}

Status mml_video_ready(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, open_libraries);
    if (!*missing) return MML_OK;
    return mml_fail(MML_EDATA, "FFmpeg's libraries, which decode videos, can't be opened (%s); Debian's are in libavformat%d",
                    missing, LIBAVFORMAT_VERSION_MAJOR);
}

/* ---- A file in memory ---- */

/* The bytes are read by us: a playlist or a name with a protocol in it can't make the library open anything else. */
typedef struct { const u8 *bytes; i64 count, at; } Memory;

static int read_memory(void *opaque, uint8_t *out, int size) {
    Memory *memory = opaque;
    i64 left = memory->count - memory->at;
    if (left <= 0) return AVERROR_EOF;
    if (size > left) size = (int)left;
    memcpy(out, memory->bytes + memory->at, (size_t)size);
    memory->at += size;
    return size;
}

static int64_t seek_memory(void *opaque, int64_t offset, int whence) {
    Memory *memory = opaque;
    if (whence == AVSEEK_SIZE) return memory->count;
    i64 from = whence == SEEK_CUR ? memory->at : whence == SEEK_END ? memory->count : 0, to = from + offset;
    if (to < 0 || to > memory->count) return AVERROR(EINVAL);
    return memory->at = to;
}

/* ---- Decoding ---- */

typedef struct {
    const char        *path;
    const VideoSink   *sink;
    VideoInfo         *info;
    Memory             memory;
    AVIOContext       *input;
    AVFormatContext   *format;
    AVCodecContext    *codec;
    AVPacket          *packet;
    AVFrame           *frame;
    int                stream, done;
} Video;

static Status unreadable(const Video *v, const char *why) { return mml_fail(MML_EDATA, "'%s' %s", v->path, why); }

static void close_video(Video *v) {
    av.av_frame_free(&v->frame);
    av.av_packet_free(&v->packet);
    av.avcodec_free_context(&v->codec);
    av.avformat_close_input(&v->format);
    if (v->input) av.av_freep(&v->input->buffer);
    av.avio_context_free(&v->input);
}

/* Containers that hold pictures themselves. */
#define FORMATS "flv,avi,mov,mp4,mpeg,mpegts,mpegvideo,m4v,matroska,webm,asf,ogg"

static Status open_format(Video *v) {
    enum { BUFFER = 1 << 15 };
    AVDictionary *options = NULL;
    u8 *buffer = av.av_malloc(BUFFER);
    if (!buffer) return MML_ENOMEM;
    v->input = av.avio_alloc_context(buffer, BUFFER, 0, &v->memory, read_memory, NULL, seek_memory);
    v->format = v->input ? av.avformat_alloc_context() : NULL;
    if (!v->input) av.av_freep(&buffer);
    if (!v->format) return MML_ENOMEM;
    v->format->pb = v->input;
    av.av_dict_set(&options, "format_whitelist", FORMATS, 0);
    int opened = av.avformat_open_input(&v->format, "", NULL, &options);
    av.av_dict_free(&options);
    return opened < 0 ? unreadable(v, "is no video that can be read") : MML_OK;
}

static Status open_codec(Video *v) {
    const AVCodec *decoder = NULL;
    if (av.avformat_find_stream_info(v->format, NULL) < 0) return unreadable(v, "is a damaged video");
    v->stream = av.av_find_best_stream(v->format, AVMEDIA_TYPE_VIDEO, -1, -1, &decoder, 0);
    if (v->stream < 0 || !decoder) return unreadable(v, "has no pictures that can be decoded");
    const AVStream *stream = v->format->streams[v->stream];
    AVRational rate = stream->avg_frame_rate.num > 0 ? stream->avg_frame_rate : stream->r_frame_rate;
    v->info->rate = rate.num > 0 && rate.den > 0 ? rate.num / rate.den : 0;
    v->codec = av.avcodec_alloc_context3(decoder);
    v->packet = av.av_packet_alloc();
    v->frame = av.av_frame_alloc();
    if (!v->codec || !v->packet || !v->frame || av.avcodec_parameters_to_context(v->codec, stream->codecpar) < 0) return MML_ENOMEM;
    v->codec->thread_count = 1;      /* files are decoded side by side */
    v->codec->max_pixels = MML_PICTURE_PIXELS;
    return av.avcodec_open2(v->codec, decoder, NULL) < 0 ? unreadable(v, "has pictures that can't be decoded") : MML_OK;
}

/* ---- To RGB ---- */

/* What red, green and blue take of luma and of both chromas (Rec. ITU-R BT.601 and BT.709), in the range that is coded. */
typedef struct { float luma, black, red_v, green_u, green_v, blue_u; } Colours;

static Colours colours_of(const AVFrame *f) {
    int full = f->color_range == AVCOL_RANGE_JPEG || f->format == AV_PIX_FMT_YUVJ420P || f->format == AV_PIX_FMT_YUVJ422P ||
               f->format == AV_PIX_FMT_YUVJ444P || f->format == AV_PIX_FMT_GRAY8;
    float red = f->colorspace == AVCOL_SPC_BT709 ? 0.2126f : 0.299f, blue = f->colorspace == AVCOL_SPC_BT709 ? 0.0722f : 0.114f;
    float green = 1 - red - blue, chroma = full ? 1 : 255.0f / 224, v = 2 * (1 - red) * chroma, u = 2 * (1 - blue) * chroma;
    return (Colours){ full ? 1 : 255.0f / 219, full ? 0 : 16, v, -u * blue / green, -v * red / green, u };
}

static u8 to_byte(float value) { return (u8)(value <= 0 ? 0 : value >= 255 ? 255 : lrintf(value)); }

/* Planes of bytes: luma, and chroma at the same or half the resolution, which is repeated. */
static int is_planar(const AVFrame *f, const AVPixFmtDescriptor *form) {
    return form && (form->nb_components == 3 || f->format == AV_PIX_FMT_GRAY8) && form->comp[0].depth == 8 && form->comp[0].step == 1 &&
           (form->nb_components == 1 || (form->flags & AV_PIX_FMT_FLAG_PLANAR && form->comp[1].step == 1)) &&
           !(form->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_PAL));
}

static Status convert(const Video *v, Picture *out) {
    const AVFrame *f = v->frame;
    const AVPixFmtDescriptor *form = av.av_pix_fmt_desc_get((enum AVPixelFormat)f->format);
    if (!is_planar(f, form)) return mml_fail(MML_EDATA, "'%s' has pictures of the form %s; planes of 8-bit YUV are read", v->path, form ? form->name : "?");
    MML_TRY(mml_picture_room(v->path, (u64)f->height, (u64)f->width, out));
    const Colours c = colours_of(f);
    u8 *to = out->pixels;
    int coloured = form->nb_components == 3, down = form->log2_chroma_h, across = form->log2_chroma_w;
    for (i64 y = 0; y < f->height; y++) {
        const u8 *luma = f->data[0] + y * f->linesize[0];
        const u8 *us = coloured ? f->data[1] + (y >> down) * f->linesize[1] : NULL, *vs = coloured ? f->data[2] + (y >> down) * f->linesize[2] : NULL;
        for (i64 x = 0; x < f->width; x++, to += 3) {
            float l = c.luma * ((float)luma[x] - c.black), du = coloured ? (float)us[x >> across] - 128 : 0;
            float dv = coloured ? (float)vs[x >> across] - 128 : 0;
            to[0] = to_byte(l + c.red_v * dv);
            to[1] = to_byte(l + c.green_u * du + c.green_v * dv);
            to[2] = to_byte(l + c.blue_u * du);
        }
    }
    return MML_OK;
}

/* ---- Frames ---- */

static Status take_frame(Video *v) {
    VideoInfo *info = v->info;
    if (info->frames == 0) {
        info->height = v->frame->height;
        info->width = v->frame->width;
    }
    if (v->frame->height != info->height || v->frame->width != info->width) return unreadable(v, "has pictures of several sizes");
    if (info->frames > INT32_MAX) return unreadable(v, "has too many pictures");
    int wanted = v->sink->wants(v->sink->context, info, info->frames);
    if (wanted < 0) v->done = 1;
    if (wanted > 0) {
        Picture picture = { 0 };
        MML_TRY(convert(v, &picture));
        v->sink->take(v->sink->context, info->frames, &picture);
    }
    info->frames++;
    return MML_OK;
}

/* packet NULL: what the decoder still holds. A packet that can't be decoded gives no frame. */
static Status decode_packet(Video *v, const AVPacket *packet) {
    if (av.avcodec_send_packet(v->codec, packet) < 0) return MML_OK;
    while (!v->done && av.avcodec_receive_frame(v->codec, v->frame) >= 0) {
        Status status = take_frame(v);
        av.av_frame_unref(v->frame);
        MML_TRY(status);
    }
    return MML_OK;
}

static Status decode_all(Video *v) {
    MML_TRY(open_format(v));
    MML_TRY(open_codec(v));
    while (!v->done && av.av_read_frame(v->format, v->packet) >= 0) {
        Status status = v->packet->stream_index == v->stream ? decode_packet(v, v->packet) : MML_OK;
        av.av_packet_unref(v->packet);
        MML_TRY(status);
    }
    if (!v->done) MML_TRY(decode_packet(v, NULL));
    return v->info->frames == 0 ? unreadable(v, "has no picture that can be decoded") : MML_OK;
}

Status mml_video_decode(const char *path, u64 *checksum, const VideoSink *sink, VideoInfo *out) {
    static const char pointer[] = "version https://git-lfs";
    u8 *bytes = NULL;
    i64 count = 0;
    *out = (VideoInfo){ 0 };
    MML_TRY(mml_video_ready());
    MML_TRY(mml_data_file_bytes(path, &bytes, &count));
    if (checksum) *checksum = mml_data_hash(*checksum, bytes, count);
    Video v = { .path = path, .sink = sink, .info = out, .memory = { bytes, count, 0 } };
    Status status;
    if (count >= (i64)sizeof pointer - 1 && memcmp(bytes, pointer, sizeof pointer - 1) == 0)
        status = unreadable(&v, "is a git-lfs pointer in place of the video (git lfs pull fetches it)");
    else
        status = decode_all(&v);
    close_video(&v);
    free(bytes);
    return status == MML_ENOMEM ? mml_fail(MML_ENOMEM, "no memory to decode '%s'", path) : status;
}
