/* The sections of report.html, one function each. Every one writes to the
 * page and leaves itself out when the run has nothing for it. */
#ifndef TRAIN_REPORT_PAGE_H
#define TRAIN_REPORT_PAGE_H

#include <stdio.h>
#include "train/json_read.h"
#include "train/report_chart.h"
#include "train/report_run.h"

#define MML_REPORT_PARTS 64

typedef struct {
    FILE        *page;
    MmlReportRun run;
    ChartPart    parts[MML_REPORT_PARTS];       /* the stages along the epochs */
    int          part_count;
} Report;

void mml_report_head(Report *r);         /* name, data, accuracy after the last epoch           */
void mml_report_accuracy(Report *r);     /* a chart a split                                     */
void mml_report_active(Report *r);       /* which modalities were trained when                  */
void mml_report_probes(Report *r);       /* the atoms, the decisions, what the policy saw       */
void mml_report_confusion(Report *r);
void mml_report_times(Report *r);
void mml_report_settings(Report *r);     /* with provenance; the program's text                 */

/* ---- What they share ---- */

/* Colour of a modality is its place; what belongs to all of them has its own. */
enum { MML_COLOUR_REDUNDANCY = 2, MML_COLOUR_FUSED = 3, MML_COLOUR_SYNERGY = 4, MML_COLOUR_OTHER = 7 };
int mml_report_colour(int modality);

void mml_report_heading(FILE *page, const char *text);
void mml_report_percent(FILE *page, double share);               /* a dash for NaN                */
void mml_report_cell(FILE *page, double value);                  /* a table's number, the same    */
void mml_report_chart(FILE *page, const Chart *chart);           /* legend, wide and narrow chart */
void mml_report_band(FILE *page, const Band *band);
double *mml_report_column(int count);                            /* malloc'd, all NaN             */

#endif
