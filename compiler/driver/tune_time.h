/* Seconds of the kernels of one convolution on this machine. */
#ifndef DRIVER_TUNE_TIME_H
#define DRIVER_TUNE_TIME_H

#include "ir/kernels.h"

/* Every kernel that takes the shape, see driver/tune.h for how. conv: attributes of `conv`. 0: no memory. */
int time_kernels(Arena *arena, const Attribute *conv, int block, KernelTime *out);

#endif
