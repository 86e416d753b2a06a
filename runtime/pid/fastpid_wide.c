/* fastpid_kernel.c for processors with AVX2 and FMA (x86-64-v3); the runtime's
 * CMakeLists.txt sets the processor. */
#if defined(__x86_64__)
#define MML_FASTPID_LANES  4
#define MML_FASTPID_KERNEL mml_fastpid_wide
#include "pid/fastpid_kernel.c"
#endif
