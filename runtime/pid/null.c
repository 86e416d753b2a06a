/* mml_pid_null of mml/pid.h. */
#include "mml/pid.h"

#include <math.h>
#include <stdlib.h>

#include "pid/estimate.h"
#include "pid/resample.h"
#include "pid/synergy.h"
#include "pid/table.h"

#define BITS (1 / 0.69314718055994530942)

typedef struct {
    const MmlCounts *counts;
    u64      seed;
    double **table;          /* of each thread: [cells]      */
    i64    **scratch;        /* of each thread: [3 tuples]   */
    double  *total;          /* [shuffles] I(X; Y)           */
} Shuffles;

static void shuffle_tables(void *context, i64 begin, i64 end, int thread) {
    Shuffles *shuffles = context;
    const MmlCounts *counts = shuffles->counts;
    double *table = shuffles->table[thread], scale = 1 / (double)counts->samples;
    for (i64 s = begin; s < end; s++) {
        MmlRandom random = mml_random(shuffles->seed, MML_STREAM_NULL, 0, (u64)s);
        mml_shuffle_within_labels(counts, &random, shuffles->scratch[thread], table);
        for (i64 c = 0; c < counts->cells; c++) table[c] *= scale;
        shuffles->total[s] = BITS * fmax(0, mml_pair_information(table, counts->tuples, counts->labels));
    }
}

static Status shuffles_new(const MmlCounts *counts, int count, u64 seed, int threads, MmlArena *arena, Shuffles *out) {
    *out = (Shuffles){.counts = counts, .seed = seed, .table = MML_NEW(arena, double *, threads),
                      .scratch = MML_NEW(arena, i64 *, threads), .total = MML_NEW(arena, double, count)};
    if (!out->table || !out->scratch || !out->total) return MML_ENOMEM;
    for (int t = 0; t < threads; t++) {
        out->table[t] = MML_NEW(arena, double, counts->cells);
        out->scratch[t] = MML_NEW(arena, i64, 3 * counts->tuples);
        if (!out->table[t] || !out->scratch[t]) return MML_ENOMEM;
    }
    return MML_OK;
}

/* Equal tables may differ in the last digits of their sums. */
#define EQUAL 1e-12

static Status null_distribution(const MmlTable *table, const MmlPid *pid, int count, u64 seed,
                                MmlThreads *threads, MmlArena *arena, MmlPidNull *out) {
    MmlCounts counts;
    MmlJoint joint;
    Shuffles shuffles;
    MML_TRY(mml_counts_new(table, arena, &counts));
    MML_TRY(mml_joint_new(table, arena, &joint));
    MML_TRY(shuffles_new(&counts, count, seed, mml_threads_count(threads), arena, &shuffles));
    mml_parallel(threads, count, shuffle_tables, &shuffles);

    double mean = 0, square = 0, union_information = pid->total - pid->synergy;
    int as_large = 0;
    for (int s = 0; s < count; s++) {
        mean += shuffles.total[s] / count;
        as_large += shuffles.total[s] >= pid->total - EQUAL;
    }
    for (int s = 0; s < count; s++) square += (shuffles.total[s] - mean) * (shuffles.total[s] - mean);
    double base = mml_independent_information(&joint, shuffles.table[0]);
    *out = (MmlPidNull){
        .synergy = mml_adjust(base, mean - base, pid->total, pid->entropy, union_information),
        .error = sqrt(square / (count - 1)),
        .mean = mean - union_information,
        .quantile = mml_quantile(shuffles.total, count, 0.95) - union_information,
        .p = (1.0 + as_large) / (1.0 + count),
        .samples = counts.samples,
    };
    return MML_OK;
}

Status mml_pid_null(const MmlTable *counts, const MmlPid *pid, int shuffles, u64 seed,
                    MmlThreads *threads, MmlArena *arena, MmlPidNull *out) {
    if (!counts || !counts->p || !pid || !arena || !out) return mml_fail(MML_EINPUT, "mml_pid_null: an argument is NULL");
    if (shuffles < 2) return mml_fail(MML_EINPUT, "the null distribution needs at least 2 shuffles, not %d", shuffles);
    MmlArenaMark mark = mml_arena_mark(arena);
    Status status = null_distribution(counts, pid, shuffles, seed, threads, arena, out);
    mml_arena_release(arena, mark);
    return status;
}
