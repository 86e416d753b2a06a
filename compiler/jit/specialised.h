/* Specialised kernels in this process (codegen/specialise.h). */
#ifndef JIT_SPECIALISED_H
#define JIT_SPECIALISED_H

#include "codegen/codegen.h"

typedef struct JitCode JitCode;

/* Compiles `functions` of `kernel`, each with the same `constants` for its last
 * parameters, for this processor, and gives their addresses. NULL with a
 * diagnostic when it can't be, as for a processor without x86-64-v3. */
JitCode *jit_specialised(Arena *arena, Diagnostics *diagnostics, const char *kernel, const char *const *functions, int function_count,
                         const int64_t *constants, int constant_count, void **addresses);
void jit_specialised_free(JitCode *code);

#endif
