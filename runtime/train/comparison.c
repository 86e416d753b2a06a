#define _GNU_SOURCE
#include "mml/comparison.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "train/files.h"
#include "train/page.h"
#include "train/report_atoms.h"
#include "train/report_page.h"

static const char PAGE[] = "compare.html";

const MmlReplayLine *mml_comparison_line(const MmlCompared *policy, const MmlReplayLine *like) {
    for (i64 i = 0; i < policy->line_count; i++) {
        const MmlReplayLine *line = &policy->lines[i];
        if (!line->probe == !like->probe && line->epoch == like->epoch && !strcmp(line->stage, like->stage)) return line;
    }
    return NULL;
}

static int is_probe_of(const MmlReplayLine *line, const char *stage) { return line->probe && !strcmp(line->stage, stage); }

/* ---- The chart ---- */

static int probes_of(const MmlCompared *policy, const char *stage) {
    int count = 0;
    for (i64 i = 0; i < policy->line_count; i++) count += is_probe_of(&policy->lines[i], stage);
    return count;
}

/* A probe is taken before its epoch is trained. */
static void fill(MmlAtoms *a, const MmlComparison *of, const char *stage) {
    const MmlCompared *first = &of->policies[0];
    int point = 0;
    for (i64 i = 0; i < first->line_count; i++) {
        const MmlReplayLine *line = &first->lines[i];
        if (!is_probe_of(line, stage)) continue;
        a->at[point] = (double)line->epoch - 1;
        a->error[point] = line->probe->synergy_error;
        a->columns[MML_ATOM_REDUNDANCY][point] = line->probe->redundancy;
        a->columns[MML_ATOM_SYNERGY][point] = line->probe->synergy;
        for (i64 m = 0; m < of->modality_count; m++) a->columns[MML_ATOM_UNIQUE + m][point] = line->probe->unique[m];
        point++;
    }
}

/* A numbered line at the epoch in which a policy parts from what was taken; the number is the policy's. */
static int put_marks(const MmlComparison *of, i64 stage, ChartMark *marks) {
    int count = 0;
    for (i64 p = 0; p < of->policy_count; p++) {
        const MmlReplayStage *verdict = &of->policies[p].stages[stage];
        if (verdict->parted >= 0) marks[count++] = (ChartMark){(double)verdict->parted - 1, (int)p + 1, of->policies[p].name};
    }
    return count;
}

static void put_chart(FILE *page, const MmlComparison *of, i64 stage) {
    const char *name = of->policies[0].stages[stage].stage;
    MmlAtoms atoms;
    ChartMark *marks = calloc((size_t)of->policy_count, sizeof *marks);
    int points = probes_of(&of->policies[0], name);
    if (mml_atoms_new(&atoms, points, (int)of->modality_count, 0) && marks) {
        fill(&atoms, of, name);
        fputs("<p class=\"quiet\">In bits; a number marks where the policy of that number parts from what was taken.</p>\n", page);
        mml_atoms_draw(page, &atoms, of->modalities, (Chart){.from = points ? atoms.at[0] : 0, .to = points ? atoms.at[points - 1] : 1, .marks = marks,
                                                             .mark_count = put_marks(of, stage, marks)});
    }
    free(marks);
    mml_atoms_free(&atoms);
}

/* ---- The tables ---- */

static void put_cell(FILE *page, const char *text) {
    fputs("<td class=\"value\">", page);
    mml_chart_text(page, text);
    fputs("</td>", page);
}

static void put_end(FILE *page, i64 epochs, const char *why) {
    if (!why) {
        put_cell(page, "goes on to the log's end");
        return;
    }
    fprintf(page, "<td class=\"value\">after %lld epoch%s: ", (long long)epochs, epochs == 1 ? "" : "s");
    mml_chart_text(page, why);
    fputs("</td>", page);
}

static void put_verdicts(FILE *page, const MmlComparison *of, i64 stage) {
    const MmlReplayStage *taken = &of->policies[0].stages[stage];
    fputs("<div class=\"scroll\"><table><tr><th></th><th>policy</th><th class=\"number\">decisions that differ</th>"
          "<th class=\"number\">parts at epoch</th><th>ends</th></tr>\n<tr><td></td><td>as it was taken</td><td></td><td></td>", page);
    put_end(page, taken->taken_epochs, taken->taken_end);
    fputs("</tr>\n", page);
    for (i64 p = 0; p < of->policy_count; p++) {
        const MmlReplayStage *verdict = &of->policies[p].stages[stage];
        fprintf(page, "<tr><td class=\"number\">%lld</td>", (long long)p + 1);
        put_cell(page, of->policies[p].name);
        fprintf(page, "<td class=\"number\">%lld of %lld</td><td class=\"number\">", (long long)verdict->differing, (long long)verdict->lines);
        if (verdict->parted >= 0) fprintf(page, "%lld", (long long)verdict->parted);
        else fputs("–", page);
        fputs("</td>", page);
        put_end(page, verdict->replayed_epochs, verdict->replayed_end);
        fputs("</tr>\n", page);
    }
    fputs("</table></div>\n", page);
}

static void put_decision(FILE *page, const MmlReplayLine *line) {
    if (!line || !line->replayed) {
        fputs("<td class=\"value quiet\">(ended before)</td>", page);
        return;
    }
    fprintf(page, "<td class=\"value%s\">%s%s", line->hypothetical ? " quiet" : "", line->hypothetical ? "~ " : "", line->same ? "" : "<b>");
    mml_chart_text(page, line->replayed);
    fprintf(page, "%s</td>", line->same ? "" : "</b>");
}

static void put_decisions(FILE *page, const MmlComparison *of, const char *stage) {
    const MmlCompared *first = &of->policies[0];
    fputs("<details open><summary>All decisions</summary><div class=\"scroll\"><table><tr><th class=\"number\">before epoch</th>", page);
    mml_atoms_heads(page, of->modalities, of->modality_count);
    fputs("<th>taken</th>", page);
    for (i64 p = 0; p < of->policy_count; p++) {
        fputs("<th>", page);
        mml_chart_text(page, of->policies[p].name);
        fputs("</th>", page);
    }
    fputs("</tr>\n", page);
    for (i64 i = 0; i < first->line_count; i++) {
        const MmlReplayLine *line = &first->lines[i];
        if (!is_probe_of(line, stage)) continue;
        fprintf(page, "<tr><td class=\"number\">%lld</td>", (long long)line->epoch);
        mml_report_cell(page, line->probe->redundancy);
        for (i64 m = 0; m < of->modality_count; m++) mml_report_cell(page, line->probe->unique[m]);
        mml_report_cell(page, line->probe->synergy);
        put_cell(page, line->taken ? line->taken : "not logged");
        for (i64 p = 0; p < of->policy_count; p++) put_decision(page, mml_comparison_line(&of->policies[p], line));
        fputs("</tr>\n", page);
    }
    fputs("</table></div></details>\n", page);
}

static void write_page(FILE *page, const void *content) {
    const MmlComparison *of = content;
    mml_page_begin(page, "Policies compared");
    fputs("<h1>Policies compared</h1>\n<p>What each would have decided at the probes of <code>", page);
    mml_chart_text(page, of->log);
    fputs("</code>. Bold: decided otherwise than it was. Behind ~ all is hypothetical: other modalities would have been trained.</p>\n", page);
    for (i64 s = 0; s < of->policies[0].stage_count; s++) {
        const char *stage = of->policies[0].stages[s].stage;
        mml_report_heading(page, stage);
        put_chart(page, of, s);
        put_verdicts(page, of, s);
        put_decisions(page, of, stage);
    }
    mml_page_end(page);
}

/* ---- The file ---- */

/* The folder of the log; malloc'd. */
static char *folder_of(const char *log) {
    struct stat info;
    if (stat(log, &info) == 0 && S_ISDIR(info.st_mode)) return strdup(log);
    const char *slash = strrchr(log, '/');
    return slash ? strndup(log, slash == log ? 1 : (size_t)(slash - log)) : strdup(".");
}

Status mml_comparison_write(const MmlComparison *comparison, char **path) {
    char *folder = folder_of(comparison->log);
    *path = NULL;
    if (!folder || asprintf(path, "%s/%s", folder, PAGE) < 0) {
        free(folder);
        *path = NULL;
        return mml_fail(MML_ENOMEM, "out of memory for %s", PAGE);
    }
    Status status = mml_write_file(folder, PAGE, write_page, comparison);
    free(folder);
    return status;
}
