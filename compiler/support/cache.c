#include "support/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- The folder ---- */

static const char *value_of(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

int make_folders(Arena *arena, const char *path) {
    char *copy = arena_copy(arena, path, strlen(path));
    for (char *at = copy + 1; *at; at++) {
        if (*at != '/') continue;
        *at = 0;
        if (mkdir(copy, 0700) != 0 && errno != EEXIST) return 0;
        *at = '/';
    }
    return mkdir(copy, 0700) == 0 || errno == EEXIST;
}

static const char *why_not(Arena *arena, const char *folder) {
    struct stat file;
    if (!make_folders(arena, folder) || stat(folder, &file) != 0) return strerror(errno);
    if (!S_ISDIR(file.st_mode)) return "it is no folder";
    if (file.st_uid != geteuid()) return "it belongs to somebody else";
    if (file.st_mode & (S_IWGRP | S_IWOTH)) return "others may write to it";
    return access(folder, R_OK | W_OK | X_OK) == 0 ? NULL : strerror(errno);
}

const char *cache_folder(Arena *arena, const char *chosen, const char **reason) {
    const char *named = chosen ? chosen : value_of("MML_CACHE"), *base = value_of("XDG_CACHE_HOME"), *home = value_of("HOME");
    const char *folder = named;
    *reason = NULL;
    if (named && !strcmp(named, "off")) return NULL;
    if (!folder && base && *base == '/') folder = arena_printf(arena, "%s/mml", base);
    if (!folder && home && *home == '/') folder = arena_printf(arena, "%s/.cache/mml", home);
    if (!folder) return NULL;
    const char *why = why_not(arena, folder);
    if (!why) return folder;
    if (named) *reason = arena_printf(arena, "%s: %s", folder, why);
    return NULL;
}

/* ---- Entries: HEAD, the digest of key and contents, the contents ---- */

static const char head[8] = "mml 1\n\n";
enum { HEAD_BYTES = sizeof head + sizeof(Digest), NAME_DIGITS = 64 };

static Digest seal_of(const Digest *key, const void *bytes, size_t size) {
    Sha256 hash;
    sha256_start(&hash);
    sha256_part(&hash, key, sizeof *key);
    sha256_part(&hash, bytes, size);
    return sha256_end(&hash);
}

static const char *path_of(Arena *arena, const char *folder, const char *kind, const Digest *key) {
    char name[NAME_DIGITS + 1];
    digest_text(key, name);
    return arena_printf(arena, "%s/%s.%s", folder, name, kind);
}

static int read_whole(int file, char *out, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t got = read(file, out + done, size - done);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return 0;
        done += (size_t)got;
    }
    return 1;
}

static int write_whole(int file, const void *bytes, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t put = write(file, (const char *)bytes + done, size - done);
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return 0;
        done += (size_t)put;
    }
    return 1;
}

CacheResult cache_read(Arena *arena, const char *folder, const char *kind, Digest key, const char **bytes, size_t *size) {
    if (!folder) return CACHE_NOTHING;
    const char *path = path_of(arena, folder, kind, &key);
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    if (file < 0) return CACHE_NOTHING;
    int sound = fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_size >= HEAD_BYTES && status.st_size <= CACHE_BYTES;
    if (sound) {
        size_t all = (size_t)status.st_size;
        char *content = arena_alloc(arena, all);
        sound = read_whole(file, content, all) && memcmp(content, head, sizeof head) == 0;
        *bytes = content + HEAD_BYTES;
        *size  = all - HEAD_BYTES;
        Digest seal = seal_of(&key, *bytes, *size);
        sound = sound && memcmp(content + sizeof head, &seal, sizeof seal) == 0;
    }
    if (sound) futimens(file, NULL);                     /* used now: the last to go */
    close(file);
    if (sound) return CACHE_FOUND;
    unlink(path);
    return CACHE_DAMAGED;
}

/* ---- The bound ---- */

typedef struct { const char *path; off_t size; struct timespec used; } Entry;
typedef struct { VECTOR(Entry) entries; off_t bytes; } Entries;

/* Left by a process that was killed; a live one needs less than a second. */
enum { UNFINISHED_SECONDS = 3600 };

static Entries entries_of(Arena *arena, const char *folder) {
    Entries all = {0};
    DIR *listing = opendir(folder);
    for (struct dirent *row; listing && (row = readdir(listing));) {
        struct stat file;
        const char *path = arena_printf(arena, "%s/%s", folder, row->d_name);
        if (strspn(row->d_name, "0123456789abcdef") != NAME_DIGITS || row->d_name[NAME_DIGITS] != '.') continue;
        if (stat(path, &file) != 0 || !S_ISREG(file.st_mode)) continue;
        size_t length = strlen(path);
        if (!strcmp(path + length - 5, ".part") && file.st_mtim.tv_sec + UNFINISHED_SECONDS < time(NULL)) {
            unlink(path);
            continue;
        }
        VECTOR_PUSH(arena, &all.entries, ((Entry){path, file.st_size, file.st_mtim}));
        all.bytes += file.st_size;
    }
    if (listing) closedir(listing);
    return all;
}

static int by_use(const void *a, const void *b) {
    const Entry *first = a, *second = b;
    if (first->used.tv_sec != second->used.tv_sec) return first->used.tv_sec < second->used.tv_sec ? -1 : 1;
    if (first->used.tv_nsec != second->used.tv_nsec) return first->used.tv_nsec < second->used.tv_nsec ? -1 : 1;
    return strcmp(first->path, second->path);
}

static void keep_bound(Arena *arena, const char *folder) {
    Entries all = entries_of(arena, folder);
    if (all.bytes <= CACHE_BYTES) return;
    qsort(all.entries.items, (size_t)all.entries.count, sizeof *all.entries.items, by_use);
    for (int i = 0; i < all.entries.count && all.bytes > CACHE_BYTES / 4 * 3; i++) {
        unlink(all.entries.items[i].path);
        all.bytes -= all.entries.items[i].size;
    }
}

int cache_write(Arena *arena, const char *folder, const char *kind, Digest key, const void *bytes, size_t size) {
    if (!folder || size > CACHE_BYTES / 4) return 0;
    const char *path = path_of(arena, folder, kind, &key), *unfinished = arena_printf(arena, "%s.%ld.part", path, (long)getpid());
    Digest seal = seal_of(&key, bytes, size);
    int file = open(unfinished, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) return 0;
    int fine = write_whole(file, head, sizeof head) && write_whole(file, &seal, sizeof seal) && write_whole(file, bytes, size);
    fine &= close(file) == 0;
    fine = fine && rename(unfinished, path) == 0;
    if (!fine) unlink(unfinished);
    keep_bound(arena, folder);
    return fine;
}

void cache_remove(Arena *arena, const char *folder, const char *kind, Digest key) {
    if (folder) unlink(path_of(arena, folder, kind, &key));
}
