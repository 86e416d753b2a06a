/* The constant tables that describe an experiment to the runtime. */
#ifndef CODEGEN_EXPERIMENT_H
#define CODEGEN_EXPERIMENT_H

#include "codegen/gen.h"

/* Emits every function, and the global `mml_experiment_data`; returns it. */
LLVMValueRef experiment_table(Gen *g);

/* 16 hexadecimal digits (FNV-1a, 64 bits) of the texts that the program was made of,
 * the compiler and its flags: what --version and run.json name a program by. */
const char *experiment_hash(Gen *g);

#endif
