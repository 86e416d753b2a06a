/* `mmlc check --explain`: the experiment with all that is decided about it. */
#ifndef DRIVER_EXPLAIN_H
#define DRIVER_EXPLAIN_H

#include <stdio.h>
#include "ir/ir.h"

typedef struct {
    Arena       *arena;
    Interner    *names;
    Diagnostics *diagnostics;
    Program     *program;
    const File  *file;
    KernelHost   host;                /* the target */
} Explanation;

/* For people: settings with value and origin, each layer with shape, parameters and
 * FLOPs, each stage with its rules and what a step of it costs. */
void explain_text(const Explanation *explanation, FILE *out);

/* The same as one JSON object on a line. */
void explain_json(const Explanation *explanation, FILE *out);

/* ---- Shared by both (explain_values.c) ---- */

/* A setting's value as it would be written ("8 epochs", "[1, 5] epochs"); "" for a required param;
 * an expression that reads one stands as in the program. */
const char *setting_value_text(const Explanation *explanation, const Setting *setting);
/* "2 * epochs" where the value was computed, else NULL. */
const char *setting_source_text(const Explanation *explanation, const Setting *setting);
/* The int at path, or fallback where it isn't known before the run. */
int64_t     setting_int(const Explanation *explanation, const char *path, int64_t fallback);

int64_t layer_parameters(const Program *program, const Layer *layer);
const char *layer_name(LayerKind kind);

/* Sums over the layers of a network whose names begin with the component
 * [name, name + length) (length 0: all). */
typedef struct { int layers; int64_t parameters, flops; } Cost;
Cost network_cost(const Program *program, const Network *network, const char *name, size_t length);

/* "11,170,240"; "12.3 MiB"; "3.49 G". */
const char *count_text(Arena *arena, int64_t count);
const char *bytes_text(Arena *arena, int64_t bytes);
const char *flops_text(Arena *arena, int64_t flops);

/* The convolutions of a network one after the other: *at begins at 0; NULL: no more. */
const Layer *next_convolution(const Network *network, int *at);

/* Threads that a trainer started here would use. */
int thread_count(void);

#endif
