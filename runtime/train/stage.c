#include "train/stage.h"

#include <math.h>
#include <string.h>

typedef enum { ON_START, ON_PROBE, ON_EPOCH, ON_END_EPOCH } Event;

Status mml_stage_state_new(const MmlStagePlan *plan, MmlStageState *out) {
    const MmlStage *stage = plan->stage;
    *out = (MmlStageState){0};
    out->policy = MML_NEW(plan->arena, MmlValue, stage->policy ? stage->policy->state_count + 1 : 1);
    out->method = MML_NEW(plan->arena, MmlValue, stage->method ? stage->method->state_count + 1 : 1);
    return out->policy && out->method ? MML_OK : MML_ENOMEM;
}

static int has_handler(const MmlRule *rule, Event event) {
    if (!rule) return 0;
    switch (event) {
        case ON_START:     return rule->start != NULL;
        case ON_PROBE:     return rule->on_probe != NULL;
        case ON_EPOCH:     return rule->on_epoch != NULL;
        case ON_END_EPOCH: return rule->on_end_epoch != NULL;
    }
    return 0;
}

static void call(const MmlRule *rule, Event event, MmlRuleContext *context, const MmlProbe *probe, const MmlEpoch *epoch) {
    switch (event) {
        case ON_START:     rule->start(context); return;
        case ON_PROBE:     rule->on_probe(context, probe); return;
        case ON_EPOCH:     rule->on_epoch(context, epoch); return;
        case ON_END_EPOCH: rule->on_end_epoch(context, epoch); return;
    }
}

static Status rule_failed(const MmlStagePlan *plan, const MmlRule *rule, Event event, i64 epoch) {
    const char *role = rule == plan->stage->policy ? "policy" : "method";
    if (event == ON_START)
        return mml_fail(MML_ECALL, "stage %s, %s %s: %s", plan->stage->name, role, rule->name, plan->log->failure);
    return mml_fail(MML_ENUMERIC, "stage %s, epoch %lld, %s %s: %s", plan->stage->name, (long long)epoch, role, rule->name,
                    plan->log->failure);
}

/* Runs one rule's handler and takes over what it decided. */
static Status run_rule(const MmlStagePlan *plan, MmlStageState *state, const MmlRule *rule, Event event,
                       const MmlProbe *probe, const MmlEpoch *epoch) {
    mml_rule_log_clear(plan->log);
    if (!has_handler(rule, event)) return MML_OK;
    int is_policy = rule == plan->stage->policy;
    MmlRuleContext context = {
        .text = plan->text, .settings = is_policy && plan->policy_settings ? plan->policy_settings : plan->settings,
        .state = is_policy ? state->policy : state->method,
        .modalities = plan->modalities, .active = state->active, .trained = state->trained, .log = plan->log,
    };
    call(rule, event, &context, probe, epoch);
    if (plan->log->failure) return rule_failed(plan, rule, event, state->epoch);
    if (plan->log->finish && !state->finished) {
        state->finished = 1;
        state->reason = plan->log->finish;
    }
    return MML_OK;
}

/* The policy decides first, then the method hears of it. */
static Status run_rules(const MmlStagePlan *plan, MmlStageState *state, const MmlStageActions *actions, Event event,
                        const MmlEpoch *epoch) {
    const MmlRule *rules[] = {plan->stage->policy, plan->stage->method};
    for (int i = 0; i < 2; i++) {
        if (!has_handler(rules[i], event)) continue;
        MML_TRY(run_rule(plan, state, rules[i], event, NULL, epoch));
        MML_TRY(actions->decided(actions->context, -1, state->epoch, rules[i], plan->log));
    }
    return MML_OK;
}

Status mml_stage_begin(const MmlStagePlan *plan, MmlStageState *state, const MmlStageActions *actions) {
    MmlValue *policy = state->policy, *method = state->method;
    *state = (MmlStageState){.epoch = 1, .policy = policy, .method = method};
    if (plan->stage->policy) memset(policy, 0, sizeof *policy * (size_t)plan->stage->policy->state_count);
    if (plan->stage->method) memset(method, 0, sizeof *method * (size_t)plan->stage->method->state_count);
    for (i64 m = 0; m < plan->modalities; m++) state->active[m] = 1;
    return run_rules(plan, state, actions, ON_START, NULL);
}

Status mml_stage_policy(const MmlStagePlan *plan, MmlStageState *state, const MmlStageActions *actions) {
    const MmlRule *policy = plan->stage->policy;
    if (!policy) return MML_OK;
    memset(state->policy, 0, sizeof *state->policy * (size_t)policy->state_count);
    for (i64 m = 0; m < plan->modalities; m++) state->active[m] = 1;
    MML_TRY(run_rule(plan, state, policy, ON_START, NULL, NULL));
    return actions->decided(actions->context, -1, state->epoch, policy, plan->log);
}

static int is_due(const MmlMeasureTime *time, i64 epoch, int after) {
    if (!after && epoch == 1) return time->untrained;
    return time->after == after && epoch % time->every == 0;
}

/* The measurements of one moment, from state->measurement on. */
static Status measure_all(const MmlStagePlan *plan, MmlStageState *state, const MmlStageActions *actions, int after) {
    const MmlStage *stage = plan->stage;
    while (state->measurement < stage->measurement_count && !state->finished) {
        i64 index = state->measurement;
        if (is_due(&plan->times[index], state->epoch, after)) {
            const MmlRule *policy = stage->has_probe && index == 0 ? stage->policy : NULL;
            /* A measurement after the epoch is labelled by the epochs done: the untrained state is then 0. */
            i64 label = plan->times[index].after && !after ? state->epoch - 1 : state->epoch;
            MmlProbe probe = {.epoch = label};
            MML_TRY(actions->measure(actions->context, index, label, &probe));
            MML_TRY(run_rule(plan, state, policy, ON_PROBE, &probe, NULL));
            MML_TRY(actions->decided(actions->context, index, label, policy, plan->log));
        }
        state->measurement++;
    }
    return MML_OK;
}

static void enter(MmlStageState *state, MmlPhase phase) {
    state->phase = phase;
    state->measurement = 0;
}

typedef struct { MmlEpoch epoch; double losses[MML_MAX_MODALITIES], accuracy[MML_MAX_MODALITIES],
                validation[MML_MAX_MODALITIES]; } EpochRoom;

static MmlEpoch *blank_epoch(EpochRoom *room, i64 index) {
    for (int m = 0; m < MML_MAX_MODALITIES; m++) room->losses[m] = room->accuracy[m] = room->validation[m] = NAN;
    room->epoch = (MmlEpoch){.index = index, .loss = NAN, .losses = room->losses, .accuracy = room->accuracy,
                             .validation = room->validation};
    return &room->epoch;
}

/* One phase; leaves state at the start of the next one, or finished. */
static Status run_phase(const MmlStagePlan *plan, MmlStageState *state, const MmlStageActions *actions) {
    EpochRoom room;
    MmlEpoch *epoch = blank_epoch(&room, state->epoch);
    switch ((MmlPhase)state->phase) {
        case MML_PHASE_BEFORE:
            MML_TRY(measure_all(plan, state, actions, 0));
            if (!state->finished) MML_TRY(run_rules(plan, state, actions, ON_EPOCH, epoch));
            if (!state->finished) enter(state, MML_PHASE_TRAIN);
            return MML_OK;
        case MML_PHASE_TRAIN:
            MML_TRY(actions->train(actions->context, state->epoch, epoch));
            for (i64 m = 0; m < plan->modalities; m++) state->trained[m] += state->active[m];
            state->done++;
            enter(state, MML_PHASE_EVALUATE);
            return MML_OK;
        case MML_PHASE_EVALUATE:
            MML_TRY(actions->evaluate(actions->context, state->epoch, epoch));
            MML_TRY(run_rules(plan, state, actions, ON_END_EPOCH, epoch));
            if (!state->finished) enter(state, MML_PHASE_AFTER);
            return MML_OK;
        case MML_PHASE_AFTER:
            MML_TRY(measure_all(plan, state, actions, 1));
            if (state->finished) return MML_OK;
            state->epoch++;
            enter(state, MML_PHASE_BEFORE);
            return actions->save(actions->context);
    }
    return mml_fail(MML_EBUG, "stage %s is in no phase (%lld)", plan->stage->name, (long long)state->phase);
}

Status mml_stage_run(const MmlStagePlan *plan, MmlStageState *state, const MmlStageActions *actions) {
    if (state->reason) return MML_OK;
    while (!state->finished && state->epoch <= plan->epochs) {
        MML_TRY(run_phase(plan, state, actions));
        if (state->finished) MML_TRY(actions->save(actions->context));
    }
    if (state->reason) return MML_OK;
    state->reason = plan->epochs == 0 ? "skipped: epochs = 0"
                  : mml_arena_format(plan->arena, state->done == 1 ? "its one epoch trained" : "all %lld epochs trained", (long long)state->done);
    return state->reason ? MML_OK : MML_ENOMEM;
}
