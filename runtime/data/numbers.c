/* Transforms of numbers that keep the shape. */
#include "data/transform.h"

#include <math.h>
#include <string.h>

/* ---- scale(factor), shift(by) ---- */

typedef struct { float value; } Constant;

static Status constant(const DataPrepare *context, DataStep *step, double value) {
    Constant *state = step->state = MML_NEW(context->arena, Constant, 1);
    if (!state) return MML_ENOMEM;
    state->value = (float)value;
    return MML_OK;
}

Status mml_data_scale_prepare(const DataPrepare *context, DataStep *step) {
    return constant(context, step, mml_real(context->settings, "%s.factor", step->program->path));
}

void mml_data_scale_apply(const DataStep *step, const DataDraw *draw, const float *in, float *out, float *scratch) {
    float factor = ((const Constant *)step->state)->value;
    i64 count = mml_data_values(step, draw);
    for (i64 i = 0; i < count; i++) out[i] = in[i] * factor;
}

Status mml_data_shift_prepare(const DataPrepare *context, DataStep *step) {
    return constant(context, step, mml_real(context->settings, "%s.by", step->program->path));
}

void mml_data_shift_apply(const DataStep *step, const DataDraw *draw, const float *in, float *out, float *scratch) {
    float by = ((const Constant *)step->state)->value;
    i64 count = mml_data_values(step, draw);
    for (i64 i = 0; i < count; i++) out[i] = in[i] + by;
}

/* ---- normalize(mean, std), normalize(imagenet), normalize(train) ----
 * One mean and deviation for each channel; for normalize(train) one for each
 * value of a sample. */

typedef struct {
    i64          channels, inner;
    const float *mean, *deviation;
    float        divisor;            /* of the input, first                         */
} Normalize;

static Status normalize_by_train(const DataPrepare *context, DataStep *step, Normalize *state) {
    DataFitted *fitted = step->fitted = MML_NEW(context->arena, DataFitted, 1);
    if (!fitted) return MML_ENOMEM;
    fitted->count = step->in_size;
    fitted->mean = MML_NEW(context->arena, float, fitted->count);
    fitted->deviation = MML_NEW(context->arena, float, fitted->count);
    const char *last = strrchr(step->program->path, '.'), *name = last ? last + 1 : step->program->path;
    fitted->mean_name = mml_arena_format(context->arena, "data.%s.%s.mean", context->modality->name, name);
    fitted->deviation_name = mml_arena_format(context->arena, "data.%s.%s.deviation", context->modality->name, name);
    if (!fitted->mean || !fitted->deviation || !fitted->mean_name || !fitted->deviation_name) return MML_ENOMEM;
    *state = (Normalize){ fitted->count, 1, fitted->mean, fitted->deviation, 1 };
    return MML_OK;
}

static Status normalize_by_list(const DataPrepare *context, DataStep *step, const char *name, float *out, i64 channels) {
    i64 count = 0;
    const MmlValue *values = mml_data_list(context, step, name, &count);
    if (count != 1 && count != channels)
        return mml_data_step_fail(step, "has %lld values of %s for %lld channels", (long long)count, name,
                                  (long long)channels);
    for (i64 i = 0; i < channels; i++) out[i] = (float)values[count == 1 ? 0 : i].r;
    return MML_OK;
}

Status mml_data_normalize_prepare(const DataPrepare *context, DataStep *step) {
    /* Of ImageNet's training images, in [0, 1] (torchvision's pretrained models). */
    static const float imagenet_mean[3] = { 0.485f, 0.456f, 0.406f }, imagenet_deviation[3] = { 0.229f, 0.224f, 0.225f };
    Normalize *state = step->state = MML_NEW(context->arena, Normalize, 1);
    if (!state) return MML_ENOMEM;
    const char *by = mml_word(context->settings, "%s.by", step->program->path);
    if (strcmp(by, "train") == 0) return normalize_by_train(context, step, state);
    DataChannels channels = mml_data_channels(&step->in);
    if (strcmp(by, "imagenet") == 0) {
        if (channels.channels != 3)
            return mml_data_step_fail(step, "by imagenet needs 3 channels, not %lld", (long long)channels.channels);
        *state = (Normalize){ 3, channels.inner, imagenet_mean, imagenet_deviation, 255 };
        return MML_OK;
    }
    float *mean = MML_NEW(context->arena, float, channels.channels);
    float *deviation = MML_NEW(context->arena, float, channels.channels);
    if (!mean || !deviation) return MML_ENOMEM;
    MML_TRY(normalize_by_list(context, step, "mean", mean, channels.channels));
    MML_TRY(normalize_by_list(context, step, "std", deviation, channels.channels));
    for (i64 i = 0; i < channels.channels; i++)
        if (!(deviation[i] > 0)) return mml_data_step_fail(step, "has a std of %g; it must be above 0", (double)deviation[i]);
    *state = (Normalize){ channels.channels, channels.inner, mean, deviation, 1 };
    return MML_OK;
}

/* A mean and a deviation for each value; apart, since the loop over values that share them would have one turn. */
static void normalize_values(const Normalize *state, i64 count, const float *restrict in, float *restrict out) {
    const float *mean = state->mean, *deviation = state->deviation;
    for (i64 i = 0; i < count; i++) out[i] = (in[i] - mean[i]) / deviation[i];
}

void mml_data_normalize_apply(const DataStep *step, const DataDraw *draw, const float *in, float *out, float *scratch) {
    const Normalize *state = step->state;
    i64 count = mml_data_values(step, draw);
    if (step->fitted) {
        normalize_values(state, count, in, out);
        return;
    }
    i64 block = state->channels * state->inner;
    i64 channels = count < block ? count / state->inner : state->channels;           /* a sound shorter than the longest */
    for (i64 start = 0; start < count; start += block)
        for (i64 channel = 0; channel < channels; channel++) {
            const float *x = in + start + channel * state->inner;
            float *y = out + start + channel * state->inner, mean = state->mean[channel],
                  deviation = state->deviation[channel];
            for (i64 i = 0; i < state->inner; i++) y[i] = (x[i] / state->divisor - mean) / deviation;
        }
}

/* ---- standardize: each sample to mean 0 and (population) deviation 1 ---- */

Status mml_data_standardize_prepare(const DataPrepare *context, DataStep *step) {
    return MML_OK;
}

void mml_data_standardize_apply(const DataStep *step, const DataDraw *draw, const float *in, float *out, float *scratch) {
    i64 count = mml_data_values(step, draw);
    double sum = 0, squares = 0, n = (double)count;
    for (i64 i = 0; i < count; i++) sum += in[i];
    double mean = sum / n;
    for (i64 i = 0; i < count; i++) squares += (in[i] - mean) * (in[i] - mean);
    double deviation = sqrt(squares / n);
    double factor = deviation > 0 ? 1 / deviation : 0;       /* a constant sample becomes zeros */
    for (i64 i = 0; i < count; i++) out[i] = (float)((in[i] - mean) * factor);
}

/* ---- log(add): the natural logarithm of x + add ---- */

Status mml_data_log_prepare(const DataPrepare *context, DataStep *step) {
    return constant(context, step, mml_data_real(context, step, "add", 1e-7));
}

void mml_data_log_apply(const DataStep *step, const DataDraw *draw, const float *in, float *out, float *scratch) {
    float add = ((const Constant *)step->state)->value;
    i64 count = mml_data_values(step, draw);
    for (i64 i = 0; i < count; i++) out[i] = logf(in[i] + add);
}

/* ---- clip(low, high) ---- */

typedef struct { float low, high; } Clip;

Status mml_data_clip_prepare(const DataPrepare *context, DataStep *step) {
    Clip *state = step->state = MML_NEW(context->arena, Clip, 1);
    if (!state) return MML_ENOMEM;
    state->low = (float)mml_real(context->settings, "%s.low", step->program->path);
    state->high = (float)mml_real(context->settings, "%s.high", step->program->path);
    if (!(state->low <= state->high))
        return mml_data_step_fail(step, "has its low %g above its high %g", (double)state->low, (double)state->high);
    return MML_OK;
}

void mml_data_clip_apply(const DataStep *step, const DataDraw *draw, const float *in, float *out, float *scratch) {
    const Clip *state = step->state;
    i64 count = mml_data_values(step, draw);
    for (i64 i = 0; i < count; i++)
        out[i] = in[i] < state->low ? state->low : in[i] > state->high ? state->high : in[i];
}
