#include "syntax/filter.h"

#include <string.h>

#include "syntax/parser.h"

/* DEEPEST: deeper than any program; the phases behind recurse over what is nested.
 * LOOKED_AHEAD: tokens that a guess about a missing bracket may look at. */
enum { DEEPEST = 200, LOOKED_AHEAD = 1000 };

typedef struct { int kind, is_list; Span span; } Bracket;      /* of the opening token */

typedef struct {
    Arena             *arena;
    Diagnostics       *diagnostics;
    const TokenVector *raw;
    TokenVector       *out;
    FaultVector       *strays;
    int                at;                              /* index of the token at hand in raw */
    Bracket            open[DEEPEST];
    int                depth;
} Filter;

static const struct { const char *text; int token; } contextual[] = {
#define CONTEXTUAL(text, token) {text, token},
#include "../../grammar/tokens.def"
};

/* Marks for the tokens that decide over line breaks. */
enum { BINARY = 1, GOES_ON_BEFORE = 2, GOES_ON_BEHIND = 4 };

static int marks_of(int kind) {
    switch (kind) {
    case TOK_ARROW: case TOK_PLUS: case TOK_MINUS: case TOK_STAR: case TOK_SLASH: case TOK_INTDIV: case TOK_MOD:
    case TOK_EQ: case TOK_NE: case TOK_LT: case TOK_LE: case TOK_GT: case TOK_GE: case TOK_AND: case TOK_OR:
        return BINARY | GOES_ON_BEFORE | GOES_ON_BEHIND;
    case TOK_THEN: case TOK_ELSE:
        return GOES_ON_BEFORE | GOES_ON_BEHIND;
    case TOK_NOT: case TOK_ASSIGN: case TOK_COLON: case TOK_COMMA: case TOK_OPEN_BLOCK:
        return GOES_ON_BEHIND;
    default:
        return 0;
    }
}

int filter_goes_on_before(int kind) { return (marks_of(kind) & GOES_ON_BEFORE) != 0; }
int filter_goes_on_behind(int kind) { return (marks_of(kind) & GOES_ON_BEHIND) != 0; }

static const Token *raw_at(const Filter *f, int index) {
    return &f->raw->items[index < f->raw->count ? index : f->raw->count - 1];
}

static int last_kind(const Filter *f) { return f->out->items[f->out->count - 1].kind; }
static int is_start(int kind)         { return kind == TOK_START_FILE || kind == TOK_START_EXPRESSION; }

static int opener(const Filter *f, int level) { return f->open[level].kind; }
static int in_block(const Filter *f)          { return f->depth == 0 || opener(f, f->depth - 1) == TOK_OPEN_BLOCK; }

static int blocks_open(const Filter *f) {
    int count = 0;
    for (int i = 0; i < f->depth; i++) count += opener(f, i) == TOK_OPEN_BLOCK;
    return count;
}

static void emit(Filter *f, Token token) { VECTOR_PUSH(f->arena, f->out, token); }

static Span empty_before(const Filter *f) {
    Span span = raw_at(f, f->at)->span;
    span.end = span.begin;
    return span;
}

static void emit_newline(Filter *f, Span span) {
    int last = last_kind(f);
    if (is_start(last) || last == TOK_NEWLINE || last == TOK_OPEN_BLOCK) return;
    emit(f, (Token){.kind = TOK_NEWLINE, .span = span});
}

/* ---- Brackets ---- */

static int closer_of(int kind) {
    return kind == TOK_OPEN ? TOK_CLOSE : kind == TOK_OPEN_LIST ? TOK_CLOSE_LIST : TOK_CLOSE_BLOCK;
}

/* A text without end between the opening bracket and the end of this line has swallowed what closes it. */
static int is_swallowed(const Filter *f, const Bracket *open) {
    int end = f->at;
    while (end < f->at + LOOKED_AHEAD && raw_at(f, end)->kind != TOK_NEWLINE && raw_at(f, end)->kind != TOK_YYEOF) end++;
    for (int i = 0; i < f->strays->count; i++)
        if (f->strays->items[i] > open->span.begin && f->strays->items[i] < raw_at(f, end)->span.begin) return open->kind != TOK_OPEN_BLOCK;
    return 0;
}

/* Closes the innermost bracket, which the program leaves open; why: what shows it. */
static void close_missing(Filter *f, Span why, const char *what) {
    const Bracket *open = &f->open[f->depth - 1];
    if (!is_swallowed(f, open)) {
        Diagnostic *d = diag(f->diagnostics, E0111, open->span, "%s is never closed", token_text(open->kind));
        diag_note(f->diagnostics, d, why, "%s", what);
    }
    if (open->kind == TOK_OPEN_BLOCK) emit_newline(f, empty_before(f));
    f->depth--;
    emit(f, (Token){.kind = closer_of(open->kind), .made_up = 1, .span = empty_before(f), .value.made_up = 1});
}

static void close_parentheses(Filter *f, Span why, const char *what) {
    while (!in_block(f)) close_missing(f, why, what);
}

static void close_blocks(Filter *f, int blocks, Span why, const char *what) {
    while (blocks_open(f) > blocks) close_missing(f, why, what);
    close_parentheses(f, why, what);
}

/* Does the innermost open bracket get its end before a brace or the end of the file? */
static int closes_later(const Filter *f) {
    int depth = 0;
    for (int i = f->at; i < f->at + LOOKED_AHEAD; i++) {
        switch (raw_at(f, i)->kind) {
        case TOK_OPEN: case TOK_OPEN_LIST: depth++; break;
        case TOK_CLOSE: case TOK_CLOSE_LIST: if (depth-- == 0) return 1; break;
        case TOK_OPEN_BLOCK: case TOK_CLOSE_BLOCK: case TOK_YYEOF: return 0;
        default: break;
        }
    }
    return 1;
}

/* ---- Words ---- */

static int contextual_word(const Token *token) {
    if (token->kind != TOK_NAME) return 0;
    for (size_t i = 0; i < sizeof contextual / sizeof *contextual; i++)
        if (strcmp(contextual[i].text, token->value.name) == 0) return contextual[i].token;
    return 0;
}

/* encoder NAME(…) {: a definition's head, and not a call that lacks its `=`. */
static int is_head(const Filter *f) {
    if (raw_at(f, f->at + 2)->kind != TOK_OPEN) return 0;
    int depth = 0;
    for (int i = f->at + 2; i < f->at + LOOKED_AHEAD; i++) {
        int kind = raw_at(f, i)->kind;
        if (kind == TOK_YYEOF || kind == TOK_OPEN_BLOCK || kind == TOK_CLOSE_BLOCK) return 0;
        if (kind == TOK_OPEN) depth++;
        if (kind == TOK_CLOSE && --depth == 0) return raw_at(f, i + 1)->kind == TOK_OPEN_BLOCK;
    }
    return 0;
}

/* A definition at the left edge: nothing of an earlier one can be open. */
static int begins_definition(const Filter *f) {
    const Token *token = raw_at(f, f->at), *next = raw_at(f, f->at + 1);
    int line, column;
    if (!token->first_on_line) return 0;
    source_position(token->span.source, token->span.begin, &line, &column);
    if (column != 1) return 0;
    switch (contextual_word(token)) {
    case TOK_USE: case TOK_PARAM: case TOK_DATA: case TOK_MODALITY: case TOK_TARGET: return next->kind == TOK_NAME;
    case TOK_FUSION:  return next->kind == TOK_ASSIGN;
    case TOK_TRAIN:   return next->kind == TOK_OPEN_BLOCK;
    case TOK_ENCODER: case TOK_POLICY: case TOK_METHOD: return next->kind == TOK_NAME && is_head(f);
    default:          return 0;
    }
}

/* `stage NAME {` and `on NAME` stand one block deep. */
static int begins_inner_definition(const Filter *f) {
    const Token *token = raw_at(f, f->at);
    int word = contextual_word(token), behind = raw_at(f, f->at + 2)->kind;
    if (!token->first_on_line || raw_at(f, f->at + 1)->kind != TOK_NAME) return 0;
    return (word == TOK_STAGE && behind == TOK_OPEN_BLOCK) || (word == TOK_ON && (behind == TOK_OPEN_BLOCK || behind == TOK_OPEN));
}

/* What the name at hand is where a statement may start. */
static int word_here(const Filter *f) {
    int kind = contextual_word(raw_at(f, f->at)), next = raw_at(f, f->at + 1)->kind;
    switch (kind) {
    case 0:
        return TOK_NAME;
    case TOK_REQUIRES:
        return next == TOK_ASSIGN ? TOK_NAME : kind;
    case TOK_STAGE: case TOK_STATE: case TOK_WEIGHT: case TOK_ON:
        return blocks_open(f) == 0 || next == TOK_NAME ? kind : TOK_NAME;
    default:
        return blocks_open(f) == 0 ? kind : TOK_NAME;
    }
}

static int may_start(const Filter *f) {
    int last = last_kind(f);
    return in_block(f) && (last == TOK_START_FILE || last == TOK_NEWLINE || last == TOK_OPEN_BLOCK || last == TOK_CLOSE_BLOCK);
}

/* ---- Line breaks ---- */

static int ends_operand(int kind) {
    switch (kind) {
    case TOK_NAME: case TOK_INTEGER: case TOK_REAL: case TOK_STRING: case TOK_TRUE: case TOK_FALSE:
    case TOK_CLOSE: case TOK_CLOSE_LIST: case TOK_LIST_UNIT:
        return 1;
    default:
        return 0;
    }
}

static int begins_statement(int kind) {
    switch (kind) {
    case TOK_NAME: case TOK_LET: case TOK_RETURN: case TOK_IF: case TOK_FOR: return 1;
    default: return 0;
    }
}

static int column_of(const Token *token) {
    int line, column;
    source_position(token->span.source, token->span.begin, &line, &column);
    return column;
}

/* The first token of the statement that ends here: its kind decides whether a block
 * must follow. `} else` and `} else if` count as heads. */
static const Token *statement_head(const Filter *f) {
    const Token *tokens = f->out->items;
    int first = f->out->count - 1;
    for (; first > 0; first--) {
        int kind = tokens[first].kind;
        if (kind == TOK_NEWLINE || kind == TOK_OPEN_BLOCK || kind == TOK_CLOSE_BLOCK || is_start(kind)) break;
    }
    if (first + 1 >= f->out->count || (tokens[first].kind == TOK_CLOSE_BLOCK && tokens[first + 1].kind != TOK_ELSE)) return NULL;
    return &tokens[first + 1];
}

static int needs_block(const Filter *f, const Token *head) {
    const Token *last = &f->out->items[f->out->count - 1];
    switch (head->kind) {
    case TOK_MODALITY: case TOK_TRAIN: case TOK_STAGE: case TOK_ENCODER: case TOK_POLICY: case TOK_METHOD: case TOK_ON:
        return 1;
    case TOK_IF: case TOK_FOR:
        return ends_operand(last->kind);
    case TOK_ELSE:
        return last == head || (head[1].kind == TOK_IF && ends_operand(last->kind));
    default:
        return 0;
    }
}

/* The head of a block ends its line without `{`, and what follows is indented below
 * it: said here, and the block is read as if it were opened. */
static int block_lacks_opening(Filter *f) {
    const Token *head = in_block(f) ? statement_head(f) : NULL, *next = raw_at(f, f->at);
    if (!head || !needs_block(f, head) || f->depth >= DEEPEST - 1 || next->kind == TOK_OPEN_BLOCK) return 0;
    if (head->kind == TOK_ELSE && next->kind == TOK_IF) return 0;
    int indent = head->first_on_line ? column_of(head) : column_of(head) - 2;      /* `} else` */
    if (column_of(next) <= indent) return 0;
    const Token *last = &f->out->items[f->out->count - 1];
    Span end = {last->span.source, last->span.end, last->span.end};
    diag(f->diagnostics, E0110, end, "expected `{`, found the end of the line");
    f->open[f->depth++] = (Bracket){TOK_OPEN_BLOCK, 0, end};
    emit(f, (Token){.kind = TOK_OPEN_BLOCK, .made_up = 1, .span = end});
    return 1;
}

/* A line break stood before the token at hand. */
static void at_line_break(Filter *f, Span line_break) {
    int kind = raw_at(f, f->at)->kind, last = last_kind(f);
    if (!in_block(f)) {
        if (!ends_operand(last) || !begins_statement(kind) || closes_later(f)) return;
        close_parentheses(f, raw_at(f, f->at)->span, "a new statement begins here");
    } else if (last == TOK_ELSE) {
        block_lacks_opening(f);
        return;
    } else if ((marks_of(kind) & GOES_ON_BEFORE) || (marks_of(last) & GOES_ON_BEHIND)) {
        return;
    }
    if (!block_lacks_opening(f)) emit_newline(f, line_break);
}

/* ---- The tokens in turn ---- */

static void open_bracket(Filter *f, Token token) {
    int last = last_kind(f);
    if (token.kind == TOK_OPEN_BLOCK) close_parentheses(f, token.span, "a block begins here");
    f->open[f->depth++] = (Bracket){token.kind, token.kind == TOK_OPEN_LIST && !ends_operand(last), token.span};
    emit(f, token);
}

/* Is the innermost bracket closed by its own kind later on this line? */
static int closes_on_line(const Filter *f) {
    int depth = 0;
    for (int i = f->at + 1; i < f->at + LOOKED_AHEAD; i++) {
        int kind = raw_at(f, i)->kind;
        if (kind == TOK_NEWLINE || kind == TOK_YYEOF || kind == TOK_OPEN_BLOCK || kind == TOK_CLOSE_BLOCK) return 0;
        if (kind == TOK_OPEN || kind == TOK_OPEN_LIST) depth++;
        if ((kind == TOK_CLOSE || kind == TOK_CLOSE_LIST) && depth-- == 0) return kind == closer_of(opener(f, f->depth - 1));
    }
    return 0;
}

/* `)` for `[` or the other way round: one slip, and the bracket is closed. */
static int closes_other(Filter *f, Token token) {
    if (token.kind == TOK_CLOSE_BLOCK || in_block(f) || closes_on_line(f)) return 0;
    const Bracket *open = &f->open[--f->depth];
    Diagnostic    *d = diag(f->diagnostics, E0112, token.span, "%s can't close %s", token_text(token.kind), token_text(open->kind));
    diag_note(f->diagnostics, d, open->span, "it is opened here");
    token.kind = closer_of(open->kind);
    token.made_up = token.value.made_up = 1;
    emit(f, token);
    return 1;
}

static void close_bracket(Filter *f, Token token) {
    int level = f->depth - 1;
    while (level >= 0 && closer_of(opener(f, level)) != token.kind && (token.kind == TOK_CLOSE_BLOCK || opener(f, level) != TOK_OPEN_BLOCK)) level--;
    if (level < 0 || closer_of(opener(f, level)) != token.kind) {
        if (closes_other(f, token)) return;
        Diagnostic *d = diag(f->diagnostics, E0112, token.span, "%s closes nothing", token_text(token.kind));
        diag_help(f->diagnostics, d, token.kind == TOK_CLOSE_BLOCK ? "delete it, or look for a `}` too many above"
                                                                   : "delete it, or add the bracket that it should close");
        VECTOR_PUSH(f->arena, f->strays, token.span.begin);
        if (token.kind != TOK_CLOSE_BLOCK) emit(f, (Token){.kind = TOK_SEMICOLON, .made_up = 1, .span = token.span});
        return;
    }
    while (f->depth - 1 > level) close_missing(f, token.span, "another bracket is closed here");
    if (token.kind == TOK_CLOSE_BLOCK) emit_newline(f, empty_before(f));
    int is_list = f->open[--f->depth].is_list;
    emit(f, token);
    const Token *next = raw_at(f, f->at + 1);
    if (is_list && next->kind == TOK_NAME) {
        Unit unit = unit_named(next->value.name, strlen(next->value.name));
        if (!unit) return;
        f->at++;
        emit(f, (Token){.kind = TOK_LIST_UNIT, .span = next->span, .value.unit = unit});
    }
}

/* `{` at the beginning of a line: said once, and the block is read as if it stood where it belongs. */
static void take_block_on_line(Filter *f, Token token) {
    Diagnostic *d = diag(f->diagnostics, E0119, token.span, "a block can't begin a line");
    diag_help(f->diagnostics, d, "put the `{` at the end of the line before");
    token.made_up = 1;
    open_bracket(f, token);
}

static int begins_block_wrongly(const Filter *f) {
    int last = last_kind(f);
    return raw_at(f, f->at)->kind == TOK_OPEN_BLOCK && in_block(f) && f->depth < DEEPEST && !is_start(last) && !(marks_of(last) & GOES_ON_BEHIND);
}

static void take(Filter *f, Token token) {
    switch (token.kind) {
    case TOK_OPEN: case TOK_OPEN_LIST: case TOK_OPEN_BLOCK:
        open_bracket(f, token);
        break;
    case TOK_CLOSE: case TOK_CLOSE_LIST: case TOK_CLOSE_BLOCK:
        close_bracket(f, token);
        break;
    case TOK_SEMICOLON:
        if (!in_block(f) && !closes_later(f)) close_parentheses(f, token.span, "the statement ends here");
        if (in_block(f)) emit_newline(f, token.span);
        else emit(f, token);
        break;
    case TOK_NAME:
        if (may_start(f)) token.kind = word_here(f);
        emit(f, token);
        break;
    default:
        emit(f, token);
    }
}

int filter_tokens(Arena *arena, Diagnostics *diagnostics, const TokenVector *raw, int start, TokenVector *out, FaultVector *strays) {
    Filter f = {.arena = arena, .diagnostics = diagnostics, .raw = raw, .out = out, .strays = strays};
    Span   nothing = raw->items[0].span;
    nothing.end = nothing.begin;
    emit(&f, (Token){.kind = start, .span = nothing});
    for (;; f.at++) {
        int  broken = 0;
        Span line_break = nothing;
        for (; raw_at(&f, f.at)->kind == TOK_NEWLINE; f.at++)
            if (!broken++) line_break = raw_at(&f, f.at)->span;
        Token token = *raw_at(&f, f.at);
        if (token.kind == TOK_YYEOF) {
            if (broken && in_block(&f)) emit_newline(&f, line_break);
            break;
        }
        if (broken && begins_block_wrongly(&f)) {
            take_block_on_line(&f, token);
            continue;
        }
        if (start == TOK_START_FILE && begins_definition(&f)) {
            close_blocks(&f, 0, token.span, "a definition begins here");
            emit_newline(&f, broken ? line_break : empty_before(&f));
        } else if (begins_inner_definition(&f) && blocks_open(&f) > 1) {
            close_blocks(&f, 1, token.span, "another definition begins here");
            emit_newline(&f, broken ? line_break : empty_before(&f));
        } else if (broken) {
            at_line_break(&f, line_break);
        }
        if (f.depth == DEEPEST) {
            diag(diagnostics, E0114, token.span, "brackets are nested more than %d deep; the rest is not read", DEEPEST - 1);
            break;
        }
        take(&f, token);
    }
    int whole = raw_at(&f, f.at)->kind == TOK_YYEOF;
    if (whole) close_blocks(&f, 0, raw_at(&f, f.at)->span, "the file ends here");
    emit_newline(&f, empty_before(&f));
    emit(&f, (Token){.kind = TOK_YYEOF, .span = empty_before(&f)});
    return whole;
}
