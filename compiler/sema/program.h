/* What sema hands on: an experiment with nothing left to resolve and no error in it.
 *
 * Settings (params and properties) are values computed when the trainer
 * starts; shapes, layers and rules are decided here. Modalities are numbered
 * in file order; group M is the fusion.
 */
#ifndef SEMA_PROGRAM_H
#define SEMA_PROGRAM_H

#include "support/diag.h"
#include "syntax/ast.h"

/* ---- Types ---- */

typedef enum {
    TYPE_ERROR,            /* already reported: agrees with everything     */
    TYPE_NONE,             /* no value; as an expectation: any type        */
    TYPE_INT, TYPE_REAL, TYPE_BOOL, TYPE_STRING, TYPE_PATH, TYPE_TIME, TYPE_FREQUENCY,
    TYPE_EPOCHS, TYPE_STEPS, TYPE_BYTES, TYPE_SHARE, TYPE_FPS, TYPE_MODALITY, TYPE_WORD,
    /* in a method's loss */
    TYPE_LOGITS,           /* [batch, width]                               */
    TYPE_FEATURE,          /* [batch, width]                               */
    TYPE_PROBABILITIES,    /* [batch, width]                               */
    TYPE_SOFT,             /* [batch, width]: a sample's shares in clusters */
    TYPE_SAMPLES,          /* [batch]                                      */
    TYPE_LABEL,
    TYPE_LOSS              /* one differentiable number                    */
} TypeKind;

typedef struct { TypeKind kind; int each; int64_t width; } Type;      /* each: one value for each modality */

/* Held as a 64-bit integer (int bool epochs steps bytes modality word), a double
 * (real time[s] frequency[Hz] share fps) or a text (string path). */
typedef enum { HELD_INT, HELD_REAL, HELD_TEXT } Held;
Held        type_held(TypeKind kind);
const char *type_text(Arena *arena, Type type);               /* "real[modalities]" */

/* ---- Values: typed expressions ---- */

typedef enum {
    FN_MAX, FN_MIN, FN_ABS, FN_LOG, FN_LOG2, FN_EXP, FN_POW, FN_SQRT, FN_TANH, FN_CLAMP,
    FN_ARGMAX, FN_ARGMIN,       /* of an each value -> modality; ties: the first   */
    FN_SUM, FN_MEAN,            /* of an each value (max and min take one too)     */
    FN_COUNT,                   /* of an each bool (active) -> int                 */
    FN_OTHER,                   /* other(m), M = 2                                 */
    /* in losses; operands as named */
    FN_CE,                      /* logits [, samples weight]   -> loss             */
    FN_MSE, FN_KL,              /* a, b                        -> loss             */
    FN_ENTROPY,                 /* logits                      -> loss             */
    FN_CONFIDENCE,              /* logits                      -> samples          */
    FN_STOP,                    /* x -> x without gradient                         */
    FN_SOFTMAX,                 /* logits                      -> probabilities    */
    FN_SOFT,                    /* feature, temperature        -> soft; number: clustering, integer: SoftKernel */
    FN_REDUNDANCY, FN_SYNERGY,  /* soft, soft                  -> loss, bits       */
    FN_UNIQUE                   /* the same; number: of the first or the second    */
} Function;

typedef enum {
    PROBE_REDUNDANCY, PROBE_UNIQUE, PROBE_SYNERGY, PROBE_SYNERGY_PLUGIN, PROBE_SYNERGY_ERROR,
    PROBE_MUTUAL, PROBE_TOTAL, PROBE_ENTROPY, PROBE_GAP, PROBE_EPOCH,
    EPOCH_INDEX, EPOCH_LOSS, EPOCH_ACCURACY, EPOCH_VALIDATION
} EventField;

typedef enum {
    VALUE_INTEGER,       /* integer: int, bool, epochs, modality, word …            */
    VALUE_REAL,          /* real                                                    */
    VALUE_TEXT,          /* text                                                    */
    VALUE_SETTING,       /* number: first slot (each: M of them)                    */
    VALUE_LOCAL,         /* number: a local of the handler                          */
    VALUE_STATE,         /* number: first word of state                             */
    VALUE_FIELD,         /* field of the handler's probe or epoch                   */
    VALUE_ACTIVE,        /* each bool                                               */
    VALUE_TRAINED,       /* each int                                                */
    VALUE_EACH,          /* operands[M]: one value for each modality                */
    VALUE_AT,            /* operands: an each value, a modality or int index        */
    VALUE_CONVERT,       /* operand held as integer -> real                         */
    VALUE_JOIN,          /* operands in order, as one text (interpolation)          */
    VALUE_UNARY,         /* op, operand                                             */
    VALUE_BINARY,        /* op, two operands of the same held form; and/or are lazy */
    VALUE_IF,            /* condition, then, else                                   */
    VALUE_CALL,          /* function, operands                                      */
    /* tensors of a loss */
    VALUE_JOINT,         /* fused logits                                            */
    VALUE_HEAD,          /* number: modality                                        */
    VALUE_SPLIT,         /* number: modality                                        */
    VALUE_FEATURE,       /* number: modality                                        */
    VALUE_LABEL
} ValueKind;

typedef struct Value Value;
struct Value {
    ValueKind  kind;
    Type       type;
    Span       span;
    Op         op;
    Function   function;
    EventField field;
    int64_t    integer;
    double     real;
    const char *text;
    int        number;
    int        count;           /* operands */
    Value    **operands;
};

/* ---- Rules ---- */

typedef enum { ACT_ONLY, ACT_ALL, ACT_PAUSE, ACT_RESUME, ACT_FINISH, ACT_SAY, ACT_FAIL } Action;

typedef enum {
    DO_LOCAL,            /* local number = value (each: M words)                    */
    DO_STATE,            /* state word number [+ index] = value                     */
    DO_IF,               /* value, body, otherwise                                  */
    DO_ACTION            /* action with operands                                    */
} DoKind;

typedef struct Do Do;
struct Do {
    Do       *next;
    DoKind    kind;
    Span      span;
    Action    action;
    int       number;
    Value    *index;            /* of an each state, or NULL */
    Value    *value;
    Value   **operands; int count;
    Do       *body, *otherwise;
};

typedef struct { Do *body; int locals; int present; } Handler;

typedef struct { Name name; Type type; int slot; Span span; } State;

/* A policy or a method bound to one stage. `for m in modalities` is unrolled. */
typedef struct {
    Name        name;
    const char *path;             /* "train.unimodal.policy"                        */
    Span        span;             /* of its definition                              */
    VECTOR(State) states;
    int         state_words;
    Handler     start, on_probe, on_epoch, on_end_epoch;
    Value      *loss, *predict;   /* methods; predict may be NULL                   */
    Value      *training_loss;    /* the loss and `regularize`                      */
} Rule;

/* ---- Settings ---- */

#define SETTING_PARAM    1        /* as in mml/experiment.h */
#define SETTING_FIXED    2
#define SETTING_REQUIRED 4
#define SETTING_LIST     8

typedef struct {
    const char *path;
    Type        type;
    int         slot;             /* LIST: a count, then that many                  */
    int         flags;
    Value      *value;            /* NULL: required; LIST: see list                 */
    VECTOR(Value *) list;
    const char *words;            /* WORD: "before|after"                           */
    const char *origin;
    const char *doc;
    double      low, high;        /* -HUGE_VAL … HUGE_VAL: free                     */
    Span        span;
} Setting;

/* ---- Shapes and layers ---- */

typedef struct { int rank; int64_t size[5]; } Shape;            /* of one sample; -1: unknown till run time */
int64_t     shape_count(Shape shape);                           /* product                     */
const char *shape_text(Arena *arena, Shape shape);              /* "[1, 28, 28]"               */

typedef enum {
#define LAYER(kind, name) LAYER_##kind,
#include "sema/layers.def"
#undef LAYER
    LAYER_KINDS
} LayerKind;

typedef union { int64_t i; double r; } Attribute;

typedef struct {
    LayerKind   kind;
    VECTOR(int) inputs;           /* >= 0: an earlier layer; -1 - i: input i of the network */
    int64_t     frames;           /* of a sample that it runs on: 1 outside of `each` */
    Shape       shape;            /* of the result, of one frame                 */
    Attribute   attr[20];         /* exactly those of the kernel in mml/abi.def; concat: count, sizes */
    int         parameters[4];    /* indices into the program's, in the kernel's order; -1: none */
    int         statistics[2];    /* running mean, running variance; -1: none    */
    const char *name;             /* path below the network: "0.layer1.0.conv1"  */
    int64_t     flops;            /* of one sample, forward                      */
    Span        span;
} Layer;

/* Layers in order of computation; the last is the result. An empty network is the identity of input 0. */
typedef struct { VECTOR(Layer) layers; int input_count; Shape inputs[16]; Shape output; int group; } Network;

typedef enum { PARAM_CONV, PARAM_LINEAR, PARAM_NORM, PARAM_BIAS, PARAM_WEIGHT } ParameterKind;            /* MmlParameterKind */
typedef enum { INIT_ZERO, INIT_ONE, INIT_KAIMING_OUT, INIT_KAIMING_IN, INIT_XAVIER, INIT_CONSTANT } Init; /* MmlInit */

typedef struct {
    const char   *name;           /* full: "encoder.audio.0.conv1.weight"        */
    int           group;
    ParameterKind kind;
    Shape         shape;
    int64_t       count, offset;  /* offset in floats, a multiple of 16          */
    Init          init;
    int64_t       fan_in, fan_out;
    double        init_value;
} Parameter;

typedef struct { const char *name; int group; int64_t count, offset; double start; } Statistic;

/* ---- Data ---- */

typedef struct {
    Name        name;
    const char *kind, *path, *where;
    VECTOR(int) file_slots;
    VECTOR(const char *) fields;
} DataSource;

typedef struct { const char *name, *path, *where; Shape in, out; } TransformStep;

typedef struct {
    Name        name;
    Span        span;
    const char *type_text;        /* "image[3, 28, 28]"                          */
    Shape       shape;
    int         source;           /* index                                       */
    const char *field;
    VECTOR(TransformStep) steps;
    Network     encoder, head;    /* head: feature -> logits                     */
    int64_t     width;            /* of the feature                              */
    Span        field_span;
    const char *doc;
} Modality;

typedef enum { FUSION_OTHER, FUSION_CONCAT_LINEAR, FUSION_SUM_LINEAR } FusionKind;

/* ---- Clusters of soft assignments ---- */

typedef enum { SOFT_SOFTMAX, SOFT_STUDENT } SoftKernel;        /* of mml/abi.def */

/* Clusters of one modality's features, fitted while a stage runs (MmlClustering). */
typedef struct {
    const char *name;             /* "joint.gray", "joint.gray.2"                */
    const char *stage;            /* path                                        */
    int         modality, probe;  /* probe 1: those of the stage's probe         */
    int64_t     bins, components, normalize, restarts;
    int64_t     every, samples;   /* without a probe; -1: all samples            */
    int64_t     floats, offset;   /* in the block of all clusters                */
} Clustering;

/* ---- The schedule ---- */

typedef enum { STAGE_UNIMODAL, STAGE_JOINT } StageKind;
typedef enum { MEASURE_PID, MEASURE_MUTUAL_INFORMATION } Measure;
typedef struct { const char *path; Measure measure; } Measurement;

typedef struct {
    Name        name;
    const char *path;
    StageKind   kind;
    Span        span;
    Rule       *policy, *method;          /* method: joint stages always have one */
    int         has_probe;
    VECTOR(Measurement) measurements;
} Stage;

typedef struct Program {
    const char   *name, *file;            /* "fashion", "fashion.mml" */
    const Source *source;
    VECTOR(Setting) settings;             /* params first, then in order of dependence */
    int           slot_count;
    VECTOR(const char *) unset;           /* paths of what has neither a value nor a default: data.d.holdout, train.joint.load */
    VECTOR(DataSource) sources;
    VECTOR(Modality)   modalities;
    struct { Name name; int64_t classes; int source; const char *field, *where; } target;
    Network       fusion;                 /* inputs: the features; output: logits */
    FusionKind    fusion_kind;
    int           has_fusion;
    VECTOR(Parameter) parameters;
    int64_t       parameter_floats;
    VECTOR(Statistic) statistics;
    int64_t       statistic_floats;
    VECTOR(Clustering) clusterings;
    int64_t       cluster_floats;
    VECTOR(Stage) stages;
} Program;

/* The setting at this path, NULL: there is none. */
const Setting *program_setting(const Program *program, const char *path);
/* The integer that a setting (or NULL) has unless the run sets another; -1: not known. */
int64_t program_integer(const Program *program, const Setting *setting);

typedef struct { const char *name, *value; } Define;

typedef struct {
    const Define *defines;  int define_count;        /* -D NAME=VALUE            */
    const Define *sets;     int set_count;           /* --set PATH=EXPR          */
    const char *const *include; int include_count;   /* -I DIR                   */
} AnalyseOptions;

/* Resolves and checks file; reads used modules (the embedded library, then the
 * file's own folder, then -I). NULL when an error was reported. */
Program *analyse(Arena *arena, Interner *interner, Diagnostics *diagnostics, const File *file, const AnalyseOptions *options);

#endif
