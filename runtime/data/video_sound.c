/* The sound of a video. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "data/video.h"
#include "data/video_file.h"

#define MOST_SAMPLES ((i64)1 << 28)              /* a GiB */

typedef struct { i64 rate, count, room; float *values; } Sound;

/* Full scale is 1; of each form with the values of a frame one behind the other or by channel. */
static double value_of(const AVFrame *f, int channels, int channel, i64 i) {
    enum AVSampleFormat form = (enum AVSampleFormat)f->format;
    int planar = form >= AV_SAMPLE_FMT_U8P && form != AV_SAMPLE_FMT_S64;
    const u8 *plane = f->extended_data[planar ? channel : 0];
    i64 at = planar ? i : i * channels + channel;
    switch (form) {
    case AV_SAMPLE_FMT_U8:  case AV_SAMPLE_FMT_U8P:  return ((double)plane[at] - 128) / 128;
    case AV_SAMPLE_FMT_S16: case AV_SAMPLE_FMT_S16P: return ((const int16_t *)plane)[at] / 0x1p15;
    case AV_SAMPLE_FMT_S32: case AV_SAMPLE_FMT_S32P: return ((const i32 *)plane)[at] / 0x1p31;
    case AV_SAMPLE_FMT_FLT: case AV_SAMPLE_FMT_FLTP: return (double)((const float *)plane)[at];
    case AV_SAMPLE_FMT_DBL: case AV_SAMPLE_FMT_DBLP: return ((const double *)plane)[at];
    default:                                         return NAN;
    }
}

static Status make_room(const VideoFile *v, Sound *sound, i64 more) {
    if (sound->count + more > MOST_SAMPLES) return mml_video_unreadable(v, "has more than 268435456 samples of sound");
    if (sound->count + more <= sound->room) return MML_OK;
    i64 room = 2 * (sound->count + more);
    float *larger = realloc(sound->values, sizeof *larger * (size_t)room);
    if (!larger) return mml_fail(MML_ENOMEM, "no memory for the sound of '%s'", v->path);
    sound->values = larger;
    sound->room = room;
    return MML_OK;
}

static Status take_samples(VideoFile *v) {
    Sound *sound = v->context;
    const AVFrame *f = v->frame;
    int channels = f->ch_layout.nb_channels;
    if (sound->count == 0) sound->rate = f->sample_rate;
    if (channels < 1 || f->sample_rate < 1 || f->sample_rate != sound->rate) return mml_video_unreadable(v, "has sound of several rates");
    MML_TRY(make_room(v, sound, f->nb_samples));
    for (i64 i = 0; i < f->nb_samples; i++) {
        double sum = 0;
        for (int channel = 0; channel < channels; channel++) sum += value_of(f, channels, channel, i);
        float mean = (float)(sum / channels);
        if (!isfinite(mean)) return mml_video_unreadable(v, "has sound of a form that isn't read, or values that aren't finite");
        sound->values[sound->count++] = mean;
    }
    return MML_OK;
}

Status mml_video_sound(const char *path, u64 *checksum, i64 *rate, i64 *samples, float **out) {
    VideoFile file;
    Sound sound = { 0 };
    Status status = mml_video_open(path, AVMEDIA_TYPE_AUDIO, "sound", checksum, &file);
    file.take = take_samples;
    file.context = &sound;
    if (status == MML_OK) status = mml_video_each(&file);
    if (status == MML_OK && sound.count == 0) status = mml_video_unreadable(&file, "has no sound that can be decoded");
    mml_video_close(&file);
    if (status != MML_OK) free(sound.values);
    *rate = sound.rate;
    *samples = sound.count;
    *out = status == MML_OK ? sound.values : NULL;
    return status;
}
