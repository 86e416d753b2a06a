#define _GNU_SOURCE
#include "mml/threads.h"

#include <cblas.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A waiting thread looks this often before it sleeps: about 20 us, the cost of
 * one sleep and waking. With fewer CPUs than threads it sleeps at once. */
#define LOOKS 1000

typedef struct { MmlThreads *pool; int index; pthread_t handle; } Worker;

/* What the caller writes for the workers, what they write for it, and what is written only when somebody sleeps lie on
 * lines of their own: each would otherwise take the others' line away while they look at it. */
#define LINE 64

struct MmlThreads {
    int             count, started, looks;
    Worker         *workers;               /* [count - 1]: threads 1 … count - 1         */
    _Alignas(LINE)
    atomic_ulong    generation;            /* one more with each mml_parallel            */
    MmlBody         body;                  /* these three are set before it rises        */
    void           *context;
    i64             items;
    _Alignas(LINE)
    atomic_int      pending;               /* workers that have not finished             */
    _Alignas(LINE)
    atomic_int      sleepers;              /* workers that wait for `work`, or will at once */
    atomic_bool     waiting;               /* the caller waits for `done`, or will at once  */
    atomic_bool     stop;
    pthread_mutex_t lock;
    pthread_cond_t  work, done;
};

static void pause_cpu(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

/* Parts differ by at most one item; the first items % count threads have one more. */
static void run_part(const MmlThreads *pool, int thread) {
    i64 base = pool->items / pool->count, extra = pool->items % pool->count;
    i64 begin = thread * base + (thread < extra ? thread : extra);
    i64 end = begin + base + (thread < extra);
    if (begin < end) pool->body(pool->context, begin, end, thread);
}

/* Who goes to sleep says so first and looks once more; who wakes raises the number first and then asks whether
 * anybody sleeps (both in the one order of all atomic accesses): one of the two sees the other. */
static void wait_for_work(MmlThreads *pool, unsigned long seen) {
    for (int look = 0; look < pool->looks; look++) {
        if (atomic_load(&pool->generation) != seen) return;
        pause_cpu();
    }
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_add(&pool->sleepers, 1);
    while (atomic_load(&pool->generation) == seen) pthread_cond_wait(&pool->work, &pool->lock);
    atomic_fetch_sub(&pool->sleepers, 1);
    pthread_mutex_unlock(&pool->lock);
}

static void finish_part(MmlThreads *pool) {
    if (atomic_fetch_sub(&pool->pending, 1) != 1 || !atomic_load(&pool->waiting)) return;
    pthread_mutex_lock(&pool->lock);
    pthread_cond_signal(&pool->done);
    pthread_mutex_unlock(&pool->lock);
}

static void *work(void *argument) {
    Worker *worker = argument;
    MmlThreads *pool = worker->pool;
    for (unsigned long seen = 0;; seen++) {
        wait_for_work(pool, seen);
        if (atomic_load(&pool->stop)) return NULL;
        run_part(pool, worker->index);
        finish_part(pool);
    }
}

static void call_workers(MmlThreads *pool) {
    atomic_store_explicit(&pool->pending, pool->started, memory_order_relaxed);
    atomic_fetch_add(&pool->generation, 1);
    if (!atomic_load(&pool->sleepers)) return;
    pthread_mutex_lock(&pool->lock);
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
}

static void wait_for_workers(MmlThreads *pool) {
    for (int look = 0; look < pool->looks; look++) {
        if (atomic_load(&pool->pending) == 0) return;
        pause_cpu();
    }
    pthread_mutex_lock(&pool->lock);
    atomic_store(&pool->waiting, true);
    while (atomic_load(&pool->pending) != 0) pthread_cond_wait(&pool->done, &pool->lock);
    atomic_store(&pool->waiting, false);
    pthread_mutex_unlock(&pool->lock);
}

int mml_thread_start(pthread_t *out, void *(*body)(void *context), void *context) {
    sigset_t all, before;
    sigfillset(&all);
    sigdelset(&all, SIGBUS);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(out, NULL, body, context);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

static Status start_workers(MmlThreads *pool) {
    int error = 0;
    while (error == 0 && pool->started < pool->count - 1) {
        Worker *worker = &pool->workers[pool->started];
        *worker = (Worker){.pool = pool, .index = pool->started + 1};
        error = mml_thread_start(&worker->handle, work, worker);
        if (error == 0) pool->started++;
    }
    if (error == 0) return MML_OK;
    return mml_fail(MML_ENOMEM, "cannot start thread %d of %d: %s; try fewer threads",
                    pool->started + 2, pool->count, strerror(error));
}

/* OpenBLAS starts a thread for each further processor when it is loaded, which look for work for 0.1 s before they sleep. This is
 * how it ends them itself before a fork; its builds without threads have no such function. */
extern int blas_thread_shutdown_(void) __attribute__((weak));

static void keep_blas_alone(void) {
    if (openblas_get_num_threads() == 1) return;
    openblas_set_num_threads(1);
    if (blas_thread_shutdown_) blas_thread_shutdown_();
}

Status mml_threads_new(int count, MmlThreads **out) {
    *out = NULL;
    if (count < 1) return mml_fail(MML_EINPUT, "a pool needs at least 1 thread, not %d", count);
    keep_blas_alone();
    MmlThreads *pool = aligned_alloc(LINE, sizeof *pool);
    Worker *workers = calloc((size_t)count, sizeof *workers);
    if (!pool || !workers) {
        free(pool);
        free(workers);
        return mml_fail(MML_ENOMEM, "out of memory for %d threads", count);
    }
    *pool = (MmlThreads){.count = count, .workers = workers, .looks = count <= mml_threads_available() ? LOOKS : 0};
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->done, NULL);
    Status status = start_workers(pool);
    if (status != MML_OK) {
        mml_threads_free(pool);
        return status;
    }
    *out = pool;
    return MML_OK;
}

void mml_threads_free(MmlThreads *pool) {
    if (!pool) return;
    atomic_store(&pool->stop, true);
    call_workers(pool);
    for (int i = 0; i < pool->started; i++) pthread_join(pool->workers[i].handle, NULL);
    pthread_cond_destroy(&pool->done);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->lock);
    free(pool->workers);
    free(pool);
}

int mml_threads_count(const MmlThreads *pool) { return pool ? pool->count : 1; }

void mml_parallel(MmlThreads *pool, i64 count, MmlBody body, void *context) {
    if (count <= 0) return;
    if (!pool || pool->count == 1 || count == 1) {
        body(context, 0, count, 0);
        return;
    }
    pool->body = body;
    pool->context = context;
    pool->items = count;
    call_workers(pool);
    run_part(pool, 0);
    wait_for_workers(pool);
}

int mml_threads_available(void) {
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return 1;
    int count = CPU_COUNT(&allowed);
    return count > 0 ? count : 1;
}
