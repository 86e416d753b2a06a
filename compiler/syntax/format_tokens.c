#include "syntax/format_tokens.h"

#include <string.h>

#include "syntax/parse.h"

typedef struct { Parser *p; Items items; int comment; uint32_t end; } Reader;

/* Line breaks of the source in [from, to): 2 is a blank line, or more. */
static int breaks_between(const Parser *p, uint32_t from, uint32_t to) {
    int count = 0;
    for (uint32_t i = from; i < to && count < 2; i++) count += p->source->text[i] == '\n';
    return count;
}

static const char *comment_line(const Parser *p, const Comment *comment) {
    const char *start = p->source->text + comment->begin - 1, *end = p->source->text + comment->end;
    while (end > start && strchr(" \t\r\f\v", end[-1])) end--;
    return arena_copy(p->arena, start, (size_t)(end - start));
}

/* Comments and breaks between the last token and begin become item's. */
static void read_gap(Reader *r, Item *item, uint32_t begin) {
    Parser *p = r->p;
    item->first_remark = r->items.remarks.count;
    for (; r->comment < p->comments.count && p->comments.items[r->comment].begin <= begin; r->comment++) {
        const Comment *comment = &p->comments.items[r->comment];
        int breaks = breaks_between(p, r->end, comment->begin);
        if (!item->remarks && !breaks && r->items.items.count) item->behind = 1;
        item->broken |= breaks > 0;
        VECTOR_PUSH(p->arena, &r->items.remarks, ((Remark){comment_line(p, comment), breaks > 1}));
        item->remarks++;
        r->end = comment->end;
    }
    int breaks = breaks_between(p, r->end, begin);
    item->broken      |= breaks > 0;
    item->blank_before = breaks > 1;
}

/* A gap that goes on behind one that a comma ended. */
static void join_gaps(const Item *before, Item *item) {
    if (before->remarks || before->broken) item->behind = before->remarks ? before->behind : 0;
    item->broken      |= before->broken;
    item->first_remark = before->remarks ? before->first_remark : item->first_remark;
    item->remarks     += before->remarks;
}

static void set_text(const Parser *p, const Token *token, Item *item) {
    const char *text = p->source->text + token->span.begin;
    item->text   = text;
    item->length = (int)(token->span.end - token->span.begin);
    Unit unit = token->kind == TOK_INTEGER || token->kind == TOK_REAL ? token->value.number.unit : UNIT_NONE;
    if (!unit) return;
    int digits = item->length - (int)strlen(unit_text(unit));
    while (strchr(" \t", text[digits - 1])) digits--;
    item->text   = arena_printf(p->arena, "%.*s %s", digits, text, unit_text(unit));
    item->length = (int)strlen(item->text);
}

static void add_item(Reader *r, Item item) { VECTOR_PUSH(r->p->arena, &r->items.items, item); }

static int closes(int kind) { return kind == TOK_CLOSE || kind == TOK_CLOSE_LIST; }

Items format_items(Parser *p) {
    Reader r = {.p = p};
    Item comma = {0}, carried = {0};               /* a comma not yet added; a gap that moves behind its token */
    for (int i = 1; i < p->tokens.count; i++) {
        const Token *token = &p->tokens.items[i];
        if (token->kind == TOK_NEWLINE) {
            if (r.items.items.count) r.items.items.items[r.items.items.count - 1].ends = 1;
            continue;
        }
        Item item = {.kind = token->kind};
        read_gap(&r, &item, token->span.begin);
        set_text(p, token, &item);
        r.end = token->span.end;
        join_gaps(&carried, &item);
        carried = (Item){0};
        if (comma.kind && !closes(item.kind)) add_item(&r, comma);
        comma.kind = 0;
        if (item.kind == TOK_COMMA || (item.kind == TOK_OPEN_BLOCK && item.remarks)) {
            carried = item;
            item.remarks = item.behind = item.broken = 0;
        }
        if (item.kind == TOK_COMMA) comma = item;
        else add_item(&r, item);
    }
    return r.items;
}
