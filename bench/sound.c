/* Microseconds for what a sound goes through: reading a WAV, resampling, spectrograms. One thread.
 * Least of REPEATS rounds. Prints "NAME MICROSECONDS" lines, for bench/sound.py. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "data/sinc.h"
#include "data/transform.h"
#include "data/wav.h"

enum { REPEATS = 45, LONGEST = 3 * 44100 };

static float sound[LONGEST], result[LONGEST], *scratch, *picture;
static u8 file[44 + 2 * LONGEST];
static MmlArena *arena;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void sure(int right) {
    if (right) return;
    fprintf(stderr, "bench_sound: %s\n", mml_message());
    exit(1);
}

/* Short timings, so that a busy machine disturbs only some. */
static void measure(const char *name, void (*run)(const void *), const void *what) {
    double best = 1e30;
    for (int repeat = 0; repeat < REPEATS; repeat++) {
        double start = now();
        run(what);
        double taken = now() - start;
        if (taken < best) best = taken;
    }
    printf("%s %.2f\n", name, 1e6 * best);
}

/* ---- A WAV of 3 s at 16 kHz ---- */

static void run_wav(const void *what) {
    Wav wav;
    sure(mml_wav_parse("bench", file, 44 + 2 * 48000, &wav) == MML_OK && mml_wav_mono("bench", &wav, result) == MML_OK);
}

static void make_wav(void) {
    static const u8 header[44] = "RIFF\x24\x77\x01\0WAVEfmt \x10\0\0\0\1\0\1\0\x80\x3e\0\0\0\x7d\0\0\2\0\x10\0data\0\x77\1";
    memcpy(file, header, sizeof header);
    for (int i = 0; i < 2 * 48000; i++) file[44 + i] = (u8)(i * 37);
}

/* ---- Resampling 3 s ---- */

static void run_sinc(const void *what) {
    const Sinc *sinc = what;
    mml_sinc_run(sinc, sound, (i64)(3 * sinc->from), result);
}

/* ---- Spectrograms ---- */

typedef struct { i64 rate, samples, window, hop; const char *taper, *detrend, *power; } Kind;

static void run_stft(const void *what) {
    const DataStep *step = what;
    step->transform->apply(step, &(DataDraw){ 0 }, sound, picture, scratch);
}

static DataStep make_stft(const Kind *kind) {
    MmlSetting *settings = MML_NEW(arena, MmlSetting, 6);
    MmlValue *values = MML_NEW(arena, MmlValue, 6);
    MmlExperiment *experiment = MML_NEW(arena, MmlExperiment, 1);
    MmlTransform *program = MML_NEW(arena, MmlTransform, 1);
    static const char *const names[6] = { "stft.window", "stft.hop", "stft.taper", "stft.taper.alpha", "stft.detrend", "stft.power" };
    static const i64 types[6] = { MML_INT, MML_INT, MML_WORD, MML_REAL, MML_WORD, MML_WORD };
    const char *const words[6] = { [2] = kind->taper, [4] = kind->detrend, [5] = kind->power };
    for (int i = 0; i < 6; i++)
        settings[i] = (MmlSetting){ .path = names[i], .type = types[i], .slot = i, .words = words[i], .low = -INFINITY, .high = INFINITY };
    values[0].i = kind->window;
    values[1].i = kind->hop;
    values[3].r = 0.25;
    *experiment = (MmlExperiment){ .settings = settings, .setting_count = 6, .slot_count = 6 };
    *program = (MmlTransform){ .name = "stft", .path = "stft", .where = "bench" };
    MmlSettings *all = MML_NEW(arena, MmlSettings, 1);
    *all = (MmlSettings){ .experiment = experiment, .values = values, .arena = arena };
    DataStep before = { .rate = (double)kind->rate };
    DataStep step = { .transform = mml_data_transform("stft"), .program = program, .in = { 1, { kind->samples } },
                      .in_size = kind->samples };
    DataPrepare context = { .settings = all, .arena = arena, .before = &before };
    sure(step.transform->prepare(&context, &step) == MML_OK);
    step.out_size = mml_data_shape_size(&step.out);
    scratch = MML_NEW(arena, float, step.scratch);
    picture = MML_NEW(arena, float, step.out_size);
    return step;
}

int main(void) {
    static const struct { const char *name; i64 from; double to; } rates[] = {
        { "resample_44100_16000", 44100, 16000 }, { "resample_16000_22050", 16000, 22050 }, { "resample_16000_8000", 16000, 8000 },
    };
    static const struct { const char *name; Kind kind; } spectrograms[] = {
        { "stft_3s_512_159_density", { 16000, 48000, 512, 159, "tukey", "constant", "density" } },
        { "stft_1s_256_126_magnitude", { 8000, 8000, 256, 126, "hann", "none", "magnitude" } },
        { "stft_3s_509_159_magnitude", { 16000, 48000, 509, 159, "hann", "none", "magnitude" } },
    };
    arena = mml_arena_new();
    for (int i = 0; i < LONGEST; i++) sound[i] = (float)sin(0.05 * i + 1e-6 * i * i);
    make_wav();
    measure("wav_3s_16000", run_wav, NULL);
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        Sinc sinc;
        sure(mml_sinc_new(rates[i].from, rates[i].to, arena, &sinc) == MML_OK);
        measure(rates[i].name, run_sinc, &sinc);
    }
    for (size_t i = 0; i < sizeof spectrograms / sizeof *spectrograms; i++) {
        DataStep step = make_stft(&spectrograms[i].kind);
        measure(spectrograms[i].name, run_stft, &step);
    }
    mml_arena_free(arena);
    return 0;
}
