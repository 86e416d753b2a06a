/* The loop of one stage: what happens at an epoch's boundary, and in which order.
 *
 *   probe (when = before) -> on probe -> on epoch -> train -> evaluate
 *   -> on end_epoch -> probe (when = after) -> on probe
 *
 * Epochs count from 1. A measurement is due at epochs that `every` divides;
 * one that comes before is not due at epoch 1, and the untrained state is
 * measured there only with `untrained`. Among the measurements of one moment
 * the policy's probe comes first. `finish` lets its handler end, skips the
 * rest of the boundary and ends the stage. A unimodal stage without an active
 * modality goes on counting.
 *
 * The loop knows nothing of training: it calls MmlStageActions. An action may
 * fail with MML_EINTERRUPT (a stop was asked for) and the loop returns that;
 * called again with the same state it goes on where it was.
 */
#ifndef TRAIN_STAGE_H
#define TRAIN_STAGE_H

#include "mml/experiment.h"
#include "train/rule_actions.h"

typedef struct { i64 every; int after, untrained; } MmlMeasureTime;

typedef enum { MML_PHASE_BEFORE, MML_PHASE_TRAIN, MML_PHASE_EVALUATE, MML_PHASE_AFTER } MmlPhase;

/* All that the loop remembers; a checkpoint holds it. */
typedef struct {
    i64       epoch;                          /* the one at hand, from 1               */
    i64       phase;                          /* MmlPhase                              */
    i64       measurement;                    /* the next to look at in this phase     */
    i64       done;                           /* epochs trained                        */
    i64       finished;                       /* 1: a rule ended the stage             */
    i64       active[MML_MAX_MODALITIES];
    i64       trained[MML_MAX_MODALITIES];    /* epochs each has been trained          */
    MmlValue *policy, *method;                /* state words of the rules              */
    const char *reason;                       /* why the stage ended, or NULL          */
} MmlStageState;

typedef struct {
    void   *context;
    /* Takes a measurement; fills out when the policy is to see it. */
    Status (*measure)(void *context, i64 measurement, i64 epoch, MmlProbe *out);
    /* A handler has run, or measurement >= 0 was taken; log says what was decided (perhaps nothing). */
    Status (*decided)(void *context, i64 measurement, i64 epoch, const MmlRule *rule, const MmlRuleLog *log);
    /* Trains the active modalities for the epoch; fills loss, losses and accuracy. */
    Status (*train)(void *context, i64 epoch, MmlEpoch *out);
    /* Evaluates and logs the epoch; fills everything. */
    Status (*evaluate)(void *context, i64 epoch, MmlEpoch *out);
    /* An epoch is complete, or the stage has ended between two. */
    Status (*save)(void *context);
} MmlStageActions;

typedef struct {
    const MmlStage       *stage;
    i64                   modalities;
    i64                   epochs;             /* at most                               */
    const MmlMeasureTime *times;              /* [stage->measurement_count]            */
    const MmlValue       *settings;
    const MmlValue       *policy_settings;    /* of an exchanged policy, NULL: settings */
    MmlText              *text;
    MmlArena             *arena;              /* reasons and what rules say            */
    MmlRuleLog           *log;
} MmlStagePlan;

/* Memory for the rules' states, in plan->arena. */
Status mml_stage_state_new(const MmlStagePlan *plan, MmlStageState *out);

/* Sets state to before epoch 1 with all modalities active, and runs the start
 * handlers. A `requires` that does not hold fails with MML_ECALL. */
Status mml_stage_begin(const MmlStagePlan *plan, MmlStageState *state, const MmlStageActions *actions);

/* The policy begins afresh in the middle of the stage: its state is zero, every modality
 * is active, its start handler runs. */
Status mml_stage_policy(const MmlStagePlan *plan, MmlStageState *state, const MmlStageActions *actions);

/* Runs to the stage's end; state->reason then says why it ended. */
Status mml_stage_run(const MmlStagePlan *plan, MmlStageState *state, const MmlStageActions *actions);

#endif
