/* Data: sources, pipelines, splits, batches.
 *
 * Opening reads what the program names, checks it (shapes, labels in range,
 * equal counts, no NaN), fits `normalize(train)` and solves what the compiler
 * left open. A batch is then a pure function of split, rows, epoch and seed.
 */
#ifndef MML_DATA_H
#define MML_DATA_H

#include "mml/settings.h"
#include "mml/threads.h"

typedef enum { MML_TRAIN, MML_VALIDATION, MML_TEST, MML_SPLITS } MmlSplit;

typedef struct MmlData MmlData;

/* settings must outlive the result. Fails with MML_EDATA naming file, row,
 * field or step. seed is train.seed. */
Status mml_data_open(const MmlSettings *settings, u64 seed, MmlThreads *threads, MmlData **out);
void   mml_data_close(MmlData *data);

/* A folder, which must be there, for files of what was read and prepared: found in a later run,
 * and mapped, so that data may be larger than memory. What stands in the way of a file (no room, limit,
 * damage) is said by `say`, a line for people, and is no failure. */
typedef struct {
    const char *folder;
    i64         limit;                /* most bytes in it, 0: any                        */
    void      (*say)(void *context, const char *text);       /* may be NULL               */
    void       *context;
} MmlCache;

/* mml_data_open with a cache, or NULL. */
Status mml_data_open_cached(const MmlSettings *settings, u64 seed, MmlThreads *threads, const MmlCache *cache, MmlData **out);
/* The cache's folder and what was found and made there; NULL without one. */
const char *mml_data_cache_describe(const MmlData *data);

i64    mml_data_count(const MmlData *data, MmlSplit split);     /* 0: there is no such split */
i64    mml_data_skipped(const MmlData *data);
/* What was skipped and why ("'a/b.png' is a damaged PNG: …"), for the first
 * MML_DATA_SKIPS_NAMED of each source; NULL past the end. */
#define MML_DATA_SKIPS_NAMED 10
const char *mml_data_skip(const MmlData *data, i64 index);
/* Frames of clips that can't be read, in whose place a neighbour is shown: how many, and for people of each source that
 * has any ("3 of 400 frames, in 2 clips, by their neighbours; the first: 'a/b/7.png' is …"); NULL past the end. */
i64    mml_data_replaced(const MmlData *data);
const char *mml_data_replacement(const MmlData *data, i64 index);
/* The name of a class where the source names its classes, else NULL. */
const char *mml_data_class(const MmlData *data, i64 label);
/* One line for people ("6000 train, 2000 test"), and a checksum (hex) of what was read. */
const char *mml_data_describe(const MmlData *data);
const char *mml_data_checksum(const MmlData *data);

/* order[count]: the epoch's order of the train rows; a function of seed, stage and epoch. */
Status mml_data_order(const MmlData *data, u64 seed, i64 stage, i64 epoch, i64 *order);

/* Fills inputs[m] with [n, size of modality m], labels[n] and samples[n] (numbers
 * for random streams, unique over splits: the row in the target's source as it
 * lies in its files, whatever limits and holdout take). rows: n rows of the split. augment:
 * random transforms act as in training. epoch: counted over all stages.
 * MML_EDATA naming step and sample when a value comes out NaN or infinite. */
Status mml_data_batch(MmlData *data, MmlSplit split, const i64 *rows, i64 n, i64 epoch, int augment,
                      float *const *inputs, i64 *labels, i64 *samples);

/* What `normalize(train)` learned, for the checkpoint: blocks of floats by name
 * ("data.fourier.normalize.mean", then "….deviation"; fourier is the modality),
 * one float for each value of a sample, a deviation of 0 stored as 1. Batches
 * use what is written there. index from 0; returns 0 past the end. */
int mml_data_fitted(MmlData *data, i64 index, const char **name, float **values, i64 *count);

#endif
