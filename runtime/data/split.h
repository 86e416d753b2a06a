/* Which rows are for training, validation and test. */
#ifndef DATA_SPLIT_H
#define DATA_SPLIT_H

#include "data/source.h"

/* Which stream of MML_STREAM_SPLIT a choice draws from. */
typedef enum { DATA_PICK_HOLDOUT, DATA_PICK_TEST } DataPick;

/* round(share * count) of [0, count), as a function of seed, which and count:
 * chosen[i] becomes 1. Fails with MML_EDATA when that leaves one side empty;
 * setting names the share in the message. */
Status mml_data_pick(u64 seed, DataPick which, double share, i64 count, const char *setting, const char *where,
                     u8 *chosen);

/* 1 when the source's `test =` names rows by number or by share (so not a file of
 * their own). */
int    mml_data_test_chosen(const DataSource *source);

/* Lists the rows of the splits train and test: among rows 0 … rows - 1 those that
 * `test = every(n, k)` or a share choose are test rows, and so are the test_rows
 * behind them. missing[i] (or NULL): 1 for a row that isn't there; a share counts
 * without it. limit and test_limit then take the first of each split. MML_EDATA when nothing is left to train on. */
Status mml_data_split(DataSource *source, i64 rows, i64 test_rows, const u8 *missing);

/* Moves holdout's share of the train rows to the validation split. */
Status mml_data_holdout(DataSource *source);

#endif
