/* WAV files of every kind that is read, damaged in every way that was thought of. */
#include "sounds.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "data/wav.h"

static float *decode(const Bytes *file, i64 samples, i64 rate) {
    Wav wav;
    cr_assert_eq(mml_wav_parse("x.wav", file->bytes, (i64)file->count, &wav), MML_OK, "%s", mml_message());
    cr_assert_eq(wav.samples, samples, "%lld samples, expected %lld", (long long)wav.samples, (long long)samples);
    cr_assert_eq(wav.rate, rate);
    float *out = malloc(sizeof *out * (size_t)samples);
    cr_assert_eq(mml_wav_mono("x.wav", &wav, out), MML_OK, "%s", mml_message());
    return out;
}

static void decodes(Bytes *file, int count, const double *expected) {
    float *out = decode(file, count, 8000);
    for (int i = 0; i < count; i++) expect_near((double)out[i], expected[i], 1e-7, "sample");
    free(out);
    free(file->bytes);
    *file = (Bytes){ 0 };
}

static void refuses(Bytes *file, const char *part) {
    Wav wav;
    Status status = mml_wav_parse("x.wav", file->bytes, (i64)file->count, &wav);
    float out[64];
    if (status == MML_OK) status = mml_wav_mono("x.wav", &wav, out);
    cr_assert_eq(status, MML_EDATA, "%s was not refused", part);
    expect_in(mml_message(), "'x.wav'");
    expect_in(mml_message(), part);
    free(file->bytes);
    *file = (Bytes){ 0 };
}

static Bytes integers(int bits, int count, const i64 *values) {
    Bytes file = { 0 }, data = { 0 };
    for (int i = 0; i < count; i++) put_little(&data, (u64)values[i] & (bits == 32 ? 0xffffffff : (1ull << bits) - 1), bits / 8);
    put_wav(&file, (WavKind){ 1, 1, 8000, bits }, data.bytes, data.count);
    free(data.bytes);
    return file;
}

Test(wav, reads_integers_of_every_width_with_full_scale_1) {
    Bytes file = integers(8, 4, (i64[]){ 0, 128, 192, 255 });
    decodes(&file, 4, (double[]){ -1, 0, 0.5, 127.0 / 128 });
    file = integers(16, 4, (i64[]){ -32768, 0, 16384, 32767 });
    decodes(&file, 4, (double[]){ -1, 0, 0.5, 32767.0 / 32768 });
    file = integers(24, 3, (i64[]){ -8388608, 1, 4194304 });
    decodes(&file, 3, (double[]){ -1, 1 / 8388608.0, 0.5 });
    file = integers(32, 3, (i64[]){ -2147483648LL, 1 << 30, 1 << 20 });
    decodes(&file, 3, (double[]){ -1, 0.5, 1 / 2048.0 });
}

Test(wav, reads_floats_and_doubles_beyond_full_scale_too) {
    Bytes file = { 0 };
    put_wav(&file, (WavKind){ 3, 1, 8000, 32 }, (float[]){ -1, 0.25f, 3 }, 12);
    decodes(&file, 3, (double[]){ -1, 0.25, 3 });
    put_wav(&file, (WavKind){ 3, 1, 8000, 64 }, (double[]){ 0.1, -0.7 }, 16);
    decodes(&file, 2, (double[]){ 0.1, -0.7 });
}

Test(wav, takes_the_mean_of_channels) {
    Bytes file = { 0 };
    put_wav(&file, (WavKind){ 1, 2, 8000, 16 }, (short[]){ 16384, 0, -16384, -16384 }, 8);
    decodes(&file, 2, (double[]){ 0.25, -0.5 });
    put_wav(&file, (WavKind){ 1, 3, 8000, 8 }, (u8[]){ 128, 128, 224 }, 3);
    decodes(&file, 1, (double[]){ 0.25 });
}

/* WAVE_FORMAT_EXTENSIBLE: 20 bits in 3 bytes; the real format begins the identifier at byte 24. */
static Bytes extensible(int tag, int bits, int bytes, const void *values, size_t count) {
    Bytes file = { 0 };
    put_text(&file, "RIFF....WAVEfmt ");
    put_little(&file, 40, 4);
    put_little(&file, 0xfffe, 2);
    put_little(&file, 1, 2);
    put_little(&file, 8000, 4);
    put_little(&file, (u64)(8000 * bytes), 4);
    put_little(&file, (u64)bytes, 2);
    put_little(&file, (u64)bits, 2);
    put_little(&file, 22, 2);
    put_little(&file, (u64)bits, 2);
    put_little(&file, 4, 4);
    put_little(&file, (u64)tag, 2);
    put(&file, "\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71", 14);
    put_text(&file, "data");
    put_little(&file, count, 4);
    put(&file, values, count);
    return file;
}

Test(wav, reads_the_extensible_format) {
    Bytes file = extensible(1, 16, 2, (short[]){ 8192, -8192 }, 4);
    decodes(&file, 2, (double[]){ 0.25, -0.25 });
    file = extensible(3, 32, 4, (float[]){ 0.125f }, 4);
    decodes(&file, 1, (double[]){ 0.125 });
    file = extensible(1, 20, 3, (u8[]){ 0, 0, 0x40, 0, 0, 0xc0 }, 6);
    decodes(&file, 2, (double[]){ 0.5, -0.5 });
    file = extensible(6, 8, 1, "ab", 2);
    refuses(&file, "A-law");
}

Test(wav, passes_over_other_chunks_and_the_padding_of_odd_ones) {
    Bytes file = { 0 };
    put_text(&file, "RIFF....WAVEjunk");
    put_little(&file, 3, 4);
    put_text(&file, "abc");
    put_little(&file, 0, 1);
    Bytes inner = integers(8, 3, (i64[]){ 0, 128, 192 });
    put(&file, inner.bytes + 12, 24);                          /* fmt */
    put_text(&file, "LIST");
    put_little(&file, 5, 4);
    put_text(&file, "INFOx");
    put_little(&file, 0, 1);
    put(&file, inner.bytes + 36, inner.count - 36);            /* data, 3 bytes and no padding at the end */
    free(inner.bytes);
    Bytes behind = { 0 };
    put(&behind, file.bytes, file.count);
    put_little(&behind, 0, 1);
    put_text(&behind, "LIST");
    put_little(&behind, 4, 4);
    put_text(&behind, "INFO");
    decodes(&file, 3, (double[]){ -1, 0, 0.5 });
    decodes(&behind, 3, (double[]){ -1, 0, 0.5 });
}

/* What a writer into a pipe leaves behind. */
Test(wav, takes_a_data_chunk_of_unknown_length_to_the_end_of_the_file) {
    static const u32 lengths[] = { 0, 0xffffffffu, 0x7ffff000u, 0x7fff0000u };
    for (int i = 0; i < 4; i++) {
        Bytes file = integers(16, 3, (i64[]){ 8192, 16384, -8192 });
        memcpy(file.bytes + 40, &lengths[i], 4);
        if (i == 1) put_little(&file, 7, 1);                   /* half a value */
        decodes(&file, 3, (double[]){ 0.25, 0.5, -0.25 });
    }
}

Test(wav, says_what_is_truncated_and_what_is_empty) {
    Bytes whole = integers(16, 8, (i64[8]){ 1, 2, 3 });
    for (size_t count = 0; count < whole.count; count++) {
        Bytes file = { 0 };
        put(&file, whole.bytes, count);
        refuses(&file, count == 0 ? "is empty" : count < 4 ? "is no WAV file" : "truncated");
    }
    free(whole.bytes);
    Bytes file = integers(16, 0, (i64[]){ 0 });
    refuses(&file, "0 samples");
    file = integers(16, 0, (i64[]){ 0 });                      /* empty, and not of unknown length: a whole chunk follows */
    put_text(&file, "LIST");
    put_little(&file, 4, 4);
    put_text(&file, "INFO");
    refuses(&file, "0 samples");
    file = integers(16, 2, (i64[]){ 1, 2 });
    file.bytes[40] = 200;
    refuses(&file, "promises 200 bytes of sound and 4 follow");
}

Test(wav, names_what_it_cannot_read_and_the_remedy) {
    static const struct { const char *bytes, *part; } cases[] = {
        { "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n", "git lfs pull" },
        { "RIFX____WAVE", "big-endian WAV" }, { "fLaC", "FLAC" }, { "OggS", "Ogg" }, { "ID3\4", "MP3" },
        { "hello, this is text", "is no WAV file" },
        { "RIFF____AVI ____", "without sound" }, { "RIFF____WAVEdata____", "its sound stands before its format" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Bytes file = { 0 };
        put_text(&file, cases[i].bytes);
        refuses(&file, cases[i].part);
    }
    static const struct { WavKind kind; const char *part; } kinds[] = {
        { { 0x11, 1, 8000, 4 }, "IMA ADPCM" }, { { 7, 1, 8000, 8 }, "mu-law" }, { { 1, 0, 8000, 16 }, "0 channels" },
        { { 1, 1, 0, 16 }, "0 Hz" },
        { { 1, 1, 8000, 0 }, "0 bits" }, { { 1, 1, 8000, 64 }, "64 bits" }, { { 3, 1, 8000, 16 }, "floats of 16 bits" },
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        Bytes file = { 0 };
        put_wav(&file, kinds[i].kind, "12345678", 8);
        refuses(&file, kinds[i].part);
    }
    Bytes file = { 0 };
    put_wav(&file, (WavKind){ 3, 1, 8000, 32 }, (float[]){ 0, NAN }, 8);
    refuses(&file, "nan as sample 1");
}

Test(wav, survives_any_byte_changed) {
    for (size_t at = 0; at < 60; at++)
        for (int value = 0; value < 256; value += 5) {
            Bytes file = extensible(1, 16, 2, (short[]){ 1, 2, 3, 4 }, 8);
            file.bytes[at] = (u8)value;
            Wav wav;
            float out[64];
            if (mml_wav_parse("x.wav", file.bytes, (i64)file.count, &wav) == MML_OK) {
                cr_assert_leq(wav.samples * wav.channels * wav.width, (i64)file.count);
                cr_assert_leq(wav.samples, 64);
                (void)mml_wav_mono("x.wav", &wav, out);
            }
            free(file.bytes);
        }
}
