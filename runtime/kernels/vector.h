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

#include <stdbool.h>

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

typedef i32 Mask __attribute__((vector_size(4 * MML_BLOCK), aligned(4), may_alias));

/* value where the mask is set, else 0; a where it is set, else b. */
INLINE Vector masked(Mask mask, Vector value) { return (Vector)((Mask)value & mask); }
INLINE Vector chosen(Mask mask, Vector a, Vector b) { return (Vector)(((Mask)a & mask) | ((Mask)b & ~mask)); }

/* What relu leaves of v: not a number stays so. */
INLINE Vector positive(Vector v) { return masked(~(v < ZERO), v); }

/* Transposes MML_BLOCK vectors: interleaving the first half with the second,
 * log2(MML_BLOCK) times, brings lane i of vector j to lane j of vector i. */
#if MML_BLOCK == 4
#define LOW(a, b)  __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define HIGH(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#elif MML_BLOCK == 8
#define LOW(a, b)  __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define HIGH(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#else
#define LOW(a, b)  __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define HIGH(a, b) __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#endif
INLINE void transpose(Vector v[MML_BLOCK]) {
#pragma GCC unroll 4
    for (int round = 1; round < MML_BLOCK; round *= 2) {
        Vector t[MML_BLOCK];
#pragma GCC unroll 8
        for (int i = 0; i < MML_BLOCK / 2; i++) {
            t[2 * i] = LOW(v[i], v[i + MML_BLOCK / 2]);
            t[2 * i + 1] = HIGH(v[i], v[i + MML_BLOCK / 2]);
        }
#pragma GCC unroll 16
        for (int i = 0; i < MML_BLOCK; i++) v[i] = t[i];
    }
}

INLINE i64 smaller(i64 a, i64 b) { return a < b ? a : b; }
INLINE i64 larger(i64 a, i64 b)  { return a > b ? a : b; }

/* to[lane * row + i] += from[i * step + lane], for count i and lanes <= MML_BLOCK lanes; start: = instead. */
static inline void add_transposed(const float *from, i64 step, i64 count, i64 lanes, bool start, float *to, i64 row) {
    i64 i = 0;
    if (lanes == MML_BLOCK)
        for (; i + MML_BLOCK <= count; i += MML_BLOCK) {
            Vector v[MML_BLOCK];
#pragma GCC unroll 16
            for (int j = 0; j < MML_BLOCK; j++) v[j] = load(from + (i + j) * step);
            transpose(v);
#pragma GCC unroll 16
            for (int j = 0; j < MML_BLOCK; j++) {
                if (!start) v[j] += load(to + j * row + i);
                store(to + j * row + i, v[j]);
            }
        }
    for (; i < count; i++)
        for (i64 lane = 0; lane < lanes; lane++) to[lane * row + i] = from[i * step + lane] + (start ? 0.0f : to[lane * row + i]);
}

#endif
