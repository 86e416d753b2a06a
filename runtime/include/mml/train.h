/* The trainer: command line, schedule, logs, checkpoints. */
#ifndef MML_TRAIN_H
#define MML_TRAIN_H

#include "mml/experiment.h"

/* Everything a trainer does; returns the process's exit code. */
int mml_main(int argc, char **argv, const MmlExperiment *experiment);

#endif
