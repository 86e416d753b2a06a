/* mel(bands): frequencies of a spectrogram summed in triangles that are equally wide on the
 * mel scale, from 0 to half the rate; Slaney's scale (linear below 1 kHz, then
 * logarithmic) and each triangle's area 1, as librosa.filters.mel (Slaney 1998,
 * Auditory Toolbox).
 */
#include <math.h>
#include <string.h>

#include "data/transform.h"

typedef struct {
    i64    bands, frequencies, frames;
    float *weights;                  /* [bands, frequencies]                        */
    i64   *first, *end;              /* [bands] the frequencies of weight above 0   */
} Mel;

#define LINEAR_STEP (200.0 / 3)      /* Hz in a mel below 1 kHz                     */
#define LINEAR_TOP  1000.0
static double log_step(void) { return log(6.4) / 27; }

static double mel_of(double hertz) {
    return hertz < LINEAR_TOP ? hertz / LINEAR_STEP : LINEAR_TOP / LINEAR_STEP + log(hertz / LINEAR_TOP) / log_step();
}

static double hertz_of(double mel) {
    double top = LINEAR_TOP / LINEAR_STEP;
    return mel < top ? mel * LINEAR_STEP : LINEAR_TOP * exp((mel - top) * log_step());
}

static void make_band(Mel *mel, i64 band, double highest, double spacing) {
    double edge[3];
    for (int i = 0; i < 3; i++) edge[i] = hertz_of(mel_of(highest) * (double)(band + i) / (double)(mel->bands + 1));
    for (i64 k = 0; k < mel->frequencies; k++) {
        double hertz = (double)k * spacing, up = (hertz - edge[0]) / (edge[1] - edge[0]), down = (edge[2] - hertz) / (edge[2] - edge[1]);
        double height = up < down ? up : down;
        if (!(height > 0)) continue;
        mel->weights[band * mel->frequencies + k] = (float)(height * 2 / (edge[2] - edge[0]));
        if (mel->end[band] == 0) mel->first[band] = k;
        mel->end[band] = k + 1;
    }
}

Status mml_data_mel_prepare(const DataPrepare *context, DataStep *step) {
    Mel *state = step->state = MML_NEW(context->arena, Mel, 1);
    if (!state) return MML_ENOMEM;
    double spacing = context->before ? context->before->spacing : 0;
    if (!(spacing > 0) || step->in.rank != 3) return mml_data_step_fail(step, "needs all frequencies of stft; put it behind stft");
    state->bands = mml_int(context->settings, "%s.bands", step->program->path);
    state->frequencies = step->in.size[1];
    state->frames = step->in.size[2];
    i64 weights;
    if (state->bands < 1 || __builtin_mul_overflow(state->bands, state->frequencies, &weights))
        return mml_data_step_fail(step, "has %lld bands", (long long)state->bands);
    state->weights = MML_NEW(context->arena, float, weights);
    state->first = MML_NEW(context->arena, i64, state->bands);
    state->end = MML_NEW(context->arena, i64, state->bands);
    if (!state->weights || !state->first || !state->end) return MML_ENOMEM;
    /* The highest frequency is half the rate, which an odd window has between two of its own. */
    for (i64 band = 0; band < state->bands; band++) {
        make_band(state, band, context->before->rate / 2, spacing);
        if (state->end[band] == 0)
            return mml_data_step_fail(step, "has no frequency in its band %lld of %lld: take fewer bands or a longer window",
                                      (long long)band, (long long)state->bands);
    }
    step->out.size[1] = state->bands;
    return MML_OK;
}

void mml_data_mel_apply(const DataStep *step, const DataDraw *draw, const float *in, float *out, float *scratch) {
    const Mel *mel = step->state;
    memset(out, 0, sizeof *out * (size_t)step->out_size);
    for (i64 band = 0; band < mel->bands; band++)
        for (i64 k = mel->first[band]; k < mel->end[band]; k++) {
            const float *from = in + k * mel->frames;
            float weight = mel->weights[band * mel->frequencies + k], *to = out + band * mel->frames;
            for (i64 t = 0; t < mel->frames; t++) to[t] += weight * from[t];
        }
}
