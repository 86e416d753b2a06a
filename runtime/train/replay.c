#include "mml/replay.h"

#include "train/replay_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The replay of one stage, beside the stage's loop. */
typedef struct {
    const MmlReplayLog      *log;
    const MmlReplayListener *listener;
    MmlArena                *arena;
    MmlStageState           *state;
    const char              *stage, *measure;      /* whose lines the policy hears of     */
    i64                      next;                 /* of log->probes                      */
    i64                      last_epoch;           /* trained in the log                  */
    MmlReplayStage           result;
    const MmlLoggedProbe    *at;                   /* the one the policy has just heard of */
} Replay;

static int is_heard(const Replay *r, const MmlLoggedProbe *probe) { return !strcmp(probe->stage, r->stage) && !strcmp(probe->measure, r->measure); }

static const MmlLoggedProbe *next_probe(Replay *r) {
    while (r->next < r->log->probe_count && !is_heard(r, &r->log->probes[r->next])) r->next++;
    return r->next < r->log->probe_count ? &r->log->probes[r->next] : NULL;
}

static const char *active_text(const Replay *r, const i64 *active) {
    const char *text = "";
    for (i64 m = 0; m < r->log->modality_count; m++)
        if (active[m]) text = mml_arena_format(r->arena, "%s%s%s", text, *text ? ", " : "", r->log->modalities[m]);
    return *text ? text : "none";
}

/* ---- The actions of the stage's loop ---- */

static Status log_ends(const Replay *r) { return mml_fail(MML_EINTERRUPT, "the log of stage %s ends", r->stage); }

static Status measure(void *context, i64 measurement, i64 epoch, MmlProbe *out) {
    Replay *r = context;
    const MmlLoggedProbe *probe = next_probe(r);
    if (!probe || probe->probe.epoch != epoch) return log_ends(r);
    r->at = probe;
    r->next++;
    *out = probe->probe;
    return MML_OK;
}

static void tell_line(Replay *r, const MmlLoggedProbe *probe, i64 epoch, const char *replayed) {
    MmlReplayLine line = {
        .stage = r->stage, .epoch = epoch, .probe = probe ? &probe->probe : NULL, .taken = probe ? probe->decision : NULL,
        .replayed = replayed, .hypothetical = r->result.parted >= 0,
    };
    if (probe) line.taken_active = active_text(r, probe->active);
    if (replayed) line.replayed_active = active_text(r, r->state->active);
    int same_active = probe && replayed && !memcmp(probe->active, r->state->active, sizeof *probe->active * (size_t)r->log->modality_count);
    line.same = same_active && line.taken && !strcmp(line.taken, replayed);
    if (probe && replayed && r->result.parted < 0 && (!same_active || (probe->finish != NULL) != (r->state->finished != 0))) r->result.parted = epoch;
    r->result.lines += probe != NULL;
    r->result.differing += probe && !line.same;
    r->listener->line(r->listener->context, &line);
}

static Status decided(void *context, i64 measurement, i64 epoch, const MmlRule *rule, const MmlRuleLog *log) {
    Replay *r = context;
    const char *text = mml_decision_text(r->arena, log->actions, log->action_count, log->finish, log->said, log->said_count);
    if (measurement >= 0) tell_line(r, r->at, epoch, text);
    else if (mml_rule_log_any(log)) tell_line(r, NULL, epoch, text);
    return MML_OK;
}

static Status train(void *context, i64 epoch, MmlEpoch *out) {
    Replay *r = context;
    return epoch <= r->last_epoch || (!r->log->epochs && next_probe(r)) ? MML_OK : log_ends(r);
}

static Status evaluate(void *context, i64 epoch, MmlEpoch *out) {
    Replay *r = context;
    for (i64 i = 0; i < r->log->epoch_count; i++) {
        const MmlLoggedEpoch *logged = &r->log->epochs[i];
        if (logged->epoch.index == epoch && !strcmp(logged->stage, r->stage)) *out = logged->epoch;
    }
    return MML_OK;
}

static Status save(void *context) { return MML_OK; }

/* ---- One stage ---- */

static i64 whole_number(const char *text, i64 otherwise) { return text ? strtoll(text, NULL, 10) : otherwise; }

/* When probes were due: run.json says it; else as often as the log has them. */
static MmlMeasureTime times_of(Replay *r) {
    char property[64], digits[3][MML_NUMBER_TEXT];
    snprintf(property, sizeof property, "%s.every", r->measure);
    const char *every = mml_replay_log_setting(r->log, r->stage, property, digits[0]);
    snprintf(property, sizeof property, "%s.when", r->measure);
    const char *when = mml_replay_log_setting(r->log, r->stage, property, digits[1]);
    snprintf(property, sizeof property, "%s.untrained", r->measure);
    const char *untrained = mml_replay_log_setting(r->log, r->stage, property, digits[2]);
    MmlMeasureTime times = {whole_number(every, 0), when && !strcmp(when, "after"), untrained && !strcmp(untrained, "true")};
    if (times.every > 0) return times;
    for (i64 i = 0; i < r->log->probe_count; i++) {
        i64 a = r->log->probes[i].probe.epoch, b = times.every;
        if (!is_heard(r, &r->log->probes[i])) continue;
        if (a == 0) times.after = times.untrained = 1;
        while (b) { i64 rest = a % b; a = b; b = rest; }
        times.every = a;
    }
    if (!times.every) times.every = 1;
    return times;
}

static i64 last_epoch_of(const Replay *r) {
    i64 last = 0;
    for (i64 i = 0; i < r->log->epoch_count; i++)
        if (!strcmp(r->log->epochs[i].stage, r->stage) && r->log->epochs[i].epoch.index > last) last = r->log->epochs[i].epoch.index;
    return last;
}

static void tell_end(Replay *r, const MmlStageState *state, int stopped) {
    for (const MmlLoggedProbe *probe; (probe = next_probe(r)); r->next++) tell_line(r, probe, probe->probe.epoch, NULL);
    for (i64 i = 0; i < r->log->probe_count; i++)
        if (is_heard(r, &r->log->probes[i]) && r->log->probes[i].finish) r->result.taken_end = r->log->probes[i].finish;
    r->result.taken_epochs = r->last_epoch;
    r->result.replayed_epochs = state->done;
    r->result.replayed_end = stopped || !state->finished ? NULL : state->reason;
    r->listener->stage(r->listener->context, &r->result);
}

static Status replay_stage(Replay *r, const MmlRule *policy, const MmlSettings *settings) {
    MmlModality modalities[MML_MAX_MODALITIES] = {0};
    for (i64 m = 0; m < r->log->modality_count; m++) modalities[m].name = r->log->modalities[m];
    MmlRuleLog rule_log = {.arena = r->arena, .modalities = modalities};
    MmlStage stage = {.name = r->stage, .path = r->stage, .policy = policy, .has_probe = 1, .measurement_count = 1};
    MmlMeasureTime times = times_of(r);
    MmlStageState state;
    char digits[MML_NUMBER_TEXT];
    r->last_epoch = last_epoch_of(r);
    MmlStagePlan plan = {
        .stage = &stage, .modalities = r->log->modality_count, .times = &times, .settings = settings->values, .text = settings->text,
        .arena = r->arena, .log = &rule_log, .epochs = whole_number(mml_replay_log_setting(r->log, r->stage, "epochs", digits), INT64_MAX),
    };
    const MmlStageActions actions = {.context = r, .measure = measure, .decided = decided, .train = train, .evaluate = evaluate, .save = save};
    MML_TRY(mml_stage_state_new(&plan, &state));
    r->state = &state;
    r->result = (MmlReplayStage){.stage = r->stage, .parted = -1};
    MML_TRY(mml_stage_begin(&plan, &state, &actions));
    Status status = mml_stage_run(&plan, &state, &actions);
    if (status != MML_OK && status != MML_EINTERRUPT) return status;
    tell_end(r, &state, status == MML_EINTERRUPT);
    return MML_OK;
}

/* ---- The whole ---- */

/* The measurement that a policy looked at, else the first of the stage. */
static const char *measure_of(const MmlReplayLog *log, const char *stage) {
    const char *first = NULL;
    for (i64 i = 0; i < log->probe_count; i++) {
        if (strcmp(log->probes[i].stage, stage)) continue;
        if (log->probes[i].decision) return log->probes[i].measure;
        if (!first) first = log->probes[i].measure;
    }
    return first;
}

static int is_first_of_stage(const MmlReplayLog *log, i64 index) {
    for (i64 i = 0; i < index; i++)
        if (!strcmp(log->probes[i].stage, log->probes[index].stage)) return 0;
    return 1;
}

static Status replay_all(const MmlReplayLog *log, const MmlRule *policy, const MmlSettings *settings, MmlArena *arena,
                         const MmlReplayListener *listener) {
    if (log->note) listener->note(listener->context, log->note);
    if (!log->epochs) listener->note(listener->context, "there is no metrics.jsonl: `on end_epoch` hears of no losses and accuracies");
    for (i64 i = 0; i < log->probe_count; i++) {
        if (!is_first_of_stage(log, i)) continue;
        Replay r = {.log = log, .listener = listener, .arena = arena, .stage = log->probes[i].stage};
        r.measure = measure_of(log, r.stage);
        MML_TRY(replay_stage(&r, policy, settings));
    }
    return MML_OK;
}

Status mml_replay(const char *path, const MmlExperiment *bound, const MmlSettings *settings, MmlArena *arena,
                  const MmlReplayListener *listener) {
    MmlReplayLog log;
    Status status = mml_replay_log_read(path, arena, &log);
    const MmlRule *policy = bound->stages[0].policy;
    if (status == MML_OK && log.modality_count != bound->modality_count)
        status = mml_fail(MML_EDATA, "%s has %lld modalities, the policy was bound to %lld", path, (long long)log.modality_count, (long long)bound->modality_count);
    if (status == MML_OK) status = replay_all(&log, policy, settings, arena, listener);
    mml_replay_log_free(&log);
    return status;
}

Status mml_replay_probes(const char *path, MmlArena *arena, const MmlProbeLine **lines, i64 *count, const char **note) {
    MmlReplayLog log;
    MML_TRY(mml_replay_log_read(path, arena, &log));
    mml_replay_log_free(&log);
    MmlProbeLine *out = MML_NEW(arena, MmlProbeLine, log.probe_count);
    if (!out) return MML_ENOMEM;
    for (i64 i = 0; i < log.probe_count; i++) out[i] = (MmlProbeLine){log.probes[i].stage, log.probes[i].measure, &log.probes[i].probe};
    *lines = out;
    *count = log.probe_count;
    *note = log.note;
    return MML_OK;
}

Status mml_replay_modalities(const char *path, MmlArena *arena, const char *const **names, i64 *count) {
    MmlReplayLog log;
    Status status = mml_replay_log_read(path, arena, &log);
    *names = log.modalities;
    *count = log.modality_count;
    mml_replay_log_free(&log);
    return status;
}
