#include "data/source.h"

#include <string.h>
#include "data/split.h"

typedef struct {
    const char *kind;
    Status    (*open)(DataSource *source);
} DataKind;

static const DataKind kinds[] = {
    { "idx",           mml_data_idx_open },
    { "csv",           mml_data_csv_open },
    { "colored_mnist", mml_data_colored_open },
    { "crema_d",       mml_data_crema_d_open },
    { "ave",           mml_data_unread_open },
    { "ucf101",        mml_data_unread_open },
    { "av_digits",     mml_data_av_digits_open },
    { "npz",           mml_data_npz_open },
    { "folder",        mml_data_folder_open },
    { "sparse_coding", mml_data_unread_open },
};

static const DataKind *kind_of(const char *name) {
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].kind, name) == 0) return &kinds[i];
    return NULL;
}

DataKey mml_data_source_key(const DataSource *source, const char *what, const char *path) {
    DataKey key = mml_key(source->settings->experiment->compiler, what);
    mml_key_file(&key, path);
    mml_key_int(&key, (i64)source->checksum);
    return key;
}

Status mml_data_source_open(const MmlSettings *settings, const MmlSource *program, u64 seed, MmlThreads *threads,
                            DataCache *cache, MmlArena *arena, DataSource *out) {
    *out = (DataSource){ .settings = settings, .program = program, .arena = arena, .seed = seed, .threads = threads, .cache = cache,
                         .checksum = MML_DATA_HASH_START };
    const DataKind *kind = kind_of(program->kind);
    if (!kind) return mml_fail(MML_EBUG, "%s: the runtime knows no source '%s'", program->where, program->kind);
    Status status = kind->open(out);
    if (status == MML_OK) status = mml_data_holdout(out);
    if (status != MML_OK) mml_data_source_close(out);
    return status;
}

void mml_data_source_close(DataSource *source) {
    if (source->close) source->close(source);
    source->close = NULL;
}

void *mml_data_source_begin(DataSource *source, size_t bytes, i64 fields, const char *(*place)(const DataSource *source, i64 row),
                            void (*close)(DataSource *source)) {
    void *state = mml_arena_alloc(source->arena, bytes);
    source->fields = MML_NEW(source->arena, DataField, fields);
    if (!state || !source->fields) return NULL;
    source->reader = state;
    source->place = place;
    source->close = close;
    return state;
}

Status mml_data_source_root(const DataSource *source, DataOrigin *root) {
    *root = mml_data_origin(source->settings, source->program, "root");
    return mml_data_need_folder(root);
}

const DataField *mml_data_source_field(const DataSource *source, const char *name) {
    for (i64 i = 0; i < source->field_count; i++)
        if (strcmp(source->fields[i].name, name) == 0) return &source->fields[i];
    return NULL;
}

Status mml_data_source_limit(const DataSource *source, MmlSplit split, i64 count, i64 *out) {
    const char *name = split == MML_TEST ? "test_limit" : "limit", *path = source->program->path;
    *out = count;
    if (!mml_has(source->settings, "%s.%s", path, name)) return MML_OK;
    i64 limit = mml_int(source->settings, "%s.%s", path, name);
    if (limit < 1)
        return mml_fail(MML_EINPUT, "%s.%s = %lld (%s): a limit is 1 or more", path, name, (long long)limit,
                        source->program->where);
    if (limit < count) *out = limit;
    return MML_OK;
}

i64 *mml_data_source_rows(DataSource *source, MmlSplit split, i64 count) {
    source->counts[split] = count;
    return source->rows[split] = MML_NEW(source->arena, i64, count > 0 ? count : 1);
}

Status mml_data_source_skip(DataSource *source, i64 samples, const char *why) {
    source->skipped += samples;
    if (source->skip_count == MML_DATA_SKIPS_NAMED) return MML_OK;
    const char *copy = source->skips[source->skip_count++] = mml_arena_format(source->arena, "%s", why ? why : "no memory");
    return copy ? MML_OK : MML_ENOMEM;
}

static double most_skipped(const DataSource *source) {
    const char *path = source->program->path;
    return mml_has(source->settings, "%s.skip", path) ? mml_real(source->settings, "%s.skip", path) : 0.01;
}

Status mml_data_source_skips(const DataSource *source, i64 count, const char *what) {
    const char *path = source->program->path;
    double share = most_skipped(source);
    if (source->skipped == 0 || (source->skipped < count && (double)source->skipped <= share * (double)count)) return MML_OK;
    return mml_fail(MML_EDATA, "%lld of the %lld %s of %s (%s) can't be read, more than %s.skip = %g %%; the first: %s",
                    (long long)source->skipped, (long long)count, what, path, source->program->where, path, 100 * share, source->skips[0]);
}

Status mml_data_source_replace(DataSource *source, i64 replaced, i64 frames, i64 clips, const char *why) {
    const char *path = source->program->path;
    double share = most_skipped(source);
    if (replaced == 0) return MML_OK;
    if (!why) why = "no memory";
    if ((double)replaced > share * (double)frames)
        return mml_fail(MML_EDATA, "%lld of the %lld frames of %s (%s) can't be read, more than %s.skip = %g %%; the first: %s",
                        (long long)replaced, (long long)frames, path, source->program->where, path, 100 * share, why);
    source->replaced += replaced;
    source->replacement = mml_arena_format(source->arena, "%s%s%lld of %lld frames, in %lld clip%s, by their neighbours; the first: %s",
                                           source->replacement ? source->replacement : "", source->replacement ? "; " : "", (long long)replaced,
                                           (long long)frames, (long long)clips, clips == 1 ? "" : "s", why);
    return source->replacement ? MML_OK : MML_ENOMEM;
}

int mml_data_source_used(const DataSource *source, const char *field) {
    const MmlExperiment *experiment = source->settings->experiment;
    for (i64 m = 0; m < experiment->modality_count; m++) {
        const MmlModality *modality = &experiment->modalities[m];
        if (&experiment->sources[modality->source] == source->program && strcmp(modality->field, field) == 0) return 1;
    }
    return &experiment->sources[experiment->target.source] == source->program && strcmp(experiment->target.field, field) == 0;
}
