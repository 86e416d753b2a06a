/* Transforms that pick, drop or move values and compute nothing. */
#include "data/transform.h"

#include <math.h>
#include <string.h>

/* A window of height x width whose corner lies at (top, left) of the input; it
 * may reach outside, where zeros are. */
typedef struct { DataPlanes in; i64 top, left, height, width; } Window;

static Status window(const DataPrepare *context, DataStep *step, Window value) {
    Window *state = step->state = MML_NEW(context->arena, Window, 1);
    if (!state) return MML_ENOMEM;
    *state = value;
    step->out.size[step->out.rank - 2] = value.height;
    step->out.size[step->out.rank - 1] = value.width;
    return MML_OK;
}

static void window_apply(const Window *w, const float *in, float *out) {
    i64 first = w->left < 0 ? -w->left : 0;
    i64 last = w->left + w->width > w->in.width ? w->in.width - w->left : w->width;
    for (i64 plane = 0; plane < w->in.planes; plane++, in += w->in.height * w->in.width)
        for (i64 y = 0; y < w->height; y++, out += w->width) {
            i64 from = w->top + y;
            int inside = from >= 0 && from < w->in.height && first < last;
            if (!inside || last - first < w->width) memset(out, 0, sizeof *out * (size_t)w->width);
            if (inside) memcpy(out + first, in + from * w->in.width + w->left + first, sizeof *out * (size_t)(last - first));
        }
}

/* ---- flatten ---- */

Status mml_data_flatten_prepare(const DataPrepare *context, DataStep *step) {
    step->out = (MmlShape){ 1, { step->in_size } };
    return MML_OK;
}

void mml_data_flatten_apply(const DataStep *step, const DataDraw *draw, const float *in, float *out, float *scratch) {
    memcpy(out, in, sizeof *out * (size_t)step->in_size);
}

/* ---- rows(first, count), cols(first, count) ---- */

static Status check_range(const DataPrepare *context, const DataStep *step, const char *what, i64 there, i64 *first,
                          i64 *count) {
    *first = mml_int(context->settings, "%s.first", step->program->path);
    *count = mml_int(context->settings, "%s.count", step->program->path);
    if (*first < 0 || *count < 1 || *first > there || *count > there - *first)
        return mml_data_step_fail(step, "takes %s %lld … %lld of %lld", what, (long long)*first,
                                  (long long)(*first + *count - 1), (long long)there);
    return MML_OK;
}

Status mml_data_rows_prepare(const DataPrepare *context, DataStep *step) {
    DataPlanes in;
    i64 first, count;
    MML_TRY(mml_data_planes(step, &in));
    MML_TRY(check_range(context, step, "rows", in.height, &first, &count));
    return window(context, step, (Window){ in, first, 0, count, in.width });
}

void mml_data_rows_apply(const DataStep *step, const DataDraw *draw, const float *in, float *out, float *scratch) {
    window_apply(step->state, in, out);
}

/* Of a vector: its values; else the last axis. */
Status mml_data_cols_prepare(const DataPrepare *context, DataStep *step) {
    i64 width = step->in.size[step->in.rank - 1], first, count;
    MML_TRY(check_range(context, step, "columns", width, &first, &count));
    DataPlanes in = { 1, step->in_size / width, width };
    Window *state = step->state = MML_NEW(context->arena, Window, 1);
    if (!state) return MML_ENOMEM;
    *state = (Window){ in, 0, first, in.height, count };
    step->out.size[step->out.rank - 1] = count;
    return MML_OK;
}

void mml_data_cols_apply(const DataStep *step, const DataDraw *draw, const float *in, float *out, float *scratch) {
    window_apply(step->state, in, out);
}

/* ---- select(columns): entries of the last axis, in the order given ---- */

typedef struct { i64 width, count; const MmlValue *columns; } Select;

Status mml_data_select_prepare(const DataPrepare *context, DataStep *step) {
    Select *state = step->state = MML_NEW(context->arena, Select, 1);
    if (!state) return MML_ENOMEM;
    state->width = step->in.size[step->in.rank - 1];
    state->columns = mml_data_list(context, step, "columns", &state->count);
    if (state->count < 1) return mml_data_step_fail(step, "selects nothing");
    for (i64 i = 0; i < state->count; i++)
        if (state->columns[i].i < 0 || state->columns[i].i >= state->width)
            return mml_data_step_fail(step, "takes column %lld of %lld (from 0)", (long long)state->columns[i].i,
                                      (long long)state->width);
    step->out.size[step->out.rank - 1] = state->count;
    return MML_OK;
}

void mml_data_select_apply(const DataStep *step, const DataDraw *draw, const float *in, float *out, float *scratch) {
    const Select *state = step->state;
    for (i64 row = 0; row < step->in_size / state->width; row++)
        for (i64 i = 0; i < state->count; i++) *out++ = in[row * state->width + state->columns[i].i];
}

/* ---- crop(height, width): the centre, halves rounded to even as torchvision does ---- */

Status mml_data_crop_prepare(const DataPrepare *context, DataStep *step) {
    DataPlanes in;
    MML_TRY(mml_data_planes(step, &in));
    i64 height = mml_int(context->settings, "%s.height", step->program->path);
    i64 width = mml_data_int(context, step, "width", height);
    if (height < 1 || width < 1 || height > in.height || width > in.width)
        return mml_data_step_fail(step, "takes %lld x %lld out of %lld x %lld", (long long)height, (long long)width,
                                  (long long)in.height, (long long)in.width);
    i64 top = lrint((double)(in.height - height) / 2), left = lrint((double)(in.width - width) / 2);
    return window(context, step, (Window){ in, top, left, height, width });
}

void mml_data_crop_apply(const DataStep *step, const DataDraw *draw, const float *in, float *out, float *scratch) {
    window_apply(step->state, in, out);
}

/* ---- pad(pixels): zeros on all four sides ---- */

Status mml_data_pad_prepare(const DataPrepare *context, DataStep *step) {
    DataPlanes in;
    MML_TRY(mml_data_planes(step, &in));
    i64 pixels = mml_int(context->settings, "%s.pixels", step->program->path);
    if (pixels < 0 || pixels > 1 << 20) return mml_data_step_fail(step, "takes %lld pixels", (long long)pixels);
    return window(context, step, (Window){ in, -pixels, -pixels, in.height + 2 * pixels, in.width + 2 * pixels });
}

void mml_data_pad_apply(const DataStep *step, const DataDraw *draw, const float *in, float *out, float *scratch) {
    window_apply(step->state, in, out);
}

/* ---- flip(p): left and right swapped with probability p, when training ----
 * Flow (flow[C, H, W], flowclip[T, 2, H, W]) holds pairs of a horizontal and a
 * vertical plane: mirrored motion changes the sign of the first of each. */

typedef struct { DataPlanes in; double p; int flow; } Flip;

Status mml_data_flip_prepare(const DataPrepare *context, DataStep *step) {
    Flip *state = step->state = MML_NEW(context->arena, Flip, 1);
    if (!state) return MML_ENOMEM;
    MML_TRY(mml_data_planes(step, &state->in));
    state->p = mml_data_real(context, step, "p", 0.5);
    state->flow = strncmp(context->modality->type, "flow", 4) == 0;
    if (!(state->p >= 0 && state->p <= 1)) return mml_data_step_fail(step, "has p = %g; it lies in 0 … 1", state->p);
    return MML_OK;
}

void mml_data_flip_apply(const DataStep *step, const DataDraw *draw, const float *in, float *out, float *scratch) {
    const Flip *state = step->state;
    MmlRandom random = mml_data_random_epoch(step, draw);
    if (!draw->augment || mml_random_uniform(&random) >= state->p) {
        memcpy(out, in, sizeof *out * (size_t)step->in_size);
        return;
    }
    for (i64 plane = 0; plane < state->in.planes; plane++) {
        float sign = state->flow && plane % 2 == 0 ? -1 : 1;
        for (i64 y = 0; y < state->in.height; y++, in += state->in.width, out += state->in.width)
            for (i64 x = 0; x < state->in.width; x++) out[x] = sign * in[state->in.width - 1 - x];
    }
}
