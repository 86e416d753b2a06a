/* The ABI between a compiled experiment and the runtime.
 *
 * mmlc emits one constant MmlExperiment and the functions it points to; the
 * trainer's main is `return mml_main(argc, argv, &experiment)`. Every field of
 * every struct here is 8 bytes wide (i64, double or pointer), so that the code
 * generator lays them out as plain arrays of words. Change MML_ABI_VERSION
 * with any change of layout or meaning.
 *
 * Modalities are numbered by their order in the file, 0 … M-1. Arrays "of
 * groups" have M + 1 entries: one for each modality (its encoder and its
 * head), then one for the fusion.
 */
#ifndef MML_EXPERIMENT_H
#define MML_EXPERIMENT_H

#include "mml/base.h"

#define MML_ABI_VERSION     4
#define MML_MAX_MODALITIES 16
#define MML_MAX_RANK        5

/* ---- Settings: params and properties ---- */

typedef union MmlValue { i64 i; double r; const char *s; } MmlValue;

typedef enum {            /* stored in MmlValue as                     */
    MML_INT,              /* i                                         */
    MML_REAL,             /* r                                         */
    MML_BOOL,             /* i: 0 or 1                                 */
    MML_STRING,           /* s                                         */
    MML_PATH,             /* s                                         */
    MML_TIME,             /* r, seconds                                */
    MML_FREQUENCY,        /* r, hertz                                  */
    MML_EPOCHS,           /* i                                         */
    MML_STEPS,            /* i                                         */
    MML_BYTES,            /* i                                         */
    MML_SHARE,            /* r, 10 % is 0.1                            */
    MML_FPS,              /* r, frames a second                        */
    MML_MODALITY,         /* i, index                                  */
    MML_WORD              /* i, index into the setting's words         */
} MmlType;

#define MML_SETTING_PARAM    1   /* a `param`: --NAME VALUE                                       */
#define MML_SETTING_FIXED    2   /* decided at compile time; changing it needs mmlc               */
#define MML_SETTING_REQUIRED 4   /* no default: must be given                                     */
#define MML_SETTING_LIST     8   /* values[slot].i values follow at slot + 1 … (save = [1, 5])    */

/* One param or property. Paths:
 *   tau                              a param, by its name
 *   data.clothes  .root .limit       a source (a WORD of one word: its kind) and its arguments
 *   modality.color.input.colorize.jitter   argument of a pipeline step (a repeated step: scale, scale2 …)
 *   train.seed  train.joint.epochs   properties; a stage has every inheritable property too
 *   train.joint.optimizer  .lr       a choice (WORD, fixed) and its arguments
 *   train.unimodal.probe.every  .bins .bins.k .bins.pca …    watch: train.unimodal.watch1.every …
 *   train.unimodal.policy.tau   train.joint.method.share
 */
typedef struct {
    const char *path;
    i64         type;         /* MmlType                                             */
    i64         each;         /* 1: M consecutive slots, one for each modality       */
    i64         slot;         /* of its first value                                  */
    i64         flags;
    const char *words;        /* WORD: "before|after"; else NULL                     */
    const char *origin;       /* "fashion.mml:36", "default of stage", "train.batch" */
    const char *doc;          /* one line for --help, or NULL                        */
    double      low, high;    /* allowed range of numbers, inclusive                 */
} MmlSetting;

/* Builds texts for settings and rules; the result lives as long as the run. */
typedef struct MmlText MmlText;

/* ---- Shapes, data ---- */

typedef struct { i64 rank; i64 size[MML_MAX_RANK]; } MmlShape;     /* -1: known only from the files */

typedef struct {
    const char *name;         /* "clothes"                       */
    const char *kind;         /* "idx", "csv" … a row of the runtime's source table */
    const char *path;         /* "data.clothes"                  */
    const char *where;        /* "fashion.mml:10"                */
    i64         file_count;   /* positional file arguments (csv) */
    const i64  *file_slots;   /* their setting slots             */
    i64         field_count;
    const char *const *fields;   /* names, in the order of the files */
} MmlSource;

typedef struct {
    const char *name;         /* the transform's name in the language          */
    const char *path;         /* settings prefix, "modality.color.input.colorize" */
    const char *where;        /* "fashion.mml:23:12"                           */
    MmlShape    in, out;      /* of one sample                                 */
} MmlTransform;

typedef struct {
    const char         *name;
    const char         *type;         /* "image[3, 28, 28]", as declared       */
    MmlShape            shape;        /* of one sample                          */
    i64                 size;         /* floats in one sample                   */
    i64                 source;       /* index                                  */
    const char         *field;
    i64                 transform_count;
    const MmlTransform *transforms;
    i64                 width;        /* of its feature                         */
} MmlModality;

typedef struct {
    const char *name;         /* "kind"  */
    i64         classes;      /* K       */
    i64         source;
    const char *field;
    const char *where;
} MmlTarget;

/* ---- Parameters ---- */

typedef enum { MML_PARAM_CONV, MML_PARAM_LINEAR, MML_PARAM_NORM, MML_PARAM_BIAS, MML_PARAM_WEIGHT } MmlParameterKind;
typedef enum {
    MML_INIT_ZERO, MML_INIT_ONE,
    MML_INIT_KAIMING_OUT,     /* N(0, 2 / fan_out)                       */
    MML_INIT_KAIMING_IN,      /* N(0, 2 / fan_in)                        */
    MML_INIT_XAVIER,          /* N(0, 2 / (fan_in + fan_out))            */
    MML_INIT_CONSTANT         /* init_value                              */
} MmlInit;

/* Linear weights are [out, in]; convolutions [out, in / groups, kh, kw]. */
typedef struct {
    const char *name;         /* "encoder.gray.0.1.weight", "head.gray.weight", "fusion.0.weight" */
    i64         group;        /* modality, or M for the fusion           */
    i64         kind;
    MmlShape    shape;
    i64         count;        /* floats                                   */
    i64         offset;       /* in floats, from the start of parameters, gradients, momentum … */
    i64         init;
    i64         fan_in, fan_out;
    double      init_value;
} MmlParameter;

/* Running statistics of batch norm; not trained. Start: mean 0, variance 1. */
typedef struct {
    const char *name;         /* "….running_mean", "….running_var"       */
    i64         group;
    i64         count;
    i64         offset;       /* in floats, from the start of statistics  */
    double      start;
} MmlStatistic;

/* ---- Steps ---- */

typedef struct MmlFrame MmlFrame;

/* What one call of compiled code works on. The runtime fills it; the arena has
 * fixed_bytes + capacity * sample_bytes of the step, 64-byte aligned. */
struct MmlFrame {
    struct MmlThreads *threads;
    char              *arena;
    char             **scratch;       /* [threads] of thread_bytes each                 */
    i64                capacity;      /* batch size that offsets are computed with      */
    i64                batch;         /* samples here, 1 … capacity                     */
    float             *parameters, *gradients, *statistics;
    const float *const *inputs;       /* [M] -> [batch, size]                           */
    const i64         *labels;        /* [batch], 0 … K-1                               */
    const i64         *samples;       /* [batch] sample numbers, for random streams     */
    const i64         *forward;       /* [groups] 1: run it                             */
    const i64         *active;        /* [groups] 1: compute its gradients              */
    const i64         *training;      /* [groups] 1: batch statistics and dropout,
                                         0: evaluation mode, always in an evaluation step */
    const MmlValue    *settings;
    const MmlValue    *state;         /* of the stage's method                           */
    float             *clusters;      /* [cluster_floats] of soft assignments, or NULL   */
    struct MmlDecomposer *decomposer; /* solves in losses; NULL: their results are 0, for passes whose
                                         loss nobody reads                               */
    u64                seed, step;    /* step: batches trained so far, over all stages   */
    float            **features;      /* [M]     out: [batch, width] in the arena        */
    float            **logits;        /* [M + 1] out: heads, then fused; NULL if not run */
    float             *prediction;    /* out: logits that predict: fused, or the method's predict */
    double             loss;          /* out: the stage's loss, mean over the batch      */
    void             (*trace)(MmlFrame *frame, i64 node, const float *value, i64 count);  /* or NULL */
    void              *trace_context;
};

/* A forward pass, and for training the reverse sweep too: gradients of reached
 * parameters of active groups are set, all others left alone. Allocates
 * nothing. */
typedef struct {
    const char        *name;          /* "train.joint", "train.joint evaluation"        */
    i64                fixed_bytes, sample_bytes, thread_bytes;
    void             (*run)(MmlFrame *frame);
    const i64         *reached;       /* [parameters] 1: the loss reaches it            */
    i64                node_count;
    const char *const *nodes;         /* layer names by trace's node number             */
    const i64         *reads;         /* [slot_count] 1: its code reads the slot        */
} MmlStep;

/* ---- Rules ---- */

/* One probe, as a policy sees it. Information in bits. */
typedef struct {
    i64           epoch;
    double        redundancy, synergy, synergy_plugin, synergy_error;
    double        total, entropy, gap;
    const double *unique, *mutual;    /* [M] */
} MmlProbe;

typedef struct {
    i64           index;              /* from 1 in each stage                            */
    double        loss;               /* of the train split                              */
    const double *losses;             /* [M] train loss of each head, NaN where not run  */
    const double *accuracy;           /* [M] train accuracy of each head, NaN …          */
    const double *validation;         /* [M] validation (else test) accuracy, NaN …      */
} MmlEpoch;

typedef struct MmlRuleContext {
    MmlText        *text;
    const MmlValue *settings;
    MmlValue       *state;            /* state_count words                               */
    i64             modalities;       /* M                                               */
    i64            *active;           /* [M] 0 or 1; changed only through mml_rule_*     */
    const i64      *trained;          /* [M] epochs each has been trained in this stage  */
    void           *log;              /* what the actions write to; the training loop's  */
} MmlRuleContext;

typedef struct { const char *name; i64 type; i64 each; i64 slot; } MmlState;

/* A policy or a method bound to one stage. Handlers may be NULL. */
typedef struct {
    const char     *name, *path;      /* "fastpid", "train.unimodal.policy"              */
    i64             state_count;      /* words of state                                  */
    i64             named_count;
    const MmlState *states;
    void (*start)(MmlRuleContext *context);      /* `requires`, first values, `on start` */
    void (*on_probe)(MmlRuleContext *context, const MmlProbe *probe);
    void (*on_epoch)(MmlRuleContext *context, const MmlEpoch *epoch);
    void (*on_end_epoch)(MmlRuleContext *context, const MmlEpoch *epoch);
} MmlRule;

/* ---- The schedule ---- */

typedef enum { MML_STAGE_UNIMODAL, MML_STAGE_JOINT } MmlStageKind;
typedef enum { MML_MEASURE_PID, MML_MEASURE_MUTUAL_INFORMATION } MmlMeasure;

/* The loops of `solver = adam` for one size of the table: functions of
 * runtime/pid/fastpid_kernel.h whose sizes are constants. */
typedef struct MmlFastPidCode {
    i64    bins1, bins2, planes, lanes;
    void (*sweep)(void *state, i64 first, i64 last);
    double (*project)(void *state, double *largest);
    void (*differentiate)(void *state);
} MmlFastPidCode;

typedef struct {
    const char           *path;       /* settings prefix                                 */
    i64                   measure;
    const MmlFastPidCode *code;       /* NULL: none was made, the runtime's own will do  */
} MmlMeasurement;

/* Clusters of a modality's features, which soft assignments in the stage's loss
 * refer to. They are the probe's, or fitted before every `every`-th epoch on
 * `samples` of the train split. A checkpoint keeps them as mml.clusters.NAME. */
typedef struct {
    const char *name;                 /* "joint.gray"                                    */
    i64         modality, probe;      /* probe 1: those of the stage's probe             */
    i64         bins, components, normalize, restarts;      /* of k-means; components 0: no PCA */
    i64         every, samples;       /* without a probe; samples -1: all                */
    i64         floats, offset;       /* in frame->clusters                              */
} MmlClustering;

typedef struct {
    const char           *name;       /* "unimodal"                                      */
    const char           *path;       /* "train.unimodal"                                */
    i64                   kind;
    const MmlStep        *train, *evaluate;
    const MmlRule        *policy, *method;            /* or NULL                         */
    i64                   has_probe;                  /* measurements[0] is the policy's */
    i64                   measurement_count;          /* probe, then watch               */
    const MmlMeasurement *measurements;
    i64                   clustering_count;
    const MmlClustering  *clusterings;
    const MmlStep        *reference_train, *reference_evaluate;  /* on the reference kernels alone; NULL: train, evaluate */
} MmlStage;

typedef struct {
    i64                 abi;
    const char         *name, *file, *text, *hash, *compiler, *flags;
    i64                 setting_count;
    const MmlSetting   *settings;
    i64                 slot_count;
    /* Fills every slot whose given[slot] is 0, in order of dependence. */
    void              (*evaluate)(MmlValue *values, const u8 *given, MmlText *text);
    i64                 modality_count;
    const MmlModality  *modalities;
    i64                 source_count;
    const MmlSource    *sources;
    MmlTarget           target;
    i64                 parameter_count;
    const MmlParameter *parameters;
    i64                 parameter_floats;
    i64                 statistic_count;
    const MmlStatistic *statistics;
    i64                 statistic_floats;
    i64                 stage_count;
    const MmlStage     *stages;
    i64                 has_fusion;
    i64                 cluster_floats;
    i64                 block;        /* floats in a vector of the processor that it is compiled for: 4, 8 or 16;
                                         0: any (mml/kernels.h)                          */
} MmlExperiment;

#endif
