/* Transforms that pick frames of a clip: they see the numbers of frames, not
 * their pixels, so that only what is picked is decoded. */
#include "data/transform.h"

#include <string.h>
#include "data/clips.h"

/* ---- sample(rate): a clip at fewer frames a second (mml_clips_sampled) ---- */

typedef struct { const DataField *field; double rate; } Sample;

Status mml_data_sample_prepare(const DataPrepare *context, DataStep *step) {
    Sample *state = step->state = MML_NEW(context->arena, Sample, 1);
    const DataSource *source = context->source;
    if (!state) return MML_ENOMEM;
    *state = (Sample){ context->field, mml_real(context->settings, "%s.rate", step->program->path) };
    if (!(state->rate > 0)) return mml_data_step_fail(step, "takes %g frames a second", state->rate);
    for (int split = 0; split < MML_SPLITS; split++)
        for (i64 i = 0; i < source->counts[split]; i++) {
            i64 row = source->rows[split][i];
            double there = state->field->rate ? state->field->rate(source, state->field, row) : 0;
            if (there >= state->rate) continue;
            if (there > 0)
                return mml_data_step_fail(step, "takes %g frames a second, and the clip of %s has %g", state->rate, source->place(source, row),
                                          there);
            return mml_data_step_fail(step, "takes %g frames a second, and the clip of %s doesn't say how many it has", state->rate,
                                      source->place(source, row));
        }
    return MML_OK;
}

i64 mml_data_sample_pick(const DataStep *step, const DataDraw *draw, const i32 *from, i64 count, i32 *to) {
    const Sample *state = step->state;
    double there = state->field->rate(draw->source, state->field, draw->row);
    i64 kept = 0;
    for (i64 i = 0; i < count; i++)
        if (mml_clips_sampled(state->rate, there, i)) to[kept++] = from[i];
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
