#include "driver/pid_estimate.h"

/* Enough for the adjusted synergy, as in a probe. */
#define SHUFFLES 10

Status pid_estimate_check(const PidEstimateOptions *options, const char *file, const PidInput *input) {
    const char *option = options->shuffles ? "--null" : options->resamples ? "--bootstrap" : options->halved ? "--halved" : NULL;
    for (int i = 0; i < input->count && option; i++)
        if (!input->items[i].counted)
            return mml_fail(MML_ECALL, "%s: %s holds probabilities, and %s needs numbers of samples; give samples as CSV, "
                            "{\"counts\": [[[…]]]} or an .npy of integers", file, input->items[i].name, option);
    return MML_OK;
}

Status pid_estimate(const PidEstimateOptions *options, const PidDistribution *distribution, const MmlPid *pid,
                    const MmlPidOptions *solver, MmlThreads *threads, MmlArena *arena, PidEstimates *out) {
    const MmlTable *counts = &distribution->table;
    *out = (PidEstimates){.options = options};
    MML_TRY(mml_pid_null(counts, pid, options->shuffles ? options->shuffles : SHUFFLES, options->seed, threads, arena, &out->null));
    if (options->halved) MML_TRY(mml_pid_halved(counts, pid, solver, options->seed, arena, &out->halved));
    if (!options->resamples) return MML_OK;
    return mml_pid_bootstrap(counts, pid, solver, options->resamples, options->seed, threads, arena, &out->intervals);
}
