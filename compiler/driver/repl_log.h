/* A run's log at the prompt: its modalities, and its probes as a table. */
#ifndef DRIVER_REPL_LOG_H
#define DRIVER_REPL_LOG_H

#include "driver/repl_answer.h"
#include "mml/replay.h"

typedef struct { const char *path; const char *const *modalities; i64 count; MmlArena *arena; } Log;

/* path: a run's folder or its probes.jsonl. 0 after an error. The caller frees out->arena in any case. */
int log_open(const char *path, Log *out);

/* Does the path name a log rather than a distribution: a folder, or a file that ends in .jsonl? */
int log_is(const char *path);

/* The head of a table of a stage's probes (title: "unimodal") and the columns of one: epoch, redundancy, unique, synergy. */
void log_put_head(const Log *log, const char *title);
void log_put_probe(const Log *log, const MmlProbe *probe);

/* Prints all probes of a log, what was watched too; the value is the last that has atoms. */
Answer log_probes(Question *question, const char *path);

#endif
