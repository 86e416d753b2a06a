/* Decompositions on a page: their atoms as a chart over the epochs, and as columns of a table. */
#ifndef TRAIN_REPORT_ATOMS_H
#define TRAIN_REPORT_ATOMS_H

#include <stdio.h>
#include "train/report_chart.h"
#include "train/report_run.h"

/* Columns; from UNIQUE on one a modality. PLUGIN: the synergy without its correction, which may be NULL. */
enum { MML_ATOM_REDUNDANCY, MML_ATOM_SYNERGY, MML_ATOM_PLUGIN, MML_ATOM_UNIQUE };

typedef struct {
    int     modalities, points;
    double *at, *error;              /* [points] x; half width of the synergy's band        */
    double *columns[MML_ATOM_UNIQUE + MML_REPORT_MODALITIES];      /* [points]              */
} MmlAtoms;

/* All NaN; 0: no memory. To be freed either way. plugin 0: without that column. */
int  mml_atoms_new(MmlAtoms *atoms, int points, int modalities, int plugin);
void mml_atoms_free(MmlAtoms *atoms);

/* The chart; range, marks and parts are those of frame. */
void mml_atoms_draw(FILE *page, const MmlAtoms *atoms, const char *const *names, Chart frame);

/* The heads of a table's columns: redundancy, unique of each, synergy. */
void mml_atoms_heads(FILE *page, const char *const *names, i64 modalities);

#endif
