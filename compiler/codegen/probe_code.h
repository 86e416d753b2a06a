/* Code for a probe whose sizes the program gives: FastPID's loops. */
#ifndef CODEGEN_PROBE_CODE_H
#define CODEGEN_PROBE_CODE_H

#include "codegen/gen.h"

/* An MmlFastPidCode for a measurement with `solver = adam`, or a null pointer
 * where it wouldn't be used or gain nothing: another solver, a table that is
 * known only at run time or lies outside the sizes that win (bench/fastpid), a
 * processor without AVX2, -O0 or -O1. */
LLVMValueRef probe_code(Gen *g, const Measurement *measurement);

#endif
