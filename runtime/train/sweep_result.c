#include "train/sweep_result.h"

#include "train/csv.h"
#include "train/files.h"
#include "train/page.h"
#include "train/report_chart.h"
#include "train/report_style.h"
#include "train/sweep_map.h"

#include <math.h>
#include <stdio.h>

/* ---- sweep.csv ---- */

static void number_field(FILE *out, double value) {
    fputc(',', out);
    mml_csv_number(out, value);
}

static void text_field(FILE *out, const char *text) {
    fputc(',', out);
    mml_csv_text(out, text);
}

static void csv_head(FILE *out, const MmlSweepTable *t) {
    const MmlExperiment *experiment = t->grid->experiment;
    char text[96];
    fputs("cell", out);
    for (i64 a = 0; a < t->grid->axis_count; a++) fprintf(out, ",%s", t->grid->axes[a].name);
    fputs(",accuracy", out);
    for (i64 m = 0; m < experiment->modality_count; m++) fprintf(out, ",head.%s", experiment->modalities[m].name);
    fputs(",best", out);
    for (i64 s = 0; s < experiment->stage_count; s++) fprintf(out, ",epochs.%s", experiment->stages[s].name);
    for (i64 q = 0; t->starts && q < mml_start_count(experiment); q++) fprintf(out, ",%s", mml_start_name(experiment, q, text));
    fputs(",failure,seconds\n", out);
}

static void write_csv(FILE *out, const void *content) {
    const MmlSweepTable *t = content;
    const MmlExperiment *experiment = t->grid->experiment;
    csv_head(out, t);
    for (i64 c = 0; c < t->grid->cell_count; c++) {
        const MmlCellResult *cell = &t->cells[c];
        fprintf(out, "%lld", (long long)c);
        for (i64 a = 0; a < t->grid->axis_count; a++) text_field(out, mml_grid_value(t->grid, c, a));
        number_field(out, cell->accuracy);
        for (i64 m = 0; m < experiment->modality_count; m++) number_field(out, cell->done ? cell->head[m] : NAN);
        number_field(out, cell->best);
        for (i64 s = 0; s < experiment->stage_count; s++) number_field(out, cell->done ? (double)cell->epochs[s] : NAN);
        for (i64 q = 0; t->starts && q < mml_start_count(experiment); q++) number_field(out, cell->start.known ? cell->start.values[q] : NAN);
        text_field(out, cell->failure ? cell->failure : "");
        number_field(out, cell->done ? cell->seconds : NAN);
        fputc('\n', out);
    }
}

/* ---- The picture: a row a group, a dot a run, a bar from mean - sd to mean + sd ---- */

#define ROW    24.0
#define LEFT   8.0
#define WIDTH  860.0
#define FOOT   34.0
#define LETTER 6.4                         /* a letter of the names, about */
#define NAMES  480.0                       /* at most                      */

typedef struct { double low, high, step, left; } Range;

static double place(const Range *range, double value) {
    return range->left + (value - range->low) / (range->high - range->low) * (WIDTH - range->left - 70);
}

/* Steps of 1, 2, 5 or 10 %: six of them at most. */
static Range range_of(const MmlSweepTable *t) {
    static const double steps[] = {0.01, 0.02, 0.05, 0.1, 0.2};
    Range range = {1, 0, 0.2, 0};
    for (i64 g = 0; g < t->group_count; g++) range.left = fmin(fmax(range.left, 30 + LETTER * mml_text_columns(t->groups[g].name)), NAMES);
    for (i64 c = 0; c < t->grid->cell_count; c++) {
        if (!isfinite(t->cells[c].accuracy)) continue;
        range.low = fmin(range.low, t->cells[c].accuracy);
        range.high = fmax(range.high, t->cells[c].accuracy);
    }
    if (range.high < range.low) range.low = 0, range.high = 1;
    for (int i = 4; i >= 0; i--)
        if (range.high - range.low <= 6 * steps[i]) range.step = steps[i];
    range.low = floor(range.low / range.step - 0.2) * range.step;
    range.high = ceil(range.high / range.step + 0.2) * range.step;
    return range;
}

static void draw_row(FILE *out, const MmlSweepTable *t, const Range *range, i64 g) {
    const MmlSweepGroup *group = &t->groups[g];
    double y = ROW * ((double)g + 0.8), mean = mml_mean(&group->fused), deviation = mml_deviation(&group->fused);
    char text[48];
    fprintf(out, "<text class=\"axis\" x=\"%.1f\" y=\"%.1f\">", LEFT, y + 4);
    mml_chart_text(out, group->name);
    fputs("</text>", out);
    if (isnan(mean)) return;
    if (isfinite(deviation))
        fprintf(out, "<path class=\"line s0\" d=\"M%.1f %.1fH%.1f\"/>", place(range, mean - deviation), y, place(range, mean + deviation));
    for (i64 c = 0; c < t->grid->cell_count; c++)
        if (t->group_of[c] == group && isfinite(t->cells[c].accuracy))
            fprintf(out, "<circle class=\"band s0\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/>", place(range, t->cells[c].accuracy), y);
    fprintf(out, "<circle class=\"dot s0\" cx=\"%.1f\" cy=\"%.1f\" r=\"4.5\"><title>", place(range, mean), y);
    mml_chart_text(out, mml_spread_text(&group->fused, text));
    fprintf(out, "</title></circle><text class=\"axis end\" x=\"%.1f\" y=\"%.1f\">%.1f %%</text>", WIDTH - 4, y + 4, 100 * mean);
}

/* alone: a file of its own, with the style it needs. */
static void draw(FILE *out, const MmlSweepTable *t, int alone) {
    Range range = range_of(t);
    double height = ROW * (double)t->group_count + FOOT;
    fprintf(out, "<svg%s viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"fused test accuracy of each setting\">",
            alone ? " xmlns=\"http://www.w3.org/2000/svg\"" : "", WIDTH, height);
    if (alone) fprintf(out, "<style>%stext{font-family:sans-serif}svg{background:var(--ground)}</style>", report_style);
    for (double value = range.low; value <= range.high + 1e-9; value += range.step) {
        double x = place(&range, value);
        fprintf(out, "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"6\" y2=\"%.1f\"/><text class=\"axis middle\" x=\"%.1f\" y=\"%.1f\">%.0f %%</text>",
                x, x, height - FOOT + 6, x, height - 14, 100 * value);
    }
    for (i64 g = 0; g < t->group_count; g++) draw_row(out, t, &range, g);
    fputs("</svg>\n", out);
}

static void write_svg(FILE *out, const void *content) { draw(out, content, 1); }
static void write_accuracy(FILE *out, const void *content) { mml_sweep_map(out, content, -1, 1); }
static void write_synergy(FILE *out, const void *content) { mml_sweep_map(out, content, mml_start_synergy(((const MmlSweepTable *)content)->grid->experiment), 1); }

/* ---- report.html ---- */

static void html_cells(FILE *page, const MmlSweepTable *t, const MmlSweepGroup *group) {
    char text[48];
    fputs("<tr><td>", page);
    mml_chart_text(page, group->name);
    fprintf(page, "</td><td class=\"number\">%lld</td><td class=\"number\">%s</td>", (long long)group->cells, mml_spread_text(&group->fused, text));
    for (i64 m = 0; m < t->grid->experiment->modality_count; m++) fprintf(page, "<td class=\"number\">%s</td>", mml_spread_text(&group->head[m], text));
    fprintf(page, "<td class=\"number\">%s</td></tr>\n", mml_epochs_text(group, text));
}

static void mean_table(FILE *page, const MmlSweepTable *t) {
    const MmlExperiment *experiment = t->grid->experiment;
    fputs("<h2>Mean and standard deviation</h2>\n<div class=\"scroll\"><table><tr><th>settings</th><th class=\"number\">runs</th><th class=\"number\">fused</th>", page);
    for (i64 m = 0; m < experiment->modality_count; m++) {
        fputs("<th class=\"number\">", page);
        mml_chart_text(page, experiment->modalities[m].name);
        fputs("</th>", page);
    }
    fputs("<th class=\"number\">epochs of ", page);
    mml_chart_text(page, experiment->stages[0].name);
    fputs("</th></tr>\n", page);
    for (i64 g = 0; g < t->group_count; g++) html_cells(page, t, &t->groups[g]);
    fputs("</table></div>\n", page);
}

static void write_page(FILE *page, const void *content) {
    const MmlSweepTable *t = content;
    char title[160];
    snprintf(title, sizeof title, "%.140s: sweep", t->grid->experiment->name);
    mml_page_begin(page, title);
    fputs("<h1>", page);
    mml_chart_text(page, title);
    fprintf(page, "</h1>\n<p class=\"quiet\">%lld runs; fused test accuracy after the last epoch. A large dot is the mean over the seeds, the bar one standard deviation to each side, pale dots are single runs.</p>\n<div class=\"scroll\"><div style=\"min-width:34rem\">", (long long)t->grid->cell_count);
    draw(page, t, 0);
    fputs("</div></div>\n", page);
    mml_sweep_plane_html(page, t);
    mml_sweep_starts_html(page, t);
    mean_table(page, t);
    fputs("<p class=\"quiet\">Each run has its own report: ", page);
    for (i64 c = 0; c < t->grid->cell_count; c++)
        if (t->cells[c].done) fprintf(page, "<a href=\"cells/%03lld/report.html\">%lld</a> ", (long long)c, (long long)c);
    fputs("</p>\n", page);
    mml_page_end(page);
}

/* ---- All of it ---- */

Status mml_sweep_write(const MmlSweepTable *table, const char *folder) {
    MML_TRY(mml_write_file(folder, "sweep.csv", write_csv, table));
    MML_TRY(mml_write_file(folder, "sweep.svg", write_svg, table));
    if (table->rows >= 0) MML_TRY(mml_write_file(folder, "accuracy.svg", write_accuracy, table));
    if (table->rows >= 0 && table->starts) MML_TRY(mml_write_file(folder, "synergy.svg", write_synergy, table));
    return mml_write_file(folder, "report.html", write_page, table);
}
