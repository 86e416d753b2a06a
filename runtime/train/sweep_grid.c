#include "train/sweep_grid.h"

#include "train/nearest.h"
#include "train/sweep_share.h"

#include <stdlib.h>
#include <string.h>

#define MOST_CELLS 10000

int mml_axis_is_seed(const MmlAxis *axis) { return !strcmp(axis->setting->path, "train.seed"); }

/* ---- Reading an axis ---- */

/* The next value of a list, cut at a comma outside of brackets and quotes. */
static char *next_value(char **rest) {
    char *start = *rest;
    if (!start) return NULL;
    int depth = 0, quoted = 0;
    for (char *at = start; *at; at++) {
        if (*at == '"') quoted = !quoted;
        else if (quoted) continue;
        else if (strchr("([{", *at)) depth++;
        else if (strchr(")]}", *at)) depth--;
        else if (*at == ',' && depth == 0) {
            *at = 0;
            *rest = at + 1;
            return start;
        }
    }
    *rest = NULL;
    return start;
}

typedef struct { const char **items; i64 count, room; MmlArena *arena; } Values;

static Status add_value(Values *values, const char *text) {
    const char **items = MML_GROW(values->arena, values->items, values->count, &values->room, 16);
    if (!items) return MML_ENOMEM;
    values->items = items;
    values->items[values->count++] = text;
    return MML_OK;
}

/* 1 when text is LOW..HIGH in whole numbers. */
static int is_range(const char *text, i64 *low, i64 *high) {
    char *end;
    *low = strtoll(text, &end, 10);
    if (end == text || strncmp(end, "..", 2)) return 0;
    const char *second = end + 2;
    *high = strtoll(second, &end, 10);
    while (*end == ' ') end++;
    return end != second && !*end;
}

static Status add_range(Values *values, const char *axis, i64 low, i64 high) {
    if (high < low || (u64)high - (u64)low >= MOST_CELLS)
        return mml_fail(MML_ECALL, "--sweep %s: %lld..%lld is no range of at most %d numbers", axis, (long long)low, (long long)high, MOST_CELLS);
    for (i64 n = 0; n <= high - low; n++) {
        const char *text = mml_arena_format(values->arena, "%lld", (long long)(low + n));
        if (!text) return MML_ENOMEM;
        MML_TRY(add_value(values, text));
    }
    return MML_OK;
}

static char *trimmed(char *text) {
    while (*text == ' ') text++;
    for (size_t length = strlen(text); length && text[length - 1] == ' '; length--) text[length - 1] = 0;
    return text;
}

static Status unknown_path(const MmlExperiment *experiment, const char *path) {
    MmlNearest nearest = mml_nearest(path);
    mml_nearest_offer(&nearest, "seed");
    for (i64 i = 0; i < experiment->setting_count; i++) mml_nearest_offer(&nearest, experiment->settings[i].path);
    if (nearest.best) return mml_fail(MML_ECALL, "--sweep: no setting '%s'; did you mean '%s'?", path, nearest.best);
    return mml_fail(MML_ECALL, "--sweep: no setting '%s': `mmlc check --explain %s` lists them", path, experiment->file);
}

/* Each value by itself has to be one that the setting takes, beside all the others. *text: as the setting writes it. */
static Status try_value(const MmlSettings *settings, const MmlAxis *axis, const char *value, const char **text) {
    MmlSettings trial;
    MML_TRY(mml_settings_new(settings->arena, settings->experiment, &trial));
    for (i64 slot = 0; slot < settings->experiment->slot_count; slot++) {
        trial.values[slot] = settings->values[slot];
        trial.given[slot] = settings->given[slot];
    }
    Status status = mml_setting_give(&trial, axis->setting, value);
    if (status != MML_OK) return mml_context(status, "--sweep %s=%s", axis->name, value);
    *text = mml_setting_text(&trial, axis->setting, settings->arena);
    return *text ? MML_OK : MML_ENOMEM;
}

static int is_given(const MmlSettings *settings, const MmlSetting *setting) {
    int given = 0;
    for (i64 m = 0; m < (setting->each ? settings->experiment->modality_count : 1); m++) given |= settings->given[setting->slot + m];
    return given;
}

static Status read_values(Values *values, const char *axis, char *list) {
    for (char *item; (item = next_value(&list));) {
        i64 low, high;
        item = trimmed(item);
        if (!*item) return mml_fail(MML_ECALL, "--sweep %s: an empty value; values are parted by commas (1.5,5,inf) or a range (1..5)", axis);
        MML_TRY(is_range(item, &low, &high) ? add_range(values, axis, low, high) : add_value(values, item));
    }
    return MML_OK;
}

static Status read_axis(const MmlSettings *settings, const char *text, MmlAxis *out) {
    const char *equals = strchr(text, '=');
    if (!equals) return mml_fail(MML_ECALL, "--sweep: '%s' is not PATH=LIST (tau=1.5,5 or seed=1..5)", text);
    char *name = mml_arena_format(settings->arena, "%.*s", (int)(equals - text), text), *list = mml_arena_format(settings->arena, "%s", equals + 1);
    if (!name || !list) return MML_ENOMEM;
    name = trimmed(name);
    Values values = {.arena = settings->arena};
    *out = (MmlAxis){.name = name, .setting = mml_setting_find(settings->experiment, !strcmp(name, "seed") ? "train.seed" : name)};
    if (!out->setting) return unknown_path(settings->experiment, name);
    if (is_given(settings, out->setting))
        return mml_fail(MML_ECALL, "--sweep %s: %s has a value of its own on the command line; leave that out, or the sweep", name, name);
    MML_TRY(read_values(&values, name, list));
    const char **texts = MML_NEW(settings->arena, const char *, values.count);
    if (!texts) return MML_ENOMEM;
    for (i64 i = 0; i < values.count; i++) {
        MML_TRY(try_value(settings, out, values.items[i], &texts[i]));
        for (i64 j = 0; j < i; j++)
            if (!strcmp(texts[i], texts[j])) return mml_fail(MML_ECALL, "--sweep %s: %s is there twice", name, values.items[i]);
    }
    out->values = values.items;
    out->count = values.count;
    return MML_OK;
}

/* ---- Cells ---- */

i64 mml_grid_index(const MmlGrid *grid, i64 cell, i64 axis) {
    for (i64 a = grid->axis_count - 1; a > axis; a--) cell /= grid->axes[a].count;
    return cell % grid->axes[axis].count;
}

const char *mml_grid_value(const MmlGrid *grid, i64 cell, i64 axis) { return grid->axes[axis].values[mml_grid_index(grid, cell, axis)]; }

const char *mml_grid_name(const MmlGrid *grid, i64 cell, int repetitions, MmlArena *arena) {
    const char *name = "";
    for (i64 a = 0; name && a < grid->axis_count; a++) {
        if (!repetitions && mml_axis_is_seed(&grid->axes[a])) continue;
        name = mml_arena_format(arena, "%s%s%s=%s", name, *name ? " " : "", grid->axes[a].name, mml_grid_value(grid, cell, a));
    }
    return name;
}

/* A property of a stage behind the first. What kind of optimiser a stage has
 * decides what every checkpoint holds, so it is none of these. */
int mml_reaches_later_stages_only(const MmlExperiment *experiment, const char *path) {
    size_t length = strlen(path);
    if (length > 10 && !strcmp(path + length - 10, ".optimizer")) return 0;
    for (i64 s = 1; s < experiment->stage_count; s++) {
        const char *stage = experiment->stages[s].path;
        size_t prefix = strlen(stage);
        if (!strncmp(path, stage, prefix) && path[prefix] == '.') return 1;
    }
    return 0;
}

Status mml_grid_settings(const MmlGrid *grid, const MmlSettings *settings, i64 cell, MmlSettings *out) {
    const MmlExperiment *experiment = grid->experiment;
    MML_TRY(mml_settings_new(settings->arena, experiment, out));
    for (i64 slot = 0; slot < experiment->slot_count; slot++) {
        out->values[slot] = settings->values[slot];
        out->given[slot] = settings->given[slot];
    }
    for (i64 a = 0; a < grid->axis_count; a++) MML_TRY(mml_setting_give(out, grid->axes[a].setting, mml_grid_value(grid, cell, a)));
    Status status = mml_settings_finish(out);
    return status == MML_OK ? MML_OK : mml_context(status, "--sweep: %s", mml_grid_name(grid, cell, 1, settings->arena));
}

/* All settings that reach the first stage, as one text. */
static Status first_stage_key(const MmlSettings *settings, const MmlGrid *grid, i64 cell, const char **out) {
    const MmlExperiment *experiment = grid->experiment;
    MmlSettings own;
    MML_TRY(mml_grid_settings(grid, settings, cell, &own));
    const char *key = "";
    for (i64 a = 0; key && a < grid->axis_count; a++) {
        const MmlSetting *setting = grid->axes[a].setting;
        if (mml_reaches_later_stages_only(experiment, setting->path)) continue;
        key = mml_arena_format(settings->arena, "%s|%s", key, mml_setting_text(&own, setting, settings->arena));
    }
    *out = key;
    return key ? MML_OK : MML_ENOMEM;
}

static Status find_prefixes(const MmlSettings *settings, MmlGrid *grid) {
    const char **keys = MML_NEW(settings->arena, const char *, grid->cell_count);
    if (!keys) return MML_ENOMEM;
    for (i64 c = 0; c < grid->cell_count; c++) {
        MML_TRY(first_stage_key(settings, grid, c, &keys[c]));
        i64 first = 0;
        while (strcmp(keys[first], keys[c])) first++;
        grid->cells[c].prefix = first;
        grid->cells[c].trunk = -1;
        grid->cells[first].shared++;
    }
    for (i64 c = 0; c < grid->cell_count; c++) grid->cells[c].shared = grid->cells[grid->cells[c].prefix].shared;
    return MML_OK;
}

Status mml_grid_new(const MmlSettings *settings, const MmlCall *call, MmlGrid *out) {
    *out = (MmlGrid){.experiment = settings->experiment, .cell_count = 1, .axes = MML_NEW(settings->arena, MmlAxis, call->sweep_count)};
    if (!out->axes) return MML_ENOMEM;
    for (i64 a = 0; a < call->sweep_count; a++) {
        MML_TRY(read_axis(settings, call->sweep[a], &out->axes[a]));
        for (i64 b = 0; b < a; b++)
            if (out->axes[b].setting == out->axes[a].setting)
                return mml_fail(MML_ECALL, "--sweep: %s is swept twice; put all of its values into one list", out->axes[a].name);
        out->axis_count++;
        out->cell_count *= out->axes[a].count;
        if (out->cell_count > MOST_CELLS) return mml_fail(MML_ECALL, "--sweep: the grid has more than %d cells", MOST_CELLS);
    }
    out->cells = MML_NEW(settings->arena, MmlCell, out->cell_count);
    MML_TRY(out->cells ? find_prefixes(settings, out) : MML_ENOMEM);
    return mml_sweep_share(settings, out);
}
