/* The vector that the kernels of this folder are written in.
 *
 * Every source of runtime/kernels is compiled once for each instruction set
 * (runtime/CMakeLists.txt), with MML_BLOCK floats in a vector and MML_SET the
 * set's name; an external symbol is named through MML_NAME, so that the
 * objects stand side by side. A blocked tensor's block is MML_BLOCK:
 * runtime/kernels/dispatch picks the object by the attribute `block`.
 *
 *   set       block   registers   multiply-add
 *   baseline  4       16          multiplication, addition
 *   v3        8       16          x86-64-v3: AVX2, FMA
 *   v4        16      32          x86-64-v4: AVX-512
 *
 * Arithmetic on Vector is the compilers' own (vector extensions): a * b + c
 * becomes a multiply-add, a scalar operand a broadcast.
 */
#ifndef MML_KERNELS_VECTOR_H
#define MML_KERNELS_VECTOR_H

#include "mml/base.h"

#define MML_NAME_OF(name, set) mml_##name##_##set
#define MML_NAME_IN(name, set) MML_NAME_OF(name, set)
#define MML_NAME(name)         MML_NAME_IN(name, MML_SET)

/* Loads and stores need the alignment of a float only. */
typedef float Vector __attribute__((vector_size(4 * MML_BLOCK), aligned(4), may_alias));

#define INLINE static inline __attribute__((always_inline))

INLINE Vector load(const float *from) { return *(const Vector *)from; }
INLINE void   store(float *to, Vector value) { *(Vector *)to = value; }

#define ZERO ((Vector){0})

INLINE i64 smaller(i64 a, i64 b) { return a < b ? a : b; }
INLINE i64 larger(i64 a, i64 b)  { return a > b ? a : b; }

#endif
