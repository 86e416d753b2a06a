/* A fixed pool of threads and static partitions.
 *
 * mml_parallel cuts [0, count) into one contiguous part a thread, the same
 * cut for the same count and number of threads, and returns when all are
 * done. What a caller sums it sums in thread order afterwards: results depend
 * on the number of threads and on nothing else. Not reentrant: a body must
 * not call mml_parallel on the same pool. Parts differ by at most one item and
 * the longer ones come first: threads 0 … min(count, threads) - 1 have one; for
 * an empty part the body is not called.
 */
#ifndef MML_THREADS_H
#define MML_THREADS_H

#include <pthread.h>

#include "mml/base.h"

typedef struct MmlThreads MmlThreads;
typedef void (*MmlBody)(void *context, i64 begin, i64 end, int thread);

/* count >= 1; 1 makes no thread. Keeps OpenBLAS at one thread of its own. */
Status mml_threads_new(int count, MmlThreads **out);
void   mml_threads_free(MmlThreads *pool);
int    mml_threads_count(const MmlThreads *pool);      /* NULL counts as 1 */
void   mml_parallel(MmlThreads *pool, i64 count, MmlBody body, void *context);   /* NULL: in place */

/* A thread beside the pool, to be joined: signals stay with the caller's, all but SIGBUS, which a read of a mapped file
 * raises in the thread that reads. An error of pthread_create, 0: none. */
int    mml_thread_start(pthread_t *out, void *(*body)(void *context), void *context);

/* CPUs this process may run on. */
int    mml_threads_available(void);

#endif
