/* The result of a run: summary.json, and the same for people. */
#ifndef TRAIN_SUMMARY_H
#define TRAIN_SUMMARY_H

#include "train/run.h"

typedef struct {
    const MmlStageSettings *stage;        /* whose evaluation it is              */
    MmlMetrics splits[MML_SPLITS];        /* of those that were asked for        */
    i64       *confusion;                 /* [K, K] test, by label and prediction; NULL: none */
} MmlSummary;

/* The last stage that trained; else the last joint one, else the last. */
const MmlStageSettings *mml_last_stage(const MmlRun *run);

/* Evaluates the present weights on test, and with validation = 1 there too. */
Status mml_summary_make(MmlRun *run, int validation, MmlSummary *out);

/* The JSON of a trained run (commandline.md). */
void mml_summary_json(const MmlRun *run, const MmlSummary *summary, MmlJson *json);
void mml_summary_print(MmlRun *run, const MmlSummary *summary);

/* The same of an --eval: {"accuracy", "head", "splits", "confusion", "per_class"}. */
void mml_summary_eval_json(const MmlRun *run, const MmlSummary *summary, MmlJson *json);
void mml_summary_eval_print(MmlRun *run, const MmlSummary *summary);

#endif
