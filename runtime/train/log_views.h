/* The logs in the forms that other tools read: metrics.csv, probes.csv and a
 * TensorBoard event file. Each is a projection of the lines of metrics.jsonl
 * and probes.jsonl; on resume they are made anew from the lines that are kept.
 *
 * Steps of the event file are epochs through all stages: a line of
 * metrics.jsonl is at the epoch it ends, a probe at those trained before it.
 */
#ifndef TRAIN_LOG_VIEWS_H
#define TRAIN_LOG_VIEWS_H

#include <jansson.h>
#include "mml/experiment.h"
#include "train/json.h"

enum { MML_VIEW_METRICS, MML_VIEW_PROBES, MML_VIEW_EVENTS, MML_VIEWS };

typedef struct {
    const MmlExperiment *experiment;
    const i64 *stage_epochs;               /* [stage_count], borrowed: epochs trained in each stage */
    int        descriptor[MML_VIEWS];      /* -1: not open                                          */
    char      *path[MML_VIEWS];
} MmlLogViews;

MmlLogViews mml_log_views_none(const MmlExperiment *experiment);

/* Makes the three files in folder and fills them from its metrics.jsonl and probes.jsonl. */
Status mml_log_views_start(MmlLogViews *views, const char *folder, const i64 *stage_epochs);

/* A line of the one or the other log, as the object it is. */
Status mml_log_views_metrics(MmlLogViews *views, const json_t *line);
Status mml_log_views_probe(MmlLogViews *views, const json_t *line);

void mml_log_views_close(MmlLogViews *views);

#endif
