#define _GNU_SOURCE
#include "data/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "data/mapped.h"

#define CHUNK ((i64)1 << 20)

/* The file, and a page of zeros behind it. */
static Status map(const char *path, int descriptor, i64 length, DataText *out) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), file = ((size_t)length + page - 1) / page * page;
    char *bytes = mmap(NULL, file + page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int mapped = bytes != MAP_FAILED && (!file || mmap(bytes, file, PROT_READ, MAP_PRIVATE | MAP_FIXED, descriptor, 0) != MAP_FAILED);
    int error = errno;
    if (!mapped && bytes != MAP_FAILED) munmap(bytes, file + page);
    if (!mapped) return mml_fail(MML_ENOMEM, "can't map the %lld bytes of '%s': %s (is the address space limited, ulimit -v?)",
                                 (long long)length, path, strerror(error));
    mml_mapped_watch(bytes, file + page);
    *out = (DataText){ bytes, length, file + page };
    return MML_OK;
}

/* ---- gzip ---- */

/* *full: the descriptor couldn't take it all. */
static Status unpack(DataFile *file, int descriptor, i64 *length, int *full) {
    char *chunk = malloc((size_t)CHUNK);
    Status status = chunk ? MML_OK : mml_fail(MML_ENOMEM, "no memory for '%s'", file->path);
    i64 got = CHUNK;
    for (*length = *full = 0; status == MML_OK && got == CHUNK && !*full; *length += got) {
        status = mml_data_file_some(file, chunk, CHUNK, &got);
        *full = status == MML_OK && got > 0 && write(descriptor, chunk, (size_t)got) != (ssize_t)got;
    }
    free(chunk);
    return status;
}

static Status map_unpacked(const DataOrigin *origin, const char *path, int descriptor, DataText *out) {
    DataFile file;
    i64 length = 0;
    int full = 0;
    MML_TRY(mml_data_file_open(origin, path, NULL, &file));
    Status status = unpack(&file, descriptor, &length, &full);
    mml_data_file_close(&file);
    if (status == MML_OK && !full) return map(path, descriptor, length, out);
    return status == MML_OK ? mml_data_file_text(origin, path, NULL, &out->bytes, &out->length) : status;
}

/* ---- Either ---- */

Status mml_data_text_open(const DataOrigin *origin, const char *path, const char *folder, DataText *out) {
    static const u8 gzip[2] = { 0x1f, 0x8b };
    int descriptor = -1;
    i64 bytes = 0;
    u8 start[2] = { 0 };
    *out = (DataText){ 0 };
    if (!folder) return mml_data_file_text(origin, path, NULL, &out->bytes, &out->length);
    MML_TRY(mml_data_open_regular(origin, path, &descriptor, &bytes));
    if (pread(descriptor, start, sizeof start, 0) != sizeof start || memcmp(start, gzip, sizeof gzip) != 0) {
        Status status = map(path, descriptor, bytes, out);
        close(descriptor);
        return status;
    }
    close(descriptor);
    descriptor = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (descriptor < 0) return mml_data_file_text(origin, path, NULL, &out->bytes, &out->length);
    Status status = map_unpacked(origin, path, descriptor, out);
    close(descriptor);
    return status;
}

Status mml_data_text_checksum(const DataText *text, u64 *checksum) {
    for (i64 at = 0; at < text->length; at += CHUNK) {
        MML_TRY(mml_data_go_on());
        *checksum = mml_data_hash(*checksum, text->bytes + at, text->length - at < CHUNK ? text->length - at : CHUNK);
    }
    return MML_OK;
}

Status mml_data_text_check(const DataText *text, const char *path) {
    return text->mapped && mml_mapped_failed() ? mml_fail(MML_EIO, "'%s' was changed while it was read", path) : MML_OK;
}

void mml_data_text_close(DataText *text) {
    if (text->mapped) {
        mml_mapped_forget(text->bytes);
        munmap(text->bytes, text->mapped);
    } else {
        free(text->bytes);
    }
    *text = (DataText){ 0 };
}
