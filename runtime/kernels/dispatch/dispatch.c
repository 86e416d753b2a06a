/* The choice of the instruction set, by the attribute `block` of each call.
 * A program is compiled for one block, so its calls never mix sets. */
#include "mml/kernels.h"
#include "mml/nn.h"

/* Kernels of the blocked layout and where `block` stands in their attributes. */
#define BLOCKED_KERNELS(ROW)       \
    ROW(conv_blocked_forward, 10)  \
    ROW(conv_blocked_backward, 10) \
    ROW(conv_batchnorm_blocked_forward, 10) \
    ROW(reorder_in, 3)             \
    ROW(reorder_out, 3)            \
    ROW(batchnorm_blocked_forward, 6)      \
    ROW(batchnorm_blocked_backward, 6)     \
    ROW(batchnorm_input_backward, 10)      \
    ROW(maxpool_blocked_forward, 8)        \
    ROW(maxpool_blocked_backward, 8)       \
    ROW(avgpool_blocked_forward, 8)        \
    ROW(avgpool_blocked_backward, 8)       \
    ROW(global_avgpool_blocked_forward, 3) \
    ROW(global_avgpool_blocked_backward, 3)

typedef void Kernel(MmlFrame *frame, const MmlValue *attr, float *const *operand);

#if defined(__x86_64__)
#define SETS(SET, name) SET(name, baseline) SET(name, v3) SET(name, v4)

/* What the objects of 16 floats need. Tests have them built for less (tests/CMakeLists.txt). */
#ifndef MML_LEVEL_OF_16
#define MML_LEVEL_OF_16 "x86-64-v4"
#endif

i64 mml_block_of_cpu(void) {
    __builtin_cpu_init();
    if (__builtin_cpu_supports(MML_LEVEL_OF_16)) return 16;
    return __builtin_cpu_supports("x86-64-v3") ? 8 : 4;
}
#else
#define SETS(SET, name) SET(name, baseline)

i64 mml_block_of_cpu(void) { return 4; }
#endif

static int set_of(i64 block) { return block == 16 ? 2 : block == 8 ? 1 : 0; }

#define DECLARE(name, set) Kernel mml_##name##_##set;
#define ENTRY(name, set)   mml_##name##_##set,
#define DISPATCH(name, index)                                                                \
    SETS(DECLARE, name)                                                                      \
    void mml_##name(MmlFrame *frame, const MmlValue *attr, float *const *operand) {          \
        static Kernel *const sets[] = {SETS(ENTRY, name)};                                   \
        sets[set_of(attr[index].i)](frame, attr, operand);                                   \
    }
BLOCKED_KERNELS(DISPATCH)
