/* An experiment as compiled code would lay it out, small enough to train in
 * milliseconds: two modalities from two CSV files, linear encoders (a with
 * batch norm, b with dropout), heads, fusion by concat, a unimodal stage with a
 * probe and a policy, a joint stage with a method that keeps a number and a text.
 *
 * Params: root (path, required), tau (real), epochs, names (epochs for each
 * modality), half (fixed), loud (bool: the policy trains all again from epoch 3). Stages: train.unimodal (2 * epochs
 * epochs), train.joint (epochs).
 */
#ifndef TESTS_TRAIN_TOY_H
#define TESTS_TRAIN_TOY_H

#include "mml/experiment.h"

/* The experiment; static, so that its run functions can be counted. */
MmlExperiment *toy(void);

/* Called at the start of every step; NULL: nothing. */
extern void (*toy_step_hook)(void);

/* A temporary folder with a.csv and b.csv inside; the test's to remove by toy_remove. */
const char *toy_folder(void);
void        toy_remove(const char *folder);

/* Runs mml_main in a child process: arguments behind the program's name, up to
 * NULL; standard output and error go to FOLDER/out and FOLDER/err. Returns the
 * exit code, or minus the signal that killed it. */
int toy_run(const char *folder, ...) __attribute__((sentinel));

/* A file's text; the caller frees it. Fails the test when it isn't there. */
char *toy_read(const char *folder, const char *name);

/* Fails the test unless FOLDER/err (or out) contains part. */
void toy_expect_in(const char *folder, const char *name, const char *part);

/* The text without what "seconds" hold, in place. */
char *toy_without_times(char *text);

#endif
