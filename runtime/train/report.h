/* report.html: one run on one self-contained page.
 *
 * Everything comes from the run's own files (run.json, metrics.jsonl,
 * probes.jsonl, summary.json), so the page of a resumed run shows the whole run.
 * The page loads nothing, runs no script, and follows the reader's light or dark
 * mode: accuracy by modality over the epochs, the modalities that were trained
 * as a band, the atoms of the decomposition with every decision marked and what
 * the policy saw, the confusion matrix, settings with provenance, time by part.
 */
#ifndef TRAIN_REPORT_H
#define TRAIN_REPORT_H

#include "mml/base.h"

/* Writes FOLDER/report.html. MML_EDATA when one of the files is missing or isn't what a run writes. */
Status mml_report_write(const char *folder);

#endif
