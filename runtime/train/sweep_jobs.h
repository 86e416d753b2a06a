/* Processes of a sweep: each runs one trainer in a child of this process.
 *
 * Children are forked, not executed, so that a program that runs from memory
 * can sweep too. Each has a process group of its own (Ctrl-C reaches the sweep,
 * which passes it on once), ends when the sweep is killed, and writes what it
 * says to a log.
 */
#ifndef TRAIN_SWEEP_JOBS_H
#define TRAIN_SWEEP_JOBS_H

#include <sys/types.h>
#include "train/run.h"

/* Starts mml_main_sharing(argc, argv, …) with its output in the file log. Returns the process, or -1. */
pid_t mml_job_start(const MmlExperiment *experiment, int argc, char **argv, const MmlShare *share, const char *log);

/* Waits for any child. code: its exit code, or 128 + the signal that ended it. Returns -1 when a stop was asked for
 * before, and heed is 1, or there is none. */
pid_t mml_job_wait(int *code, int heed);

/* The last line that is not empty of a log, in arena; "" when there is none. */
const char *mml_job_last_line(const char *log, MmlArena *arena);

#endif
