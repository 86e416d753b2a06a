/* The processor that code is made for. */
#ifndef CODEGEN_TARGET_H
#define CODEGEN_TARGET_H

#include <llvm-c/TargetMachine.h>
#include "codegen/codegen.h"

/* A machine for options->cpu (native: this one with all it has), position-independent.
 * NULL with a diagnostic for a processor LLVM does not know. The caller disposes of it. */
LLVMTargetMachineRef target_machine(Arena *arena, Diagnostics *diagnostics, const CodegenOptions *options);

/* Floats in a vector of a processor (NULL, native: of this machine), which decides
 * the block of the kernels' layout: 4, 8 or 16. */
int target_block(const char *cpu);

#endif
