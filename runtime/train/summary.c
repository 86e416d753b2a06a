#include "train/summary.h"

#include "train/evaluate.h"
#include "train/step.h"

#include <math.h>
#include <string.h>

const MmlStageSettings *mml_last_stage(const MmlRun *run) {
    i64 count = run->experiment->stage_count;
    for (i64 i = count - 1; i >= 0; i--)
        if (run->state.stage_epochs[i] > 0) return &run->stages[i];
    for (i64 i = count - 1; i >= 0; i--)
        if (run->stages[i].stage->kind == MML_STAGE_JOINT) return &run->stages[i];
    return &run->stages[count - 1];
}

Status mml_summary_make(MmlRun *run, int validation, MmlSummary *out) {
    i64 classes = run->experiment->target.classes;
    *out = (MmlSummary){.stage = mml_last_stage(run)};
    if (validation) MML_TRY(mml_evaluate(run, out->stage, MML_VALIDATION, &out->splits[MML_VALIDATION], NULL));
    i64 *confusion = MML_NEW(run->arena, i64, classes * classes);
    if (!confusion) return MML_ENOMEM;
    MML_TRY(mml_evaluate(run, out->stage, MML_TEST, &out->splits[MML_TEST], confusion));
    int trained = run->call.eval || run->state.stage_epochs[out->stage - run->stages] > 0;
    for (int split = 0; split < MML_SPLITS && !trained; split++) out->splits[split].accuracy = NAN;
    if (!isnan(out->splits[MML_TEST].accuracy)) out->confusion = confusion;
    return MML_OK;
}

/* ---- JSON ---- */

static void put_heads(const MmlRun *run, const double *accuracy, MmlJson *json) {
    mml_json_open(json, '{');
    for (i64 m = 0; m < run->experiment->modality_count; m++) {
        mml_json_key(json, run->experiment->modalities[m].name);
        mml_json_real(json, accuracy[m]);
    }
    mml_json_close(json, '}');
}

static MmlSplit best_split(const MmlRun *run) {
    return mml_data_count(run->data, MML_VALIDATION) > 0 ? MML_VALIDATION : MML_TEST;
}

static void put_best(const MmlRun *run, MmlJson *json) {
    const MmlRunState *state = &run->state;
    int any = state->best_epoch > 0;
    mml_json_open(json, '{');
    mml_json_key(json, "accuracy");
    mml_json_real(json, any ? state->best_accuracy : NAN);
    mml_json_key(json, "epoch");
    if (any) mml_json_int(json, state->best_epoch);
    else mml_json_text(json, NULL);
    mml_json_key(json, "split");
    mml_json_text(json, any ? mml_split_name(best_split(run)) : NULL);
    mml_json_key(json, "stage");
    mml_json_text(json, any ? run->experiment->stages[state->best_stage].name : NULL);
    mml_json_close(json, '}');
}

static void put_stages(const MmlRun *run, MmlJson *json) {
    mml_json_open(json, '[');
    for (i64 i = 0; i < run->experiment->stage_count; i++) {
        mml_json_open(json, '{');
        mml_json_key(json, "name");
        mml_json_text(json, run->experiment->stages[i].name);
        mml_json_key(json, "epochs");
        mml_json_int(json, run->state.stage_epochs[i]);
        mml_json_key(json, "reason");
        mml_json_text(json, run->state.stage_reasons[i]);
        mml_json_close(json, '}');
    }
    mml_json_close(json, ']');
}

static void put_confusion(const MmlRun *run, const i64 *confusion, MmlJson *json) {
    i64 classes = run->experiment->target.classes;
    mml_json_open(json, '[');
    for (i64 label = 0; label < classes; label++) {
        mml_json_open(json, '[');
        for (i64 k = 0; k < classes; k++) mml_json_int(json, confusion[label * classes + k]);
        mml_json_close(json, ']');
    }
    mml_json_close(json, ']');
}

/* Share of each class's samples that are predicted right; null where there are none. */
static void put_per_class(const MmlRun *run, const i64 *confusion, MmlJson *json) {
    i64 classes = run->experiment->target.classes;
    mml_json_open(json, '[');
    for (i64 label = 0; label < classes; label++) {
        i64 all = 0;
        for (i64 k = 0; k < classes; k++) all += confusion[label * classes + k];
        mml_json_real(json, all ? (double)confusion[label * classes + label] / (double)all : NAN);
    }
    mml_json_close(json, ']');
}

static void put_seconds(const MmlSeconds *seconds, MmlJson *json) {
    const char *const names[] = {"data", "train", "probe", "total", "loading"};
    const double values[] = {seconds->data, seconds->train, seconds->probe, seconds->total, seconds->loading};
    mml_json_open(json, '{');
    for (int i = 0; i < 5; i++) {
        mml_json_key(json, names[i]);
        mml_json_seconds(json, values[i]);
    }
    mml_json_close(json, '}');
}

static void put_accuracies(const MmlRun *run, const MmlSummary *summary, MmlJson *json) {
    const MmlMetrics *test = &summary->splits[MML_TEST];
    mml_json_key(json, "accuracy");
    mml_json_real(json, test->accuracy);
    mml_json_key(json, "head");
    put_heads(run, test->head_accuracy, json);
}

static void put_classes(const MmlRun *run, const MmlSummary *summary, MmlJson *json) {
    static const struct { const char *key; void (*put)(const MmlRun *run, const i64 *confusion, MmlJson *json); } parts[] = {
        {"confusion", put_confusion}, {"per_class", put_per_class},
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        mml_json_key(json, parts[i].key);
        if (summary->confusion) parts[i].put(run, summary->confusion, json);
        else mml_json_text(json, NULL);
    }
}

void mml_summary_json(const MmlRun *run, const MmlSummary *summary, MmlJson *json) {
    mml_json_open(json, '{');
    put_accuracies(run, summary, json);
    mml_json_key(json, "best");
    put_best(run, json);
    mml_json_key(json, "stages");
    put_stages(run, json);
    put_classes(run, summary, json);
    mml_json_key(json, "seconds");
    put_seconds(&run->seconds, json);
    mml_json_close(json, '}');
    mml_json_newline(json);
}

void mml_summary_eval_json(const MmlRun *run, const MmlSummary *summary, MmlJson *json) {
    mml_json_open(json, '{');
    put_accuracies(run, summary, json);
    mml_json_key(json, "splits");
    mml_json_open(json, '{');
    for (int split = MML_VALIDATION; split <= MML_TEST; split++) {
        const MmlMetrics *metrics = &summary->splits[split];
        if (!metrics->samples) continue;
        mml_json_key(json, mml_split_name(split));
        mml_json_open(json, '{');
        mml_json_key(json, "loss");
        mml_json_real(json, metrics->loss);
        mml_json_key(json, "accuracy");
        mml_json_real(json, metrics->accuracy);
        mml_json_key(json, "head");
        put_heads(run, metrics->head_accuracy, json);
        mml_json_key(json, "samples");
        mml_json_int(json, metrics->samples);
        mml_json_close(json, '}');
    }
    mml_json_close(json, '}');
    put_classes(run, summary, json);
    mml_json_close(json, '}');
    mml_json_newline(json);
}

/* ---- For people ---- */

/* Columns: names padded to the longest. */
static int name_width(const MmlRun *run) {
    int width = (int)strlen("fused");
    for (i64 m = 0; m < run->experiment->modality_count; m++) {
        int length = (int)strlen(run->experiment->modalities[m].name);
        if (length > width) width = length;
    }
    for (i64 i = 0; i < run->experiment->stage_count; i++) {
        int length = (int)strlen(run->experiment->stages[i].name);
        if (length > width) width = length;
    }
    return width;
}

/* A head that the last stage's loss doesn't reach keeps its weights while the encoder below it goes on: says since when. */
static const char *head_since(const MmlRun *run, i64 modality) {
    const MmlExperiment *experiment = run->experiment;
    i64 last = experiment->stage_count - 1, stage;
    while (last >= 0 && !run->state.stage_epochs[last]) last--;
    for (stage = last; stage >= 0; stage--)
        if (run->state.stage_epochs[stage] && mml_stage_reaches_head(experiment, &experiment->stages[stage], modality)) break;
    if (stage < 0 || stage == last) return "";
    const char *text = mml_arena_format(run->arena, ", trained up to stage %s", experiment->stages[stage].name);
    return text ? text : "";
}

static void print_split(MmlRun *run, const MmlSummary *summary, MmlSplit split) {
    const MmlMetrics *metrics = &summary->splits[split];
    MmlScreen *screen = &run->screen;
    int width = name_width(run);
    char text[16];
    if (!metrics->samples) return;
    mml_screen_line(screen, "%s accuracy (%lld samples)", mml_split_name(split), (long long)metrics->samples);
    mml_screen_line(screen, "  %-*s  %s", width, "fused", mml_percent(metrics->accuracy, text));
    for (i64 m = 0; m < run->experiment->modality_count; m++)
        mml_screen_line(screen, "  %-*s  %s  by its own head%s", width, run->experiment->modalities[m].name,
                        mml_percent(metrics->head_accuracy[m], text), head_since(run, m));
}

void mml_summary_eval_print(MmlRun *run, const MmlSummary *summary) {
    print_split(run, summary, MML_VALIDATION);
    print_split(run, summary, MML_TEST);
}

void mml_summary_print(MmlRun *run, const MmlSummary *summary) {
    const MmlExperiment *experiment = run->experiment;
    const MmlRunState *state = &run->state;
    MmlScreen *screen = &run->screen;
    int width = name_width(run);
    char text[16];
    mml_screen_line(screen, "\nresult of %s after its last epoch", experiment->name);
    print_split(run, summary, MML_TEST);
    if (state->best_epoch > 0)
        mml_screen_line(screen, "best by %s accuracy\n  %-*s  %s  (stage %s, epoch %lld)", mml_split_name(best_split(run)),
                        width, "fused",
                        mml_percent(state->best_accuracy,
                                    text), experiment->stages[state->best_stage].name, (long long)state->best_epoch);
    mml_screen_line(screen, "stages");
    for (i64 i = 0; i < experiment->stage_count; i++)
        mml_screen_line(screen, "  %-*s  %lld epoch%s: %s", width, experiment->stages[i].name, (long long)state->stage_epochs[i],
                        state->stage_epochs[i] == 1 ? "" : "s", state->stage_reasons[i] ? state->stage_reasons[i] : "");
    const MmlSeconds *s = &run->seconds;
    mml_screen_line(screen, "%.1f s in all: %.1f reading data, %.1f training and evaluating (%.1f waiting for batches), %.1f probing",
                    s->total, s->data, s->train, s->loading, s->probe);
    if (run->folder) mml_screen_line(screen, "written to %s", run->folder);
}
