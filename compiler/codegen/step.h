/* A graph as straight-line code: one call for each kernel, guarded by the groups
 * that run; no allocation, no loop. */
#ifndef CODEGEN_STEP_H
#define CODEGEN_STEP_H

#include "codegen/gen.h"

/* The MmlStep of a graph. */
LLVMValueRef step_table(Gen *g, const Step *step);

#endif
