/* What joint training began with: the decomposition before the first epoch of the second stage.
 *
 * It is there when the stage measures it: `watch = [pid(untrained = true, every = …)]`. Imbalance is the distance between
 * the modalities' unique information on a scale of ratios, |log2((U1 + e) / (U2 + e))| (of more than two: of the largest and the
 * least); e is MML_IMBALANCE_FLOOR, since below it a ratio is the noise of a probe.
 */
#ifndef TRAIN_SWEEP_START_H
#define TRAIN_SWEEP_START_H

#include "mml/experiment.h"

#define MML_IMBALANCE_FLOOR 1e-3      /* bit */

/* Quantities of a start, in this order: R, U of each modality, S, imbalance. */
#define MML_START_MOST (MML_MAX_MODALITIES + 3)

typedef struct { int known; double values[MML_START_MOST]; } MmlStart;

static inline i64 mml_start_count(const MmlExperiment *experiment) { return experiment->modality_count + 3; }
static inline i64 mml_start_synergy(const MmlExperiment *experiment) { return experiment->modality_count + 1; }

/* "R", "U_gray", "S", "imbalance" */
const char *mml_start_name(const MmlExperiment *experiment, i64 quantity, char text[96]);

double mml_imbalance(const double *unique, i64 modalities);

/* From a run's folder; known stays 0 when it measured none. */
Status mml_start_read(const MmlExperiment *experiment, const char *folder, MmlArena *arena, MmlStart *out);

#endif
