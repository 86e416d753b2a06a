/* The tokens of a program without its line breaks, and what stands between them.
 *
 * A comment belongs to the gap before a token. One in front of a comma is moved behind
 * it, one in front of `{` into the block, and a comma behind the last argument is left
 * out, with its comments going to the gap it leaves. So the first comment of a gap stands either behind the token before
 * (behind) or, as all others, on a line of its own.
 */
#ifndef SYNTAX_FORMAT_TOKENS_H
#define SYNTAX_FORMAT_TOKENS_H

#include "syntax/parser.h"

typedef struct { const char *text; int blank_before; } Remark;       /* with its `#`, without blanks at its end */

typedef struct {
    int         kind;             /* TOK_…; the last one is TOK_YYEOF                         */
    const char *text;             /* of a number with a unit: one blank between them          */
    int         length;
    int         ends;             /* a statement ends behind it                               */
    int         broken;           /* the author broke the line before it                      */
    int         blank_before;     /* … and left a line blank                                  */
    int         behind;           /* its first remark stands behind the token before          */
    int         remarks;          /* how many stand in the gap before it, from first_remark   */
    int         first_remark;
} Item;

typedef struct {
    VECTOR(Item)   items;
    VECTOR(Remark) remarks;
} Items;

/* p has tokens of a program without errors. */
Items format_items(Parser *p);

#endif
