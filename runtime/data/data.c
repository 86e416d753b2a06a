#include "mml/data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "data/mapped.h"
#include "data/state.h"

/* ---- Opening ---- */

static Status open_sources(MmlData *data) {
    const MmlExperiment *experiment = data->experiment;
    data->sources = MML_NEW(data->arena, DataSource, experiment->source_count);
    if (!data->sources) return MML_ENOMEM;
    for (i64 i = 0; i < experiment->source_count; i++) {
        MML_TRY(mml_data_source_open(data->settings, &experiment->sources[i], data->seed, data->threads, data->cache, data->arena,
                                     &data->sources[i]));
        data->source_count++;
        MML_TRY(mml_data_go_on());
    }
    return MML_OK;
}

static Status check_counts(const MmlData *data) {
    static const char *const names[MML_SPLITS] = { "train", "validation", "test" };
    const DataSource *first = data->labelled;
    for (i64 i = 0; i < data->source_count; i++)
        for (int split = 0; split < MML_SPLITS; split++) {
            const DataSource *other = &data->sources[i];
            if (other->counts[split] != first->counts[split])
                return mml_fail(MML_EDATA, "%s: data %s has %lld %s samples and data %s (%s) %lld; samples are joined by position",
                                other->program->where, other->program->name, (long long)other->counts[split], names[split],
                                first->program->name, first->program->where, (long long)first->counts[split]);
        }
    return MML_OK;
}

/* The largest label, or a failure at the first that is no class of the target. */
static Status check_labels(const MmlData *data) {
    const DataSource *source = data->labelled;
    const MmlTarget *target = &data->experiment->target;
    i64 wrong = -1, wrong_label = 0, largest = 0;
    for (int split = 0; split < MML_SPLITS; split++)
        for (i64 i = 0; i < source->counts[split]; i++) {
            i64 row = source->rows[split][i], label = data->label->label(source, data->label, row);
            if (label > largest) largest = label;
            if (wrong >= 0 || (label >= 0 && label < target->classes)) continue;
            wrong = row;
            wrong_label = label;
        }
    if (wrong < 0) return MML_OK;
    if (wrong_label < 0)
        return mml_fail(MML_EDATA, "%s: label %lld is below 0 (target %s : class[%lld], %s)", source->place(source, wrong),
                        (long long)wrong_label, target->name, (long long)target->classes, target->where);
    return mml_fail(MML_EDATA, "%s: label %lld is not below the %lld classes of target %s (%s); the largest label is %lld: class[%lld]",
                    source->place(source, wrong), (long long)wrong_label, (long long)target->classes, target->name,
                    target->where, (long long)largest, (long long)largest + 1);
}

/* Another source with a label of the same name must tell the same of each sample:
 * that is how samples paired wrongly are found. */
static Status check_pairs(const MmlData *data) {
    const DataSource *first = data->labelled;
    for (i64 s = 0; s < data->source_count; s++) {
        const DataSource *other = &data->sources[s];
        const DataField *field = mml_data_source_field(other, data->label->name);
        if (other == first || !field || !field->label) continue;
        for (int split = 0; split < MML_SPLITS; split++)
            for (i64 i = 0; i < first->counts[split]; i++) {
                i64 mine = first->rows[split][i], theirs = other->rows[split][i];
                i64 label = data->label->label(first, data->label, mine), theirs_label = field->label(other, field, theirs);
                if (label != theirs_label)
                    return mml_fail(MML_EDATA, "%s: label %lld disagrees with label %lld of %s, the same sample by position",
                                    other->place(other, theirs), (long long)theirs_label, (long long)label,
                                    first->place(first, mine));
            }
    }
    return MML_OK;
}

static Status open_target(MmlData *data) {
    const MmlTarget *target = &data->experiment->target;
    data->labelled = &data->sources[target->source];
    data->label = mml_data_source_field(data->labelled, target->field);
    if (data->label && data->label->no_label)
        return mml_fail(MML_EDATA, "%s: %s.%s is no label: %s", target->where, data->labelled->program->name, target->field,
                        data->label->no_label);
    if (!data->label || !data->label->label)
        return mml_fail(MML_EDATA, "%s: %s.%s is no label; data %s (%s) needs a label = …", target->where,
                        data->labelled->program->name, target->field, data->labelled->program->name,
                        data->labelled->program->where);
    MML_TRY(check_counts(data));
    MML_TRY(check_labels(data));
    return check_pairs(data);
}

static Status open_pipelines(MmlData *data) {
    const MmlExperiment *experiment = data->experiment;
    data->pipelines = MML_NEW(data->arena, DataPipeline, experiment->modality_count);
    if (!data->pipelines) return MML_ENOMEM;
    i64 first_step = 0;
    for (i64 i = 0; i < experiment->modality_count; i++) {
        const MmlModality *modality = &experiment->modalities[i];
        DataPipeline *pipeline = &data->pipelines[i];
        MML_TRY(mml_data_pipeline_open(data->settings, modality, &data->sources[modality->source], first_step, data->arena,
                                       pipeline));
        data->pipeline_count++;
        first_step += modality->transform_count;
    }
    return MML_OK;
}

static Status make_scratch(MmlData *data) {
    int threads = mml_threads_count(data->threads);
    i64 floats = 1;
    for (i64 i = 0; i < data->pipeline_count; i++) {
        i64 needed = mml_data_pipeline_scratch(&data->pipelines[i]);
        if (needed > floats) floats = needed;
    }
    data->scratch = MML_NEW(data->arena, float *, threads);
    data->spoilt = MML_NEW(data->arena, i64, threads);
    if (!data->scratch || !data->spoilt) return MML_ENOMEM;
    for (int i = 0; i < threads; i++)
        if (!(data->scratch[i] = MML_NEW(data->arena, float, floats))) return MML_ENOMEM;
    return MML_OK;
}

static Status keep_prepared(MmlData *data) {
    i64 room = DATA_CACHE_LIMIT;
    for (i64 i = 0; i < data->pipeline_count; i++) {
        DataPipeline *pipeline = &data->pipelines[i];
        MML_TRY(mml_data_pipeline_prepare(pipeline, data->seed, data->threads, data->scratch, data->arena));
        MML_TRY(mml_data_pipeline_keep(pipeline, &room));
    }
    return MML_OK;
}

static Status describe(MmlData *data) {
    const char *validation = "", *test = "", *skipped = "", *replaced = "";
    i64 counts[MML_SPLITS];
    for (int split = 0; split < MML_SPLITS; split++) counts[split] = mml_data_count(data, (MmlSplit)split);
    if (counts[MML_VALIDATION])
        validation = mml_arena_format(data->arena, ", %lld validation", (long long)counts[MML_VALIDATION]);
    if (counts[MML_TEST]) test = mml_arena_format(data->arena, ", %lld test", (long long)counts[MML_TEST]);
    if (mml_data_skipped(data)) skipped = mml_arena_format(data->arena, ", %lld skipped", (long long)mml_data_skipped(data));
    i64 frames = mml_data_replaced(data);
    if (frames) replaced = mml_arena_format(data->arena, ", %lld frame%s replaced", (long long)frames, frames == 1 ? "" : "s");
    if (!validation || !test || !skipped || !replaced) return MML_ENOMEM;
    data->description = mml_arena_format(data->arena, "%lld train%s%s%s%s", (long long)counts[MML_TRAIN], validation, test,
                                         skipped, replaced);
    u64 hash = MML_DATA_HASH_START;
    for (i64 i = 0; i < data->source_count; i++)
        hash = mml_data_hash(hash, &data->sources[i].checksum, sizeof data->sources[i].checksum);
    data->checksum = mml_arena_format(data->arena, "%016llx", (unsigned long long)hash);
    return data->description && data->checksum ? MML_OK : MML_ENOMEM;
}

static Status open_all(MmlData *data, const MmlCache *cache) {
    if (cache) MML_TRY(mml_cache_open(cache, data->threads, data->arena, &data->cache));
    MML_TRY(open_sources(data));
    MML_TRY(open_target(data));
    MML_TRY(open_pipelines(data));
    MML_TRY(make_scratch(data));
    MML_TRY(keep_prepared(data));
    for (i64 i = 0; i < data->pipeline_count; i++)
        MML_TRY(mml_data_pipeline_fit(&data->pipelines[i], data->seed, data->threads, data->scratch));
    MML_TRY(mml_data_unfailed(data));
    return describe(data);
}

Status mml_data_open(const MmlSettings *settings, u64 seed, MmlThreads *threads, MmlData **out) {
    return mml_data_open_cached(settings, seed, threads, NULL, out);
}

Status mml_data_open_cached(const MmlSettings *settings, u64 seed, MmlThreads *threads, const MmlCache *cache, MmlData **out) {
    *out = NULL;
    MmlArena *arena = mml_arena_new();
    MmlData *data = arena ? MML_NEW(arena, MmlData, 1) : NULL;
    if (!data) {
        mml_arena_free(arena);
        return MML_ENOMEM;
    }
    *data = (MmlData){ .settings = settings, .experiment = settings->experiment, .arena = arena, .threads = threads,
                       .seed = seed };
    Status status = open_all(data, cache);
    if (status == MML_OK) *out = data;
    else mml_data_close(data);
    return status;
}

void mml_data_close(MmlData *data) {
    if (!data) return;
    for (i64 i = 0; i < data->pipeline_count; i++) mml_data_pipeline_close(&data->pipelines[i]);
    for (i64 i = 0; i < data->source_count; i++) mml_data_source_close(&data->sources[i]);
    mml_arena_free(data->arena);
}

/* ---- What is there ---- */

i64 mml_data_count(const MmlData *data, MmlSplit split) { return data->labelled->counts[split]; }

i64 mml_data_skipped(const MmlData *data) {
    i64 skipped = 0;
    for (i64 i = 0; i < data->source_count; i++) skipped += data->sources[i].skipped;
    return skipped;
}

const char *mml_data_skip(const MmlData *data, i64 index) {
    for (i64 i = 0; i < data->source_count; i++) {
        const DataSource *source = &data->sources[i];
        if (index < source->skip_count) return source->skips[index];
        index -= source->skip_count;
    }
    return NULL;
}

i64 mml_data_replaced(const MmlData *data) {
    i64 replaced = 0;
    for (i64 i = 0; i < data->source_count; i++) replaced += data->sources[i].replaced;
    return replaced;
}

const char *mml_data_replacement(const MmlData *data, i64 index) {
    for (i64 i = 0; i < data->source_count; i++)
        if (data->sources[i].replacement && index-- == 0) return data->sources[i].replacement;
    return NULL;
}

const char *mml_data_class(const MmlData *data, i64 label) {
    return label >= 0 && label < data->labelled->class_count ? data->labelled->classes[label] : NULL;
}

const char *mml_data_describe(const MmlData *data) { return data->description; }

const char *mml_data_cache_describe(const MmlData *data) { return mml_cache_describe(data->cache); }

Status mml_data_unfailed(const MmlData *data) {
    if (!mml_mapped_failed()) return MML_OK;
    return mml_fail(MML_EIO, "a file of the cache in %s was changed or can't be read while it was in use: remove the folder and begin again, "
                    "or go on with --resume", mml_cache_folder(data->cache));
}

const char *mml_data_checksum(const MmlData *data) { return data->checksum; }

int mml_data_fitted(MmlData *data, i64 index, const char **name, float **values, i64 *count) {
    for (i64 m = 0; m < data->pipeline_count; m++)
        for (i64 i = 0; i < data->pipelines[m].step_count; i++) {
            const DataStep *step = &data->pipelines[m].steps[i];
            if (!step->fitted) continue;
            if (index >= 2) {
                index -= 2;
                continue;
            }
            *name = index ? step->fitted->deviation_name : step->fitted->mean_name;
            *values = index ? step->fitted->deviation : step->fitted->mean;
            *count = step->fitted->count;
            return 1;
        }
    return 0;
}
