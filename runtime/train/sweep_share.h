/* Which cells of a sweep can take modalities over from the first stage of another.
 *
 * A policy that no probe and no result reaches decides the same whatever is
 * trained: its decisions are known before (fixed(length), always(), and any of a
 * program's own that looks at the epoch alone). So the loop of the stage is run
 * without training for every cell, which gives the epochs in which each modality
 * is trained. Where these are the beginning of another cell's, and no other
 * setting that reaches the training differs, its weights are there already
 * (train/trajectory.h): in a grid over lengths one run trains for all.
 *
 * Settings that reach the training are all but those of later stages, the first
 * stage's policy and epochs, and params that its compiled steps don't read.
 */
#ifndef TRAIN_SWEEP_SHARE_H
#define TRAIN_SWEEP_SHARE_H

#include "train/sweep_grid.h"

/* Fills idle, trunk and keep of the prefixes; no cell has a trunk that has one itself. */
Status mml_sweep_share(const MmlSettings *settings, MmlGrid *grid);

#endif
