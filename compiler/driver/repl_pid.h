/* Distributions and their decomposition at the prompt. */
#ifndef DRIVER_REPL_PID_H
#define DRIVER_REPL_PID_H

#include "driver/repl_answer.h"

/* Is it the name of a gate: xor and or copy unq? */
int distribution_named(const char *name);
extern const char *const gate_names[];             /* NULL-terminated */

/* A gate, a table [[[…]]] indexed x1, x2 …, y, or a name bound to one. NOTHING after an error. */
Answer distribution(Question *question, const Expr *expr);

/* The decomposition of what was measured. */
Answer pid_result(const MmlPid *pid, const char *const *names, int sources);

#endif
