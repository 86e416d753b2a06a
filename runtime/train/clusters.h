/* Clusters of soft assignments (mml/experiment.h, MmlClustering): when they are
 * fitted. They lie in the work's frame->clusters, and a checkpoint holds them. */
#ifndef TRAIN_CLUSTERS_H
#define TRAIN_CLUSTERS_H

#include "train/run.h"

/* None of the stage's clusters are fitted any more: it begins. */
void mml_clusters_forget(MmlRun *run, const MmlStage *stage);

/* Fits what is due before the epoch's first batch: clusters of the stage's own
 * settings when `every` says so, those of a probe when it has not run yet. */
Status mml_clusters_refit(MmlRun *run, const MmlStageSettings *stage, i64 epoch);

/* Where the stage's probe leaves its clusters: fills out[M] and returns 1 when
 * settings are that probe's and a soft assignment wants them. */
int mml_clusters_of_probe(MmlRun *run, const MmlStageSettings *stage, const MmlMeasureSettings *settings, float *out[MML_MAX_MODALITIES]);

#endif
