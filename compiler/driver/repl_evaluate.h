/* Expressions at the prompt. */
#ifndef DRIVER_REPL_EVALUATE_H
#define DRIVER_REPL_EVALUATE_H

#include "driver/repl_answer.h"

/* What an expression gives; ANSWER_NOTHING after errors (printed, or left in the
 * question's diagnostics). Calls of the table below act. */
Answer evaluate(Question *question, Expr *expr);

/* The small program that expr's policy is bound in, for :ir and :asm; NULL after errors. */
Program *policy_program(Question *question, const Expr *expr);

/* Is expr a call or name of a policy? */
int is_policy(Question *question, const Expr *expr);

/* The arguments of a call of the prompt's own functions: positional ones, then named. */
typedef struct { const char *name; const Expr *value; } Named;
/* A text argument as it stands, NULL after an error that names what and function. */
const char *text_argument(Question *question, const Expr *expr, const char *function, const char *what);
/* A whole number of at least 1; 0 after an error. */
i64 count_argument(Question *question, const Expr *expr, const char *function, const char *what);
/* The value of argument `name`, or NULL. Reports others than those in names (NULL-terminated): *wrong is set. */
const Expr *named_argument(const Expr *call, const char *name);
int check_arguments(Question *question, const Expr *call, const char *function, int least, int most, const char *const *names);
const Expr *positional(const Expr *call, int index);
int count_positional(const Expr *call);

/* The prompt's functions, for completion and help. */
#define FUNCTIONS \
    FUNCTION("pid",     pid_call,     "pid(xor | [[[…]]] | \"FILE\" | NAME)",    "partial information decomposition; gates: xor and or copy unq; of a run or its probes.jsonl its probes") \
    FUNCTION("replay",  replay_call,  "replay(\"RUN or probes.jsonl\", POLICY)", "what POLICY would have decided at the logged probes") \
    FUNCTION("compare", compare_call, "compare(\"RUN\", POLICY, POLICY, …)",     "several policies beside each other on one log") \
    FUNCTION("train",   train_call,   "train([POLICY] [, epochs = N])",          "train the loaded experiment on, under POLICY") \
    FUNCTION("step",    step_call,    "step([N])",                               "N batches (1)") \
    FUNCTION("probe",   probe_call,   "probe()",                                 "measure now; no policy hears of it") \
    FUNCTION("save",    save_call,    "save(NAME | \"FILE\")",                   "keep the state reached, here or in a file") \
    FUNCTION("restore", restore_call, "restore(NAME | \"FILE\")",                "go back to it; `start` is the untrained one")

#define FUNCTION(name, function, form, help) Answer function(Question *question, const Expr *call);
FUNCTIONS
#undef FUNCTION

/* Errors at a place of what was typed. */
Answer wrong(Question *question, const Expr *at, const char *format, ...) __attribute__((format(printf, 3, 4)));
Answer failed_with(const char *what);        /* prints mml_message() behind what ("" for none) */

#endif
