/* What the elementwise and pooling kernels of this folder share: the arguments
 * of a call as one context, the split of its work. */
#ifndef MML_KERNELS_CALL_H
#define MML_KERNELS_CALL_H

#include "kernels/blocked.h"
#include "mml/kernels.def"
#include "mml/threads.h"

typedef struct {
    MmlFrame       *frame;
    const MmlValue *a;            /* attributes, in abi.def's order */
    float *const   *operand;      /* operands, in abi.def's order   */
} Call;

/* Splits count items of about `floats` floats each over the threads. */
static inline void split(const Call *call, i64 count, i64 floats, MmlBody body) {
    mml_parallel(count * floats < MML_SERIAL_FLOATS ? NULL : call->frame->threads, count, body, (void *)call);
}

/* Images of block `item` = image * blocks + block begin here. */
INLINE i64 plane_at(const Blocked *b, i64 item) { return item / b->blocks * b->image + item % b->blocks * b->plane; }

/* Channels of the block that are not padding. */
INLINE i64 lanes_of(const Blocked *b, i64 block) {
    i64 left = b->channels - block * MML_BLOCK;
    return left < MML_BLOCK ? left : MML_BLOCK;
}

#endif
