#include "data/video.h"

#include <math.h>
#include "data/video_file.h"

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

static Status convert(const VideoFile *v, Picture *out) {
    const AVFrame *f = v->frame;
    const AVPixFmtDescriptor *form = mml_libav.av_pix_fmt_desc_get((enum AVPixelFormat)f->format);
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

typedef struct { const VideoSink *sink; VideoInfo *info; } Frames;

static Status take_frame(VideoFile *v) {
    const Frames *frames = v->context;
    VideoInfo *info = frames->info;
    if (info->frames == 0) {
        info->height = v->frame->height;
        info->width = v->frame->width;
    }
    if (v->frame->height != info->height || v->frame->width != info->width) return mml_video_unreadable(v, "has pictures of several sizes");
    if (info->frames > INT32_MAX) return mml_video_unreadable(v, "has too many pictures");
    int wanted = frames->sink->wants(frames->sink->context, info, info->frames);
    if (wanted < 0) v->done = 1;
    if (wanted > 0) {
        Picture picture = { 0 };
        MML_TRY(convert(v, &picture));
        frames->sink->take(frames->sink->context, info->frames, &picture);
    }
    info->frames++;
    return MML_OK;
}

static Status decode_all(VideoFile *v, VideoInfo *info) {
    const AVStream *stream = v->format->streams[v->stream];
    AVRational rate = stream->avg_frame_rate.num > 0 ? stream->avg_frame_rate : stream->r_frame_rate;
    info->rate = rate.num > 0 && rate.den > 0 ? rate.num / rate.den : 0;
    MML_TRY(mml_video_each(v));
    return info->frames == 0 ? mml_video_unreadable(v, "has no picture that can be decoded") : MML_OK;
}

Status mml_video_decode(const char *path, u64 *checksum, const VideoSink *sink, VideoInfo *out) {
    VideoFile file;
    *out = (VideoInfo){ 0 };
    Status status = mml_video_open(path, AVMEDIA_TYPE_VIDEO, "pictures", checksum, &file);
    file.take = take_frame;
    file.context = &(Frames){ sink, out };
    if (status == MML_OK) status = decode_all(&file, out);
    mml_video_close(&file);
    return status;
}
