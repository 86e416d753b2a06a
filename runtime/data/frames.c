/* Transforms that pick frames of a clip: they see the numbers of frames, not
 * their pixels, so that only what is picked is decoded. */
#include "data/transform.h"

#include <math.h>
#include <string.h>

/* ---- sample(rate): a clip at fewer frames a second ----
 * Of `from` frames a second whole rates keep what OGM-GE's and PMR's extraction keeps: frames whose
 * place within the second is a multiple of from div rate, and no more than rate of them. Other rates
 * keep frame floor(i * from / rate). */

typedef struct { double rate, from; } Sample;

Status mml_data_sample_prepare(const DataPrepare *context, DataStep *step) {
    Sample *state = step->state = MML_NEW(context->arena, Sample, 1);
    if (!state) return MML_ENOMEM;
    state->rate = mml_real(context->settings, "%s.rate", step->program->path);
    state->from = context->field->rate;
    if (!(state->from > 0)) return mml_data_step_fail(step, "needs to know how many frames a second '%s' holds", context->field->file);
    if (!(state->rate > 0) || state->rate > state->from)
        return mml_data_step_fail(step, "takes %g frames a second, and '%s' has %g", state->rate, context->field->file, state->from);
    return MML_OK;
}

static int keeps(const Sample *state, i64 frame) {
    if (state->rate >= 1 && floor(state->rate) == state->rate && floor(state->from) == state->from) {
        i64 from = (i64)state->from, rate = (i64)state->rate, interval = from / rate, place = frame % from;
        return place % interval == 0 && place < interval * rate;
    }
    double ratio = state->from / state->rate;
    return (i64)floor(ceil((double)frame / ratio) * ratio) == frame;
}

i64 mml_data_sample_pick(const DataStep *step, const DataDraw *draw, const i32 *from, i64 count, i32 *to) {
    i64 kept = 0;
    for (i64 i = 0; i < count; i++)
        if (keeps(step->state, i)) to[kept++] = from[i];
    return kept;
}

/* ---- frames(count, pick): that many frames of a clip ----
 * uniform: evenly from the first to the last (one: the middle one). middle: the middle one of each of `count` equal parts;
 * random: any one of each part, drawn anew each epoch, and in evaluation the middle one. A clip of fewer frames repeats some. */

typedef enum { PICK_UNIFORM, PICK_RANDOM, PICK_MIDDLE } Pick;

typedef struct { i64 count; Pick pick; } Frames;

Status mml_data_frames_prepare(const DataPrepare *context, DataStep *step) {
    Frames *state = step->state = MML_NEW(context->arena, Frames, 1);
    if (!state) return MML_ENOMEM;
    const char *pick = mml_word(context->settings, "%s.pick", step->program->path);
    state->count = mml_int(context->settings, "%s.count", step->program->path);
    state->pick = strcmp(pick, "random") == 0 ? PICK_RANDOM : strcmp(pick, "middle") == 0 ? PICK_MIDDLE : PICK_UNIFORM;
    if (state->count < 1 || state->count > 1 << 20) return mml_data_step_fail(step, "takes %lld frames", (long long)state->count);
    if (state->pick == PICK_RANDOM) step->flags |= DATA_STEP_RANDOM;
    if (state->count == 1) return MML_OK;
    memmove(step->out.size + 1, step->out.size, sizeof *step->out.size * (size_t)step->in.rank);
    step->out.size[0] = state->count;
    step->out.rank = step->in.rank + 1;
    return MML_OK;
}

static i64 picked(const Frames *state, i64 i, i64 count, MmlRandom *random) {
    i64 first = i * count / state->count, behind = (i + 1) * count / state->count;
    if (state->pick == PICK_UNIFORM && state->count > 1) return (2 * i * (count - 1) + state->count - 1) / (2 * (state->count - 1));
    if (behind <= first) return first;
    return first + (random ? (i64)mml_random_below(random, (u64)(behind - first)) : (behind - first) / 2);
}

i64 mml_data_frames_pick(const DataStep *step, const DataDraw *draw, const i32 *from, i64 count, i32 *to) {
    const Frames *state = step->state;
    int drawn = state->pick == PICK_RANDOM && draw->augment;
    MmlRandom random = mml_data_random_epoch(step, draw);
    for (i64 i = 0; i < state->count; i++) to[i] = from[picked(state, i, count, drawn ? &random : NULL)];
    return state->count;
}

/* ---- stack: the frames on the channels ---- */

Status mml_data_stack_prepare(const DataPrepare *context, DataStep *step) {
    if (step->in.rank != 4) return mml_data_step_fail(step, "needs a clip of frames");
    step->out = (MmlShape){ 3, { step->in.size[0] * step->in.size[1], step->in.size[2], step->in.size[3] } };
    return MML_OK;
}

void mml_data_stack_apply(const DataStep *step, const DataDraw *draw, const float *in, float *out, float *scratch) {
    memcpy(out, in, sizeof *out * (size_t)step->in_size);
}
