/* Batches prepared ahead: while a step runs on one, a thread fills the next.
 *
 * Who fills a sample changes nothing: batches are those of mml_data_batch, bit for bit. Taking a
 * batch that isn't ready yet, or was never asked for, fills what is missing by the pool's threads,
 * so a slow or missing loader thread costs no more than none. Where the pool takes all CPUs the
 * thread runs at the lowest priority, in the gaps that the pool leaves.
 */
#ifndef MML_LOADER_H
#define MML_LOADER_H

#include "mml/data.h"

typedef struct MmlLoader MmlLoader;

/* Which batch: the arguments of mml_data_batch. */
typedef struct {
    MmlSplit   split;
    const i64 *rows;                     /* [n] */
    i64        n, epoch;
    int        augment;
} MmlBatchPlan;

/* What was taken; valid until the take after the next. */
typedef struct {
    float *inputs[MML_MAX_MODALITIES];   /* [n, size of the modality]                              */
    i64   *labels, *samples;             /* [n]                                                    */
} MmlLoaded;

/* Batches of at most `capacity` samples; threads is the pool that data was opened with. Memory from arena. */
Status mml_loader_new(MmlData *data, MmlThreads *threads, i64 capacity, MmlArena *arena, MmlLoader **out);
/* Ends the thread; before the data are closed. NULL is fine. */
void   mml_loader_free(MmlLoader *loader);

/* Begins with a batch in the background and returns; rows are copied. One at a time: what was asked
 * for before and not taken is forgotten. Batches that are ready sooner than a thread wakes are left to take. */
void   mml_loader_ask(MmlLoader *loader, const MmlBatchPlan *plan);
/* The batch, whole. Fails as mml_data_batch does, whoever came upon the failure. */
Status mml_loader_take(MmlLoader *loader, const MmlBatchPlan *plan, MmlLoaded *out);
/* Drops what was asked for; afterwards the thread reads nothing of data. */
void   mml_loader_forget(MmlLoader *loader);

#endif
