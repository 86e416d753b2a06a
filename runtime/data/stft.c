/* stft(window, hop, taper, center, detrend, power): the short-time Fourier transform of a
 * sound, [1, window / 2 + 1, frames].
 *
 * Frame t starts at sample t * hop; with center it is centred there and zeros lie beyond both
 * ends (librosa.stft, since 0.10). detrend = constant takes off each frame's mean,
 * before the taper, which is the periodic one (scipy.signal.get_window). power =
 * magnitude is |X|; density is the one-sided power density |X|² / (rate * sum of
 * taper²), doubled but at 0 and at half the rate (scipy.signal.spectrogram).
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "data/fft.h"
#include "data/transform.h"
#include "data/wide.h"

/* So many frames are transformed at a time: two a lane. */
enum { FRAMES = 2 * FFT_LANES };

typedef struct {
    i64     window, hop, frames;
    i64     first;                   /* the sample where frame 0 starts             */
    int     detrend, density;
    double *taper;
    double  scale;                   /* of the power density                        */
    Fft    *fft;
} Stft;

/* Of `window` values, the next period's first left out. alpha: the share that is tapered (1: Hann). */
static void make_taper(double *taper, i64 window, double alpha) {
    double period = (double)window, side = floor(alpha * period / 2);
    for (i64 i = 0; i < window; i++) {
        double x = (double)i;
        if (window == 1 || alpha <= 0 || (x > side && x < period - side)) taper[i] = 1;
        else if (alpha >= 1) taper[i] = 0.5 - 0.5 * cos(2 * M_PI * x / period);
        else if (x <= side) taper[i] = 0.5 * (1 + cos(M_PI * (2 * x / (alpha * period) - 1)));
        else taper[i] = 0.5 * (1 + cos(M_PI * (2 * x / (alpha * period) - 2 / alpha + 1)));
    }
}

static int chosen(const DataPrepare *context, const DataStep *step, const char *name, const char *word) {
    return mml_data_given(context, step, name) && strcmp(mml_word(context->settings, "%s.%s", step->program->path, name), word) == 0;
}

Status mml_data_stft_prepare(const DataPrepare *context, DataStep *step) {
    Stft *state = step->state = MML_NEW(context->arena, Stft, 1);
    if (!state) return MML_ENOMEM;
    if (!context->before || context->before->rate <= 0) return mml_data_step_fail(step, "needs a sound");
    i64 samples = step->in_size, center = mml_data_int(context, step, "center", 0);
    state->window = mml_int(context->settings, "%s.window", step->program->path);
    state->hop = mml_int(context->settings, "%s.hop", step->program->path);
    if (state->window < 1 || state->hop < 1 || state->window > INT32_MAX)
        return mml_data_step_fail(step, "has a window of %lld and a hop of %lld", (long long)state->window, (long long)state->hop);
    if (!center && state->window > samples)
        return mml_data_step_fail(step, "has a window of %lld, longer than the sound of %lld samples", (long long)state->window,
                                  (long long)samples);
    state->first = center ? -(state->window / 2) : 0;
    state->frames = center ? samples / state->hop + 1 : (samples - state->window) / state->hop + 1;
    state->detrend = chosen(context, step, "detrend", "constant");
    state->density = chosen(context, step, "power", "density");
    state->taper = MML_NEW(context->arena, double, state->window);
    if (!state->taper) return MML_ENOMEM;
    double alpha = chosen(context, step, "taper", "tukey") ? mml_data_real(context, step, "taper.alpha", 0.25) : 1;
    make_taper(state->taper, state->window, alpha);
    double energy = 0;
    for (i64 i = 0; i < state->window; i++) energy += state->taper[i] * state->taper[i];
    state->scale = 1 / (context->before->rate * energy);
    MML_TRY(mml_fft_new(state->window, context->arena, &state->fft));
    step->scratch = 2 * mml_fft_doubles(state->fft) + 2;             /* and room to align doubles */
    step->rate = context->before->rate;
    step->spacing = step->rate / (double)state->window;
    step->out = (MmlShape){ 3, { 1, state->window / 2 + 1, state->frames } };
    return MML_OK;
}

/* The tapered frame into one lane; zeros where there is no such frame, and beyond the sound. */
static void put_frame(const Stft *stft, const float *in, i64 samples, i64 frame, double *lane) {
    i64 window = stft->window, start = stft->first + frame * stft->hop, begin = start < 0 ? -start : 0;
    i64 end = samples - start < window ? samples - start : window;
    const double *taper = stft->taper;
    if (frame >= stft->frames || end < begin) begin = end = 0;
    double mean = 0;
    if (stft->detrend) {
        for (i64 i = begin; i < end; i++) mean += (double)in[start + i];
        mean /= (double)window;
    }
    for (i64 i = 0; i < begin; i++) lane[i * FFT_LANES] = -mean * taper[i];
    for (i64 i = begin; i < end; i++) lane[i * FFT_LANES] = ((double)in[start + i] - mean) * taper[i];
    for (i64 i = end; i < window; i++) lane[i * FFT_LANES] = -mean * taper[i];
}

/* What power makes of frequency k of FRAMES frames. */
MML_WIDE_BODY void measure_body(const Stft *stft, const double *spectrum, i64 k, float out[FRAMES]) {
    double power[FRAMES];
    for (int lane = 0; lane < FFT_LANES; lane++) {
        double a[2], b[2];
        mml_fft_pair(spectrum, stft->window, k, lane, a, b);
        power[lane] = a[0] * a[0] + a[1] * a[1];
        power[FFT_LANES + lane] = b[0] * b[0] + b[1] * b[1];
    }
    double scale = stft->scale * (k == 0 || 2 * k == stft->window ? 1 : 2);
    if (stft->density)
        for (int i = 0; i < FRAMES; i++) out[i] = (float)(power[i] * scale);
    else
        for (int i = 0; i < FRAMES; i++) out[i] = (float)sqrt(power[i]);
}

MML_WIDE(void, measure, (const Stft *stft, const double *spectrum, i64 k, float out[FRAMES]), (stft, spectrum, k, out))

void mml_data_stft_apply(const DataStep *step, const DataDraw *draw, const float *in, float *out, float *scratch) {
    const Stft *stft = step->state;
    double *memory = (double *)(((uintptr_t)scratch + sizeof(double) - 1) / sizeof(double) * sizeof(double));
    for (i64 frame = 0; frame < stft->frames; frame += FRAMES) {
        for (int i = 0; i < FRAMES; i++)
            put_frame(stft, in, step->in_size, frame + i, memory + (i / FFT_LANES * stft->window * FFT_LANES) + i % FFT_LANES);
        const double *spectrum = mml_fft_run(stft->fft, memory);
        i64 there = stft->frames - frame < FRAMES ? stft->frames - frame : FRAMES;
        for (i64 k = 0; k <= stft->window / 2; k++) {
            float values[FRAMES];
            measure(stft, spectrum, k, values);
            memcpy(out + k * stft->frames + frame, values, sizeof *values * (size_t)there);
        }
    }
}
