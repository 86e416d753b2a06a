#include "train/stage_settings.h"

#include <string.h>

const char *mml_split_name(MmlSplit split) {
    static const char *const names[MML_SPLITS] = {"train", "validation", "test"};
    return names[split];
}

static i64 int_or(const MmlSettings *s, const char *path, const char *name, i64 otherwise) {
    return mml_has(s, "%s.%s", path, name) ? mml_int(s, "%s.%s", path, name) : otherwise;
}

static double real_or(const MmlSettings *s, const char *path, const char *name, double otherwise) {
    return mml_has(s, "%s.%s", path, name) ? mml_real(s, "%s.%s", path, name) : otherwise;
}

static const char *word_or(const MmlSettings *s, const char *path, const char *name, const char *otherwise) {
    return mml_has(s, "%s.%s", path, name) ? mml_word(s, "%s.%s", path, name) : otherwise;
}

/* ---- Measurements ---- */

static MmlSplit split_of(const char *word) {
    for (int split = 0; split < MML_SPLITS; split++)
        if (!strcmp(word, mml_split_name(split))) return split;
    return MML_TRAIN;
}

static void read_bins(const MmlSettings *s, const char *path, MmlMeasureSettings *out) {
    static const char *const names[] = {[MML_BINS_KMEANS] = "kmeans", [MML_BINS_QUANTILE] = "quantile", [MML_BINS_ARGMAX] = "argmax"};
    MmlProbeOptions *o = &out->options;
    out->bins = word_or(s, path, "bins", "kmeans");
    for (int i = 0; i < 3; i++)
        if (!strcmp(out->bins, names[i])) o->bins = i;
    o->k = (int)int_or(s, path, "bins.k", 20);
    o->pca = (int)int_or(s, path, "bins.pca", 0);
    o->restarts = (int)int_or(s, path, "bins.restarts", 4);
    o->normalize = !strcmp(word_or(s, path, "bins.normalize", "l2"), "l2");
}

static void read_solver(const MmlSettings *s, const char *path, MmlMeasureSettings *out) {
    MmlPidOptions *o = &out->options.solver;
    *o = mml_pid_defaults();
    out->solver = word_or(s, path, "solver", "newton");
    o->solver = !strcmp(out->solver, "adam") ? MML_PID_ADAM : MML_PID_NEWTON;
    o->iterations = (int)int_or(s, path, "solver.iterations", o->iterations);
    o->lr = real_or(s, path, "solver.lr", o->lr);
    o->tolerance = real_or(s, path, "solver.tolerance", o->tolerance);
    o->relative = (int)int_or(s, path, "solver.relative", 0);
    o->until = real_or(s, path, "solver.until", 0);
    o->sinkhorn = (int)int_or(s, path, o->until > 0 ? "solver.sweeps" : "solver.sinkhorn", o->sinkhorn);
    const char *start = word_or(s, path, "solver.init", "analytic");
    o->start = !strcmp(start, "uniform") ? MML_PID_UNIFORM : !strcmp(start, "gaussian") ? MML_PID_GAUSSIAN : MML_PID_ANALYTIC;
}

static void read_measure(const MmlSettings *s, const MmlMeasurement *measurement, u64 seed, MmlMeasureSettings *out) {
    const char *path = measurement->path, *dot = strrchr(path, '.');
    *out = (MmlMeasureSettings){
        .path = path, .name = dot ? dot + 1 : path,
        .every = mml_int(s, "%s.every", path),
        .after = !strcmp(word_or(s, path, "when", "before"), "after"),
        .untrained = (int)int_or(s, path, "untrained", 0),
        .split = split_of(word_or(s, path, "split", "train")),
        .samples = int_or(s, path, "samples", -1),
    };
    read_bins(s, path, out);
    out->options.mutual_only = measurement->measure == MML_MEASURE_MUTUAL_INFORMATION;
    out->options.seed = seed;
    if (out->options.mutual_only) return;
    read_solver(s, path, out);
    if (out->options.solver.solver == MML_PID_ADAM) out->options.solver.code = measurement->code;
    out->options.solver.seed = seed;
    out->estimator = word_or(s, path, "estimator", "adjusted");
    out->options.estimator = !strcmp(out->estimator, "plugin") ? MML_PLUGIN : MML_ADJUSTED;
}

/* ---- Stages ---- */

static void read_optimizer(const MmlSettings *s, const char *stage, MmlStageSettings *out) {
    const char *path = mml_arena_format(s->arena, "%s.optimizer", stage);
    out->optimizer_word = mml_word(s, "%s", path);
    out->decoupled = !strcmp(out->optimizer_word, "adamw");
    out->optimizer = (MmlOptimizer){
        .kind = !strcmp(out->optimizer_word, "sgd") ? MML_SGD : MML_ADAM,
        .lr = mml_real(s, "%s.lr", path),
        .weight_decay = real_or(s, path, "weight_decay", 0),
        .momentum = real_or(s, path, "momentum", 0),
        .nesterov = (int)int_or(s, path, "nesterov", 0),
        .beta1 = real_or(s, path, "beta1", 0.9),
        .beta2 = real_or(s, path, "beta2", 0.999),
        .eps = real_or(s, path, "eps", 1e-8),
    };
    out->clip = real_or(s, path, "clip", 0);
}

/* One path for each modality; an empty one loads nothing. */
static Status read_load(const MmlSettings *s, const char *stage, MmlStageSettings *out) {
    i64 modalities = s->experiment->modality_count;
    if (!mml_has(s, "%s.load", stage)) return MML_OK;
    char *path = mml_arena_format(s->arena, "%s.load", stage);
    const char **files = MML_NEW(s->arena, const char *, modalities);
    if (!path || !files) return MML_ENOMEM;
    const MmlSetting *setting = mml_setting_find(s->experiment, path);
    out->load_whole = 1;
    for (i64 m = 0; m < modalities; m++) {
        const char *file = s->values[setting->slot + (setting->each ? m : 0)].s;
        files[m] = file ? file : "";
        if (strcmp(files[m], files[0])) out->load_whole = 0;
    }
    if (!out->load_whole || *files[0]) out->load = files;
    return MML_OK;
}

static void read_save(const MmlSettings *s, const char *stage, MmlStageSettings *out) {
    const char *path = mml_arena_format(s->arena, "%s.save", stage);
    const MmlSetting *setting = path ? mml_setting_find(s->experiment, path) : NULL;
    if (!setting) return;
    int list = (setting->flags & MML_SETTING_LIST) != 0;
    out->save = &s->values[setting->slot + list];
    out->save_count = list ? s->values[setting->slot].i : 1;
}

static Status read_stage(const MmlSettings *s, const MmlStage *stage, MmlStageSettings *out) {
    const char *path = stage->path;
    *out = (MmlStageSettings){
        .stage = stage,
        .epochs = mml_int(s, "%s.epochs", path),
        .batch = mml_int(s, "%s.batch", path),
        .seed = (u64)mml_int(s, "%s.seed", path),
        .continues = (int)int_or(s, path, "continue", 0),
        .zero_gradient = !strcmp(word_or(s, path, "pause", "still"), "zero_gradient"),
        .batchnorm_moves = !strcmp(word_or(s, path, "paused_batchnorm", "still"), "moves"),
        .schedule = mml_schedule_read(s, path),
    };
    read_optimizer(s, path, out);
    read_save(s, path, out);
    MML_TRY(read_load(s, path, out));
    out->measures = MML_NEW(s->arena, MmlMeasureSettings, stage->measurement_count + 1);
    if (!out->measures) return MML_ENOMEM;
    for (i64 i = 0; i < stage->measurement_count; i++)
        read_measure(s, &stage->measurements[i], out->seed, &out->measures[i]);
    return MML_OK;
}

Status mml_stage_settings_read(const MmlSettings *settings, MmlStageSettings **out) {
    const MmlExperiment *experiment = settings->experiment;
    *out = MML_NEW(settings->arena, MmlStageSettings, experiment->stage_count + 1);
    if (!*out) return MML_ENOMEM;
    for (i64 i = 0; i < experiment->stage_count; i++) MML_TRY(read_stage(settings, &experiment->stages[i], &(*out)[i]));
    return MML_OK;
}
