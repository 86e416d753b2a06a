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

typedef struct {
    InputKind kind;
    int       open;           /* UNFINISHED: only a closing bracket can end it */
    Name      name;           /* of a binding                          */
    Span      name_span;
    uint32_t  value;          /* offset of a binding's expression      */
} Input;

/* The gates `and` and `or` are names here where no operator could stand: pid(and). */

/* Right or wrong: errors are for parse_file and parse_expression to report. */
Input input_classify(Arena *arena, Interner *names, const Source *source);

/* The expression from offset begin on; ERROR after errors (reported). */
Expr *input_expression(Arena *arena, Interner *names, Diagnostics *diagnostics, const Source *source, uint32_t begin);

#endif
