#include "train/event_file.h"

#include <string.h>

u32 mml_crc32c(const void *bytes, size_t count) {
    const u8 *at = bytes;
    u32 crc = 0xffffffffu;
    for (size_t i = 0; i < count; i++) {
        crc ^= at[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
    }
    return ~crc;
}

/* TensorFlow masks its checksums, since a checksum of data that holds checksums is weak. */
static u32 masked(const void *bytes, size_t count) {
    u32 crc = mml_crc32c(bytes, count);
    return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

static u8 *put_little(u8 *at, u64 value, int bytes) {
    for (int i = 0; i < bytes; i++) *at++ = (u8)(value >> 8 * i);
    return at;
}

/* ---- Protocol buffers ---- */

enum { VARINT = 0, FIXED64 = 1, LENGTH = 2, FIXED32 = 5 };

static u8 *put_varint(u8 *at, u64 value) {
    for (; value >= 0x80; value >>= 7) *at++ = (u8)(value | 0x80);
    *at++ = (u8)value;
    return at;
}

static u8 *put_key(u8 *at, int field, int wire) { return put_varint(at, (u64)(field << 3 | wire)); }

static u8 *put_bytes(u8 *at, int field, const void *bytes, size_t count) {
    at = put_varint(put_key(at, field, LENGTH), count);
    memcpy(at, bytes, count);
    return at + count;
}

static u8 *put_wall(u8 *at, double wall) {
    u64 bits;
    memcpy(&bits, &wall, sizeof bits);
    return put_little(put_key(at, 1, FIXED64), bits, 8);
}

/* ---- Records ---- */

static size_t record(const u8 *message, size_t count, u8 *out) {
    u8 *at = put_little(out, count, 8);
    at = put_little(at, masked(out, 8), 4);
    memcpy(at, message, count);
    at = put_little(at + count, masked(message, count), 4);
    return (size_t)(at - out);
}

size_t mml_event_version(double wall, u8 *out) {
    static const char version[] = "brain.Event:2";
    u8 message[64], *end = put_bytes(put_wall(message, wall), 3, version, sizeof version - 1);
    return record(message, (size_t)(end - message), out);
}

size_t mml_event_scalar(double wall, i64 step, const char *tag, double value, u8 *out) {
    u8 message[MML_EVENT_BYTES], summary[MML_EVENT_TAG + 24], pair[MML_EVENT_TAG + 16];
    float single = (float)value;
    u32 bits;
    memcpy(&bits, &single, sizeof bits);
    u8 *end = put_bytes(pair, 1, tag, strnlen(tag, MML_EVENT_TAG));
    end = put_little(put_key(end, 2, FIXED32), bits, 4);
    end = put_bytes(summary, 1, pair, (size_t)(end - pair));
    size_t summary_bytes = (size_t)(end - summary);
    end = put_varint(put_key(put_wall(message, wall), 2, VARINT), (u64)step);
    end = put_bytes(end, 5, summary, summary_bytes);
    return record(message, (size_t)(end - message), out);
}
