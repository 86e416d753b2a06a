/* The commands that take a program: build, run, check. */
#ifndef DRIVER_COMPILE_H
#define DRIVER_COMPILE_H

#include "driver/options.h"

/* Each returns the exit code; messages are printed. */
int build_command(Arena *arena, const Options *options);
int run_command(Arena *arena, const Options *options);
int check_command(Arena *arena, const Options *options);

#endif
