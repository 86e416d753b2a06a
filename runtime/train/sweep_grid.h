/* The grid of a sweep: its axes, its cells, and which of them share a first stage.
 *
 * An axis is PATH=LIST: a setting (or `seed`, for train.seed) and values parted
 * by commas outside of brackets; `1..5` stands for the whole numbers from 1 to
 * 5. Cells are the product, the last axis running fastest.
 *
 * Two cells share their first stage when every setting that can reach it is
 * equal: all but the properties of later stages. Params count as reaching it,
 * since rules may read them; to share, sweep the property of the later stage.
 * Cells whose policies decide before training differ less: see train/sweep_share.h.
 */
#ifndef TRAIN_SWEEP_GRID_H
#define TRAIN_SWEEP_GRID_H

#include "train/options.h"

typedef struct {
    const MmlSetting  *setting;
    const char        *name;             /* as the person wrote it                       */
    const char *const *values;
    i64                count;
} MmlAxis;

typedef struct {
    i64 prefix;                          /* index of the first cell with the same first stage */
    i64 shared;                          /* how many cells have it                            */
    i64 idle;                            /* of a prefix: 1 when it is known to train nothing  */
    i64 trunk;                           /* of a prefix: the one whose run trains its modalities too; -1: none  */
    char *keep;                          /* of a trunk: [epochs + 1] 1: others want that epoch's checkpoint     */
} MmlCell;

typedef struct {
    const MmlExperiment *experiment;
    MmlAxis *axes;
    i64      axis_count;
    MmlCell *cells;
    i64      cell_count;
} MmlGrid;

/* Reads call->sweep. All memory from settings->arena. MML_ECALL for an unknown
 * path, a value that the setting can't take, or a grid of more than 10,000 cells. */
Status mml_grid_new(const MmlSettings *settings, const MmlCall *call, MmlGrid *out);

/* Every setting's value in a cell, all else as in settings. */
Status mml_grid_settings(const MmlGrid *grid, const MmlSettings *settings, i64 cell, MmlSettings *out);

/* 1 for a property of a stage behind the first, which the first can't see. */
int mml_reaches_later_stages_only(const MmlExperiment *experiment, const char *path);

/* Which of the axis' values a cell has. */
i64 mml_grid_index(const MmlGrid *grid, i64 cell, i64 axis);

/* The axis' value in a cell. */
const char *mml_grid_value(const MmlGrid *grid, i64 cell, i64 axis);

/* 1 for the axis of the seed: cells that differ only there are repetitions. */
int mml_axis_is_seed(const MmlAxis *axis);

/* "tau=1.5 seed=2"; in arena. repetitions: 0 leaves the seed out. */
const char *mml_grid_name(const MmlGrid *grid, i64 cell, int repetitions, MmlArena *arena);

#endif
