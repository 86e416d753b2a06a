#include "train/sweep_map.h"

#include "train/report_chart.h"
#include "train/report_style.h"

#include <math.h>

/* ---- Heat maps ---- */

#define SIDE   64.0
#define HEIGHT 34.0
#define LEFT   64.0
#define TOP    40.0
#define WEAK   0.06        /* opacity of the least value and of the largest: letters stay readable on it in light and dark */
#define STRONG 0.60

static const MmlAxis *rows_of(const MmlSweepTable *t) { return &t->grid->axes[t->rows]; }
static const MmlAxis *columns_of(const MmlSweepTable *t) { return &t->grid->axes[t->columns]; }

static void value_range(const MmlSweepTable *t, i64 quantity, double *low, double *high) {
    *low = INFINITY;
    *high = -INFINITY;
    for (i64 g = 0; g < t->group_count; g++) {
        double value = mml_sweep_value(&t->groups[g], quantity);
        if (!isfinite(value)) continue;
        *low = fmin(*low, value);
        *high = fmax(*high, value);
    }
}

static void label(FILE *out, double x, double y, const char *where, const char *text) {
    fprintf(out, "<text class=\"axis%s\" x=\"%.1f\" y=\"%.1f\">", where, x, y);
    mml_chart_text(out, text);
    fputs("</text>", out);
}

static void draw_cell(FILE *out, double x, double y, double value, double share, int percent) {
    if (isfinite(value))
        fprintf(out, "<rect class=\"s%d heat\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill-opacity=\"%.3f\"/>", percent ? 0 : 4, x + 1, y + 1,
                SIDE - 2, HEIGHT - 2, WEAK + (STRONG - WEAK) * share);
    fprintf(out, "<text class=\"heat middle\" x=\"%.1f\" y=\"%.1f\">", x + SIDE / 2, y + HEIGHT / 2 + 4);
    if (!isfinite(value)) fputs("–", out);
    else if (percent) fprintf(out, "%.1f", 100 * value);
    else fprintf(out, "%.3f", value);
    fputs("</text>", out);
}

void mml_sweep_map(FILE *out, const MmlSweepTable *t, i64 quantity, int alone) {
    const MmlAxis *rows = rows_of(t), *columns = columns_of(t);
    double low, high, width = LEFT + SIDE * (double)columns->count + 8, height = TOP + HEIGHT * (double)rows->count + 8;
    char text[96];
    value_range(t, quantity, &low, &high);
    fprintf(out, "<svg%s class=\"map\" viewBox=\"0 0 %.0f %.0f\" style=\"max-width:%.0fpx\" role=\"img\" aria-label=\"",
            alone ? " xmlns=\"http://www.w3.org/2000/svg\"" : "", width, height, width);
    mml_chart_text(out, quantity < 0 ? "accuracy" : mml_start_name(t->grid->experiment, quantity, text));
    fputs(" over the grid\">", out);
    if (alone) fprintf(out, "<style>%stext{font-family:sans-serif}svg{background:var(--ground)}</style>", report_style);
    fputs("<text class=\"axis\" x=\"4\" y=\"14\">", out);
    mml_chart_text(out, rows->name);
    fputs(" ↓, ", out);
    mml_chart_text(out, columns->name);
    fputs(" →</text>", out);
    for (i64 j = 0; j < columns->count; j++) label(out, LEFT + SIDE * ((double)j + 0.5), TOP - 6, " middle", columns->values[j]);
    for (i64 i = 0; i < rows->count; i++) {
        double y = TOP + HEIGHT * (double)i;
        label(out, LEFT - 8, y + HEIGHT / 2 + 4, " end", rows->values[i]);
        for (i64 j = 0; j < columns->count; j++) {
            double value = mml_sweep_value(mml_sweep_at(t, i, j), quantity);
            draw_cell(out, LEFT + SIDE * (double)j, y, value, high > low ? (value - low) / (high - low) : 0, quantity < 0);
        }
    }
    fputs("</svg>\n", out);
}

void mml_sweep_plane_html(FILE *page, const MmlSweepTable *t) {
    if (t->rows < 0) return;
    fputs("<h2>Over the grid</h2>\n<div class=\"pair\"><div><p class=\"quiet\">Accuracy in %: rows are ", page);
    mml_chart_text(page, rows_of(t)->name);
    fputs(", columns ", page);
    mml_chart_text(page, columns_of(t)->name);
    fputs("</p>\n", page);
    mml_sweep_map(page, t, -1, 0);
    fputs("</div>\n", page);
    for (i64 q = 0; t->starts && q < mml_start_count(t->grid->experiment); q++) {
        char text[96];
        fputs("<div><p class=\"quiet\">", page);
        mml_chart_text(page, mml_start_name(t->grid->experiment, q, text));
        fputs(q + 1 < mml_start_count(t->grid->experiment) ? " of the start, in bits</p>\n" : " of the start</p>\n", page);
        mml_sweep_map(page, t, q, 0);
        fputs("</div>\n", page);
    }
    fputs("</div>\n", page);
}

/* ---- Starts and ends ---- */

#define PLOT_WIDTH  360.0
#define PLOT_HEIGHT 240.0

/* A dot a setting: a quantity of the start across, accuracy upwards. */
static void scatter(FILE *out, const MmlSweepTable *t, i64 quantity) {
    double low, high, worst, best;
    char text[96];
    value_range(t, quantity, &low, &high);
    value_range(t, -1, &worst, &best);
    if (!(high > low) || !(best > worst)) return;
    double left = 52, right = PLOT_WIDTH - 12, top = 12, bottom = PLOT_HEIGHT - 36;
    fprintf(out, "<svg class=\"map\" viewBox=\"0 0 %.0f %.0f\" style=\"max-width:%.0fpx\" role=\"img\" aria-label=\"accuracy against ", PLOT_WIDTH, PLOT_HEIGHT, PLOT_WIDTH);
    mml_chart_text(out, mml_start_name(t->grid->experiment, quantity, text));
    fputs(" of the start\">", out);
    for (int i = 0; i <= 4; i++) {
        double share = i / 4.0, y = bottom - share * (bottom - top - 8), x = left + 8 + share * (right - left - 16);
        fprintf(out, "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/><text class=\"axis end\" x=\"%.1f\" y=\"%.1f\">%.1f</text>"
                "<text class=\"axis middle\" x=\"%.1f\" y=\"%.1f\">%.3g</text>", left, right, y, y, left - 6, y + 4, 100 * (worst + share * (best - worst)), x,
                bottom + 16, low + share * (high - low));
    }
    label(out, right, bottom + 31, " end", mml_start_name(t->grid->experiment, quantity, text));
    for (i64 g = 0; g < t->group_count; g++) {
        double x = mml_sweep_value(&t->groups[g], quantity), y = mml_sweep_value(&t->groups[g], -1);
        if (!isfinite(x) || !isfinite(y)) continue;
        fprintf(out, "<circle class=\"dot s0\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"><title>", left + 8 + (x - low) / (high - low) * (right - left - 16),
                bottom - (y - worst) / (best - worst) * (bottom - top - 8));
        mml_chart_text(out, t->groups[g].name);
        fputs("</title></circle>", out);
    }
    fputs("</svg>\n", out);
}

void mml_sweep_starts_html(FILE *page, const MmlSweepTable *t) {
    const MmlExperiment *experiment = t->grid->experiment;
    i64 quantities = mml_start_count(experiment);
    char text[96];
    if (t->starts < 3) return;
    fprintf(page, "<h2>Start and end</h2>\n<p class=\"quiet\">Spearman's rank correlation between the decomposition at the start of %s and the final accuracy, over %lld "
            "settings. p: the share of %d random pairings with a correlation as far from 0. Imbalance: |log2| of the ratio of the unique informations, %g bit added to each.</p>\n"
            "<div class=\"scroll\"><table><tr><th>of the start</th><th class=\"number\">correlation</th><th class=\"number\">p</th></tr>\n", experiment->stages[1].name,
            (long long)t->starts, MML_RANK_PERMUTATIONS, MML_IMBALANCE_FLOOR);
    for (i64 q = 0; q < quantities; q++) {
        fputs("<tr><td>", page);
        mml_chart_text(page, mml_start_name(experiment, q, text));
        if (isnan(t->ranks[q].rho)) fputs("</td><td class=\"number\">–</td><td class=\"number\">–</td></tr>\n", page);
        else fprintf(page, "</td><td class=\"number\">%+.3f</td><td class=\"number\">%.2g</td></tr>\n", t->ranks[q].rho, t->ranks[q].p);
    }
    fputs("</table></div>\n<p class=\"quiet\">Accuracy in % against the start, a dot a setting.</p>\n<div class=\"pair\">", page);
    for (i64 q = mml_start_synergy(experiment); q < quantities; q++) {
        fputs("<div>", page);
        scatter(page, t, q);
        fputs("</div>\n", page);
    }
    fputs("</div>\n", page);
}
