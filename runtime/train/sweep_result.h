/* A sweep's files: sweep.csv (a line a cell), sweep.svg (a row a setting), of a grid over two settings accuracy.svg and
 * synergy.svg (heat maps), report.html (all of it, and a link to each run). */
#ifndef TRAIN_SWEEP_RESULT_H
#define TRAIN_SWEEP_RESULT_H

#include "train/sweep_table.h"

Status mml_sweep_write(const MmlSweepTable *table, const char *folder);

#endif
