/* metrics.jsonl and probes.jsonl: one JSON object a line, flushed line by line.
 * Equal runs write equal lines but for "seconds". NaN is null. */
#ifndef TRAIN_LOG_H
#define TRAIN_LOG_H

#include "train/json.h"
#include "train/log_views.h"
#include "train/rule_actions.h"
#include "train/stage_settings.h"
#include "train/tally.h"

typedef struct {
    const MmlExperiment *experiment;
    char   *metrics_path, *probes_path;
    int     metrics, probes;              /* descriptors; -1: nothing is written */
    MmlJson line;
    MmlLogViews views;                    /* the same as CSV and events      */
} MmlLog;

/* A log that writes nothing; close and the calls below are harmless. */
MmlLog mml_log_none(const MmlExperiment *experiment);

/* Opens both in folder, cut back to so many lines. stage_epochs: [stage_count], borrowed while the log is open. */
Status mml_log_start(MmlLog *log, const char *folder, i64 metrics_lines, i64 probes_lines, const i64 *stage_epochs);
Status mml_log_flush(MmlLog *log);                 /* forces both to disk */
void   mml_log_close(MmlLog *log);

/* One line of metrics.jsonl. rates: [groups]; "lr" is a number where all active groups share it, else by group. */
Status mml_log_metrics(MmlLog *log, const MmlStage *stage, i64 epoch, MmlSplit split, const MmlMetrics *metrics,
                       const double *rates, const i64 *active);

typedef struct {
    const MmlStage           *stage;
    const MmlMeasureSettings *settings;
    const MmlProbeResult     *result;
    i64                       epoch;
    const i64                *active;     /* [M] after the decision           */
    const MmlRuleLog         *decision;   /* NULL: no policy looked at it      */
    double                    seconds;
} MmlProbeLine;

/* One line of probes.jsonl. */
Status mml_log_probe(MmlLog *log, const MmlProbeLine *line);

/* Sum of a key ("seconds") over a log's lines; 0 when it can't be read. */
double mml_log_seconds(const char *folder, const char *name, const char *key);

#endif
