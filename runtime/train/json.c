#include "train/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void mml_json_free(MmlJson *json) {
    free(json->text);
    *json = (MmlJson){0};
}

void mml_json_clear(MmlJson *json) {
    json->used = 0;
    json->comma = json->depth = json->failed = 0;
    if (json->text) json->text[0] = 0;
}

static void put(MmlJson *json, const char *bytes, size_t count) {
    if (json->used + count + 1 > json->size) {
        size_t size = 2 * (json->used + count + 64);
        char *larger = realloc(json->text, size);
        if (!larger) {
            json->failed = 1;
            return;
        }
        json->text = larger;
        json->size = size;
    }
    memcpy(json->text + json->used, bytes, count);
    json->used += count;
    json->text[json->used] = 0;
}

static void put_text(MmlJson *json, const char *text) { put(json, text, strlen(text)); }

static void separate(MmlJson *json) {
    if (json->comma) put_text(json, ", ");
    json->comma = 0;
}

void mml_json_open(MmlJson *json, char bracket) {
    separate(json);
    put(json, &bracket, 1);
    json->depth++;
}

/* Two blanks a level. */
static void new_line(MmlJson *json) {
    put_text(json, "\n");
    for (int i = 0; i < json->depth; i++) put_text(json, "  ");
}

void mml_json_close(MmlJson *json, char bracket) {
    json->depth--;
    if (bracket == '}' && json->comma && json->depth < json->lines) new_line(json);
    put(json, &bracket, 1);
    json->comma = 1;
}

int mml_utf8_length(const char *text) {
    static const struct { u8 mask, head; int length; u32 least; } forms[] = {
        {0x80, 0x00, 1, 0}, {0xe0, 0xc0, 2, 0x80}, {0xf0, 0xe0, 3, 0x800}, {0xf8, 0xf0, 4, 0x10000}};
    const u8 *s = (const u8 *)text;
    for (int f = 0; f < 4; f++) {
        if ((*s & forms[f].mask) != forms[f].head) continue;
        u32 point = *s & (u8)~forms[f].mask;
        for (int i = 1; i < forms[f].length; i++) {
            if ((s[i] & 0xc0) != 0x80) return 0;
            point = point << 6 | (s[i] & 0x3f);
        }
        int surrogate = point >= 0xd800 && point < 0xe000;
        return point < forms[f].least || point > 0x10ffff || surrogate ? 0 : forms[f].length;
    }
    return 0;
}

static void put_quoted(MmlJson *json, const char *value) {
    put_text(json, "\"");
    for (const char *c = value; *c; c++) {
        char escaped[8];
        int length = mml_utf8_length(c);
        if (length != 1) {
            if (length) put(json, c, (size_t)length);
            else put_text(json, "\xef\xbf\xbd");
            c += length ? length - 1 : 0;
            continue;
        }
        switch (*c) {
            case '"':  put_text(json, "\\\""); break;
            case '\\': put_text(json, "\\\\"); break;
            case '\n': put_text(json, "\\n"); break;
            case '\t': put_text(json, "\\t"); break;
            default:
                if ((u8)*c < 0x20) {
                    snprintf(escaped, sizeof escaped, "\\u%04x", (unsigned)(u8)*c);
                    put_text(json, escaped);
                } else {
                    put(json, c, 1);
                }
        }
    }
    put_text(json, "\"");
}

void mml_json_key(MmlJson *json, const char *key) {
    if (json->depth <= json->lines) {
        if (json->comma) put_text(json, ",");
        json->comma = 0;
        new_line(json);
    }
    separate(json);
    put_quoted(json, key);
    put_text(json, ": ");
}

static void put_value(MmlJson *json, const char *text) {
    separate(json);
    put_text(json, text);
    json->comma = 1;
}

void mml_json_text(MmlJson *json, const char *value) {
    if (!value) {
        put_value(json, "null");
        return;
    }
    separate(json);
    put_quoted(json, value);
    json->comma = 1;
}

void mml_json_int(MmlJson *json, i64 value) {
    char digits[32];
    snprintf(digits, sizeof digits, "%lld", (long long)value);
    put_value(json, digits);
}

void mml_json_real(MmlJson *json, double value) {
    char digits[32];
    mml_shortest(value, digits);
    put_value(json, isfinite(value) ? digits : "null");
}

void mml_json_digits(MmlJson *json, const char *digits) { put_value(json, digits); }

void mml_json_seconds(MmlJson *json, double value) { mml_json_real(json, rint(value * 1e6) / 1e6); }

void mml_json_bool(MmlJson *json, int value) { put_value(json, value ? "true" : "false"); }

void mml_json_newline(MmlJson *json) {
    put_text(json, "\n");
    json->comma = 0;
}

Status mml_json_status(const MmlJson *json) {
    return json->failed ? mml_fail(MML_ENOMEM, "out of memory for a line of the log") : MML_OK;
}

/* Up to here whole numbers are written out instead of as 1.6e+04. */
#define LONGEST_WHOLE 1e15

void mml_shortest(double value, char text[32]) {
    int digits = 1;
    do snprintf(text, 32, "%.*g", digits, value);
    while (!isnan(value) && strtod(text, NULL) != value && ++digits <= 17);
    if (strchr(text, 'e') && fabs(value) >= 1 && fabs(value) < LONGEST_WHOLE) snprintf(text, 32, "%.17g", value);
}
