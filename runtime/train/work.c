#include "train/work.h"

#include "mml/pages.h"
#include "train/run.h"

#include <math.h>
#include <string.h>

static i64 largest_split(const MmlData *data) {
    i64 largest = 1;
    for (int split = 0; split < MML_SPLITS; split++) {
        i64 count = mml_data_count(data, split);
        if (count > largest) largest = count;
    }
    return largest;
}

i64 mml_work_capacity(const MmlWork *work, const MmlStageSettings *stage) {
    i64 largest = largest_split(work->data);
    return stage->batch < largest ? stage->batch : largest;
}

static void grow(i64 *largest, i64 value) {
    if (value > *largest) *largest = value;
}

static Status allocate_batch(MmlWork *work, i64 batch, MmlArena *arena) {
    work->order = MML_NEW(arena, i64, largest_split(work->data));
    if (!work->order) return MML_ENOMEM;
    return mml_loader_new(work->data, work->frame.threads, batch, arena, &work->loader);
}

static Status allocate_scratch(MmlWork *work, i64 bytes, i64 thread_bytes, int threads, MmlArena *arena) {
    work->frame.arena = mml_arena_alloc(arena, (size_t)bytes);
    work->frame.scratch = MML_NEW(arena, char *, threads);
    if (!work->frame.arena || !work->frame.scratch) return MML_ENOMEM;
    for (int t = 0; t < threads; t++) {
        work->frame.scratch[t] = mml_arena_alloc(arena, (size_t)thread_bytes);
        if (!work->frame.scratch[t]) return MML_ENOMEM;
    }
    work->bytes = bytes + threads * thread_bytes;
    return MML_OK;
}

/* Clusters of soft assignments, and memory for the largest table that two of them make. */
static Status allocate_clusters(MmlWork *work, MmlArena *arena) {
    const MmlExperiment *experiment = work->experiment;
    i64 most = 0, classes = experiment->target.classes;
    for (i64 i = 0; i < experiment->stage_count; i++)
        for (i64 c = 0; c < experiment->stages[i].clustering_count; c++) grow(&most, experiment->stages[i].clusterings[c].bins);
    if (!most) return MML_OK;
    work->frame.clusters = MML_NEW(arena, float, experiment->cluster_floats);
    return work->frame.clusters ? mml_decomposer_new(most * most * classes, 2 * most * classes, &work->decomposer) : MML_ENOMEM;
}

void mml_work_free(MmlWork *work) {
    mml_loader_free(work->loader);
    mml_decomposer_free(work->decomposer);
}

Status mml_work_new(const MmlExperiment *experiment, const MmlSettings *settings, const MmlStageSettings *stages,
                    MmlThreads *threads, MmlData *data, MmlModel *model, MmlArena *arena, MmlWork *out) {
    *out = (MmlWork){.experiment = experiment, .data = data, .groups = experiment->modality_count + 1, .frame = {.threads = threads}};
    i64 bytes = 0, thread_bytes = 0, batch = 0;
    for (i64 i = 0; i < experiment->stage_count; i++) {
        i64 capacity = mml_work_capacity(out, &stages[i]);
        const MmlStep *steps[] = {stages[i].stage->train, stages[i].stage->evaluate};
        for (int s = 0; s < 2; s++) {
            grow(&bytes, steps[s]->fixed_bytes + capacity * steps[s]->sample_bytes);
            grow(&thread_bytes, steps[s]->thread_bytes);
        }
        grow(&batch, capacity);
    }
    MML_TRY(allocate_batch(out, batch, arena));
    MML_TRY(allocate_scratch(out, bytes, thread_bytes, mml_threads_count(threads), arena));
    MML_TRY(allocate_clusters(out, arena));
    MmlFrame *frame = &out->frame;
    frame->parameters = model->parameters;
    frame->gradients = model->gradients;
    frame->statistics = model->statistics;
    frame->settings = settings->values;
    return MML_OK;
}

Status mml_work_load(MmlWork *work, const MmlBatchPlan *plan) {
    double started = mml_now();
    work->frame.batch = plan->n;
    Status status = mml_loader_take(work->loader, plan, &work->batch);
    work->load_seconds += mml_now() - started;
    return status;
}

void mml_work_load_ahead(MmlWork *work, const MmlBatchPlan *plan) { mml_loader_ask(work->loader, plan); }

/* A first step writes all memory of its plan; the batches behind it have it. */
static void take_memory(MmlWork *work, const MmlStep *step, i64 capacity) {
    i64 bytes = step->fixed_bytes + capacity * step->sample_bytes;
    if (bytes <= work->taken) return;
    mml_pages_fill(work->frame.threads, (char *)work->frame.arena + work->taken, (size_t)(bytes - work->taken));
    work->taken = bytes;
}

void mml_work_run(MmlWork *work, const MmlStep *step, i64 capacity) {
    MmlFrame *frame = &work->frame;
    memset(work->features, 0, sizeof work->features);
    memset(work->logits, 0, sizeof work->logits);
    frame->capacity = capacity;
    frame->inputs = (const float *const *)work->batch.inputs;
    frame->labels = work->batch.labels;
    frame->samples = work->batch.samples;
    frame->forward = work->forward;
    frame->active = work->active;
    frame->training = work->training;
    frame->features = work->features;
    frame->logits = work->logits;
    frame->prediction = NULL;
    frame->loss = NAN;
    take_memory(work, step, capacity);
    step->run(frame);
}

void mml_work_evaluate_flags(MmlWork *work, const i64 *active) {
    for (i64 g = 0; g < work->groups; g++) {
        work->forward[g] = 1;
        work->training[g] = 0;
        work->active[g] = g + 1 < work->groups ? active[g] : 1;
    }
}

/* A paused modality doesn't run in a unimodal stage and runs in evaluation mode in a
 * joint one, unless its batch norm moves: then it runs as in training, without gradients. */
void mml_work_train_flags(MmlWork *work, const MmlStageSettings *stage, const i64 *active) {
    int joint = stage->stage->kind == MML_STAGE_JOINT;
    i64 fusion = work->groups - 1;
    for (i64 m = 0; m < fusion; m++) {
        work->active[m] = active[m];
        work->training[m] = active[m] || stage->batchnorm_moves;
        work->forward[m] = joint || work->training[m];
    }
    work->active[fusion] = work->training[fusion] = work->forward[fusion] = joint;
}
