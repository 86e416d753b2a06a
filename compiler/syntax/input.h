/* What a person types at the prompt, line by line. */
#ifndef SYNTAX_INPUT_H
#define SYNTAX_INPUT_H

#include "support/diag.h"
#include "syntax/ast.h"

typedef enum {
    INPUT_NOTHING,        /* blanks and comments                                              */
    INPUT_UNFINISHED,     /* only its end is missing: an open bracket, or a line that goes on */
    INPUT_DEFINITION,     /* use, param, policy …                                             */
    INPUT_BINDING,        /* NAME = EXPRESSION, let NAME = EXPRESSION                         */
    INPUT_EXPRESSION
} InputKind;

/* A longer input isn't waited for when its words can't be read: bytes that aren't a program come by the file. */
enum { LONG_INPUT = 8 * 1024 };

typedef struct {
    InputKind kind;
    int       open;           /* UNFINISHED: so many brackets are open, and only their ends can end it */
    Name      name;           /* of a binding                          */
    Span      name_span;
    uint32_t  value;          /* offset of a binding's expression      */
} Input;

/* The gates `and` and `or` are names here where no operator could stand: pid(and). */

/* Right or wrong: errors are for parse_file and parse_expression to report. */
Input input_classify(Arena *arena, Interner *names, const Source *source);

/* How many more brackets a line opens than it closes. *faulty: it has something that no program has. */
int input_opens(Arena *arena, Interner *names, const Source *line, int *faulty);

/* The expression from offset begin on; ERROR after errors (reported). */
Expr *input_expression(Arena *arena, Interner *names, Diagnostics *diagnostics, const Source *source, uint32_t begin);

#endif
