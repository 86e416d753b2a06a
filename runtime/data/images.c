/* Transforms that compute pixels from their neighbours or channels. */
#include "data/transform.h"

#include <math.h>
#include "data/resample.h"

/* ---- resize(height, width); resize(side): the shorter side to that length, ratio kept ---- */

typedef struct { DataPlanes in; DataAxis rows, columns; i64 between; } Resize;      /* between: floats of scratch, before those of axes */

static Status resize_to(const DataPrepare *context, DataStep *step, DataPlanes in, i64 height, i64 width, Resize *state) {
    if (height < 1 || width < 1 || height > 1 << 20 || width > 1 << 20)
        return mml_data_step_fail(step, "to %lld x %lld pixels", (long long)height, (long long)width);
    float *rows = MML_NEW(context->arena, float, mml_data_axis_floats(in.height, height));
    float *columns = MML_NEW(context->arena, float, mml_data_axis_floats(in.width, width));
    if (!rows || !columns) return MML_ENOMEM;
    i64 between = !context->before && context->field->pixels ? mml_data_resample_between(in.height, in.width, width) : in.height * width;
    *state = (Resize){ in, mml_data_axis(in.height, height, rows), mml_data_axis(in.width, width, columns), between };
    step->scratch = between;
    if (context->varies) step->scratch += mml_data_axis_floats(in.height, height) + mml_data_axis_floats(in.width, width);
    step->out.size[step->out.rank - 2] = height;
    step->out.size[step->out.rank - 1] = width;
    return MML_OK;
}

/* The box of a picture of these planes, from its bytes where the draw has them. */
static void resample(DataPlanes p, const DataDraw *draw, const float *in, DataBox box, const DataAxis *rows, const DataAxis *columns,
                     float *scratch, float *out) {
    if (draw->pixels) mml_data_resample_pixels(draw->pixels, p.width, box, rows, columns, scratch, out);
    else mml_data_resample(in, p.planes, p.height, p.width, box, rows, columns, scratch, out);
}

/* in may be a sample of another size than the step was prepared for (draw->height). */
static void resize_whole(const Resize *state, const DataDraw *draw, const float *in, float *out, float *scratch) {
    DataPlanes p = state->in;
    DataAxis rows = state->rows, columns = state->columns;
    if (draw->height && (draw->height != p.height || draw->width != p.width)) {
        float *memory = scratch + state->between;
        p.height = draw->height;
        p.width = draw->width;
        rows = mml_data_axis(p.height, rows.out, memory);
        columns = mml_data_axis(p.width, columns.out, memory + mml_data_axis_floats(p.height, rows.out));
    }
    const DataBox box = { 0, 0, p.height, p.width };
    resample(p, draw, in, box, &rows, &columns, scratch, out);
}

Status mml_data_resize_prepare(const DataPrepare *context, DataStep *step) {
    Resize *state = step->state = MML_NEW(context->arena, Resize, 1);
    DataPlanes in;
    if (!state) return MML_ENOMEM;
    MML_TRY(mml_data_planes(step, &in));
    if (mml_data_given(context, step, "height"))
        return resize_to(context, step, in, mml_int(context->settings, "%s.height", step->program->path),
                         mml_int(context->settings, "%s.width", step->program->path), state);
    if (context->varies)
        return mml_data_step_fail(step, "keeps the ratio of height and width, and the pictures differ in size; give both: resize(height, width)");
    i64 side = mml_int(context->settings, "%s.side", step->program->path);
    if (in.height <= in.width) return resize_to(context, step, in, side, side * in.width / in.height, state);
    return resize_to(context, step, in, side * in.height / in.width, side, state);
}

void mml_data_resize_apply(const DataStep *step, const DataDraw *draw, const float *in, float *out, float *scratch) {
    resize_whole(step->state, draw, in, out, scratch);
}

/* ---- random_resized_crop(side, area, ratio) ----
 * A box of a random share of the area and a random ratio of width to height,
 * resized to side x side (Szegedy et al. 2015; torchvision's procedure).
 * Otherwise the whole image to side x side. */

typedef struct {
    Resize whole;
    double area_low, area_high, ratio_low, ratio_high;
} RandomCrop;

Status mml_data_random_resized_crop_prepare(const DataPrepare *context, DataStep *step) {
    RandomCrop *state = step->state = MML_NEW(context->arena, RandomCrop, 1);
    DataPlanes in;
    if (!state) return MML_ENOMEM;
    MML_TRY(mml_data_planes(step, &in));
    i64 side = mml_int(context->settings, "%s.side", step->program->path);
    MML_TRY(resize_to(context, step, in, side, side, &state->whole));
    state->area_low = mml_data_real(context, step, "area_low", 0.08);
    state->area_high = mml_data_real(context, step, "area_high", 1);
    state->ratio_low = mml_data_real(context, step, "ratio_low", 3.0 / 4);
    state->ratio_high = mml_data_real(context, step, "ratio_high", 4.0 / 3);
    if (!(0 < state->area_low && state->area_low <= state->area_high && state->area_high <= 1))
        return mml_data_step_fail(step, "has an area of %g … %g; it lies in 0 … 1", state->area_low, state->area_high);
    if (!(0 < state->ratio_low && state->ratio_low <= state->ratio_high && isfinite(state->ratio_high)))
        return mml_data_step_fail(step, "has a ratio of %g … %g", state->ratio_low, state->ratio_high);
    step->scratch += mml_data_axis_floats(in.height, side) + mml_data_axis_floats(in.width, side);
    return MML_OK;
}

static double between(MmlRandom *random, double low, double high) {
    return low + (high - low) * mml_random_uniform(random);
}

static DataBox random_box(const RandomCrop *state, i64 height, i64 width, MmlRandom *random) {
    for (int attempt = 0; attempt < 10; attempt++) {
        double area = between(random, state->area_low, state->area_high) * (double)(height * width);
        double ratio = exp(between(random, log(state->ratio_low), log(state->ratio_high)));
        DataBox box = { .height = lrint(sqrt(area / ratio)), .width = lrint(sqrt(area * ratio)) };
        if (box.height < 1 || box.width < 1 || box.height > height || box.width > width) continue;
        box.top = (i64)mml_random_below(random, (u64)(height - box.height + 1));
        box.left = (i64)mml_random_below(random, (u64)(width - box.width + 1));
        return box;
    }
    /* The largest box of an allowed ratio, in the centre. */
    DataBox box = { .height = height, .width = width };
    double ratio = (double)width / (double)height;
    if (ratio < state->ratio_low) box.height = lrint((double)width / state->ratio_low);
    if (ratio > state->ratio_high) box.width = lrint((double)height * state->ratio_high);
    if (box.height < 1) box.height = 1;
    if (box.width < 1) box.width = 1;
    box.top = (height - box.height) / 2;
    box.left = (width - box.width) / 2;
    return box;
}

void mml_data_random_resized_crop_apply(const DataStep *step, const DataDraw *draw, const float *in, float *out,
                                        float *scratch) {
    const RandomCrop *state = step->state;
    const Resize *whole = &state->whole;
    if (!draw->augment) {
        resize_whole(whole, draw, in, out, scratch);
        return;
    }
    MmlRandom random = mml_data_random_epoch(step, draw);
    i64 height = draw->height ? draw->height : whole->in.height, width = draw->width ? draw->width : whole->in.width;
    DataBox box = random_box(state, height, width, &random);
    i64 side = whole->columns.out;
    float *memory = scratch + whole->between;
    DataAxis rows = mml_data_axis(box.height, side, memory);
    DataAxis columns = mml_data_axis(box.width, side, memory + mml_data_axis_floats(whole->in.height, side));
    resample((DataPlanes){ whole->in.planes, height, width }, draw, in, box, &rows, &columns, scratch, out);
}

/* ---- gray: the luma of red, green and blue (ITU-R BT.601); one channel stays ---- */

typedef struct { i64 inner; } Gray;

Status mml_data_gray_prepare(const DataPrepare *context, DataStep *step) {
    Gray *state = step->state = MML_NEW(context->arena, Gray, 1);
    if (!state) return MML_ENOMEM;
    DataChannels channels = mml_data_channels(&step->in);
    if (step->in.rank < 3 || (channels.channels != 3 && channels.channels != 1))
        return mml_data_step_fail(step, "needs an image of 3 channels");
    state->inner = channels.inner;
    step->out.size[step->out.rank - 3] = 1;
    return MML_OK;
}

void mml_data_gray_apply(const DataStep *step, const DataDraw *draw, const float *in, float *out, float *scratch) {
    i64 inner = ((const Gray *)step->state)->inner, channels = step->in_size / step->out_size;
    for (i64 block = 0; block < step->out_size / inner; block++, in += channels * inner, out += inner)
        for (i64 i = 0; i < inner; i++)
            out[i] = channels == 1 ? in[i] : 0.299f * in[i] + 0.587f * in[i + inner] + 0.114f * in[i + 2 * inner];
}
