/* --tune: kernels of convolutions measured on this machine, kept for later calls.
 *
 * One entry of the cache holds all shapes that were measured on a model of processor, as text:
 *   mml kernels 1
 *   build HASH             of mmlc and all it loads (support/build_id.h)
 *   conv SHAPE direct FORWARD BACKWARD winograd FORWARD BACKWARD reference FORWARD BACKWARD
 * SHAPE: the 12 attributes of `conv` (mml/abi.def); nanoseconds of a core for one sample, - where the kernel doesn't
 * take the shape. Of another build, or damaged, it isn't used, which one warning says, and removed.
 * A kernel is timed alone on one thread, on a batch of 8 (less where that is large), the median of some
 * calls in the thread's processor time; beside the reference kernel stand the changes of layout around it.
 */
#ifndef DRIVER_TUNE_H
#define DRIVER_TUNE_H

#include "ir/kernels.h"

/* The host to choose kernels for: of cpu, with what was measured if that is this machine. folder: the cache's, or NULL. */
KernelHost tune_host(Arena *arena, const char *cpu, const char *folder);

/* Measures every convolution of the program and keeps it; says on standard error what it found. The new host, or
 * 0 after a message. */
int tune_program(Arena *arena, const Program *program, const char *folder, KernelHost *host);

/* " --tune=1f3a09bc" where measurements chose other kernels for the program than the estimates would (that is then
 * another program: its sums round elsewhere), else "". */
const char *tune_flag(Arena *arena, const Program *program, KernelHost host);

#endif
