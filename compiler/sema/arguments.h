/* Binding the arguments of a call to the formals of a definition in the
 * language; rows of built-in tables are bound by arguments_bind (sema.h).
 */
#ifndef SEMA_ARGUMENTS_H
#define SEMA_ARGUMENTS_H

#include "sema/values.h"

typedef struct { const Formal *formal; const Expr *given; } BoundFormal;      /* given NULL: default */

/* call: EXPR_NAME, EXPR_CALL, or NULL (no arguments). Writes one entry for each
 * formal. False after a report of unknown, repeated, missing or surplus ones. */
bool formals_bind(Sema *s, const Expr *call, const char *what, const Formal *formals, BoundFormal *out);

/* How many formals. */
int formal_count(const Formal *formals);

#endif
