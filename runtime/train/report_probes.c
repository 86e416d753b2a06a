#include "train/report_atoms.h"
#include "train/report_page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A probe is taken before its epoch is trained. */
static double trained_before(const Report *r, const json_t *probe) {
    return mml_report_stage_start(&r->run, mml_report_string(probe, "stage")) + mml_json_number(probe, "epoch", NULL) - 1;
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

/* Numbered lines where the policy decided; their texts are malloc'd. */
typedef struct { ChartMark *marks; char **texts; int points, count; } Decisions;

static int decisions_new(Decisions *d, int points) {
    *d = (Decisions){.points = points, .marks = calloc((size_t)points + 1, sizeof *d->marks), .texts = calloc((size_t)points + 1, sizeof *d->texts)};
    return d->marks && d->texts;
}

static void decisions_free(Decisions *d) {
    for (int i = 0; d->texts && i < d->points; i++) free(d->texts[i]);
    free(d->texts);
    free(d->marks);
}

static void fill(const Report *r, MmlAtoms *a, Decisions *d) {
    for (int i = 0; i < a->points; i++) {
        const json_t *probe = json_array_get(r->run.probes, (size_t)i);
        a->at[i] = trained_before(r, probe);
        a->columns[MML_ATOM_REDUNDANCY][i] = mml_json_number(probe, "redundancy", NULL);
        a->columns[MML_ATOM_SYNERGY][i] = mml_json_number(probe, "synergy", NULL);
        a->columns[MML_ATOM_PLUGIN][i] = mml_json_number(probe, "synergy_plugin", NULL);
        a->error[i] = mml_json_number(probe, "synergy_error", NULL);
        for (int m = 0; m < r->run.modalities; m++) a->columns[MML_ATOM_UNIQUE + m][i] = mml_json_number(probe, "unique", r->run.names[m]);
        if (!decided(probe)) continue;
        d->texts[i] = decision_text(probe);
        d->marks[d->count] = (ChartMark){a->at[i], d->count + 1, d->texts[i] ? d->texts[i] : ""};
        d->count++;
    }
}

static void draw(const Report *r, const MmlAtoms *a, const Decisions *d) {
    double to = r->run.epochs;
    for (int i = 0; i < a->points; i++) to = fmax(to, a->at[i]);
    fputs("<p class=\"quiet\">In bits; the band is the spread of the synergy estimate; numbers mark decisions.</p>\n", r->page);
    mml_atoms_draw(r->page, a, r->run.names, (Chart){.to = to, .marks = d->marks, .mark_count = d->count, .parts = r->parts, .part_count = r->part_count});
}

/* ---- What the policy saw ---- */

static void probe_row(const Report *r, const json_t *probe, int *marked) {
    FILE *page = r->page;
    fputs("<tr><td class=\"number\">", page);
    if (decided(probe)) fprintf(page, "%d", ++*marked);
    fputs("</td><td>", page);
    mml_chart_text(page, mml_report_string(probe, "stage"));
    fprintf(page, "</td><td class=\"number\">%.0f</td>", mml_json_number(probe, "epoch", NULL));
    mml_report_cell(page, mml_json_number(probe, "redundancy", NULL));
    for (int m = 0; m < r->run.modalities; m++) mml_report_cell(page, mml_json_number(probe, "unique", r->run.names[m]));
    static const char *const keys[] = {"synergy", "synergy_error", "synergy_plugin", "total"};
    for (int k = 0; k < 4; k++) mml_report_cell(page, mml_json_number(probe, keys[k], NULL));
    fputs("<td class=\"value\">", page);
    char *text = decision_text(probe);
    mml_chart_text(page, text);
    free(text);
    fputs("</td></tr>\n", page);
}

static void probe_table(const Report *r) {
    FILE *page = r->page;
    int marked = 0;
    fputs("<details open><summary>What the policy saw, and what it decided</summary><div class=\"scroll\"><table><tr><th></th><th>stage</th><th class=\"number\">before epoch</th>", page);
    mml_atoms_heads(page, r->run.names, r->run.modalities);
    fputs("<th class=\"number\">±</th><th class=\"number\">plug-in</th><th class=\"number\">total</th><th>decision</th></tr>\n", page);
    for (size_t i = 0; i < json_array_size(r->run.probes); i++) probe_row(r, json_array_get(r->run.probes, i), &marked);
    fputs("</table></div></details>\n", page);
}

void mml_report_probes(Report *r) {
    MmlAtoms atoms;
    Decisions decisions;
    int points = (int)json_array_size(r->run.probes);
    if (!points) return;
    mml_report_heading(r->page, "Information about the target");
    int complete = mml_atoms_new(&atoms, points, r->run.modalities, 1);
    complete &= decisions_new(&decisions, points);
    if (complete) {
        fill(r, &atoms, &decisions);
        draw(r, &atoms, &decisions);
    }
    decisions_free(&decisions);
    mml_atoms_free(&atoms);
    probe_table(r);
}
