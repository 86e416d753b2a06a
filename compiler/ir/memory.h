/* Where the tensors of a step live.
 *
 * The arena of a step is its fixed region, then the batch's: a fixed tensor at
 * offset o lies at arena + o, another at arena + fixed_bytes + capacity * o.
 * Sizes are rounded to 64 bytes, so that every tensor is aligned for every
 * capacity. Tensors that are never in use at once share memory; a tensor that
 * the caller reads (kept) is in use until the end.
 */
#ifndef IR_MEMORY_H
#define IR_MEMORY_H

#include "ir/ir.h"

/* The tensor whose memory t uses. */
int  memory_root(const Step *step, int t);

/* Bytes that t occupies, fixed or for each sample. */
int64_t memory_bytes(const Tensor *t);

/* Sets producers, marks what the caller reads. */
void memory_mark(Arena *arena, Step *step);
/* Results of kernels that work in place take the memory of an operand that is read for the last time. */
void memory_share(Arena *arena, Step *step);
/* Sets begin, end, offset of every tensor in the arena and the step's sizes. */
void memory_plan(Arena *arena, Step *step);

#endif
