/* Shared inside code generation: the module being made, its types, constants and
 * functions of the runtime. */
#ifndef CODEGEN_GEN_H
#define CODEGEN_GEN_H

#include <llvm-c/Core.h>
#include <llvm-c/DebugInfo.h>
#include "codegen/codegen.h"
#include "ir/ir.h"

/* Calls of rules and settings, by mml/abi.def. */
typedef enum {
#define MML_KERNEL(name, scratch)
#define MML_RULE(name, result, arguments) CALL_##name,
#include "mml/abi.def"
#undef MML_KERNEL
#undef MML_RULE
    CALL_COUNT
} RuntimeCall;

typedef struct { const char *text; LLVMValueRef global; } TextConstant;
typedef struct { int count; const Attribute *attributes; LLVMValueRef global; } AttributeConstant;
typedef struct { const Source *source; LLVMMetadataRef file; } DebugFile;

typedef struct {
    Arena                *arena;
    const Program        *program;
    const Ir             *ir;
    const CodegenOptions *options;
    LLVMContextRef        context;
    LLVMModuleRef         module;
    LLVMBuilderRef        builder;
    LLVMTypeRef           none, i1, i8, i32, i64, f32, f64, pointer, kernel_type;
    LLVMValueRef          kernels[KERNEL_COUNT];
    LLVMValueRef          calls[CALL_COUNT];
    LLVMTypeRef           call_types[CALL_COUNT];
    LLVMValueRef          trace;                     /* step.c's helper, NULL: not yet  */
    LLVMTypeRef           trace_type;
    VECTOR(TextConstant)      texts;
    VECTOR(AttributeConstant) attributes;
    int                   modalities;
    int                   wide;                      /* the processor has x86-64-v3 (specialise.h) */
    int                   loops;                     /* the module has loops of its own: specialised kernels */
    /* -g: the lines of .mml (debug.c) */
    LLVMDIBuilderRef      debug;
    LLVMMetadataRef       debug_unit, debug_function_type, debug_scope;
    const Source         *debug_source;
    VECTOR(DebugFile)     debug_files;
} Gen;

/* ---- Constants (constants.c) ---- */

LLVMValueRef gen_int(Gen *g, int64_t value);
LLVMValueRef gen_real(Gen *g, double value);
LLVMValueRef gen_null(Gen *g);
/* A NUL-terminated text; equal ones are one global. NULL gives a null pointer. */
LLVMValueRef gen_text(Gen *g, const char *text);
/* An attribute array of a kernel; equal ones are one global. */
LLVMValueRef gen_attributes(Gen *g, const Attribute *attributes, int count);

/* A constant of 8-byte words: the structs of mml/experiment.h one behind the other. */
typedef struct { Gen *g; VECTOR(LLVMValueRef) words; } Table;
Table table_new(Gen *g);
void  table_value(Table *t, LLVMValueRef word);
void  table_int(Table *t, int64_t value);
void  table_real(Table *t, double value);
void  table_text(Table *t, const char *text);
/* Breaks off when the words since `from` are not a struct of that many bytes. */
void  table_end(const Table *t, int from, size_t bytes);
/* The finished global, or a null pointer when the table is empty. */
LLVMValueRef table_global(Table *t, const char *name);

/* ---- The runtime (runtime_calls.c) ---- */

LLVMValueRef gen_kernel(Gen *g, Kernel kernel);
LLVMValueRef gen_call(Gen *g, RuntimeCall call, LLVMValueRef *arguments, int count);
LLVMValueRef gen_intrinsic(Gen *g, const char *name, LLVMTypeRef type, LLVMValueRef *arguments, unsigned count);
/* A function of libc or libm: strcmp. */
LLVMValueRef gen_library(Gen *g, const char *name, LLVMTypeRef type);

/* ---- Functions ---- */

/* A new internal function of the module with the builder in its first block. */
LLVMValueRef gen_function(Gen *g, const char *name, int arguments, Span span);
/* Closes the function: `ret void`. */
void         gen_function_end(Gen *g);
LLVMBasicBlockRef gen_block(Gen *g, LLVMValueRef function, const char *name);

/* Field of a struct of mml/experiment.h at a byte offset. */
LLVMValueRef gen_field(Gen *g, LLVMValueRef base, size_t offset);
LLVMValueRef gen_load(Gen *g, LLVMTypeRef type, LLVMValueRef base, size_t offset);
void         gen_store(Gen *g, LLVMValueRef value, LLVMValueRef base, size_t offset);

/* ---- Debug information (debug.c): nothing happens without -g ---- */

void debug_begin(Gen *g);
void debug_function(Gen *g, LLVMValueRef function, const char *name, Span span);
void debug_at(Gen *g, Span span);
void debug_nowhere(Gen *g);                          /* behind the last statement          */
void debug_end(Gen *g);

#endif
