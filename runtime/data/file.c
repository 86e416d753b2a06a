#include "data/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK ((i64)1 << 20)
/* Larger files than the largest picture or the longest sound that is read could need. */
#define FILE_LIMIT ((i64)1 << 30)

u64 mml_data_hash(u64 hash, const void *bytes, i64 count) {
    const u8 *byte = bytes;
    for (i64 i = 0; i < count; i++) hash = (hash ^ byte[i]) * 0x100000001b3u;
    return hash;
}

DataOrigin mml_data_origin(const MmlSettings *settings, const MmlSource *source, const char *name) {
    DataOrigin origin = { settings, source, source->path, "" };
    const char *path = mml_arena_format(settings->arena, "%s.%s", source->path, name);
    const MmlSetting *setting = path ? mml_setting_find(settings->experiment, path) : NULL;
    if (setting) {
        origin.setting = setting->path;
        origin.value = settings->values[setting->slot].s;
    }
    return origin;
}

DataOrigin mml_data_origin_slot(const MmlSettings *settings, const MmlSource *source, i64 slot) {
    const MmlExperiment *experiment = settings->experiment;
    DataOrigin origin = { settings, source, source->path, settings->values[slot].s };
    for (i64 i = 0; i < experiment->setting_count; i++)
        if (experiment->settings[i].slot == slot) origin.setting = experiment->settings[i].path;
    return origin;
}

/* The param that the value was built from: the longest text param that occurs in it. */
static const char *param_behind(const DataOrigin *origin) {
    const MmlExperiment *experiment = origin->settings->experiment;
    const char *best = NULL;
    size_t best_length = 0;
    for (i64 i = 0; i < experiment->setting_count; i++) {
        const MmlSetting *setting = &experiment->settings[i];
        int text = setting->type == MML_PATH || setting->type == MML_STRING;
        if (!(setting->flags & MML_SETTING_PARAM) || setting->each || (setting->flags & MML_SETTING_LIST) || !text) continue;
        const char *value = origin->settings->values[setting->slot].s;
        size_t length = value ? strlen(value) : 0;
        if (length > best_length && strstr(origin->value, value)) {
            best = setting->path;
            best_length = length;
        }
    }
    return best;
}

Status mml_data_missing(const DataOrigin *origin, const char *what, const char *path) {
    const char *param = param_behind(origin);
    if (param)
        return mml_fail(MML_EDATA, "there is no %s '%s' (%s, %s); give --%s", what, path, origin->setting,
                        origin->source->where, param);
    return mml_fail(MML_EDATA, "there is no %s '%s' (%s, %s); give --set %s=PATH", what, path, origin->setting,
                    origin->source->where, origin->setting);
}

Status mml_data_need_folder(const DataOrigin *origin) {
    struct stat info;
    if (stat(origin->value, &info) != 0) {
        if (errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG)
            return mml_data_missing(origin, "folder", origin->value);
        return mml_fail(MML_EDATA, "can't look into the folder '%s' (%s, %s): %s", origin->value, origin->setting,
                        origin->source->where, strerror(errno));
    }
    if (!S_ISDIR(info.st_mode))
        return mml_fail(MML_EDATA, "'%s' is a file; %s (%s) takes a folder", origin->value, origin->setting,
                        origin->source->where);
    return MML_OK;
}

Status mml_data_open_regular(const DataOrigin *origin, const char *path, int *out, i64 *bytes) {
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) {
        if (errno == ENOENT || errno == ENOTDIR) return mml_data_missing(origin, "file", path);
        return mml_fail(MML_EDATA, "can't read '%s' (%s, %s): %s", path, origin->setting, origin->source->where,
                        strerror(errno));
    }
    struct stat info;
    if (fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode)) {
        close(descriptor);
        return mml_fail(MML_EDATA, "'%s' is %s, not a file (%s, %s)", path,
                        S_ISDIR(info.st_mode) ? "a folder" : "a device or pipe", origin->setting, origin->source->where);
    }
    *out = descriptor;
    *bytes = (i64)info.st_size;
    return MML_OK;
}

Status mml_data_go_on(void) {
    return mml_stop_asked() ? mml_fail(MML_EINTERRUPT, "stopped while the data were being read") : MML_OK;
}

Status mml_data_file_bytes(const char *path, u8 **bytes, i64 *count) {
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);          /* no waiting for a pipe's writer */
    FILE *file = descriptor >= 0 ? fdopen(descriptor, "rb") : NULL;
    struct stat info;
    if (!file || fstat(descriptor, &info) != 0) {
        int reason = errno;
        if (file) fclose(file);
        else if (descriptor >= 0) close(descriptor);
        return mml_fail(MML_EDATA, "can't read '%s': %s", path, strerror(reason));
    }
    i64 size = S_ISREG(info.st_mode) ? (i64)info.st_size : -1;
    *bytes = size >= 0 && size <= FILE_LIMIT ? malloc((size_t)size + 1) : NULL;
    *count = *bytes ? (i64)fread(*bytes, 1, (size_t)size, file) : 0;
    int whole = *bytes && *count == size;
    fclose(file);
    if (whole) return MML_OK;
    free(*bytes);
    if (size < 0) return mml_fail(MML_EDATA, "'%s' is a device or pipe, not a file", path);
    return mml_fail(MML_EDATA, "can't read '%s': its size is %lld bytes", path, (long long)size);
}

Status mml_data_room(const char *path, const char *what, i64 bytes) {
    i64 pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE), memory;
    if (pages < 1 || page < 1 || __builtin_mul_overflow(pages, page, &memory) || bytes <= memory) return MML_OK;
    return mml_fail(MML_EDATA, "'%s': %s would take %.1f GiB and this machine has %.1f GiB of memory", path, what,
                    (double)bytes / (1 << 30), (double)memory / (1 << 30));
}

Status mml_data_file_open(const DataOrigin *origin, const char *path, u64 *checksum, DataFile *out) {
    int descriptor = -1;
    i64 bytes = 0;
    MML_TRY(mml_data_open_regular(origin, path, &descriptor, &bytes));
    gzFile stream = gzdopen(descriptor, "rb");
    if (!stream) {
        close(descriptor);
        return mml_fail(MML_ENOMEM, "no memory to read '%s'", path);
    }
    gzbuffer(stream, 1u << 17);
    *out = (DataFile){ path, stream, bytes, 0, checksum };
    out->compressed = !gzdirect(stream);
    return MML_OK;
}

void mml_data_file_close(DataFile *file) {
    if (file->stream) gzclose(file->stream);
    file->stream = NULL;
}

static Status damaged(const DataFile *file) {
    int code = Z_OK;
    const char *text = gzerror(file->stream, &code);
    if (code == Z_BUF_ERROR) return mml_fail(MML_EDATA, "'%s' is truncated: its gzip stream ends too early", file->path);
    if (code == Z_ERRNO) return mml_fail(MML_EDATA, "can't read '%s': %s", file->path, strerror(errno));
    return mml_fail(MML_EDATA, "'%s' is damaged: %s", file->path, text);
}

Status mml_data_file_some(DataFile *file, void *out, i64 bytes, i64 *count) {
    *count = 0;
    while (*count < bytes) {
        MML_TRY(mml_data_go_on());
        i64 want = bytes - *count < CHUNK ? bytes - *count : CHUNK;
        int got = gzread(file->stream, (u8 *)out + *count, (unsigned)want);
        if (got < 0) return damaged(file);
        if (got == 0) break;
        if (file->checksum) *file->checksum = mml_data_hash(*file->checksum, (u8 *)out + *count, got);
        *count += got;
    }
    int code = Z_OK;
    gzerror(file->stream, &code);
    return code == Z_OK || code == Z_STREAM_END ? MML_OK : damaged(file);
}

Status mml_data_file_read(DataFile *file, void *out, i64 bytes, const char *what) {
    i64 count = 0;
    MML_TRY(mml_data_file_some(file, out, bytes, &count));
    if (count < bytes)
        return mml_fail(MML_EDATA, "'%s' is truncated: %lld bytes of %s are missing", file->path,
                        (long long)(bytes - count), what);
    return MML_OK;
}

Status mml_data_file_finish(DataFile *file) {
    u8 byte;
    int got = gzread(file->stream, &byte, 1);
    if (got < 0) return damaged(file);
    int code = Z_OK;
    gzerror(file->stream, &code);
    if (code != Z_OK && code != Z_STREAM_END) return damaged(file);
    if (got > 0) return mml_fail(MML_EDATA, "'%s' is longer than its header says", file->path);
    return MML_OK;
}

Status mml_data_file_holds(const DataFile *file, i64 header, i64 bytes) {
    if (file->compressed) {
        if (bytes / MML_DEFLATE_LIMIT > file->disk_bytes)
            return mml_fail(MML_EDATA, "'%s' is truncated or its header is wrong: %lld compressed bytes can't hold %lld",
                            file->path, (long long)file->disk_bytes, (long long)bytes);
        return MML_OK;
    }
    i64 there = file->disk_bytes - header;
    if (there < bytes)
        return mml_fail(MML_EDATA, "'%s' is truncated: its header promises %lld bytes and %lld follow", file->path,
                        (long long)bytes, (long long)there);
    if (there > bytes)
        return mml_fail(MML_EDATA, "'%s' is longer than its header says: %lld bytes are left over", file->path,
                        (long long)(there - bytes));
    return MML_OK;
}

Status mml_data_file_text(const DataOrigin *origin, const char *path, u64 *checksum, char **out, i64 *length) {
    DataFile file;
    MML_TRY(mml_data_file_open(origin, path, checksum, &file));
    i64 capacity = file.compressed ? CHUNK : file.disk_bytes + 1, used = 0;
    char *text = malloc((size_t)capacity + 1);
    Status status = text ? MML_OK : mml_fail(MML_ENOMEM, "no memory for '%s'", path);
    while (status == MML_OK) {
        i64 got = 0;
        status = mml_data_file_some(&file, text + used, capacity - used, &got);
        used += got;
        if (status != MML_OK || used < capacity) break;
        capacity *= 2;
        char *larger = realloc(text, (size_t)capacity + 1);
        if (larger) text = larger;
        else status = mml_fail(MML_ENOMEM, "no memory for '%s'", path);
    }
    mml_data_file_close(&file);
    if (status != MML_OK) {
        free(text);
        return status;
    }
    text[used] = 0;
    *out = text;
    *length = used;
    return MML_OK;
}
