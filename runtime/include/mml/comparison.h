/* The page of a comparison: what several policies would have decided at the probes of one logged run. */
#ifndef MML_COMPARISON_H
#define MML_COMPARISON_H

#include "mml/replay.h"

/* One policy's replay of the log. */
typedef struct {
    const char           *name;        /* as it was written: "fastpid(tau = 2)"               */
    const MmlReplayLine  *lines;       /* [line_count]                                        */
    i64                   line_count;
    const MmlReplayStage *stages;      /* [stage_count], the same stages for all policies     */
    i64                   stage_count;
} MmlCompared;

typedef struct {
    const char        *log;            /* the run's folder, or its probes.jsonl               */
    const char *const *modalities;     /* [modality_count]                                    */
    i64                modality_count;
    const MmlCompared *policies;       /* [policy_count], at least one                        */
    i64                policy_count;
} MmlComparison;

/* The line that a policy has for the probe (or the epoch) of `like`; NULL: none. */
const MmlReplayLine *mml_comparison_line(const MmlCompared *policy, const MmlReplayLine *like);

/* Writes compare.html beside the log: the atoms over the epochs, how each policy ends, and all decisions
 * beside each other. One page without scripts or anything from elsewhere. *path: where it is, to be freed. */
Status mml_comparison_write(const MmlComparison *comparison, char **path);

#endif
