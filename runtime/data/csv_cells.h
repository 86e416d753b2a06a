/* Comma-separated text (RFC 4180: quoted cells, LF or CRLF; a UTF-8 byte order mark is
 * skipped; blank lines only at the end), cell by cell, and tables of texts.
 */
#ifndef DATA_CSV_CELLS_H
#define DATA_CSV_CELLS_H

#include "mml/base.h"

typedef struct {
    const char *path;                /* for messages                                */
    const char *at, *end;            /* text; *end == 0                             */
    i64         line;                /* from 1                                      */
} CsvReader;

/* A cell without its quotes; `doubled`: it holds "" for a quote. */
typedef struct { const char *begin, *end; int quoted, doubled; } CsvCell;

typedef enum { CSV_CELL_MORE, CSV_CELL_LAST } CsvCellEnd;

/* At the beginning of a text, behind its byte order mark. */
CsvReader mml_csv_reader(const char *path, const char *text, i64 length);
/* Reads one cell and its separator. Leaves r at the next cell or the next row.
 * MML_EDATA naming line and column (from 1). */
Status    mml_csv_cell(CsvReader *r, i64 column, CsvCell *cell, CsvCellEnd *end);
/* Counts the cells of the row at r without moving. */
Status    mml_csv_columns(CsvReader r, i64 *columns);
/* At the end of a row, behind its last cell. */
int       mml_csv_row_ends(const CsvReader *r);
int       mml_csv_only_blank(const CsvReader *r);           /* nothing else follows */
int       mml_csv_blank(char c);
/* Takes off blanks around a cell without quotes. */
void      mml_csv_trim(CsvCell *cell);
/* The cell as a text in arena; NULL without memory. */
char     *mml_csv_unquoted(const CsvCell *cell, MmlArena *arena);

/* A table of texts, trimmed; all in arena. */
typedef struct {
    const char  *path;
    i64          columns, rows;
    const char **names;              /* [columns] of the header; NULL without one   */
    const char **cells;              /* [rows, columns]                             */
    i64         *lines;              /* [rows] where each starts, from 1            */
} CsvTexts;

/* text[length] == 0. MML_EDATA: no rows, ragged rows, an open quote, a zero byte. */
Status    mml_csv_texts(const char *path, const char *text, i64 length, int header, MmlArena *arena, CsvTexts *out);
/* The column of that name, -1 when there is none. */
i64       mml_csv_column(const CsvTexts *table, const char *name);

#endif
