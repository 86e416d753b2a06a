/* Programs compiled in this process, and frames to run their steps in. */
#ifndef TESTS_JIT_COMPILED_H
#define TESTS_JIT_COMPILED_H

#include <criterion/criterion.h>
#include "jit/jit.h"
#include "mml/nn.h"
#include "mml/pid.h"
#include "mml/settings.h"

typedef struct {
    Arena               *arena;
    Jit                 *jit;
    const Program       *program;
    const MmlExperiment *experiment;
    MmlArena            *memory;
    MmlSettings          settings;
} Compiled;

/* Compiles text (name: "x.mml"); ends the test with the diagnostics when it is wrong. */
Compiled compile(const char *name, const char *text);
/* The same with -D, and with --PARAM VALUE pairs for the settings ("tau=3"), NULL at the end. */
Compiled compile_with(const char *name, const char *text, const char *const *given);
void     compiled_free(Compiled *c);

/* A frame for one step with a batch of samples; everything is active, forward and training. */
typedef struct {
    const MmlExperiment *experiment;
    const MmlStep       *step;
    MmlFrame             frame;
    MmlArena            *memory;
    float               *inputs[MML_MAX_MODALITIES];
    float               *features[MML_MAX_MODALITIES], *logits[MML_MAX_MODALITIES + 1];
    i64                  forward[MML_MAX_MODALITIES + 1], active[MML_MAX_MODALITIES + 1], training[MML_MAX_MODALITIES + 1];
    i64                 *labels, *samples;
    MmlDecomposer       *decomposer;       /* when a loss has soft assignments; their clusters are drawn */
} Bench;

/* capacity >= batch. Parameters are initialised from seed, inputs drawn from N(0, 1), labels uniformly. */
Bench bench_new(const Compiled *c, const MmlStep *step, i64 batch, i64 capacity, u64 seed);
void  bench_run(Bench *b);
void  bench_free(Bench *b);

const MmlParameter *parameter_named(const MmlExperiment *experiment, const char *name);

/* A step behind fixtures that may not be there: NULL and a line on standard error when the file is missing. */
struct json_t;
#include <jansson.h>
json_t *fixtures(void);
json_t *fixture_case(json_t *fixtures, const char *id);

#endif
