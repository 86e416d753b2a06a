/* --predict: the test split's labels, predictions and probabilities as CSV. */
#ifndef TRAIN_PREDICT_H
#define TRAIN_PREDICT_H

#include "train/run.h"

/* Fails before anything is trained when path can't be written, or when the
 * program has no test split or no joint stage to predict with. */
Status mml_predict_check(const MmlRun *run, const char *path);

/* Header label,prediction,p0,p1 … and a row for each test sample, in order, by
 * the present weights and the last joint stage. Replaces path whole. */
Status mml_predict_write(MmlRun *run, const char *path);

#endif
