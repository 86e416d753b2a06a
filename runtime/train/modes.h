/* What a trainer does instead of training. */
#ifndef TRAIN_MODES_H
#define TRAIN_MODES_H

#include "train/run.h"

/* --check: one batch of each stage, without an update that lasts. */
Status mml_mode_check(MmlRun *run);

/* --overfit-batch: trains each stage from fresh weights on its first batch.
 * MML_ENUMERIC when a stage's loss doesn't fall. */
Status mml_mode_overfit(MmlRun *run);

/* --eval FILE: loads weights and evaluates; --predict and --json act. */
Status mml_mode_eval(MmlRun *run);

#endif
