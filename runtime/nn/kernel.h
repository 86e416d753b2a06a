/* What the kernels share: the arguments of a call as one context, and the
 * split of its work over the threads. Contracts of the kernels: mml/abi.def.
 */
#ifndef MML_NN_KERNEL_H
#define MML_NN_KERNEL_H

#include "mml/nn.h"

typedef struct {
    MmlFrame       *frame;
    const MmlValue *a;            /* attributes, in abi.def's order */
    float *const   *operand;      /* operands, in abi.def's order   */
} Call;

/* Splits count items, each of about `floats` floats of work, over the threads;
 * body gets the Call as its context. Returns how many threads had a part, the
 * lowest ones. */
static inline int run_split(const Call *call, i64 count, i64 floats, MmlBody body) {
    MmlThreads *threads = count * floats < MML_SERIAL_FLOATS ? NULL : call->frame->threads;
    mml_parallel(threads, count, body, (void *)call);
    int available = mml_threads_count(threads);
    return count < available ? (int)count : available;
}

#endif
