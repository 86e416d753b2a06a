#include "avi_files.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void put_words(Bytes *b, int count, const u32 *words) {
    for (int i = 0; i < count; i++) put_little(b, words[i], 4);
}

/* id, size, and what inner holds; a list has its kind in front of that. */
static void put_chunk(Bytes *b, const char *id, const char *kind, Bytes *inner) {
    put_text(b, id);
    put_little(b, inner->count + (kind ? 4 : 0), 4);
    if (kind) put_text(b, kind);
    put(b, inner->bytes, inner->count);
    if (inner->count & 1) put_little(b, 0, 1);
    free(inner->bytes);
    *inner = (Bytes){ 0 };
}

static u32 code_of(const char *text) { return (u32)text[0] | (u32)text[1] << 8 | (u32)text[2] << 16 | (u32)text[3] << 24; }

static void put_pictures_header(Bytes *out, const Avi *a) {
    Bytes inner = { 0 }, stream = { 0 };
    u32 size = a->height * a->width * 3 / 2;
    put_words(&inner, 14, (const u32[]){ code_of("vids"), code_of("I420"), 0, 0, 0, 1, (u32)a->rate, 0, (u32)a->frames, size, 0, 0, 0,
                                         a->width | a->height << 16 });
    put_chunk(&stream, "strh", NULL, &inner);
    put_words(&inner, 10, (const u32[]){ 40, a->width, a->height, 1 | 12u << 16, code_of("I420"), size, 0, 0, 0, 0 });
    put_chunk(&stream, "strf", NULL, &inner);
    put_chunk(out, "LIST", "strl", &stream);
}

static void put_sound_header(Bytes *out, const Avi *a) {
    Bytes inner = { 0 }, stream = { 0 };
    u32 block = 2 * (u32)a->channels, rate = (u32)a->sound_rate;
    put_words(&inner, 14, (const u32[]){ code_of("auds"), 0, 0, 0, 0, block, rate * block, 0, (u32)a->samples, 0, 0, block, 0, 0 });
    put_chunk(&stream, "strh", NULL, &inner);
    put_words(&inner, 4, (const u32[]){ 1 | (u32)a->channels << 16, rate, rate * block, block | 16u << 16 });
    put_chunk(&stream, "strf", NULL, &inner);
    put_chunk(out, "LIST", "strl", &stream);
}

void write_avi(Program *p, const char *name, const Avi *a) {
    Bytes file = { 0 }, all = { 0 }, headers = { 0 }, inner = { 0 }, chunks = { 0 };
    i64 plane = (i64)a->height * a->width;
    put_words(&inner, 14, (const u32[14]){ 1000000 / (u32)a->rate, 0, 0, 0, (u32)a->frames, 0, a->sound_rate ? 2 : 1, 0,
                                           a->width, a->height });
    put_chunk(&headers, "avih", NULL, &inner);
    put_pictures_header(&headers, a);
    if (a->sound_rate) put_sound_header(&headers, a);
    put_chunk(&all, "LIST", "hdrl", &headers);
    for (int i = 0; i < a->frames; i++) {
        for (i64 k = 0; k < plane; k++) put_little(&inner, (u64)(a->first + i * a->step), 1);
        for (i64 k = 0; k < plane / 2; k++) put_little(&inner, 128, 1);
        put_chunk(&chunks, "00db", NULL, &inner);
    }
    for (int i = 0; a->sound_rate && i < a->samples * a->channels; i++) put_little(&inner, (u64)(lrint(32767 * a->values[i]) & 0xffff), 2);
    if (a->sound_rate) put_chunk(&chunks, "01wb", NULL, &inner);
    put_chunk(&all, "LIST", "movi", &chunks);
    put_chunk(&file, "RIFF", "AVI ", &all);
    write_bytes(p, name, file.bytes, file.count);
    free(file.bytes);
}

double gray_of(int luma) { return round(255.0 / 219 * (luma - 16)); }
