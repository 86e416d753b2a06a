/* `mmlc fmt`: the one layout of programs. */
#ifndef DRIVER_FMT_H
#define DRIVER_FMT_H

#include "driver/options.h"

/* Formats options->files: each file is replaced whole (through a file beside it) when its
 * layout changes, `-` is read from standard input and written to standard output.
 * With --check nothing is written and files that would change are named. Returns
 * EXIT_FINE; EXIT_PROGRAM when a program has errors or (--check) another layout;
 * EXIT_CALL without files; EXIT_SYSTEM when a file can't be read or written. All files are
 * gone through; the last of these codes in that order is returned. */
int fmt_command(const Options *options);

#endif
