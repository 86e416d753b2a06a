/* Sums over a pass, from which an epoch's numbers come. */
#ifndef TRAIN_TALLY_H
#define TRAIN_TALLY_H

#include "train/work.h"

typedef struct {
    double loss;                                    /* times samples; of a joint stage   */
    i64    samples, loss_samples;
    i64    predicted, right;                        /* by the prediction                 */
    double head_loss[MML_MAX_MODALITIES];           /* cross-entropy times samples, nats */
    i64    head_samples[MML_MAX_MODALITIES], head_right[MML_MAX_MODALITIES];
} MmlTally;

/* What is reported of a pass; NaN where there is nothing to report. */
typedef struct {
    double loss, accuracy;
    double head_accuracy[MML_MAX_MODALITIES], head_loss[MML_MAX_MODALITIES];
    i64    samples;
    double seconds, load_seconds;                   /* of the pass; of them waited for batches */
} MmlMetrics;

/* Adds the batch that the frame has just run. The loss of a joint stage is what
 * the step computed, or the prediction's cross-entropy where the step computes none. */
void mml_tally_add(MmlTally *tally, const MmlWork *work, const MmlStage *stage);

/* The numbers of a pass. reached: [M] heads that a loss of this run has
 * reached; other heads, and the prediction of a unimodal stage, are NaN. The loss
 * of a unimodal stage is the sum of its active heads' (active: [M]), NaN of none. */
MmlMetrics mml_tally_metrics(const MmlTally *tally, const MmlStage *stage, i64 modalities, const i64 *reached, const i64 *active);

/* That sum. */
double mml_active_loss(const double *head_loss, const i64 *active, i64 modalities);

#endif
