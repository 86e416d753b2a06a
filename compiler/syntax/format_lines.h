/* Lines of a formatted program, filled from pieces of text with places to break. */
#ifndef SYNTAX_FORMAT_LINES_H
#define SYNTAX_FORMAT_LINES_H

#include "support/arena.h"

enum { FORMAT_WIDTH = 120, FORMAT_INDENT = 2, FORMAT_CONTINUATION = 4 };

typedef enum {
    PIECE_TEXT,         /* text                                                                */
    PIECE_BLANK,        /* one blank, never a break                                            */
    PIECE_LINE,         /* a blank (blanks 1) or nothing (0), or a break: where forced, and where
                         * what follows up to the next PIECE_LINE of the group has no room     */
    PIECE_ALIGN,        /* begins a group: its broken lines begin in this column + blanks, but
                         * not left of the statement's indentation + FORMAT_INDENT             */
    PIECE_HANG,         /* begins a group one level deeper than the line it stands on          */
    PIECE_END,          /* ends a group of PIECE_ALIGN                                         */
    PIECE_RETURN,       /* ends one of PIECE_HANG: a break, back to the depth it began at      */
    PIECE_BEHIND,       /* a comment behind what is on the line; a break follows               */
    PIECE_ALONE         /* a comment on a line of its own                                      */
} PieceKind;

typedef struct { PieceKind kind; int forced, blanks; const char *text; int length; } Piece;
typedef VECTOR(Piece) Pieces;

typedef struct { const char *text, *comment; int columns, blank_before; } Line;

typedef struct {
    Arena        *arena;
    VECTOR(Line)  lines;
    VECTOR(char)  text;             /* of the line being filled                        */
    int           columns;          /* its width so far                                */
    int           blank_before;     /* a blank line comes before the next line         */
} Lines;

void piece_text(Arena *arena, Pieces *pieces, const char *text, int length);
void piece_mark(Arena *arena, Pieces *pieces, PieceKind kind, int blanks, int forced);

/* Columns that text takes on a terminal. */
int text_columns(const char *text, int length);
/* Columns of pieces on one line; FORMAT_WIDTH + 1 where a break is forced in them. */
int pieces_columns(const Pieces *pieces);

/* Begins a statement's line at indent, unless one is being filled, and fills it with pieces. */
void lines_fill(Lines *lines, const Pieces *pieces, int indent);
/* Ends the line being filled, with the comment behind it or NULL. */
void lines_end(Lines *lines, const char *comment);
/* A comment's own line. */
void lines_comment(Lines *lines, const char *comment, int indent);

/* The whole text, comments behind neighbouring lines in one column. */
const char *lines_text(Lines *lines, size_t *length);

#endif
