/* The CSV form of pid_input.h: RFC 4180 quoting, LF, CRLF or CR, empty lines
 * skipped, read as a stream. */
#include "driver/pid_input.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "driver/pid_values.h"

#define END (-1)
#define LONGEST_VALUE ((size_t)1 << 16)

typedef struct {
    const PidFile *file;                       /* its text is what has been read of the stream */
    char   *buffer;
    const char *at, *end;
    FILE   *stream;
    i64     line;
    int     separator;                         /* behind the last value: ',', '\n' or END */
    char   *value[PID_COLUMNS + 1];            /* [LONGEST_VALUE + 1]; the last takes what is too much */
    size_t  length[PID_COLUMNS + 1];
} Scanner;

/* ---- Characters ---- */

static int refill(Scanner *scanner) {
    if (!scanner->stream) return 0;
    size_t size = fread(scanner->buffer, 1, PID_FIRST_BYTES, scanner->stream);
    scanner->at = scanner->buffer;
    scanner->end = scanner->buffer + size;
    if (size == 0) scanner->stream = NULL;
    return size > 0;
}

static int peek(Scanner *scanner) {
    return scanner->at < scanner->end || refill(scanner) ? (unsigned char)*scanner->at : END;
}

static int take(Scanner *scanner) {
    int c = peek(scanner);
    scanner->at += c != END;
    return c;
}

static int is_blank(int c) { return c == ' ' || c == '\t'; }
static int ends_value(int c) { return c == ',' || c == '\n' || c == '\r' || c == END; }

static void skip_blanks(Scanner *scanner) {
    while (is_blank(peek(scanner))) scanner->at++;
}

/* ---- Values and rows ---- */

static Status append(Scanner *scanner, int column, int c) {
    if (c == 0)
        return mml_fail(MML_EDATA, "%s:%lld: a NUL character; this is neither JSON, CSV text nor .npy", scanner->file->path,
                        (long long)scanner->line);
    if (scanner->length[column] == LONGEST_VALUE)
        return mml_fail(MML_EDATA, "%s:%lld: a value of more than %zu bytes", scanner->file->path, (long long)scanner->line, LONGEST_VALUE);
    scanner->value[column][scanner->length[column]++] = (char)c;
    return MML_OK;
}

static Status read_quoted(Scanner *scanner, int column) {
    i64 line = scanner->line;
    take(scanner);
    for (;;) {
        int c = take(scanner);
        if (c == END)
            return mml_fail(MML_EDATA, "%s:%lld: a quoted value has no closing quote", scanner->file->path, (long long)line);
        if (c == '"' && peek(scanner) != '"') break;
        if (c == '"') take(scanner);
        scanner->line += c == '\n';
        MML_TRY(append(scanner, column, c));
    }
    skip_blanks(scanner);
    if (ends_value(peek(scanner))) return MML_OK;
    return mml_fail(MML_EDATA, "%s:%lld: text behind a closing quote", scanner->file->path, (long long)scanner->line);
}

static Status read_plain(Scanner *scanner, int column) {
    for (int c; !ends_value(c = peek(scanner)); scanner->at++) MML_TRY(append(scanner, column, c));
    while (scanner->length[column] > 0 && is_blank(scanner->value[column][scanner->length[column] - 1])) scanner->length[column]--;
    return MML_OK;
}

/* One value, blanks around it cut, and its separator. */
static Status read_value(Scanner *scanner, int column) {
    scanner->length[column] = 0;
    skip_blanks(scanner);
    MML_TRY(peek(scanner) == '"' ? read_quoted(scanner, column) : read_plain(scanner, column));
    scanner->value[column][scanner->length[column]] = 0;
    scanner->separator = take(scanner);
    if (scanner->separator == '\r') {
        if (peek(scanner) == '\n') scanner->at++;
        scanner->separator = '\n';
    }
    return MML_OK;
}

static Status read_row(Scanner *scanner) {
    i64 line = scanner->line;
    int count = 0;
    do MML_TRY(read_value(scanner, count < PID_COLUMNS ? count : PID_COLUMNS));
    while (count++, scanner->separator == ',');
    scanner->line++;
    if (count != PID_COLUMNS)
        return mml_fail(MML_EDATA, "%s:%lld: %d value%s; a row has three: x1,x2,y", scanner->file->path, (long long)line, count,
                        count == 1 ? "" : "s");
    return MML_OK;
}

/* Skips empty lines; 0 at the end of the text. */
static int next_row(Scanner *scanner) {
    int c;
    while ((c = peek(scanner)) == '\n' || c == '\r') {
        scanner->at++;
        if (c == '\r' && peek(scanner) == '\n') scanner->at++;
        scanner->line++;
    }
    return c != END;
}

/* x,y,label: the last column says by its name that it is the label, so that `y` before it is a source. */
static int is_label_name(const char *name) {
    static const char *const names[] = {"label", "class", "target"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(name, names[i]) == 0) return 1;
    return 0;
}

/* column[c]: which of x1, x2, y the c-th column is. */
static Status read_header(Scanner *scanner, int column[PID_COLUMNS]) {
    int numbers = 0, known = 0, seen[PID_COLUMNS] = {0};
    i64 line = scanner->line;
    MML_TRY(read_row(scanner));
    for (int c = 0; c < PID_COLUMNS; c++) {
        column[c] = c;
        numbers += pid_is_number(scanner->value[c]);
        for (int n = 0; n < PID_COLUMNS; n++)
            if (strcasecmp(scanner->value[c], PID_COLUMN_NAMES[n]) == 0 && !seen[n]++) known++;
    }
    if (numbers == PID_COLUMNS)
        return mml_fail(MML_EDATA, "%s:%lld: the header is missing; the first line names the columns: x1,x2,y",
                        scanner->file->path, (long long)line);
    for (int c = 0; c < PID_COLUMNS && !is_label_name(scanner->value[PID_COLUMNS - 1]); c++)
        for (int n = 0; n < PID_COLUMNS; n++) {
            if (strcasecmp(scanner->value[c], PID_COLUMN_NAMES[n]) != 0) continue;
            if (known < PID_COLUMNS && c != n)
                return mml_fail(MML_EDATA, "%s:%lld: column %d is called %s; rename it, or name all three x1, x2 and y",
                                scanner->file->path, (long long)line, c + 1, scanner->value[c]);
            column[c] = n;
        }
    return MML_OK;
}

static int is_missing(const char *value) {
    return !*value || strcasecmp(value + (*value == '-' || *value == '+'), "nan") == 0;
}

static Status read_rows(Scanner *scanner, PidSamples *samples) {
    int column[PID_COLUMNS];
    if (!next_row(scanner)) return mml_fail(MML_EDATA, "%s is empty", scanner->file->path);
    MML_TRY(read_header(scanner, column));
    while (next_row(scanner)) {
        const char *text[PID_COLUMNS];
        size_t length[PID_COLUMNS];
        i64 line = scanner->line;
        MML_TRY(read_row(scanner));
        for (int c = 0; c < PID_COLUMNS; c++) {
            const char *value = text[column[c]] = scanner->value[c];
            length[column[c]] = scanner->length[c];
            if (is_missing(value))
                return mml_fail(MML_EDATA, "%s:%lld: %s is %s", scanner->file->path, (long long)line, PID_COLUMN_NAMES[column[c]],
                                *value ? value : "empty");
        }
        MML_TRY(pid_samples_add(samples, text, length));
    }
    if (samples->rows == 0) return mml_fail(MML_EDATA, "%s has a header but no sample", scanner->file->path);
    return MML_OK;
}

static Status scan(const PidFile *file, FILE *stream, MmlArena *arena, PidSamples *samples) {
    size_t mark = strncmp(file->text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    Scanner scanner = {.file = file, .at = file->text + mark, .end = file->text + file->size, .stream = stream, .line = 1,
                       .buffer = MML_NEW(arena, char, PID_FIRST_BYTES)};
    for (int c = 0; c <= PID_COLUMNS; c++)
        if (!(scanner.value[c] = MML_NEW(arena, char, LONGEST_VALUE + 1))) return MML_ENOMEM;
    if (!scanner.buffer) return MML_ENOMEM;
    MML_TRY(read_rows(&scanner, samples));
    return ferror(stream) ? mml_fail(MML_EIO, "cannot read %s: %s", file->path, strerror(errno)) : MML_OK;
}

Status pid_input_csv(const PidFile *file, FILE *stream, int bins, MmlArena *arena, PidInput *out) {
    out->items = MML_NEW(arena, PidDistribution, 1);
    if (!out->items) return MML_ENOMEM;
    out->count = 1;
    PidSamples samples = {.arena = arena, .most = bins};
    Status status = scan(file, stream, arena, &samples);
    if (status == MML_OK) status = pid_samples_table(&samples, file, arena, &out->items[0]);
    pid_samples_free(&samples);
    return status;
}
