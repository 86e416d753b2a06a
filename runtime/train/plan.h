/* What a run is about to do: the printed plan, and run.json. */
#ifndef TRAIN_PLAN_H
#define TRAIN_PLAN_H

#include "train/run.h"

void mml_plan_print(MmlRun *run);

/* Conditions worth a warning on standard error: a batch larger than the set, more probe samples than there are. */
void mml_plan_warn(const MmlRun *run);

/* Writes FOLDER/run.json: settings with provenance, program, versions, machine, seed, data. */
Status mml_plan_write(const MmlRun *run);

#endif
