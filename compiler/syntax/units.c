#include "syntax/parse.h"

static const char *const units[] = {
    [UNIT_NONE] = "",
#define UNIT(text, unit) [unit] = text,
#include "../../grammar/tokens.def"
};

static const char *const ops[] = {
    [OP_NEG] = "-", [OP_NOT] = "not", [OP_MUL] = "*", [OP_DIV] = "/", [OP_INTDIV] = "div", [OP_MOD] = "mod",
    [OP_ADD] = "+", [OP_SUB] = "-", [OP_EQ] = "==", [OP_NE] = "!=", [OP_LT] = "<", [OP_LE] = "<=", [OP_GT] = ">",
    [OP_GE] = ">=", [OP_AND] = "and", [OP_OR] = "or", [OP_ARROW] = "->",
};

const char *unit_text(Unit unit) { return units[unit]; }
const char *op_text(Op op)       { return ops[op]; }
