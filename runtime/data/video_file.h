/* Video files as FFmpeg's libraries open them, for video.c and video_sound.c.
 *
 * The libraries are opened by dlopen when the first file is (mml_video_ready). A file is read whole by us, so
 * that a playlist or a name with a protocol in it can't make them open anything else, and only containers
 * that hold their streams themselves are taken.
 */
#ifndef DATA_VIDEO_FILE_H
#define DATA_VIDEO_FILE_H

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/pixdesc.h>
#include "mml/base.h"

/* Each function that is used, by the library that has it. */
#define MML_LIBAV_FUNCTIONS(F)                                                                                     \
    F(util, av_log_set_level) F(util, av_malloc) F(util, av_freep) F(util, av_dict_set) F(util, av_dict_free)       \
    F(util, av_frame_alloc) F(util, av_frame_free) F(util, av_frame_unref) F(util, av_pix_fmt_desc_get)          \
    F(codec, avcodec_alloc_context3) F(codec, avcodec_free_context) F(codec, avcodec_parameters_to_context) F(codec, avcodec_open2) \
    F(codec, avcodec_send_packet) F(codec, avcodec_receive_frame) F(codec, av_packet_alloc) F(codec, av_packet_free) \
    F(codec, av_packet_unref)                                                                            \
    F(format, avformat_alloc_context) F(format, avformat_open_input) F(format, avformat_close_input)         \
    F(format, avformat_find_stream_info) F(format, av_find_best_stream) F(format, av_read_frame)             \
    F(format, avio_alloc_context) F(format, avio_context_free)

#define MML_LIBAV_MEMBER(library, function) __typeof__(function) *function;
struct MmlLibav { MML_LIBAV_FUNCTIONS(MML_LIBAV_MEMBER) };
/* Filled in by mml_video_ready. */
extern struct MmlLibav mml_libav;

typedef struct { u8 *bytes; i64 count, at; } VideoBytes;

typedef struct VideoFile {
    const char      *path;
    VideoBytes       memory;
    AVIOContext     *input;
    AVFormatContext *format;
    AVCodecContext  *codec;
    AVPacket        *packet;
    AVFrame         *frame;          /* the one that take looks at                  */
    int              stream, done;   /* done: take wants no further ones            */
    /* Gets each decoded frame. */
    Status         (*take)(struct VideoFile *file);
    void            *context;        /* take's                                      */
} VideoFile;

/* Fails with MML_EDATA: "'PATH' WHY". */
Status mml_video_unreadable(const VideoFile *file, const char *why);

/* Opens the best stream of that kind. what: "pictures". checksum: the file's bytes are added, NULL: they aren't. Close it in any case. */
Status mml_video_open(const char *path, enum AVMediaType kind, const char *what, u64 *checksum, VideoFile *out);
void   mml_video_close(VideoFile *file);

/* Hands every frame to file->take until that sets done. A packet that can't be decoded gives none. */
Status mml_video_each(VideoFile *file);

#endif
