/* colorize(by, jitter, train, test): a grey image times a colour that goes with
 * its label (Kim et al. 2019, "Learning not to learn").
 *
 * correlated: the mean colour of the sample's label plus N(0, jitter) in each
 * of red, green and blue, clipped to [0, 1]; random: the mean colour of a label
 * drawn uniformly; none: grey. Drawn once a sample. Validation samples, taken
 * off train, are coloured as train.
 */
#include "data/transform.h"

#include <math.h>
#include <string.h>

#define COLORS 10

/* Red, teal, amber, blue, orange, violet, cyan, magenta, lime, pink (the language's palette). */
static const double palette[COLORS][3] = {
    { .86, .08, .24 }, { 0, .50, .50 },   { .99, .91, 0 },   { 0, .28, .71 },   { .93, .57, .13 },
    { .55, .09, .55 }, { .27, .94, .94 }, { .94, .20, .90 }, { .75, .94, .20 }, { .98, .75, .83 },
};

typedef enum { COLOR_CORRELATED, COLOR_RANDOM, COLOR_NONE } Coloring;

typedef struct {
    const DataField *by;
    double           deviation;
    Coloring         train, test;
    i64              labels;         /* a random label is one of 0 … labels - 1     */
    i64              pixels;
} Colorize;

static Status coloring(const DataPrepare *context, const DataStep *step, const char *name, Coloring *out) {
    static const char *const words[] = { [COLOR_CORRELATED] = "correlated", [COLOR_RANDOM] = "random", [COLOR_NONE] = "none" };
    const char *word = mml_word(context->settings, "%s.%s", step->program->path, name);
    for (int i = 0; i < 3; i++)
        if (strcmp(word, words[i]) == 0) {
            *out = (Coloring)i;
            return MML_OK;
        }
    return mml_data_step_fail(step, "has %s = %s; it is correlated, random or none", name, word);
}

/* How many labels there are to draw from: the target's classes where `by` is the
 * target, else one more than the largest label. */
static Status count_labels(const DataPrepare *context, const DataStep *step, Colorize *state) {
    const DataSource *source = context->source;
    const MmlExperiment *experiment = context->settings->experiment;
    const MmlTarget *target = &experiment->target;
    if (&experiment->sources[target->source] == source->program && strcmp(target->field, state->by->name) == 0)
        state->labels = target->classes < COLORS ? target->classes : COLORS;
    for (int split = 0; split < MML_SPLITS; split++)
        for (i64 i = 0; i < source->counts[split]; i++) {
            i64 row = source->rows[split][i], label = state->by->label(source, state->by, row);
            if (label < 0 || label >= COLORS)
                return mml_data_step_fail(step, "has colours for the labels 0 … %d; label %lld (%s) has none", COLORS - 1,
                                          (long long)label, source->place(source, row));
            if (label >= state->labels) state->labels = label + 1;
        }
    return MML_OK;
}

Status mml_data_colorize_prepare(const DataPrepare *context, DataStep *step) {
    Colorize *state = step->state = MML_NEW(context->arena, Colorize, 1);
    if (!state) return MML_ENOMEM;
    const DataSource *source = context->source;
    const char *by = mml_string(context->settings, "%s.by", step->program->path), *dot = strrchr(by, '.');
    if (dot && (strlen(source->program->name) != (size_t)(dot - by)
                || strncmp(by, source->program->name, (size_t)(dot - by)) != 0))
        return mml_data_step_fail(step, "goes by %s; it must be a field of %s, where the image comes from", by,
                                  source->program->name);
    state->by = mml_data_source_field(source, dot ? dot + 1 : by);
    if (!state->by || !state->by->label) return mml_data_step_fail(step, "goes by %s, which is no label", by);
    DataChannels channels = mml_data_channels(&step->in);
    if (step->in.rank < 3 || channels.channels != 1)
        return mml_data_step_fail(step, "needs an image of 1 channel, not %s",
                                  mml_data_shape_text(&step->in, context->arena));
    double jitter = mml_data_real(context, step, "jitter", 0);
    if (!(jitter >= 0 && isfinite(jitter))) return mml_data_step_fail(step, "has a jitter of %g; it is a variance", jitter);
    state->deviation = sqrt(jitter);
    state->pixels = channels.inner;
    step->out.size[step->out.rank - 3] = 3;
    MML_TRY(coloring(context, step, "train", &state->train));
    MML_TRY(coloring(context, step, "test", &state->test));
    return count_labels(context, step, state);
}

static void choose_color(const Colorize *state, const DataDraw *draw, MmlRandom *random, double *color) {
    switch (draw->split == MML_TEST ? state->test : state->train) {
    case COLOR_NONE:
        for (int c = 0; c < 3; c++) color[c] = 1;
        break;
    case COLOR_RANDOM:
        memcpy(color, palette[mml_random_below(random, (u64)state->labels)], sizeof *palette);
        break;
    case COLOR_CORRELATED:
        memcpy(color, palette[state->by->label(draw->source, state->by, draw->row)], sizeof *palette);
        for (int c = 0; c < 3; c++)
            color[c] = fmin(fmax(color[c] + state->deviation * mml_random_normal(random), 0), 1);
        break;
    }
}

void mml_data_colorize_apply(const DataStep *step, const DataDraw *draw, const float *in, float *out, float *scratch) {
    const Colorize *state = step->state;
    MmlRandom random = mml_data_random_sample(step, draw);
    double color[3];
    choose_color(state, draw, &random, color);
    for (i64 frame = 0; frame < step->in_size / state->pixels; frame++, in += state->pixels)
        for (int c = 0; c < 3; c++, out += state->pixels)
            for (i64 i = 0; i < state->pixels; i++) out[i] = in[i] * (float)color[c];
}
