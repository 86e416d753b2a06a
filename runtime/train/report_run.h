/* A run's files, read back for a report. */
#ifndef TRAIN_REPORT_RUN_H
#define TRAIN_REPORT_RUN_H

#include <jansson.h>
#include "mml/base.h"

#define MML_REPORT_MODALITIES 16

/* Epochs count through all stages: after how many of the run's epochs a value was seen. */
typedef struct {
    json_t     *run, *summary;          /* run.json, summary.json                             */
    json_t     *metrics, *probes;       /* arrays of their lines' objects                     */
    const char *names[MML_REPORT_MODALITIES];
    int         modalities;
    int         epochs;                 /* of all stages                                      */
} MmlReportRun;

Status mml_report_run_read(const char *folder, MmlReportRun *out);
void   mml_report_run_free(MmlReportRun *run);

/* Epochs trained before this stage; -1 for a name that is no stage's. */
int mml_report_stage_start(const MmlReportRun *run, const char *stage);

const char *mml_report_string(const json_t *object, const char *key);      /* "" when it isn't there */

#endif
