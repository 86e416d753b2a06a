/* The samples of a CSV file, counted as they are read: the distinct values of
 * each column and how often each triple of them occurs. Memory goes with the
 * distinct triples, not with the rows.
 */
#ifndef DRIVER_PID_VALUES_H
#define DRIVER_PID_VALUES_H

#include "driver/pid_input.h"

#define PID_COLUMNS 3
extern const char *const PID_COLUMN_NAMES[PID_COLUMNS];      /* x1, x2, y */

typedef struct { const char *text; u32 hash; i64 count; } PidValue;

typedef struct {
    PidValue *values;        /* in order of appearance      */
    i64       count, room;
    i32      *slots;         /* hash table of indices, or -1 */
    i64       slot_count;
} PidColumn;

typedef struct {
    MmlArena *arena;         /* of the texts                */
    int       most;          /* quantile bins of x1 and x2 at most; 0: each value is a bin */
    PidColumn columns[PID_COLUMNS];
    u64      *keys;          /* hash table of triples       */
    i64      *counts;        /* 0: the slot is free         */
    i64       triples, slot_count;
    i64       rows;
    int       full;          /* 1: more than PID_INPUT_CELLS cells; triples are no longer counted, values up to as many */
} PidSamples;

/* Zeroes are a valid start, with the arena and most set. Hash tables come from malloc. */
void pid_samples_free(PidSamples *samples);

/* One row; text[c] of length[c] bytes is the value of x1, x2, y. Fails with MML_ENOMEM. */
Status pid_samples_add(PidSamples *samples, const char *const text[PID_COLUMNS], const size_t length[PID_COLUMNS]);

/* The table; bins in the order of the values, numbers by size, else text. With
 * `most`, a source of more numbers than that has equal-count bins, named "low …
 * high"; equal numbers share one. Warns of a column that has a value for nearly
 * every row. Fails with MML_EDATA when there are more cells than PID_INPUT_CELLS. */
Status pid_samples_table(const PidSamples *samples, const PidFile *file, MmlArena *arena, PidDistribution *out);

/* text is a number of strtod's from its first to its last character. */
int pid_is_number(const char *text);

#endif
