#include "codegen/gen.h"

#include <string.h>
#include "ir/ops.h"

/* The arguments as they stand in mml/abi.def: the types are read from the text. */
static const struct { const char *name, *result, *arguments; } rows[CALL_COUNT] = {
#define MML_KERNEL(name, scratch)
#define MML_RULE(name, result, arguments) {"mml_" #name, #result, #arguments},
#include "mml/abi.def"
#undef MML_KERNEL
#undef MML_RULE
};

static LLVMTypeRef type_of(Gen *g, const char *text, size_t length) {
    if (memchr(text, '*', length)) return g->pointer;
    if (length >= 4 && !memcmp(text, "void", 4))     return g->none;
    if (length >= 6 && !memcmp(text, "double", 6))   return g->f64;
    if (length >= 3 && !memcmp(text, "i64", 3))      return g->i64;
    mml_ice("a type of mml/abi.def that code generation does not know: %.*s", (int)length, text);
}

LLVMValueRef gen_kernel(Gen *g, Kernel kernel) {
    if (!g->kernels[kernel])
        g->kernels[kernel] = LLVMAddFunction(g->module, arena_printf(g->arena, "mml_%s", kernel_name(kernel)), g->kernel_type);
    return g->kernels[kernel];
}

LLVMValueRef gen_call(Gen *g, RuntimeCall call, LLVMValueRef *arguments, int count) {
    if (!g->calls[call]) {
        LLVMTypeRef types[8];
        unsigned known = 0;
        const char *text = rows[call].arguments + 1;                 /* behind "(" */
        while (*text && *text != ')') {
            while (*text == ' ') text++;
            size_t length = strcspn(text, ",)");
            types[known++] = type_of(g, text, length);
            text += length;
            if (*text == ',') text++;
        }
        g->call_types[call] = LLVMFunctionType(type_of(g, rows[call].result, strlen(rows[call].result)), types, known, 0);
        g->calls[call]      = LLVMAddFunction(g->module, rows[call].name, g->call_types[call]);
    }
    return LLVMBuildCall2(g->builder, g->call_types[call], g->calls[call], arguments, (unsigned)count, "");
}

LLVMValueRef gen_intrinsic(Gen *g, const char *name, LLVMTypeRef type, LLVMValueRef *arguments, unsigned count) {
    unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
    LLVMValueRef function = LLVMGetIntrinsicDeclaration(g->module, id, &type, 1);
    return LLVMBuildCall2(g->builder, LLVMIntrinsicGetType(g->context, id, &type, 1), function, arguments, count, "");
}

LLVMValueRef gen_library(Gen *g, const char *name, LLVMTypeRef type) {
    LLVMValueRef function = LLVMGetNamedFunction(g->module, name);
    return function ? function : LLVMAddFunction(g->module, name, type);
}

/* ---- Functions ---- */

LLVMBasicBlockRef gen_block(Gen *g, LLVMValueRef function, const char *name) {
    return LLVMAppendBasicBlockInContext(g->context, function, name);
}

LLVMValueRef gen_function(Gen *g, const char *name, int arguments, Span span) {
    LLVMTypeRef types[] = {g->pointer, g->pointer, g->pointer, g->pointer};
    LLVMValueRef function = LLVMAddFunction(g->module, name, LLVMFunctionType(g->none, types, (unsigned)arguments, 0));
    LLVMSetLinkage(function, LLVMInternalLinkage);
    LLVMPositionBuilderAtEnd(g->builder, gen_block(g, function, "entry"));
    debug_function(g, function, name, span);
    return function;
}

void gen_function_end(Gen *g) {
    LLVMBuildRetVoid(g->builder);
    debug_nowhere(g);
}

LLVMValueRef gen_field(Gen *g, LLVMValueRef base, size_t offset) {
    LLVMValueRef index = gen_int(g, (int64_t)offset);
    return offset ? LLVMBuildInBoundsGEP2(g->builder, g->i8, base, &index, 1, "") : base;
}

LLVMValueRef gen_load(Gen *g, LLVMTypeRef type, LLVMValueRef base, size_t offset) {
    return LLVMBuildLoad2(g->builder, type, gen_field(g, base, offset), "");
}

void gen_store(Gen *g, LLVMValueRef value, LLVMValueRef base, size_t offset) {
    LLVMBuildStore(g->builder, value, gen_field(g, base, offset));
}
