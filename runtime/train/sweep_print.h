/* A sweep's result on standard output. */
#ifndef TRAIN_SWEEP_PRINT_H
#define TRAIN_SWEEP_PRINT_H

#include "train/sweep_table.h"

/* The table, best first, mean and standard deviation over the seeds; for scripts: one JSON object. */
void mml_sweep_print(const MmlSweepTable *table, const char *folder);
void mml_sweep_print_json(const MmlSweepTable *table);

#endif
