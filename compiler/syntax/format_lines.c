#include "syntax/format_lines.h"

#include <string.h>

#include "support/utf8.h"

/* Comments behind lines whose widths differ by more than this don't share a column. */
enum { WIDEST_SPREAD = 40, BEFORE_COMMENT = 2 };

void piece_text(Arena *arena, Pieces *pieces, const char *text, int length) {
    VECTOR_PUSH(arena, pieces, ((Piece){.kind = PIECE_TEXT, .text = text, .length = length}));
}

void piece_mark(Arena *arena, Pieces *pieces, PieceKind kind, int blanks, int forced) {
    VECTOR_PUSH(arena, pieces, ((Piece){.kind = kind, .blanks = blanks, .forced = forced}));
}

int text_columns(const char *text, int length) {
    int columns = 0, bytes;
    for (int i = 0; i < length; i += bytes) {
        int32_t value = utf8_decode(text + i, (size_t)(length - i), &bytes);
        columns += value < 0 ? 1 : utf8_columns(value);
    }
    return columns;
}

int pieces_columns(const Pieces *pieces) {
    int columns = 0;
    for (int i = 0; i < pieces->count; i++) {
        const Piece *piece = &pieces->items[i];
        if (piece->forced || piece->kind == PIECE_BEHIND || piece->kind == PIECE_ALONE) return FORMAT_WIDTH + 1;
        if (piece->kind == PIECE_TEXT) columns += text_columns(piece->text, piece->length);
        if (piece->kind == PIECE_BLANK) columns++;
        if (piece->kind == PIECE_LINE) columns += piece->blanks;
    }
    return columns;
}

/* ---- One line ---- */

static void put(Lines *lines, const char *text, int length) {
    for (int i = 0; i < length; i++) VECTOR_PUSH(lines->arena, &lines->text, text[i]);
    lines->columns += text_columns(text, length);
}

static void put_blanks(Lines *lines, int count) {
    for (int i = 0; i < count; i++) put(lines, " ", 1);
}

void lines_end(Lines *lines, const char *comment) {
    while (lines->text.count && lines->text.items[lines->text.count - 1] == ' ') lines->text.count--, lines->columns--;
    Line line = {.text = arena_copy(lines->arena, lines->text.items, (size_t)lines->text.count), .comment = comment,
                 .columns = lines->columns, .blank_before = lines->blank_before};
    VECTOR_PUSH(lines->arena, &lines->lines, line);
    lines->text.count = lines->columns = lines->blank_before = 0;
}

void lines_comment(Lines *lines, const char *comment, int indent) {
    put_blanks(lines, indent);
    put(lines, comment, (int)strlen(comment));
    lines_end(lines, NULL);
}

/* ---- Breaks ---- */

typedef struct {
    Lines       *lines;
    const Pieces *pieces;
    int          indent;                /* of the statement                          */
    int          line_indent;           /* of the line being filled                  */
    int          fresh;                 /* nothing but blanks is on it               */
    int          ended;                 /* nothing more may stand on it              */
    const char  *behind;                /* the comment that ends it, or NULL         */
    VECTOR(int)  groups;                /* columns in which broken lines begin       */
} Filling;

static void break_line(Filling *f) {
    if (f->fresh) f->lines->text.count = f->lines->columns = 0;
    else lines_end(f->lines, f->behind);
    f->behind = NULL;
    f->ended  = 0;
    f->line_indent = f->groups.items[f->groups.count - 1];
    put_blanks(f->lines, f->line_indent);
    f->fresh = 1;
}

/* Columns from piece `from` up to the next possible or certain end of the line. */
static int columns_ahead(const Filling *f, int from, int room) {
    int columns = 0, depth = 0;
    for (int i = from; i < f->pieces->count && columns <= room; i++) {
        const Piece *piece = &f->pieces->items[i];
        switch (piece->kind) {
        case PIECE_TEXT:  columns += text_columns(piece->text, piece->length); break;
        case PIECE_BLANK: columns++; break;
        case PIECE_ALIGN: case PIECE_HANG: depth++; break;
        case PIECE_END:   depth--; break;
        case PIECE_RETURN: return columns;
        case PIECE_LINE:
            if (depth <= 0 || piece->forced) return columns;
            columns += piece->blanks;
            break;
        case PIECE_BEHIND: case PIECE_ALONE: return columns;
        }
    }
    return columns;
}

static void take(Filling *f, int at) {
    const Piece *piece = &f->pieces->items[at];
    Lines *lines = f->lines;
    if (f->ended && piece->kind != PIECE_END && piece->kind != PIECE_RETURN) break_line(f);
    switch (piece->kind) {
    case PIECE_TEXT:
        put(lines, piece->text, piece->length);
        f->fresh = 0;
        break;
    case PIECE_BLANK:
        if (!f->fresh) put_blanks(lines, 1);
        break;
    case PIECE_LINE: {
        int room = FORMAT_WIDTH - lines->columns - piece->blanks;
        if (f->fresh) break;
        if (piece->forced || columns_ahead(f, at + 1, room) > room) break_line(f);
        else put_blanks(lines, piece->blanks);
        break;
    }
    case PIECE_ALIGN: {
        int column = lines->columns + piece->blanks, least = f->indent + FORMAT_INDENT;
        VECTOR_PUSH(lines->arena, &f->groups, column > least ? column : least);
        break;
    }
    case PIECE_HANG:
        VECTOR_PUSH(lines->arena, &f->groups, f->line_indent + FORMAT_INDENT);
        break;
    case PIECE_END:
        f->groups.count--;
        break;
    case PIECE_RETURN:
        f->groups.items[f->groups.count - 1] -= FORMAT_INDENT;
        break_line(f);
        f->groups.count--;
        break;
    case PIECE_BEHIND:
        f->behind = piece->text;
        f->ended  = 1;
        break;
    case PIECE_ALONE:
        if (!f->fresh) break_line(f);
        put(lines, piece->text, piece->length);
        f->fresh = 0;
        f->ended = 1;
        break;
    }
}

/* A comment behind a token stands right behind it, before marks of what comes next. */
static void move_comments(const Pieces *pieces) {
    for (int i = 0; i < pieces->count; i++) {
        Piece piece = pieces->items[i];
        int   j = i;
        if (piece.kind != PIECE_BEHIND) continue;
        for (; j > 0 && pieces->items[j - 1].kind != PIECE_TEXT; j--) pieces->items[j] = pieces->items[j - 1];
        pieces->items[j] = piece;
    }
}

void lines_fill(Lines *lines, const Pieces *pieces, int indent) {
    Filling f = {.lines = lines, .pieces = pieces, .indent = indent, .line_indent = indent};
    VECTOR_PUSH(lines->arena, &f.groups, indent + FORMAT_CONTINUATION);
    if (!lines->text.count) put_blanks(lines, indent);
    move_comments(pieces);
    for (int i = 0; i < pieces->count; i++) take(&f, i);
}

/* ---- The text ---- */

/* How many lines from first on have comments that share a column, and that column. */
static int comment_run(const Lines *lines, int first, int *column) {
    int least = lines->lines.items[first].columns, most = least, at = first;
    for (; at < lines->lines.count; at++) {
        const Line *line = &lines->lines.items[at];
        int low = line->columns < least ? line->columns : least, high = line->columns > most ? line->columns : most;
        if (!line->comment || (at > first && line->blank_before) || high - low > WIDEST_SPREAD) break;
        least = low;
        most  = high;
    }
    *column = most + BEFORE_COMMENT;
    return at - first;
}

static void add(Lines *lines, const char *text, size_t length) {
    for (size_t i = 0; i < length; i++) VECTOR_PUSH(lines->arena, &lines->text, text[i]);
}

const char *lines_text(Lines *lines, size_t *length) {
    int run = 0, column = 0;
    lines->text.count = 0;
    for (int i = 0; i < lines->lines.count; i++) {
        const Line *line = &lines->lines.items[i];
        if (line->blank_before && i) add(lines, "\n", 1);
        add(lines, line->text, strlen(line->text));
        if (!line->comment) {
            add(lines, "\n", 1);
            continue;
        }
        if (run == 0) run = comment_run(lines, i, &column);
        for (int blanks = column - line->columns; blanks > 0; blanks--) add(lines, " ", 1);
        add(lines, line->comment, strlen(line->comment));
        add(lines, "\n", 1);
        run--;
    }
    *length = (size_t)lines->text.count;
    return arena_copy(lines->arena, lines->text.items, *length);
}
