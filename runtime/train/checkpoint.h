/* Checkpoints: weights under published names, and all that going on needs.
 *
 * A file holds every parameter and statistic by its name, for each batch norm
 * its num_batches_tracked, what `normalize(train)` learned, and under "mml."
 * optimiser memory, the state of train/state.h and of policy and method.
 * "__metadata__" holds the program's hash and the reasons why stages ended.
 */
#ifndef TRAIN_CHECKPOINT_H
#define TRAIN_CHECKPOINT_H

#include "train/run.h"

/* Everything; replaces path whole. */
Status mml_checkpoint_write(MmlRun *run, const char *path);
/* Weights, statistics and fitted data only. */
Status mml_weights_write(MmlRun *run, const char *path);
/* Bytes that a checkpoint of this run takes. */
i64 mml_checkpoint_size(MmlRun *run);

/* Reads everything back into run. MML_EDATA when the file is of another program. */
Status mml_checkpoint_read(MmlRun *run, const char *path);

#endif
