#include "syntax/docs.h"

#include <string.h>

/* Index of the first comment at or behind offset. */
static int first_comment(const Parser *p, uint32_t offset) {
    int low = 0, high = p->comments.count;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (p->comments.items[middle].begin <= offset) low = middle + 1;
        else high = middle;
    }
    return low;
}

/* The text without the blank behind `#` and blanks at its end. */
static const char *comment_text(const Parser *p, const Comment *comment, size_t *length) {
    const char *start = p->source->text + comment->begin, *end = p->source->text + comment->end;
    if (start < end && *start == ' ') start++;
    while (end > start && strchr(" \t\r", end[-1])) end--;
    *length = (size_t)(end - start);
    return start;
}

static int line_of(const Parser *p, uint32_t offset) {
    int line, column;
    source_position(p->source, offset, &line, &column);
    return line;
}

const char *doc_behind(Parser *p, Span span) {
    int index = first_comment(p, span.end);
    if (index == p->comments.count) return NULL;
    const Comment *comment = &p->comments.items[index];
    if (comment->line != line_of(p, span.end)) return NULL;
    for (uint32_t i = span.end; i + 1 < comment->begin; i++)
        if (!strchr(" \t\r\f\v,;", p->source->text[i])) return NULL;
    size_t length;
    const char *text = comment_text(p, comment, &length);
    return length ? arena_copy(p->arena, text, length) : NULL;
}

/* Nothing but blanks before offset on its line? */
static int begins_line(const Parser *p, uint32_t offset) {
    while (offset && strchr(" \t\r\f\v", p->source->text[offset - 1])) offset--;
    return offset == 0 || p->source->text[offset - 1] == '\n';
}

const char *doc_above(Parser *p, Span span) {
    if (!begins_line(p, span.begin)) return NULL;
    int end = first_comment(p, span.begin), line = line_of(p, span.begin), first = end;
    while (first > 0 && p->comments.items[first - 1].alone && p->comments.items[first - 1].line == line - 1) first--, line--;
    size_t total = 0, length;
    for (int i = first; i < end; i++) {
        comment_text(p, &p->comments.items[i], &length);
        total += length + 1;
    }
    if (total == (size_t)(end - first)) return NULL;
    char *joined = arena_alloc(p->arena, total + 1), *at = joined;
    for (int i = first; i < end; i++) {
        const char *text = comment_text(p, &p->comments.items[i], &length);
        memcpy(at, text, length);
        at += length;
        *at++ = '\n';
    }
    at[-1] = 0;
    return joined;
}
