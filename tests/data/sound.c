/* Transforms of sound: the Fourier transform against its definition, resampling against sines,
 * spectrograms against scipy's and closed forms, and sounds of several lengths in a pipeline. */
#include "sounds.h"

#include <complex.h>
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "data/fft.h"
#include "data/sinc.h"

/* ---- fft ---- */

static double value_at(i64 i, int lane) { return sin(0.7 * (double)(i * i) + lane) + 0.3 * lane; }

/* Every lane holds signals of its own; a and b are the two real ones of a lane. */
static void compare_with_definition(i64 n) {
    MmlArena *arena = mml_arena_new();
    Fft *fft = NULL;
    cr_assert_eq(mml_fft_new(n, arena, &fft), MML_OK);
    double *memory = MML_NEW(arena, double, mml_fft_doubles(fft));
    for (i64 i = 0; i < n; i++)
        for (int lane = 0; lane < FFT_LANES; lane++) {
            memory[i * FFT_LANES + lane] = value_at(i, lane);
            memory[(n + i) * FFT_LANES + lane] = value_at(i, lane + 10);
        }
    const double *spectrum = mml_fft_run(fft, memory);
    for (i64 k = 0; k <= n / 2; k += 1 + n / 40)
        for (int lane = 0; lane < FFT_LANES; lane++) {
            double complex a = 0, b = 0;
            for (i64 i = 0; i < n; i++) {
                double complex w = cexp(-2 * M_PI * I * (double)(i * k % n) / (double)n);
                a += value_at(i, lane) * w;
                b += value_at(i, lane + 10) * w;
            }
            double got[2][2];
            mml_fft_pair(spectrum, n, k, lane, got[0], got[1]);
            double tolerance = 1e-13 * (double)(n + 10);
            cr_assert(cabs(got[0][0] + I * got[0][1] - a) < tolerance && cabs(got[1][0] + I * got[1][1] - b) < tolerance,
                      "n = %lld, k = %lld, lane %d: %g%+gi and %g%+gi", (long long)n, (long long)k, lane, got[0][0], got[0][1],
                      creal(a), cimag(a));
        }
    mml_arena_free(arena);
}

Test(sound, fft_of_any_length_is_its_definition) {
    for (i64 n = 1; n <= 130; n++) compare_with_definition(n);
    static const i64 longer[] = { 256, 353, 400, 441, 480, 512, 510, 514, 706, 1009, 1024, 2048 };
    for (size_t i = 0; i < sizeof longer / sizeof *longer; i++) compare_with_definition(longer[i]);
}

/* ---- Resampling ---- */

/* The largest difference from the same sine at the other rate, away from the ends by the filter's length. */
static double sine_error(i64 from, double to, double hertz, double expected_amplitude) {
    MmlArena *arena = mml_arena_new();
    Sinc sinc;
    cr_assert_eq(mml_sinc_new(from, to, arena, &sinc), MML_OK);
    i64 samples = 4 * sinc.half + 500, length = mml_sinc_length(&sinc, samples);
    cr_assert_eq(length, (i64)ceil((double)samples * to / (double)from - 1e-9));
    float *in = malloc(sizeof *in * (size_t)samples), *out = malloc(sizeof *out * (size_t)length);
    for (i64 i = 0; i < samples; i++) in[i] = (float)sin(2 * M_PI * hertz * (double)i / (double)from + 0.3);
    mml_sinc_run(&sinc, in, samples, out);
    double largest = 0, edge = (double)(sinc.half + 1) / (double)from;
    for (i64 n = 0; n < length; n++) {
        double t = (double)n / to;
        if (t < edge || t > (double)samples / (double)from - edge) continue;
        largest = fmax(largest, fabs((double)out[n] - expected_amplitude * sin(2 * M_PI * hertz * t + 0.3)));
    }
    free(in);
    free(out);
    mml_arena_free(arena);
    return largest;
}

static const struct { i64 from; double to; } rates[] = {
    { 16000, 8000 }, { 44100, 16000 }, { 48000, 22050 }, { 8000, 22050 }, { 22050, 16000 }, { 11025, 8000 }, { 8000, 99991 },
    { 16000, 11025.5 },
};

Test(sound, resampling_passes_sines_of_up_to_92_percent_of_the_lower_nyquist_frequency) {
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++)
        for (int share = 2; share <= 92; share += 30) {
            double lower = fmin((double)rates[i].from, rates[i].to) / 2;
            double error = sine_error(rates[i].from, rates[i].to, share / 100.0 * lower, 1);
            cr_assert_lt(error, 2e-5, "%lld to %g Hz, %d %%: %g", (long long)rates[i].from, rates[i].to, share, error);
        }
}

Test(sound, resampling_leaves_no_alias_of_a_sine_above_the_new_nyquist_frequency) {
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++)
        for (int share = 100; share <= 200 && share / 200.0 * rates[i].to < (double)rates[i].from / 2; share += 17) {
            double error = sine_error(rates[i].from, rates[i].to, share / 200.0 * rates[i].to, 0);
            cr_assert_lt(error, 2e-5, "%lld to %g Hz, %d %%: %g", (long long)rates[i].from, rates[i].to, share, error);
        }
}

Test(sound, a_sound_at_the_wanted_rate_is_not_touched) {
    MmlArena *arena = mml_arena_new();
    Sinc sinc;
    cr_assert_eq(mml_sinc_new(8000, 8000, arena, &sinc), MML_OK);
    float in[3] = { 0.5f, -1, 0.1f }, out[3];
    cr_assert_eq(mml_sinc_length(&sinc, 3), 3);
    mml_sinc_run(&sinc, in, 3, out);
    cr_assert_eq(memcmp(in, out, sizeof in), 0);
    mml_arena_free(arena);
}

/* ---- Pipelines: one sound of the program's folder, at 8 kHz ---- */

static void add_stft(Program *p, int window, int hop, const char *taper, int center, const char *detrend, const char *power, int frames) {
    add_step(p, "stft", 3, 1, window / 2 + 1, frames);
    step_int(p, "window", window);
    step_int(p, "hop", hop);
    step_int(p, "center", center);
    step_word(p, "taper", taper);
    if (strcmp(taper, "tukey") == 0) step_real(p, "taper.alpha", 0.25);
    step_word(p, "detrend", detrend);
    step_word(p, "power", power);
}

/* A float WAV, so that nothing is rounded. */
static void write_floats(Program *p, const char *name, int rate, const float *values, int count) {
    Bytes file = { 0 };
    put_wav(&file, (WavKind){ 3, 1, rate, 32 }, values, sizeof *values * (size_t)count);
    write_bytes(p, name, file.bytes, file.count);
    free(file.bytes);
}

/* The spectrogram of a sound: [window / 2 + 1, frames]. */
static float *spectrogram(const float *sound, int samples, int window, int hop, const char *taper, int center, const char *detrend,
                          const char *power, int *frames) {
    Program *p = sounds_program(10, 1);
    write_floats(p, "s0.wav", 8000, sound, samples);
    *frames = center ? samples / hop + 1 : (samples - window) / hop + 1;
    add_modality(p, "sound", "spectrogram", "wav", 3, 1, window / 2 + 1, *frames);
    add_mono(p, 8000);
    add_stft(p, window, hop, taper, center, detrend, power, *frames);
    float *out = malloc(sizeof *out * (size_t)((window / 2 + 1) * *frames));
    train_sample(p, open_data(p), 0, out);
    program_free(p);
    return out;
}

static double number_in(const json_t *rows, int row, int column) {
    return json_number_value(json_array_get(json_array_get(rows, (size_t)row), (size_t)column));
}

Test(sound, spectrograms_are_scipys) {
    json_t *cases = json_load_file(MML_SOURCE_DIR "/tests/data/files/spectrograms.json", 0, NULL), *one;
    size_t index;
    float sound[240];
    for (int n = 0; n < 240; n++)
        sound[n] = (float)(0.1 + 0.5 * sin(2 * M_PI * 440 * n / 8000) + 0.25 * cos(2 * M_PI * 1730 * n / 8000 + 1) + 1e-3 * n);
    cr_assert_eq(json_array_size(cases), 6);
    json_array_foreach(cases, index, one) {
        const char *about = json_string_value(json_object_get(one, "about"));
        int window = (int)json_integer_value(json_object_get(one, "window")), hop = (int)json_integer_value(json_object_get(one, "hop"));
        int frames;
        json_t *values = json_object_get(one, "values");
        float *got = spectrogram(sound, 240, window, hop, json_string_value(json_object_get(one, "taper")),
                                 json_is_true(json_object_get(one, "center")), json_string_value(json_object_get(one, "detrend")),
                                 json_string_value(json_object_get(one, "power")), &frames);
        cr_assert_eq(json_array_size(values), (size_t)(window / 2 + 1), "%s", about);
        cr_assert_eq(json_array_size(json_array_get(values, 0)), (size_t)frames, "%s", about);
        double largest = 0;
        for (int i = 0; i < (window / 2 + 1) * frames; i++) largest = fmax(largest, number_in(values, i / frames, i % frames));
        for (int i = 0; i < (window / 2 + 1) * frames; i++)
            expect_near((double)got[i], number_in(values, i / frames, i % frames), 3e-7 * largest, about);
        free(got);
    }
    json_decref(cases);
}

/* Hann's transform: a cosine of whole periods a frame gives window / 4 in its bin, half of that beside it, nothing elsewhere. */
Test(sound, a_sine_lies_in_its_bin_under_a_hann_taper) {
    float sound[640];
    int frames;
    for (int i = 0; i < 640; i++) sound[i] = (float)cos(2 * M_PI * 10 * i / 64);
    float *got = spectrogram(sound, 640, 64, 20, "hann", 0, "none", "magnitude", &frames);
    for (int k = 0; k <= 32; k++)
        for (int t = 0; t < frames; t++) expect_near((double)got[k * frames + t], k == 10 ? 16 : abs(k - 10) == 1 ? 8 : 0, 1e-5, "bin");
    free(got);
}

/* Parseval: the one-sided density summed over frequencies, times their spacing, is the tapered frame's mean square over the taper's. */
Test(sound, the_power_density_of_a_frame_sums_to_its_mean_square) {
    float sound[129];
    int frames;
    double energy = 0, weight = 0, sum = 0;
    for (int i = 0; i < 129; i++) sound[i] = (float)(sin(1.3 * i) + 0.2 * cos(0.4 * i * i) - 0.3);
    for (int window = 128; window <= 129; window++) {
        float *got = spectrogram(sound, 129, window, 64, "hann", 0, "none", "density", &frames);
        energy = weight = sum = 0;
        for (int i = 0; i < window; i++) {
            double taper = 0.5 - 0.5 * cos(2 * M_PI * i / window);
            energy += taper * taper * (double)sound[i] * (double)sound[i];
            weight += taper * taper;
        }
        for (int k = 0; k <= window / 2; k++) sum += (double)got[k * frames];
        expect_near(sum * 8000 / window, energy / weight, 1e-6 * energy / weight, "power");
        free(got);
    }
}

Test(sound, fit_cuts_repeats_and_pads) {
    float longer[5] = { 1, 2, 3, 4, 5 }, shorter[3] = { 6, 7, 8 }, out[4];
    static const struct { const char *by; double expected[2][4]; } cases[] = {
        { "tile", { { 1, 2, 3, 4 }, { 6, 7, 8, 6 } } }, { "pad", { { 1, 2, 3, 4 }, { 6, 7, 8, 0 } } },
    };
    for (int c = 0; c < 2; c++) {
        Program *p = sounds_program(10, 2);
        write_floats(p, "s0.wav", 8000, longer, 5);
        write_floats(p, "s1.wav", 8000, shorter, 3);
        add_modality(p, "sound", "vector[4]", "wav", 1, 4);
        add_mono(p, 8000);
        add_fit(p, 0.0005, cases[c].by, 4);
        MmlData *data = open_data(p);
        for (int row = 0; row < 2; row++) {
            train_sample(p, data, row, out);
            for (int i = 0; i < 4; i++) expect_near((double)out[i], cases[c].expected[row][i], 0, cases[c].by);
        }
        program_free(p);
    }
}

/* Between mono and fit a sound has a length of its own: its mean is over that, not over the longest's. */
Test(sound, steps_before_fit_work_on_each_sounds_own_length) {
    float longer[6] = { 1, 2, 3, 4, 5, 6 }, shorter[2] = { 1, 3 }, out[4];
    Program *p = sounds_program(10, 2);
    write_floats(p, "s0.wav", 8000, longer, 6);
    write_floats(p, "s1.wav", 8000, shorter, 2);
    add_modality(p, "sound", "vector[4]", "wav", 1, 4);
    add_mono(p, 8000);
    add_step(p, "standardize", 1, -1);
    add_step(p, "shift", 1, -1);
    step_real(p, "by", 5);
    add_step(p, "normalize", 1, -1);
    step_word(p, "by", "numbers");
    step_real(p, "mean", 3);
    step_real(p, "std", 2);
    add_step(p, "clip", 1, -1);
    step_real(p, "low", -9);
    step_real(p, "high", 9);
    add_fit(p, 0.0005, "pad", 4);
    MmlData *data = open_data(p);
    train_sample(p, data, 1, out);
    static const double expected[4] = { 0.5, 1.5, 0, 0 };     /* -1 and 1, then (x + 5 - 3) / 2 */
    for (int i = 0; i < 4; i++) expect_near((double)out[i], expected[i], 1e-6, "value");
    train_sample(p, data, 0, out);
    expect_near((double)out[0], (2 - 2.5 / sqrt(35.0 / 12)) / 2, 1e-6, "value");
    program_free(p);
}

Test(sound, sounds_of_several_rates_come_out_at_one) {
    double slow[80], fast[160];
    float out[60];
    for (int i = 0; i < 80; i++) slow[i] = 0.5 * sin(2 * M_PI * 300 * i / 8000);
    for (int i = 0; i < 160; i++) fast[i] = 0.5 * sin(2 * M_PI * 300 * i / 16000);
    Program *p = sounds_program(10, 2);
    write_wav(p, "s0.wav", 8000, slow, 80);
    write_wav(p, "s1.wav", 16000, fast, 160);
    add_modality(p, "sound", "vector[60]", "wav", 1, 60);
    add_mono(p, 8000);
    add_step(p, "cols", 1, 60);
    step_int(p, "first", 0);
    step_int(p, "count", 60);
    MmlData *data = open_data(p);
    train_sample(p, data, 0, out);
    expect_near((double)out[40], 0.5 * sin(2 * M_PI * 300 * 40 / 8000), 1e-4, "slow");
    train_sample(p, data, 1, out);
    expect_near((double)out[40], 0.5 * sin(2 * M_PI * 300 * 40 / 8000), 2e-2, "fast, half a filter from both ends");
    program_free(p);
}

Test(sound, sounds_of_several_lengths_need_fit) {
    float longer[40] = { 1 }, shorter[30] = { 1 };
    for (int last = 0; last < 2; last++) {
        Program *p = sounds_program(10, 2);
        write_floats(p, "s0.wav", 8000, longer, 40);
        write_floats(p, "s1.wav", 8000, shorter, 30);
        add_modality(p, "sound", "spectrogram", "wav", 3, 1, 9, 4);
        add_mono(p, 8000);
        if (!last) add_stft(p, 16, 8, "hann", 0, "none", "magnitude", 4);
        const char *message = open_fails(p);
        expect_in(message, "s1.wav' has 30 samples at 8000 Hz and '");
        expect_in(message, last ? "put fit(duration) behind mono" : "put fit(duration) before it");
        program_free(p);
    }
}

Test(sound, what_is_learned_of_train_needs_sounds_of_one_length) {
    float longer[40] = { 1 }, shorter[30] = { 1 };
    Program *p = sounds_program(10, 2);
    write_floats(p, "s0.wav", 8000, longer, 40);
    write_floats(p, "s1.wav", 8000, shorter, 30);
    add_modality(p, "sound", "vector[8]", "wav", 1, 8);
    add_mono(p, 8000);
    add_step(p, "normalize", 1, -1);
    step_word(p, "by", "train");
    add_fit(p, 0.001, "tile", 8);
    expect_in(open_fails(p), "test.mml:21:5: normalize needs sounds of one length: ");
    program_free(p);
}

Test(sound, a_run_time_shape_that_differs_names_the_step) {
    float sound[100] = { 1 };
    Program *p = sounds_program(10, 1);
    write_floats(p, "s0.wav", 8000, sound, 100);
    add_modality(p, "sound", "spectrogram[1, 9, 20]", "wav", 3, 1, 9, 20);
    add_mono(p, 8000);
    add_stft(p, 16, 8, "hann", 0, "none", "magnitude", 20);
    expect_in(open_fails(p), "stft makes [1, 9, 11] of");
    program_free(p);
    p = sounds_program(10, 1);
    write_floats(p, "s0.wav", 8000, sound, 10);
    add_modality(p, "sound", "spectrogram[1, 9, 20]", "wav", 3, 1, 9, 20);
    add_mono(p, 8000);
    add_stft(p, 16, 8, "hann", 0, "none", "magnitude", 20);
    expect_in(open_fails(p), "has a window of 16, longer than the sound of 10 samples");
    program_free(p);
}

/* The sums of librosa 0.11's filters.mel(sr = 8000, n_fft = 64, n_mels = 6). */
Test(sound, mel_bands_are_librosas) {
    float sound[64] = { 1 }, plain[33], bands[6];             /* an impulse under a flat taper: magnitude 1 everywhere */
    Program *p = sounds_program(10, 1);
    write_floats(p, "s0.wav", 8000, sound, 64);
    add_modality(p, "plain", "spectrogram", "wav", 3, 1, 33, 1);
    add_mono(p, 8000);
    add_stft(p, 64, 64, "tukey", 0, "none", "magnitude", 1);
    step_real(p, "taper.alpha", 0);
    add_modality(p, "mel", "spectrogram", "wav", 3, 1, 6, 1);
    add_mono(p, 8000);
    add_stft(p, 64, 64, "tukey", 0, "none", "magnitude", 1);
    step_real(p, "taper.alpha", 0);
    add_step(p, "mel", 3, 1, 6, 1);
    step_int(p, "bands", 6);
    MmlData *data = open_data(p);
    sample_of(data, MML_TRAIN, 0, 1, 0, p, 0, plain, NULL, NULL);
    sample_of(data, MML_TRAIN, 0, 1, 0, p, 1, bands, NULL, NULL);
    for (int k = 0; k < 33; k++) expect_near((double)plain[k], 1, 1e-6, "impulse");
    static const double expected[6] = { 0.00788525870, 0.00788598731, 0.00817304783, 0.00790125395, 0.00804919520, 0.00797356521 };
    for (int b = 0; b < 6; b++) expect_near((double)bands[b], expected[b], 1e-8, "band");
    program_free(p);
}

Test(sound, mel_needs_every_frequency_of_stft_and_one_in_each_band) {
    float sound[64] = { 1 };
    for (int many = 0; many < 2; many++) {
        Program *p = sounds_program(10, 1);
        write_floats(p, "s0.wav", 8000, sound, 64);
        add_modality(p, "mel", "spectrogram", "wav", 3, 1, 40, 1);
        add_mono(p, 8000);
        add_stft(p, 64, 64, "hann", 0, "none", "magnitude", 1);
        if (!many) {
            add_step(p, "rows", 3, 1, 20, 1);
            step_int(p, "first", 0);
            step_int(p, "count", 20);
        }
        add_step(p, "mel", 3, 1, 40, 1);
        step_int(p, "bands", 40);
        expect_in(open_fails(p), many ? "take fewer bands or a longer window" : "needs all frequencies of stft");
        program_free(p);
    }
}
