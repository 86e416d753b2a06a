/* Seeded choices of rows. */
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

/* Moves holdout's share of the train rows to the validation split. */
Status mml_data_holdout(DataSource *source);

#endif
