#include "mml/session.h"

#include "mml/kernels.h"
#include "train/checkpoint.h"
#include "train/measure.h"
#include "train/summary.h"
#include "train/tensor_list.h"
#include "train/trainer.h"

#include <stdlib.h>
#include <string.h>

struct MmlSession {
    MmlRun        run;
    MmlExperiment experiment;             /* the compiled one, with stages of its own whose policy may change */
    MmlStage     *stages;
};

/* ---- A state in memory ---- */

struct MmlSnapshot {
    char           *bytes;                /* the tensors of train/tensor_list.h, one behind the other */
    const char     *reason;
    const char    **stage_reasons;        /* [stage_count]                                            */
    const MmlRule **policies;             /* [stage_count]                                            */
    MmlValue      **policy_states;        /* [stage_count] where their words lie                      */
    const MmlValue *policy_settings;
    double          epoch_seconds, epoch_load_seconds;
    MmlSeconds      seconds;
};

static size_t element_bytes(const MmlTensor *tensor) { return tensor->dtype == MML_DTYPE_F32 ? 4 : tensor->dtype == MML_DTYPE_U8 ? 1 : 8; }

typedef enum { KEEP, RETURN } Direction;

/* Between where the run has its tensors and bytes; with bytes NULL only counts. */
static Status copy_tensors(MmlRun *run, char *bytes, Direction direction, size_t *total) {
    MmlArena *arena = mml_arena_new();
    if (!arena) return MML_ENOMEM;
    MmlTensorList list = mml_list_all(run, arena, 0);
    *total = 0;
    for (i64 i = 0; i < list.count && list.status == MML_OK; i++) {
        size_t size = (size_t)list.tensors[i].count * element_bytes(&list.tensors[i]);
        if (bytes && direction == KEEP) memcpy(bytes + *total, list.tensors[i].data, size);
        if (bytes && direction == RETURN) memcpy(list.tensors[i].data, bytes + *total, size);
        *total += size;
    }
    mml_arena_free(arena);
    return list.status;
}

void mml_snapshot_free(MmlSnapshot *snapshot) {
    if (!snapshot) return;
    free(snapshot->bytes);
    free(snapshot->stage_reasons);
    free(snapshot->policies);
    free(snapshot->policy_states);
    free(snapshot);
}

Status mml_session_keep(MmlSession *session, MmlSnapshot **out) {
    MmlRun *run = &session->run;
    size_t count = (size_t)run->experiment->stage_count, total = 0;
    *out = NULL;
    MML_TRY(copy_tensors(run, NULL, KEEP, &total));
    MmlSnapshot *snapshot = calloc(1, sizeof *snapshot);
    if (!snapshot) return mml_fail(MML_ENOMEM, "out of memory for a state");
    snapshot->bytes = malloc(total);
    snapshot->stage_reasons = malloc(count * sizeof *snapshot->stage_reasons);
    snapshot->policies = malloc(count * sizeof *snapshot->policies);
    snapshot->policy_states = malloc(count * sizeof *snapshot->policy_states);
    if (!snapshot->bytes || !snapshot->stage_reasons || !snapshot->policies || !snapshot->policy_states) {
        mml_snapshot_free(snapshot);
        return mml_fail(MML_ENOMEM, "out of memory for a state of %zu MiB", total >> 20);
    }
    Status status = copy_tensors(run, snapshot->bytes, KEEP, &total);
    for (size_t i = 0; i < count; i++) {
        snapshot->stage_reasons[i] = run->state.stage_reasons[i];
        snapshot->policies[i] = session->stages[i].policy;
        snapshot->policy_states[i] = run->state.stages[i].policy;
    }
    snapshot->reason = run->state.at.reason;
    snapshot->policy_settings = run->policy_settings;
    snapshot->epoch_seconds = run->epoch_seconds;
    snapshot->epoch_load_seconds = run->epoch_load_seconds;
    snapshot->seconds = run->seconds;
    if (status == MML_OK) *out = snapshot;
    else mml_snapshot_free(snapshot);
    return status;
}

Status mml_session_return(MmlSession *session, const MmlSnapshot *snapshot) {
    MmlRun *run = &session->run;
    size_t total;
    for (i64 i = 0; i < run->experiment->stage_count; i++) {
        run->state.stage_reasons[i] = snapshot->stage_reasons[i];
        run->state.stages[i].policy = snapshot->policy_states[i];
        session->stages[i].policy = snapshot->policies[i];
    }
    run->policy_settings = snapshot->policy_settings;
    MML_TRY(copy_tensors(run, snapshot->bytes, RETURN, &total));
    run->state.at.reason = snapshot->reason;
    run->epoch_seconds = snapshot->epoch_seconds;
    run->epoch_load_seconds = snapshot->epoch_load_seconds;
    run->seconds = snapshot->seconds;
    if (run->state.stage < run->experiment->stage_count) run->state.at.policy = run->state.stages[run->state.stage].policy;
    return MML_OK;
}

/* After a failure the session is as it was; a stop asked for is none. */
static Status or_return(MmlSession *session, MmlSnapshot *before, Status status) {
    if (status != MML_OK && status != MML_EINTERRUPT) {
        char message[1024];
        strncpy(message, mml_message(), sizeof message - 1);
        message[sizeof message - 1] = 0;
        Status returned = mml_session_return(session, before);
        if (returned == MML_OK) mml_fail(status, "%s", message);
        else status = returned;
    }
    mml_snapshot_free(before);
    return status;
}

/* ---- A session ---- */

void mml_session_free(MmlSession *session) {
    if (!session) return;
    MmlRun *run = &session->run;
    mml_log_close(&run->log);
    mml_work_free(&run->work);
    mml_model_free(&run->model);
    mml_data_close(run->data);
    mml_threads_free(run->threads);
    mml_arena_free(run->arena);
    free(session->stages);
    free(session);
}

static int needs_second(const MmlRun *run) {
    for (i64 i = 0; i < run->experiment->stage_count; i++)
        if (run->stages[i].optimizer.kind == MML_ADAM) return 1;
    return 0;
}

/* --kernels reference: every stage has its steps twice. */
static void choose_kernels(MmlSession *session) {
    MmlCall *call = &session->run.call;
    if (!call->kernels) call->kernels = "fast";
    for (i64 i = 0; i < session->experiment.stage_count && !strcmp(call->kernels, "reference"); i++) {
        MmlStage *stage = &session->stages[i];
        if (stage->reference_train) stage->train = stage->reference_train;
        if (stage->reference_evaluate) stage->evaluate = stage->reference_evaluate;
    }
}

static Status open_session(MmlSession *session, int argc, char **argv) {
    MmlRun *run = &session->run;
    if (session->experiment.block > mml_block_of_cpu())
        return mml_fail(MML_ECALL, "the code is for another processor than this one: leave --target-cpu out");
    MML_TRY(mml_settings_new(run->arena, run->experiment, &run->settings));
    MML_TRY(mml_options_parse(argc, argv, &run->settings, &run->call));
    run->screen = mml_screen_new(run->experiment, run->call.quiet, 0);
    choose_kernels(session);
    MML_TRY(mml_settings_finish(&run->settings));
    MML_TRY(mml_stage_settings_read(&run->settings, &run->stages));
    MML_TRY(mml_trainer_state(run));
    MML_TRY(mml_trainer_check(run));
    MML_TRY(mml_threads_new(run->call.threads ? (int)run->call.threads : mml_threads_available(), &run->threads));
    u64 seed = (u64)mml_int(&run->settings, "train.seed");
    MML_TRY(mml_model_new(run->experiment, seed, needs_second(run), run->threads, run->arena, &run->model));
    double started = mml_now();
    MML_TRY(mml_data_open(&run->settings, seed, run->threads, &run->data));
    run->seconds.data = mml_now() - started;
    for (i64 i = 0; i < run->experiment->stage_count; i++) MML_TRY(mml_measures_check(run->data, &run->stages[i]));
    mml_model_ready(&run->model, run->threads);
    return mml_work_new(run->experiment, &run->settings, run->stages, run->threads, run->data, &run->model, run->arena, &run->work);
}

Status mml_session_new(const MmlExperiment *experiment, int argc, char **argv, MmlSession **out) {
    *out = NULL;
    MmlSession *session = calloc(1, sizeof *session);
    if (!session) return mml_fail(MML_ENOMEM, "out of memory for a session");
    size_t stages = sizeof *session->stages * (size_t)experiment->stage_count;
    session->experiment = *experiment;
    session->stages = malloc(stages);
    session->run = (MmlRun){.experiment = &session->experiment, .arena = mml_arena_new(), .folder_lock = -1};
    session->run.log = mml_log_none(&session->experiment);
    Status status = session->stages && session->run.arena ? MML_OK : mml_fail(MML_ENOMEM, "out of memory for a session");
    if (status == MML_OK) {
        memcpy(session->stages, experiment->stages, stages);
        session->experiment.stages = session->stages;
        status = open_session(session, argc, argv);
    }
    if (status == MML_OK) *out = session;
    else mml_session_free(session);
    return status;
}

/* ---- What is done with it ---- */

static int follows_policy(const MmlStage *stage) { return stage->policy || stage->has_probe; }

static Status exchange(MmlSession *session, const MmlRule *policy, const MmlSettings *settings) {
    MmlRun *run = &session->run;
    int any = 0;
    run->policy_settings = settings->values;
    for (i64 i = run->state.stage; i < run->experiment->stage_count; i++) {
        if (!follows_policy(&session->stages[i])) continue;
        session->stages[i].policy = policy;
        MML_TRY(mml_trainer_policy(run, i));
        any = 1;
    }
    return any ? MML_OK : mml_fail(MML_EINPUT, "no stage that is still to be trained has a policy or a probe");
}

Status mml_session_policy(MmlSession *session, const MmlExperiment *bound, const MmlSettings *settings) {
    MmlSnapshot *before;
    MML_TRY(mml_session_keep(session, &before));
    return or_return(session, before, exchange(session, bound->stages[0].policy, settings));
}

static Status train(MmlSession *session, i64 epochs, i64 batches) {
    MmlRun *run = &session->run;
    MmlRunState *state = &run->state;
    run->limit = (MmlLimit){epochs ? state->epochs + epochs : 0, batches ? state->steps + batches : 0};
    double started = mml_now();
    Status status = mml_trainer_run(run);
    run->limit = (MmlLimit){0};
    run->seconds.total += mml_now() - started;
    if (status != MML_OK || state->stage < run->experiment->stage_count) return status;
    MmlSummary summary;
    MML_TRY(mml_summary_make(run, 0, &summary));
    mml_summary_print(run, &summary);
    return MML_OK;
}

Status mml_session_train(MmlSession *session, i64 epochs, i64 batches) {
    MmlSnapshot *before;
    MmlRun *run = &session->run;
    if (run->state.stage == run->experiment->stage_count) return mml_fail(MML_EINPUT, "every stage has ended; go back to a state before that");
    MML_TRY(mml_session_keep(session, &before));
    Status status = or_return(session, before, train(session, epochs, batches));
    mml_screen_progress_end(&run->screen);
    return status == MML_EINTERRUPT && !mml_stop_asked() ? MML_OK : status;
}

Status mml_session_probe(MmlSession *session, MmlProbeResult *out) {
    MmlRun *run = &session->run;
    MmlMeasured measured;
    i64 last = run->experiment->stage_count - 1;
    for (i64 i = run->state.stage < last ? run->state.stage : last; i >= 0; i--) {
        if (!session->stages[i].has_probe) continue;
        MML_TRY(mml_measure(run, &run->stages[i], &run->stages[i].measures[0], run->state.at.done, &measured));
        *out = measured.result;
        return MML_OK;
    }
    return mml_fail(MML_EINPUT, "no stage so far has a probe; `probe = pid()` in a stage gives it one");
}

const char *mml_session_place(const MmlSession *session) {
    const MmlRun *run = &session->run;
    const MmlRunState *state = &run->state;
    if (state->stage == run->experiment->stage_count)
        return mml_arena_format(run->arena, "every stage has ended, %lld batches trained", (long long)state->steps);
    const char *name = run->experiment->stages[state->stage].name;
    if (!state->begun) return mml_arena_format(run->arena, "%s, not begun, %lld batches trained", name, (long long)state->steps);
    if (state->batch)
        return mml_arena_format(run->arena, "%s, epoch %lld, after batch %lld, %lld batches trained", name, (long long)state->at.epoch,
                                (long long)state->batch, (long long)state->steps);
    return mml_arena_format(run->arena, "%s, after epoch %lld, %lld batches trained", name, (long long)state->at.done, (long long)state->steps);
}

Status mml_session_write(MmlSession *session, const char *path) { return mml_checkpoint_write(&session->run, path); }

Status mml_session_read(MmlSession *session, const char *path) {
    MmlSnapshot *before;
    MML_TRY(mml_session_keep(session, &before));
    return or_return(session, before, mml_checkpoint_read(&session->run, path));
}
