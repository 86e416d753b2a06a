/* What the cells of a sweep warned of, which stands in their logs: each text once, with the number of cells. */
#ifndef TRAIN_SWEEP_WARNINGS_H
#define TRAIN_SWEEP_WARNINGS_H

#include "mml/settings.h"

typedef struct { const char *text; i64 cells, last; } MmlWarning;      /* last: the cell that was counted last */

typedef struct {
    MmlArena   *arena;
    i64         count, room;
    MmlWarning *list;                     /* in the order in which they were found */
} MmlWarnings;

/* Adds those in a cell's log; the logs of one cell come one behind the other. One that can't be read has none. */
Status mml_warnings_add(MmlWarnings *warnings, const MmlExperiment *experiment, const char *log, i64 cell);

/* "NAME: warning: TEXT (3 of 4 cells)" on standard error. */
void   mml_warnings_print(const MmlWarnings *warnings, const MmlExperiment *experiment, i64 cells);

#endif
