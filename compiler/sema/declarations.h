/* Private to the declarations: what analyse.c, definitions.c, params.c, data.c,
 * transforms.c, pipeline.c, train.c and their companions offer each other.
 *
 * Each reader takes tree nodes that may be incomplete after a syntax error: a
 * NULL or EXPR_ERROR is passed over without a word.
 */
#ifndef SEMA_DECLARATIONS_H
#define SEMA_DECLARATIONS_H

#include "sema/sema.h"

/* ---- Given on the command line (overrides.c) ---- */

/* One -D NAME=VALUE or --set PATH=EXPR. */
typedef struct { const char *option, *name, *text; bool used; const Expr *parsed; } Given;

/* ---- What flows through a pipeline (transforms.c) ---- */

typedef enum {
    CONTENT_ERROR,             /* already reported: fits everything                 */
    CONTENT_ARRAY,             /* of an npz file: taken as what the modality declares */
    CONTENT_LABEL,
    CONTENT_IMAGE,             /* [C, H, W]                                         */
    CONTENT_VIDEO,             /* [T, C, H, W]                                      */
    CONTENT_FLOW,              /* [C, H, W]                                         */
    CONTENT_FLOWCLIP,          /* [T, 2, H, W]                                      */
    CONTENT_SPECTROGRAM,       /* [C, F, T]                                         */
    CONTENT_VECTOR,            /* [D]                                               */
    CONTENT_TENSOR,
    CONTENT_SOUND_FILE,        /* not decoded: its rate and length are the file's   */
    CONTENT_SOUND,             /* [samples] at a known rate                         */
    CONTENT_VIDEO_FILE,        /* not decoded                                       */
    CONTENT_FRAMES,            /* a folder of pictures                              */
    CONTENT_FLOW_FRAMES,       /* a folder of flow pictures                         */
    CONTENTS
} Content;

typedef struct { Content content; Shape shape; double rate; } Flow;       /* rate: of SOUND, in hertz */

/* "an image", "a sound file". */
const char *content_article(Content content);
/* "image[3, 28, 28]", "a sound file". */
const char *flow_text(Arena *arena, Flow flow);

/* ---- Sources (data.c) ---- */

typedef struct { const char *name; Content content; Shape shape; } Field;

typedef struct SourceRow SourceRow;
typedef struct {
    const SourceRow *row;                   /* NULL after an error: any field will do       */
    VECTOR(Field)    fields;
    bool             any_field;             /* npz: what the file holds                     */
    bool             validation;            /* has a validation split                       */
    bool             used;
    Span             span;
} SourceInfo;

void data_read(Sema *s);
/* `digits.image`: the source's index and the field. False after a report. */
bool data_field(Sema *s, const Expr *expr, int *source, Field *field);

/* ---- The state of the declarations ---- */

typedef struct {
    const char *name;
    const File *file;
} Module;

typedef struct Analysis {
    const File  *file;
    bool         broken_syntax;             /* what is missing may follow from that         */
    VECTOR(Given) defines, sets;
    VECTOR(const char *) paths;             /* that --set could have named                  */
    VECTOR(Module) modules;
    VECTOR(SourceInfo) sources;             /* beside program->sources                      */
} Analysis;

extern const Scope setting_scope;           /* values of params and properties              */

/* ---- Definitions (definitions.c) ---- */

/* Fills Sema's lists from the file and the modules it uses; reports duplicates,
 * names that hide others, and what is missing. */
void definitions_collect(Sema *s);

/* ---- What nothing uses (unused.c) ---- */

/* Checks the definitions that nothing uses, and warns about params and data that
 * nothing reads. Call last. */
void definitions_check_unused(Sema *s);

/* ---- Modules and the library (modules.c, library.c) ---- */

/* Reads the module that a `use` names, and what it uses in turn. */
void module_use(Sema *s, const Decl *use);
/* Makes the library's `uniform` known while a joint stage takes its default; false
 * when the experiment has one already. */
bool definitions_lend_uniform(Sema *s);
void definitions_return_uniform(Sema *s);

/* The text of an embedded module, or NULL. names: for "did you mean" and lists. */
const Source *library_source(Arena *arena, const char *name);
int           library_names(const char *const **names);

/* ---- -D and --set (overrides.c) ---- */

void overrides_read(Sema *s);
Given *define_for(Sema *s, const char *name);
/* The --set for a path, or NULL; notes that the path exists. */
Given *override_for(Sema *s, const char *path);
/* The given text as an expression of the type: strings and paths as they stand, units
 * may be left out, audio=5,visual=100 is each(…). An EXPR_ERROR after a report. */
const Expr *given_expr(Sema *s, Given *given, Type type);
/* What stands for expr at a path: the --set's expression if there is one. */
const Expr *override_expr(Sema *s, const char *path, const Expr *expr);
const char *given_origin(Sema *s, const Given *given);
/* Reports each that named nothing. Call when all settings are there. */
void overrides_check(Sema *s);

/* ---- Params (params.c) ---- */

/* Adds every param as a setting, those it reads first. */
void params_read(Sema *s);

/* ---- Settings (settings.c) ---- */

/* setting_add for a value in which a --set is taken into account already. */
Value *setting_add_settled(Sema *s, Setting setting);
/* A VALUE_SETTING that reads it. */
Value *setting_value(Sema *s, const Setting *setting);
/* arguments_bind, then --set for each PREFIX.argument. */
bool arguments_of(Sema *s, const Expr *call, const char *what, const char *prefix,
                  const ArgumentRow *rows, int count, Argument *out);
/* One value by the rules of an argument row (range, words, list). False after a report. */
bool argument_value(Sema *s, const ArgumentRow *row, const char *what, const Expr *value, Argument *out);
/* A WORD of a single word: a choice of the program's text, or of the --set that stands
 * for it. */
void setting_add_choice(Sema *s, const char *path, const char *word, Span span, const char *origin);
/* "fashion.mml:36", "fashion.mml:23:12": the file by its last name. NULL without a source. */
const char *place_line(Sema *s, Span span);
const char *place_column(Sema *s, Span span);

/* ---- Choices: optimisers, schedules, bins, solvers, tapers (choices.c) ---- */

typedef struct { const char *name; const ArgumentRow *rows; int count; } Choice;

/* expr (or, when NULL, fallback as source text) must be one of the choices: adds PATH
 * (the word) and PATH.argument for each argument that isn't RAW. out has room for the
 * choice's rows and may be NULL. what: "optimizer". NULL after a report. */
const Choice *choice_add(Sema *s, const Expr *expr, const char *fallback, const char *path, const char *what,
                         const Choice *choices, int count, Argument *out);
/* Settings TO, TO.x that read FROM, FROM.x. */
void choice_inherit(Sema *s, const char *from, const char *to);

void optimizer_add(Sema *s, const Expr *expr, const char *path);
void schedule_add(Sema *s, const Expr *expr, const char *path);

/* ---- Modalities and the target (pipeline.c, modalities.c, target.c) ---- */

/* `image[3, 28, 28]`. False after a report. */
bool modality_type(Sema *s, const Expr *expr, Flow *out);
void modalities_read(Sema *s);
void target_read(Sema *s);
/* Fills source, field and steps of a modality from its input; declared.content is
 * CONTENT_ERROR when the type was wrong. False after a report. */
bool pipeline_read(Sema *s, const Expr *input, Flow declared, const Expr *type, Modality *modality);

/* ---- Properties (properties.c) ---- */

/* Reports unknown and repeated properties of a block; valid: names of the valid ones. False when
 * one is unknown: what the block lacks may be that one, misspelt. */
bool properties_check(Sema *s, const Property *properties, const char *block, const char *const *valid, int count);
/* The value of the first property of that name (EXPR_ERROR where it could not be read), or NULL. */
const Expr *property_find(Sema *s, const Property *properties, const char *name);
/* The same, or the expression of a --set for PREFIX.NAME. */
const Expr *property_of(Sema *s, const Property *properties, const char *prefix, const char *name);

/* ---- The schedule (train.c, stages.c, measurements.c) ---- */

/* A train block or one of its stages while it is read. */
typedef struct {
    Sema       *s;
    const Decl *decl;
    const char *path;             /* "train", "train.joint"                         */
    int         place;            /* IN_*                                           */
    int         missing;          /* EventFields that the policy's probe lacks      */
    Stage       stage;
} Block;

/* Where a property may stand. */
#define IN_TRAIN    1
#define IN_UNIMODAL 2
#define IN_JOINT    4
#define IN_STAGE    (IN_UNIMODAL | IN_JOINT)

/* Reports what doesn't belong into the block, then adds the settings of every
 * property that has its place there, given or not, in the table's order. */
void block_read(Block *block);
/* Is name a property of the train block? A stage can't be called so. */
bool is_train_property(const char *name);

void train_read(Sema *s);
/* Adds the settings of a probe or a watched measurement. missing: bits of the fields
 * that it doesn't measure. False after a report. */
bool measurement_read(Sema *s, const Expr *expr, const char *path, Measurement *out, int *missing);

/* ---- Small ones (exprs.c) ---- */

Expr *expr_new(Sema *s, ExprKind kind, Span span);
/* NAME(name = value): a call made to bind one argument. */
Expr *expr_call_with(Sema *s, const char *name, const char *argument, const Expr *value);
/* Parses text that belongs to the compiler (a default). */
const Expr *expr_of_text(Sema *s, const char *text);
bool  expr_wrong(const Expr *expr);                 /* NULL or EXPR_ERROR */
Name  expr_callee(const Expr *expr);                /* NAME or NAME(…): NAME; else NULL */
Span  expr_callee_span(const Expr *expr);
/* Calls visit for every name in the tree, in no particular order. */
void  expr_names(const Expr *expr, void (*visit)(void *context, const Expr *name), void *context);
/* "`a`, `b` and `c`". */
const char *list_text(Sema *s, const char *const *names, int count, const char *last);
/* help: did you mean `x`?, or else the list of what there is. */
void help_names(Sema *s, Diagnostic *to, const char *name, const char *const *names, int count, const char *intro);

#endif
