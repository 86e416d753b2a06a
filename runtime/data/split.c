#include "data/split.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
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

/* ---- Test rows ---- */

int mml_data_test_chosen(const DataSource *source) {
    const char *path = source->program->path;
    return mml_has(source->settings, "%s.test.share", path) || mml_has(source->settings, "%s.test.every", path);
}

/* A share of the rows that are there. */
static Status choose_share(const DataSource *source, i64 rows, const u8 *missing, u8 *chosen) {
    const char *path = source->program->path;
    i64 *there = MML_NEW(source->arena, i64, rows), count = 0;
    u8 *picked = MML_NEW(source->arena, u8, rows);
    if (!there || !picked) return MML_ENOMEM;
    for (i64 i = 0; i < rows; i++)
        if (!missing || !missing[i]) there[count++] = i;
    MML_TRY(mml_data_pick(source->seed, DATA_PICK_TEST, mml_real(source->settings, "%s.test.share", path), count,
                          mml_arena_format(source->arena, "%s.test", path), source->program->where, picked));
    for (i64 i = 0; i < count; i++) chosen[there[i]] = picked[i];
    return MML_OK;
}

static Status choose_test(const DataSource *source, i64 rows, const u8 *missing, u8 *chosen) {
    const MmlSettings *settings = source->settings;
    const char *path = source->program->path, *where = source->program->where;
    if (mml_has(settings, "%s.test.share", path)) return choose_share(source, rows, missing, chosen);
    if (!mml_has(settings, "%s.test.every", path)) return MML_OK;
    i64 every = mml_int(settings, "%s.test.every", path), of = mml_int(settings, "%s.test.of", path);
    if (every < 2 || of < 0 || of >= every)
        return mml_fail(MML_EINPUT, "%s.test = every(%lld, %lld) (%s): every(n, k) takes n of 2 or more and k from 0 to n - 1",
                        path, (long long)every, (long long)of, where);
    for (i64 i = 0; i < rows; i++) chosen[i] = i % every == of;
    return MML_OK;
}

Status mml_data_split(DataSource *source, i64 rows, i64 test_rows, const u8 *missing) {
    static const MmlSplit splits[2] = { MML_TRAIN, MML_TEST };
    i64 total = rows + test_rows, found[2] = { 0, 0 };
    u8 *chosen = MML_NEW(source->arena, u8, total + 1);
    if (!chosen) return MML_ENOMEM;
    MML_TRY(choose_test(source, rows, missing, chosen));
    memset(chosen + rows, 1, (size_t)test_rows);
    for (i64 i = 0; i < total; i++)
        if (!missing || !missing[i]) found[chosen[i]]++;
    if (found[0] == 0)
        return mml_fail(MML_EDATA, "%s (%s) has no samples to train on: all %lld rows are test rows", source->program->path,
                        source->program->where, (long long)found[1]);
    for (int side = 0; side < 2; side++) {
        i64 used = 0, next = 0;
        MML_TRY(mml_data_source_limit(source, splits[side], found[side], &used));
        i64 *list = mml_data_source_rows(source, splits[side], used);
        if (!list) return MML_ENOMEM;
        for (i64 i = 0; i < total && next < used; i++)
            if (chosen[i] == side && !(missing && missing[i])) list[next++] = i;
    }
    return MML_OK;
}

/* ---- Validation rows ---- */

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
