/* A stage's properties and its measurements, read once into plain structs. */
#ifndef TRAIN_STAGE_SETTINGS_H
#define TRAIN_STAGE_SETTINGS_H

#include "mml/data.h"
#include "mml/nn.h"
#include "mml/pid.h"
#include "train/schedule.h"

typedef struct {
    const char     *path, *name;         /* "train.unimodal.probe", "probe"        */
    i64             every;
    int             after;               /* when = after                            */
    int             untrained;
    MmlSplit        split;
    i64             samples;             /* -1: all                                 */
    MmlProbeOptions options;
    const char     *bins, *solver, *estimator;      /* words; NULL where there are none */
} MmlMeasureSettings;

typedef struct {
    const MmlStage     *stage;
    i64                 epochs, batch;
    u64                 seed;
    int                 continues;       /* optimiser and schedule go on            */
    int                 zero_gradient;   /* pause = zero_gradient                   */
    int                 batchnorm_moves; /* paused_batchnorm = moves                */
    const char         *optimizer_word;
    MmlOptimizer        optimizer;
    int                 decoupled;       /* adamw: decay outside the gradient       */
    double              clip;            /* largest gradient norm, 0: none          */
    MmlSchedule         schedule;
    const MmlValue     *save;            /* [save_count].i: epochs                  */
    i64                 save_count;
    const char *const  *load;            /* [M], or NULL                            */
    int                 load_whole;      /* one file for all: the fusion comes too  */
    MmlMeasureSettings *measures;        /* [stage->measurement_count]              */
} MmlStageSettings;

/* Reads every stage. out: [stage_count], in settings->arena. */
Status mml_stage_settings_read(const MmlSettings *settings, MmlStageSettings **out);

const char *mml_split_name(MmlSplit split);

#endif
