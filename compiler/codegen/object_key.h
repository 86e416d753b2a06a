/* The key of an object in the cache: a hash of all that decides it.
 *
 * That is the module before LLVM's passes (which holds the program's tables, kernels and debug
 * lines), the processor with its features, the level of optimisation, and the build of everything
 * loaded into this process: mmlc, LLVM, the C library that folds its constants.
 */
#ifndef CODEGEN_OBJECT_KEY_H
#define CODEGEN_OBJECT_KEY_H

#include <llvm-c/TargetMachine.h>
#include "codegen/codegen.h"
#include "support/sha256.h"

Digest object_key(LLVMModuleRef module, LLVMTargetMachineRef machine, const CodegenOptions *options);

#endif
