#define _GNU_SOURCE
#include "train/sweep_result.h"

#include "train/files.h"
#include "train/json.h"
#include "train/report_chart.h"
#include "train/report_style.h"
#include "train/screen.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Reading a cell ---- */

static double number(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

Status mml_cell_result_read(const MmlExperiment *experiment, const char *folder, MmlArena *arena, MmlCellResult *result) {
    char *bytes, *path = mml_arena_format(arena, "%s/summary.json", folder);
    size_t count;
    *result = (MmlCellResult){.accuracy = NAN, .best = NAN};
    if (!path) return MML_ENOMEM;
    if (!mml_exists(path)) return MML_OK;
    MML_TRY(mml_read_file(path, &bytes, &count));
    json_t *summary = json_loadb(bytes, count, 0, NULL);
    free(bytes);
    if (!json_is_object(summary)) return mml_fail(MML_EDATA, "%s is no JSON object", path);
    const json_t *stages = json_object_get(summary, "stages");
    i64 *epochs = MML_NEW(arena, i64, experiment->stage_count);
    for (i64 s = 0; epochs && s < experiment->stage_count; s++)
        epochs[s] = json_integer_value(json_object_get(json_array_get(stages, (size_t)s), "epochs"));
    for (i64 m = 0; m < experiment->modality_count; m++)
        result->head[m] = number(json_object_get(summary, "head"), experiment->modalities[m].name);
    result->accuracy = number(summary, "accuracy");
    result->best = number(json_object_get(summary, "best"), "accuracy");
    result->seconds = number(json_object_get(summary, "seconds"), "total");
    result->epochs = epochs;
    result->done = 1;
    json_decref(summary);
    return epochs ? MML_OK : MML_ENOMEM;
}

/* ---- Mean and standard deviation over the seeds ---- */

typedef struct { double sum, squares; i64 count; } Moments;

static void take(Moments *m, double value) {
    if (!isfinite(value)) return;
    m->sum += value;
    m->squares += value * value;
    m->count++;
}

static double mean_of(const Moments *m) { return m->count ? m->sum / (double)m->count : NAN; }

/* Of a sample: divided by n - 1. */
static double deviation_of(const Moments *m) {
    if (m->count < 2) return NAN;
    double mean = mean_of(m), variance = (m->squares - (double)m->count * mean * mean) / (double)(m->count - 1);
    return sqrt(fmax(variance, 0));
}

/* Cells that differ in their seed alone. */
typedef struct {
    const char *name;
    i64         cells, failed;
    Moments     fused, head[MML_MAX_MODALITIES], epochs;    /* epochs: of the first stage */
} Group;

typedef struct {
    const MmlGrid       *grid;
    const MmlCellResult *cells;
    Group               *groups;
    const Group        **group_of;          /* [cell_count] */
    i64                  group_count;
} Table;

static int better(const void *a, const void *b) {
    double x = mean_of(&((const Group *)a)->fused), y = mean_of(&((const Group *)b)->fused);
    if (isnan(x) || isnan(y)) return isnan(x) - isnan(y);
    if (x != y) return x < y ? 1 : -1;
    return strcmp(((const Group *)a)->name, ((const Group *)b)->name);
}

static Group *group_named(Table *t, const char *name) {
    for (i64 g = 0; g < t->group_count; g++)
        if (!strcmp(t->groups[g].name, name)) return &t->groups[g];
    t->groups[t->group_count] = (Group){.name = name};
    return &t->groups[t->group_count++];
}

static Status table_new(const MmlGrid *grid, const MmlCellResult *cells, MmlArena *arena, Table *t) {
    *t = (Table){.grid = grid, .cells = cells, .groups = MML_NEW(arena, Group, grid->cell_count), .group_of = MML_NEW(arena, const Group *, grid->cell_count)};
    if (!t->groups || !t->group_of) return MML_ENOMEM;
    for (i64 c = 0; c < grid->cell_count; c++) {
        const char *name = mml_grid_name(grid, c, 0, arena);
        if (!name) return MML_ENOMEM;
        Group *group = group_named(t, *name ? name : "all seeds");
        group->cells += cells[c].done;
        group->failed += !cells[c].done;
        if (!cells[c].done) continue;
        take(&group->fused, cells[c].accuracy);
        take(&group->epochs, (double)cells[c].epochs[0]);
        for (i64 m = 0; m < grid->experiment->modality_count; m++) take(&group->head[m], cells[c].head[m]);
    }
    qsort(t->groups, (size_t)t->group_count, sizeof *t->groups, better);
    for (i64 c = 0; c < grid->cell_count; c++) {
        const char *name = mml_grid_name(grid, c, 0, arena);
        t->group_of[c] = name ? group_named(t, *name ? name : "all seeds") : NULL;
    }
    return MML_OK;
}

/* "44.6 ± 1.2 %", "44.6 %" of one, "–" of none. */
static const char *spread_text(const Moments *m, char text[48]) {
    double mean = mean_of(m), deviation = deviation_of(m);
    if (isnan(mean)) return "–";
    if (isnan(deviation)) snprintf(text, 48, "%.1f %%", 100 * mean);
    else snprintf(text, 48, "%.1f ± %.1f %%", 100 * mean, 100 * deviation);
    return text;
}

/* ---- For people ---- */

/* Columns of characters, not bytes. */
static int columns_of(const char *text) {
    int count = 0;
    for (; *text; text++) count += (*text & 0xc0) != 0x80;
    return count;
}

static void cell_text(const char *text, int width) { printf("  %*s%s", width > columns_of(text) ? width - columns_of(text) : 0, "", text); }

static void print_table(const Table *t) {
    const MmlExperiment *experiment = t->grid->experiment;
    int names = 4;
    char text[48];
    for (i64 g = 0; g < t->group_count; g++)
        if (columns_of(t->groups[g].name) > names) names = columns_of(t->groups[g].name);
    printf("\ntest accuracy after the last epoch, mean ± standard deviation over the runs, best first\n%-*s  runs", names, "");
    cell_text("fused", 14);
    for (i64 m = 0; m < experiment->modality_count; m++) cell_text(experiment->modalities[m].name, 14);
    printf("  epochs of %s\n", experiment->stages[0].name);
    for (i64 g = 0; g < t->group_count; g++) {
        const Group *group = &t->groups[g];
        printf("%s%*s  %4lld", group->name, names - columns_of(group->name), "", (long long)group->cells);
        cell_text(spread_text(&group->fused, text), 14);
        for (i64 m = 0; m < experiment->modality_count; m++) cell_text(spread_text(&group->head[m], text), 14);
        printf("  %.1f", mean_of(&group->epochs));
        if (group->failed) printf("  (%lld failed)", (long long)group->failed);
        printf("\n");
    }
}

/* ---- sweep.csv ---- */

static void csv_number(FILE *out, double value) {
    char text[32];
    fputc(',', out);
    if (!isfinite(value)) return;
    mml_shortest(value, text);
    fputs(text, out);
}

static void csv_text(FILE *out, const char *text) {
    fputs(",\"", out);
    for (; *text; text++) {
        if (*text == '"') fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static void write_csv(FILE *out, const Table *t) {
    const MmlExperiment *experiment = t->grid->experiment;
    fputs("cell", out);
    for (i64 a = 0; a < t->grid->axis_count; a++) fprintf(out, ",%s", t->grid->axes[a].name);
    fputs(",accuracy", out);
    for (i64 m = 0; m < experiment->modality_count; m++) fprintf(out, ",head.%s", experiment->modalities[m].name);
    fputs(",best", out);
    for (i64 s = 0; s < experiment->stage_count; s++) fprintf(out, ",epochs.%s", experiment->stages[s].name);
    fputs(",failure,seconds\n", out);
    for (i64 c = 0; c < t->grid->cell_count; c++) {
        const MmlCellResult *cell = &t->cells[c];
        fprintf(out, "%lld", (long long)c);
        for (i64 a = 0; a < t->grid->axis_count; a++) csv_text(out, mml_grid_value(t->grid, c, a));
        csv_number(out, cell->accuracy);
        for (i64 m = 0; m < experiment->modality_count; m++) csv_number(out, cell->done ? cell->head[m] : NAN);
        csv_number(out, cell->best);
        for (i64 s = 0; s < experiment->stage_count; s++) csv_number(out, cell->done ? (double)cell->epochs[s] : NAN);
        csv_text(out, cell->failure ? cell->failure : "");
        csv_number(out, cell->done ? cell->seconds : NAN);
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
static Range range_of(const Table *t) {
    static const double steps[] = {0.01, 0.02, 0.05, 0.1, 0.2};
    Range range = {1, 0, 0.2, 0};
    for (i64 g = 0; g < t->group_count; g++) range.left = fmin(fmax(range.left, 30 + LETTER * columns_of(t->groups[g].name)), NAMES);
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

static void draw_row(FILE *out, const Table *t, const Range *range, i64 g) {
    const Group *group = &t->groups[g];
    double y = ROW * ((double)g + 0.8), mean = mean_of(&group->fused), deviation = deviation_of(&group->fused);
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
    mml_chart_text(out, spread_text(&group->fused, text));
    fprintf(out, "</title></circle><text class=\"axis end\" x=\"%.1f\" y=\"%.1f\">%.1f %%</text>", WIDTH - 4, y + 4, 100 * mean);
}

/* alone: a file of its own, with the style it needs. */
static void draw(FILE *out, const Table *t, int alone) {
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

static void write_svg(FILE *out, const Table *t) { draw(out, t, 1); }

/* ---- report.html ---- */

static void html_cells(FILE *page, const Table *t, const Group *group) {
    char text[48];
    fputs("<tr><td>", page);
    mml_chart_text(page, group->name);
    fprintf(page, "</td><td class=\"number\">%lld</td><td class=\"number\">%s</td>", (long long)group->cells, spread_text(&group->fused, text));
    for (i64 m = 0; m < t->grid->experiment->modality_count; m++) fprintf(page, "<td class=\"number\">%s</td>", spread_text(&group->head[m], text));
    fprintf(page, "<td class=\"number\">%.1f</td></tr>\n", mean_of(&group->epochs));
}

static void write_page(FILE *page, const Table *t) {
    const MmlExperiment *experiment = t->grid->experiment;
    fputs("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>", page);
    mml_chart_text(page, experiment->name);
    fprintf(page, ": sweep</title><style>%s</style></head>\n<body>\n<h1>", report_style);
    mml_chart_text(page, experiment->name);
    fprintf(page, ": sweep</h1>\n<p class=\"quiet\">%lld runs; fused test accuracy after the last epoch. A large dot is the mean over the seeds, the bar one standard deviation to each side, pale dots are single runs.</p>\n<div class=\"scroll\"><div style=\"min-width:34rem\">", (long long)t->grid->cell_count);
    draw(page, t, 0);
    fputs("</div></div>\n<h2>Mean and standard deviation</h2>\n<div class=\"scroll\"><table><tr><th>settings</th><th class=\"number\">runs</th><th class=\"number\">fused</th>", page);
    for (i64 m = 0; m < experiment->modality_count; m++) {
        fputs("<th class=\"number\">", page);
        mml_chart_text(page, experiment->modalities[m].name);
        fputs("</th>", page);
    }
    fputs("<th class=\"number\">epochs of ", page);
    mml_chart_text(page, experiment->stages[0].name);
    fputs("</th></tr>\n", page);
    for (i64 g = 0; g < t->group_count; g++) html_cells(page, t, &t->groups[g]);
    fputs("</table></div>\n<p class=\"quiet\">Each run has its own report: ", page);
    for (i64 c = 0; c < t->grid->cell_count; c++)
        if (t->cells[c].done) fprintf(page, "<a href=\"cells/%03lld/report.html\">%lld</a> ", (long long)c, (long long)c);
    fputs("</p>\n</body></html>\n", page);
}

/* ---- All of it ---- */

static Status write_file(const Table *t, const char *folder, const char *name, void (*write)(FILE *, const Table *)) {
    char *text = NULL, *path = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out || asprintf(&path, "%s/%s", folder, name) < 0) {
        if (out) fclose(out);
        free(text);
        return mml_fail(MML_ENOMEM, "out of memory for %s", name);
    }
    write(out, t);
    fclose(out);
    Status status = mml_replace_file(path, text, size);
    free(text);
    free(path);
    return status;
}

Status mml_sweep_result(const MmlGrid *grid, const MmlCellResult *cells, const char *folder, MmlArena *arena) {
    Table table;
    MML_TRY(table_new(grid, cells, arena, &table));
    MML_TRY(write_file(&table, folder, "sweep.csv", write_csv));
    MML_TRY(write_file(&table, folder, "sweep.svg", write_svg));
    return write_file(&table, folder, "report.html", write_page);
}

void mml_sweep_print(const MmlGrid *grid, const MmlCellResult *cells, const char *folder, MmlArena *arena) {
    Table table;
    if (table_new(grid, cells, arena, &table) != MML_OK) return;
    print_table(&table);
    printf("written to %s: sweep.csv, sweep.svg, report.html\n", folder);
}

static void put_real(MmlJson *json, const char *key, double value) {
    mml_json_key(json, key);
    mml_json_real(json, value);
}

static void put_group(MmlJson *json, const Group *group) {
    mml_json_open(json, '{');
    mml_json_key(json, "name");
    mml_json_text(json, group->name);
    mml_json_key(json, "runs");
    mml_json_int(json, group->cells);
    put_real(json, "accuracy", mean_of(&group->fused));
    put_real(json, "deviation", deviation_of(&group->fused));
    mml_json_close(json, '}');
}

static void put_cell(MmlJson *json, const Table *t, i64 c) {
    const MmlGrid *grid = t->grid;
    mml_json_open(json, '{');
    mml_json_key(json, "settings");
    mml_json_open(json, '{');
    for (i64 a = 0; a < grid->axis_count; a++) {
        mml_json_key(json, grid->axes[a].name);
        mml_json_text(json, mml_grid_value(grid, c, a));
    }
    mml_json_close(json, '}');
    put_real(json, "accuracy", t->cells[c].accuracy);
    put_real(json, "best", t->cells[c].best);
    mml_json_key(json, "failure");
    mml_json_text(json, t->cells[c].failure);
    mml_json_close(json, '}');
}

void mml_sweep_print_json(const MmlGrid *grid, const MmlCellResult *cells, MmlArena *arena) {
    Table table;
    MmlJson json = {0};
    if (table_new(grid, cells, arena, &table) != MML_OK) return;
    mml_json_open(&json, '{');
    mml_json_key(&json, "groups");
    mml_json_open(&json, '[');
    for (i64 g = 0; g < table.group_count; g++) put_group(&json, &table.groups[g]);
    mml_json_close(&json, ']');
    mml_json_key(&json, "cells");
    mml_json_open(&json, '[');
    for (i64 c = 0; c < grid->cell_count; c++) put_cell(&json, &table, c);
    mml_json_close(&json, ']');
    mml_json_close(&json, '}');
    mml_json_newline(&json);
    if (mml_json_status(&json) == MML_OK) fputs(json.text, stdout);
    mml_json_free(&json);
}
