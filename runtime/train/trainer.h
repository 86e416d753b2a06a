/* Training from the first stage to the last: the actions behind train/stage.h. */
#ifndef TRAIN_TRAINER_H
#define TRAIN_TRAINER_H

#include "train/run.h"

/* Memory for the state of all stages. */
Status mml_trainer_state(MmlRun *run);

/* Runs every stage's start handlers on scratch memory, so that a `requires`
 * that does not hold is said before anything begins, and looks for the files
 * that `load` names. */
Status mml_trainer_check(MmlRun *run);

/* Fresh state for the stage's policy, which was exchanged; a stage that is under way hears of it. */
Status mml_trainer_policy(MmlRun *run, i64 index);

/* Readies the model for a stage (optimiser memory, schedule, load) and runs its start handlers. */
Status mml_trainer_begin_stage(MmlRun *run, i64 index);

/* Trains from where run->state is to the end of the last stage, with a
 * checkpoint after every epoch. On MML_EINTERRUPT the checkpoint holds the
 * very batch. */
Status mml_trainer_run(MmlRun *run);

#endif
