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
#include "train/safetensors.h"

/* Everything; replaces path whole. */
Status mml_checkpoint_write(MmlRun *run, const char *path);
/* Weights, statistics and fitted data only. */
Status mml_weights_write(MmlRun *run, const char *path);
/* Bytes that a checkpoint of this run takes. */
i64 mml_checkpoint_size(MmlRun *run);

/* Reads everything back into run. MML_EDATA when the file is of another program. */
Status mml_checkpoint_read(MmlRun *run, const char *path);

typedef struct { i64 matched, missing, different, unknown; } MmlMatch;

/* Loads weights and statistics by name.
 *
 * strict: every tensor must be there with its shape, and no other; MML_EDATA
 * names the first that is not. Else what matches is loaded and counted, and
 * report (may be NULL) hears of each tensor that does not. group: only that
 * modality's, or -1: all. */
Status mml_weights_read(MmlRun *run, const char *path, int strict, i64 group, MmlMatch *match, MmlScreen *report);

/* What `normalize(train)` learned when the file was written, where the file has it. */
Status mml_fitted_read(MmlRun *run, const char *path);

#endif
