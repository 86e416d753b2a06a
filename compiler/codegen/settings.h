/* Params and properties: their table, and the function that computes them. */
#ifndef CODEGEN_SETTINGS_H
#define CODEGEN_SETTINGS_H

#include "codegen/gen.h"

/* MmlSetting[]. */
LLVMValueRef settings_table(Gen *g);

/* void evaluate(MmlValue *values, const u8 *given, MmlText *text) of MmlExperiment. */
LLVMValueRef settings_function(Gen *g);

#endif
