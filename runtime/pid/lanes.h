/* Four doubles as one vector, for loops that the compiler doesn't turn into
 * vectors itself (sums, several rows at once). MML_LANES_EACH builds a function
 * twice, with AVX2 and FMA where the processor has them, and chooses; the two
 * differ by roundings.
 */
#ifndef PID_LANES_H
#define PID_LANES_H

#include "mml/base.h"

#define MML_LANES 4

typedef double MmlLanes __attribute__((vector_size(8 * MML_LANES), aligned(8), may_alias));
typedef i64    MmlMask __attribute__((vector_size(8 * MML_LANES), aligned(8), may_alias));

#define MML_LANES_UP(count) (((count) + MML_LANES - 1) / MML_LANES * MML_LANES)

#define MML_LANES_BODY static inline __attribute__((always_inline))

#if defined(__x86_64__)
#define MML_LANES_EACH(type, name, body, parameters, arguments)                                             \
    __attribute__((target("avx2,fma"))) static type name##_wide parameters { return body arguments; }       \
    static type name##_portable parameters { return body arguments; }                                       \
    static type name parameters {                                                                           \
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? name##_wide arguments       \
                                                                               : name##_portable arguments; \
    }
#else
#define MML_LANES_EACH(type, name, body, parameters, arguments) \
    static type name parameters { return body arguments; }
#endif

#endif
