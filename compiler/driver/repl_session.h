/* What a prompt knows: definitions from files and typed ones, the later in place of the
 * earlier. They are kept as texts; every question parses them anew in a memory of its
 * own, so that a session of any length stays small. */
#ifndef DRIVER_REPL_SESSION_H
#define DRIVER_REPL_SESSION_H

#include "driver/options.h"
#include "ir/ir.h"
#include "jit/jit.h"
#include "mml/settings.h"

typedef struct Session Session;

Session *session_new(const Options *options);
void     session_free(Session *session);

/* ---- One question ---- */

typedef struct {
    Session     *session;
    Arena       *arena;
    Interner    *names;
    Diagnostics *diagnostics;
    VECTOR(const File *) files;       /* of the session's texts, in the order in which they are wanted */
} Question;

Question question_new(Session *session);
/* Prints the errors there are (a prompt has no use for warnings about what isn't used yet). */
void     question_end(Question *question);
int      question_failed(const Question *question);

/* ---- Definitions ---- */

/* Takes in the definitions of a file or of a typed text (name: what messages call it). All of them, or
 * none after errors (printed). added: what to tell, "policy eager" … in the question's memory, or NULL. */
int session_define(Question *question, const char *name, const char *text, size_t length, const char **added);

/* Where modules are looked for besides, and what a trained program is named after; the first call counts. */
void session_set_path(Session *session, const char *path);

/* Binds a param to a literal of the type; old ones are replaced. 0 after errors (printed). */
int session_bind(Question *question, Name name, const char *type, const char *literal);

/* All definitions as a program's text, formatted. */
const char *session_text(Question *question);
typedef void (*EachDefinition)(void *context, DeclKind kind, const char *name, const char *path);
void session_each(const Session *session, EachDefinition visit, void *context);

/* A definition of that name and kind, typed or of the library? */
int session_defines(Question *question, DeclKind kind, Name name);
/* The source of a typed or loaded one without its library; NULL: none. */
const char *session_definition_text(Question *question, const char *name);

/* The policy of the first stage of the train block that has one, or NULL. */
const Expr *session_stage_policy(Question *question);

/* Does it hold a whole experiment: modalities, a target, a train block? */
int session_has_experiment(const Session *session);
/* Everything but the policies' definitions, and those: to see what has changed. */
const char *session_experiment_text(Question *question);
const char *session_policy_text(Question *question);

/* ---- Programs ---- */

/* The loaded experiment; NULL after errors in the question's diagnostics. */
Program *session_program(Question *question);

/* A small program over these modalities (NULL: the experiment's, else x1 and x2) whose only
 * stage follows policy (NULL: none), with a param `_value` of value (NULL: none). */
typedef struct {
    const char *const *modalities;
    int         count;
    const Expr *policy, *value;
    int         all_params;       /* 1: those too that need what isn't given: to check, not to run */
} Binding;
Program *session_bound(Question *question, const Binding *binding);

/* Compiled, with its settings computed. */
typedef struct { Jit *jit; const MmlExperiment *experiment; MmlSettings settings; MmlArena *arena; } Compiled;
/* 0 after a message. optimize and steps: as for a trainer; else rules only. */
int  session_compile(Question *question, const Program *program, int for_training, Compiled *out);
void compiled_free(Compiled *compiled);
/* The machine that it is compiled for, and how: for a trainer, or rules only. */
KernelHost session_host(Question *question);
CodegenOptions session_code_options(Question *question, const Program *program, int for_training);

const Options *session_options(const Session *session);

#endif
