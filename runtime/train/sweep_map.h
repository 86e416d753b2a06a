/* A grid over two settings as pictures and tables of its page, and what the starts of its cells have to do with their ends. */
#ifndef TRAIN_SWEEP_MAP_H
#define TRAIN_SWEEP_MAP_H

#include <stdio.h>
#include "train/sweep_table.h"

/* A heat map of the plane, as SVG: accuracy (quantity -1) or a quantity of the start. alone: a file of its own. */
void mml_sweep_map(FILE *out, const MmlSweepTable *table, i64 quantity, int alone);

/* Sections of the page; nothing without a plane, without starts. */
void mml_sweep_plane_html(FILE *page, const MmlSweepTable *table);
void mml_sweep_starts_html(FILE *page, const MmlSweepTable *table);

#endif
