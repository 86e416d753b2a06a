/* All that a run remembers from one batch to the next, beside the model.
 *
 * mml_state_fields lists it for the checkpoint. Nothing in it depends on the
 * time or the place of a run, so that equal runs leave equal files.
 */
#ifndef TRAIN_STATE_H
#define TRAIN_STATE_H

#include "train/schedule.h"
#include "train/stage.h"
#include "train/tally.h"

typedef struct {
    i64            stage;                         /* the one at hand; stage_count: all are done     */
    i64            begun;                         /* its start has run                              */
    MmlStageState  at;                            /* where it is                                    */
    i64            batch;                         /* next batch of the epoch at hand                */
    i64            steps;                         /* batches trained, over all stages               */
    i64            epochs;                        /* epochs trained, over all stages                */
    i64            optimizer;                     /* MmlOptimizerKind whose memory the model holds  */
    MmlClock       clock;                         /* of the schedule; goes on with continue = true  */
    i64            group_epochs[MML_MAX_GROUPS];  /* the same for each group: epochs and            */
    i64            group_steps[MML_MAX_GROUPS];   /*   batches in which it was trained              */
    i64            head_reached[MML_MAX_MODALITIES];   /* a loss of this run has reached the head   */
    i64            metrics_lines, probes_lines;
    i64            best_epoch, best_stage;        /* best_epoch 0: none yet                         */
    i64            best_pending;                  /* 1: best.safetensors is to be written           */
    double         best_accuracy;
    MmlTally       tally;                         /* of the train pass at hand                      */
    i64           *stage_epochs;                  /* [stage_count] epochs trained in each           */
    const char   **stage_reasons;                 /* [stage_count] NULL while not ended             */
    MmlStageState *stages;                        /* [stage_count] memory of the rules' states      */
} MmlRunState;

typedef struct { const char *name; int real; i64 count; void *place; } MmlStateField;

#define MML_STATE_FIELDS 64

/* Fills fields; returns how many. Rule states and reasons come besides. */
i64 mml_state_fields(MmlRunState *state, const MmlExperiment *experiment, MmlStateField fields[MML_STATE_FIELDS]);

#endif
