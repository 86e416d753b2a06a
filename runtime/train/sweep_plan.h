/* The call of a sweep: which words of it go to the cells, and sweep.json, which keeps it for --resume. */
#ifndef TRAIN_SWEEP_PLAN_H
#define TRAIN_SWEEP_PLAN_H

#include "train/options.h"

/* runs/NAME-sweep-<date>, with a number behind it when there is one already; in arena. */
const char *mml_sweep_folder(const MmlExperiment *experiment, MmlArena *arena);

Status mml_sweep_plan_write(const MmlExperiment *experiment, const MmlCall *call, i64 cells, const char *path);

/* argv that FOLDER/sweep.json holds, from index 1 on; in arena. MML_ECALL when it is of another program. */
Status mml_sweep_plan_read(const MmlExperiment *experiment, const char *folder, MmlArena *arena, int *argc, char ***argv);

/* 1: the next word of argv belongs to this one. Of the sweep's own options. */
int mml_sweep_takes_value(const char *word);
/* 1: a word of the sweep's call that its cells have in common. */
int mml_sweep_is_for_cells(const char *word);
/* 1: the call resumes, and says no more than how much to show and to run at a time. */
int mml_sweep_only_resumes(const MmlCall *call);

#endif
