/* What a person watches: plan, epochs, probes, decisions, a progress bar on a terminal. */
#ifndef TRAIN_SCREEN_H
#define TRAIN_SCREEN_H

#include <stdio.h>
#include "train/log.h"

typedef struct {
    const MmlExperiment *experiment;
    FILE       *out;                  /* NULL: nothing is shown                     */
    int         terminal;             /* 1: a progress bar                          */
    const char *stage;                /* of the bar                                 */
    i64         epoch, epochs, count, first;
    double      begun, shown;         /* times: of the first sample, of the last drawing */
} MmlScreen;

MmlScreen mml_screen_new(const MmlExperiment *experiment, int quiet, int json);

/* One line of text. */
void mml_screen_line(MmlScreen *screen, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* metrics: [MML_SPLITS]; samples 0 where there is no such split. */
void mml_screen_epoch(MmlScreen *screen, const MmlStage *stage, i64 epoch, i64 epochs, const MmlMetrics *metrics, double rate);
void mml_screen_probe(MmlScreen *screen, const MmlProbeLine *probe, i64 epochs);
/* What a rule did and said; nothing when it did nothing. */
void mml_screen_decision(MmlScreen *screen, const MmlStage *stage, i64 epoch, const MmlRule *rule, const MmlRuleLog *log);

/* "84.6 %", or "–" for NaN. */
const char *mml_percent(double share, char text[16]);

void mml_screen_progress_begin(MmlScreen *screen, const char *stage, i64 epoch, i64 epochs, i64 count, i64 done);
void mml_screen_progress(MmlScreen *screen, i64 done);
void mml_screen_progress_end(MmlScreen *screen);

#endif
