#define _GNU_SOURCE
#include "train/files.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER ((size_t)1 << 20)

static Status system_failed(const char *verb, const char *path) {
    int error = errno;
    const char *remedy = error == ENOSPC || error == EDQUOT ? "; free some space or write elsewhere (a run: --out)"
                       : error == EFBIG                     ? "; raise the limit of file sizes (ulimit -f)" : "";
    return mml_fail(MML_EIO, "cannot %s %s: %s%s", verb, path, strerror(error), remedy);
}

static Status write_all(int descriptor, const void *bytes, size_t count, const char *path) {
    const char *next = bytes;
    while (count) {
        ssize_t written = write(descriptor, next, count);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return system_failed("write", path);
        next += written;
        count -= (size_t)written;
    }
    return MML_OK;
}

/* A rename is on disk once its folder is. */
static Status sync_folder_of(const char *path) {
    char *copy = strdup(path);
    if (!copy) return mml_fail(MML_ENOMEM, "out of memory for a path");
    const char *folder = dirname(copy);
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* Some file systems cannot sync a folder and say EINVAL; theirs is then as safe as it gets. */
    int failed = descriptor < 0 || (fsync(descriptor) != 0 && errno != EINVAL);
    Status status = failed ? system_failed("sync", folder) : MML_OK;
    if (descriptor >= 0) close(descriptor);
    free(copy);
    return status;
}

static void release(MmlReplacement *file) {
    if (file->descriptor >= 0) close(file->descriptor);
    free(file->path);
    free(file->temporary);
    free(file->buffer);
    *file = (MmlReplacement){.descriptor = -1};
}

Status mml_replace_begin(MmlReplacement *file, const char *path) {
    *file = (MmlReplacement){.descriptor = -1, .path = strdup(path), .buffer = malloc(BUFFER)};
    if (asprintf(&file->temporary, "%s.new", path) < 0) file->temporary = NULL;
    if (!file->path || !file->temporary || !file->buffer) {
        release(file);
        return mml_fail(MML_ENOMEM, "out of memory to write %s", path);
    }
    file->descriptor = open(file->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file->descriptor >= 0) return MML_OK;
    Status status = system_failed("write", path);
    release(file);
    return status;
}

static Status flush(MmlReplacement *file) {
    size_t used = file->used;
    file->used = 0;
    return write_all(file->descriptor, file->buffer, used, file->path);
}

Status mml_replace_write(MmlReplacement *file, const void *bytes, size_t count) {
    if (file->used + count > BUFFER) MML_TRY(flush(file));
    if (count > BUFFER) return write_all(file->descriptor, bytes, count, file->path);
    memcpy(file->buffer + file->used, bytes, count);
    file->used += count;
    return MML_OK;
}

void mml_replace_abandon(MmlReplacement *file) {
    if (file->descriptor < 0) return;
    unlink(file->temporary);
    release(file);
}

Status mml_replace_commit(MmlReplacement *file) {
    Status status = flush(file);
    if (status == MML_OK && fsync(file->descriptor) != 0) status = system_failed("write", file->path);
    if (status == MML_OK && rename(file->temporary, file->path) != 0) status = system_failed("write", file->path);
    if (status == MML_OK) status = sync_folder_of(file->path);
    else unlink(file->temporary);
    release(file);
    return status;
}

Status mml_replace_file(const char *path, const void *bytes, size_t count) {
    MmlReplacement file;
    MML_TRY(mml_replace_begin(&file, path));
    Status status = mml_replace_write(&file, bytes, count);
    if (status == MML_OK) return mml_replace_commit(&file);
    mml_replace_abandon(&file);
    return status;
}

Status mml_write_file(const char *folder, const char *name, MmlFileWriter write, const void *content) {
    char *text = NULL, *path = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    Status status = out ? MML_OK : mml_fail(MML_ENOMEM, "out of memory for %s", name);
    if (out) {
        write(out, content);
        if (fclose(out) != 0) status = mml_fail(MML_ENOMEM, "out of memory for %s", name);
    }
    if (status == MML_OK && asprintf(&path, "%s/%s", folder, name) < 0) {
        path = NULL;
        status = mml_fail(MML_ENOMEM, "out of memory for %s", name);
    }
    if (status == MML_OK) status = mml_replace_file(path, text, size);
    free(text);
    free(path);
    return status;
}

Status mml_read_file(const char *path, char **bytes, size_t *count) {
    *bytes = NULL;
    FILE *stream = fopen(path, "rb");
    if (!stream) return mml_fail(MML_EDATA, "cannot read %s: %s", path, strerror(errno));
    size_t size = 0, used = 0;
    for (;;) {
        if (used + 1 >= size) {
            size = size ? 2 * size : 1 << 16;
            char *larger = realloc(*bytes, size);
            if (!larger) {
                free(*bytes);
                *bytes = NULL;
                fclose(stream);
                return mml_fail(MML_ENOMEM, "out of memory to read %s", path);
            }
            *bytes = larger;
        }
        size_t got = fread(*bytes + used, 1, size - used - 1, stream);
        used += got;
        if (!got) break;
    }
    int failed = ferror(stream), error = errno;
    fclose(stream);
    if (failed) {
        free(*bytes);
        *bytes = NULL;
        return mml_fail(MML_EDATA, "cannot read %s: %s", path, strerror(error));
    }
    (*bytes)[used] = 0;
    *count = used;
    return MML_OK;
}

int mml_exists(const char *path) { return access(path, F_OK) == 0; }

i64 mml_file_size(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 ? (i64)status.st_size : 0;
}

static Status make_one(const char *path, int *created) {
    *created = mkdir(path, 0777) == 0;
    if (*created) return MML_OK;
    struct stat status;
    if (errno == EEXIST && stat(path, &status) == 0 && S_ISDIR(status.st_mode)) return MML_OK;
    if (errno == EEXIST) errno = ENOTDIR;
    return system_failed("make the folder", path);
}

Status mml_folder_make(const char *path, int *created) {
    char *copy = strdup(path);
    if (!copy) return mml_fail(MML_ENOMEM, "out of memory for a path");
    Status status = MML_OK;
    for (char *slash = copy + 1; status == MML_OK && (slash = strchr(slash, '/')); slash++) {
        *slash = 0;
        status = make_one(copy, created);
        *slash = '/';
    }
    free(copy);
    return status == MML_OK ? make_one(path, created) : status;
}

Status mml_folder_writable(const char *path) {
    char *copy = strdup(path);
    if (!copy) return mml_fail(MML_ENOMEM, "out of memory for a path");
    const char *present = copy;
    while (!mml_exists(present) && errno == ENOENT && strcmp(present, ".") && strcmp(present, "/")) present = dirname(copy);
    struct stat status;
    Status result = MML_OK;
    if (stat(present, &status) != 0) result = system_failed("write into", path);
    else if (!S_ISDIR(status.st_mode)) {
        errno = ENOTDIR;
        result = system_failed("write into", present);
    } else if (access(present, W_OK | X_OK) != 0) {
        result = system_failed("write into", present);
    }
    free(copy);
    return result;
}

Status mml_folder_reserve(const char *folder, i64 bytes) {
    char *path;
    if (asprintf(&path, "%s/.space", folder) < 0) return mml_fail(MML_ENOMEM, "out of memory for a path");
    int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    Status status = MML_OK;
    if (descriptor < 0) {
        status = system_failed("write into", folder);
    } else {
        errno = posix_fallocate(descriptor, 0, (off_t)bytes);
        if (!errno) fsync(descriptor);
        if (errno)
            status = mml_fail(MML_EIO,
                              "no room in %s for %.1f MiB of checkpoints and logs (%s): free some space or choose another folder with --out",
                              folder, (double)bytes / 0x1p20, strerror(errno));
        close(descriptor);
        unlink(path);
    }
    free(path);
    return status;
}

/* Where line number `lines` ends; -1 when there are fewer. */
static i64 end_of_line(const char *bytes, size_t count, i64 lines) {
    size_t at = 0;
    for (i64 line = 0; line < lines; line++) {
        const char *end = at < count ? memchr(bytes + at, '\n', count - at) : NULL;
        if (!end) return -1;
        at = (size_t)(end - bytes) + 1;
    }
    return (i64)at;
}

Status mml_log_keep(const char *path, i64 lines) {
    i64 length = 0;
    if (lines > 0) {
        char *bytes;
        size_t count;
        MML_TRY(mml_read_file(path, &bytes, &count));
        length = end_of_line(bytes, count, lines);
        free(bytes);
        if (length < 0)
            return mml_fail(MML_EDATA,
                            "%s has fewer than the %lld lines its checkpoint counts: start a new run, or put the file back", path, (long long)lines);
    }
    int descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor < 0) return system_failed("write", path);
    Status status = ftruncate(descriptor, (off_t)length) == 0 && fsync(descriptor) == 0 ? MML_OK : system_failed("write", path);
    close(descriptor);
    return status;
}

Status mml_log_open(const char *path, int *descriptor) {
    *descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    return *descriptor < 0 ? system_failed("write", path) : MML_OK;
}

Status mml_log_append(int descriptor, const char *path, const char *text, size_t count) {
    return write_all(descriptor, text, count, path);
}

Status mml_log_sync(int descriptor, const char *path) {
    return fsync(descriptor) == 0 || errno == EINVAL ? MML_OK : system_failed("write", path);
}
