/* WAV files written byte by byte, and a source of sounds for tests of pipelines. */
#ifndef TESTS_DATA_SOUNDS_H
#define TESTS_DATA_SOUNDS_H

#include "archive.h"

typedef struct { int tag, channels, rate, bits; } WavKind;

/* A WAV of one `fmt ` and one `data` chunk of these bytes. */
void put_wav(Bytes *b, WavKind kind, const void *values, size_t count);
/* A 16-bit mono file in the program's folder: round(32767 * value). */
void write_wav(Program *p, const char *name, int rate, const double *values, int count);

/* av_digits in the program's folder: three lists, `rows` rows each, and MNIST sets of `rows` images of
 * 4 x 4 whose labels are 0 … 9 in turn; row i of every list is sound s<i mod sounds>.wav, which the test writes. */
void write_av_digits(Program *p, int rows, int sounds);
/* data clips = av_digits(folder) and a modality of its wav: the steps are the test's. */
Program *sounds_program(int rows, int sounds);

#endif
