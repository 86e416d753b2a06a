/* mml_pid_halved of mml/pid.h. */
#include "mml/pid.h"

#include "pid/resample.h"

static Status halved(const MmlTable *table, const MmlPid *pid, const MmlPidOptions *options, u64 seed,
                     MmlArena *arena, MmlPidHalved *out) {
    MmlCounts counts;
    MML_TRY(mml_counts_new(table, arena, &counts));
    if (counts.samples < 2) return mml_fail(MML_EINPUT, "halves need at least 2 samples");
    double *half[2] = {MML_NEW(arena, double, counts.cells), MML_NEW(arena, double, counts.cells)};
    if (!half[0] || !half[1]) return MML_ENOMEM;
    MmlRandom random = mml_random(seed, MML_STREAM_HALVES, 0, 0);
    mml_split_in_halves(&counts, &random, half[0], half[1]);
    out->redundancy = 2 * pid->redundancy;
    for (int k = 0; k < counts.sources; k++) out->unique[k] = 2 * pid->unique[k];
    for (int h = 0; h < 2; h++) {
        MmlTable of_half = mml_counts_table(&counts, half[h]);
        MmlArenaMark mark = mml_arena_mark(arena);
        MmlPid pid_of_half;
        Status status = mml_pid_solve(&of_half, options, arena, &pid_of_half);
        mml_arena_release(arena, mark);
        if (status != MML_OK) return mml_context(status, "half of the samples");
        out->redundancy -= pid_of_half.redundancy / 2;
        for (int k = 0; k < counts.sources; k++) out->unique[k] -= pid_of_half.unique[k] / 2;
    }
    return MML_OK;
}

Status mml_pid_halved(const MmlTable *counts, const MmlPid *pid, const MmlPidOptions *options, u64 seed,
                      MmlArena *arena, MmlPidHalved *out) {
    if (!counts || !counts->p || !pid || !arena || !out) return mml_fail(MML_EINPUT, "mml_pid_halved: an argument is NULL");
    MmlArenaMark mark = mml_arena_mark(arena);
    *out = (MmlPidHalved){0};
    Status status = halved(counts, pid, options, seed, arena, out);
    mml_arena_release(arena, mark);
    return status;
}
