/* Documentation: comments above and behind what they are about. */
#ifndef SYNTAX_DOCS_H
#define SYNTAX_DOCS_H

#include "syntax/parser.h"

/* The comment behind span on its last line (blanks, a comma or `;` may stand
 * between), or NULL. Without `#`; lines are joined by \n. */
const char *doc_behind(Parser *p, Span span);

/* The comment lines that end on the line above span, or NULL; span begins its line. */
const char *doc_above(Parser *p, Span span);

#endif
