#include "data/zip.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOCAL_HEADER   0x04034b50u
#define CENTRAL_HEADER 0x02014b50u
#define END            0x06054b50u
#define END_64         0x06064b50u
#define END_64_LOCATOR 0x07064b50u
#define ZIP64_FIELD    0x0001
#define END_BYTES      22
#define LOCATOR_BYTES  20
#define END_64_BYTES   56
#define CENTRAL_BYTES  46
#define LOCAL_BYTES    30
#define COMMENT_LIMIT  65535

static u32 get2(const u8 *p) { return (u32)p[0] | (u32)p[1] << 8; }
static u32 get4(const u8 *p) { return get2(p) | get2(p + 2) << 16; }
static u64 get8(const u8 *p) { return get4(p) | (u64)get4(p + 4) << 32; }

/* A size or offset of 64 bits; negative ones don't exist, so the largest stands for them. */
static i64 get8_signed(const u8 *p) { return get8(p) > INT64_MAX ? INT64_MAX : (i64)get8(p); }

static Status damaged(const char *path, const char *why) {
    return mml_fail(MML_EDATA, "'%s' is damaged or no ZIP archive: %s", path, why);
}

static Status read_at(const ZipArchive *archive, i64 offset, void *out, i64 count, const char *what) {
    if (offset < 0 || count < 0 || offset > archive->bytes || count > archive->bytes - offset)
        return mml_fail(MML_EDATA, "'%s' is truncated or damaged: %s lies outside of the file", archive->path, what);
    for (i64 done = 0; done < count;) {
        ssize_t got = pread(archive->descriptor, (u8 *)out + done, (size_t)(count - done), (off_t)(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return mml_fail(MML_EDATA, "can't read '%s': %s", archive->path, strerror(errno));
        if (got == 0) return mml_fail(MML_EDATA, "'%s' is truncated: it ends within %s", archive->path, what);
        done += got;
    }
    return MML_OK;
}

/* ---- The central directory ---- */

typedef struct { i64 count, bytes, offset; } Directory;

/* The last record of the file, behind which only its comment may stand. */
static Status find_end(const ZipArchive *archive, i64 *at, u8 *end) {
    i64 length = archive->bytes < END_BYTES + COMMENT_LIMIT ? archive->bytes : END_BYTES + COMMENT_LIMIT;
    if (length < END_BYTES) return damaged(archive->path, "it is too short");
    u8 *tail = malloc((size_t)length);
    if (!tail) return mml_fail(MML_ENOMEM, "no memory to read '%s'", archive->path);
    Status status = read_at(archive, archive->bytes - length, tail, length, "its end");
    i64 i = length - END_BYTES;
    while (status == MML_OK && i >= 0 && (get4(tail + i) != END || END_BYTES + (i64)get2(tail + i + 20) > length - i)) i--;
    if (status == MML_OK && i < 0) status = damaged(archive->path, "its directory is missing, as in a file that was cut");
    if (status == MML_OK) {
        memcpy(end, tail + i, END_BYTES);
        *at = archive->bytes - length + i;
    }
    free(tail);
    return status;
}

static Status find_directory(const ZipArchive *archive, Directory *out) {
    u8 end[END_BYTES] = { 0 }, locator[LOCATOR_BYTES], large[END_64_BYTES];
    i64 at = 0;
    MML_TRY(find_end(archive, &at, end));
    if (get2(end + 4) != 0 || get2(end + 6) != 0)
        return mml_fail(MML_EDATA, "'%s' is one part of an archive in several; join the parts", archive->path);
    *out = (Directory){ get2(end + 10), get4(end + 12), get4(end + 16) };
    if (at < LOCATOR_BYTES) return MML_OK;
    MML_TRY(read_at(archive, at - LOCATOR_BYTES, locator, LOCATOR_BYTES, "its Zip64 locator"));
    if (get4(locator) != END_64_LOCATOR) return MML_OK;
    MML_TRY(read_at(archive, get8_signed(locator + 8), large, END_64_BYTES, "its Zip64 directory"));
    if (get4(large) != END_64) return damaged(archive->path, "its Zip64 directory is missing");
    *out = (Directory){ get8_signed(large + 32), get8_signed(large + 40), get8_signed(large + 48) };
    return MML_OK;
}

/* Sizes and offset that don't fit 32 bits stand in an extra field, in this order. */
static Status read_zip64(const char *path, const u8 *extra, i64 bytes, ZipEntry *entry) {
    i64 *const wanted[] = { &entry->size, &entry->packed, &entry->offset };
    while (bytes >= 4) {
        i64 id = get2(extra), length = get2(extra + 2);
        if (length > bytes - 4) break;
        const u8 *value = extra + 4;
        for (size_t i = 0; id == ZIP64_FIELD && i < sizeof wanted / sizeof *wanted; i++) {
            if (*wanted[i] != UINT32_MAX) continue;
            if (value + 8 > extra + 4 + length) return damaged(path, "a Zip64 field is too short");
            *wanted[i] = get8_signed(value);
            value += 8;
        }
        extra += 4 + length;
        bytes -= 4 + length;
    }
    return MML_OK;
}

static Status read_entry(const char *path, const u8 **at, const u8 *end, MmlArena *arena, ZipEntry *entry) {
    const u8 *p = *at;
    if (end - p < CENTRAL_BYTES || get4(p) != CENTRAL_HEADER) return damaged(path, "its directory breaks off");
    i64 name = get2(p + 28), extra = get2(p + 30), comment = get2(p + 32);
    if (end - p - CENTRAL_BYTES < name + extra + comment) return damaged(path, "its directory breaks off");
    *entry = (ZipEntry){ .method = (int)get2(p + 10), .encrypted = (int)(get2(p + 8) & 1), .crc = get4(p + 16),
                         .packed = get4(p + 20), .size = get4(p + 24), .offset = get4(p + 42) };
    entry->name = mml_arena_format(arena, "%.*s", (int)name, (const char *)p + CENTRAL_BYTES);
    if (!entry->name) return MML_ENOMEM;
    *at = p + CENTRAL_BYTES + name + extra + comment;
    return read_zip64(path, p + CENTRAL_BYTES + name, extra, entry);
}

static Status read_directory(ZipArchive *archive, MmlArena *arena) {
    Directory directory = { 0 };
    MML_TRY(find_directory(archive, &directory));
    if (directory.bytes > archive->bytes || directory.count > directory.bytes / CENTRAL_BYTES)
        return damaged(archive->path, "its directory can't be as large as it says");
    u8 *bytes = malloc((size_t)directory.bytes + 1);
    archive->entries = MML_NEW(arena, ZipEntry, directory.count + 1);
    Status status = bytes && archive->entries ? MML_OK : mml_fail(MML_ENOMEM, "no memory to read '%s'", archive->path);
    if (status == MML_OK) status = read_at(archive, directory.offset, bytes, directory.bytes, "its directory");
    const u8 *at = bytes;
    for (i64 i = 0; i < directory.count && status == MML_OK; i++)
        status = read_entry(archive->path, &at, bytes + directory.bytes, arena, &archive->entries[archive->count++]);
    free(bytes);
    return status;
}

Status mml_zip_open(const DataOrigin *origin, const char *path, MmlArena *arena, ZipArchive *out) {
    *out = (ZipArchive){ .path = path, .descriptor = -1 };
    MML_TRY(mml_data_open_regular(origin, path, &out->descriptor, &out->bytes));
    Status status = read_directory(out, arena);
    if (status != MML_OK) mml_zip_close(out);
    return status;
}

void mml_zip_close(ZipArchive *archive) {
    if (archive->descriptor >= 0) close(archive->descriptor);
    archive->descriptor = -1;
}

/* ---- Entries ---- */

static Status spoilt(const ZipStream *stream, const char *why) {
    return mml_fail(MML_EDATA, "'%s': its entry %s %s", stream->archive->path, stream->entry->name, why);
}

Status mml_zip_start(const ZipArchive *archive, const ZipEntry *entry, u64 *checksum, ZipStream *stream) {
    u8 header[LOCAL_BYTES];
    stream->archive = archive;
    stream->entry = entry;
    stream->inflater = (z_stream){ 0 };
    stream->given = 0;
    stream->crc = (u32)crc32(0, NULL, 0);
    stream->checksum = checksum;
    if (entry->encrypted) return spoilt(stream, "is encrypted; unpack it and save the arrays without a password");
    if (entry->method != 0 && entry->method != Z_DEFLATED)
        return mml_fail(MML_EDATA, "'%s': its entry %s is packed by method %d; numpy.savez and numpy.savez_compressed write what can be read",
                        archive->path, entry->name, entry->method);
    MML_TRY(read_at(archive, entry->offset, header, LOCAL_BYTES, entry->name));
    if (get4(header) != LOCAL_HEADER) return spoilt(stream, "is not where the directory says");
    stream->at = entry->offset + LOCAL_BYTES + get2(header + 26) + get2(header + 28);
    stream->left = entry->packed;
    if (stream->at > archive->bytes || stream->left > archive->bytes - stream->at) return spoilt(stream, "is truncated");
    if (entry->method == 0 ? entry->size != entry->packed : entry->size / MML_DEFLATE_LIMIT > entry->packed)
        return mml_fail(MML_EDATA, "'%s': its entry %s says that %lld packed bytes hold %lld, which can't be", archive->path,
                        entry->name, (long long)entry->packed, (long long)entry->size);
    if (entry->method == Z_DEFLATED && inflateInit2(&stream->inflater, -MAX_WBITS) != Z_OK)
        return mml_fail(MML_ENOMEM, "no memory to unpack '%s'", archive->path);
    return MML_OK;
}

static Status refill(ZipStream *stream) {
    MML_TRY(mml_data_go_on());
    i64 count = stream->left < (i64)sizeof stream->packed ? stream->left : (i64)sizeof stream->packed;
    if (count == 0) return spoilt(stream, "is truncated or damaged: its packed bytes end too early");
    MML_TRY(read_at(stream->archive, stream->at, stream->packed, count, stream->entry->name));
    stream->at += count;
    stream->left -= count;
    stream->inflater.next_in = stream->packed;
    stream->inflater.avail_in = (uInt)count;
    return MML_OK;
}

static Status inflate_some(ZipStream *stream, u8 *out, i64 bytes) {
    z_stream *z = &stream->inflater;
    z->next_out = out;
    for (i64 done = 0; done < bytes; done = z->next_out - out) {
        i64 room = bytes - done;
        z->avail_out = room > 1 << 30 ? 1 << 30 : (uInt)room;
        if (z->avail_in == 0) MML_TRY(refill(stream));
        int code = inflate(z, Z_NO_FLUSH);
        if (code == Z_STREAM_END && z->next_out - out < bytes) return spoilt(stream, "is damaged: it unpacks to less than its size");
        if (code != Z_OK && code != Z_STREAM_END) return spoilt(stream, "is damaged: its packed bytes make no sense");
    }
    return MML_OK;
}

Status mml_zip_read(ZipStream *stream, void *out, i64 bytes) {
    if (bytes > stream->entry->size - stream->given) return spoilt(stream, "is truncated");
    if (stream->entry->method == Z_DEFLATED) {
        MML_TRY(inflate_some(stream, out, bytes));
    } else {
        MML_TRY(read_at(stream->archive, stream->at, out, bytes, stream->entry->name));
        stream->at += bytes;
    }
    for (i64 done = 0; done < bytes;) {
        i64 part = bytes - done < 1 << 30 ? bytes - done : 1 << 30;
        stream->crc = (u32)crc32(stream->crc, (const u8 *)out + done, (uInt)part);
        done += part;
    }
    *stream->checksum = mml_data_hash(*stream->checksum, out, bytes);
    stream->given += bytes;
    return MML_OK;
}

Status mml_zip_finish(ZipStream *stream) {
    if (stream->given != stream->entry->size) return spoilt(stream, "is longer than its contents");
    if (stream->crc != stream->entry->crc) return spoilt(stream, "is damaged: its CRC is wrong");
    return MML_OK;
}

void mml_zip_stop(ZipStream *stream) {
    inflateEnd(&stream->inflater);
}
