/* The frame of every page that is written: head with the style sheet, and end. */
#ifndef TRAIN_PAGE_H
#define TRAIN_PAGE_H

#include <stdio.h>

/* Up to the opened body; title: a text of any characters. */
void mml_page_begin(FILE *page, const char *title);
void mml_page_end(FILE *page);

#endif
