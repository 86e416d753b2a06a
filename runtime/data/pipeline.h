/* A modality's way from its source's field to its encoder: steps in order.
 *
 * What the leading steps make of a sample is kept in memory when one of them
 * is costly and the room (DATA_CACHE_LIMIT over all modalities) allows it. The
 * kept part ends before the first step that draws anew each epoch and before
 * the first that was fitted (a checkpoint may replace what it learned). With a cache it is made
 * for all samples before training and lies in a mapped file, which has no such limit (prepared.c).
 */
#ifndef DATA_PIPELINE_H
#define DATA_PIPELINE_H

#include <stdatomic.h>
#include "data/transform.h"
#include "mml/threads.h"

/* Enough for 1700 images of 3 x 224 x 224 floats, and a share of a small machine's memory. */
#define DATA_CACHE_LIMIT ((i64)1 << 30)

typedef struct {
    float        *values;            /* [count of the split, size]; NULL: not kept  */
    _Atomic u8   *filled;            /* [count] 0 empty, 1 being filled, 2 there    */
    i64          *places;            /* [count] of the positions in the prepared file */
} DataKept;

typedef struct {
    const MmlModality *modality;
    const DataSource  *source;
    const DataField   *field;
    i64        step_count;
    i64        picks;                /* of a clip: leading steps that pick frames   */
    i64        most_frames;          /* of a clip, or picked of one                 */
    DataStep  *steps;
    i64        widest;               /* floats of the largest value on the way      */
    i64        scratch;              /* floats of the most demanding step           */
    i64        kept_steps;           /* 0: nothing is kept                          */
    i64        kept_size;
    DataKept   kept[MML_SPLITS];
    DataStore  prepared;             /* [places, kept_size] floats; bytes NULL: none */
} DataPipeline;

/* Prepares every step and checks run-time shapes against the program's. A loose
 * field may be read as a vector of all its values, or with an axis of 1 put in
 * front (images [height, width] as image[1, height, width]).
 * first_step: number of the first step over all modalities. */
Status mml_data_pipeline_open(const MmlSettings *settings, const MmlModality *modality, const DataSource *source,
                              i64 first_step, MmlArena *arena, DataPipeline *out);
/* How many leading steps are kept, 0: none is costly. */
i64    mml_data_pipeline_prefix(const DataPipeline *pipeline);
/* With a cache: the kept part of all samples, found or made by all threads. scratch: [threads] of what a run needs. */
Status mml_data_pipeline_prepare(DataPipeline *pipeline, u64 seed, MmlThreads *threads, float *const *scratch, MmlArena *arena);
/* Without: takes room for kept values out of *room (bytes). */
Status mml_data_pipeline_keep(DataPipeline *pipeline, i64 *room);
void   mml_data_pipeline_close(DataPipeline *pipeline);

/* Floats of scratch that a run needs. */
i64    mml_data_pipeline_scratch(const DataPipeline *pipeline);

/* The first `steps` steps for the sample at `position` of draw->split (draw's
 * row and source are set here). out: the last one's size. Threads may run at once. */
void   mml_data_pipeline_run(const DataPipeline *pipeline, i64 steps, i64 position, DataDraw draw, float *out,
                             float *scratch);

/* Fits the steps that learn from the train split, in order; independent of the
 * number of threads. scratch: [threads] of what a run needs. */
Status mml_data_pipeline_fit(DataPipeline *pipeline, u64 seed, MmlThreads *threads, float *const *scratch);

/* Says which step made which sample infinite or NaN. */
Status mml_data_pipeline_explain(const DataPipeline *pipeline, i64 position, DataDraw draw, float *scratch);

int    mml_data_finite(const float *values, i64 count);

#endif
