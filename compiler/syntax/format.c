#include "syntax/format.h"

#include <stdlib.h>
#include <string.h>

#include "syntax/format_expressions.h"
#include "syntax/parse.h"

typedef struct {
    Arena *arena;
    Items  items;
    Lines  lines;
    int    at;                      /* the item to be written next */
    int    indent;
} Formatter;

static Item *item_at(Formatter *f, int at)      { return &f->items.items.items[at]; }
static int   kind_at(const Formatter *f, int at) { return f->items.items.items[at].kind; }

/* ---- Statements ---- */

/* Behind its last item; blocks are part of a statement. */
static int statement_end(const Formatter *f, int from) {
    int depth = 0;
    for (int i = from;; i++) {
        const Item *item = &f->items.items.items[i];
        depth += (item->kind == TOK_OPEN_BLOCK) - (item->kind == TOK_CLOSE_BLOCK);
        if (item->kind == TOK_YYEOF) return i;
        if (item->ends && depth == 0) return i + 1;
    }
}

static int next_block(const Formatter *f, int from, int to) { return find_item(&f->items, from, to, TOK_OPEN_BLOCK); }

static int block_end(const Formatter *f, int open) {
    int depth = 0;
    for (int i = open;; i++) {
        depth += (kind_at(f, i) == TOK_OPEN_BLOCK) - (kind_at(f, i) == TOK_CLOSE_BLOCK);
        if (!depth) return i;
    }
}

/* Words that stand before a name or expression of their own. */
static int is_word(int kind) {
    switch (kind) {
    case TOK_LET: case TOK_RETURN: case TOK_PARAM: case TOK_DATA: case TOK_MODALITY: case TOK_TARGET: case TOK_STAGE: case TOK_ENCODER:
    case TOK_POLICY: case TOK_METHOD: case TOK_STATE: case TOK_WEIGHT: case TOK_ON: case TOK_REQUIRES: case TOK_USE: case TOK_FOR: case TOK_IF:
        return 1;
    default:
        return 0;
    }
}

static int has_type(int kind)    { return kind == TOK_PARAM || kind == TOK_STATE || kind == TOK_MODALITY || kind == TOK_TARGET; }
static int has_formals(int kind) { return kind == TOK_ENCODER || kind == TOK_POLICY || kind == TOK_METHOD; }

/* What a statement's run is made of: its first word, or ASSIGN of a plain name; 0: it stands in none. */
static int run_kind(const Formatter *f, int from, int to) {
    int kind = kind_at(f, from);
    if (kind == TOK_NAME) return from + 1 < to && kind_at(f, from + 1) == TOK_ASSIGN ? TOK_ASSIGN : 0;
    return kind == TOK_LET || kind == TOK_PARAM || kind == TOK_STATE || kind == TOK_WEIGHT ? kind : 0;
}

/* Does a plain name stand before its `=` or `:`? Others keep a run going and don't widen it. */
static int run_name(const Formatter *f, int from, int to) {
    int name = kind_at(f, from) == TOK_NAME ? from : from + 1;
    int next = name + 1 < to ? kind_at(f, name + 1) : 0;
    return next == TOK_ASSIGN || next == TOK_COLON ? name : -1;
}

/* The width of the widest name in the run that begins at from, and where the run ends. */
static int run_width(const Formatter *f, int from, int *end) {
    int width = 0, run = run_kind(f, from, statement_end(f, from));
    for (int at = from; *end = at, kind_at(f, at) != TOK_CLOSE_BLOCK && kind_at(f, at) != TOK_YYEOF;) {
        const Item *first = &f->items.items.items[at];
        int to = statement_end(f, at), name = run_name(f, at, to);
        if (run_kind(f, at, to) != run || (at > from && (first->blank_before || first->remarks > first->behind))) break;
        if (name >= 0 && f->items.items.items[name].length > width) width = f->items.items.items[name].length;
        at = to;
    }
    return width;
}

static void head(Formatter *f, Pieces *out, int from, int to, int width) {
    Pieced x = {f->arena, &f->items, out};
    int kind = kind_at(f, from), rest = from, assign = find_item(&f->items, from, to, TOK_ASSIGN);
    int name = run_kind(f, from, to) ? run_name(f, from, to) : -1;
    if (is_word(kind)) {
        pieces_token(&x, rest++);
        if (rest < to) piece_mark(f->arena, out, PIECE_BLANK, 0, 0);
    }
    if (has_formals(kind)) {
        pieces_token(&x, rest++);
        pieces_formals(&x, rest, to, FORMAT_WIDTH - f->indent - pieces_columns(out) - 2);
        return;
    }
    if (kind == TOK_FOR) {
        pieces_token(&x, rest);
        piece_mark(f->arena, out, PIECE_BLANK, 0, 0);
        pieces_token(&x, rest + 1);
        piece_mark(f->arena, out, PIECE_BLANK, 0, 0);
        pieces_expression(&x, rest + 2, to, 0);
        return;
    }
    if (kind == TOK_USE) {
        for (; rest < to; rest++) {
            if (kind_at(f, rest) != TOK_COMMA && rest > from + 1) piece_mark(f->arena, out, PIECE_LINE, 1, item_at(f, rest)->broken);
            pieces_token(&x, rest);
        }
        return;
    }
    int colon = has_type(kind) ? find_item(&f->items, rest, assign, TOK_COLON) : assign;
    pieces_expression(&x, rest, colon, assign == to);
    for (int pad = name < 0 ? 0 : width - item_at(f, name)->length; pad > 0; pad--) piece_text(f->arena, out, " ", 1);
    if (colon < assign) {
        piece_mark(f->arena, out, PIECE_BLANK, 0, 0);
        pieces_token(&x, colon);
        piece_mark(f->arena, out, PIECE_BLANK, 0, 0);
        pieces_expression(&x, colon + 1, assign, 0);
    }
    if (assign == to) return;
    piece_mark(f->arena, out, PIECE_BLANK, 0, 0);
    pieces_token(&x, assign);
    piece_mark(f->arena, out, PIECE_BLANK, 0, 0);
    pieces_expression(&x, assign + 1, to, 1);
}

/* ---- Comments between statements ---- */

/* Writes what stands in the gap before item at, once: behind the line being filled, and on lines of their own. */
static void write_gap(Formatter *f, int at, int indent, int first_of_block) {
    Item *item = item_at(f, at);
    const Remark *remarks = f->items.remarks.items + item->first_remark;
    int i = 0;
    if (f->lines.text.count) {
        lines_end(&f->lines, item->behind ? remarks[0].text : NULL);
        i = item->behind;
    }
    for (; i < item->remarks; i++) {
        f->lines.blank_before = remarks[i].blank_before && !(first_of_block && i == item->behind);
        lines_comment(&f->lines, remarks[i].text, indent);
    }
    f->lines.blank_before = item->blank_before && !(first_of_block && item->remarks == item->behind);
    item->remarks = item->behind = 0;
}

/* ---- Blocks ---- */

/* May a statement with blocks stand on one line, as the author has it? At most one simple
 * statement in each block, no comments, and room. */
static int fits_on_line(Formatter *f, int from, int to) {
    Pieces flat = {0};
    int columns = f->indent, statements = 0, depth = 0, start = from;
    for (int i = from; i < to; i++) {
        const Item *item = item_at(f, i);
        if (i > from && (item->remarks || item->broken)) return 0;
        if (item->kind == TOK_OPEN_BLOCK) {
            if (++depth > 1) return 0;
            head(f, &flat, start, i, 0);
            columns += 3;                                   /* ` { ` */
            statements = 0;
            start = i + 1;
        } else if (item->kind == TOK_CLOSE_BLOCK) {
            depth--;
            if (statements > 1) return 0;
            columns += statements ? 2 : 0;                  /* ` }` */
            start = i + 1;
        } else if (item->ends) {
            if (depth) head(f, &flat, start, i + 1, 0);
            statements++;
            start = i + 1;
        } else if (item->kind == TOK_ELSE) {
            columns += 6;                                   /* ` else ` */
            start = i + 1;
        }
    }
    return columns + pieces_columns(&flat) <= FORMAT_WIDTH;
}

static void write_text(Formatter *f, const char *text) {
    Pieces pieces = {0};
    piece_text(f->arena, &pieces, text, (int)strlen(text));
    lines_fill(&f->lines, &pieces, f->indent);
}

static void write_head(Formatter *f, int from, int to, int width) {
    Pieces pieces = {0};
    head(f, &pieces, from, to, width);
    lines_fill(&f->lines, &pieces, f->indent);
}

static void write_statements(Formatter *f);

/* From `{` to `}`; leaves the line open. */
static void write_block(Formatter *f, int on_line) {
    int close = block_end(f, f->at), empty = close == f->at + 1 && !item_at(f, close)->remarks;
    write_text(f, empty ? " {}" : on_line ? " { " : " {");
    f->at++;
    if (!empty && on_line) {
        write_head(f, f->at, close, 0);
        write_text(f, " }");
    } else if (!empty) {
        f->indent += FORMAT_INDENT;
        write_statements(f);
        write_gap(f, close, f->indent, 0);
        f->lines.blank_before = 0;
        f->indent -= FORMAT_INDENT;
        write_text(f, "}");
    }
    f->at = close + 1;
}

/* Between `}` and `else`: on that line, or behind comments. */
static void write_else(Formatter *f) {
    if (item_at(f, f->at)->remarks) {
        write_gap(f, f->at, f->indent, 0);
        f->lines.blank_before = 0;
        write_text(f, "else");
    } else {
        write_text(f, " else");
    }
    f->at++;
}

static void write_statement(Formatter *f, int to, int width) {
    int block = next_block(f, f->at, to), on_line = block < to && fits_on_line(f, f->at, to);
    write_head(f, f->at, block, width);
    for (f->at = block; f->at < to;) {
        write_block(f, on_line);
        if (f->at == to) break;
        write_else(f);
        if (kind_at(f, f->at) == TOK_OPEN_BLOCK) continue;
        write_text(f, " ");
        write_head(f, f->at, block = next_block(f, f->at, to), 0);
        f->at = block;
    }
    f->at = to;
}

/* Up to the `}` or the end of the file. */
static void write_statements(Formatter *f) {
    int first = f->at, run_ends = f->at, width = 0;
    while (kind_at(f, f->at) != TOK_CLOSE_BLOCK && kind_at(f, f->at) != TOK_YYEOF) {
        int to = statement_end(f, f->at);
        if (f->at >= run_ends) width = run_kind(f, f->at, to) ? run_width(f, f->at, &run_ends) : 0;
        write_gap(f, f->at, f->indent, f->at == first);
        write_statement(f, to, width);
    }
}

/* ---- The whole ---- */

static const char *tree_text(const File *file) {
    char  *text = NULL;
    size_t length;
    FILE  *out = open_memstream(&text, &length);
    if (!out) arena_exhausted(0);
    print_ast(file, out);
    if (fclose(out)) arena_exhausted(length);
    return text;
}

static int same_tree(const File *a, const File *b) {
    char *first = (char *)tree_text(a), *second = (char *)tree_text(b);
    int   same  = strcmp(first, second) == 0;
    free(first);
    free(second);
    return same;
}

static int same_remarks(const Items *a, const Items *b) {
    if (a->remarks.count != b->remarks.count) return 0;
    for (int i = 0; i < a->remarks.count; i++)
        if (strcmp(a->remarks.items[i].text, b->remarks.items[i].text) != 0) return 0;
    return 1;
}

static Items read_items(Arena *arena, Interner *names, const Source *source) {
    Parser p = {.arena = arena, .names = names, .diagnostics = diagnostics_new(arena), .source = source};
    parser_read_tokens(&p, TOK_START_FILE);
    return format_items(&p);
}

const char *format_source(Arena *arena, Interner *names, Diagnostics *diagnostics, const Source *source, size_t *length) {
    const File *file = parse_file(arena, names, diagnostics, source);
    if (diag_errors(diagnostics)) return NULL;
    Formatter f = {.arena = arena, .items = read_items(arena, names, source), .lines = {.arena = arena}};
    write_statements(&f);
    write_gap(&f, f.at, 0, f.at == 0);
    const char *text = lines_text(&f.lines, length);

    Diagnostics  *again = diagnostics_new(arena);
    const Source *result = source_from_text(arena, source->path, text, *length);
    const File   *parsed = parse_file(arena, names, again, result);
    Items before = read_items(arena, names, source), after = read_items(arena, names, result);
    if (diag_errors(again) || !same_tree(file, parsed) || !same_remarks(&before, &after))
        mml_ice("the layout of %s would change its meaning; nothing is written", source->path);
    return text;
}
