#include "train/report_page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WIDE   620
#define NARROW 360

int mml_report_colour(int modality) {
    static const int colours[] = {0, 1, 5, 6};
    return colours[modality % (int)(sizeof colours / sizeof *colours)];
}

double *mml_report_column(int count) {
    double *values = malloc((size_t)(count > 0 ? count : 1) * sizeof *values);
    for (int i = 0; values && i < count; i++) values[i] = NAN;
    return values;
}

void mml_report_chart(FILE *page, const Chart *chart) {
    mml_chart_legend(page, chart);
    mml_chart_lines(page, chart, WIDE);
    mml_chart_lines(page, chart, NARROW);
}

void mml_report_band(FILE *page, const Band *band) {
    mml_chart_band(page, band, WIDE);
    mml_chart_band(page, band, NARROW);
}

void mml_report_heading(FILE *page, const char *text) { fprintf(page, "<h2>%s</h2>\n", text); }

void mml_report_percent(FILE *page, double share) {
    if (isfinite(share)) fprintf(page, "%.1f %%", 100 * share);
    else fputs("–", page);
}

void mml_report_cell(FILE *page, double value) {
    if (isfinite(value)) fprintf(page, "<td class=\"number\">%.3f</td>", value);
    else fputs("<td class=\"number\">–</td>", page);
}

/* ---- Head of the page ---- */

static void tile(FILE *page, double share, const char *what) {
    fputs("<div class=\"tile\"><b>", page);
    mml_report_percent(page, share);
    fputs("</b><span>", page);
    mml_chart_text(page, what);
    fputs("</span></div>", page);
}

void mml_report_head(Report *r) {
    FILE *page = r->page;
    const json_t *run = r->run.run, *summary = r->run.summary;
    fputs("<h1>", page);
    mml_chart_text(page, mml_report_string(run, "experiment"));
    fputs("</h1>\n<p class=\"quiet\">", page);
    mml_chart_text(page, mml_report_string(run, "file"));
    fprintf(page, ", seed %.0f, started ", mml_json_number(run, "seed", NULL));
    mml_chart_text(page, mml_report_string(run, "started"));
    fprintf(page, ", %.0f threads; ", mml_json_number(run, "threads", NULL));
    mml_chart_text(page, mml_report_string(json_object_get(run, "data"), "description"));
    fputs("</p>\n<div class=\"tiles\">", page);
    tile(page, mml_json_number(summary, "accuracy", NULL), "fused, test, after the last epoch");
    for (int m = 0; m < r->run.modalities; m++) {
        char what[160];
        snprintf(what, sizeof what, "%.100s by its own head", r->run.names[m]);
        tile(page, mml_json_number(summary, "head", r->run.names[m]), what);
    }
    fputs("</div>\n", page);
    const json_t *best = json_object_get(summary, "best");
    if (isfinite(mml_json_number(best, "accuracy", NULL))) {
        fputs("<p class=\"quiet\">Best fused accuracy ", page);
        mml_report_percent(page, mml_json_number(best, "accuracy", NULL));
        fprintf(page, " on the %s split, epoch %.0f of stage ", mml_report_string(best, "split"), mml_json_number(best, "epoch", NULL));
        mml_chart_text(page, mml_report_string(best, "stage"));
        fputs(". A maximum over epochs flatters; the tiles are of the last epoch.</p>\n", page);
    }
}
