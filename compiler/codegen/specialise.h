/* Kernels of the runtime, specialised by constants.
 *
 * A kernel is one C source of the runtime that is also embedded here as bitcode
 * (clang -O2 -Xclang -disable-llvm-passes, kernels.def). Its functions take
 * what may become constant as their last parameters, all i64. Specialising
 * links the bitcode into the module (once), takes clang's processor off it and
 * makes a function that calls the general one, to be inlined, with those
 * constants; optimising the module does the rest, for the module's processor.
 * One kernel a file: parsing costs some milliseconds each. Long loops should say
 * `#pragma clang loop unroll(disable)`: known trip counts would unroll whole nests.
 */
#ifndef CODEGEN_SPECIALISE_H
#define CODEGEN_SPECIALISE_H

#include <llvm-c/Core.h>
#include <llvm-c/TargetMachine.h>

/* The internal function "FUNCTION.c1.c2…" of module: `function` of `kernel` with
 * its last `count` parameters constant. Asked for again, it is the same one. */
LLVMValueRef specialise(LLVMModuleRef module, const char *kernel, const char *function, const int64_t *constants, int count);

/* Whether the machine has all that kernels with 32-byte vectors use (x86-64-v3);
 * for a processor given by name LLVM doesn't tell, and it is no. */
int specialise_wide(LLVMTargetMachineRef machine);

#endif
