/* Where the tensors of a step live.
 *
 * The arena of a step is its fixed region, then the batch's: a fixed tensor at
 * offset o lies at arena + o, another at arena + fixed_bytes + capacity * o.
 * Sizes are rounded to 64 bytes, so that every tensor is aligned for every
 * capacity. Tensors that are never in use at once share memory; a tensor that
 * the caller reads (kept) is in use until the end, and all that branches use which
 * may run side by side (ir/branches.h) is in use at once, but for what one of them
 * uses alone.
 */
#ifndef IR_MEMORY_H
#define IR_MEMORY_H

#include "ir/ir.h"

/* The tensor whose memory t uses. */
int  memory_root(const Step *step, int t);

/* Bytes that t occupies, fixed or for each sample. */
int64_t memory_bytes(const Tensor *t);

/* Which branches of each region that may run side by side use a tensor's memory. */
typedef struct { const Step *step; int regions; unsigned **users; } MemoryUse;
MemoryUse memory_use(Arena *arena, const Step *step);
/* Are two tensors with memory of their own, whose begin and end are set, ever in use at once? */
int  memory_at_once(const MemoryUse *use, int a, int b);

/* Sets producers, marks what the caller reads. */
void memory_mark(Arena *arena, Step *step);
/* Results of kernels that work in place take the memory of an operand that is read for the last time. */
void memory_share(Arena *arena, Step *step);
/* Sets begin, end, offset of every tensor in the arena and the step's sizes. */
void memory_plan(Arena *arena, Step *step);

#endif
