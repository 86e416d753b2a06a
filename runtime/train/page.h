/* The frame of every page that is written: head with the style sheet, end, and the file itself. */
#ifndef TRAIN_PAGE_H
#define TRAIN_PAGE_H

#include <stdio.h>
#include "mml/base.h"

/* Up to the opened body; title: a text of any characters. */
void mml_page_begin(FILE *page, const char *title);
void mml_page_end(FILE *page);

typedef void (*MmlPageWriter)(FILE *out, const void *content);

/* Replaces FOLDER/name whole with what write writes. */
Status mml_page_write(const char *folder, const char *name, MmlPageWriter write, const void *content);

#endif
