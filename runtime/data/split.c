#include "data/split.h"

#include <math.h>
#include <stdlib.h>
#include "mml/random.h"

Status mml_data_pick(u64 seed, DataPick which, double share, i64 count, const char *setting, const char *where,
                     u8 *chosen) {
    i64 take = (i64)llround(share * (double)count);
    if (!(share > 0 && share < 1) || take < 1 || take >= count)
        return mml_fail(MML_EDATA, "%s = %g %% of %lld samples leaves one side empty (%s); give a share between", setting,
                        100 * share, (long long)count, where);
    i64 *order = malloc(sizeof *order * (size_t)count);
    if (!order) return mml_fail(MML_ENOMEM, "no memory for a split of %lld samples", (long long)count);
    for (i64 i = 0; i < count; i++) {
        order[i] = i;
        chosen[i] = 0;
    }
    MmlRandom random = mml_random(seed, MML_STREAM_SPLIT, (u64)which, 0);
    mml_random_shuffle(&random, order, count);
    for (i64 i = 0; i < take; i++) chosen[order[i]] = 1;
    free(order);
    return MML_OK;
}

Status mml_data_holdout(DataSource *source) {
    const char *path = source->program->path;
    if (!mml_has(source->settings, "%s.holdout", path)) return MML_OK;
    i64 count = source->counts[MML_TRAIN], *rows = source->rows[MML_TRAIN];
    u8 *chosen = MML_NEW(source->arena, u8, count);
    if (!chosen) return MML_ENOMEM;
    const char *setting = mml_arena_format(source->arena, "%s.holdout", path);
    MML_TRY(mml_data_pick(source->seed, DATA_PICK_HOLDOUT, mml_real(source->settings, "%s.holdout", path), count, setting,
                          source->program->where, chosen));
    i64 held = 0, kept = 0;
    for (i64 i = 0; i < count; i++) held += chosen[i];
    i64 *validation = mml_data_source_rows(source, MML_VALIDATION, held);
    if (!validation) return MML_ENOMEM;
    for (i64 i = 0, next = 0; i < count; i++) {
        if (chosen[i]) validation[next++] = rows[i];
        else rows[kept++] = rows[i];
    }
    source->counts[MML_TRAIN] = kept;
    return MML_OK;
}
