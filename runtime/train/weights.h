/* Weights out of a file: a checkpoint, or any safetensors file with the same names. */
#ifndef TRAIN_WEIGHTS_H
#define TRAIN_WEIGHTS_H

#include "train/run.h"

typedef struct { i64 matched, missing, different, unknown; } MmlMatch;

/* Loads weights and statistics by name.
 *
 * strict: every tensor must be there with its shape, and no other; MML_EDATA
 * names the first that is not. Else what matches is loaded and counted, and
 * report (may be NULL) hears of each tensor that does not. group: only that
 * modality's, or -1: all. */
Status mml_weights_read(MmlRun *run, const char *path, int strict, i64 group, MmlMatch *match, MmlScreen *report);

/* Fails with "WHAT: no tensor of PATH has a name and a shape of …", and where names of
 * the file would fit behind a prefix (torchvision's "conv1.weight" behind
 * "encoder.audio."), with that prefix. group as above. */
Status mml_weights_none(MmlRun *run, const char *what, const char *path, i64 group);

/* What `normalize(train)` learned and the clusters of soft assignments when the file was written, where the file has them. */
Status mml_fitted_read(MmlRun *run, const char *path);

#endif
