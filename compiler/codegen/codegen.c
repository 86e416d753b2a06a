#include "codegen/codegen.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <llvm-c/Analysis.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include "codegen/experiment.h"
#include "codegen/object_key.h"
#include "codegen/specialise.h"
#include "codegen/target.h"
#include "support/cache.h"

/* The kind of the cache's entries. */
#define OBJECT "object"

/* ---- The module ---- */

static void passed(const CodegenOptions *options, const char *pass) {
    if (options->passed) options->passed(options->watch, pass);
}

static Gen gen_new(Arena *arena, const Program *program, const CodegenOptions *options, LLVMContextRef context) {
    Gen g = {.arena = arena, .program = program, .options = options, .context = context, .modalities = program->modalities.count};
    if (!options->rules_only) g.ir = ir_build(arena, program, (KernelHost){target_block(options->cpu), options->times});
    passed(options, "graph");
    g.module  = LLVMModuleCreateWithNameInContext(program->name, context);
    g.builder = LLVMCreateBuilderInContext(context);
    g.none    = LLVMVoidTypeInContext(context);
    g.i1      = LLVMInt1TypeInContext(context);
    g.i8      = LLVMInt8TypeInContext(context);
    g.i32     = LLVMInt32TypeInContext(context);
    g.i64     = LLVMInt64TypeInContext(context);
    g.f32     = LLVMFloatTypeInContext(context);
    g.f64     = LLVMDoubleTypeInContext(context);
    g.pointer = LLVMPointerTypeInContext(context, 0);
    g.kernel_type = LLVMFunctionType(g.none, (LLVMTypeRef[]){g.pointer, g.pointer, g.pointer}, 3, 0);
    return g;
}

/* int main(int argc, char **argv) { return mml_main(argc, argv, &mml_experiment_data); } */
static void main_function(Gen *g, LLVMValueRef experiment) {
    LLVMTypeRef types[] = {g->i32, g->pointer, g->pointer};
    LLVMTypeRef runtime_type = LLVMFunctionType(g->i32, types, 3, 0);
    LLVMValueRef runtime = LLVMAddFunction(g->module, "mml_main", runtime_type);
    LLVMValueRef function = LLVMAddFunction(g->module, "main", LLVMFunctionType(g->i32, types, 2, 0));
    LLVMPositionBuilderAtEnd(g->builder, gen_block(g, function, "entry"));
    LLVMValueRef code = LLVMBuildCall2(g->builder, runtime_type, runtime,
                                       (LLVMValueRef[]){LLVMGetParam(function, 0), LLVMGetParam(function, 1), experiment}, 3, "");
    LLVMBuildRet(g->builder, code);
}

static void verify(Gen *g) {
    char *message = NULL;
    if (LLVMVerifyModule(g->module, LLVMReturnStatusAction, &message)) mml_ice("the generated module is not well-formed: %s", message);
    LLVMDisposeMessage(message);
}

static void optimize(Gen *g, LLVMTargetMachineRef machine) {
    const char *passes = arena_printf(g->arena, "default<O%d>", g->options->optimize);
    LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
    LLVMErrorRef error = LLVMRunPasses(g->module, passes, machine, options);
    LLVMDisposePassBuilderOptions(options);
    if (error) mml_ice("LLVM's passes failed: %s", LLVMGetErrorMessage(error));
}

/* As it is emitted, verified. */
static Gen module_for(Arena *arena, const Program *program, const CodegenOptions *options, LLVMContextRef context,
                      LLVMTargetMachineRef machine, int with_main) {
    Gen g = gen_new(arena, program, options, context);
    g.wide = specialise_wide(machine);
    char *triple = LLVMGetTargetMachineTriple(machine);
    LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(machine);
    LLVMSetTarget(g.module, triple);
    LLVMSetModuleDataLayout(g.module, layout);
    LLVMDisposeTargetData(layout);
    LLVMDisposeMessage(triple);
    debug_begin(&g);
    LLVMValueRef experiment = experiment_table(&g);
    if (with_main) main_function(&g, experiment);
    debug_end(&g);
    LLVMDisposeBuilder(g.builder);
    verify(&g);
    passed(options, "LLVM module");
    return g;
}

/* ---- Machine code ---- */

/* Machine code without its own optimisations: for modules without loops, whose steps are lists of calls and whose rules run
 * once an epoch, after LLVM's passes there is nothing left to win, and register allocation takes most of a compilation
 * (0.10 s of 0.21 for a pair of ResNet-18, 0.03 this way). */
static LLVMTargetMachineRef quick_machine(Arena *arena, Diagnostics *d, const CodegenOptions *options) {
    CodegenOptions quick = *options;
    quick.optimize = 0;
    return target_machine(arena, d, &quick);
}

/* NULL with a diagnostic. */
static LLVMMemoryBufferRef machine_code(Arena *arena, Diagnostics *d, Gen *g, LLVMTargetMachineRef machine, LLVMCodeGenFileType type) {
    LLVMMemoryBufferRef buffer = NULL;
    char *error = NULL;
    optimize(g, machine);
    passed(g->options, "optimisation");
    LLVMTargetMachineRef quick = g->loops ? NULL : quick_machine(arena, d, g->options);
    if (LLVMTargetMachineEmitToMemoryBuffer(quick ? quick : machine, g->module, type, &error, &buffer)) {
        diag(d, E0403, (Span){0}, "LLVM could not make code: %s", error);
        LLVMDisposeMessage(error);
        buffer = NULL;
    }
    if (quick) LLVMDisposeTargetMachine(quick);
    passed(g->options, "machine code");
    return buffer;
}

/* From the cache, or made and kept there. */
static LLVMMemoryBufferRef object_code(Arena *arena, Diagnostics *d, Gen *g, LLVMTargetMachineRef machine) {
    const char *cache = g->options->cache, *bytes;
    size_t size;
    Digest key = {{0}};
    if (cache) key = object_key(g->module, machine, g->options);
    if (cache_read(arena, cache, OBJECT, key, &bytes, &size) == CACHE_FOUND) {
        passed(g->options, "cached code");
        return LLVMCreateMemoryBufferWithMemoryRangeCopy(bytes, size, g->program->name);
    }
    LLVMMemoryBufferRef object = machine_code(arena, d, g, machine, LLVMObjectFile);
    if (object) cache_write(arena, cache, OBJECT, key, LLVMGetBufferStart(object), LLVMGetBufferSize(object));
    return object;
}

LLVMMemoryBufferRef codegen_object(Arena *arena, Diagnostics *diagnostics, const Program *program, const CodegenOptions *options) {
    LLVMTargetMachineRef machine = target_machine(arena, diagnostics, options);
    if (!machine) return NULL;
    LLVMContextRef context = LLVMContextCreate();
    Gen g = module_for(arena, program, options, context, machine, 0);
    LLVMMemoryBufferRef object = object_code(arena, diagnostics, &g, machine);
    LLVMDisposeModule(g.module);
    LLVMContextDispose(context);
    LLVMDisposeTargetMachine(machine);
    return object;
}

/* ---- Files ---- */

/* Whole or not at all: written beside path, then renamed. */
static int write_file(Arena *arena, Diagnostics *d, const char *path, const char *bytes, size_t size) {
    const char *unfinished = arena_printf(arena, "%s.%ld.part", path, (long)getpid());
    FILE *out = fopen(unfinished, "wb");
    int fine = out && fwrite(bytes, 1, size, out) == size;
    int error = errno;
    if (out && fclose(out)) {
        error = fine ? errno : error;
        fine = 0;
    }
    if (fine && rename(unfinished, path)) {
        error = errno;
        fine = 0;
    }
    if (fine) return 1;
    if (out) remove(unfinished);
    Diagnostic *diagnostic = diag(d, E0402, (Span){0}, "can't write %s: %s", path, strerror(error));
    diag_help(d, diagnostic, "name another file with `-o`");
    return 0;
}

static int write_text(Arena *arena, Diagnostics *d, Gen *g, LLVMTargetMachineRef machine, const char *path) {
    optimize(g, machine);
    passed(g->options, "optimisation");
    char *text = LLVMPrintModuleToString(g->module);
    int fine = write_file(arena, d, path, text, strlen(text));
    LLVMDisposeMessage(text);
    passed(g->options, "text");
    return fine;
}

static int write_code(Arena *arena, Diagnostics *d, LLVMMemoryBufferRef code, const char *path) {
    if (!code) return 0;
    int fine = write_file(arena, d, path, LLVMGetBufferStart(code), LLVMGetBufferSize(code));
    LLVMDisposeMemoryBuffer(code);
    return fine;
}

int codegen_file(Arena *arena, Diagnostics *diagnostics, const Program *program, const CodegenOptions *options, EmitKind kind,
                 const char *path) {
    LLVMTargetMachineRef machine = target_machine(arena, diagnostics, options);
    if (!machine) return 0;
    LLVMContextRef context = LLVMContextCreate();
    Gen g = module_for(arena, program, options, context, machine, 1);
    int fine = 0;
    switch (kind) {
    case EMIT_LLVM:     fine = write_text(arena, diagnostics, &g, machine, path); break;
    case EMIT_OBJECT:   fine = write_code(arena, diagnostics, object_code(arena, diagnostics, &g, machine), path); break;
    case EMIT_ASSEMBLY: fine = write_code(arena, diagnostics, machine_code(arena, diagnostics, &g, machine, LLVMAssemblyFile), path); break;
    }
    LLVMDisposeModule(g.module);
    LLVMContextDispose(context);
    LLVMDisposeTargetMachine(machine);
    return fine;
}
