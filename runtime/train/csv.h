/* Fields of CSV files (RFC 4180). */
#ifndef TRAIN_CSV_H
#define TRAIN_CSV_H

#include <stdio.h>

/* A text, quoted where a comma, a quote or a line's end in it wants that. */
void mml_csv_text(FILE *out, const char *text);

/* The shortest digits that read back to the value; nothing where there is none. */
void mml_csv_number(FILE *out, double value);

#endif
