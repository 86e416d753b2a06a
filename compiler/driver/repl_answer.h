/* What an expression at the prompt gives, and how it is shown. */
#ifndef DRIVER_REPL_ANSWER_H
#define DRIVER_REPL_ANSWER_H

#include "driver/repl_session.h"
#include "mml/pid.h"

typedef enum {
    ANSWER_NOTHING,           /* said all there is to say, or an error was printed */
    ANSWER_SCALAR,            /* a number, a text, a modality … and one for each    */
    ANSWER_TABLE,             /* a distribution P(x1 …, y)                          */
    ANSWER_PID,               /* a decomposition                                    */
    ANSWER_RULE               /* a policy, an encoder or a method with its arguments */
} AnswerKind;

typedef struct {
    AnswerKind  kind;
    const char *type;                     /* "real", "epochs[modalities]", "policy"               */
    const char *text;                     /* SCALAR, RULE: as a person reads it                   */
    const char *literal;                  /* SCALAR: as a param's default; NULL: has no such form */
    MmlTable    table;
    MmlPid      pid;                      /* q and dual are NULL                                  */
    double      synergy_error;            /* of a probe; NaN: none                                */
    const char *names[MML_PID_SOURCES];   /* of the sources                                       */
} Answer;

/* The value and its type, or its table and picture. */
void answer_print(const Answer *result);

/* A field of a decomposition, "synergy" or "unique"[index]; 0: there is none. */
int  answer_field(const Answer *result, const char *field, int index, double *out);
extern const char *const answer_fields[];          /* NULL-terminated */

/* NAME = ANSWER for tables and decompositions; they outlive the question. */
void          binding_store(const char *name, const Answer *result);
const Answer *binding_find(const char *name);
void          binding_forget(const char *name);
typedef void (*EachBinding)(void *context, const char *name, const Answer *result);
void          binding_each(EachBinding visit, void *context);
void          bindings_free(void);

#endif
