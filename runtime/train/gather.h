/* Features or logits of a split's samples, by a stage's evaluation step. */
#ifndef TRAIN_GATHER_H
#define TRAIN_GATHER_H

#include "train/run.h"

typedef struct {
    int    logits;                                /* of the heads, not features         */
    i64    count;                                 /* samples                            */
    int    width[MML_MAX_MODALITIES];
    float *values[MML_MAX_MODALITIES];            /* [count, width]                     */
    i64   *labels;                                /* [count]                            */
} MmlGathered;

/* In evaluation mode with deterministic transforms; samples: -1 all, else a fixed
 * choice by the seed, the same at each call. Memory from arena. MML_EINTERRUPT
 * when a stop was asked for. Overwrites the work's batch and order. */
Status mml_gather(MmlRun *run, const MmlStageSettings *stage, MmlSplit split, i64 samples, u64 seed, int logits,
                  MmlArena *arena, MmlGathered *out);

#endif
