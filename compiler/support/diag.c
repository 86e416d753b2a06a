#include "support/diag.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "support/diag_records.h"

static const DiagEntry catalogue[] = {
#define DIAGNOSTIC(code, title, meaning, wrong, right) [code] = {#code, title, meaning, wrong, right},
#include "support/diagnostics_syntax.def"
#include "support/diagnostics_declarations.def"
#include "support/diagnostics_values.def"
#include "support/diagnostics_codegen.def"
#undef DIAGNOSTIC
    [DIAGNOSTIC_COUNT] = {NULL, NULL, NULL, NULL, NULL},
};

/* More than anyone reads; what comes after is counted. */
enum { MOST_KEPT = 1000 };

struct Diagnostics {
    Arena *arena;
    VECTOR(Diagnostic *) all;
    VECTOR(const Source *) sources;
    int errors, warnings, left_out;
};

Diagnostics *diagnostics_new(Arena *arena) {
    Diagnostics *d = NEW(arena, Diagnostics);
    d->arena = arena;
    return d;
}

static int source_order(Diagnostics *d, const Source *source) {
    if (!source) return -1;
    for (int i = 0; i < d->sources.count; i++)
        if (d->sources.items[i] == source) return i;
    VECTOR_PUSH(d->arena, &d->sources, source);
    return d->sources.count - 1;
}

static int reported(const Diagnostics *d, DiagCode code, Span span) {
    for (int i = 0; i < d->all.count; i++) {
        const Diagnostic *other = d->all.items[i];
        if (other->code == code && other->span.source == span.source && other->span.begin == span.begin && span.source) return 1;
    }
    return 0;
}

Diagnostic *diag(Diagnostics *d, DiagCode code, Span span, const char *format, ...) {
    if (d->all.count < MOST_KEPT && reported(d, code, span)) return NULL;
    if (catalogue[code].code[0] == 'W') d->warnings++;
    else d->errors++;
    if (d->all.count == MOST_KEPT) {
        d->left_out++;
        return NULL;
    }
    Diagnostic *diagnostic = NEW(d->arena, Diagnostic);
    va_list arguments;
    va_start(arguments, format);
    diagnostic->text = arena_vprintf(d->arena, format, arguments);
    va_end(arguments);
    diagnostic->code        = code;
    diagnostic->span        = span;
    diagnostic->last_remark = &diagnostic->remarks;
    diagnostic->order       = source_order(d, span.source);
    VECTOR_PUSH(d->arena, &d->all, diagnostic);
    return diagnostic;
}

static void remark(Diagnostics *d, Diagnostic *to, int help, Span span, const char *text) {
    Remark *added = NEW(d->arena, Remark);
    *added = (Remark){.help = help, .span = span, .text = text};
    *to->last_remark = added;
    to->last_remark  = &added->next;
}

void diag_note(Diagnostics *d, Diagnostic *to, Span span, const char *format, ...) {
    if (!to) return;
    va_list arguments;
    va_start(arguments, format);
    remark(d, to, 0, span, arena_vprintf(d->arena, format, arguments));
    va_end(arguments);
}

void diag_help(Diagnostics *d, Diagnostic *to, const char *format, ...) {
    if (!to) return;
    va_list arguments;
    va_start(arguments, format);
    remark(d, to, 1, (Span){0}, arena_vprintf(d->arena, format, arguments));
    va_end(arguments);
}

int diag_errors(const Diagnostics *d)   { return d->errors; }
int diag_warnings(const Diagnostics *d) { return d->warnings; }

int diag_has(const Diagnostics *d, DiagCode code) {
    for (int i = 0; i < d->all.count; i++)
        if (d->all.items[i]->code == code) return 1;
    return 0;
}

const char *diag_code_text(DiagCode code) { return catalogue[code].code; }

const DiagEntry *diag_entry(const char *code) {
    for (int i = 0; i < DIAGNOSTIC_COUNT; i++)
        if (strcmp(catalogue[i].code, code) == 0) return &catalogue[i];
    return NULL;
}

const char *diagnostic_severity(const Diagnostic *diagnostic) {
    return catalogue[diagnostic->code].code[0] == 'W' ? "warning" : "error";
}

/* By source, place, code: the same program gives the same text whatever order phases report in. */
static int by_place(const void *left, const void *right) {
    const Diagnostic *a = *(const Diagnostic *const *)left, *b = *(const Diagnostic *const *)right;
    if (a->order != b->order) return a->order < b->order ? -1 : 1;
    if (a->span.begin != b->span.begin) return a->span.begin < b->span.begin ? -1 : 1;
    if (a->code != b->code) return a->code < b->code ? -1 : 1;
    return strcmp(a->text, b->text);
}

void diag_print(const Diagnostics *d, FILE *out, DiagFormat format, int color) {
    if (d->all.count == 0) return;
    const Diagnostic **sorted = malloc((size_t)d->all.count * sizeof *sorted);
    if (!sorted) arena_exhausted((size_t)d->all.count * sizeof *sorted);
    memcpy(sorted, d->all.items, (size_t)d->all.count * sizeof *sorted);
    qsort(sorted, (size_t)d->all.count, sizeof *sorted, by_place);
    if (format == DIAG_JSON) diag_write_json(sorted, d->all.count, out);
    else diag_write_text(sorted, d->all.count, out, color);
    free(sorted);
    if (d->left_out && format == DIAG_TEXT) fprintf(out, "mmlc: note: %d further messages are left out\n", d->left_out);
}

void mml_ice_at(const char *file, int line, const char *format, ...) {
    const char *name = strrchr(file, '/');
    fprintf(stderr, "mmlc: internal error at %s:%d: ", name ? name + 1 : file, line);
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputs("\nThis is a bug in mmlc, not in your program. Please report it with this message, the program,\n"
          "the command line and the output of `mmlc --version`.\n", stderr);
    exit(70);
}
