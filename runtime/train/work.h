/* What compiled steps work on: one frame with its arena, scratch and batch,
 * large enough for every step of the run. */
#ifndef TRAIN_WORK_H
#define TRAIN_WORK_H

#include "mml/loader.h"
#include "train/model.h"
#include "train/stage_settings.h"

typedef struct {
    const MmlExperiment *experiment;
    MmlData   *data;
    MmlLoader *loader;
    double     load_seconds;                             /* waited for batches so far      */
    MmlFrame   frame;
    i64        groups;                                   /* M + 1                          */
    i64        forward[MML_MAX_GROUPS], active[MML_MAX_GROUPS], training[MML_MAX_GROUPS];
    MmlLoaded  batch;                                    /* what was loaded last           */
    float     *features[MML_MAX_MODALITIES], *logits[MML_MAX_GROUPS];
    MmlDecomposer *decomposer;                           /* NULL: no loss decomposes       */
    i64       *order;                                    /* [largest split] rows           */
    i64        bytes;                                    /* of arena and scratch           */
    i64        taken;                                    /* of arena, whose pages are there */
} MmlWork;

/* Memory for the steps of all stages at their batch sizes, from arena. */
Status mml_work_new(const MmlExperiment *experiment, const MmlSettings *settings, const MmlStageSettings *stages,
                    MmlThreads *threads, MmlData *data, MmlModel *model, MmlArena *arena, MmlWork *out);

/* What does not lie in the arena. */
void mml_work_free(MmlWork *work);

/* A stage's batch, no larger than the largest split. */
i64 mml_work_capacity(const MmlWork *work, const MmlStageSettings *stage);

/* Takes a batch for the frame, waiting for what isn't ready. epochs count over all stages. */
Status mml_work_load(MmlWork *work, const MmlBatchPlan *plan);

/* The batch that comes next; it is made while the present one runs. */
void mml_work_load_ahead(MmlWork *work, const MmlBatchPlan *plan);

/* Runs step on the loaded batch with the flags that are set; capacity: see MmlFrame. */
void mml_work_run(MmlWork *work, const MmlStep *step, i64 capacity);

/* Flags for evaluating everything: all forward, nothing training. active: [M], of the stage. */
void mml_work_evaluate_flags(MmlWork *work, const i64 *active);

/* Flags of a training step (language.md, Pausing). */
void mml_work_train_flags(MmlWork *work, const MmlStageSettings *stage, const i64 *active);

#endif
