#include "syntax/format_expressions.h"

#include <string.h>

static int opens(int kind)  { return kind == TOK_OPEN || kind == TOK_OPEN_LIST; }
static int closes(int kind) { return kind == TOK_CLOSE || kind == TOK_CLOSE_LIST; }

static const Item *item_at(const Pieced *x, int at) { return &x->items->items.items[at]; }
static int kind_at(const Pieced *x, int at)         { return item_at(x, at)->kind; }

int closing_bracket(const Items *items, int at, int to) {
    int depth = 0;
    for (int i = at; i < to; i++) {
        int kind = items->items.items[i].kind;
        depth += opens(kind) - closes(kind);
        if (!depth) return i;
    }
    return to;
}

int find_item(const Items *items, int from, int to, int kind) {
    for (int i = from; i < to; i++) {
        if (items->items.items[i].kind == kind) return i;
        if (opens(items->items.items[i].kind)) i = closing_bracket(items, i, to);
    }
    return to;
}

int first_separator(const Items *items, int from, int to) {
    int assign = find_item(items, from, to, TOK_ASSIGN), colon = find_item(items, from, assign, TOK_COLON);
    return colon;
}

static void mark(Pieced *x, PieceKind kind, int blanks, int forced) { piece_mark(x->arena, x->out, kind, blanks, forced); }
static void blank(Pieced *x)                                        { mark(x, PIECE_BLANK, 0, 0); }

static void remarks_of(Pieced *x, int at) {
    const Item *item = item_at(x, at);
    for (int i = 0; i < item->remarks; i++) {
        PieceKind kind = i == 0 && item->behind ? PIECE_BEHIND : PIECE_ALONE;
        const char *text = x->items->remarks.items[item->first_remark + i].text;
        VECTOR_PUSH(x->arena, x->out, ((Piece){.kind = kind, .text = text, .length = (int)strlen(text)}));
    }
}

static void text_of(Pieced *x, int at) { piece_text(x->arena, x->out, item_at(x, at)->text, item_at(x, at)->length); }

void pieces_token(Pieced *x, int at) {
    remarks_of(x, at);
    text_of(x, at);
}

/* ---- Brackets ---- */

static int has_remarks(const Pieced *x, int from, int to) {
    for (int i = from; i < to; i++)
        if (item_at(x, i)->remarks) return 1;
    return 0;
}

/* NAME = value, then = value, NAME in over: value, or a value; spaced: NAME : type. */
static void argument(Pieced *x, int from, int to, int spaced, int width) {
    int assign = find_item(x->items, from, to, TOK_ASSIGN);
    if (!spaced && from + 1 < to && kind_at(x, from) == TOK_NAME && kind_at(x, from + 1) == TOK_IN) {
        int colon = find_item(x->items, from, to, TOK_COLON);
        pieces_token(x, from);
        blank(x);
        pieces_token(x, from + 1);
        blank(x);
        pieces_expression(x, from + 2, colon, 0);
        if (colon == to) return;
        pieces_token(x, colon);
        blank(x);
        pieces_expression(x, colon + 1, to, 0);
        return;
    }
    int value = assign == to || (!spaced && assign != from + 1) ? from : assign + 1;
    if (value > from || spaced) {
        int colon = spaced ? find_item(x->items, from, assign, TOK_COLON) : assign;
        pieces_token(x, from);
        for (int pad = width - item_at(x, from)->length; pad > 0; pad--) piece_text(x->arena, x->out, " ", 1);
        if (colon < assign) {
            blank(x);
            pieces_token(x, colon);
            blank(x);
            pieces_expression(x, colon + 1, assign, 0);
        }
        if (assign == to) return;
        blank(x);
        pieces_token(x, assign);
        blank(x);
    }
    pieces_expression(x, value, to, 0);
}

/* From the opening to the closing bracket; each argument on its own line when apart. */
static void bracketed(Pieced *x, int open, int close, int apart, int spaced, int width) {
    int hanging = apart || (open + 1 < close && item_at(x, open + 1)->broken);
    pieces_token(x, open);
    mark(x, hanging ? PIECE_HANG : PIECE_ALIGN, 0, 0);
    if (hanging) mark(x, PIECE_LINE, 0, 1);
    for (int from = open + 1; from < close;) {
        int comma = find_item(x->items, from, close, TOK_COMMA);
        argument(x, from, comma, spaced, width);
        if (comma == close) break;
        pieces_token(x, comma);
        mark(x, PIECE_LINE, 1, apart || item_at(x, comma + 1)->broken);
        from = comma + 1;
    }
    remarks_of(x, close);
    mark(x, hanging ? PIECE_RETURN : PIECE_END, 0, 0);
    text_of(x, close);
}

void pieces_formals(Pieced *x, int from, int to, int room) {
    Pieces flat = {0}, *out = x->out;
    int close = to - 1, apart = has_remarks(x, from + 1, to), width = 0;
    for (int i = from + 1; i < close && !apart; i++) apart = item_at(x, i)->broken;
    if (!apart) {
        x->out = &flat;
        bracketed(x, from, close, 0, 1, 0);
        x->out = out;
        apart = pieces_columns(&flat) > room && from + 1 < close;
    }
    for (int name = from + 1; apart && name < close; name = find_item(x->items, name, close, TOK_COMMA) + 1)
        if (item_at(x, name)->length > width) width = item_at(x, name)->length;
    bracketed(x, from, close, apart, 1, width);
}

/* ---- Operators ---- */

static int level_of(int kind) {
    switch (kind) {
    case TOK_ARROW: return 1;
    case TOK_OR:    return 2;
    case TOK_AND:   return 3;
    case TOK_EQ: case TOK_NE: case TOK_LT: case TOK_LE: case TOK_GT: case TOK_GE: return 4;
    case TOK_PLUS: case TOK_MINUS: return 5;
    case TOK_STAR: case TOK_SLASH: case TOK_INTDIV: case TOK_MOD: return 6;
    default:        return 0;
    }
}

static int ends_operand(int kind) {
    switch (kind) {
    case TOK_NAME: case TOK_IN: case TOK_INTEGER: case TOK_REAL: case TOK_STRING: case TOK_TRUE: case TOK_FALSE:
    case TOK_CLOSE: case TOK_CLOSE_LIST: case TOK_LIST_UNIT: return 1;
    default: return 0;
    }
}

static int binary_level(const Pieced *x, int from, int at) {
    return at > from && ends_operand(kind_at(x, at - 1)) ? level_of(kind_at(x, at)) : 0;
}

/* Where the next operator of the level stands (level 0: the loosest there is, written back), or to. */
static int next_operator(const Pieced *x, int from, int start, int to, int *level) {
    int found = to, loosest = *level;
    for (int i = start; i < to; i++) {
        int kind = kind_at(x, i), here = opens(kind) ? 0 : binary_level(x, from, i);
        if (opens(kind)) i = closing_bracket(x->items, i, to);
        if (!here || (loosest && (*level ? here != loosest : here >= loosest))) continue;
        found = i;
        if (*level) break;
        loosest = here;
    }
    *level = loosest;
    return found;
}

static void chain(Pieced *x, int from, int to, int level, int whole) {
    int at = next_operator(x, from, from, to, &level);
    mark(x, PIECE_ALIGN, whole && at < to ? -1 - item_at(x, at)->length : 0, 0);
    pieces_expression(x, from, at, 0);
    while (at < to) {
        int next = next_operator(x, from, at + 1, to, &level);
        mark(x, PIECE_LINE, 1, item_at(x, at)->broken || item_at(x, at + 1)->broken);
        pieces_token(x, at);
        blank(x);
        pieces_expression(x, at + 1, next, 0);
        at = next;
    }
    mark(x, PIECE_END, 0, 0);
}

/* Where the word that belongs to the `if` at from stands. */
static int word_of_if(const Pieced *x, int from, int to, int word) {
    int inside = 0;
    for (int i = from + 1; i < to; i++) {
        int kind = kind_at(x, i);
        if (opens(kind)) i = closing_bracket(x->items, i, to);
        else if (kind == TOK_IF) inside++;
        else if (kind == word && inside-- == 0) return i;
    }
    return to;
}

static void choice(Pieced *x, int from, int to) {
    int then = word_of_if(x, from, to, TOK_THEN), otherwise = word_of_if(x, from, to, TOK_ELSE);
    mark(x, PIECE_ALIGN, 0, 0);
    pieces_token(x, from);
    blank(x);
    pieces_expression(x, from + 1, then, 0);
    mark(x, PIECE_LINE, 1, item_at(x, then)->broken || item_at(x, then + 1)->broken);
    pieces_token(x, then);
    blank(x);
    pieces_expression(x, then + 1, otherwise, 0);
    mark(x, PIECE_LINE, 1, item_at(x, otherwise)->broken || item_at(x, otherwise + 1)->broken);
    pieces_token(x, otherwise);
    blank(x);
    pieces_expression(x, otherwise + 1, to, 0);
    mark(x, PIECE_END, 0, 0);
}

static void operand(Pieced *x, int from, int to) {
    for (int i = from; i < to; i++) {
        int kind = kind_at(x, i);
        if (kind == TOK_LIST_UNIT) blank(x);
        if (opens(kind)) {
            int close = closing_bracket(x->items, i, to);
            bracketed(x, i, close, 0, 0, 0);
            i = close;
        } else {
            pieces_token(x, i);
        }
        if (kind == TOK_NOT || kind == TOK_COLON) blank(x);
    }
}

void pieces_expression(Pieced *x, int from, int to, int whole) {
    int level = 0;
    if (from >= to) return;
    if (kind_at(x, from) == TOK_IF) {
        choice(x, from, to);
        return;
    }
    next_operator(x, from, from, to, &level);
    if (level) chain(x, from, to, level, whole);
    else operand(x, from, to);
}
