/* The loader thread and its buffers (mml/loader.h).
 *
 * There are three buffers of a batch. One the trainer works on; into the ahead one the thread makes
 * the batch that was asked for, sample by sample, and marks each that is ready (a release, read by an
 * acquire) with the batch's serial number. A batch that is all ready when it is taken changes places
 * with the trainer's; otherwise the pool's threads put it together in the spare one, copying what is
 * ready and making the rest. So no memory is ever written by two: the ahead one by the thread alone,
 * the others by the pool alone, and nobody waits for a thread that the system doesn't run. Late with
 * a sample, the thread marks it with an old serial number, which nobody looks for.
 *
 * What a batch is (rows, draw, the buffer) the thread copies under the lock when it begins; meanwhile
 * it reads of the loader but asked and next. One trainer calls ask, take and forget.
 */
#define _GNU_SOURCE
#include "mml/loader.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include "data/batch.h"

/* Asking wakes a thread, some 5 us of the trainer's: a batch that the pool makes in less than this is not worth it.
 * bench/loader --cases csv --threads 1: 38 us a batch, 15 % of a step waited without asking, 2.4 % with it. */
#define WORTH 25e-6
/* Below this, judged by its first sample, the trainer's thread makes a batch alone: waking the pool takes as long. */
#define ALONE 50e-6

/* So many samples before it is made, a sample's rows are fetched: some 100 ns. */
#define FETCHED 2

typedef struct {
    float *inputs[MML_MAX_MODALITIES];
    i64   *labels, *samples;         /* [capacity]                                  */
    u8    *spoilt;                   /* [capacity] 1: not finite                    */
    _Atomic u64 *ready;              /* [capacity] serial of the batch that a sample is ready for */
} Buffer;

/* A batch on its way. */
typedef struct { u64 serial; i64 n; DataDraw draw; Buffer *buffer; } Job;

struct MmlLoader {
    MmlData        *data;
    MmlThreads     *threads;
    i64             capacity, size[MML_MAX_MODALITIES];
    Buffer          buffers[3];
    Buffer         *current, *ahead, *spare;
    Job             job;             /* what was asked for last                     */
    i64            *rows;            /* [capacity] its rows                         */
    u64             serials;         /* given so far                                */
    double          cost;            /* the pool's seconds for a sample, 0: not known */
    pthread_t       handle;
    bool            started;         /* the thread is there                         */
    pthread_mutex_t lock;            /* over job, rows, stop, busy                  */
    pthread_cond_t  work, idle;
    bool            stop, busy;
    _Atomic u64     asked;           /* job.serial while it is wanted, 0: nothing is */
    atomic_llong    next;            /* the pool goes from the last sample down: those above are its own */
    i64            *own_rows;        /* [capacity] the thread's copy                */
    float          *scratch;         /* the thread's                                */
};

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static DataBatch batch_in(Buffer *buffer, const Job *job, const i64 *rows) {
    return (DataBatch){ rows, job->n, job->draw, buffer->inputs, buffer->labels, buffer->samples };
}

static int is_ready(const Job *job, i64 i) {
    return atomic_load_explicit(&job->buffer->ready[i], memory_order_acquire) == job->serial;
}

/* ---- The thread ---- */

static void make_ahead(MmlLoader *loader, const Job *job) {
    DataBatch batch = batch_in(job->buffer, job, loader->own_rows);
    for (i64 i = 0; i < job->n && i <= atomic_load(&loader->next) && atomic_load(&loader->asked) == job->serial; i++) {
        job->buffer->spoilt[i] = !mml_batch_place(loader->data, &batch, i, loader->scratch);
        atomic_store_explicit(&job->buffer->ready[i], job->serial, memory_order_release);
    }
}

static void *run(void *argument) {
    MmlLoader *loader = argument;
    u64 seen = 0;
    pthread_mutex_lock(&loader->lock);
    for (;;) {
        while (!loader->stop && (atomic_load(&loader->asked) == 0 || loader->job.serial == seen))
            pthread_cond_wait(&loader->work, &loader->lock);
        if (loader->stop) break;
        Job job = loader->job;
        seen = job.serial;
        memcpy(loader->own_rows, loader->rows, sizeof *loader->rows * (size_t)job.n);
        loader->busy = true;
        pthread_mutex_unlock(&loader->lock);
        make_ahead(loader, &job);
        pthread_mutex_lock(&loader->lock);
        loader->busy = false;
        pthread_cond_signal(&loader->idle);
    }
    pthread_mutex_unlock(&loader->lock);
    return NULL;
}

/* Signals stay with the trainer's thread, but for its own faults (mapped.h). Without a thread all is made when it is taken. */
static void start(MmlLoader *loader) {
    loader->started = mml_thread_start(&loader->handle, run, loader) == 0;
    if (!loader->started || mml_threads_count(loader->threads) < mml_threads_available()) return;
    pthread_setschedparam(loader->handle, SCHED_IDLE, &(struct sched_param){ 0 });
}

/* ---- The pool ---- */

typedef struct { MmlLoader *loader; const Job *job; Buffer *to; } Help;

static void copy_sample(const MmlLoader *loader, const Buffer *from, Buffer *to, i64 i) {
    for (i64 m = 0; m < loader->data->pipeline_count; m++)
        memcpy(to->inputs[m] + i * loader->size[m], from->inputs[m] + i * loader->size[m], sizeof(float) * (size_t)loader->size[m]);
    to->labels[i] = from->labels[i];
    to->samples[i] = from->samples[i];
    to->spoilt[i] = from->spoilt[i];
}

static void take_sample(const Help *of, i64 i, int thread) {
    DataBatch batch = batch_in(of->to, of->job, of->loader->rows);
    if (i >= FETCHED) mml_batch_fetch(of->loader->data, &batch, i - FETCHED);
    if (is_ready(of->job, i)) copy_sample(of->loader, of->job->buffer, of->to, i);
    else of->to->spoilt[i] = !mml_batch_place(of->loader->data, &batch, i, of->loader->data->scratch[thread]);
}

static void help(void *context, i64 begin, i64 end, int thread) {
    const Help *of = context;
    for (i64 i; (i = atomic_fetch_sub(&of->loader->next, 1)) >= 0;) take_sample(of, i, thread);
}

static i64 count_missing(const Job *job) {
    i64 missing = 0;
    for (i64 i = 0; i < job->n; i++) missing += !is_ready(job, i);
    return missing;
}

static void put_together(MmlLoader *loader, const Job *job, i64 missing) {
    Help context = { loader, job, loader->spare };
    double started = now();
    int threads = mml_threads_count(loader->threads);
    i64 rest = job->n - 1;
    take_sample(&context, atomic_fetch_sub(&loader->next, 1), 0);
    if ((now() - started) * (double)rest < ALONE) help(&context, 0, 1, 0);
    else mml_parallel(loader->threads, rest < threads ? rest : threads, help, &context);
    if (missing == job->n) loader->cost = (now() - started) / (double)job->n;
}

/* ---- Plans ---- */

static int is_plan(const MmlLoader *loader, const MmlBatchPlan *plan) {
    const DataDraw *draw = &loader->job.draw;
    return loader->job.n == plan->n && draw->split == plan->split && draw->epoch == plan->epoch && draw->augment == plan->augment
        && memcmp(loader->rows, plan->rows, sizeof *loader->rows * (size_t)plan->n) == 0;
}

static Status check_plan(const MmlLoader *loader, const MmlBatchPlan *plan) {
    if (plan->n < 0 || plan->n > loader->capacity)
        return mml_fail(MML_EBUG, "a batch of %lld samples of at most %lld", (long long)plan->n, (long long)loader->capacity);
    return mml_batch_check(loader->data, plan->split, plan->rows, plan->n);
}

static void set_job(MmlLoader *loader, const MmlBatchPlan *plan, int ask) {
    pthread_mutex_lock(&loader->lock);
    loader->job = (Job){ ++loader->serials, plan->n, mml_batch_draw(loader->data, plan->split, plan->epoch, plan->augment), loader->ahead };
    memcpy(loader->rows, plan->rows, sizeof *loader->rows * (size_t)plan->n);
    atomic_store(&loader->next, plan->n - 1);
    if (ask) {
        atomic_store(&loader->asked, loader->job.serial);
        pthread_cond_signal(&loader->work);
    }
    pthread_mutex_unlock(&loader->lock);
}

/* A wrong plan is told when it is taken. */
void mml_loader_ask(MmlLoader *loader, const MmlBatchPlan *plan) {
    if (atomic_load(&loader->asked)) mml_loader_forget(loader);
    if (!loader->started || loader->cost * (double)plan->n < WORTH || check_plan(loader, plan) != MML_OK) return;
    set_job(loader, plan, 1);
}

void mml_loader_forget(MmlLoader *loader) {
    pthread_mutex_lock(&loader->lock);
    atomic_store(&loader->asked, 0);
    while (loader->busy) pthread_cond_wait(&loader->idle, &loader->lock);
    pthread_mutex_unlock(&loader->lock);
}

static void swap(Buffer **a, Buffer **b) {
    Buffer *was = *a;
    *a = *b;
    *b = was;
}

Status mml_loader_take(MmlLoader *loader, const MmlBatchPlan *plan, MmlLoaded *out) {
    if (atomic_load(&loader->asked) && !is_plan(loader, plan)) mml_loader_forget(loader);
    if (!atomic_load(&loader->asked)) {
        MML_TRY(check_plan(loader, plan));
        set_job(loader, plan, 0);
    }
    i64 missing = count_missing(&loader->job);
    if (missing) put_together(loader, &loader->job, missing);
    atomic_store(&loader->asked, 0);
    swap(&loader->current, missing ? &loader->spare : &loader->ahead);
    Buffer *taken = loader->current;
    memcpy(out->inputs, taken->inputs, sizeof out->inputs);
    out->labels = taken->labels;
    out->samples = taken->samples;
    MML_TRY(mml_data_unfailed(loader->data));
    DataBatch batch = batch_in(taken, &loader->job, loader->rows);
    for (i64 i = 0; i < plan->n; i++)
        if (taken->spoilt[i]) return mml_batch_explain(loader->data, &batch, i, loader->data->scratch[0]);
    return MML_OK;
}

/* ---- Making and freeing ---- */

static Status allocate_buffer(const MmlLoader *loader, Buffer *buffer, MmlArena *arena) {
    i64 n = loader->capacity;
    for (i64 m = 0; m < loader->data->pipeline_count; m++)
        if (!(buffer->inputs[m] = MML_NEW(arena, float, n * loader->size[m]))) return MML_ENOMEM;
    buffer->labels = MML_NEW(arena, i64, n);
    buffer->samples = MML_NEW(arena, i64, n);
    buffer->spoilt = MML_NEW(arena, u8, n);
    buffer->ready = MML_NEW(arena, _Atomic u64, n);
    return buffer->labels && buffer->samples && buffer->spoilt && buffer->ready ? MML_OK : MML_ENOMEM;
}

Status mml_loader_new(MmlData *data, MmlThreads *threads, i64 capacity, MmlArena *arena, MmlLoader **out) {
    MmlLoader *loader = MML_NEW(arena, MmlLoader, 1);
    i64 scratch = 1;
    *out = NULL;
    if (!loader) return MML_ENOMEM;
    *loader = (MmlLoader){ .data = data, .threads = threads, .capacity = capacity };
    loader->current = &loader->buffers[0];
    loader->ahead = &loader->buffers[1];
    loader->spare = &loader->buffers[2];
    for (i64 m = 0; m < data->pipeline_count; m++) {
        i64 needed = mml_data_pipeline_scratch(&data->pipelines[m]);
        if (needed > scratch) scratch = needed;
        loader->size[m] = data->pipelines[m].modality->size;
    }
    loader->rows = MML_NEW(arena, i64, capacity);
    loader->own_rows = MML_NEW(arena, i64, capacity);
    loader->scratch = MML_NEW(arena, float, scratch);
    if (!loader->rows || !loader->own_rows || !loader->scratch) return MML_ENOMEM;
    for (int i = 0; i < 3; i++) MML_TRY(allocate_buffer(loader, &loader->buffers[i], arena));
    pthread_mutex_init(&loader->lock, NULL);
    pthread_cond_init(&loader->work, NULL);
    pthread_cond_init(&loader->idle, NULL);
    start(loader);
    *out = loader;
    return MML_OK;
}

void mml_loader_free(MmlLoader *loader) {
    if (!loader) return;
    pthread_mutex_lock(&loader->lock);
    loader->stop = true;
    atomic_store(&loader->asked, 0);
    pthread_cond_signal(&loader->work);
    pthread_mutex_unlock(&loader->lock);
    if (loader->started) pthread_join(loader->handle, NULL);
    pthread_cond_destroy(&loader->idle);
    pthread_cond_destroy(&loader->work);
    pthread_mutex_destroy(&loader->lock);
}
