/* Measurements: features or logits of a split, through the PID probe. */
#ifndef TRAIN_MEASURE_H
#define TRAIN_MEASURE_H

#include "train/run.h"

typedef struct {
    const MmlMeasureSettings *settings;
    MmlProbeResult result;
    double         seconds;                       /* features included                           */
} MmlMeasured;

/* Takes the measurement in evaluation mode with deterministic transforms. A
 * fixed, seeded choice of samples where not all are asked for. */
Status mml_measure(MmlRun *run, const MmlStageSettings *stage, const MmlMeasureSettings *settings, i64 epoch, MmlMeasured *out);

/* As a policy sees it; the arrays are those of measured. */
MmlProbe mml_measured_probe(const MmlMeasured *measured, i64 epoch);

/* Fails when a measurement reads a split without samples. */
Status mml_measures_check(const MmlData *data, const MmlStageSettings *stage);

#endif
