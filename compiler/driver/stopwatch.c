#include "driver/stopwatch.h"

#include <time.h>

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

void stopwatch_start(Stopwatch *watch) {
    *watch = (Stopwatch){0};
    watch->start = watch->last = now();
}

void stopwatch_pass(Stopwatch *watch, const char *name) {
    double time = now();
    if (watch->count < STOPWATCH_PASSES) {
        watch->passes[watch->count].name    = name;
        watch->passes[watch->count].seconds = time - watch->last;
        watch->count++;
    }
    watch->last = time;
}

void stopwatch_print(const Stopwatch *watch, FILE *out) {
    double total = watch->last - watch->start;
    for (int i = 0; i < watch->count; i++)
        fprintf(out, "%-16s %9.2f ms %5.1f %%\n", watch->passes[i].name, 1e3 * watch->passes[i].seconds,
                total > 0 ? 100 * watch->passes[i].seconds / total : 0);
    fprintf(out, "%-16s %9.2f ms\n", "total", 1e3 * total);
}
