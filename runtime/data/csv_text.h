/* Numbers out of comma-separated text (RFC 4180: quoted cells, LF or CRLF; a
 * UTF-8 byte order mark is skipped; blank lines only at the end), and one column
 * of class names.
 */
#ifndef DATA_CSV_TEXT_H
#define DATA_CSV_TEXT_H

#include "mml/base.h"

/* Names of classes, numbered as they come; shared by several files. */
typedef struct {
    const char **names;              /* [count]; in arena                           */
    i64          count;
    int          closed;             /* 1: a name that isn't there is an error      */
    const char  *first;              /* the file that names them, for messages      */
    i32         *slots;              /* a hash table of numbers, from 1; in arena   */
} CsvClasses;

/* Takes over names that were numbered before: there are `count`, and those that classes has are the first of them. */
Status mml_csv_classes_take(CsvClasses *classes, i64 count, const char *const *names, MmlArena *arena);

/* More different names than this are no classes. */
#define CSV_CLASSES 10000

typedef struct CsvTable CsvTable;

/* Which column holds the label, asked when columns and names are known: -1 for none. */
typedef struct {
    Status    (*column)(const void *context, const CsvTable *table, i64 *out);
    const void *context;
    CsvClasses *classes;
} CsvLabel;

/* What becomes of the rows: each as it is read, cells [table->columns], all finite. */
typedef struct {
    Status    (*row)(void *context, const CsvTable *table, const double *cells);
    void       *context;
} CsvSink;

struct CsvTable {
    const char  *path;               /* for messages                                */
    i64          columns, rows;
    const char **names;              /* [columns] of the header, or NULL; in arena  */
    i64         *lines;              /* [rows] where each row starts, from 1; the caller frees */
    i64          label;              /* its column, or -1                           */
    int          named;              /* 1: the label's cells are numbers of classes */
};

/* text[length] == 0. header: the first row holds names, whatever they look
 * like. A label column whose first cell is no number holds the names of classes, all
 * of it; label may be NULL. Names and nothing else are in arena. Fails as sink does, and with MML_EDATA naming file,
 * line and column: no rows, ragged rows, text, NaN and infinity, an open quote.
 * On failure nothing is left to free. */
Status mml_csv_parse(const char *path, const char *text, i64 length, int header, const CsvLabel *label, const CsvSink *sink,
                     MmlArena *arena, CsvTable *out);

#endif
