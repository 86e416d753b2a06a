#include "train/report_atoms.h"

#include <stdlib.h>

#include "train/report_page.h"

int mml_atoms_new(MmlAtoms *a, int points, int modalities, int plugin) {
    *a = (MmlAtoms){.modalities = modalities, .points = points, .at = mml_report_column(points), .error = mml_report_column(points)};
    int complete = a->at && a->error;
    for (int c = 0; c < MML_ATOM_UNIQUE + modalities; c++)
        if (c != MML_ATOM_PLUGIN || plugin) complete &= (a->columns[c] = mml_report_column(points)) != NULL;
    return complete;
}

void mml_atoms_free(MmlAtoms *a) {
    for (int c = 0; c < MML_ATOM_UNIQUE + MML_REPORT_MODALITIES; c++) free(a->columns[c]);
    free(a->error);
    free(a->at);
}

void mml_atoms_draw(FILE *page, const MmlAtoms *a, const char *const *names, Chart frame) {
    ChartSeries series[MML_ATOM_UNIQUE + MML_REPORT_MODALITIES];
    char texts[MML_REPORT_MODALITIES][80];
    int count = 0;
    series[count++] = (ChartSeries){.name = "redundancy", .colour = MML_COLOUR_REDUNDANCY, .values = a->columns[MML_ATOM_REDUNDANCY]};
    series[count++] = (ChartSeries){.name = "synergy", .colour = MML_COLOUR_SYNERGY, .values = a->columns[MML_ATOM_SYNERGY], .errors = a->error};
    if (a->columns[MML_ATOM_PLUGIN])
        series[count++] = (ChartSeries){.name = "synergy, plug-in", .colour = MML_COLOUR_SYNERGY, .dashed = 1, .values = a->columns[MML_ATOM_PLUGIN]};
    for (int m = 0; m < a->modalities; m++) {
        snprintf(texts[m], sizeof texts[m], "unique %.60s", names[m]);
        series[count++] = (ChartSeries){.name = texts[m], .colour = mml_report_colour(m), .values = a->columns[MML_ATOM_UNIQUE + m]};
    }
    frame.label = "the atoms of the decomposition over the epochs, in bits";
    frame.points = a->points;
    frame.at = a->at;
    frame.series = series;
    frame.series_count = count;
    mml_report_chart(page, &frame);
}

void mml_atoms_heads(FILE *page, const char *const *names, i64 modalities) {
    fputs("<th class=\"number\">redundancy</th>", page);
    for (i64 m = 0; m < modalities; m++) {
        fputs("<th class=\"number\">unique ", page);
        mml_chart_text(page, names[m]);
        fputs("</th>", page);
    }
    fputs("<th class=\"number\">synergy</th>", page);
}
