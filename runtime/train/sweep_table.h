/* What the cells of a sweep found, and their means over the seeds. */
#ifndef TRAIN_SWEEP_TABLE_H
#define TRAIN_SWEEP_TABLE_H

#include "train/rank.h"
#include "train/sweep_grid.h"
#include "train/sweep_start.h"

typedef struct {
    int          done;                            /* it has a summary                       */
    double       accuracy, best;                  /* fused: last epoch, best; NaN: none     */
    double       head[MML_MAX_MODALITIES];
    const i64   *epochs;                          /* [stage_count]                          */
    double       seconds;
    const char  *failure;                         /* why it has none, or NULL               */
    MmlStart     start;                           /* what its joint training began with     */
} MmlCellResult;

/* Reads FOLDER/summary.json of one cell. result->done stays 0 when there is none. */
Status mml_cell_result_read(const MmlExperiment *experiment, const char *folder, MmlArena *arena, MmlCellResult *result);

typedef struct { double sum, squares; i64 count; } MmlMoments;      /* of finite values */

/* Cells that differ in their seed alone. */
typedef struct {
    const char *name;
    i64         cells, failed;
    MmlMoments     fused, head[MML_MAX_MODALITIES], epochs;    /* epochs: of the first stage */
    MmlMoments     start[MML_START_MOST];
} MmlSweepGroup;

typedef struct {
    const MmlGrid       *grid;
    const MmlCellResult *cells;
    MmlSweepGroup               *groups;
    const MmlSweepGroup        **group_of;          /* [cell_count] */
    i64                  group_count;
    i64                  starts;                    /* groups with a known start and an accuracy            */
    MmlRank              ranks[MML_START_MOST];     /* over those: each quantity of the start and the accuracy */
    i64                  rows, columns;             /* axes of a plane: the only two with several values but for the seed; rows -1: there is none */
} MmlSweepTable;

/* Groups of the cells, best mean first. All memory from arena; grid and cells are borrowed. */
Status mml_sweep_table_new(const MmlGrid *grid, const MmlCellResult *cells, MmlArena *arena, MmlSweepTable *out);

/* The group at a place of the plane; NULL: none of its cells is done. */
const MmlSweepGroup *mml_sweep_at(const MmlSweepTable *table, i64 row, i64 column);

/* What is shown of a group at its place: its accuracy (quantity -1) or a quantity of its start, means. */
double mml_sweep_value(const MmlSweepGroup *group, i64 quantity);

double mml_mean(const MmlMoments *m);            /* NaN of none                                    */
double mml_deviation(const MmlMoments *m);       /* of a sample, divided by n - 1; NaN of fewer than two */

/* "44.6 ± 1.2 %", "44.6 %" of one, "–" of none. */
const char *mml_spread_text(const MmlMoments *m, char text[48]);

/* The mean of the first stage's epochs: "3.5", "–" of none. */
const char *mml_epochs_text(const MmlSweepGroup *group, char text[48]);

/* Characters, not bytes. */
int mml_text_columns(const char *text);

#endif
