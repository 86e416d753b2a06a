/* Numbers out of comma-separated text (RFC 4180: quoted cells, LF or CRLF; a
 * UTF-8 byte order mark is skipped; blank lines only at the end).
 */
#ifndef DATA_CSV_TEXT_H
#define DATA_CSV_TEXT_H

#include "mml/base.h"

typedef struct {
    const char  *path;               /* for messages                                */
    i64          columns, rows;
    const char **names;              /* [columns] of the header, or NULL; in arena  */
    double      *cells;              /* [rows, columns], finite; the caller frees   */
    i64         *lines;              /* [rows] where each row starts, from 1; the caller frees */
} CsvTable;

/* text[length] == 0. header: the first row holds names, whatever they look
 * like. Names and nothing else are in arena. Fails with MML_EDATA naming file,
 * line and column: no rows, ragged rows, text, NaN and infinity, an open quote.
 * On failure nothing is left to free. */
Status mml_csv_parse(const char *path, const char *text, i64 length, int header, MmlArena *arena, CsvTable *out);

#endif
