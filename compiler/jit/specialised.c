#include "jit/specialised.h"

#include <llvm-c/Error.h>
#include <llvm-c/LLJIT.h>
#include <llvm-c/Orc.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include "codegen/specialise.h"
#include "codegen/target.h"

struct JitCode { LLVMOrcLLJITRef lljit; };

typedef struct {
    const char        *kernel;
    const char *const *functions;
    int                function_count;
    const int64_t     *constants;
    int                constant_count;
    const char       **names;          /* of the specialised functions */
} Request;

static int failed(Diagnostics *d, LLVMErrorRef error) {
    if (!error) return 0;
    char *message = LLVMGetErrorMessage(error);
    diag(d, E0404, (Span){0}, "the kernel can't be run in the compiler: %s", message);
    LLVMDisposeErrorMessage(message);
    return 1;
}

static LLVMModuleRef module_of(Arena *arena, const Request *r, LLVMTargetMachineRef machine, LLVMContextRef context) {
    LLVMModuleRef module = LLVMModuleCreateWithNameInContext(r->kernel, context);
    LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(machine);
    char *triple = LLVMGetTargetMachineTriple(machine);
    LLVMSetTarget(module, triple);
    LLVMSetModuleDataLayout(module, layout);
    LLVMDisposeTargetData(layout);
    LLVMDisposeMessage(triple);
    for (int i = 0; i < r->function_count; i++) {
        size_t length;
        LLVMValueRef function = specialise(module, r->kernel, r->functions[i], r->constants, r->constant_count);
        LLVMSetLinkage(function, LLVMExternalLinkage);
        const char *name = LLVMGetValueName2(function, &length);
        r->names[i] = arena_copy(arena, name, length);
    }
    return module;
}

static int add_module(JitCode *code, Arena *arena, Diagnostics *d, const Request *r, LLVMTargetMachineRef machine) {
    LLVMOrcThreadSafeContextRef context = LLVMOrcCreateNewThreadSafeContext();
    LLVMModuleRef module = module_of(arena, r, machine, LLVMOrcThreadSafeContextGetContext(context));
    LLVMPassBuilderOptionsRef passes = LLVMCreatePassBuilderOptions();
    LLVMErrorRef error = LLVMRunPasses(module, "default<O3>", machine, passes);
    LLVMDisposePassBuilderOptions(passes);
    LLVMOrcThreadSafeModuleRef safe = LLVMOrcCreateNewThreadSafeModule(module, context);
    LLVMOrcDisposeThreadSafeContext(context);
    if (!error) error = LLVMOrcLLJITAddLLVMIRModule(code->lljit, LLVMOrcLLJITGetMainJITDylib(code->lljit), safe);
    if (error) LLVMOrcDisposeThreadSafeModule(safe);
    return !failed(d, error);
}

/* The kernel's memset and the like come from the process. */
static int add_library(JitCode *code, Diagnostics *d) {
    LLVMOrcDefinitionGeneratorRef generator;
    LLVMErrorRef error = LLVMOrcCreateDynamicLibrarySearchGeneratorForProcess(&generator, LLVMOrcLLJITGetGlobalPrefix(code->lljit), NULL, NULL);
    if (failed(d, error)) return 0;
    LLVMOrcJITDylibAddGenerator(LLVMOrcLLJITGetMainJITDylib(code->lljit), generator);
    return 1;
}

static int compile(JitCode *code, Arena *arena, Diagnostics *d, const Request *r, LLVMTargetMachineRef machine, void **addresses) {
    if (!specialise_wide(machine)) {
        diag(d, E0404, (Span){0}, "the kernel `%s` is specialised for x86-64-v3 only, and this processor is another", r->kernel);
        return 0;
    }
    if (failed(d, LLVMOrcCreateLLJIT(&code->lljit, NULL))) return 0;
    if (!add_library(code, d) || !add_module(code, arena, d, r, machine)) return 0;
    for (int i = 0; i < r->function_count; i++) {
        LLVMOrcExecutorAddress address;
        if (failed(d, LLVMOrcLLJITLookup(code->lljit, &address, r->names[i]))) return 0;
        addresses[i] = (void *)(uintptr_t)address;
    }
    return 1;
}

JitCode *jit_specialised(Arena *arena, Diagnostics *diagnostics, const char *kernel, const char *const *functions, int function_count,
                         const int64_t *constants, int constant_count, void **addresses) {
    CodegenOptions options = {.optimize = 3, .cpu = "native"};
    LLVMTargetMachineRef machine = target_machine(arena, diagnostics, &options);
    if (!machine) return NULL;
    JitCode *code = NEW(arena, JitCode);
    Request request = {kernel, functions, function_count, constants, constant_count, NEW_ARRAY(arena, const char *, function_count)};
    int fine = compile(code, arena, diagnostics, &request, machine, addresses);
    LLVMDisposeTargetMachine(machine);
    if (fine) return code;
    jit_specialised_free(code);
    return NULL;
}

void jit_specialised_free(JitCode *code) {
    if (code && code->lljit) LLVMConsumeError(LLVMOrcDisposeLLJIT(code->lljit));
}
