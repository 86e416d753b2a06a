/* Distributions from a file, by its form:
 *
 *   JSON   {"P": [[[…]]]} or {"counts": [[[…]]]}, indexed x1, x2, y, with an
 *          optional "name"; an array of such objects, or {"cases": [such objects]}.
 *          A P that doesn't sum to 1 is warned about, once a file
 *   CSV    a header and three columns x1, x2, y (in any order when so named,
 *          else in this one); a sample a row; any values, compared as text.
 *          Bins are in the order of the values: numbers by size, else text. Read as a stream: memory goes with the
 *          distinct values
 *   .npy   an array of rank 3, integers or floats of any byte order, C or
 *          Fortran order
 *
 * Everything lives in the arena. Every weight has been checked.
 */
#ifndef DRIVER_PID_INPUT_H
#define DRIVER_PID_INPUT_H

#include <stdio.h>

#include "mml/pid.h"

/* Larger tables take minutes and more, and come from values that were never binned. */
#define PID_INPUT_CELLS ((i64)1 << 21)

/* So much of a file is read to tell its form. */
#define PID_FIRST_BYTES ((size_t)1 << 18)

typedef struct {
    const char        *name;          /* given, else the file's, with [i] when there are several */
    MmlTable           table;         /* two sources                                             */
    int                counted;       /* 1: weights are whole numbers of samples, which estimates need */
    const char *const *values[3];     /* CSV: the values behind the bins of x1, x2, y; else NULL */
} PidDistribution;

typedef struct { PidDistribution *items; int count; } PidInput;

/* path "-" is standard input. bins: of equal count at most for x1 and x2 of a
 * CSV file, where they are numbers; 0: each value is a bin. Fails with MML_EIO or
 * MML_EDATA and a message that names file and place; MML_ECALL on bins for
 * another form. */
Status pid_input_read(const char *path, int bins, MmlArena *arena, PidInput *out);

/* The forms; path is for messages, name for results. JSON and .npy take a whole
 * file's text, with a NUL behind it; CSV its first PID_FIRST_BYTES, and reads on
 * from the stream. */
typedef struct { const char *path, *name; const char *text; size_t size; } PidFile;
Status pid_input_json(const PidFile *file, MmlArena *arena, PidInput *out);
Status pid_input_npy(const PidFile *file, MmlArena *arena, PidInput *out);
Status pid_input_csv(const PidFile *file, FILE *stream, int bins, MmlArena *arena, PidInput *out);

/* sizes: of x1, x2, y, each >= 1. Fails with MML_EDATA above PID_INPUT_CELLS. */
Status pid_input_check_size(const PidFile *file, const char *place, const i64 sizes[3]);

/* One distribution: weights finite, not negative, not all zero; counts whole, at
 * most 2^53 together, which doubles hold exactly. place: "" or where in the file, ending in a dot. */
Status pid_input_check(const PidFile *file, const char *place, const PidDistribution *distribution);

#endif
