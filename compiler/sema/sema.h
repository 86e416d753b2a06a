/* Shared inside sema: the state of one analysis, and what its files offer each
 * other. Order of work (analyse.c): collect definitions of the file and of
 * used modules → params → data → modalities (pipeline, encoder, head) →
 * target → fusion → train and stages (probe, policy, method) → check what was
 * defined but not used.
 */
#ifndef SEMA_SEMA_H
#define SEMA_SEMA_H

#include <stdbool.h>
#include "sema/program.h"

typedef struct {
    Arena       *arena;
    Interner    *names;
    Diagnostics *diagnostics;
    Program     *program;
    const AnalyseOptions *options;
    VECTOR(const Decl *) params, data, modalities, encoders, policies, methods;
    const Decl  *target, *fusion, *train;
    int          dropouts;        /* layers so far: each dropout has a stream of its own */
    int          comprehensions, unrolled;   /* nested now; values they have made         */
    bool         incomplete;      /* the file or a module has syntax errors, or a module is
                                     missing: an unknown encoder, policy or method may
                                     follow from that, say nothing                       */
    struct Analysis *analysis;    /* private to the declarations (declarations.h)        */
} Sema;

/* ---- Scopes (values.c) ----
 * What a name means in value position: params (looked up in the program's
 * settings), formals, locals, state, binders, modality names and the words of
 * rules. A scope is a chain; NULL's parent is the file. */
typedef struct Binding { struct Binding *next; Name name; Span span; Value *value; } Binding;

/* `classes` is program->target.classes: to be set before heads and the fusion. */

typedef enum { PLACE_SETTING, PLACE_ENCODER, PLACE_POLICY, PLACE_METHOD, PLACE_LOSS } Place;

typedef struct Scope {
    const struct Scope *parent;
    Binding    *bindings;
    Place       place;
    Shape       in;               /* PLACE_ENCODER: in.channels …                   */
    Name        event;            /* name of the handler's argument (p, e), or NULL */
    int         event_fields;     /* bit for each EventField the event offers       */
    int         event_missing;    /* bit for each EventField this probe doesn't measure */
    Span        event_use;        /* where the stage names the rule                     */
    const Stage *stage;           /* PLACE_LOSS: the stage that uses the method, as far as it is read; or NULL */
    bool        module;           /* inside a definition of a module: the experiment's
                                     params and modalities mean nothing here        */
    bool        unused;           /* a definition checked on its own: nothing that depends
                                     on its arguments or on this experiment is reported */
} Scope;

/* Types expr in value position. expected.kind TYPE_NONE: any type. An int
 * converts to real and epochs; a scalar to an each value when expected.each;
 * nothing else converts. Reports and returns a TYPE_ERROR value on error,
 * never NULL. */
Value *value_of(Sema *s, const Scope *scope, const Expr *expr, Type expected);

/* A fixed word: expr must be a bare name out of words ("before|after"); returns a WORD value. */
Value *word_of(Sema *s, const Expr *expr, const char *words, const char *what);

/* Computes a value now: constants, operations on them, and params (their -D
 * value or default), which become FIXED. False with a diagnostic when it reads
 * state, a tensor or a required param without -D (what: "the number of classes"). */
bool value_fold(Sema *s, Value *value, const char *what, Value *out);
bool value_fold_int(Sema *s, Value *value, const char *what, int64_t *out);

Value *value_integer(Sema *s, TypeKind kind, int64_t integer, Span span);
Value *value_real(Sema *s, TypeKind kind, double real, Span span);
Value *value_text(Sema *s, TypeKind kind, const char *text, Span span);

/* ---- Arguments (arguments.c) ----
 * One table row for each argument of a layer, transform, source, optimiser,
 * schedule, probe, bins, solver …: binds a call's arguments by position and by
 * name, reports unknown, repeated, missing and out-of-range ones (with the
 * nearest name and the list of valid ones). */
typedef struct {
    const char *name;
    TypeKind    type;             /* WORD: words                                    */
    int         flags;            /* ARGUMENT_*                                     */
    const char *words;            /* "all": with another type, a word may stand in
                                     its place: the value is then a WORD            */
    const char *fallback;         /* default as source text ("0.1", "true", "same"), NULL: none */
    double      low, high;        /* inclusive; both 0: any */
} ArgumentRow;
#define ARGUMENT_REQUIRED 1
#define ARGUMENT_FIXED    2       /* known at compile time: shapes                  */
#define ARGUMENT_NAMED    4       /* only by name                                   */
#define ARGUMENT_LIST     8       /* [a, b, …], or one value for all                */
#define ARGUMENT_RAW     16       /* not typed here: raw expression is given back   */

typedef struct {
    Value      *value;            /* NULL: not given and no default, or RAW         */
    VECTOR(Value *) list;         /* LIST                                           */
    const Expr *raw;              /* the expression given, NULL when defaulted      */
} Argument;

/* call: EXPR_NAME (no arguments) or EXPR_CALL. Writes out[count], in the rows' order.
 * False when something was reported. what: "conv", "the optimiser sgd". */
bool arguments_bind(Sema *s, const Scope *scope, const Expr *call, const char *what,
                    const ArgumentRow *rows, int count, Argument *out);

/* Does it stand in a library or user module, which knows nothing of the experiment that uses it? */
bool of_module(const Sema *s, Span span);

/* ---- Settings (settings.c) ---- */

/* Adds a setting and gives it slots; returns a VALUE_SETTING that reads it. A
 * --set for its path replaces value. origin NULL: made from value's span
 * ("fashion.mml:36"). The same path twice is an ICE. */
Value *setting_add(Sema *s, Setting setting);
Setting *setting_find(Sema *s, const char *path);
/* Adds every bound argument as a setting PREFIX.name; unset optional ones are left out. */
void settings_add_arguments(Sema *s, const char *prefix, const char *what, const ArgumentRow *rows, int count,
                            const Argument *arguments);

/* ---- Encoders, heads, fusion (encoders.c, layers.c, fusion.c) ---- */

/* Builds the network of an encoder expression on an input of shape in. prefix
 * ("encoder.audio") and group name and place its parameters, which are added to the
 * program. False after a report. */
bool encoder_build(Sema *s, const Expr *expr, Shape in, const char *prefix, int group, Network *out);
/* A head (feature -> classes); expr NULL: linear(classes). */
bool head_build(Sema *s, const Expr *expr, Shape in, const char *prefix, int group, Network *out);
/* The fusion: concat -> …, sum(…), and of two modalities film -> … and gated -> …. */
bool fusion_build(Sema *s, const Expr *expr, const Shape *features, int count, Network *out, FusionKind *kind);
/* Definitions that no modality uses: their names and forms are checked all the same. */
void encoder_check_definition(Sema *s, const Decl *encoder);

/* ---- Rules (policies.c, methods.c) ---- */

/* call: fastpid(tau = tau). Its arguments become settings PATH.tau. missing: bits of
 * EventFields that the stage's probe does not measure; has_probe 0: `on probe` is an error. */
Rule *policy_build(Sema *s, const Expr *call, const char *path, int has_probe, int missing);
/* call NULL: uniform(). stage: with its path and measurements. Hooks and gradient operations: one diagnostic. */
Rule *method_build(Sema *s, const Expr *call, const char *path, const Stage *stage);
void  rule_check_definition(Sema *s, const Decl *rule);

/* ---- Declarations (analyse.c, params.c, data.c, transforms.c, train.c, library.c) ---- */

Type  type_of_expr(Sema *s, const Expr *expr);         /* `epochs[modalities]`: a param's or formal's type */
const Decl *find_encoder(Sema *s, Name name);
const Decl *find_policy(Sema *s, Name name);
const Decl *find_method(Sema *s, Name name);
int   find_modality(Sema *s, Name name);               /* index, or -1 */
int   modality_count(const Sema *s);                   /* known as soon as definitions are collected */

#endif
