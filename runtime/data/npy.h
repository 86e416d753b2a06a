/* NPY arrays (NumPy's format, versions 1.0, 2.0 and 3.0): the header, and the
 * elements as numbers.
 *
 * Read are booleans, integers of 8 to 64 bits and floats of 16, 32 and 64 bits,
 * in either byte order and in C or Fortran order. Complex numbers, texts,
 * dates, records and Python objects are refused by name.
 */
#ifndef DATA_NPY_H
#define DATA_NPY_H

#include "mml/base.h"

#define NPY_RANK 8
/* Magic, version and the longer of the two lengths. */
#define NPY_PREFIX 12
/* NumPy itself refuses headers beyond 10,000 characters. */
#define NPY_HEADER_LIMIT (1 << 16)

typedef enum { NPY_BOOL, NPY_INT, NPY_UINT, NPY_FLOAT, NPY_OBJECT } NpyKind;

typedef struct {
    const char *what;                /* "x.npz[images]": for messages               */
    NpyKind     kind;
    i64         item;                /* bytes an element                            */
    int         swapped;             /* of the other byte order                     */
    int         fortran;             /* the first index moves fastest               */
    i64         rank;                /* 0: a single value                           */
    i64         size[NPY_RANK];
    i64         count;               /* elements                                    */
    u8         *values;              /* the caller's; native and in C order once settled */
} NpyArray;

/* How many bytes stand in front of the data: prefix holds NPY_PREFIX of them. */
Status mml_npy_length(const char *what, const u8 *prefix, i64 *length);
/* The whole header (length bytes, prefix included). objects: 1 when an array of
 * Python objects is wanted; else it is refused. MML_EDATA for anything that isn't
 * read, and for sizes that overflow: count * item fits 63 bits. */
Status mml_npy_header(const char *what, const u8 *header, i64 length, int objects, NpyArray *out);
/* Brings array->values (malloc, count * item bytes) into native byte order and C
 * order, for which it may be replaced. */
Status mml_npy_settle(NpyArray *array);

/* Elements first … first + count - 1 of a settled array. */
void   mml_npy_floats(const NpyArray *array, i64 first, i64 count, float *out);
/* The first element that isn't finite as float, -1 when all are. */
i64    mml_npy_not_finite(const NpyArray *array);
double mml_npy_number(const NpyArray *array, i64 index);
/* 1 and the value when the element is a whole number that i64 holds. */
int    mml_npy_integer(const NpyArray *array, i64 index, i64 *out);

/* The kind and size by NumPy's code without its byte order: "f4", "u1", "b1", "O8". */
Status mml_npy_type(const char *what, const char *code, NpyKind *kind, i64 *item);
/* "int64"; in arena. */
const char *mml_npy_type_text(const NpyArray *array, MmlArena *arena);

#endif
