/* Pictures written by hand: PNG of 8 bits in three channels. */
#ifndef TESTS_DATA_PICTURE_FILES_H
#define TESTS_DATA_PICTURE_FILES_H

#include "archive.h"

/* Pixel (y, x, c) is start + 40 y + 4 x + c. */
Bytes png(u32 height, u32 width, int start);
/* In the program's folder. */
void  make_folder(Program *p, const char *name);
void  write_png(Program *p, const char *name, u32 height, u32 width, int start);

#endif
