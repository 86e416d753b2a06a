#include "train/step.h"

#include "train/clusters.h"
#include "train/interrupt.h"
#include "train/rule_actions.h"
#include "train/update.h"

#include <math.h>
#include <string.h>

i64 mml_batches(const MmlRun *run, const MmlStageSettings *stage) {
    i64 capacity = mml_work_capacity(&run->work, stage);
    return (mml_data_count(run->data, MML_TRAIN) + capacity - 1) / capacity;
}

static MmlClock clock_of(const MmlRun *run, const MmlStageSettings *stage, i64 group) {
    if (!stage->schedule.modality_clock) return run->state.clock;
    return (MmlClock){run->state.group_epochs[group], run->state.group_steps[group]};
}

double mml_group_rate(const MmlRun *run, const MmlStageSettings *stage, i64 group) {
    return mml_schedule_rate(&stage->schedule, stage->optimizer.lr, clock_of(run, stage, group), mml_batches(run, stage));
}

double mml_epoch_rate(const MmlRun *run, const MmlStageSettings *stage, i64 group) {
    MmlClock clock = clock_of(run, stage, group);
    clock.epochs -= clock.epochs > 0;
    clock.steps -= clock.steps > 0;
    return mml_schedule_rate(&stage->schedule, stage->optimizer.lr, clock, mml_batches(run, stage));
}

/* ---- A loss that is not finite ---- */

typedef struct { i64 node; } Search;

static void note_bad_node(MmlFrame *frame, i64 node, const float *value, i64 count) {
    Search *search = frame->trace_context;
    if (search->node >= 0) return;
    for (i64 i = 0; i < count; i++)
        if (!isfinite(value[i])) {
            search->node = node;
            return;
        }
}

/* Runs the step again with every layer's values watched. */
static Status not_finite(MmlRun *run, const MmlStageSettings *stage, i64 epoch, i64 batch) {
    MmlWork *work = &run->work;
    const MmlStep *step = stage->stage->train;
    const char *failure = mml_rule_failure();
    if (!failure) failure = mml_decomposer_failure(work->decomposer);
    if (failure) return mml_fail(MML_ENUMERIC, "stage %s, epoch %lld, batch %lld: %s", stage->stage->name, (long long)epoch,
                                 (long long)batch + 1, failure);
    double loss = work->frame.loss;
    const char *parameter = mml_model_first_bad(&run->model);
    Search search = {.node = -1};
    work->frame.trace = note_bad_node;
    work->frame.trace_context = &search;
    mml_work_run(work, step, mml_work_capacity(work, stage));
    work->frame.trace = NULL;
    int in_layer = search.node >= 0 && search.node < step->node_count;
    const char *layer = in_layer ? step->nodes[search.node] : "the loss itself";
    const char *cause = parameter ? mml_arena_format(run->arena, "the weights '%s' were no longer finite", parameter) : NULL;
    return mml_fail(MML_ENUMERIC,
                    "the loss is %s in stage %s, epoch %lld, batch %lld; the first value that is not finite comes from %s%s"
                    " (%s%stry a smaller learning rate or clip)",
                    isnan(loss) ? "NaN" : "infinite", stage->stage->name, (long long)epoch, (long long)batch + 1, in_layer ? "layer " : "", layer,
                    cause ? cause : "", cause ? "; " : "");
}

/* ---- Steps ---- */

/* A head is known by its parameters' names. */
static i64 head_of(const MmlExperiment *experiment, const MmlParameter *parameter) {
    if (parameter->group >= experiment->modality_count) return -1;
    const char *name = experiment->modalities[parameter->group].name;
    size_t length = strlen(name);
    int is_head = !strncmp(parameter->name, "head.", 5) && !strncmp(parameter->name + 5, name,
                                                                    length) && parameter->name[5 + length] == '.';
    return is_head ? parameter->group : -1;
}

int mml_stage_reaches_head(const MmlExperiment *experiment, const MmlStage *stage, i64 modality) {
    for (i64 p = 0; p < experiment->parameter_count; p++)
        if (stage->train->reached[p] && head_of(experiment, &experiment->parameters[p]) == modality) return 1;
    return 0;
}

void mml_mark_reached(MmlRun *run, const MmlStage *stage) {
    for (i64 m = 0; m < run->experiment->modality_count; m++)
        if (run->state.at.active[m] && mml_stage_reaches_head(run->experiment, stage, m)) run->state.head_reached[m] = 1;
}

static void update(MmlRun *run, const MmlStageSettings *stage) {
    i64 moves[MML_MAX_GROUPS], groups = run->work.groups;
    double rates[MML_MAX_GROUPS];
    for (i64 g = 0; g < groups; g++) {
        moves[g] = run->work.active[g] ? 1 : stage->zero_gradient && g + 1 < groups ? 2 : 0;
        rates[g] = mml_group_rate(run, stage, g);
    }
    mml_update(&run->model, stage, stage->stage->train->reached, moves, rates, run->threads);
}

Status mml_train_batch(MmlRun *run, const MmlStageSettings *stage, i64 epoch, i64 batch) {
    MmlWork *work = &run->work;
    mml_work_train_flags(work, stage, run->state.at.active);
    work->frame.seed = stage->seed;
    work->frame.step = (u64)run->state.steps;
    work->frame.state = run->state.at.method;
    work->frame.decomposer = work->decomposer;
    mml_work_run(work, stage->stage->train, mml_work_capacity(work, stage));
    int any = 0;
    for (i64 g = 0; g < work->groups; g++) any |= work->active[g] != 0;
    if (any && !isfinite(work->frame.loss)) return not_finite(run, stage, epoch, batch);
    mml_tally_add(&run->state.tally, work, stage->stage);
    update(run, stage);
    run->state.steps++;
    run->state.clock.steps++;
    for (i64 g = 0; g < work->groups; g++) {
        run->state.group_steps[g] += work->active[g];
        run->model.tracked[g] += work->forward[g] && work->training[g];
    }
    return MML_OK;
}

static void count_epoch(MmlRun *run) {
    run->state.epochs++;
    run->state.clock.epochs++;
    for (i64 g = 0; g < run->work.groups; g++) run->state.group_epochs[g] += run->work.active[g];
}

void mml_pass_epoch(MmlRun *run, const MmlStageSettings *stage) {
    i64 batches = mml_batches(run, stage);
    run->state.tally = (MmlTally){0};
    run->epoch_seconds = run->epoch_load_seconds = 0;
    mml_mark_reached(run, stage->stage);
    mml_work_train_flags(&run->work, stage, run->state.at.active);
    run->state.steps += batches;
    run->state.clock.steps += batches;
    for (i64 g = 0; g < run->work.groups; g++) run->state.group_steps[g] += batches * run->work.active[g];
    count_epoch(run);
}

/* Every modality of a unimodal stage is paused: its epochs pass without a step. */
static int nothing_runs(MmlRun *run, const MmlStageSettings *stage) {
    mml_work_train_flags(&run->work, stage, run->state.at.active);
    int runs = stage->zero_gradient;
    for (i64 g = 0; g < run->work.groups; g++) runs |= run->work.forward[g] != 0;
    return !runs;
}

static MmlBatchPlan batch_at(const MmlRun *run, i64 batch, i64 capacity) {
    i64 from = batch * capacity, left = mml_data_count(run->data, MML_TRAIN) - from;
    return (MmlBatchPlan){MML_TRAIN, run->work.order + from, left < capacity ? left : capacity, run->state.epochs + 1, 1};
}

/* The epoch's batches from state.batch on. */
static Status train_batches(MmlRun *run, const MmlStageSettings *stage, i64 epoch, i64 batches, i64 capacity) {
    MmlRunState *state = &run->state;
    while (state->batch < batches) {
        if (mml_interrupted() || (run->limit.steps && state->steps >= run->limit.steps))
            return mml_fail(MML_EINTERRUPT, "stopped in stage %s, epoch %lld, after batch %lld of %lld", stage->stage->name,
                            (long long)epoch, (long long)state->batch, (long long)batches);
        MmlBatchPlan plan = batch_at(run, state->batch, capacity);
        MML_TRY(mml_work_load(&run->work, &plan));
        if (state->batch + 1 < batches) {
            MmlBatchPlan next = batch_at(run, state->batch + 1, capacity);
            mml_work_load_ahead(&run->work, &next);
        }
        MML_TRY(mml_train_batch(run, stage, epoch, state->batch));
        state->batch++;
        mml_screen_progress(&run->screen, plan.rows - run->work.order + plan.n);
    }
    return MML_OK;
}

Status mml_train_epoch(MmlRun *run, const MmlStageSettings *stage, i64 stage_index, i64 epoch) {
    MmlRunState *state = &run->state;
    i64 count = mml_data_count(run->data, MML_TRAIN), capacity = mml_work_capacity(&run->work,
            stage), batches = mml_batches(run, stage);
    double started = mml_now(), waited = run->work.load_seconds;
    if (state->batch == 0) {
        state->tally = (MmlTally){0};
        run->epoch_seconds = run->epoch_load_seconds = 0;
        mml_mark_reached(run, stage->stage);
        MML_TRY(mml_clusters_refit(run, stage, epoch));
    }
    if (nothing_runs(run, stage)) {
        mml_pass_epoch(run, stage);
        return MML_OK;
    }
    MML_TRY(mml_data_order(run->data, stage->seed, stage_index, epoch, run->work.order));
    mml_screen_progress_begin(&run->screen, stage->stage->name, epoch, stage->epochs, count, state->batch * capacity);
    Status status = train_batches(run, stage, epoch, batches, capacity);
    run->epoch_seconds += mml_now() - started;
    run->epoch_load_seconds += run->work.load_seconds - waited;
    mml_screen_progress_end(&run->screen);
    if (status != MML_OK) {
        mml_loader_forget(run->work.loader);
        return status;
    }
    count_epoch(run);
    state->batch = 0;
    return MML_OK;
}
