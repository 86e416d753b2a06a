#include "train/report_page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A probe is taken before its epoch is trained. */
static double trained_before(const Report *r, const json_t *probe) {
    return mml_report_stage_start(&r->run, mml_report_string(probe, "stage")) + mml_report_number(probe, "epoch", NULL) - 1;
}

static int decided(const json_t *probe) {
    const json_t *decision = json_object_get(probe, "decision");
    return json_array_size(json_object_get(decision, "actions")) > 0 || *mml_report_string(decision, "finish");
}

/* "only(gray), ends the stage: …"; malloc'd. */
static char *decision_text(const json_t *probe) {
    const json_t *decision = json_object_get(probe, "decision"), *actions = json_object_get(decision, "actions");
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out) return NULL;
    for (size_t i = 0; i < json_array_size(actions); i++) fprintf(out, "%s%s", i ? ", " : "", json_string_value(json_array_get(actions, i)));
    const char *finish = mml_report_string(decision, "finish");
    if (*finish) fprintf(out, "%sends the stage: %s", json_array_size(actions) ? ", " : "", finish);
    fclose(out);
    return text;
}

/* ---- The chart ---- */

enum { REDUNDANCY, SYNERGY, PLUGIN, UNIQUE };       /* columns; UNIQUE and behind it: one a modality */

typedef struct { double *at, *error, *columns[UNIQUE + MML_REPORT_MODALITIES]; ChartMark *marks; char **texts; int points, marked; } Atoms;

static int atoms_new(Atoms *a, int points, int modalities) {
    *a = (Atoms){.points = points, .at = mml_report_column(points), .error = mml_report_column(points),
                 .marks = calloc((size_t)points + 1, sizeof *a->marks), .texts = calloc((size_t)points + 1, sizeof *a->texts)};
    int complete = a->at && a->error && a->marks && a->texts;
    for (int c = 0; c < UNIQUE + modalities; c++) complete &= (a->columns[c] = mml_report_column(points)) != NULL;
    return complete;
}

static void atoms_free(Atoms *a) {
    for (int c = 0; c < UNIQUE + MML_REPORT_MODALITIES; c++) free(a->columns[c]);
    for (int i = 0; a->texts && i < a->points; i++) free(a->texts[i]);
    free(a->texts);
    free(a->marks);
    free(a->error);
    free(a->at);
}

static void atoms_fill(const Report *r, Atoms *a) {
    for (int i = 0; i < a->points; i++) {
        const json_t *probe = json_array_get(r->run.probes, (size_t)i);
        a->at[i] = trained_before(r, probe);
        a->columns[REDUNDANCY][i] = mml_report_number(probe, "redundancy", NULL);
        a->columns[SYNERGY][i] = mml_report_number(probe, "synergy", NULL);
        a->columns[PLUGIN][i] = mml_report_number(probe, "synergy_plugin", NULL);
        a->error[i] = mml_report_number(probe, "synergy_error", NULL);
        for (int m = 0; m < r->run.modalities; m++) a->columns[UNIQUE + m][i] = mml_report_number(probe, "unique", r->run.names[m]);
        if (!decided(probe)) continue;
        a->texts[i] = decision_text(probe);
        a->marks[a->marked] = (ChartMark){a->at[i], a->marked + 1, a->texts[i] ? a->texts[i] : ""};
        a->marked++;
    }
}

static void atoms_draw(const Report *r, const Atoms *a) {
    ChartSeries series[UNIQUE + MML_REPORT_MODALITIES] = {
        {.name = "redundancy", .colour = MML_COLOUR_REDUNDANCY, .values = a->columns[REDUNDANCY]},
        {.name = "synergy", .colour = MML_COLOUR_SYNERGY, .values = a->columns[SYNERGY], .errors = a->error},
        {.name = "synergy, plug-in", .colour = MML_COLOUR_SYNERGY, .dashed = 1, .values = a->columns[PLUGIN]},
    };
    char names[MML_REPORT_MODALITIES][80];
    for (int m = 0; m < r->run.modalities; m++) {
        snprintf(names[m], sizeof names[m], "unique %.60s", r->run.names[m]);
        series[UNIQUE + m] = (ChartSeries){.name = names[m], .colour = mml_report_colour(m), .values = a->columns[UNIQUE + m]};
    }
    double to = r->run.epochs;
    for (int i = 0; i < a->points; i++) to = fmax(to, a->at[i]);
    Chart chart = {.label = "the atoms of the decomposition over the epochs, in bits", .points = a->points, .at = a->at, .to = to,
                   .series = series, .series_count = UNIQUE + r->run.modalities, .marks = a->marks, .mark_count = a->marked,
                   .parts = r->parts, .part_count = r->part_count};
    fputs("<p class=\"quiet\">In bits; the band is the spread of the synergy estimate; numbers mark decisions.</p>\n", r->page);
    mml_report_chart(r->page, &chart);
}

/* ---- What the policy saw ---- */

static void probe_row(const Report *r, const json_t *probe, int *marked) {
    FILE *page = r->page;
    fputs("<tr><td class=\"number\">", page);
    if (decided(probe)) fprintf(page, "%d", ++*marked);
    fputs("</td><td>", page);
    mml_chart_text(page, mml_report_string(probe, "stage"));
    fprintf(page, "</td><td class=\"number\">%.0f</td>", mml_report_number(probe, "epoch", NULL));
    mml_report_cell(page, mml_report_number(probe, "redundancy", NULL));
    for (int m = 0; m < r->run.modalities; m++) mml_report_cell(page, mml_report_number(probe, "unique", r->run.names[m]));
    static const char *const keys[] = {"synergy", "synergy_error", "synergy_plugin", "total"};
    for (int k = 0; k < 4; k++) mml_report_cell(page, mml_report_number(probe, keys[k], NULL));
    fputs("<td class=\"value\">", page);
    char *text = decision_text(probe);
    mml_chart_text(page, text);
    free(text);
    fputs("</td></tr>\n", page);
}

static void probe_table(const Report *r) {
    FILE *page = r->page;
    int marked = 0;
    fputs("<details open><summary>What the policy saw, and what it decided</summary><div class=\"scroll\"><table><tr><th></th><th>stage</th><th class=\"number\">before epoch</th><th class=\"number\">redundancy</th>", page);
    for (int m = 0; m < r->run.modalities; m++) {
        fputs("<th class=\"number\">unique ", page);
        mml_chart_text(page, r->run.names[m]);
        fputs("</th>", page);
    }
    fputs("<th class=\"number\">synergy</th><th class=\"number\">±</th><th class=\"number\">plug-in</th><th class=\"number\">total</th><th>decision</th></tr>\n", page);
    for (size_t i = 0; i < json_array_size(r->run.probes); i++) probe_row(r, json_array_get(r->run.probes, i), &marked);
    fputs("</table></div></details>\n", page);
}

void mml_report_probes(Report *r) {
    Atoms atoms;
    int points = (int)json_array_size(r->run.probes);
    if (!points) return;
    mml_report_heading(r->page, "Information about the target");
    if (atoms_new(&atoms, points, r->run.modalities)) {
        atoms_fill(r, &atoms);
        atoms_draw(r, &atoms);
    }
    atoms_free(&atoms);
    probe_table(r);
}
