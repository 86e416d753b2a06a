/* Programs in this process: ORC LLJIT over the runtime linked into mmlc. */
#ifndef JIT_JIT_H
#define JIT_JIT_H

#include "codegen/codegen.h"
#include "mml/experiment.h"

typedef struct Jit Jit;

/* Compiles program; NULL with a diagnostic on failure (missing symbols are named).
 * The result needs neither the arena nor the program any more. */
Jit *jit_compile(Arena *arena, Diagnostics *diagnostics, const Program *program, const CodegenOptions *options);
/* The compiled experiment; lives as long as jit. */
const MmlExperiment *jit_experiment(const Jit *jit);
void jit_free(Jit *jit);

#endif
