/* One run of a trainer: everything its parts share. */
#ifndef TRAIN_RUN_H
#define TRAIN_RUN_H

#include "train/log.h"
#include "train/options.h"
#include "train/screen.h"
#include "train/state.h"

typedef struct { double data, train, probe, total, loading; } MmlSeconds;         /* loading: of train, waited for batches */

/* Where a session's training stops, counted over all stages; 0: nowhere. */
typedef struct { i64 epochs, steps; } MmlLimit;

/* How the first stage is shared with other runs (train/trajectory.h). */
typedef struct {
    const char *from;                     /* folder of the run that trains this one's, or NULL                   */
    const char *keep;                     /* [epochs + 1] 1: others want the checkpoint after that epoch; or NULL */
} MmlShare;

typedef struct MmlRun {
    const MmlExperiment *experiment;
    MmlArena         *arena;
    MmlSettings       settings;
    MmlCall           call;
    MmlThreads       *threads;
    MmlData          *data;
    MmlStageSettings *stages;             /* [stage_count]                              */
    MmlModel          model;
    MmlWork           work;
    MmlRunState       state;
    MmlRuleLog        rule_log;
    MmlLog            log;
    MmlScreen         screen;
    const char       *folder;             /* output folder, NULL when nothing is written */
    int               folder_lock;        /* descriptor that holds it, -1: none         */
    int               folder_created;     /* 1: it is new                               */
    MmlSeconds        seconds;
    MmlLimit          limit;
    const MmlShare   *share;              /* NULL: with none                            */
    const MmlValue   *policy_settings;    /* of an exchanged policy, NULL: the experiment's */
    double            epoch_seconds, epoch_load_seconds;      /* of the train pass at hand; of them waited for batches */
} MmlRun;

/* mml_main for a run that shares its first stage; share NULL: with none. */
int mml_main_sharing(int argc, char **argv, const MmlExperiment *experiment, const MmlShare *share);

/* Monotonic seconds. */
double mml_now(void);

#endif
