#include "syntax/syntax_error.h"

#include <string.h>

/* After so many the file is hardly a program. */
enum { MOST_REPORTS = 100, LONGEST_QUOTED = 40 };

void token_set_add(TokenSet *set, int kind) {
    int bit = kind - TOK_START_FILE;
    if (bit >= 0) set->bits[bit / 64] |= (uint64_t)1 << bit % 64;
}

int token_set_has(const TokenSet *set, int kind) {
    int bit = kind - TOK_START_FILE;
    return bit >= 0 && (set->bits[bit / 64] >> bit % 64 & 1);
}

static void token_set_remove(TokenSet *set, int kind) {
    int bit = kind - TOK_START_FILE;
    if (bit >= 0) set->bits[bit / 64] &= ~((uint64_t)1 << bit % 64);
}

/* ---- What was expected, in words ---- */

enum { MOST_WITNESSES = 3, MOST_MEMBERS = 24 };

/* A group stands for its members when all witnesses are expected and absent is not. phrase
 * NULL: the members go without saying as long as something else is expected. */
typedef struct {
    const char *phrase;
    int witnesses[MOST_WITNESSES], absent;
    int members[MOST_MEMBERS];
} Group;

#define EXPRESSION_TOKENS TOK_NAME, TOK_INTEGER, TOK_REAL, TOK_STRING, TOK_TRUE, TOK_FALSE, TOK_OPEN, TOK_OPEN_LIST, TOK_MINUS, TOK_NOT, TOK_IN, TOK_IF

static const Group groups[] = {
    {"a definition", {TOK_PARAM, TOK_MODALITY}, 0,
     {TOK_USE, TOK_PARAM, TOK_DATA, TOK_MODALITY, TOK_TARGET, TOK_FUSION, TOK_TRAIN, TOK_ENCODER, TOK_POLICY, TOK_METHOD}},
    {"`state`, `let`, `requires`, `on …`, a property", {TOK_ON, TOK_REQUIRES}, 0,
     {TOK_STATE, TOK_WEIGHT, TOK_LET, TOK_REQUIRES, TOK_ON, TOK_NAME}},
    {"a statement", {TOK_LET, TOK_RETURN, TOK_FOR}, 0, {TOK_LET, TOK_RETURN, TOK_FOR, EXPRESSION_TOKENS}},
    {NULL, {TOK_INTEGER, TOK_THEN}, 0, {TOK_THEN}},                     /* the argument `then =` */
    {"a value", {TOK_INTEGER, TOK_STRING, TOK_OPEN}, 0, {EXPRESSION_TOKENS}},
    {"a property", {TOK_NAME, TOK_CLOSE_BLOCK}, TOK_INTEGER, {TOK_NAME}},
    {NULL, {TOK_CLOSE, TOK_COMMA, TOK_STAR}, 0, {TOK_ASSIGN}},
    {NULL, {TOK_CLOSE_LIST, TOK_COMMA, TOK_STAR}, 0, {TOK_ASSIGN}},
    {NULL, {TOK_STAR}, 0,
     {TOK_ARROW, TOK_PLUS, TOK_MINUS, TOK_STAR, TOK_SLASH, TOK_INTDIV, TOK_MOD, TOK_EQ, TOK_NE, TOK_LT, TOK_LE, TOK_GT, TOK_GE,
      TOK_AND, TOK_OR, TOK_OPEN, TOK_OPEN_LIST, TOK_DOT, TOK_COLON, TOK_IN, TOK_LIST_UNIT}},
    {NULL, {TOK_DOT, TOK_OPEN, TOK_OPEN_LIST}, 0, {TOK_DOT, TOK_OPEN, TOK_OPEN_LIST}},
};

static int applies(const Group *group, const TokenSet *set) {
    for (int i = 0; i < MOST_WITNESSES && group->witnesses[i]; i++)
        if (!token_set_has(set, group->witnesses[i])) return 0;
    return !token_set_has(set, group->absent);
}

static int is_empty(const TokenSet *set) { return !set->bits[0] && !set->bits[1]; }

/* The token's name; an expression of its own ends in its own way. */
static const char *name_of(const Parser *p, int kind) {
    return p->end_text && (kind == TOK_NEWLINE || kind == TOK_YYEOF) ? p->end_text : token_text(kind);
}

/* "a value", "`,` or `)`". */
static const char *expected_text(Parser *p, TokenSet set) {
    VECTOR(const char *) phrases = {0};
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        if (!applies(&groups[i], &set)) continue;
        TokenSet rest = set;
        for (int j = 0; j < MOST_MEMBERS && groups[i].members[j]; j++) token_set_remove(&rest, groups[i].members[j]);
        if (!groups[i].phrase && is_empty(&rest) && !phrases.count) continue;
        if (groups[i].phrase) VECTOR_PUSH(p->arena, &phrases, groups[i].phrase);
        set = rest;
    }
    for (int kind = TOK_START_FILE; kind <= TOK_REQUIRES; kind++)
        if (token_set_has(&set, kind)) VECTOR_PUSH(p->arena, &phrases, name_of(p, kind));
    const char *text = phrases.count ? phrases.items[0] : "the end of the file";
    for (int i = 1; i < phrases.count; i++)
        text = arena_printf(p->arena, "%s%s%s", text, i + 1 < phrases.count ? ", " : " or ", phrases.items[i]);
    return text;
}

/* ---- What was found ---- */

static const Token *token_at(const Parser *p, int index) {
    return &p->tokens.items[index < 0 ? 0 : index < p->tokens.count ? index : p->tokens.count - 1];
}

/* The filter's own line break before `}` or the end stands for what follows it. */
static const Token *found_token(const Parser *p) {
    const Token *token = token_at(p, p->next - 1);
    return token->kind == TOK_NEWLINE && token->span.begin == token->span.end ? token_at(p, p->next) : token;
}

static const char *found_text(Parser *p, const Token *token) {
    int length = (int)(token->span.end - token->span.begin);
    if (token->kind == TOK_NEWLINE && p->source->text[token->span.begin] == ';') return "`;`";
    if (token->kind == TOK_NEWLINE || token->kind == TOK_YYEOF || token->kind == TOK_STRING || length > LONGEST_QUOTED) return name_of(p, token->kind);
    return arena_printf(p->arena, "`%.*s`", length, p->source->text + token->span.begin);
}

/* ---- Frequent slips ---- */

/* Classes of tokens in the table of hints, below the tokens' own numbers. */
enum { ANY = 0, OPERAND = -1, COMPARISON = -2, RULE_WORD = -3, STATEMENT_WORD = -4, RESERVED_WORD = -5, UNIT_NAME = -6, PERCENTAGE = -7 };

typedef struct {
    int found, previous, expected, unexpected;     /* a token, a class, or ANY            */
    int misplaced;                                 /* 1: "… can't stand here"             */
    const char *help;
} Hint;

static const Hint hints[] = {
    {TOK_ASSIGN, TOK_NEWLINE, ANY, ANY, 0, "a line can't begin with `=`; put it at the end of the line before"},
    {TOK_ASSIGN, ANY, TOK_EQ, TOK_ASSIGN, 0, "to compare, write `==`"},
    {TOK_EQ, ANY, TOK_ASSIGN, TOK_EQ, 0, "to give a value, write `=`"},
    {TOK_COLON, ANY, TOK_ASSIGN, TOK_COLON, 0, "to give a value, write `=`"},
    {TOK_OPEN_BLOCK, ANY, TOK_THEN, ANY, 0, "an `if` that gives a value is written `if … then … else …`, without braces"},
    {TOK_ELSE, ANY, TOK_THEN, ANY, 0, "an `if` that gives a value is written `if … then … else …`"},
    {ANY, ANY, TOK_ELSE, TOK_NEWLINE, 0, "an `if` that gives a value needs both: `if … then … else …`"},
    {TOK_THEN, ANY, TOK_OPEN_BLOCK, ANY, 0, "as a statement, `if` is followed by a block: `if … { … }`"},
    {TOK_ELSE, ANY, ANY, TOK_ELSE, 0, "`else` stands behind the block of an `if` or the value of `if … then …`"},
    {TOK_OPEN_BLOCK, TOK_NAME, TOK_OPEN, TOK_OPEN_BLOCK, 0, "write `()` before the block, also where there are no arguments"},
    {TOK_STAGE, ANY, TOK_PARAM, ANY, 1, "stages stand in `train { … }`"},
    {TOK_STAGE, ANY, TOK_CLOSE_BLOCK, ANY, 1, "stages stand directly in `train { … }`"},
    {RULE_WORD, ANY, TOK_PARAM, ANY, 1, "it stands in the block of a policy or method"},
    {RULE_WORD, ANY, TOK_CLOSE_BLOCK, ANY, 1, "it stands directly in the block of a policy or method"},
    {STATEMENT_WORD, ANY, TOK_ON, ANY, 1, "statements stand in a handler: `on probe(p) { … }`"},
    {STATEMENT_WORD, ANY, TOK_PARAM, ANY, 1, "statements stand in encoders, policies and methods; a value of the whole file is a `param`"},
    {TOK_LET, ANY, TOK_PARAM, ANY, 1, "a value of the whole file is a `param`"},
    {STATEMENT_WORD, ANY, TOK_CLOSE_BLOCK, TOK_INTEGER, 1, "this block holds properties only: `name = value`, one a line"},
    {TOK_LET, ANY, TOK_CLOSE_BLOCK, TOK_INTEGER, 1, "this block holds properties only: `name = value`, one a line"},
    {RESERVED_WORD, ANY, TOK_NAME, TOK_INTEGER, 0, "this is a word of the language and can't be a name"},
    {TOK_LIST_UNIT, ANY, TOK_STAR, ANY, 0, "a unit stands only behind a number or a list of numbers; the remainder is `mod`"},
    {UNIT_NAME, ANY, TOK_STAR, ANY, 0, "a unit stands only behind a number or a list of numbers; with a param it is `2 * epochs`"},
    {OPERAND, PERCENTAGE, TOK_STAR, ANY, 0, "`%` behind a number is a unit; the remainder is `mod`"},
    {TOK_SEMICOLON, ANY, ANY, ANY, 0, "inside brackets a comma separates"},
    {TOK_COMMA, ANY, TOK_NEWLINE, TOK_COMMA, 0, "statements and properties are separated by line breaks or `;`"},
    {OPERAND, ANY, TOK_ASSIGN, TOK_STAR, 0, "a value follows `=`"},
    {OPERAND, ANY, TOK_COMMA, ANY, 0, "a comma may be missing before it"},
    {OPERAND, ANY, TOK_NEWLINE, ANY, 0, "a statement ends with its line or with `;`"},
};

static int is_reserved(int kind) {
    switch (kind) {
#define RESERVED(text, token) case token:
#include "../../grammar/tokens.def"
        return kind != TOK_REAL;
    default:
        return 0;
    }
}

static int belongs(const Token *token, int to) {
    int kind = token->kind;
    switch (to) {
    case ANY:            return 1;
    case OPERAND:        return kind == TOK_NAME || kind == TOK_INTEGER || kind == TOK_REAL || kind == TOK_STRING || kind == TOK_TRUE || kind == TOK_FALSE;
    case COMPARISON:     return kind >= TOK_EQ && kind <= TOK_GE;
    case RULE_WORD:      return kind == TOK_STATE || kind == TOK_WEIGHT || kind == TOK_ON || kind == TOK_REQUIRES;
    case STATEMENT_WORD: return kind == TOK_RETURN || kind == TOK_IF || kind == TOK_FOR;
    case RESERVED_WORD:  return is_reserved(kind);
    case PERCENTAGE:     return (kind == TOK_INTEGER || kind == TOK_REAL) && token->value.number.unit == UNIT_PERCENT;
    case UNIT_NAME:      return kind == TOK_NAME && unit_named(token->value.name, strlen(token->value.name));
    default:             return kind == to;
    }
}

static const Hint *hint_for(const Token *found, const Token *previous, const TokenSet *set) {
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++) {
        const Hint *hint = &hints[i];
        if (belongs(found, hint->found) && belongs(previous, hint->previous) && (!hint->expected || token_set_has(set, hint->expected)) &&
            (!hint->unexpected || !token_set_has(set, hint->unexpected)))
            return hint;
    }
    return NULL;
}

/* A name where a definition may start: a misspelt word, or a property outside its block. */
static void help_with_definition(Parser *p, Diagnostic *d, const Token *found) {
    static const char *const words[] = {
#define CONTEXTUAL(text, token) text,
#include "../../grammar/tokens.def"
    };
    const char *nearest = nearest_name(found->value.name, words, sizeof words / sizeof *words);
    if (nearest) diag_help(p->diagnostics, d, "did you mean `%s`?", nearest);
    else if (token_at(p, p->next)->kind == TOK_ASSIGN) diag_help(p->diagnostics, d, "a property stands in a block such as `train { … }`; a value of the whole file is `param %s = …`", found->value.name);
    else diag_help(p->diagnostics, d, "definitions begin with use, param, data, modality, target, fusion, train, encoder, policy or method");
}

/* An error of the text itself between two tokens, or in one of them. */
static int has_fault(const Parser *p, Span from, Span to) {
    for (int i = 0; i < p->faults.count; i++)
        if (p->faults.items[i] >= from.begin && p->faults.items[i] <= to.end) return 1;
    return 0;
}

/* In a statement with a bracket whose end was made up: what is wrong inside it, and what
 * is missing behind it, follows from that. */
static int in_open_bracket(const Parser *p) {
    int depth = 0;
    for (int i = p->next - 1; i > 0; i--) {
        const Token *token = &p->tokens.items[i];
        if ((token->kind == TOK_NEWLINE && i < p->next - 1) || token->kind == TOK_OPEN_BLOCK || token->kind == TOK_CLOSE_BLOCK) break;
        if (token->made_up) return 1;
    }
    for (int i = p->next - 1; i < p->tokens.count; i++) {
        const Token *token = &p->tokens.items[i];
        switch (token->kind) {
        case TOK_OPEN: case TOK_OPEN_LIST:
            depth++;
            break;
        case TOK_CLOSE: case TOK_CLOSE_LIST:
            if (token->made_up && depth == 0) return 1;
            depth -= depth > 0;
            break;
        case TOK_NEWLINE: case TOK_OPEN_BLOCK: case TOK_CLOSE_BLOCK:
            return 0;
        default:
            break;
        }
    }
    return 0;
}

int has_stray(const Parser *p, Span from) {
    int i = p->next - 1;
    while (i + 1 < p->tokens.count && p->tokens.items[i].kind != TOK_NEWLINE) i++;
    for (int j = 0; j < p->strays.count; j++)
        if (p->strays.items[j] >= from.begin && p->strays.items[j] < p->tokens.items[i].span.end) return 1;
    return 0;
}

static Span place_of(const Token *found, const Token *previous) {
    if (found->kind != TOK_NEWLINE && found->kind != TOK_YYEOF) return found->span;
    return (Span){previous->span.source, previous->span.end, previous->span.end};
}

void syntax_error(Parser *p, const TokenSet *expected) {
    const Token *token = token_at(p, p->next - 1), *previous = token_at(p, p->next - 2), *found = found_token(p);
    if (!p->first_error) {
        p->first_error = p->next;
        memcpy(p->first_expected, expected->bits, sizeof expected->bits);
    }
    if (p->silent || token->made_up || in_open_bracket(p) || has_stray(p, token->span) || has_fault(p, previous->span, token->span)) return;
    if (++p->reports > MOST_REPORTS) {
        p->silent = 1;
        diag(p->diagnostics, E0118, token->span, "more than %d syntax errors; further ones are not shown", MOST_REPORTS);
        return;
    }
    Span place = place_of(found, previous);
    if (belongs(found, COMPARISON) && token_set_has(expected, TOK_AND) && !token_set_has(expected, TOK_EQ)) {
        Diagnostic *d = diag(p->diagnostics, E0115, place, "comparisons can't be chained");
        diag_help(p->diagnostics, d, "join two by `and`: `a < b and b < c`");
        return;
    }
    const Hint *hint = p->end_text ? NULL : hint_for(found, previous, expected);
    if (hint && hint->misplaced) {
        Diagnostic *d = diag(p->diagnostics, E0113, place, "%s can't stand here", found_text(p, found));
        diag_help(p->diagnostics, d, "%s", hint->help);
        return;
    }
    Diagnostic *d = diag(p->diagnostics, E0110, place, "expected %s, found %s", expected_text(p, *expected), found_text(p, found));
    if (found->kind == TOK_NAME && token_set_has(expected, TOK_PARAM)) help_with_definition(p, d, found);
    else if (hint) diag_help(p->diagnostics, d, "%s", hint->help);
}

void syntax_error_too_deep(Parser *p, Span span) {
    if (!p->silent) diag(p->diagnostics, E0114, span, "this is nested too deeply; the rest is not read");
    p->silent = 1;
}
