#define _GNU_SOURCE                  /* strtod_l */
#include "data/csv_text.h"
#include "data/csv_cells.h"
#include "data/file.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef struct {
    CsvReader text;
    locale_t  locale;                /* "C": a decimal point, whatever the user's   */
    double   *row;                   /* [columns] cells                             */
    const CsvSink *sink;
} Reader;

/* ---- Numbers ---- */

static Status refuse(const Reader *r, i64 line, i64 column, const CsvCell *cell, const char *why) {
    int shown = cell->end - cell->begin > 40 ? 40 : (int)(cell->end - cell->begin);
    return mml_fail(MML_EDATA, "%s:%lld: column %lld: %s '%.*s'", r->text.path, (long long)line, (long long)column, why, shown,
                    cell->begin);
}

static int is_word(const CsvCell *cell, const char *const *words) {
    const char *begin = cell->begin;
    if (begin < cell->end && (*begin == '-' || *begin == '+')) begin++;
    for (; *words; words++)
        if ((size_t)(cell->end - begin) == strlen(*words) && strncasecmp(begin, *words, strlen(*words)) == 0) return 1;
    return 0;
}

static Status number(const Reader *r, i64 line, i64 column, CsvCell *cell, double *out) {
    static const char *const not_numbers[] = { "nan", "na", "n/a", "null", NULL };
    static const char *const infinities[] = { "inf", "infinity", NULL };
    while (cell->begin < cell->end && mml_csv_blank(*cell->begin)) cell->begin++;
    while (cell->begin < cell->end && mml_csv_blank(cell->end[-1])) cell->end--;
    if (cell->begin == cell->end)
        return mml_fail(MML_EDATA, "%s:%lld: column %lld: the cell is empty", r->text.path, (long long)line, (long long)column);
    if (is_word(cell, not_numbers)) return refuse(r, line, column, cell, "missing value");
    if (is_word(cell, infinities)) return refuse(r, line, column, cell, "infinite value");
    for (const char *c = cell->begin; c < cell->end; c++)
        if (!*c || !strchr("0123456789+-.eE", *c)) return refuse(r, line, column, cell, "not a number:");
    char *end = NULL;
    *out = strtod_l(cell->begin, &end, r->locale);
    if (end != cell->end) return refuse(r, line, column, cell, "not a number:");
    if (!isfinite(*out) || fabs(*out) > (double)FLT_MAX)
        return refuse(r, line, column, cell, "too large for a single-precision number:");
    return MML_OK;
}

/* ---- Class names ---- */

enum { SLOTS = 1 << 15 };

/* Whether a cell is a number as strtod reads it. */
static int is_number(const Reader *r, const CsvCell *cell) {
    char *end = NULL;
    strtod_l(cell->begin, &end, r->locale);
    return end == cell->end && cell->begin < cell->end;
}

/* The slot that holds the name, or the free one where it belongs. */
static i32 *slot_of(const CsvClasses *classes, const char *name) {
    u64 hash = 0xcbf29ce484222325u;                    /* FNV-1a */
    for (const char *c = name; *c; c++) hash = (hash ^ (u8)*c) * 0x100000001b3u;
    i32 *slot = &classes->slots[hash % SLOTS];
    while (*slot && strcmp(classes->names[*slot - 1], name) != 0)
        slot = slot == &classes->slots[SLOTS - 1] ? classes->slots : slot + 1;
    return slot;
}

static Status open_classes(CsvClasses *classes, MmlArena *arena) {
    if (classes->slots) return MML_OK;
    classes->slots = MML_NEW(arena, i32, SLOTS);
    classes->names = MML_NEW(arena, const char *, CSV_CLASSES);
    return classes->slots && classes->names ? MML_OK : MML_ENOMEM;
}

Status mml_csv_classes_take(CsvClasses *classes, i64 count, const char *const *names, MmlArena *arena) {
    if (count > classes->count) MML_TRY(open_classes(classes, arena));
    for (; classes->count < count; classes->count++) {
        classes->names[classes->count] = names[classes->count];
        *slot_of(classes, names[classes->count]) = (i32)classes->count + 1;
    }
    return MML_OK;
}

static Status class_of(const Reader *r, i64 line, i64 column, CsvCell *cell, CsvClasses *classes, MmlArena *arena, double *out) {
    static const char *const missing[] = { "nan", "na", "n/a", "null", NULL };
    if (cell->begin == cell->end)
        return mml_fail(MML_EDATA, "%s:%lld: column %lld: the label is empty", r->text.path, (long long)line, (long long)column);
    if (is_word(cell, missing)) return refuse(r, line, column, cell, "missing label");
    if (memchr(cell->begin, 0, (size_t)(cell->end - cell->begin)))
        return mml_fail(MML_EDATA, "%s:%lld: column %lld: a zero byte in a label; is this a text file?", r->text.path, (long long)line,
                        (long long)column);
    MML_TRY(open_classes(classes, arena));
    MmlArenaMark mark = mml_arena_mark(arena);
    char *name = mml_csv_unquoted(cell, arena);
    if (!name) return MML_ENOMEM;
    i32 *slot = slot_of(classes, name);
    if (*slot) mml_arena_release(arena, mark);
    else if (classes->closed)
        return mml_fail(MML_EDATA, "%s:%lld: column %lld: the class '%s' does not occur in '%s'", r->text.path, (long long)line,
                        (long long)column, name, classes->first);
    else if (classes->count == CSV_CLASSES)
        return mml_fail(MML_EDATA, "%s:%lld: column %lld has more than %d different labels; is it the label? label = \"NAME\" names another column",
                        r->text.path, (long long)line, (long long)column, CSV_CLASSES);
    else {
        classes->names[classes->count++] = name;
        *slot = (i32)classes->count;
    }
    *out = *slot - 1;
    return MML_OK;
}

/* ---- Rows ---- */

static Status read_header(Reader *r, i64 columns, MmlArena *arena, CsvTable *out) {
    out->names = MML_NEW(arena, const char *, columns);
    if (!out->names) return MML_ENOMEM;
    for (i64 i = 0; i < columns; i++) {
        CsvCell cell;
        CsvCellEnd end;
        MML_TRY(mml_csv_cell(&r->text, i + 1, &cell, &end));
        mml_csv_trim(&cell);
        out->names[i] = mml_csv_unquoted(&cell, arena);
        if (!out->names[i]) return MML_ENOMEM;
    }
    return MML_OK;
}

static Status make_room(CsvTable *table, i64 *capacity) {
    if (table->rows < *capacity) return MML_OK;
    i64 larger = *capacity ? 2 * *capacity : 256;
    i64 *lines = realloc(table->lines, sizeof *lines * (size_t)larger);
    if (lines) table->lines = lines;
    if (!lines) return mml_fail(MML_ENOMEM, "no memory for the rows of '%s'", table->path);
    *capacity = larger;
    return MML_OK;
}

static Status read_row(Reader *r, CsvTable *table, int header, const CsvLabel *label, MmlArena *arena) {
    i64 line = r->text.line, found = 0;
    MML_TRY(mml_csv_columns(r->text, &found));
    if (found != table->columns)
        return mml_fail(MML_EDATA, "%s:%lld: %lld cells where the %s has %lld", r->text.path, (long long)line,
                        (long long)found, header ? "header" : "first row", (long long)table->columns);
    for (i64 i = 0; i < table->columns; i++) {
        CsvCell cell;
        CsvCellEnd end;
        MML_TRY(mml_csv_cell(&r->text, i + 1, &cell, &end));
        if (i == table->label) {
            mml_csv_trim(&cell);
            if (table->rows == 0) table->named = !is_number(r, &cell);
        }
        if (i == table->label && table->named) MML_TRY(class_of(r, line, i + 1, &cell, label->classes, arena, &r->row[i]));
        else MML_TRY(number(r, line, i + 1, &cell, &r->row[i]));
    }
    table->lines[table->rows++] = line;
    return r->sink->row(r->sink->context, table, r->row);
}

static Status read_rows(Reader *r, int header, const CsvLabel *label, MmlArena *arena, CsvTable *table) {
    if (mml_csv_only_blank(&r->text)) return mml_fail(MML_EDATA, "'%s' is empty", r->text.path);
    MML_TRY(mml_csv_columns(r->text, &table->columns));
    if (header) MML_TRY(read_header(r, table->columns, arena, table));
    if (label) MML_TRY(label->column(label->context, table, &table->label));
    r->row = malloc(sizeof *r->row * (size_t)table->columns);
    if (!r->row) return mml_fail(MML_ENOMEM, "no memory for a row of '%s'", table->path);
    i64 capacity = 0;
    while (!mml_csv_only_blank(&r->text)) {
        if (mml_csv_row_ends(&r->text)) return mml_fail(MML_EDATA, "%s:%lld: a blank line between rows", r->text.path,
                            (long long)r->text.line);
        if (table->rows % 256 == 0) MML_TRY(mml_data_go_on());
        MML_TRY(make_room(table, &capacity));
        MML_TRY(read_row(r, table, header, label, arena));
    }
    if (table->rows == 0) return mml_fail(MML_EDATA, "'%s' has no samples: there is nothing below its header", r->text.path);
    return MML_OK;
}

Status mml_csv_parse(const char *path, const char *text, i64 length, int header, const CsvLabel *label, const CsvSink *sink,
                     MmlArena *arena, CsvTable *out) {
    *out = (CsvTable){ .path = path, .label = -1 };
    Reader r = { mml_csv_reader(path, text, length), newlocale(LC_ALL_MASK, "C", (locale_t)0), NULL, sink };
    if (!r.locale) return mml_fail(MML_ENOMEM, "no memory to read '%s'", path);
    Status status = read_rows(&r, header, label, arena, out);
    freelocale(r.locale);
    free(r.row);
    if (status != MML_OK) {
        free(out->lines);
        out->lines = NULL;
    }
    return status;
}
