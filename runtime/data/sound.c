/* Transforms that bring sounds to one rate and one length. */
#include <math.h>
#include <string.h>

#include "data/sinc.h"
#include "data/transform.h"

/* ---- mono(rate): the mean of the channels (as the field has read it), resampled ---- */

typedef struct { i64 count; Sinc *rates; } Mono;      /* one for each rate that occurs, in the order of appearance */

static const Sinc *from_rate(const Mono *mono, i64 rate) {
    for (i64 i = 0; i < mono->count; i++)
        if (mono->rates[i].from == (double)rate) return &mono->rates[i];
    return NULL;
}

static Status add_rate(const DataPrepare *context, Mono *mono, i64 rate, double to) {
    Sinc *larger = MML_NEW(context->arena, Sinc, mono->count + 1);
    if (!larger) return MML_ENOMEM;
    if (mono->count) memcpy(larger, mono->rates, sizeof *larger * (size_t)mono->count);
    mono->rates = larger;
    return mml_sinc_new(rate, to, context->arena, &mono->rates[mono->count++]);
}

typedef struct { const DataSound *shortest, *longest; i64 least, most; } Lengths;

static Status look_at(const DataPrepare *context, Mono *mono, double to, const DataSound *sound, Lengths *lengths) {
    if (!from_rate(mono, sound->rate)) MML_TRY(add_rate(context, mono, sound->rate, to));
    i64 length = mml_sinc_length(from_rate(mono, sound->rate), sound->samples);
    if (!lengths->shortest || length < lengths->least) {
        lengths->shortest = sound;
        lengths->least = length;
    }
    if (!lengths->longest || length > lengths->most) {
        lengths->longest = sound;
        lengths->most = length;
    }
    return MML_OK;
}

Status mml_data_mono_prepare(const DataPrepare *context, DataStep *step) {
    Mono *mono = step->state = MML_NEW(context->arena, Mono, 1);
    const DataSource *source = context->source;
    Lengths lengths = { 0 };
    if (!mono) return MML_ENOMEM;
    if (context->before || !context->field->sound) return mml_data_step_fail(step, "needs a sound file");
    step->rate = mml_real(context->settings, "%s.rate", step->program->path);
    if (!(step->rate >= 1 && step->rate <= 1e9)) return mml_data_step_fail(step, "has a rate of %g Hz", step->rate);
    for (int split = 0; split < MML_SPLITS; split++)
        for (i64 i = 0; i < source->counts[split]; i++)
            MML_TRY(look_at(context, mono, step->rate, context->field->sound(source, context->field, source->rows[split][i]), &lengths));
    if (!lengths.longest) return mml_data_step_fail(step, "has no sound to read");
    if (lengths.most > INT32_MAX)
        return mml_data_step_fail(step, "makes %lld samples of '%s' (%lld at %lld Hz); choose a lower rate", (long long)lengths.most,
                                  lengths.longest->path, (long long)lengths.longest->samples, (long long)lengths.longest->rate);
    step->out = (MmlShape){ 1, { lengths.most } };
    if (lengths.least == lengths.most) return MML_OK;
    step->lengths = mml_arena_format(context->arena, "'%s' has %lld samples at %g Hz and '%s' %lld", lengths.shortest->path,
                                     (long long)lengths.least, step->rate, lengths.longest->path, (long long)lengths.most);
    return step->lengths ? MML_OK : MML_ENOMEM;
}

i64 mml_data_mono_length(const DataStep *step, const DataDraw *draw) {
    return mml_sinc_length(from_rate(step->state, draw->sound->rate), draw->sound->samples);
}

void mml_data_mono_apply(const DataStep *step, const DataDraw *draw, const float *in, float *out, float *scratch) {
    mml_sinc_run(from_rate(step->state, draw->sound->rate), in, draw->sound->samples, out);
}

/* ---- fit(duration, by): the first `duration` of a longer sound; a shorter one is repeated
 * from its start (tile) or followed by zeros (pad) ---- */

typedef struct { int tile; } Fit;

Status mml_data_fit_prepare(const DataPrepare *context, DataStep *step) {
    Fit *state = step->state = MML_NEW(context->arena, Fit, 1);
    if (!state) return MML_ENOMEM;
    if (!context->before || context->before->rate <= 0) return mml_data_step_fail(step, "needs a sound");
    step->rate = context->before->rate;
    double samples = mml_real(context->settings, "%s.duration", step->program->path) * step->rate;
    if (!(samples >= 0.5 && samples <= 1e9)) return mml_data_step_fail(step, "makes %g samples", samples);
    state->tile = strcmp(mml_word(context->settings, "%s.by", step->program->path), "tile") == 0;
    step->out = (MmlShape){ 1, { llround(samples) } };
    return MML_OK;
}

void mml_data_fit_apply(const DataStep *step, const DataDraw *draw, const float *in, float *out, float *scratch) {
    const Fit *state = step->state;
    i64 there = mml_data_values(step, draw), wanted = step->out_size;
    for (i64 done = 0; done < wanted;) {
        i64 part = wanted - done < there ? wanted - done : there;
        if (done == 0 || state->tile) memcpy(out + done, in, sizeof *out * (size_t)part);
        else memset(out + done, 0, sizeof *out * (size_t)part);
        done += part;
    }
}
