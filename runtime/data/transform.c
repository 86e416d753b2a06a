#include "data/transform.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ROW(name, flags)  { #name, flags, mml_data_##name##_prepare, mml_data_##name##_apply, NULL, NULL }
#define PICK(name, flags) { #name, flags, mml_data_##name##_prepare, NULL, NULL, mml_data_##name##_pick }

static const DataTransform transforms[] = {
    ROW(scale, DATA_STEP_KEEPS),
    ROW(shift, DATA_STEP_KEEPS),
    ROW(normalize, DATA_STEP_KEEPS),
    ROW(standardize, DATA_STEP_KEEPS),
    ROW(log, DATA_STEP_KEEPS),
    ROW(clip, DATA_STEP_KEEPS),
    ROW(flatten, 0),
    ROW(rows, 0),
    ROW(cols, 0),
    ROW(select, 0),
    ROW(crop, 0),
    ROW(pad, 0),
    ROW(flip, DATA_STEP_RANDOM),
    ROW(resize, DATA_STEP_COSTLY | DATA_STEP_SIZES | DATA_STEP_PIXELS),
    ROW(random_resized_crop, DATA_STEP_RANDOM | DATA_STEP_SIZES | DATA_STEP_PIXELS),
    ROW(gray, 0),
    ROW(colorize, DATA_STEP_DRAWS),
    { "mono", DATA_STEP_COSTLY, mml_data_mono_prepare, mml_data_mono_apply, mml_data_mono_length, NULL },
    ROW(fit, DATA_STEP_SIZES),
    ROW(stft, DATA_STEP_COSTLY),
    ROW(mel, DATA_STEP_COSTLY),
    PICK(sample, DATA_STEP_COSTLY),
    PICK(frames, DATA_STEP_COSTLY),
    ROW(stack, 0),
};

const DataTransform *mml_data_transform(const char *name) {
    for (size_t i = 0; i < sizeof transforms / sizeof *transforms; i++)
        if (strcmp(transforms[i].name, name) == 0) return &transforms[i];
    return NULL;
}

i64 mml_data_shape_size(const MmlShape *shape) {
    i64 size = 1;
    for (i64 i = 0; i < shape->rank; i++) size *= shape->size[i];
    return size;
}

const char *mml_data_shape_text(const MmlShape *shape, MmlArena *arena) {
    char text[160];
    int used = snprintf(text, sizeof text, "[");
    for (i64 i = 0; i < shape->rank && used < (int)sizeof text - 32; i++) {
        const char *comma = i ? ", " : "";
        if (shape->size[i] < 0) used += snprintf(text + used, sizeof text - (size_t)used, "%s?", comma);
        else used += snprintf(text + used, sizeof text - (size_t)used, "%s%lld", comma, (long long)shape->size[i]);
    }
    const char *out = mml_arena_format(arena, "%s]", text);
    return out ? out : "[…]";
}

Status mml_data_step_fail(const DataStep *step, const char *format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return mml_fail(MML_EDATA, "%s: %s %s", step->program->where, step->program->name, text);
}

int mml_data_given(const DataPrepare *context, const DataStep *step, const char *name) {
    return mml_has(context->settings, "%s.%s", step->program->path, name);
}

double mml_data_real(const DataPrepare *context, const DataStep *step, const char *name, double fallback) {
    return mml_data_given(context, step, name) ? mml_real(context->settings, "%s.%s", step->program->path, name) : fallback;
}

i64 mml_data_int(const DataPrepare *context, const DataStep *step, const char *name, i64 fallback) {
    return mml_data_given(context, step, name) ? mml_int(context->settings, "%s.%s", step->program->path, name) : fallback;
}

const MmlValue *mml_data_list(const DataPrepare *context, const DataStep *step, const char *name, i64 *count) {
    const MmlSettings *settings = context->settings;
    const char *path = mml_arena_format(context->arena, "%s.%s", step->program->path, name);
    const MmlSetting *setting = path ? mml_setting_find(settings->experiment, path) : NULL;
    *count = 0;
    if (!setting) return NULL;
    const MmlValue *values = &settings->values[setting->slot];
    if (!(setting->flags & MML_SETTING_LIST)) {
        *count = 1;
        return values;
    }
    *count = values->i;
    return values + 1;
}

DataChannels mml_data_channels(const MmlShape *shape) {
    i64 axis = shape->rank >= 3 ? shape->rank - 3 : 0;
    DataChannels channels = { shape->rank ? shape->size[axis] : 1, 1 };
    for (i64 i = axis + 1; i < shape->rank; i++) channels.inner *= shape->size[i];
    return channels;
}

Status mml_data_planes(const DataStep *step, DataPlanes *out) {
    const MmlShape *in = &step->in;
    if (in->rank < 2) return mml_data_step_fail(step, "needs height and width; a vector has neither");
    *out = (DataPlanes){ 1, in->size[in->rank - 2], in->size[in->rank - 1] };
    for (i64 i = 0; i < in->rank - 2; i++) out->planes *= in->size[i];
    return MML_OK;
}

/* The step stands in the high half, so that steps of one sample draw apart. */
MmlRandom mml_data_random_epoch(const DataStep *step, const DataDraw *draw) {
    return mml_random(draw->seed, MML_STREAM_AUGMENT, (u64)step->number << 32 | (u32)draw->epoch, (u64)draw->row);
}

MmlRandom mml_data_random_sample(const DataStep *step, const DataDraw *draw) {
    return mml_random(draw->seed, MML_STREAM_SAMPLE, (u64)step->number, (u64)draw->row);
}
