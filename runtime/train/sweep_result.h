/* What a sweep found: a table for people, sweep.csv, sweep.svg, report.html. */
#ifndef TRAIN_SWEEP_RESULT_H
#define TRAIN_SWEEP_RESULT_H

#include "train/sweep_grid.h"

typedef struct {
    int          done;                            /* it has a summary                       */
    double       accuracy, best;                  /* fused: last epoch, best; NaN: none     */
    double       head[MML_MAX_MODALITIES];
    const i64   *epochs;                          /* [stage_count]                          */
    double       seconds;
    const char  *failure;                         /* why it has none, or NULL               */
} MmlCellResult;

/* Reads FOLDER/summary.json of one cell. result->done stays 0 when there is none. */
Status mml_cell_result_read(const MmlExperiment *experiment, const char *folder, MmlArena *arena, MmlCellResult *result);

/* Writes sweep.csv, sweep.svg and report.html into folder. */
Status mml_sweep_result(const MmlGrid *grid, const MmlCellResult *cells, const char *folder, MmlArena *arena);

/* The table, best first, mean and standard deviation over the seeds, on standard output; for scripts: one JSON object. */
void mml_sweep_print(const MmlGrid *grid, const MmlCellResult *cells, const char *folder, MmlArena *arena);
void mml_sweep_print_json(const MmlGrid *grid, const MmlCellResult *cells, MmlArena *arena);

#endif
