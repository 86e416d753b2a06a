/* The embedded standard library: a text for each module, made by embed.cmake. */
#ifndef SEMA_LIBRARY_H
#define SEMA_LIBRARY_H

#include <stddef.h>

typedef struct { const char *name, *path; const unsigned char *text; size_t length; } LibraryText;      /* path: "<policies>" */

extern const LibraryText library_texts[];
extern const int library_text_count;

#endif
