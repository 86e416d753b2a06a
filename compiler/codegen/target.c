#include "codegen/target.h"

#include <string.h>
#include <llvm-c/Core.h>
#include <llvm-c/Target.h>

static const char *const cpus[] = {
    "native",
#if defined(__x86_64__)
#define CPU(name, block) name,
#include "codegen/cpus.def"
#undef CPU
#else
    "generic",
#endif
};

static const int blocks[] = {
    0,                                  /* of this machine, below */
#if defined(__x86_64__)
#define CPU(name, block) block,
#include "codegen/cpus.def"
#undef CPU
#else
    4,
#endif
};

/* As runtime/kernels/dispatch/dispatch.c has it. */
#ifndef MML_LEVEL_OF_16
#define MML_LEVEL_OF_16 "x86-64-v4"
#endif

static int host_block(void) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports(MML_LEVEL_OF_16)) return 16;
    if (__builtin_cpu_supports("x86-64-v3")) return 8;
#endif
    return 4;
}

int target_block(const char *cpu) {
    for (size_t i = 1; cpu && i < sizeof cpus / sizeof *cpus; i++)
        if (!strcmp(cpus[i], cpu)) return blocks[i];
    return host_block();
}

static int known(const char *cpu) {
    for (size_t i = 0; i < sizeof cpus / sizeof *cpus; i++)
        if (!strcmp(cpus[i], cpu)) return 1;
    return 0;
}

static void unknown_cpu(Diagnostics *d, const char *cpu) {
    Diagnostic *diagnostic = diag(d, E0401, (Span){0}, "there is no processor `%s`", cpu);
    const char *nearest = nearest_name(cpu, cpus, (int)(sizeof cpus / sizeof *cpus));
    if (nearest) diag_help(d, diagnostic, "did you mean `%s`?", nearest);
    else diag_help(d, diagnostic, "`--target-cpu native` is this machine; `llc-19 -mcpu=help` lists the names");
}

static LLVMTargetMachineRef machine_for(Arena *arena, Diagnostics *d, const CodegenOptions *options, const char *cpu, const char *features) {
    static const LLVMCodeGenOptLevel levels[] = {LLVMCodeGenLevelNone, LLVMCodeGenLevelLess, LLVMCodeGenLevelDefault, LLVMCodeGenLevelAggressive};
    char *triple = LLVMGetDefaultTargetTriple(), *error = NULL;
    LLVMTargetRef target;
    LLVMTargetMachineRef machine = NULL;
    if (LLVMGetTargetFromTriple(triple, &target, &error)) {
        diag(d, E0403, (Span){0}, "LLVM makes no code for %s: %s", triple, error);
        LLVMDisposeMessage(error);
    } else {
        machine = LLVMCreateTargetMachine(target, triple, cpu, features, levels[options->optimize], LLVMRelocPIC, LLVMCodeModelDefault);
    }
    LLVMDisposeMessage(triple);
    return machine;
}

LLVMTargetMachineRef target_machine(Arena *arena, Diagnostics *diagnostics, const CodegenOptions *options) {
    const char *cpu = options->cpu ? options->cpu : "native";
    if (!known(cpu)) {
        unknown_cpu(diagnostics, cpu);
        return NULL;
    }
    LLVMInitializeNativeTarget();
    LLVMInitializeNativeAsmPrinter();
    if (strcmp(cpu, "native")) return machine_for(arena, diagnostics, options, cpu, "");
    char *host = LLVMGetHostCPUName(), *features = LLVMGetHostCPUFeatures();
    LLVMTargetMachineRef machine = machine_for(arena, diagnostics, options, host, features);
    LLVMDisposeMessage(host);
    LLVMDisposeMessage(features);
    return machine;
}
