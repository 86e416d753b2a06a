#include "jit/jit.h"

#include <stdlib.h>
#include <string.h>
#include <llvm-c/Error.h>
#include <llvm-c/LLJIT.h>
#include <llvm-c/Orc.h>
#include "codegen/target.h"
#include "mml/nn.h"
#include "mml/train.h"

struct Jit {
    LLVMOrcLLJITRef      lljit;
    const MmlExperiment *experiment;
    char                *reported;      /* what the session's reporter has said, or NULL   */
};

/* Everything of the runtime that compiled code may call. */
static const struct { const char *name; void (*address)(void); } runtime[] = {
#define MML_KERNEL(name, scratch) {"mml_" #name, (void (*)(void))mml_##name},
#define MML_RULE(name, result, arguments) {"mml_" #name, (void (*)(void))mml_##name},
#include "mml/abi.def"
#undef MML_KERNEL
#undef MML_RULE
    {"mml_main", (void (*)(void))mml_main},
};
#define RUNTIME_COUNT (sizeof runtime / sizeof *runtime)

/* ---- Errors ---- */

/* A missing symbol is named only here; the look-up that needed it just fails. */
static void report(void *context, LLVMErrorRef error) {
    Jit *jit = context;
    char *message = LLVMGetErrorMessage(error);
    char *joined = malloc(strlen(message) + (jit->reported ? strlen(jit->reported) : 0) + 3);
    if (joined) {
        joined[0] = 0;
        if (jit->reported) strcat(strcpy(joined, jit->reported), "; ");
        strcat(joined, message);
        free(jit->reported);
        jit->reported = joined;
    }
    LLVMDisposeErrorMessage(message);
}

static int failed(Jit *jit, Diagnostics *d, LLVMErrorRef error) {
    if (!error) return 0;
    char *message = LLVMGetErrorMessage(error);
    if (jit->reported) diag(d, E0404, (Span){0}, "the program can't be bound to the runtime: %s (%s)", jit->reported, message);
    else diag(d, E0404, (Span){0}, "the program can't be run in the compiler: %s", message);
    LLVMDisposeErrorMessage(message);
    return 1;
}

/* ---- Symbols ---- */

static LLVMErrorRef define_runtime(Jit *jit) {
    LLVMOrcCSymbolMapPair pairs[RUNTIME_COUNT];
    for (size_t i = 0; i < RUNTIME_COUNT; i++) {
        pairs[i].Name = LLVMOrcLLJITMangleAndIntern(jit->lljit, runtime[i].name);
        pairs[i].Sym  = (LLVMJITEvaluatedSymbol){
            (LLVMOrcExecutorAddress)(uintptr_t)runtime[i].address,
            {LLVMJITSymbolGenericFlagsExported | LLVMJITSymbolGenericFlagsCallable, 0}};
    }
    LLVMOrcMaterializationUnitRef unit = LLVMOrcAbsoluteSymbols(pairs, RUNTIME_COUNT);
    LLVMErrorRef error = LLVMOrcJITDylibDefine(LLVMOrcLLJITGetMainJITDylib(jit->lljit), unit);
    if (error) LLVMOrcDisposeMaterializationUnit(unit);
    return error;
}

/* libc and libm (log, pow, strcmp, memcpy …) come from the process; the runtime's own from the ABI list only. */
static int is_library_symbol(void *context, LLVMOrcSymbolStringPoolEntryRef symbol) {
    return strncmp(LLVMOrcSymbolStringPoolEntryStr(symbol), "mml_", 4) != 0;
}

static LLVMErrorRef define_library(Jit *jit) {
    LLVMOrcDefinitionGeneratorRef generator;
    LLVMErrorRef error = LLVMOrcCreateDynamicLibrarySearchGeneratorForProcess(
        &generator, LLVMOrcLLJITGetGlobalPrefix(jit->lljit), is_library_symbol, NULL);
    if (!error) LLVMOrcJITDylibAddGenerator(LLVMOrcLLJITGetMainJITDylib(jit->lljit), generator);
    return error;
}

/* ---- Compilation ---- */

static LLVMErrorRef add_program(Jit *jit, Arena *arena, Diagnostics *d, const Program *program, const CodegenOptions *options) {
    LLVMMemoryBufferRef object = codegen_object(arena, d, program, options);
    return object ? LLVMOrcLLJITAddObjectFile(jit->lljit, LLVMOrcLLJITGetMainJITDylib(jit->lljit), object) : LLVMErrorSuccess;
}

Jit *jit_compile(Arena *arena, Diagnostics *diagnostics, const Program *program, const CodegenOptions *options) {
    LLVMTargetMachineRef machine = target_machine(arena, diagnostics, options);
    if (!machine) return NULL;
    Jit *jit = calloc(1, sizeof *jit);
    if (!jit) arena_exhausted(sizeof *jit);
    int before = diag_errors(diagnostics);
    LLVMOrcLLJITBuilderRef builder = LLVMOrcCreateLLJITBuilder();
    LLVMOrcLLJITBuilderSetJITTargetMachineBuilder(builder, LLVMOrcJITTargetMachineBuilderCreateFromTargetMachine(machine));
    LLVMOrcExecutorAddress address = 0;
    if (failed(jit, diagnostics, LLVMOrcCreateLLJIT(&jit->lljit, builder))) {
        free(jit);
        return NULL;
    }
    LLVMOrcExecutionSessionSetErrorReporter(LLVMOrcLLJITGetExecutionSession(jit->lljit), report, jit);
    int wrong = failed(jit, diagnostics, define_runtime(jit)) || failed(jit, diagnostics, define_library(jit)) ||
                failed(jit, diagnostics, add_program(jit, arena, diagnostics, program, options)) || diag_errors(diagnostics) > before ||
                failed(jit, diagnostics, LLVMOrcLLJITLookup(jit->lljit, &address, "mml_experiment_data"));
    if (wrong) {
        jit_free(jit);
        return NULL;
    }
    jit->experiment = (const MmlExperiment *)(uintptr_t)address;
    return jit;
}

const MmlExperiment *jit_experiment(const Jit *jit) { return jit->experiment; }

void jit_free(Jit *jit) {
    if (!jit) return;
    LLVMConsumeError(LLVMOrcDisposeLLJIT(jit->lljit));
    free(jit->reported);
    free(jit);
}
