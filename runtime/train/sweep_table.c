#include "train/sweep_table.h"

#include "train/files.h"
#include "train/json_read.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Reading a cell ---- */

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
        result->head[m] = mml_json_number(summary, "head", experiment->modalities[m].name);
    result->accuracy = mml_json_number(summary, "accuracy", NULL);
    result->best = mml_json_number(summary, "best", "accuracy");
    result->seconds = mml_json_number(summary, "seconds", "total");
    result->epochs = epochs;
    result->done = 1;
    json_decref(summary);
    return epochs ? mml_start_read(experiment, folder, arena, &result->start) : MML_ENOMEM;
}

/* ---- Mean and standard deviation over the seeds ---- */

static void take(MmlMoments *m, double value) {
    if (!isfinite(value)) return;
    m->sum += value;
    m->squares += value * value;
    m->count++;
}

double mml_mean(const MmlMoments *m) { return m->count ? m->sum / (double)m->count : NAN; }

/* Of a sample: divided by n - 1. */
double mml_deviation(const MmlMoments *m) {
    if (m->count < 2) return NAN;
    double mean = mml_mean(m), variance = (m->squares - (double)m->count * mean * mean) / (double)(m->count - 1);
    return sqrt(fmax(variance, 0));
}

static int better(const void *a, const void *b) {
    double x = mml_mean(&((const MmlSweepGroup *)a)->fused), y = mml_mean(&((const MmlSweepGroup *)b)->fused);
    if (isnan(x) || isnan(y)) return isnan(x) - isnan(y);
    if (x != y) return x < y ? 1 : -1;
    return strcmp(((const MmlSweepGroup *)a)->name, ((const MmlSweepGroup *)b)->name);
}

static MmlSweepGroup *group_named(MmlSweepTable *t, const char *name) {
    for (i64 g = 0; g < t->group_count; g++)
        if (!strcmp(t->groups[g].name, name)) return &t->groups[g];
    t->groups[t->group_count] = (MmlSweepGroup){.name = name};
    return &t->groups[t->group_count++];
}

/* ---- Starts ---- */

static void find_plane(MmlSweepTable *t) {
    i64 found = 0, axes[2] = {-1, -1};
    for (i64 a = 0; a < t->grid->axis_count; a++) {
        if (mml_axis_is_seed(&t->grid->axes[a]) || t->grid->axes[a].count < 2) continue;
        if (found < 2) axes[found] = a;
        found++;
    }
    t->rows = found == 2 ? axes[0] : -1;
    t->columns = found == 2 ? axes[1] : -1;
}

double mml_sweep_value(const MmlSweepGroup *group, i64 quantity) {
    return !group ? NAN : mml_mean(quantity < 0 ? &group->fused : &group->start[quantity]);
}

static Status correlate(MmlSweepTable *t, MmlArena *arena) {
    double *x = MML_NEW(arena, double, t->group_count + 1), *y = MML_NEW(arena, double, t->group_count + 1);
    if (!x || !y) return MML_ENOMEM;
    for (i64 q = 0; q < mml_start_count(t->grid->experiment); q++) {
        i64 n = 0;
        for (i64 g = 0; g < t->group_count; g++) {
            x[n] = mml_sweep_value(&t->groups[g], q);
            y[n] = mml_sweep_value(&t->groups[g], -1);
            n += isfinite(x[n]) && isfinite(y[n]);
        }
        MML_TRY(mml_spearman(x, y, n, arena, &t->ranks[q]));
        if (n > t->starts) t->starts = n;
    }
    return MML_OK;
}

const MmlSweepGroup *mml_sweep_at(const MmlSweepTable *t, i64 row, i64 column) {
    for (i64 c = 0; c < t->grid->cell_count; c++)
        if (mml_grid_index(t->grid, c, t->rows) == row && mml_grid_index(t->grid, c, t->columns) == column) return t->group_of[c];
    return NULL;
}

/* ---- The table ---- */

Status mml_sweep_table_new(const MmlGrid *grid, const MmlCellResult *cells, MmlArena *arena, MmlSweepTable *t) {
    *t = (MmlSweepTable){.grid = grid, .cells = cells, .groups = MML_NEW(arena, MmlSweepGroup, grid->cell_count), .group_of = MML_NEW(arena, const MmlSweepGroup *, grid->cell_count)};
    if (!t->groups || !t->group_of) return MML_ENOMEM;
    for (i64 c = 0; c < grid->cell_count; c++) {
        const char *name = mml_grid_name(grid, c, 0, arena);
        if (!name) return MML_ENOMEM;
        MmlSweepGroup *group = group_named(t, *name ? name : "all seeds");
        group->cells += cells[c].done;
        group->failed += !cells[c].done;
        if (!cells[c].done) continue;
        take(&group->fused, cells[c].accuracy);
        take(&group->epochs, (double)cells[c].epochs[0]);
        for (i64 m = 0; m < grid->experiment->modality_count; m++) take(&group->head[m], cells[c].head[m]);
        for (i64 q = 0; cells[c].start.known && q < mml_start_count(grid->experiment); q++) take(&group->start[q], cells[c].start.values[q]);
    }
    qsort(t->groups, (size_t)t->group_count, sizeof *t->groups, better);
    for (i64 c = 0; c < grid->cell_count; c++) {
        const char *name = mml_grid_name(grid, c, 0, arena);
        t->group_of[c] = name ? group_named(t, *name ? name : "all seeds") : NULL;
    }
    find_plane(t);
    return correlate(t, arena);
}

/* "44.6 ± 1.2 %", "44.6 %" of one, "–" of none. */
const char *mml_spread_text(const MmlMoments *m, char text[48]) {
    double mean = mml_mean(m), deviation = mml_deviation(m);
    if (isnan(mean)) return "–";
    if (isnan(deviation)) snprintf(text, 48, "%.1f %%", 100 * mean);
    else snprintf(text, 48, "%.1f ± %.1f %%", 100 * mean, 100 * deviation);
    return text;
}

const char *mml_epochs_text(const MmlSweepGroup *group, char text[48]) {
    if (!group->epochs.count) return "–";
    snprintf(text, 48, "%.1f", mml_mean(&group->epochs));
    return text;
}

/* Columns of characters, not bytes. */
int mml_text_columns(const char *text) {
    int count = 0;
    for (; *text; text++) count += (*text & 0xc0) != 0x80;
    return count;
}
