#include "archive.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

void put(Bytes *b, const void *bytes, size_t count) {
    if (b->count + count > b->capacity) {
        b->capacity = 2 * (b->count + count);
        b->bytes = realloc(b->bytes, b->capacity);
        cr_assert(b->bytes);
    }
    if (count) memcpy(b->bytes + b->count, bytes, count);
    b->count += count;
}

void put_text(Bytes *b, const char *text) { put(b, text, strlen(text)); }

void put_little(Bytes *b, u64 value, int bytes) {
    for (int i = 0; i < bytes; i++, value >>= 8) put(b, &(u8){ (u8)value }, 1);
}

void put_npy(Bytes *b, int version, const char *dict, const void *values, size_t count) {
    size_t start = b->count, prefix = version == 1 ? 10 : 12, padded = (prefix + strlen(dict) + 1 + 63) / 64 * 64;
    put(b, "\x93NUMPY", 6);
    put_little(b, (u64)version, 2);
    put_little(b, padded - prefix, version == 1 ? 2 : 4);
    put_text(b, dict);
    while (b->count - start < padded - 1) put(b, " ", 1);
    put(b, "\n", 1);
    put(b, values, count);
}

static size_t deflated(const void *bytes, size_t count, u8 *out, size_t room) {
    z_stream z = { .next_in = (u8 *)bytes, .avail_in = (uInt)count, .next_out = out, .avail_out = (uInt)room };
    cr_assert_eq(deflateInit2(&z, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
    cr_assert_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return room - z.avail_out;
}

void zip_add(Zip *zip, const char *name, const void *bytes, size_t count, int flags) {
    u8 *packed = malloc(count + count / 100 + 100);
    cr_assert(packed);
    size_t size = count;
    if (flags & ZIP_DEFLATE) size = deflated(bytes, count, packed, count + count / 100 + 100);
    else if (count) memcpy(packed, bytes, count);
    int large = flags & ZIP_64, streamed = flags & ZIP_STREAMED, general = streamed ? 8 : 0, method = flags & ZIP_DEFLATE ? 8 : 0;
    u64 offset = zip->bytes.count;
    u32 crc = (u32)crc32(0, bytes, (uInt)count);
    Bytes *b = &zip->bytes;
    put_little(b, 0x04034b50, 4);
    put_little(b, large ? 45 : 20, 2);
    put_little(b, (u64)general, 2);
    put_little(b, (u64)method, 2);
    put_little(b, 0, 4);
    put_little(b, streamed ? 0 : crc, 4);
    put_little(b, large ? 0xffffffffu : streamed ? 0 : size, 4);
    put_little(b, large ? 0xffffffffu : streamed ? 0 : count, 4);
    put_little(b, strlen(name), 2);
    put_little(b, large ? 20 : 0, 2);
    put_text(b, name);
    if (large) {
        put_little(b, 1, 2);
        put_little(b, 16, 2);
        put_little(b, streamed ? 0 : count, 8);
        put_little(b, streamed ? 0 : size, 8);
    }
    put(b, packed, size);
    if (streamed) {
        put_little(b, 0x08074b50, 4);
        put_little(b, crc, 4);
        put_little(b, size, large ? 8 : 4);
        put_little(b, count, large ? 8 : 4);
    }
    free(packed);
    Bytes *d = &zip->directory;
    put_little(d, 0x02014b50, 4);
    put_little(d, 45, 2);
    put_little(d, large ? 45 : 20, 2);
    put_little(d, (u64)general, 2);
    put_little(d, (u64)method, 2);
    put_little(d, 0, 4);
    put_little(d, crc, 4);
    put_little(d, large ? 0xffffffffu : size, 4);
    put_little(d, large ? 0xffffffffu : count, 4);
    put_little(d, strlen(name), 2);
    put_little(d, large ? 28 : 0, 2);
    put_little(d, 0, 2 + 2 + 2 + 4);
    put_little(d, large ? 0xffffffffu : offset, 4);
    put_text(d, name);
    if (large) {
        put_little(d, 1, 2);
        put_little(d, 24, 2);
        put_little(d, count, 8);
        put_little(d, size, 8);
        put_little(d, offset, 8);
    }
    zip->entries++;
    zip->flags |= flags;
}

u8 *zip_record(Zip *zip) {
    for (size_t i = zip->directory.count - 4;; i--)
        if (memcmp(zip->directory.bytes + i, "PK\1\2", 4) == 0) return zip->directory.bytes + i;
}

void zip_write(Zip *zip, Program *p, const char *name, size_t cut) {
    Bytes *b = &zip->bytes;
    u64 at = b->count, size = zip->directory.count;
    int large = zip->flags & ZIP_64;
    put(b, zip->directory.bytes, zip->directory.count);
    if (large) {
        u64 end = b->count;
        put_little(b, 0x06064b50, 4);
        put_little(b, 44, 8);
        put_little(b, 45, 2);
        put_little(b, 45, 2);
        put_little(b, 0, 8);
        put_little(b, (u64)zip->entries, 8);
        put_little(b, (u64)zip->entries, 8);
        put_little(b, size, 8);
        put_little(b, at, 8);
        put_little(b, 0x07064b50, 4);
        put_little(b, 0, 4);
        put_little(b, end, 8);
        put_little(b, 1, 4);
    }
    put_little(b, 0x06054b50, 4);
    put_little(b, 0, 4);
    put_little(b, large ? 0xffff : (u64)zip->entries, 2);
    put_little(b, large ? 0xffff : (u64)zip->entries, 2);
    put_little(b, large ? 0xffffffffu : size, 4);
    put_little(b, large ? 0xffffffffu : at, 4);
    put_little(b, 0, 2);
    write_bytes(p, name, b->bytes, b->count > cut ? b->count - cut : 0);
    free(b->bytes);
    free(zip->directory.bytes);
    *zip = (Zip){ 0 };
}
