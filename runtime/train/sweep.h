/* A sweep: the cells of a grid, each a run of its own, in several processes.
 *
 * In the sweep's folder are sweep.json (the call and its grid), cells/NNN (the
 * output folder of a run, with its log beside it), prefixes/NNN (a first stage
 * that several cells share: trained once, its checkpoint is where they start),
 * and at the end sweep.csv, sweep.svg and report.html.
 *
 * A cell is trained exactly as its own run would be, to the last bit: a shared
 * first stage ends in a checkpoint that --resume goes on from. A sweep that was
 * stopped or killed goes on by --resume; finished cells are not trained again.
 */
#ifndef TRAIN_SWEEP_H
#define TRAIN_SWEEP_H

#include "train/options.h"

/* 1 when the call is for a sweep: --sweep, or --resume of a sweep's folder. */
int mml_sweep_asked(const MmlCall *call);

/* Runs it. MML_ECALL for a wrong grid or folder, MML_EINTERRUPT when stopped,
 * MML_ENUMERIC when cells failed (all others are finished first). */
Status mml_sweep_run(MmlSettings *settings, MmlCall *call);

#endif
