/* Source texts and places in them. */
#ifndef SUPPORT_SOURCE_H
#define SUPPORT_SOURCE_H

#include "support/arena.h"

typedef struct {
    const char *path;         /* as the user wrote it; "<policies>" for the embedded library */
    const char *text;         /* NUL behind the last byte; may hold NULs inside             */
    size_t      length;
    int         library;      /* 1: embedded standard library                               */
    uint32_t   *lines;        /* offset of each line's first byte                           */
    int         line_count;
} Source;

typedef struct { const Source *source; uint32_t begin, end; } Span;      /* bytes [begin, end) */

/* Takes text over as it is (no copy); text[length] must be 0. */
Source *source_from_text(Arena *arena, const char *path, const char *text, size_t length);

/* Reads a file. Returns NULL with errno set. Files above 16 MiB give EFBIG. */
Source *source_read(Arena *arena, const char *path);

/* Line and column, both from 1; columns count bytes. */
void  source_position(const Source *source, uint32_t offset, int *line, int *column);
Span  span_join(Span a, Span b);

/* "fashion.mml:23" and "fashion.mml:23:12". */
char *span_line_text(Arena *arena, Span span);
char *span_place_text(Arena *arena, Span span);

#endif
