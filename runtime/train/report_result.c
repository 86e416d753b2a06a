#include "train/report_page.h"
#include "train/setting_json.h"

#include <math.h>

/* ---- Confusion matrix ---- */

/* More classes than a screen can show as numbers: accuracy a class alone. */
#define MATRIX_CLASSES 40

/* A class's name where the data have one, else its number. */
static void class_cell(FILE *page, const json_t *names, size_t label) {
    const char *name = json_string_value(json_array_get(names, label));
    fprintf(page, "<th class=\"number\">");
    if (name) mml_chart_text(page, name);
    else fprintf(page, "%zu", label);
    fputs("</th>", page);
}

static void confusion_row(FILE *page, const json_t *row, size_t label, const json_t *per_class, const json_t *names) {
    double all = 0;
    for (size_t k = 0; k < json_array_size(row); k++) all += json_number_value(json_array_get(row, k));
    fputs("<tr>", page);
    class_cell(page, names, label);
    for (size_t k = 0; k < json_array_size(row) && json_array_size(row) <= MATRIX_CLASSES; k++) {
        double count = json_number_value(json_array_get(row, k));
        fprintf(page, "<td%s style=\"--share:%.3f\">%.0f</td>", k == label ? " class=\"right\"" : "", all > 0 ? count / all : 0, count);
    }
    const json_t *share = json_array_get(per_class, label);
    fputs("<td class=\"number\">", page);
    mml_report_percent(page, json_is_number(share) ? json_number_value(share) : NAN);
    fputs("</td></tr>\n", page);
}

void mml_report_confusion(Report *r) {
    FILE *page = r->page;
    const json_t *matrix = json_object_get(r->run.summary, "confusion"), *per_class = json_object_get(r->run.summary, "per_class");
    const json_t *names = json_object_get(json_object_get(r->run.run, "data"), "classes");
    size_t classes = json_array_size(matrix);
    if (!classes) return;
    mml_report_heading(page, "Confusion matrix");
    fputs("<p class=\"quiet\">Test split, fused prediction: a row is a class, a column what was predicted.</p><div class=\"scroll\"><table class=\"confusion\"><tr><th></th>", page);
    for (size_t k = 0; k < classes && classes <= MATRIX_CLASSES; k++) class_cell(page, names, k);
    fputs("<th class=\"number\">right</th></tr>\n", page);
    for (size_t label = 0; label < classes; label++) confusion_row(page, json_array_get(matrix, label), label, per_class, names);
    fputs("</table></div>\n", page);
}

/* ---- Time ---- */

void mml_report_times(Report *r) {
    FILE *page = r->page;
    const json_t *seconds = json_object_get(r->run.summary, "seconds");
    double total = mml_json_number(seconds, "total", NULL), rest = total;
    if (!(total > 0)) return;
    double loading = json_is_number(json_object_get(seconds, "loading")) ? mml_json_number(seconds, "loading", NULL) : 0;
    const struct { const char *name; double seconds; int colour; } parts[] = {
        {"reading data", mml_json_number(seconds, "data", NULL), 0}, {"waiting for batches", loading, 3},
        {"training and evaluating", mml_json_number(seconds, "train", NULL) - loading, 1},
        {"probing", mml_json_number(seconds, "probe", NULL), 2}};
    mml_report_heading(page, "Time");
    fputs("<div class=\"bar\">", page);
    for (int i = 0; i < 4; i++)
        fprintf(page, "<i class=\"s%d\" style=\"width:%.2f%%\"></i>", parts[i].colour, 100 * parts[i].seconds / total);
    fputs("</div><p class=\"legend\">", page);
    for (int i = 0; i < 4; i++) {
        rest -= parts[i].seconds;
        fprintf(page, "<span><svg class=\"key\" viewBox=\"0 0 22 8\"><path class=\"line s%d\" d=\"M1 4H21\"/></svg> %s %.1f s</span> ", parts[i].colour, parts[i].name, parts[i].seconds);
    }
    fprintf(page, "<span>the rest %.1f s, %.1f s in all</span></p>\n", fmax(rest, 0), total);
}

/* ---- Settings and program ---- */

static void setting_row(FILE *page, const char *path, const json_t *setting) {
    fputs("<tr><td><code>", page);
    mml_chart_text(page, path);
    fputs("</code></td><td class=\"value\">", page);
    char digits[MML_NUMBER_TEXT];
    const char *value = mml_setting_json_text(setting, digits);
    mml_chart_text(page, value ? value : "");
    fputs("</td><td class=\"quiet\">", page);
    mml_chart_text(page, mml_report_string(setting, "origin"));
    fputs("</td></tr>\n", page);
}

void mml_report_settings(Report *r) {
    FILE *page = r->page;
    const char *path;
    json_t *setting;
    mml_report_heading(page, "Settings");
    fputs("<details><summary>Every setting and where it comes from</summary><div class=\"scroll\"><table><tr><th>setting</th><th>value</th><th>from</th></tr>\n", page);
    json_object_foreach(json_object_get(r->run.run, "settings"), path, setting) setting_row(page, path, setting);
    fputs("</table></div></details>\n<details><summary>The program</summary><pre>", page);
    mml_chart_text(page, mml_report_string(r->run.run, "program"));
    fputs("</pre></details>\n<p class=\"quiet\">program ", page);
    mml_chart_text(page, mml_report_string(r->run.run, "hash"));
    fputs(", ", page);
    mml_chart_text(page, mml_report_string(r->run.run, "compiler"));
    fputs(" ", page);
    mml_chart_text(page, mml_report_string(r->run.run, "flags"));
    fputs(", on ", page);
    mml_chart_text(page, mml_report_string(json_object_get(r->run.run, "machine"), "cpu"));
    fputs("</p>\n", page);
}
