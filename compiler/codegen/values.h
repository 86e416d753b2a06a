/* Code for typed expressions (sema/program.h's Value) outside of tensors.
 *
 * Whole numbers are i64, the rest double or pointer to text. Arithmetic on
 * whole numbers that overflows, division by zero and an index outside of the
 * modalities stop the rule through mml_rule_fail with the place (context NULL:
 * in settings and losses); div and mod round towards minus infinity, as sema
 * folds them. `and`, `or` and `if` evaluate what they need only. argmax
 * and argmin take the first of ties, and NaN only when there is nothing else;
 * max and min leave NaN out.
 */
#ifndef CODEGEN_VALUES_H
#define CODEGEN_VALUES_H

#include "codegen/gen.h"

/* What a value may read, and where to go when it fails. */
typedef struct {
    Gen              *g;
    LLVMValueRef      function;
    LLVMValueRef      settings;       /* MmlValue[]                                        */
    LLVMValueRef      state;          /* MmlValue[], or NULL                               */
    LLVMValueRef      context;        /* MmlRuleContext, or a null pointer                 */
    LLVMValueRef      text;           /* MmlText, or NULL                                  */
    LLVMValueRef      event;          /* MmlProbe or MmlEpoch, or NULL                     */
    LLVMValueRef      locals;         /* i64[], or NULL                                    */
    LLVMBasicBlockRef failed;         /* leaves the function                               */
    char             *reads;          /* [slots] set to 1 for settings read, or NULL       */
} ValueScope;

/* Modality `element`'s share of an each value, or the value. */
LLVMValueRef value_emit(ValueScope *s, const Value *value, int element);
/* As double, whatever it is held as. */
LLVMValueRef value_emit_real(ValueScope *s, const Value *value, int element);

LLVMTypeRef  held_type(Gen *g, TypeKind kind);
/* Index in bounds of the modalities, else failure. */
void         value_check_index(ValueScope *s, LLVMValueRef index, Span span);
/* Goes on where ok holds, else fails with `what` at span. */
void         value_check(ValueScope *s, LLVMValueRef ok, const char *what, Span span);

#endif
