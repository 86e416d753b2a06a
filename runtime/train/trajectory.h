/* A unimodal stage that another run has trained.
 *
 * In a unimodal stage modalities don't meet: each descends its own head's loss, on
 * batches that depend on the epoch alone. A run whose modality m is trained in the
 * same epochs as that of another one, up to some epoch, therefore has the same
 * weights of m, and may take them over instead of training: to the last bit. The
 * other run keeps a checkpoint after each epoch that somebody asks for
 * (FOLDER/epoch-N.trajectory); what it logged of its epochs is read from its
 * metrics.jsonl. Which runs may share is for the caller to know (train/sweep_share.h).
 */
#ifndef TRAIN_TRAJECTORY_H
#define TRAIN_TRAJECTORY_H

#include "train/run.h"

/* Keeps the checkpoint that run is at, for others. */
Status mml_trajectory_keep(MmlRun *run);

typedef struct MmlTrajectory MmlTrajectory;

/* Opens what run->share names; its memory lies in run->arena but for the lines. */
Status mml_trajectory_open(MmlRun *run, MmlTrajectory **out);
void   mml_trajectory_close(MmlTrajectory *trajectory);      /* NULL is fine */

/* The epoch at hand passes with the active modalities' training taken over. */
void mml_trajectory_train(MmlTrajectory *trajectory, const MmlStageSettings *stage, i64 epoch);

/* What it came to; seconds are 0. MML_EDATA when the other run has no such epoch. */
Status mml_trajectory_metrics(MmlTrajectory *trajectory, MmlSplit split, MmlMetrics *out);

/* At the stage's end: each modality's weights, statistics and optimiser memory. */
Status mml_trajectory_weights(MmlTrajectory *trajectory);

#endif
