#include "data/sounds.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "data/file.h"
#include "data/video.h"
#include "data/wav.h"

/* On success the caller frees *bytes, in which wav's values lie. */
static Status load(const char *path, u8 **bytes, i64 *count, Wav *wav) {
    MML_TRY(mml_data_file_bytes(path, bytes, count));
    Status status = mml_wav_parse(path, *bytes, *count, wav);
    if (status != MML_OK) free(*bytes);
    return status;
}

static Status open_sound(DataSound *sound) {
    u8 *bytes = NULL;
    i64 count = 0;
    Wav wav;
    MML_TRY(load(sound->path, &bytes, &count, &wav));
    float *values = malloc(sizeof *values * (size_t)wav.samples);
    Status status = values ? mml_wav_mono(sound->path, &wav, values) : mml_fail(MML_ENOMEM, "no memory for '%s'", sound->path);
    if (status == MML_OK) {
        sound->rate = wav.rate;
        sound->samples = wav.samples;
        sound->checksum = mml_data_hash(MML_DATA_HASH_START, bytes, count);
    }
    free(values);
    free(bytes);
    return status;
}

static Status open_track(DataSound *sound) {
    float *values;
    u64 checksum = MML_DATA_HASH_START;
    MML_TRY(mml_video_sound(sound->path, &checksum, &sound->rate, &sound->samples, &values));
    sound->checksum = checksum;
    free(values);
    return MML_OK;
}

static Status open_one(DataSound *sound) {
    Status status = sound->of_video ? open_track(sound) : open_sound(sound);
    if (status != MML_OK) sound->samples = 0;
    return status;
}

static void open_sounds(void *context, i64 begin, i64 end, int thread) {
    DataSound *sounds = context;
    for (i64 i = begin; i < end && !mml_stop_asked(); i++)
        if (sounds[i].path && open_one(&sounds[i]) != MML_OK) sounds[i].why = strdup(mml_message());
}

Status mml_sounds_open(DataSource *source, DataSound *sounds, i64 count) {
    mml_parallel(source->threads, count, open_sounds, sounds);
    for (i64 i = 0; i < count; i++) source->checksum = mml_data_hash(source->checksum, &sounds[i].checksum, sizeof sounds[i].checksum);
    return mml_data_go_on();
}

void mml_sounds_free(DataSound *sounds, i64 count) {
    for (i64 i = 0; sounds && i < count; i++) free(sounds[i].why);
}

/* 1: out has it; 0: it isn't what it was. */
static int read_wav(const DataSound *sound, float *out) {
    u8 *bytes = NULL;
    i64 count = 0;
    Wav wav;
    if (load(sound->path, &bytes, &count, &wav) != MML_OK) return 0;
    int same = wav.rate == sound->rate && wav.samples == sound->samples && mml_wav_mono(sound->path, &wav, out) == MML_OK;
    free(bytes);
    return same;
}

static int read_track(const DataSound *sound, float *out) {
    i64 rate, samples;
    float *values;
    if (mml_video_sound(sound->path, NULL, &rate, &samples, &values) != MML_OK) return 0;
    int same = rate == sound->rate && samples == sound->samples;
    if (same) memcpy(out, values, sizeof *out * (size_t)samples);
    free(values);
    return same;
}

void mml_sound_read(const DataSound *sound, float *out) {
    int same = sound->of_video ? read_track(sound, out) : read_wav(sound, out);
    for (i64 i = 0; !same && i < sound->samples; i++) out[i] = NAN;
}

static void read_field(const DataSource *source, const DataField *field, i64 row, float *out) {
    mml_sound_read(field->sound(source, field, row), out);
}

DataField mml_sounds_field(const DataSound *sounds, i64 count, const char *name, const char *file,
                           const DataSound *(*sound)(const DataSource *source, const DataField *field, i64 row)) {
    i64 longest = 0;
    for (i64 i = 0; i < count; i++)
        if (sounds[i].samples > longest) longest = sounds[i].samples;
    return (DataField){ .name = name, .file = file, .size = longest, .read = read_field, .sound = sound };
}
