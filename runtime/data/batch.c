#include "data/batch.h"

/* ---- Orders ---- */

Status mml_data_order(const MmlData *data, u64 seed, i64 stage, i64 epoch, i64 *order) {
    i64 count = mml_data_count(data, MML_TRAIN);
    for (i64 i = 0; i < count; i++) order[i] = i;
    MmlRandom random = mml_random(seed, MML_STREAM_SHUFFLE, (u64)stage, (u64)epoch);
    mml_random_shuffle(&random, order, count);
    return MML_OK;
}

/* ---- Samples ---- */

DataDraw mml_batch_draw(const MmlData *data, MmlSplit split, i64 epoch, int augment) {
    return (DataDraw){ .split = split, .epoch = epoch, .augment = augment, .seed = data->seed };
}

Status mml_batch_check(const MmlData *data, MmlSplit split, const i64 *rows, i64 n) {
    i64 count = mml_data_count(data, split);
    for (i64 i = 0; i < n; i++)
        if (rows[i] < 0 || rows[i] >= count)
            return mml_fail(MML_EBUG, "row %lld of a split of %lld", (long long)rows[i], (long long)count);
    return MML_OK;
}

void mml_batch_fetch(const MmlData *data, const DataBatch *batch, i64 i) {
    enum { LINE = 16, MOST = 64 * LINE };            /* floats; what follows the hardware fetches itself */
    for (i64 m = 0; m < data->pipeline_count; m++) {
        const DataPipeline *pipeline = &data->pipelines[m];
        const DataSource *source = pipeline->source;
        if (!pipeline->field->floats || pipeline->kept_steps) continue;
        const float *floats = pipeline->field->floats(source, pipeline->field, source->rows[batch->draw.split][batch->rows[i]]);
        for (i64 at = 0; at < pipeline->field->size && at < MOST; at += LINE) __builtin_prefetch(floats + at);
    }
}

int mml_batch_place(const MmlData *data, const DataBatch *batch, i64 i, float *scratch) {
    int finite = 1;
    i64 row = batch->rows[i];
    batch->samples[i] = data->labelled->rows[batch->draw.split][row];
    batch->labels[i] = data->label->label(data->labelled, data->label, batch->samples[i]);
    for (i64 m = 0; m < data->pipeline_count; m++) {
        const DataPipeline *pipeline = &data->pipelines[m];
        i64 size = pipeline->modality->size;
        float *values = batch->inputs[m] + i * size;
        mml_data_pipeline_run(pipeline, pipeline->step_count, row, batch->draw, values, scratch);
        finite &= mml_data_finite(values, size);
    }
    return finite;
}

Status mml_batch_explain(const MmlData *data, const DataBatch *batch, i64 i, float *scratch) {
    for (i64 m = 0; m < data->pipeline_count; m++) {
        const DataPipeline *pipeline = &data->pipelines[m];
        i64 size = pipeline->modality->size;
        if (!mml_data_finite(batch->inputs[m] + i * size, size))
            return mml_data_pipeline_explain(pipeline, batch->rows[i], batch->draw, scratch);
    }
    return mml_fail(MML_EBUG, "a sample of the batch was infinite and is not any more");
}

/* ---- A batch by the pool's threads ---- */

typedef struct { MmlData *data; DataBatch batch; } Filling;

static void fill(void *context, i64 begin, i64 end, int thread) {
    const Filling *filling = context;
    i64 *spoilt = &filling->data->spoilt[thread];
    for (i64 i = begin; i < end; i++)
        if (!mml_batch_place(filling->data, &filling->batch, i, filling->data->scratch[thread]) && *spoilt < 0) *spoilt = i;
}

/* The first sample of the batch that isn't finite, -1 when all are. */
static i64 first_spoilt(const MmlData *data) {
    for (int i = 0; i < mml_threads_count(data->threads); i++)
        if (data->spoilt[i] >= 0) return data->spoilt[i];
    return -1;
}

Status mml_data_batch(MmlData *data, MmlSplit split, const i64 *rows, i64 n, i64 epoch, int augment,
                      float *const *inputs, i64 *labels, i64 *samples) {
    MML_TRY(mml_batch_check(data, split, rows, n));
    for (int i = 0; i < mml_threads_count(data->threads); i++) data->spoilt[i] = -1;
    Filling filling = { data, { rows, n, mml_batch_draw(data, split, epoch, augment), inputs, labels, samples } };
    mml_parallel(data->threads, n, fill, &filling);
    i64 spoilt = first_spoilt(data);
    MML_TRY(mml_data_unfailed(data));
    return spoilt < 0 ? MML_OK : mml_batch_explain(data, &filling.batch, spoilt, data->scratch[0]);
}
