#include <cblas.h>
#include <criterion/criterion.h>
#include <dirent.h>
#include <string.h>
#include <time.h>

#include "mml/threads.h"

#define MOST_ITEMS 1000
typedef struct { int visits[MOST_ITEMS], owner[MOST_ITEMS]; i64 begin[8], end[8]; } Trace;

static void note(void *context, i64 begin, i64 end, int thread) {
    Trace *trace = context;
    trace->begin[thread] = begin;
    trace->end[thread] = end;
    for (i64 i = begin; i < end; i++) {
        trace->visits[i]++;
        trace->owner[i] = thread;
    }
}

Test(threads, every_item_is_done_once_in_contiguous_parts_of_like_size) {
    static const i64 counts[] = {0, 1, 2, 3, 7, 64, 999};
    for (int threads = 1; threads <= 4; threads++) {
        MmlThreads *pool;
        cr_assert_eq(mml_threads_new(threads, &pool), MML_OK);
        cr_assert_eq(mml_threads_count(pool), threads);
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
            Trace trace = {0};
            mml_parallel(pool, counts[c], note, &trace);
            for (i64 i = 0; i < MOST_ITEMS; i++) cr_assert_eq(trace.visits[i], i < counts[c]);
            for (i64 i = 1; i < counts[c]; i++) cr_assert(trace.owner[i] == trace.owner[i - 1] || trace.owner[i] == trace.owner[i - 1] + 1);
            for (int t = 0; t < threads; t++) {
                i64 size = trace.end[t] - trace.begin[t];
                cr_assert_eq(size, counts[c] / threads + (t < counts[c] % threads));
            }
        }
        mml_threads_free(pool);
    }
}

Test(threads, no_pool_works_in_place) {
    Trace trace = {0};
    mml_parallel(NULL, 10, note, &trace);
    cr_assert_eq(trace.begin[0], 0);
    cr_assert_eq(trace.end[0], 10);
    cr_assert_eq(mml_threads_count(NULL), 1);
    mml_threads_free(NULL);
}

typedef struct { i64 sums[3 * 8]; } Sums;

static void add(void *context, i64 begin, i64 end, int thread) {
    Sums *sums = context;
    for (i64 i = begin; i < end; i++) sums->sums[8 * thread] += i;
}

Test(threads, many_calls_in_a_row_lose_nothing) {
    MmlThreads *pool;
    cr_assert_eq(mml_threads_new(3, &pool), MML_OK);
    Sums sums = {0};
    for (int call = 0; call < 2000; call++) mml_parallel(pool, 100, add, &sums);
    cr_assert_eq(sums.sums[0] + sums.sums[8] + sums.sums[16], 2000 * 4950);
    mml_threads_free(pool);
}

/* Long enough for everybody who waits to fall asleep, at the caller's side or the workers'. */
static void add_slowly(void *context, i64 begin, i64 end, int thread) {
    if (begin == 0 || end == 100) nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
    add(context, begin, end, thread);
}

Test(threads, who_fell_asleep_is_woken) {
    for (int threads = 2; threads <= 3; threads++) {
        MmlThreads *pool;
        cr_assert_eq(mml_threads_new(threads, &pool), MML_OK);
        Sums sums = {0};
        for (int call = 0; call < 60; call++) {
            mml_parallel(pool, 100, call % 3 ? add : add_slowly, &sums);
            if (call % 4 == 0) nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
        }
        cr_assert_eq(sums.sums[0] + sums.sums[8] + sums.sums[16], 60 * 4950);
        mml_threads_free(pool);
    }
}

static int threads_of_this_process(void) {
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *task; tasks && (task = readdir(tasks));) count += task->d_name[0] != '.';
    if (tasks) closedir(tasks);
    return count;
}

/* Besides, none of its own is left. */
Test(threads, a_pool_keeps_blas_at_one_thread) {
    int before = threads_of_this_process();
    openblas_set_num_threads(4);
    MmlThreads *pool;
    cr_assert_eq(mml_threads_new(2, &pool), MML_OK);
    cr_assert_eq(openblas_get_num_threads(), 1);
    cr_assert_leq(threads_of_this_process(), before + 1);
    mml_threads_free(pool);
    float a[] = {1, 2, 3, 4}, product[4];
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, 2, 2, 2, 1, a, 2, a, 2, 0, product, 2);
    cr_assert_arr_eq(product, ((float[]){7, 10, 15, 22}), sizeof product);
}

Test(threads, refuses_a_pool_of_none) {
    MmlThreads *pool;
    cr_assert_eq(mml_threads_new(0, &pool), MML_EINPUT);
    cr_assert_null(pool);
    cr_assert(strstr(mml_message(), "at least 1") != NULL);
}

Test(threads, at_least_one_cpu_is_there) { cr_assert(mml_threads_available() >= 1); }
