/* What the leading steps of a pipeline make of all samples, in a file of the cache.
 *
 * The file has a place for each row that a split uses, in the order of rows, so that runs whose splits
 * differ share it. Only where a step draws by the sample (colorize) do seed and splits count too. Its key
 * is made of the source's checksum (which is of its files' bytes), its settings without those that only
 * choose rows, the rows, the steps and their settings.
 */
#include "data/pipeline.h"

#include <stdlib.h>
#include <string.h>

/* ---- The key ---- */

/* Settings of a source that choose rows; which rows there are the key has anyway. */
static int chooses_rows(const char *name) {
    static const char *const names[] = { "limit", "test_limit", "holdout", "skip" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0) return 1;
    return strncmp(name, "test.", 5) == 0;
}

static void add_value(DataKey *key, const MmlSetting *setting, const MmlValue *value) {
    int text = setting->type == MML_STRING || setting->type == MML_PATH;
    if (text) mml_key_text(key, value->s ? value->s : "");
    else mml_key_bytes(key, value, sizeof *value);
}

/* The settings of path and below it. */
static void add_settings(DataKey *key, const MmlSettings *settings, const char *path) {
    size_t length = strlen(path);
    for (i64 i = 0; i < settings->experiment->setting_count; i++) {
        const MmlSetting *setting = &settings->experiment->settings[i];
        const char *rest = setting->path + length;
        if (strncmp(setting->path, path, length) != 0 || (*rest && *rest != '.') || (*rest && chooses_rows(rest + 1))) continue;
        const MmlValue *values = &settings->values[setting->slot];
        mml_key_text(key, rest);
        if (!(setting->flags & MML_SETTING_LIST)) {
            add_value(key, setting, values);
            continue;
        }
        mml_key_int(key, values->i);
        for (i64 k = 1; k <= values->i; k++) add_value(key, setting, &values[k]);
    }
}

static void add_shape(DataKey *key, const MmlShape *shape) { mml_key_bytes(key, shape->size, shape->rank * (i64)sizeof *shape->size); }

static DataKey key_of(const DataPipeline *pipeline, u64 seed, i64 steps, const i64 *rows, i64 count) {
    const DataSource *source = pipeline->source;
    const MmlExperiment *experiment = source->settings->experiment;
    DataKey key = mml_key(experiment->compiler, "prepared");
    i64 draws = 0;
    mml_key_text(&key, source->program->kind);
    mml_key_int(&key, (i64)source->checksum);
    add_settings(&key, source->settings, source->program->path);
    mml_key_text(&key, pipeline->field->name);
    mml_key_bytes(&key, rows, count * (i64)sizeof *rows);
    for (i64 i = 0; i < steps; i++) {
        const DataStep *step = &pipeline->steps[i];
        mml_key_text(&key, step->program->name);
        add_settings(&key, source->settings, step->program->path);
        add_shape(&key, &step->in);
        add_shape(&key, &step->out);
        draws |= step->flags & DATA_STEP_DRAWS;
        if (step->flags & DATA_STEP_DRAWS) mml_key_int(&key, step->number);
    }
    if (!draws) return key;
    mml_key_int(&key, (i64)seed);
    mml_key_int(&key, experiment->target.classes);
    for (int split = 0; split < MML_SPLITS; split++)
        mml_key_bytes(&key, source->rows[split], source->counts[split] * (i64)sizeof *source->rows[split]);
    return key;
}

/* ---- Places ---- */

typedef struct { i64 row, position; MmlSplit split; } Place;

static int by_row(const void *a, const void *b) {
    const Place *x = a, *y = b;
    return (x->row > y->row) - (x->row < y->row);
}

static Status list_places(const DataSource *source, MmlArena *arena, Place **out, i64 **rows, i64 *count) {
    *count = 0;
    for (int split = 0; split < MML_SPLITS; split++) *count += source->counts[split];
    Place *places = *out = MML_NEW(arena, Place, *count + 1);
    *rows = MML_NEW(arena, i64, *count + 1);
    if (!places || !*rows) return MML_ENOMEM;
    for (int split = 0; split < MML_SPLITS; split++)
        for (i64 i = 0; i < source->counts[split]; i++) *places++ = (Place){ source->rows[split][i], i, (MmlSplit)split };
    qsort(*out, (size_t)*count, sizeof **out, by_row);
    for (i64 i = 0; i < *count; i++) (*rows)[i] = (*out)[i].row;
    return MML_OK;
}

/* From now on runs read the file. */
static Status use(DataPipeline *pipeline, i64 steps, const Place *places, i64 count, MmlArena *arena) {
    for (int split = 0; split < MML_SPLITS; split++) {
        pipeline->kept[split].places = MML_NEW(arena, i64, pipeline->source->counts[split] + 1);
        if (!pipeline->kept[split].places) return MML_ENOMEM;
    }
    for (i64 i = 0; i < count; i++) pipeline->kept[places[i].split].places[places[i].position] = i;
    pipeline->kept_steps = steps;
    pipeline->kept_size = pipeline->steps[steps - 1].out_size;
    return MML_OK;
}

/* ---- Making ---- */

typedef struct {
    const DataPipeline *pipeline;
    const Place        *places;
    i64           steps, size;
    u64           seed;
    float        *values;
    float *const *scratch;
} Making;

static void make(void *context, i64 begin, i64 end, int thread) {
    const Making *m = context;
    for (i64 i = begin; i < end && !mml_stop_asked(); i++)
        mml_data_pipeline_run(m->pipeline, m->steps, m->places[i].position, (DataDraw){ .split = m->places[i].split, .seed = m->seed },
                              m->values + i * m->size, m->scratch[thread]);
}

Status mml_data_pipeline_prepare(DataPipeline *pipeline, u64 seed, MmlThreads *threads, float *const *scratch, MmlArena *arena) {
    const DataSource *source = pipeline->source;
    i64 steps = mml_data_pipeline_prefix(pipeline), count, *rows, bytes;
    Place *places;
    if (!source->cache || steps == 0) return MML_OK;
    i64 size = pipeline->steps[steps - 1].out_size;
    MML_TRY(list_places(source, arena, &places, &rows, &count));
    if (__builtin_mul_overflow(count, size * (i64)sizeof(float), &bytes) || bytes < DATA_STORE_LEAST) return MML_OK;
    const char *name = mml_arena_format(arena, "%s-prepared", pipeline->modality->name);
    DataStore *store = &pipeline->prepared;
    if (!name) return MML_ENOMEM;
    MML_TRY(mml_store_open_file(source->cache, name, key_of(pipeline, seed, steps, rows, count), bytes, store));
    if (!store->bytes) return MML_OK;
    if (!store->ready) {
        Making making = { pipeline, places, steps, size, seed, (float *)store->bytes, scratch };
        mml_parallel(threads, count, make, &making);
        MML_TRY(mml_data_go_on());
        mml_store_seal(store);
    }
    return use(pipeline, steps, places, count, arena);
}
