#include "train/trainer.h"

#include "train/checkpoint.h"
#include "train/clusters.h"
#include "train/evaluate.h"
#include "train/files.h"
#include "train/folder.h"
#include "train/measure.h"
#include "train/step.h"
#include "train/trajectory.h"
#include "train/weights.h"

#include <math.h>
#include <string.h>

typedef struct {
    MmlRun                 *run;
    const MmlStageSettings *stage;
    i64                     index;
    MmlMeasured             measured;
    MmlMetrics              metrics[MML_SPLITS];
    MmlTrajectory          *trajectory;       /* another run's, which this stage takes over; NULL: it trains */
} Training;

/* ---- The actions of the stage's loop ---- */

static Status measure(void *context, i64 measurement, i64 epoch, MmlProbe *out) {
    Training *t = context;
    MML_TRY(mml_measure(t->run, t->stage, &t->stage->measures[measurement], epoch, &t->measured));
    t->run->seconds.probe += t->measured.seconds;
    *out = mml_measured_probe(&t->measured, epoch);
    return MML_OK;
}

static Status decided(void *context, i64 measurement, i64 epoch, const MmlRule *rule, const MmlRuleLog *log) {
    Training *t = context;
    MmlRun *run = t->run;
    if (measurement >= 0) {
        MmlProbeLine line = {
            .stage = t->stage->stage, .settings = t->measured.settings, .result = &t->measured.result, .epoch = epoch,
            .active = run->state.at.active, .decision = rule ? log : NULL, .seconds = t->measured.seconds,
        };
        MML_TRY(mml_log_probe(&run->log, &line));
        run->state.probes_lines++;
        mml_screen_probe(&run->screen, &line, t->stage->epochs);
    }
    mml_screen_decision(&run->screen, t->stage->stage, epoch, rule, log);
    return MML_OK;
}

static Status train(void *context, i64 epoch, MmlEpoch *out) {
    Training *t = context;
    if (!t->trajectory) return mml_train_epoch(t->run, t->stage, t->index, epoch);
    mml_trajectory_train(t->trajectory, t->stage, epoch);
    return MML_OK;
}

static void keep_best(Training *t, i64 epoch) {
    MmlRunState *state = &t->run->state;
    MmlSplit split = t->metrics[MML_VALIDATION].samples ? MML_VALIDATION : MML_TEST;
    double accuracy = t->metrics[split].accuracy;
    if (t->stage->stage->kind != MML_STAGE_JOINT || !t->metrics[split].samples || isnan(accuracy)) return;
    if (state->best_epoch && accuracy <= state->best_accuracy) return;
    state->best_accuracy = accuracy;
    state->best_epoch = epoch;
    state->best_stage = t->index;
    state->best_pending = 1;
}

static Status log_epoch(Training *t, i64 epoch) {
    MmlRun *run = t->run;
    double rates[MML_MAX_GROUPS];
    i64 active[MML_MAX_GROUPS];
    for (i64 g = 0; g < run->work.groups; g++) {
        rates[g] = mml_epoch_rate(run, t->stage, g);
        active[g] = g + 1 < run->work.groups ? run->state.at.active[g] : t->stage->stage->kind == MML_STAGE_JOINT;
    }
    for (int split = 0; split < MML_SPLITS; split++) {
        if (!mml_data_count(run->data, split)) continue;
        MML_TRY(mml_log_metrics(&run->log, t->stage->stage, epoch, split, &t->metrics[split], rates, active));
        run->state.metrics_lines++;
        run->seconds.train += t->metrics[split].seconds;
        run->seconds.loading += t->metrics[split].load_seconds;
    }
    i64 shown = 0;
    while (shown + 1 < run->work.groups && !active[shown]) shown++;
    mml_screen_epoch(&run->screen, t->stage->stage, epoch, t->stage->epochs, t->metrics, rates[shown]);
    return MML_OK;
}

/* The epoch's numbers, measured. */
static Status measure_epoch(Training *t) {
    MmlRun *run = t->run;
    MmlMetrics *train_metrics = &t->metrics[MML_TRAIN];
    *train_metrics = mml_tally_metrics(&run->state.tally, t->stage->stage, run->experiment->modality_count, run->state.head_reached,
                                       run->state.at.active);
    train_metrics->seconds = run->epoch_seconds;
    train_metrics->load_seconds = run->epoch_load_seconds;
    for (int split = MML_VALIDATION; split <= MML_TEST; split++)
        if (mml_data_count(run->data, split)) MML_TRY(mml_evaluate(run, t->stage, split, &t->metrics[split], NULL));
    return MML_OK;
}

static Status take_over_epoch(Training *t) {
    for (int split = 0; split < MML_SPLITS; split++)
        if (mml_data_count(t->run->data, split)) MML_TRY(mml_trajectory_metrics(t->trajectory, split, &t->metrics[split]));
    return MML_OK;
}

static Status evaluate(void *context, i64 epoch, MmlEpoch *out) {
    Training *t = context;
    MmlRun *run = t->run;
    const MmlMetrics *train_metrics = &t->metrics[MML_TRAIN];
    memset(t->metrics, 0, sizeof t->metrics);
    MML_TRY(t->trajectory ? take_over_epoch(t) : measure_epoch(t));
    MML_TRY(log_epoch(t, epoch));
    keep_best(t, epoch);
    out->loss = train_metrics->loss;
    out->losses = train_metrics->head_loss;
    out->accuracy = train_metrics->head_accuracy;
    MmlSplit judged = mml_data_count(run->data, MML_VALIDATION) ? MML_VALIDATION : MML_TEST;
    if (t->metrics[judged].samples) out->validation = t->metrics[judged].head_accuracy;
    return MML_OK;
}

/* `save = [1, 5] epochs`: weights alone, under the stage's name and the epoch. */
static Status keep_weights(Training *t) {
    MmlRun *run = t->run;
    i64 done = run->state.at.done;
    for (i64 i = 0; i < t->stage->save_count; i++) {
        if (t->stage->save[i].i != done) continue;
        const char *name = mml_arena_format(run->arena, "%s-%lld.safetensors", t->stage->stage->name, (long long)done);
        const char *path = name ? mml_folder_path(run, name) : NULL;
        if (!path) return MML_ENOMEM;
        return mml_weights_write(run, path);
    }
    return MML_OK;
}

/* Weights that are kept besides come first: whoever finds this epoch's last.safetensors finds them too. */
static Status save_files(Training *t) {
    MmlRun *run = t->run;
    const char *last = mml_folder_path(run, "last.safetensors"), *best = mml_folder_path(run, "best.safetensors");
    if (!last || !best) return MML_ENOMEM;
    MML_TRY(mml_log_flush(&run->log));
    MML_TRY(keep_weights(t));
    if (t->index == 0 && run->share && run->share->keep && run->share->keep[run->state.at.done]) MML_TRY(mml_trajectory_keep(run));
    if (run->state.best_pending) {
        run->state.best_pending = 0;
        MML_TRY(mml_checkpoint_write(run, best));
    }
    return mml_checkpoint_write(run, last);
}

static Status save(void *context) {
    Training *t = context;
    MmlRun *run = t->run;
    run->state.stage_epochs[t->index] = run->state.at.done;
    if (t->trajectory) return MML_OK;            /* its weights come at the end; to go on is to take it over again */
    if (run->folder) MML_TRY(save_files(t));
    if (!run->limit.epochs || run->state.epochs < run->limit.epochs) return MML_OK;
    return mml_fail(MML_EINTERRUPT, "stopped in stage %s after epoch %lld", t->stage->stage->name, (long long)run->state.at.done);
}

static const MmlStageActions training_actions = {.measure = measure, .decided = decided, .train = train,
                                                 .evaluate = evaluate, .save = save};

/* ---- Stages ---- */

static MmlStagePlan plan_of(MmlRun *run, i64 index, MmlMeasureTime *times) {
    const MmlStageSettings *stage = &run->stages[index];
    for (i64 i = 0; times && i < stage->stage->measurement_count; i++)
        times[i] = (MmlMeasureTime){stage->measures[i].every, stage->measures[i].after, stage->measures[i].untrained};
    return (MmlStagePlan){
        .stage = stage->stage, .modalities = run->experiment->modality_count, .epochs = stage->epochs, .times = times,
        .settings = run->settings.values, .policy_settings = run->policy_settings, .text = run->settings.text, .arena = run->arena, .log = &run->rule_log,
    };
}

Status mml_trainer_state(MmlRun *run) {
    i64 stages = run->experiment->stage_count;
    run->state = (MmlRunState){0};
    run->rule_log = (MmlRuleLog){.arena = run->arena, .modalities = run->experiment->modalities};
    run->state.stage_epochs = MML_NEW(run->arena, i64, stages);
    run->state.stage_reasons = MML_NEW(run->arena, const char *, stages);
    run->state.stages = MML_NEW(run->arena, MmlStageState, stages);
    if (!run->state.stage_epochs || !run->state.stage_reasons || !run->state.stages) return MML_ENOMEM;
    for (i64 i = 0; i < stages; i++) {
        MmlStagePlan plan = plan_of(run, i, NULL);
        MML_TRY(mml_stage_state_new(&plan, &run->state.stages[i]));
    }
    return MML_OK;
}

static Status ignore_decision(void *context, i64 measurement, i64 epoch, const MmlRule *rule, const MmlRuleLog *log) { return MML_OK; }

Status mml_trainer_policy(MmlRun *run, i64 index) {
    Training training = {.run = run, .stage = &run->stages[index], .index = index};
    MmlStageActions actions = training_actions;
    actions.context = &training;
    MmlStagePlan plan = plan_of(run, index, NULL);
    MmlStageState trial = {.epoch = 1};
    static const MmlStageActions silent = {.decided = ignore_decision};
    MML_TRY(mml_stage_state_new(&plan, &trial));
    MML_TRY(mml_stage_begin(&plan, &trial, &silent));            /* a `requires` fails here, and nothing has changed */
    run->state.stages[index].policy = trial.policy;
    if (run->state.stage != index || !run->state.begun) return MML_OK;
    run->state.at.policy = trial.policy;
    return mml_stage_policy(&plan, &run->state.at, &actions);
}

static int earlier_stage_saves(const MmlRun *run, i64 index) {
    for (i64 i = 0; i < index; i++)
        if (run->stages[i].save_count && run->stages[i].epochs) return 1;
    return 0;
}

static Status check_load(const MmlRun *run, i64 index) {
    const MmlStageSettings *stage = &run->stages[index];
    if (!stage->load || earlier_stage_saves(run, index)) return MML_OK;
    for (i64 m = 0; m < run->experiment->modality_count; m++)
        if (*stage->load[m] && !mml_exists(stage->load[m]))
            return mml_fail(MML_EDATA, "%s.load: there is no file %s", stage->stage->path, stage->load[m]);
    return MML_OK;
}

Status mml_trainer_check(MmlRun *run) {
    static const MmlStageActions actions = {.decided = ignore_decision};
    for (i64 i = 0; i < run->experiment->stage_count; i++) {
        if (run->stages[i].epochs == 0) continue;
        MmlStagePlan plan = plan_of(run, i, NULL);
        MML_TRY(mml_stage_begin(&plan, &run->state.stages[i], &actions));
        MML_TRY(check_load(run, i));
    }
    return MML_OK;
}

static int is_first_trained(const MmlRun *run, i64 index) {
    for (i64 i = 0; i < index; i++)
        if (run->stages[i].epochs > 0) return 0;
    return 1;
}

static void ready_optimizer(MmlRun *run, const MmlStageSettings *stage, i64 index) {
    MmlRunState *state = &run->state;
    int fresh = !stage->continues || is_first_trained(run, index);
    if (fresh) {
        state->clock = (MmlClock){0};
        memset(state->group_epochs, 0, sizeof state->group_epochs);
        memset(state->group_steps, 0, sizeof state->group_steps);
    } else if (state->optimizer != (i64)stage->optimizer.kind) {
        mml_screen_line(&run->screen,
                        "%s: the stage before it had another kind of optimiser, whose memory cannot go on; the schedule does", stage->stage->name);
        fresh = 1;
    }
    if (fresh) mml_model_forget_updates(&run->model);
    state->optimizer = stage->optimizer.kind;
}

static Status load_modality(MmlRun *run, const MmlStageSettings *stage, i64 m, const char *what) {
    const char *path = stage->load[m];
    MmlMatch match;
    Status status = mml_weights_read(run, path, 0, m, &match, &run->screen);
    if (status != MML_OK) return mml_context(status, "%s", what);
    if (!match.matched) return mml_weights_none(run, what, path, m);
    mml_screen_line(&run->screen, "%s: %s from %s (%lld tensors loaded, %lld not in the file, %lld of another shape)", stage->stage->name,
                    run->experiment->modalities[m].name, path, (long long)match.matched, (long long)match.missing,
                    (long long)match.different);
    return MML_OK;
}

/* One file for all brings the fusion too where it fits; else each modality comes from
 * its own file. What isn't in a file is told and stays as it is: weights from
 * elsewhere have no head. */
static Status load_weights(MmlRun *run, const MmlStageSettings *stage) {
    if (!stage->load) return MML_OK;
    MmlMatch match;
    i64 modalities = run->experiment->modality_count;
    const char *what = mml_arena_format(run->arena, "%s.load", stage->stage->path);
    if (!what) return MML_ENOMEM;
    for (i64 m = 0; m < modalities; m++)
        if (*stage->load[m]) MML_TRY(load_modality(run, stage, m, what));
    if (!stage->load_whole) return MML_OK;
    Status status = mml_weights_read(run, stage->load[0], 0, modalities, &match, &run->screen);
    return status == MML_OK ? MML_OK : mml_context(status, "%s", what);
}

Status mml_trainer_begin_stage(MmlRun *run, i64 index) {
    const MmlStageSettings *stage = &run->stages[index];
    Training training = {.run = run, .stage = stage, .index = index};
    MmlStageActions actions = training_actions;
    actions.context = &training;
    MmlStagePlan plan = plan_of(run, index, NULL);
    ready_optimizer(run, stage, index);
    MML_TRY(load_weights(run, stage));
    run->state.at.policy = run->state.stages[index].policy;
    run->state.at.method = run->state.stages[index].method;
    MML_TRY(mml_stage_begin(&plan, &run->state.at, &actions));
    mml_clusters_forget(run, run->stages[index].stage);
    run->state.batch = 0;
    run->state.begun = 1;
    return MML_OK;
}

static Status run_stage(MmlRun *run, i64 index) {
    MmlRunState *state = &run->state;
    const MmlStageSettings *stage = &run->stages[index];
    Training *training = MML_NEW(run->arena, Training, 1);
    MmlMeasureTime *times = MML_NEW(run->arena, MmlMeasureTime, stage->stage->measurement_count);
    if (!training || !times) return MML_ENOMEM;
    *training = (Training){.run = run, .stage = stage, .index = index};
    MmlStageActions actions = training_actions;
    actions.context = training;
    MmlStagePlan plan = plan_of(run, index, times);
    int shared = index == 0 && !state->begun && run->share && run->share->from;
    if (!state->begun) MML_TRY(mml_trainer_begin_stage(run, index));
    state->at.policy = state->stages[index].policy;
    state->at.method = state->stages[index].method;
    Status status = shared ? mml_trajectory_open(run, &training->trajectory) : MML_OK;
    if (status == MML_OK) status = mml_stage_run(&plan, &state->at, &actions);
    if (status == MML_OK && shared) status = mml_trajectory_weights(training->trajectory);
    mml_trajectory_close(training->trajectory);
    MML_TRY(status);
    state->stage_epochs[index] = state->at.done;
    state->stage_reasons[index] = state->at.reason;
    mml_screen_line(&run->screen, "%s ends after %lld epoch%s: %s", stage->stage->name, (long long)state->at.done,
                    state->at.done == 1 ? "" : "s", state->at.reason);
    return MML_OK;
}

/* The checkpoint of a run that goes on with the stage at hand. */
static Status stop_before(MmlRun *run) {
    const char *last = mml_folder_path(run, "last.safetensors");
    if (!last) return MML_ENOMEM;
    MML_TRY(mml_log_flush(&run->log));
    return mml_checkpoint_write(run, last);
}

static Status run_stages(MmlRun *run) {
    MmlRunState *state = &run->state;
    for (; state->stage < run->experiment->stage_count; state->stage++, state->begun = 0) {
        if (run->call.until && !strcmp(run->call.until, run->experiment->stages[state->stage].name)) return stop_before(run);
        if (run->stages[state->stage].epochs > 0) MML_TRY(run_stage(run, state->stage));
        else state->stage_reasons[state->stage] = "skipped: epochs = 0";
    }
    return MML_OK;
}

/* A run whose stages are all skipped has the weights that it began with. */
static Status keep_untrained(MmlRun *run) {
    const char *last = run->folder ? mml_folder_path(run, "last.safetensors") : NULL;
    if (!run->folder) return MML_OK;
    if (!last) return MML_ENOMEM;
    return mml_exists(last) ? MML_OK : mml_checkpoint_write(run, last);
}

Status mml_trainer_run(MmlRun *run) {
    Status status = run_stages(run);
    if (status == MML_OK) return keep_untrained(run);
    if (status != MML_EINTERRUPT || !run->folder) return status;
    char message[512];
    strncpy(message, mml_message(), sizeof message - 1);
    message[sizeof message - 1] = 0;
    const char *last = mml_folder_path(run, "last.safetensors");
    if (!last) return MML_ENOMEM;
    MML_TRY(mml_log_flush(&run->log));
    MML_TRY(mml_checkpoint_write(run, last));
    return mml_fail(MML_EINTERRUPT, "%s", message);
}
