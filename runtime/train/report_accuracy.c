#include "train/report_page.h"

#include <stdlib.h>
#include <string.h>

/* The epoch, from 1 through all stages, that a line of metrics.jsonl ends; 0 when it isn't of this run's stages. */
static int epoch_of(const Report *r, const json_t *line) {
    int start = mml_report_stage_start(&r->run, mml_report_string(line, "stage"));
    double epoch = mml_json_number(line, "epoch", NULL);
    return start >= 0 && epoch >= 1 && start + epoch <= r->run.epochs ? start + (int)epoch : 0;
}

/* columns: [modalities + 1][epochs], the fused accuracy last. Gives the number of lines of this split. */
static int fill(const Report *r, const char *split, double **columns) {
    int lines = 0;
    for (size_t i = 0; i < json_array_size(r->run.metrics); i++) {
        const json_t *line = json_array_get(r->run.metrics, i);
        int epoch = epoch_of(r, line);
        if (!epoch || strcmp(mml_report_string(line, "split"), split)) continue;
        lines++;
        for (int m = 0; m < r->run.modalities; m++) columns[m][epoch - 1] = mml_json_number(line, "head", r->run.names[m]);
        columns[r->run.modalities][epoch - 1] = mml_json_number(line, "accuracy", NULL);
    }
    return lines;
}

static void draw(const Report *r, const char *split, double *const *columns, const double *at) {
    ChartSeries series[MML_REPORT_MODALITIES + 1];
    int modalities = r->run.modalities;
    for (int m = 0; m < modalities; m++)
        series[m] = (ChartSeries){.name = r->run.names[m], .colour = mml_report_colour(m), .values = columns[m]};
    series[modalities] = (ChartSeries){.name = "fused", .colour = MML_COLOUR_FUSED, .values = columns[modalities]};
    char label[80];
    snprintf(label, sizeof label, "accuracy on the %s split over the epochs", split);
    Chart chart = {.label = label, .percent = 1, .points = r->run.epochs, .at = at, .to = r->run.epochs,
                   .series = series, .series_count = modalities + 1, .parts = r->parts, .part_count = r->part_count};
    fprintf(r->page, "<div><p class=\"quiet\">%s split</p>", split);
    mml_report_chart(r->page, &chart);
    fputs("</div>\n", r->page);
}

static void split_chart(Report *r, const char *split) {
    double *columns[MML_REPORT_MODALITIES + 1], *at = mml_report_column(r->run.epochs);
    int complete = at != NULL;
    for (int i = 0; at && i < r->run.epochs; i++) at[i] = i + 1;
    for (int s = 0; s <= r->run.modalities; s++) complete &= (columns[s] = mml_report_column(r->run.epochs)) != NULL;
    if (complete && fill(r, split, columns)) draw(r, split, columns, at);
    for (int s = 0; s <= r->run.modalities; s++) free(columns[s]);
    free(at);
}

void mml_report_accuracy(Report *r) {
    static const char *const splits[] = {"test", "validation", "train"};
    mml_report_heading(r->page, "Accuracy");
    fputs("<div class=\"pair\">", r->page);
    for (int i = 0; i < 3; i++) split_chart(r, splits[i]);
    fputs("</div>\n", r->page);
}

static void light(const Report *r, const json_t *line, char *on) {
    const json_t *active = json_object_get(line, "active");
    int epoch = epoch_of(r, line);
    for (size_t a = 0; epoch && a < json_array_size(active); a++) {
        const char *name = json_string_value(json_array_get(active, a));
        for (int m = 0; name && m < r->run.modalities; m++)
            if (!strcmp(name, r->run.names[m])) on[m * r->run.epochs + epoch - 1] = 1;
    }
}

void mml_report_active(Report *r) {
    int rows = r->run.modalities, columns = r->run.epochs, colours[MML_REPORT_MODALITIES];
    char *on = calloc((size_t)rows * (size_t)columns + 1, 1);
    if (!on || !columns) {
        free(on);
        return;
    }
    for (int m = 0; m < rows; m++) colours[m] = mml_report_colour(m);
    for (size_t i = 0; i < json_array_size(r->run.metrics); i++) light(r, json_array_get(r->run.metrics, i), on);
    Band band = {"which modalities were trained in each epoch", r->run.names, colours, on, rows, columns, r->parts, r->part_count};
    mml_report_heading(r->page, "Trained modalities");
    mml_report_band(r->page, &band);
    free(on);
}
