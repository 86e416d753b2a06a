/* From a program to machine code, through LLVM.
 *
 * The module holds one global, `mml_experiment_data` (MmlExperiment of
 * mml/experiment.h), and for an executable `main`, which calls mml_main on it.
 */
#ifndef CODEGEN_CODEGEN_H
#define CODEGEN_CODEGEN_H

#include <stdio.h>
#include <llvm-c/Types.h>
#include "sema/program.h"

typedef struct {
    int         optimize;         /* 0 … 3                                    */
    const char *cpu;              /* "native" or a name LLVM knows            */
    const struct KernelTimes *times;      /* measured on it (ir/kernels.h); NULL: nothing */
    int         rules_only;       /* no steps and no graph: what only decides */
    int         debug;            /* -g: .mml lines in the debug information  */
    const char *compiler;         /* "mmlc 0.1.0", into run.json              */
    const char *flags;            /* as given, into run.json and the hash     */
    const char *cache;            /* folder of objects made before (support/cache.h); NULL: none */
    void      (*passed)(void *watch, const char *pass);       /* called behind each pass; NULL: not */
    void       *watch;
} CodegenOptions;

/* An object without `main`, for the host or options->cpu. NULL with a diagnostic (unknown cpu) when it can't be. The
 * caller disposes of it. One that was made of the same module, for the same processor and by the same mmlc and LLVM, comes
 * from options->cache (codegen/object_key.h). */
LLVMMemoryBufferRef codegen_object(Arena *arena, Diagnostics *diagnostics, const Program *program, const CodegenOptions *options);

typedef enum { EMIT_OBJECT, EMIT_ASSEMBLY, EMIT_LLVM } EmitKind;

/* Compiles program into path. False with a diagnostic; nothing is left at path then. Objects come from the cache too. */
int codegen_file(Arena *arena, Diagnostics *diagnostics, const Program *program,
                 const CodegenOptions *options, EmitKind kind, const char *path);

#endif
