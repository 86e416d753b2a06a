/* The one layout of a program (`mmlc fmt`).
 *
 * Two blanks a level, a statement a line, one blank line at most in a row, lines of at
 * most 120 columns where a break is possible. `=` (or the `:` of a type) stands in one
 * column in neighbouring properties, params, states, lets and assignments, and so
 * do the comments behind neighbouring lines. What stays as the author has it: comments,
 * blank lines, the places inside a statement where a line is broken (but not their
 * indentation), a block of one simple statement on the line of its head, and parentheses.
 *
 * The result parses to the same tree, documentation included, and its comments are the
 * same in the same order: both are checked here, and a difference ends the process as a
 * bug (mml_ice). Formatting a second time changes nothing.
 */
#ifndef SYNTAX_FORMAT_H
#define SYNTAX_FORMAT_H

#include "support/diag.h"
#include "support/intern.h"

/* The formatted text, NUL behind its *length bytes; NULL when source has errors
 * (reported in diagnostics). */
const char *format_source(Arena *arena, Interner *names, Diagnostics *diagnostics, const Source *source, size_t *length);

#endif
