/* Training: an epoch's batches, each a compiled step and an update. */
#ifndef TRAIN_STEP_H
#define TRAIN_STEP_H

#include "train/run.h"

/* Trains the stage's epoch from state.batch on, into state.tally. Returns
 * MML_EINTERRUPT between two batches when a stop was asked for (the state then
 * says where to go on), MML_ENUMERIC naming epoch, batch and layer when the
 * loss is not finite. */
Status mml_train_epoch(MmlRun *run, const MmlStageSettings *stage, i64 stage_index, i64 epoch);

/* The stage's epoch passes without a step of this run: every modality pauses, or
 * another run has trained them. Counts what a trained epoch counts. */
void mml_pass_epoch(MmlRun *run, const MmlStageSettings *stage);

/* One step on the batch that work holds: forward, reverse, update. */
Status mml_train_batch(MmlRun *run, const MmlStageSettings *stage, i64 epoch, i64 batch);

/* 1: the loss of the stage's training step reaches the head of that modality. */
int mml_stage_reaches_head(const MmlExperiment *experiment, const MmlStage *stage, i64 modality);
/* Marks the heads that a training step of the stage reaches with the present active set. */
void mml_mark_reached(MmlRun *run, const MmlStage *stage);

/* A group's learning rate for the coming batch. */
double mml_group_rate(const MmlRun *run, const MmlStageSettings *stage, i64 group);

/* The same for the last batch of the epoch that was just trained. */
double mml_epoch_rate(const MmlRun *run, const MmlStageSettings *stage, i64 group);

/* Batches in an epoch of the stage. */
i64 mml_batches(const MmlRun *run, const MmlStageSettings *stage);

#endif
