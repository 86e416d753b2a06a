/* The output folder: its name, its lock, its room. */
#ifndef TRAIN_FOLDER_H
#define TRAIN_FOLDER_H

#include "train/run.h"

/* runs/BEFORE-<date>AFTER, with a number behind it when there is one already; in arena, NULL when out of memory. */
const char *mml_folder_fresh(MmlArena *arena, const char *before, const char *after);

/* Before the data are read: fails when --out holds a run already, or when
 * nothing can be written there. Sets run->folder (a name; nothing is made yet). */
Status mml_folder_choose(MmlRun *run);

/* Makes the folder of a new run, or takes up that of a resumed one; holds it
 * against other trainers until the run is released; fails when the disk has no
 * room for its checkpoints, and then removes what it made. */
Status mml_folder_open(MmlRun *run);
void   mml_folder_release(MmlRun *run);

/* For a run that fails before it has begun: releases the folder, and removes it when it was made for it and is empty. */
void   mml_folder_abandon(MmlRun *run);

/* FOLDER/name, in run->arena. */
const char *mml_folder_path(MmlRun *run, const char *name);

#endif
