/* Evaluation of a split by a stage's evaluation step: nothing trains, transforms are deterministic. */
#ifndef TRAIN_EVALUATE_H
#define TRAIN_EVALUATE_H

#include "train/run.h"

/* Called with each batch after it ran; the frame holds its labels, samples and results. */
typedef Status (*MmlBatchVisitor)(void *context, const MmlWork *work, i64 first);

/* Runs rows[n] of a split (NULL: the first n) through the stage's evaluation step. loss 0: nobody reads
 * frame.loss, and decompositions in it are left out. MML_EINTERRUPT when a stop was asked for. */
Status mml_pass(MmlRun *run, const MmlStageSettings *stage, MmlSplit split, const i64 *rows, i64 n, int loss,
                MmlBatchVisitor visit, void *context);

/* The split's numbers. Splits without samples give NaN. confusion: [K, K] counts
 * by label and prediction, added to; or NULL. */
Status mml_evaluate(MmlRun *run, const MmlStageSettings *stage, MmlSplit split, MmlMetrics *out, i64 *confusion);

/* Index of the largest of k logits; the first of equals. */
i64 mml_argmax(const float *logits, i64 k);

#endif
