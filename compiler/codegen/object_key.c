#include "codegen/object_key.h"

#include <string.h>
#include <llvm-c/BitWriter.h>
#include <llvm-c/Core.h>
#include "support/build_id.h"

static void add_text(Sha256 *hash, char *text) {
    sha256_part(hash, text, strlen(text));
    LLVMDisposeMessage(text);
}

Digest object_key(LLVMModuleRef module, LLVMTargetMachineRef machine, const CodegenOptions *options) {
    Sha256 hash;
    sha256_start(&hash);
    Digest build = build_id();
    sha256_part(&hash, &build, sizeof build);
    add_text(&hash, LLVMGetTargetMachineTriple(machine));
    add_text(&hash, LLVMGetTargetMachineCPU(machine));
    add_text(&hash, LLVMGetTargetMachineFeatureString(machine));
    sha256_part(&hash, &options->optimize, sizeof options->optimize);
    LLVMMemoryBufferRef bitcode = LLVMWriteBitcodeToMemoryBuffer(module);
    sha256_part(&hash, LLVMGetBufferStart(bitcode), LLVMGetBufferSize(bitcode));
    LLVMDisposeMemoryBuffer(bitcode);
    return sha256_end(&hash);
}
