#include "data/wav.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { FORMAT_PCM = 1, FORMAT_FLOAT = 3, FORMAT_EXTENSIBLE = 0xfffe };
enum { FORMAT_BYTES = 16, EXTENSIBLE_BYTES = 40, CHUNK_HEADER = 8, RIFF_HEADER = 12 };

/* Lengths from here on are what writers into a pipe put in (0x7ffff000, 0xffffffff …). */
#define UNKNOWN_LENGTH 0x7fff0000u
#define HIGHEST_RATE   10000000

static u32 little16(const u8 *b) { return (u32)b[0] | (u32)b[1] << 8; }
static u32 little32(const u8 *b) { return little16(b) | little16(b + 2) << 16; }
static u64 little64(const u8 *b) { return little32(b) | (u64)little32(b + 4) << 32; }

#define REMEDY "PCM and float WAV are read (ffmpeg -i FILE -c:a pcm_s16le OUT.wav)"

/* ---- What isn't read, by how it begins ---- */

static const struct { const char *start; size_t length; const char *name; } others[] = {
    { "version https://git-lfs", 23, "a git-lfs pointer in place of the sound (git lfs pull fetches it)" },
    { "RIFX", 4, "a big-endian WAV; " REMEDY },
    { "RF64", 4, "an RF64 file; " REMEDY },
    { "fLaC", 4, "a FLAC file; " REMEDY },
    { "OggS", 4, "an Ogg file; " REMEDY },
    { "ID3",  3, "an MP3 file; " REMEDY },
    { "\xff\xfb", 2, "an MP3 file; " REMEDY },
    { "FORM", 4, "an AIFF file; " REMEDY },
};

static Status check_start(const char *path, const u8 *bytes, i64 count) {
    if (count == 0) return mml_fail(MML_EDATA, "'%s' is empty", path);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if ((size_t)count >= others[i].length && memcmp(bytes, others[i].start, others[i].length) == 0)
            return mml_fail(MML_EDATA, "'%s' is %s", path, others[i].name);
    if (count < 4 || memcmp(bytes, "RIFF", 4) != 0) return mml_fail(MML_EDATA, "'%s' is no WAV file; " REMEDY, path);
    if (count < RIFF_HEADER) return mml_fail(MML_EDATA, "'%s' is truncated within its header; fetch it again", path);
    if (memcmp(bytes + 8, "WAVE", 4) != 0)
        return mml_fail(MML_EDATA, "'%s' is a RIFF file without sound; " REMEDY, path);
    return MML_OK;
}

/* ---- The format ---- */

static const char *encoding_name(u32 tag) {
    static const struct { u32 tag; const char *name; } names[] = {
        { 0x02, "ADPCM" }, { 0x06, "A-law" }, { 0x07, "mu-law" }, { 0x11, "IMA ADPCM" }, { 0x31, "GSM" }, { 0x50, "MPEG" }, { 0x55, "MP3" },
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].tag == tag) return names[i].name;
    return "unknown";
}

/* A value lies in the upper bits of its container, whose width the block tells (20 bits in 3 bytes). */
static Status read_format(const char *path, const u8 *chunk, i64 size, Wav *out) {
    if (size < FORMAT_BYTES)
        return mml_fail(MML_EDATA, "'%s' is damaged: its format takes %lld bytes; fetch it again", path, (long long)size);
    u32 tag = little16(chunk), bits = little16(chunk + 14), block = little16(chunk + 12);
    if (tag == FORMAT_EXTENSIBLE && size >= EXTENSIBLE_BYTES) tag = little16(chunk + 24);
    out->channels = little16(chunk + 2);
    out->rate = little32(chunk + 4);
    out->floating = tag == FORMAT_FLOAT;
    if (tag != FORMAT_PCM && tag != FORMAT_FLOAT)
        return mml_fail(MML_EDATA, "'%s' holds sound of %s encoding (format 0x%04x); " REMEDY, path, encoding_name(tag), tag);
    if (out->channels < 1 || out->rate < 1 || out->rate > HIGHEST_RATE)
        return mml_fail(MML_EDATA, "'%s' is damaged: its header says %lld channels of %lld Hz; fetch it again", path,
                        (long long)out->channels, (long long)out->rate);
    out->width = block && block % out->channels == 0 ? block / out->channels : (bits + 7) / 8;
    int fits = 8 * out->width >= bits && bits > 0 && (out->floating ? (out->width == 4 && bits == 32) || (out->width == 8 && bits == 64)
                                                                    : out->width <= 4);
    if (!fits)
        return mml_fail(MML_EDATA, "'%s' has %s of %u bits in %lld bytes; " REMEDY, path, out->floating ? "floats" : "integers", bits,
                        (long long)out->width);
    return MML_OK;
}

/* ---- Chunks ---- */

/* Whether chunks fill what is left to the last byte (the padding of the last may be missing). */
static int chunks_fill(const u8 *bytes, i64 at, i64 count) {
    if (at >= count) return 0;
    while (at + CHUNK_HEADER <= count) at += CHUNK_HEADER + (i64)little32(bytes + at + 4) + (little32(bytes + at + 4) & 1);
    return at == count || at == count + 1;
}

static Status read_data(const char *path, const u8 *bytes, i64 at, i64 count, u32 claimed, Wav *out) {
    i64 there = count - at, size = claimed;
    if ((claimed == 0 && !chunks_fill(bytes, at, count)) || (claimed >= UNKNOWN_LENGTH && size > there)) size = there;
    if (size > there)
        return mml_fail(MML_EDATA, "'%s' is truncated: its header promises %lld bytes of sound and %lld follow; fetch it again", path,
                        (long long)size, (long long)there);
    out->values = bytes + at;
    out->samples = size / (out->width * out->channels);
    return out->samples > 0 ? MML_OK : mml_fail(MML_EDATA, "'%s' holds no sound: it has 0 samples", path);
}

Status mml_wav_parse(const char *path, const u8 *bytes, i64 count, Wav *out) {
    *out = (Wav){ 0 };
    MML_TRY(check_start(path, bytes, count));
    int format = 0;
    for (i64 at = RIFF_HEADER; at + CHUNK_HEADER <= count;) {
        const u8 *id = bytes + at;
        u32 size = little32(bytes + at + 4);
        at += CHUNK_HEADER;
        if (memcmp(id, "data", 4) == 0) {
            if (format) return read_data(path, bytes, at, count, size, out);
            return mml_fail(MML_EDATA, "'%s' is damaged: its sound stands before its format; fetch it again", path);
        }
        if (memcmp(id, "fmt ", 4) == 0) {
            if ((i64)size > count - at) break;
            MML_TRY(read_format(path, bytes + at, size, out));
            format = 1;
        }
        at += (i64)size + (size & 1);
    }
    return mml_fail(MML_EDATA, "'%s' is truncated or damaged: it has no %s; fetch it again", path, format ? "sound" : "format");
}

/* ---- Values ---- */

static double value_of(const Wav *wav, const u8 *b) {
    if (wav->floating && wav->width == 4) {
        u32 bits = little32(b);
        float value;
        memcpy(&value, &bits, sizeof value);
        return (double)value;
    }
    if (wav->floating) {
        u64 bits = little64(b);
        double value;
        memcpy(&value, &bits, sizeof value);
        return value;
    }
    if (wav->width == 1) return ((double)*b - 128) / 128;
    u32 bits = 0;                                /* the value in the upper bits */
    for (i64 i = 0; i < wav->width; i++) bits |= (u32)b[i] << 8 * (4 - wav->width + i);
    return (double)(i32)bits / 0x1p31;
}

Status mml_wav_mono(const char *path, const Wav *wav, float *out) {
    const u8 *b = wav->values;
    if (!wav->floating && wav->width == 2 && wav->channels == 1) {       /* what nearly all files are, without detours */
        for (i64 i = 0; i < wav->samples; i++) out[i] = (float)(int16_t)little16(b + 2 * i) / 32768;
        return MML_OK;
    }
    for (i64 i = 0; i < wav->samples; i++) {
        double sum = 0;
        for (i64 channel = 0; channel < wav->channels; channel++, b += wav->width) sum += value_of(wav, b);
        double mean = sum / (double)wav->channels;
        if (!(fabs(mean) <= (double)FLT_MAX))
            return mml_fail(MML_EDATA, "'%s' holds %g as sample %lld; " REMEDY, path, mean, (long long)i);
        out[i] = (float)mean;
    }
    return MML_OK;
}
