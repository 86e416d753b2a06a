/* The optimiser's part of a step: which parameters move, and by which rate. */
#ifndef TRAIN_UPDATE_H
#define TRAIN_UPDATE_H

#include "train/model.h"
#include "train/stage_settings.h"

/* Moves the reached parameters of the groups that are marked.
 *
 * moves: [groups] 1: update by its gradient; 2: by a gradient of zero (a
 * paused group with pause = zero_gradient); 0: leave alone, memory included.
 * rates: [groups]. Parameters that the step's loss does not reach are left
 * alone. With clip, gradients are scaled down to that norm, in a unimodal stage
 * each modality's on its own (it has its own optimiser). The number of updates
 * is kept for each parameter. */
void mml_update(MmlModel *model, const MmlStageSettings *stage, const i64 *reached, const i64 *moves,
                const double *rates, MmlThreads *threads);

#endif
