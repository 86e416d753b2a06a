/* --time: how long each pass took. */
#ifndef DRIVER_STOPWATCH_H
#define DRIVER_STOPWATCH_H

#include <stdio.h>

enum { STOPWATCH_PASSES = 16 };
typedef struct { double start, last; int count; struct { const char *name; double seconds; } passes[STOPWATCH_PASSES]; } Stopwatch;

void stopwatch_start(Stopwatch *watch);
/* The time since the last pass (or the start) was this one's. */
void stopwatch_pass(Stopwatch *watch, const char *name);
void stopwatch_print(const Stopwatch *watch, FILE *out);

#endif
