#include "codegen/specialise.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <llvm-c/BitReader.h>
#include <llvm-c/Linker.h>
#include "support/diag.h"

/* ---- Embedded bitcode ---- */

#define KERNEL(name, source)                                                     \
    __asm__(".pushsection .rodata\n"                                              \
            "kernel_" #name "_begin: .incbin \"" MML_BITCODE "/" #name ".bc\"\n"   \
            "kernel_" #name "_end: .byte 0\n"                                      \
            ".popsection\n");                                                    \
    extern const char kernel_##name##_begin[] __attribute__((visibility("hidden"))),  \
                      kernel_##name##_end[] __attribute__((visibility("hidden")));
#include "codegen/kernels.def"
#undef KERNEL

static const struct { const char *name, *begin, *end; } kernels[] = {
#define KERNEL(name, source) {#name, kernel_##name##_begin, kernel_##name##_end},
#include "codegen/kernels.def"
#undef KERNEL
};

/* ---- Linking ---- */

static LLVMModuleRef parse(LLVMContextRef context, const char *kernel) {
    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++) {
        if (strcmp(kernels[i].name, kernel)) continue;
        LLVMMemoryBufferRef buffer = LLVMCreateMemoryBufferWithMemoryRange(
            kernels[i].begin, (size_t)(kernels[i].end - kernels[i].begin), kernel, 0);
        LLVMModuleRef module;
        int broken = LLVMParseBitcodeInContext2(context, buffer, &module);
        LLVMDisposeMemoryBuffer(buffer);
        if (broken) mml_ice("the bitcode of kernel `%s` can't be read", kernel);
        return module;
    }
    mml_ice("there is no kernel `%s`", kernel);
}

/* Clang's processor would keep a function from being inlined into one without. */
static void take_processor_off(LLVMValueRef function) {
    static const char *const attributes[] = {"target-cpu", "target-features", "tune-cpu"};
    for (size_t a = 0; a < sizeof attributes / sizeof *attributes; a++)
        LLVMRemoveStringAttributeAtIndex(function, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, attributes[a],
                                         (unsigned)strlen(attributes[a]));
}

static void always_inline(LLVMModuleRef module, LLVMValueRef function) {
    unsigned kind = LLVMGetEnumAttributeKindForName("alwaysinline", strlen("alwaysinline"));
    LLVMAddAttributeAtIndex(function, (LLVMAttributeIndex)LLVMAttributeFunctionIndex,
                            LLVMCreateEnumAttribute(LLVMGetModuleContext(module), kind, 0));
}

/* The kernel's own functions become internal; what it defines otherwise is already static. */
static void link_kernel(LLVMModuleRef module, const char *kernel) {
    LLVMModuleRef part = parse(LLVMGetModuleContext(module), kernel);
    LLVMSetTarget(part, LLVMGetTarget(module));
    LLVMSetDataLayout(part, LLVMGetDataLayoutStr(module));
    const char *names[16];
    int count = 0;
    for (LLVMValueRef f = LLVMGetFirstFunction(part); f; f = LLVMGetNextFunction(f)) {
        if (LLVMIsDeclaration(f)) continue;
        take_processor_off(f);
        if (LLVMGetLinkage(f) != LLVMExternalLinkage) continue;
        if (count == sizeof names / sizeof *names) mml_ice("kernel `%s` has too many functions", kernel);
        size_t length;
        names[count++] = strdup(LLVMGetValueName2(f, &length));
    }
    if (LLVMLinkModules2(module, part)) mml_ice("kernel `%s` can't be linked", kernel);
    for (int i = 0; i < count; i++) {
        LLVMValueRef f = LLVMGetNamedFunction(module, names[i]);
        LLVMSetLinkage(f, LLVMInternalLinkage);
        always_inline(module, f);
        free((char *)names[i]);
    }
}

/* ---- The specialised function ---- */

static LLVMValueRef wrapper(LLVMModuleRef module, LLVMValueRef general, const char *name, const int64_t *constants, int count) {
    LLVMTypeRef type = LLVMGlobalGetValueType(general), types[16];
    LLVMValueRef arguments[16];
    int all = (int)LLVMCountParamTypes(type), passed = all - count;
    if (all > 16 || passed < 0) mml_ice("`%s` can't be specialised by %d constants", name, count);
    LLVMGetParamTypes(type, types);
    LLVMTypeRef result = LLVMGetReturnType(type);
    LLVMValueRef function = LLVMAddFunction(module, name, LLVMFunctionType(result, types, (unsigned)passed, 0));
    LLVMSetLinkage(function, LLVMInternalLinkage);
    for (int i = 0; i < all; i++)
        arguments[i] = i < passed ? LLVMGetParam(function, (unsigned)i)
                                  : LLVMConstInt(types[i], (unsigned long long)constants[i - passed], 1);
    LLVMContextRef context = LLVMGetModuleContext(module);
    LLVMBuilderRef builder = LLVMCreateBuilderInContext(context);
    LLVMPositionBuilderAtEnd(builder, LLVMAppendBasicBlockInContext(context, function, "entry"));
    LLVMValueRef value = LLVMBuildCall2(builder, type, general, arguments, (unsigned)all, "");
    if (LLVMGetTypeKind(result) == LLVMVoidTypeKind) LLVMBuildRetVoid(builder);
    else LLVMBuildRet(builder, value);
    LLVMDisposeBuilder(builder);
    return function;
}

LLVMValueRef specialise(LLVMModuleRef module, const char *kernel, const char *function, const int64_t *constants, int count) {
    char name[256];
    size_t used = (size_t)snprintf(name, sizeof name, "%s", function);
    for (int i = 0; i < count && used < sizeof name; i++)
        used += (size_t)snprintf(name + used, sizeof name - used, ".%" PRId64, constants[i]);
    if (used >= sizeof name) mml_ice("`%s` has too many constants", function);
    LLVMValueRef made = LLVMGetNamedFunction(module, name);
    if (made) return made;
    LLVMValueRef general = LLVMGetNamedFunction(module, function);
    if (!general) {
        link_kernel(module, kernel);
        general = LLVMGetNamedFunction(module, function);
        if (!general) mml_ice("kernel `%s` has no function `%s`", kernel, function);
    }
    return wrapper(module, general, name, constants, count);
}

int specialise_wide(LLVMTargetMachineRef machine) {
    char *features = LLVMGetTargetMachineFeatureString(machine);
    int wide = strstr(features, "+avx2") && strstr(features, "+fma") && strstr(features, "+bmi2");
    LLVMDisposeMessage(features);
    return wide;
}
