/* normalize(train): mean and population deviation of each value over the train
 * split (scikit-learn's StandardScaler). Blocks of a fixed number of samples
 * are computed by all threads and added in order, value by value, so that the
 * result doesn't depend on the number of threads. */
#include "data/pipeline.h"

#include <math.h>
#include <stdlib.h>

/* Samples held at a time. */
#define BLOCK 256

typedef struct {
    const DataPipeline *pipeline;
    i64           step, size;
    i64           first, count;      /* of the block                                */
    float        *samples;           /* [BLOCK, size]                               */
    double       *mean, *squares;    /* [size] of what came before the block        */
    float *const *scratch;
    u64           seed;
} Fit;

static void compute_samples(void *context, i64 begin, i64 end, int thread) {
    const Fit *fit = context;
    for (i64 i = begin; i < end; i++)
        mml_data_pipeline_run(fit->pipeline, fit->step, fit->first + i, (DataDraw){ .split = MML_TRAIN, .seed = fit->seed },
                              fit->samples + i * fit->size, fit->scratch[thread]);
}

/* Joins the block's mean and squared deviations to those before (Chan, Golub, LeVeque 1983). */
static void add_block(void *context, i64 begin, i64 end, int thread) {
    const Fit *fit = context;
    double n = (double)fit->count, before = (double)fit->first;
    for (i64 j = begin; j < end; j++) {
        double sum = 0, squares = 0;
        for (i64 i = 0; i < fit->count; i++) sum += fit->samples[i * fit->size + j];
        double mean = sum / n;
        for (i64 i = 0; i < fit->count; i++) {
            double d = fit->samples[i * fit->size + j] - mean;
            squares += d * d;
        }
        double delta = mean - fit->mean[j];
        fit->mean[j] += delta * n / (n + before);
        fit->squares[j] += squares + delta * delta * n * before / (n + before);
    }
}

static Status fit_step(Fit *fit, MmlThreads *threads, DataFitted *fitted) {
    i64 total = fit->pipeline->source->counts[MML_TRAIN];
    for (fit->first = 0; fit->first < total; fit->first += BLOCK) {
        MML_TRY(mml_data_go_on());
        fit->count = total - fit->first < BLOCK ? total - fit->first : BLOCK;
        mml_parallel(threads, fit->count, compute_samples, fit);
        for (i64 i = 0; i < fit->count; i++)
            if (!mml_data_finite(fit->samples + i * fit->size, fit->size))
                return mml_data_pipeline_explain(fit->pipeline, fit->first + i,
                                                 (DataDraw){ .split = MML_TRAIN, .seed = fit->seed }, fit->scratch[0]);
        mml_parallel(threads, fit->size, add_block, fit);
    }
    for (i64 j = 0; j < fit->size; j++) {
        double deviation = sqrt(fit->squares[j] / (double)total);
        fitted->mean[j] = (float)fit->mean[j];
        fitted->deviation[j] = (float)deviation > 0 ? (float)deviation : 1;      /* a constant value is only centred */
    }
    return MML_OK;
}

Status mml_data_pipeline_fit(DataPipeline *pipeline, u64 seed, MmlThreads *threads, float *const *scratch) {
    Status status = MML_OK;
    for (i64 i = 0; i < pipeline->step_count && status == MML_OK; i++) {
        DataStep *step = &pipeline->steps[i];
        if (!step->fitted) continue;
        size_t size = (size_t)step->in_size;
        Fit fit = { .pipeline = pipeline, .step = i, .size = step->in_size, .scratch = scratch, .seed = seed,
                    .samples = malloc(sizeof(float) * size * BLOCK), .mean = calloc(size, sizeof(double)),
                    .squares = calloc(size, sizeof(double)) };
        if (fit.samples && fit.mean && fit.squares) status = fit_step(&fit, threads, step->fitted);
        else status = mml_fail(MML_ENOMEM, "no memory to fit %s (%s)", step->program->name, step->program->where);
        free(fit.samples);
        free(fit.mean);
        free(fit.squares);
    }
    return status;
}
