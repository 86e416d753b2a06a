/* Policies and methods: a function for each handler, and their MmlRule. */
#ifndef CODEGEN_RULES_H
#define CODEGEN_RULES_H

#include "codegen/gen.h"

/* The MmlRule of a rule, or a null pointer for none. */
LLVMValueRef rule_table(Gen *g, const Rule *rule);

#endif
