/* What `mmlc pid` estimates from samples and counts beside the decomposition. */
#ifndef DRIVER_PID_ESTIMATE_H
#define DRIVER_PID_ESTIMATE_H

#include "driver/pid_input.h"

/* 0: not asked for. */
typedef struct { int shuffles, resamples, halved; u64 seed; } PidEstimateOptions;

typedef struct {
    const PidEstimateOptions *options;
    MmlPidNull      null;                  /* always                    */
    MmlPidIntervals intervals;             /* with options->resamples   */
    MmlPidHalved    halved;                /* with options->halved      */
} PidEstimates;

/* Fails with MML_ECALL where an estimate is asked of probabilities. */
Status pid_estimate_check(const PidEstimateOptions *options, const char *file, const PidInput *input);

/* distribution is counted. Fails as the functions of mml/pid.h do. */
Status pid_estimate(const PidEstimateOptions *options, const PidDistribution *distribution, const MmlPid *pid,
                    const MmlPidOptions *solver, MmlThreads *threads, MmlArena *arena, PidEstimates *out);

#endif
