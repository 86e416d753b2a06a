#include <stdarg.h>
#include <string.h>

#include "support/diag_records.h"
#include "support/utf8.h"

/* Columns of a source line that are shown; longer lines are cut around the span. */
enum { SHOWN_COLUMNS = 120, SHOWN_BEFORE = 60, TAB_COLUMNS = 4 };

typedef struct { FILE *out; int color; } Writer;

static const char *const styles[] = {"\033[0m", "\033[1m", "\033[1;31m", "\033[1;35m", "\033[1;36m", "\033[1;32m", "\033[34m"};
typedef enum { PLAIN, BOLD, RED, MAGENTA, CYAN, GREEN, BLUE } Style;

__attribute__((format(printf, 3, 4)))
static void put(const Writer *w, Style style, const char *format, ...) {
    if (w->color && style) fputs(styles[style], w->out);
    va_list arguments;
    va_start(arguments, format);
    vfprintf(w->out, format, arguments);
    va_end(arguments);
    if (w->color && style) fputs(styles[PLAIN], w->out);
}

/* One character of a source line as shown: what isn't text (stray bytes, control
 * characters) becomes U+FFFD and a tab blanks, so that columns can be counted. */
typedef struct { const char *text; int bytes, shown_bytes, columns; } Glyph;

static Glyph glyph_at(const char *text, size_t length) {
    int     bytes;
    int32_t value = utf8_decode(text, length, &bytes);
    if (value == '\t') return (Glyph){"    ", 1, TAB_COLUMNS, TAB_COLUMNS};
    if (value < 0x20 || (value >= 0x7F && value < 0xA0)) return (Glyph){"\xEF\xBF\xBD", bytes, 3, 1};
    return (Glyph){text, bytes, bytes, utf8_columns(value)};
}

static int columns_of(const char *text, size_t length) {
    int columns = 0;
    for (size_t i = 0; i < length;) {
        Glyph glyph = glyph_at(text + i, length - i);
        columns += glyph.columns;
        i += (size_t)glyph.bytes;
    }
    return columns;
}

/* Writes the glyphs of a line that lie wholly in columns [first, last). */
static void put_columns(const Writer *w, const char *text, size_t length, int first, int last) {
    int column = 0;
    for (size_t i = 0; i < length && column < last;) {
        Glyph glyph = glyph_at(text + i, length - i);
        if (column >= first && column + glyph.columns <= last) fwrite(glyph.text, 1, (size_t)glyph.shown_bytes, w->out);
        else if (column + glyph.columns > first) fputc(' ', w->out);
        column += glyph.columns;
        i += (size_t)glyph.bytes;
    }
}

static void put_repeated(const Writer *w, char c, int times) {
    for (int i = 0; i < times; i++) fputc(c, w->out);
}

/* The source line of a span's beginning with a mark below it: ^ and ~ to the
 * span's end, or to the line's where the span goes on. */
static void put_excerpt(const Writer *w, Span span, Style style) {
    const Source *source = span.source;
    int line, column;
    source_position(source, span.begin, &line, &column);
    size_t start = source->lines[line - 1];
    size_t end   = line < source->line_count ? source->lines[line] - 1 : source->length;
    if (end > start && source->text[end - 1] == '\r') end--;
    const char *text = source->text + start;
    size_t length = end - start, begin = span.begin - start, stop = span.end > end ? length : span.end - start;
    if (begin > length) begin = length;
    if (stop < begin) stop = begin;

    int total = columns_of(text, length), from = columns_of(text, begin), marked = columns_of(text + begin, stop - begin);
    if (marked < 1) marked = 1;
    int first = 0, last = total;
    if (total > SHOWN_COLUMNS) {
        first = from > SHOWN_BEFORE ? from - SHOWN_BEFORE : 0;
        last  = first + SHOWN_COLUMNS < total ? first + SHOWN_COLUMNS : total;
    }
    if (from + marked > last && last < total) marked = last - from;

    put(w, BLUE, "%5d | ", line);
    if (first > 0) fputs("...", w->out);
    put_columns(w, text, length, first, last);
    if (last < total) fputs("...", w->out);
    put(w, BLUE, "\n      | ");
    put_repeated(w, ' ', from - first + (first > 0 ? 3 : 0));
    if (w->color) fputs(styles[style], w->out);
    fputc('^', w->out);
    put_repeated(w, '~', marked - 1);
    if (w->color) fputs(styles[PLAIN], w->out);
    fputc('\n', w->out);
}

static void put_place(const Writer *w, Span span) {
    if (!span.source) {
        put(w, BOLD, "mmlc: ");
        return;
    }
    int line, column;
    source_position(span.source, span.begin, &line, &column);
    put(w, BOLD, "%s:%d:%d: ", span.source->path, line, column);
}

static void put_diagnostic(const Writer *w, const Diagnostic *diagnostic) {
    const char *severity = diagnostic_severity(diagnostic);
    Style style = severity[0] == 'e' ? RED : MAGENTA;
    put_place(w, diagnostic->span);
    put(w, style, "%s[%s]: ", severity, diag_code_text(diagnostic->code));
    put(w, BOLD, "%s", diagnostic->text);
    fputc('\n', w->out);
    if (diagnostic->span.source) put_excerpt(w, diagnostic->span, style);
    for (const Remark *remark = diagnostic->remarks; remark; remark = remark->next) {
        if (remark->span.source) put_place(w, remark->span);
        else fputs("      = ", w->out);
        put(w, remark->help ? GREEN : CYAN, remark->help ? "help: " : "note: ");
        fprintf(w->out, "%s\n", remark->text);
        if (remark->span.source) put_excerpt(w, remark->span, CYAN);
    }
}

void diag_write_text(const Diagnostic *const *sorted, int count, FILE *out, int color) {
    Writer w = {out, color};
    for (int i = 0; i < count; i++) put_diagnostic(&w, sorted[i]);
}
