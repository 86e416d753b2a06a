#include "train/sweep_print.h"

#include "train/json.h"

#include <math.h>
#include <stdio.h>

/* ---- For people ---- */

static void cell_text(const char *text, int width) { printf("  %*s%s", width > mml_text_columns(text) ? width - mml_text_columns(text) : 0, "", text); }

/* As the paper's Table III: accuracy in %, first setting downwards, second across. */
static void print_plane(const MmlSweepTable *t) {
    const MmlAxis *rows = &t->grid->axes[t->rows], *columns = &t->grid->axes[t->columns];
    int names = 0, width = 6;
    char text[48];
    for (i64 i = 0; i < rows->count; i++)
        if (mml_text_columns(rows->values[i]) > names) names = mml_text_columns(rows->values[i]);
    for (i64 j = 0; j < columns->count; j++)
        if (mml_text_columns(columns->values[j]) > width) width = mml_text_columns(columns->values[j]);
    printf("\naccuracy in %%; rows: %s, columns: %s\n%*s", rows->name, columns->name, names, "");
    for (i64 j = 0; j < columns->count; j++) cell_text(columns->values[j], width);
    for (i64 i = 0; i < rows->count; i++) {
        printf("\n%*s%s", names - mml_text_columns(rows->values[i]), "", rows->values[i]);
        for (i64 j = 0; j < columns->count; j++) {
            double value = mml_sweep_value(mml_sweep_at(t, i, j), -1);
            if (isfinite(value)) snprintf(text, sizeof text, "%.1f", 100 * value);
            cell_text(isfinite(value) ? text : "–", width);
        }
    }
    printf("\n");
}

static void print_ranks(const MmlSweepTable *t) {
    const MmlExperiment *experiment = t->grid->experiment;
    char text[96];
    printf("\nSpearman's rank correlation of the start of %s with the accuracy, over %lld settings (p of %d random pairings)\n", experiment->stages[1].name,
           (long long)t->starts, MML_RANK_PERMUTATIONS);
    for (i64 q = 0; q < mml_start_count(experiment); q++) {
        const char *name = mml_start_name(experiment, q, text);
        printf("%s%*s", name, mml_text_columns(name) < 16 ? 16 - mml_text_columns(name) : 1, "");
        if (isnan(t->ranks[q].rho)) printf("–\n");
        else printf("%+.3f  p %.2g\n", t->ranks[q].rho, t->ranks[q].p);
    }
}

void mml_sweep_print(const MmlSweepTable *t, const char *folder) {
    const MmlExperiment *experiment = t->grid->experiment;
    int names = 4;
    char text[48];
    for (i64 g = 0; g < t->group_count; g++)
        if (mml_text_columns(t->groups[g].name) > names) names = mml_text_columns(t->groups[g].name);
    printf("\ntest accuracy after the last epoch, mean ± standard deviation over the runs, best first\n%-*s  runs", names, "");
    cell_text("fused", 14);
    for (i64 m = 0; m < experiment->modality_count; m++) cell_text(experiment->modalities[m].name, 14);
    printf("  epochs of %s\n", experiment->stages[0].name);
    for (i64 g = 0; g < t->group_count; g++) {
        const MmlSweepGroup *group = &t->groups[g];
        printf("%s%*s  %4lld", group->name, names - mml_text_columns(group->name), "", (long long)group->cells);
        cell_text(mml_spread_text(&group->fused, text), 14);
        for (i64 m = 0; m < experiment->modality_count; m++) cell_text(mml_spread_text(&group->head[m], text), 14);
        printf("  %s", mml_epochs_text(group, text));
        if (group->failed) printf("  (%lld failed)", (long long)group->failed);
        printf("\n");
    }
    if (t->rows >= 0) print_plane(t);
    if (t->starts >= 3) print_ranks(t);
    printf("written to %s: sweep.csv, sweep.svg, %s%sreport.html\n", folder, t->rows >= 0 ? "accuracy.svg, " : "", t->rows >= 0 && t->starts ? "synergy.svg, " : "");
}

/* ---- For scripts ---- */

static void put_real(MmlJson *json, const char *key, double value) {
    mml_json_key(json, key);
    mml_json_real(json, value);
}

static void put_group(MmlJson *json, const MmlSweepGroup *group) {
    mml_json_open(json, '{');
    mml_json_key(json, "name");
    mml_json_text(json, group->name);
    mml_json_key(json, "runs");
    mml_json_int(json, group->cells);
    put_real(json, "accuracy", mml_mean(&group->fused));
    put_real(json, "deviation", mml_deviation(&group->fused));
    mml_json_close(json, '}');
}

static void put_start(MmlJson *json, const MmlSweepTable *t, i64 c) {
    char text[96];
    mml_json_key(json, "start");
    mml_json_open(json, '{');
    for (i64 q = 0; q < mml_start_count(t->grid->experiment); q++) put_real(json, mml_start_name(t->grid->experiment, q, text), t->cells[c].start.values[q]);
    mml_json_close(json, '}');
}

static void put_ranks(MmlJson *json, const MmlSweepTable *t) {
    char text[96];
    mml_json_key(json, "correlations");
    mml_json_open(json, '{');
    for (i64 q = 0; q < mml_start_count(t->grid->experiment); q++) {
        mml_json_key(json, mml_start_name(t->grid->experiment, q, text));
        mml_json_open(json, '{');
        put_real(json, "rho", t->ranks[q].rho);
        put_real(json, "p", t->ranks[q].p);
        mml_json_key(json, "settings");
        mml_json_int(json, t->ranks[q].count);
        mml_json_close(json, '}');
    }
    mml_json_close(json, '}');
}

static void put_cell(MmlJson *json, const MmlSweepTable *t, i64 c) {
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
    if (t->cells[c].start.known) put_start(json, t, c);
    mml_json_key(json, "failure");
    mml_json_text(json, t->cells[c].failure);
    mml_json_close(json, '}');
}

void mml_sweep_print_json(const MmlSweepTable *t) {
    MmlJson json = {0};
    mml_json_open(&json, '{');
    mml_json_key(&json, "groups");
    mml_json_open(&json, '[');
    for (i64 g = 0; g < t->group_count; g++) put_group(&json, &t->groups[g]);
    mml_json_close(&json, ']');
    mml_json_key(&json, "cells");
    mml_json_open(&json, '[');
    for (i64 c = 0; c < t->grid->cell_count; c++) put_cell(&json, t, c);
    mml_json_close(&json, ']');
    if (t->starts >= 3) put_ranks(&json, t);
    mml_json_close(&json, '}');
    mml_json_newline(&json);
    if (mml_json_status(&json) == MML_OK) fputs(json.text, stdout);
    mml_json_free(&json);
}
