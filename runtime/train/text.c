#include "mml/nn.h"
#include "mml/settings.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The text at hand grows in a plain buffer; a finished one is copied to the arena. */
struct MmlText {
    MmlArena *arena;
    char     *buffer;
    size_t    used, size;
};

#define FIRST_SIZE 256

MmlText *mml_text_new(MmlArena *arena) {
    MmlText *text = MML_NEW(arena, MmlText, 1);
    if (!text) return NULL;
    text->arena = arena;
    text->size = FIRST_SIZE;
    text->buffer = mml_arena_alloc(arena, FIRST_SIZE);
    return text->buffer ? text : NULL;
}

/* Out of memory cuts the text: compiled code has no way to hear of a failure here. */
static void append(MmlText *text, const char *value, size_t length) {
    if (text->used + length + 1 > text->size) {
        size_t size = 2 * (text->used + length + 1);
        char *larger = mml_arena_alloc(text->arena, size);
        if (!larger) return;
        memcpy(larger, text->buffer, text->used);
        text->buffer = larger;
        text->size = size;
    }
    memcpy(text->buffer + text->used, value, length);
    text->used += length;
}

void mml_text_begin(MmlText *text) { text->used = 0; }

void mml_text_string(MmlText *text, const char *value) {
    if (value) append(text, value, strlen(value));
}

void mml_text_int(MmlText *text, i64 value) {
    char digits[32];
    int length = snprintf(digits, sizeof digits, "%lld", (long long)value);
    append(text, digits, (size_t)length);
}

void mml_text_real(MmlText *text, double value) {
    char digits[32];
    int length = snprintf(digits, sizeof digits, "%g", isnan(value) ? NAN : value);
    append(text, digits, (size_t)length);
}

const char *mml_text_end(MmlText *text) {
    char *result = mml_arena_alloc(text->arena, text->used + 1);
    if (!result) return "";
    memcpy(result, text->buffer, text->used);
    text->used = 0;
    return result;
}
