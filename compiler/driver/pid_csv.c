/* The CSV form of pid_input.h: RFC 4180 quoting, LF or CRLF, empty lines skipped. */
#include "driver/pid_input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define COLUMNS 3

static const char *const NAMES[COLUMNS] = {"x1", "x2", "y"};

typedef struct {
    const PidFile *file;
    char *at, *end;          /* of a copy of the text: values are ended and unquoted in place */
    int   line;
    char  separator;         /* behind the last value: ',', '\n', '\r' or 0 at the end        */
} Scanner;

static int ends_value(char c) { return c == ',' || c == '\n' || c == '\r'; }

/* Text between quotes; *stop: behind the closing one. */
static Status read_quoted(Scanner *scanner, char **value, char **stop) {
    int line = scanner->line;
    char *from = *value + 1, *to = *value;
    for (; from < scanner->end && (*from != '"' || from[1] == '"'); from++) {
        from += *from == '"';
        scanner->line += *from == '\n';
        *to++ = *from;
    }
    if (from >= scanner->end) return mml_fail(MML_EDATA, "%s:%d: a quoted value has no closing quote", scanner->file->path, line);
    *to = 0;
    from++;
    while (*from == ' ' || *from == '\t') from++;
    if (from < scanner->end && !ends_value(*from))
        return mml_fail(MML_EDATA, "%s:%d: text behind a closing quote", scanner->file->path, scanner->line);
    *stop = from;
    return MML_OK;
}

/* One value, spaces around it cut, and its separator. */
static Status read_value(Scanner *scanner, char **value) {
    while (*scanner->at == ' ' || *scanner->at == '\t') scanner->at++;
    char *stop = *value = scanner->at;
    int quoted = *stop == '"';
    if (quoted) MML_TRY(read_quoted(scanner, value, &stop));
    while (!quoted && stop < scanner->end && !ends_value(*stop)) stop++;
    scanner->separator = stop < scanner->end ? *stop : 0;
    scanner->at = stop < scanner->end ? stop + 1 : stop;
    while (!quoted && stop > *value && (stop[-1] == ' ' || stop[-1] == '\t')) stop--;
    if (!quoted) *stop = 0;
    return MML_OK;
}

static Status read_row(Scanner *scanner, char *row[COLUMNS]) {
    int line = scanner->line, count = 0;
    do {
        char *value;
        MML_TRY(read_value(scanner, &value));
        if (count < COLUMNS) row[count] = value;
        count++;
    } while (scanner->separator == ',');
    if (scanner->separator == '\r' && *scanner->at == '\n') scanner->at++;
    scanner->line++;
    if (count != COLUMNS)
        return mml_fail(MML_EDATA, "%s:%d: %d value%s; a row has three: x1,x2,y", scanner->file->path, line, count, count == 1 ? "" : "s");
    return MML_OK;
}

/* Skips empty lines; 0 at the end of the text. */
static int next_row(Scanner *scanner) {
    while (scanner->at < scanner->end && (*scanner->at == '\n' || *scanner->at == '\r')) {
        scanner->line += *scanner->at == '\n' || scanner->at[1] != '\n';
        scanner->at++;
    }
    return scanner->at < scanner->end;
}

static int is_number(const char *text) {
    char *end;
    if (!*text) return 0;
    strtod(text, &end);
    return *end == 0;
}

/* column[c]: which of x1, x2, y the c-th column is. */
static Status read_header(Scanner *scanner, int column[COLUMNS]) {
    char *name[COLUMNS];
    int numbers = 0, known = 0, seen[COLUMNS] = {0};
    int line = scanner->line;
    MML_TRY(read_row(scanner, name));
    for (int c = 0; c < COLUMNS; c++) {
        column[c] = c;
        numbers += is_number(name[c]);
        for (int n = 0; n < COLUMNS; n++)
            if (strcasecmp(name[c], NAMES[n]) == 0 && !seen[n]++) known++;
    }
    if (numbers == COLUMNS)
        return mml_fail(MML_EDATA, "%s:%d: the header is missing; the first line names the columns: x1,x2,y",
                        scanner->file->path, line);
    for (int c = 0; c < COLUMNS && known == COLUMNS; c++)
        for (int n = 0; n < COLUMNS; n++)
            if (strcasecmp(name[c], NAMES[n]) == 0) column[c] = n;
    return MML_OK;
}

typedef struct { char **value[COLUMNS]; i64 count, room; } Rows;

static Status grow(Rows *rows, MmlArena *arena) {
    if (rows->count < rows->room) return MML_OK;
    rows->room = rows->room ? 2 * rows->room : 1024;
    for (int c = 0; c < COLUMNS; c++) {
        char **larger = MML_NEW(arena, char *, rows->room);
        if (!larger) return MML_ENOMEM;
        if (rows->count) memcpy(larger, rows->value[c], sizeof *larger * (size_t)rows->count);
        rows->value[c] = larger;
    }
    return MML_OK;
}

static Status read_rows(Scanner *scanner, Rows *rows, MmlArena *arena) {
    int column[COLUMNS];
    if (!next_row(scanner)) return mml_fail(MML_EDATA, "%s is empty", scanner->file->path);
    MML_TRY(read_header(scanner, column));
    while (next_row(scanner)) {
        char *row[COLUMNS];
        int line = scanner->line;
        MML_TRY(grow(rows, arena));
        MML_TRY(read_row(scanner, row));
        for (int c = 0; c < COLUMNS; c++) {
            if (!*row[c] || strcasecmp(row[c], "nan") == 0)
                return mml_fail(MML_EDATA, "%s:%d: %s is %s", scanner->file->path, line, NAMES[column[c]], *row[c] ? row[c] : "empty");
            rows->value[column[c]][rows->count] = row[c];
        }
        rows->count++;
    }
    if (rows->count == 0) return mml_fail(MML_EDATA, "%s has a header but no sample", scanner->file->path);
    return MML_OK;
}

/* ---- Values to bins ---- */

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static int by_number(const void *a, const void *b) {
    double x = strtod(*(char *const *)a, NULL), y = strtod(*(char *const *)b, NULL);
    return x != y ? (x > y) - (x < y) : by_text(a, b);
}

/* The distinct values in order; *compare finds them again. */
static char **distinct_values(char **value, i64 count, MmlArena *arena, int *bins, int (**compare)(const void *, const void *)) {
    char **sorted = MML_NEW(arena, char *, count);
    if (!sorted) return NULL;
    memcpy(sorted, value, sizeof *sorted * (size_t)count);
    int numbers = 1;
    for (i64 i = 0; i < count && numbers; i++) numbers = is_number(value[i]);
    *compare = numbers ? by_number : by_text;
    qsort(sorted, (size_t)count, sizeof *sorted, *compare);
    *bins = 0;
    for (i64 i = 0; i < count; i++)
        if (i == 0 || strcmp(sorted[i], sorted[*bins - 1]) != 0) sorted[(*bins)++] = sorted[i];
    return sorted;
}

/* Real numbers as they are make a bin of each sample, and a table that says nothing. */
#define FEW_SAMPLES 100
static void warn_of_unbinned(const PidFile *file, const Rows *rows, const int *bins) {
    static const char *const name[COLUMNS] = {"x1", "x2", "y"};
    for (int c = 0; c < COLUMNS; c++)
        if (rows->count >= FEW_SAMPLES && bins[c] > rows->count / 2)
            fprintf(stderr, "mmlc pid: warning: %s: %s has %d values in %lld rows, each a bin of its own; bin real numbers first\n",
                    file->path, name[c], bins[c], (long long)rows->count);
}

static Status count_rows(const PidFile *file, const Rows *rows, MmlArena *arena, PidDistribution *out) {
    char **values[COLUMNS];
    int bins[COLUMNS];
    int (*compare[COLUMNS])(const void *, const void *);
    for (int c = 0; c < COLUMNS; c++) {
        values[c] = distinct_values(rows->value[c], rows->count, arena, &bins[c], &compare[c]);
        if (!values[c]) return MML_ENOMEM;
        out->values[c] = (const char *const *)values[c];
    }
    warn_of_unbinned(file, rows, bins);
    i64 cells = (i64)bins[0] * bins[1];
    if (cells > ((i64)1 << 28) / bins[2])
        return mml_fail(MML_EDATA, "%s: %d, %d and %d distinct values of x1, x2 and y are too many for a table; bin them first",
                        file->path, bins[0], bins[1], bins[2]);
    double *count = MML_NEW(arena, double, cells * bins[2]);
    if (!count) return MML_ENOMEM;
    for (i64 i = 0; i < rows->count; i++) {
        i64 cell = 0;
        for (int c = 0; c < COLUMNS; c++) {
            char **found = bsearch(&rows->value[c][i], values[c], (size_t)bins[c], sizeof *values[c], compare[c]);
            cell = cell * bins[c] + (found - values[c]);
        }
        count[cell]++;
    }
    out->name = file->name;
    out->counted = 1;
    out->table = (MmlTable){.sources = 2, .bins = {bins[0], bins[1]}, .labels = bins[2], .p = count};
    return MML_OK;
}

Status pid_input_csv(const PidFile *file, MmlArena *arena, PidInput *out) {
    size_t mark = strncmp(file->text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    if (memchr(file->text, 0, file->size))
        return mml_fail(MML_EDATA, "%s is neither JSON, CSV text nor .npy", file->path);
    char *text = MML_NEW(arena, char, file->size + 1);
    if (!text) return MML_ENOMEM;
    memcpy(text, file->text, file->size);
    Scanner scanner = {.file = file, .at = text + mark, .end = text + file->size, .line = 1};
    Rows rows = {0};
    MML_TRY(read_rows(&scanner, &rows, arena));
    out->items = MML_NEW(arena, PidDistribution, 1);
    if (!out->items) return MML_ENOMEM;
    out->count = 1;
    return count_rows(file, &rows, arena, &out->items[0]);
}
