#include "picture_files.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <zlib.h>

static void put_big(Bytes *b, u32 value) {
    for (int shift = 24; shift >= 0; shift -= 8) put(b, &(u8){ (u8)(value >> shift) }, 1);
}

static void put_chunk(Bytes *b, const char *kind, const void *bytes, size_t count) {
    put_big(b, (u32)count);
    put(b, kind, 4);
    put(b, bytes, count);
    put_big(b, (u32)crc32(crc32(0, (const u8 *)kind, 4), bytes, (uInt)count));
}

Bytes png(u32 height, u32 width, int start) {
    Bytes b = { 0 }, header = { 0 }, rows = { 0 };
    put(&b, "\x89PNG\r\n\x1a\n", 8);
    put_big(&header, width);
    put_big(&header, height);
    put(&header, "\10\2\0\0\0", 5);
    put_chunk(&b, "IHDR", header.bytes, header.count);
    for (u32 y = 0; y < height && y < 1000; y++) {
        put(&rows, "\0", 1);
        for (u32 x = 0; x < width && x < 1000; x++)
            for (u32 c = 0; c < 3; c++) put(&rows, &(u8){ (u8)((u32)start + 40 * y + 4 * x + c) }, 1);
    }
    uLongf packed = compressBound(rows.count);
    u8 *out = malloc(packed);
    cr_assert_eq(compress(out, &packed, rows.bytes, rows.count), Z_OK);
    put_chunk(&b, "IDAT", out, packed);
    put_chunk(&b, "IEND", "", 0);
    free(out);
    free(header.bytes);
    free(rows.bytes);
    return b;
}

void make_folder(Program *p, const char *name) {
    cr_assert_eq(mkdir(mml_arena_format(program_settings(p)->arena, "%s/%s", program_folder(p), name), 0755), 0);
}

void write_png(Program *p, const char *name, u32 height, u32 width, int start) {
    Bytes b = png(height, width, start);
    write_bytes(p, name, b.bytes, b.count);
    free(b.bytes);
}
