/* Line charts as inline SVG, for report.html.
 *
 * Colours, fonts and line widths come from the page's style sheet through
 * classes (s0, s1 … for series, axis, grid, mark), so that a chart follows the
 * reader's light or dark mode. A chart is drawn for a given width in pixels;
 * the page holds one for wide and one for narrow screens.
 */
#ifndef TRAIN_REPORT_CHART_H
#define TRAIN_REPORT_CHART_H

#include <stdio.h>

typedef struct {
    const char   *name;
    int           colour;              /* class s<colour>                                  */
    int           dashed;
    const double *values;              /* [points]; NaN: no value there, the line breaks    */
    const double *errors;              /* [points] half widths of a band, or NULL           */
} ChartSeries;

typedef struct { double at; int number; const char *text; } ChartMark;     /* a numbered vertical line; text: its tooltip */
typedef struct { double from, to; const char *name; } ChartPart;           /* a stretch of the x axis with a name         */

typedef struct {
    const char        *label;          /* what the chart shows, for readers that can't see it */
    int                percent;        /* values are shares, 0 to 1, shown in %               */
    int                points;
    const double      *at;             /* [points] x                                          */
    double             from, to;       /* range of x                                          */
    const ChartSeries *series;
    int                series_count;
    const ChartMark   *marks;
    int                mark_count;
    const ChartPart   *parts;
    int                part_count;
} Chart;

void mml_chart_lines(FILE *page, const Chart *chart, int width);

/* Names and colours of the series, as a line of HTML. */
void mml_chart_legend(FILE *page, const Chart *chart);

/* Rows of on and off over the same x axis: on[row * columns + column] lights the
 * stretch column … column + 1. */
typedef struct {
    const char        *label;
    const char *const *names;          /* [rows]                                              */
    const int         *colours;        /* [rows]                                              */
    const char        *on;
    int                rows, columns;
    const ChartPart   *parts;
    int                part_count;
} Band;

void mml_chart_band(FILE *page, const Band *band, int width);

/* Writes text with the characters that HTML means something by, and bytes that are not UTF-8, replaced. */
void mml_chart_text(FILE *page, const char *text);

#endif
