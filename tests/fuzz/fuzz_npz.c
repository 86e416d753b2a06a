/* Bytes as a ZIP archive (the first byte is even) or as the array x of one (odd: the
 * archive around it is right, its CRC included): every sample of x and y can be read,
 * or one message comes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include "data/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static char path[] = "/tmp/mml-fuzz-npz-XXXXXX";

static void remove_file(void) { unlink(path); }

static void write_file(const void *bytes, size_t count) {
    static int made;
    if (!made) {
        int descriptor = mkstemp(path);
        if (descriptor < 0 || close(descriptor) != 0) abort();
        atexit(remove_file);
        made = 1;
    }
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, count, file) != count || fclose(file)) abort();
}

/* ---- An archive of stored entries ---- */

enum { ENTRY_LIMIT = 1 << 16, ARCHIVE_BYTES = 2 * ENTRY_LIMIT + 512 };

static size_t put_number(u8 *out, size_t at, u64 value, int bytes) {
    for (int i = 0; i < bytes; i++, value >>= 8) out[at + (size_t)i] = (u8)value;
    return at + (size_t)bytes;
}

/* What local header and directory have in common: version to lengths of name and extra field. */
static size_t put_common(u8 *out, size_t at, u32 crc, size_t count) {
    at = put_number(out, at, 20, 2);
    at = put_number(out, at, 0, 8);
    at = put_number(out, at, crc, 4);
    at = put_number(out, at, count, 4);
    at = put_number(out, at, count, 4);
    at = put_number(out, at, 5, 2);
    return put_number(out, at, 0, 2);
}

static size_t put_bytes(u8 *out, size_t at, const void *bytes, size_t count) {
    memcpy(out + at, bytes, count);
    return at + count;
}

static size_t wrap(const uint8_t *x, size_t count, u8 *out) {
    static const u8 y[] = "\x93NUMPY\1\0\x37\0{'descr': '|u1', 'fortran_order': False, 'shape':(2,)}\n\0\1";
    const void *const values[] = { x, y };
    const size_t counts[] = { count, sizeof y - 1 };
    size_t at = 0, directory, starts[2];
    for (int i = 0; i < 2; i++) {
        starts[i] = at;
        at = put_number(out, at, 0x04034b50, 4);
        at = put_common(out, at, (u32)crc32(0, values[i], (uInt)counts[i]), counts[i]);
        at = put_bytes(out, at, i ? "y.npy" : "x.npy", 5);
        at = put_bytes(out, at, values[i], counts[i]);
    }
    directory = at;
    for (int i = 0; i < 2; i++) {
        at = put_number(out, at, 0x02014b50, 4);
        at = put_number(out, at, 20, 2);
        at = put_common(out, at, (u32)crc32(0, values[i], (uInt)counts[i]), counts[i]);
        at = put_number(out, at, 0, 8);
        at = put_number(out, at, 0, 2);
        at = put_number(out, at, starts[i], 4);
        at = put_bytes(out, at, i ? "y.npy" : "x.npy", 5);
    }
    size_t end = at;
    at = put_number(out, at, 0x06054b50, 4);
    at = put_number(out, at, 0, 4);
    at = put_number(out, at, 2, 2);
    at = put_number(out, at, 2, 2);
    at = put_number(out, at, end - directory, 4);
    at = put_number(out, at, directory, 4);
    return put_number(out, at, 0, 2);
}

static void write_archive(const uint8_t *bytes, size_t count) {
    static u8 archive[ARCHIVE_BYTES];
    if (count < 1) write_file(bytes, 0);
    else if (bytes[0] % 2 == 0 || count > ENTRY_LIMIT) write_file(bytes + 1, count - 1);
    else write_file(archive, wrap(bytes + 1, count - 1, archive));
}

static void read_all(const DataSource *source) {
    for (i64 f = 0; f < source->field_count; f++) {
        const DataField *field = &source->fields[f];
        float *sample = malloc(sizeof *sample * (size_t)field->size);
        for (i64 i = 0; sample && i < source->counts[MML_TRAIN] && i < 100; i++) {
            i64 row = source->rows[MML_TRAIN][i];
            field->read(source, field, row, sample);
            if (field->label) field->label(source, field, row);
            if (!source->place(source, row)) abort();
        }
        free(sample);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    static const char *const fields[] = { "x", "y" };
    write_archive(bytes, count);
    MmlSetting setting = { .path = "data.a.file", .type = MML_PATH };
    MmlValue value = { .s = path };
    MmlSource program = { .name = "a", .kind = "npz", .path = "data.a", .where = "fuzz.mml:1", .fields = fields, .field_count = 2 };
    MmlExperiment experiment = { .settings = &setting, .setting_count = 1, .slot_count = 1, .sources = &program, .source_count = 1,
                                 .target = { .field = "y" } };
    MmlArena *arena = mml_arena_new();
    MmlSettings settings = { .experiment = &experiment, .values = &value, .arena = arena };
    DataSource source;
    if (mml_data_source_open(&settings, &program, 1, NULL, arena, &source) == MML_OK) {
        read_all(&source);
        mml_data_source_close(&source);
    } else if (!*mml_message()) {
        abort();
    }
    mml_arena_free(arena);
    return 0;
}
