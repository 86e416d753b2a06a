/* Diagnostics: everything the compiler has to say to a user.
 *
 * A phase reports and goes on; what follows from an earlier error is not
 * reported (sema uses TYPE_ERROR for that). diag_print sorts by source and
 * place and writes all of them, in the format of the command-line contract.
 * The catalogue (diagnostics_*.def) has for each code a title, what it means,
 * and an example with its repair.
 */
#ifndef SUPPORT_DIAG_H
#define SUPPORT_DIAG_H

#include <stdio.h>
#include "support/source.h"

/* DIAGNOSTIC(code, title, meaning, wrong, right): E01xx syntax, E02xx declarations
 * and data, E03xx values, rules, encoders, E04xx code generation and system; W the
 * same for warnings. */
typedef enum {
#define DIAGNOSTIC(code, title, meaning, wrong, right) code,
#include "support/diagnostics_syntax.def"
#include "support/diagnostics_declarations.def"
#include "support/diagnostics_values.def"
#include "support/diagnostics_codegen.def"
#undef DIAGNOSTIC
    DIAGNOSTIC_COUNT
} DiagCode;

typedef struct Diagnostics Diagnostics;
typedef struct Diagnostic  Diagnostic;

Diagnostics *diagnostics_new(Arena *arena);

/* An error or (code W…) a warning at span. The text says what is wrong in one
 * sentence without a final stop. A second diagnostic with the same code at the
 * same place is dropped; behind the first thousand all are only counted. */
Diagnostic *diag(Diagnostics *d, DiagCode code, Span span, const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Adds "note: …" with its own place (span.source NULL: none), or "help: …". NULL diagnostic is fine. */
void diag_note(Diagnostics *d, Diagnostic *to, Span span, const char *format, ...)  __attribute__((format(printf, 4, 5)));
void diag_help(Diagnostics *d, Diagnostic *to, const char *format, ...)             __attribute__((format(printf, 3, 4)));

int  diag_errors(const Diagnostics *d);
int  diag_warnings(const Diagnostics *d);
int  diag_has(const Diagnostics *d, DiagCode code);        /* was this one reported? */

typedef enum { DIAG_TEXT, DIAG_JSON } DiagFormat;
void diag_print(const Diagnostics *d, FILE *out, DiagFormat format, int color);

/* "E0203" and the catalogue's row. NULL for an unknown code. */
const char *diag_code_text(DiagCode code);
typedef struct { const char *code, *title, *meaning, *wrong, *right; } DiagEntry;
const DiagEntry *diag_entry(const char *code);

/* A broken invariant of the compiler itself: says so with file and line, asks
 * for a report, exits with 70. */
_Noreturn void mml_ice_at(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));
#define mml_ice(...) mml_ice_at(__FILE__, __LINE__, __VA_ARGS__)

#endif
