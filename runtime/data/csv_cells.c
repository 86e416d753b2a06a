#include "data/csv_cells.h"

#include <string.h>

CsvReader mml_csv_reader(const char *path, const char *text, i64 length) {
    int mark = length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0;
    return (CsvReader){ path, text + (mark ? 3 : 0), text + length, 1 };
}

int mml_csv_blank(char c) { return c == ' ' || c == '\t'; }

int mml_csv_row_ends(const CsvReader *r) {
    return r->at == r->end || *r->at == '\n' || (*r->at == '\r' && (r->at + 1 == r->end || r->at[1] == '\n'));
}

static Status quoted_cell(CsvReader *r, i64 column, CsvCell *cell) {
    i64 first_line = r->line;
    cell->quoted = 1;
    cell->begin = ++r->at;
    for (; r->at < r->end; r->at++) {
        if (*r->at == '\n') r->line++;
        if (*r->at != '"') continue;
        if (r->at + 1 < r->end && r->at[1] == '"') {
            cell->doubled = 1;
            r->at++;
            continue;
        }
        cell->end = r->at++;
        while (r->at < r->end && mml_csv_blank(*r->at)) r->at++;
        if (mml_csv_row_ends(r) || *r->at == ',') return MML_OK;
        return mml_fail(MML_EDATA, "%s:%lld: column %lld: text behind the closing quote", r->path, (long long)r->line,
                        (long long)column);
    }
    return mml_fail(MML_EDATA, "%s:%lld: column %lld: the quote is never closed", r->path, (long long)first_line,
                    (long long)column);
}

Status mml_csv_cell(CsvReader *r, i64 column, CsvCell *cell, CsvCellEnd *end) {
    *cell = (CsvCell){ 0 };
    const char *start = r->at;
    while (r->at < r->end && mml_csv_blank(*r->at)) r->at++;
    if (r->at < r->end && *r->at == '"') {
        MML_TRY(quoted_cell(r, column, cell));
    } else {
        r->at = start;
        cell->begin = start;
        while (!mml_csv_row_ends(r) && *r->at != ',') r->at++;
        cell->end = r->at;
    }
    if (r->at < r->end && *r->at == ',') {
        r->at++;
        *end = CSV_CELL_MORE;
        return MML_OK;
    }
    *end = CSV_CELL_LAST;
    if (r->at < r->end && *r->at == '\r') r->at++;
    if (r->at < r->end) r->at++;
    r->line++;
    return MML_OK;
}

char *mml_csv_unquoted(const CsvCell *cell, MmlArena *arena) {
    char *text = MML_NEW(arena, char, cell->end - cell->begin + 1);
    if (!text) return NULL;
    char *out = text;
    for (const char *c = cell->begin; c < cell->end; c++) {
        *out++ = *c;
        if (cell->doubled && *c == '"') c++;
    }
    *out = 0;
    return text;
}

void mml_csv_trim(CsvCell *cell) {
    while (!cell->quoted && cell->begin < cell->end && mml_csv_blank(*cell->begin)) cell->begin++;
    while (!cell->quoted && cell->begin < cell->end && mml_csv_blank(cell->end[-1])) cell->end--;
}

Status mml_csv_columns(CsvReader r, i64 *columns) {
    CsvCellEnd end = CSV_CELL_MORE;
    for (*columns = 0; end == CSV_CELL_MORE; ++*columns) {
        CsvCell cell;
        MML_TRY(mml_csv_cell(&r, *columns + 1, &cell, &end));
    }
    return MML_OK;
}

int mml_csv_only_blank(const CsvReader *r) {
    for (const char *c = r->at; c < r->end; c++)
        if (*c != '\n' && *c != '\r' && !mml_csv_blank(*c)) return 0;
    return 1;
}

/* ---- Tables of texts ---- */

static Status read_cells(CsvReader *r, i64 columns, const char **cells, MmlArena *arena) {
    i64 line = r->line, found = 0;
    MML_TRY(mml_csv_columns(*r, &found));
    if (found != columns)
        return mml_fail(MML_EDATA, "%s:%lld: %lld cells where the first row has %lld", r->path, (long long)line, (long long)found,
                        (long long)columns);
    for (i64 i = 0; i < columns; i++) {
        CsvCell cell;
        CsvCellEnd end;
        MML_TRY(mml_csv_cell(r, i + 1, &cell, &end));
        mml_csv_trim(&cell);
        if (memchr(cell.begin, 0, (size_t)(cell.end - cell.begin)))
            return mml_fail(MML_EDATA, "%s:%lld: column %lld: a zero byte; is this a text file?", r->path, (long long)line,
                            (long long)i + 1);
        cells[i] = mml_csv_unquoted(&cell, arena);
        if (!cells[i]) return MML_ENOMEM;
    }
    return MML_OK;
}

/* Room for one more row, twice as much each time. */
static Status make_room(CsvTexts *table, i64 *capacity, MmlArena *arena) {
    if (table->rows < *capacity) return MML_OK;
    i64 larger = *capacity ? 2 * *capacity : 256, width = table->columns;
    const char **cells = MML_NEW(arena, const char *, larger * width);
    i64 *lines = MML_NEW(arena, i64, larger);
    if (!cells || !lines) return MML_ENOMEM;
    if (table->rows) memcpy(cells, table->cells, sizeof *cells * (size_t)(table->rows * width));
    if (table->rows) memcpy(lines, table->lines, sizeof *lines * (size_t)table->rows);
    table->cells = cells;
    table->lines = lines;
    *capacity = larger;
    return MML_OK;
}

Status mml_csv_texts(const char *path, const char *text, i64 length, int header, MmlArena *arena, CsvTexts *out) {
    *out = (CsvTexts){ .path = path };
    CsvReader r = mml_csv_reader(path, text, length);
    i64 capacity = 0;
    if (mml_csv_only_blank(&r)) return mml_fail(MML_EDATA, "'%s' is empty", path);
    MML_TRY(mml_csv_columns(r, &out->columns));
    if (header) {
        out->names = MML_NEW(arena, const char *, out->columns);
        if (!out->names) return MML_ENOMEM;
        MML_TRY(read_cells(&r, out->columns, out->names, arena));
    }
    while (!mml_csv_only_blank(&r)) {
        if (mml_csv_row_ends(&r)) return mml_fail(MML_EDATA, "%s:%lld: a blank line between rows", path, (long long)r.line);
        MML_TRY(make_room(out, &capacity, arena));
        out->lines[out->rows] = r.line;
        MML_TRY(read_cells(&r, out->columns, out->cells + out->rows * out->columns, arena));
        out->rows++;
    }
    return out->rows ? MML_OK : mml_fail(MML_EDATA, "'%s' has no samples: there is nothing below its header", path);
}

i64 mml_csv_column(const CsvTexts *table, const char *name) {
    for (i64 i = 0; table->names && i < table->columns; i++)
        if (strcmp(table->names[i], name) == 0) return i;
    return -1;
}
