/* A loop's function twice: for every processor, and with AVX2 where there is one. Without fused
 * multiply-add, so that both give the same bits. The body is MML_WIDE_BODY name_body. */
#ifndef DATA_WIDE_H
#define DATA_WIDE_H

#define MML_WIDE_BODY static inline __attribute__((always_inline))

#if defined(__x86_64__)
#define MML_WIDE(type, name, parameters, arguments)                                                    \
    __attribute__((target("avx2"))) static type name##_wide parameters { return name##_body arguments; } \
    static type name##_portable parameters { return name##_body arguments; }                           \
    static type name parameters {                                                                      \
        return __builtin_cpu_supports("avx2") ? name##_wide arguments : name##_portable arguments;     \
    }
#else
#define MML_WIDE(type, name, parameters, arguments) \
    static type name parameters { return name##_body arguments; }
#endif

#endif
