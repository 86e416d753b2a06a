/* AVI files written byte by byte: gray frames without compression (I420), and 16-bit sound. */
#ifndef TESTS_DATA_AVI_FILES_H
#define TESTS_DATA_AVI_FILES_H

#include "archive.h"

typedef struct {
    int           frames, rate;      /* rate: frames a second                       */
    u32           height, width;     /* even                                        */
    int           first, step;       /* luma of frame i is first + i step           */
    int           sound_rate;        /* 0: without sound                            */
    int           channels;
    int           samples;           /* of each channel                             */
    const double *values;            /* [samples, channels], full scale being 1     */
} Avi;

/* In the program's folder. */
void write_avi(Program *p, const char *name, const Avi *avi);
/* Red, green and blue of a gray frame of that luma (BT.601, 16 to 235). */
double gray_of(int luma);

#endif
