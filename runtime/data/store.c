#define _GNU_SOURCE
#include "data/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "data/file.h"
#include "data/mapped.h"

/* Another one whenever readers or transforms make other bytes of the same files, or the header changes. */
#define VERSION "1"
#define HEADER 4096
#define ENDING ".mmlcache"
#define UNFINISHED ".new"

typedef struct {
    char magic[8];
    u64  key[2];
    i64  count;
    u64  note, hash;
    u64  own;                        /* hash of the header before it                */
} Header;

static const char magic[8] = "MMLDATA" VERSION;

struct DataCache {
    const char *folder;
    i64         limit;               /* bytes, 0: none                              */
    void      (*say)(void *context, const char *text);
    void       *context;
    MmlThreads *threads;
    MmlArena   *arena;
    i64         found, made, found_bytes, made_bytes;
    int         unwritable;          /* it was said that nothing can be written     */
    i64         used_count;
    const char *used[64];            /* files of this run: not to be removed for room */
};

static void say(const DataCache *cache, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(const DataCache *cache, const char *format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (cache->say) cache->say(cache->context, text);
}

/* A folder that can't be written is told of once, whatever would go there. */
static void say_unwritable(DataCache *cache, int error) {
    if (!cache->unwritable++) say(cache, "the cache can't write in '%s' (%s): what isn't there yet is held in memory", cache->folder, strerror(error));
}

/* ---- Keys: FNV-1a from two starts ---- */

void mml_key_bytes(DataKey *key, const void *bytes, i64 count) {
    const u8 *byte = bytes;
    for (i64 i = 0; i < count; i++)
        for (int k = 0; k < 2; k++) key->word[k] = (key->word[k] ^ (byte[i] + (u64)k)) * 0x100000001b3u;
}

void mml_key_int(DataKey *key, i64 value) { mml_key_bytes(key, &value, sizeof value); }

/* Its final zero parts it from what follows. */
void mml_key_text(DataKey *key, const char *text) { mml_key_bytes(key, text, (i64)strlen(text) + 1); }

DataKey mml_key(const char *compiler, const char *what) {
    DataKey key = { { 0xcbf29ce484222325u, 0x9e3779b97f4a7c15u } };
    mml_key_text(&key, VERSION);
    mml_key_text(&key, compiler ? compiler : "");
    mml_key_text(&key, what);
    return key;
}

void mml_key_file(DataKey *key, const char *path) {
    char *whole = realpath(path, NULL);
    struct stat info;
    mml_key_text(key, whole ? whole : path);
    free(whole);
    if (stat(path, &info) != 0) {
        mml_key_text(key, "none");
        return;
    }
    const i64 facts[] = { (i64)info.st_ino, (i64)info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec, info.st_ctim.tv_sec,
                          info.st_ctim.tv_nsec };
    mml_key_bytes(key, facts, sizeof facts);
}

/* ---- Hashing by all threads ---- */

#define BLOCK ((i64)1 << 20)

typedef struct { const u8 *bytes; i64 count; u64 *blocks; } Hashing;

/* Four lanes of 8 bytes; multiplying by an odd number loses nothing, so one changed word always shows. */
static u64 hash_block(const u8 *bytes, i64 count) {
    u64 lane[4] = { 1, 2, 3, 4 };
    i64 i = 0;
    for (; i + 32 <= count; i += 32)
        for (int k = 0; k < 4; k++) {
            u64 word;
            memcpy(&word, bytes + i + 8 * k, 8);
            lane[k] = (lane[k] ^ word) * 0x9fb21c651e98df25u;
            lane[k] ^= lane[k] >> 32;
        }
    u64 hash = (u64)count;
    for (; i < count; i++) hash = (hash ^ bytes[i]) * 0x100000001b3u;
    for (int k = 0; k < 4; k++) hash = (hash ^ lane[k]) * 0x9fb21c651e98df25u + (hash >> 29);
    return hash;
}

static void hash_blocks(void *context, i64 begin, i64 end, int thread) {
    const Hashing *h = context;
    for (i64 i = begin; i < end && !mml_stop_asked(); i++) {
        i64 from = i * BLOCK, count = h->count - from < BLOCK ? h->count - from : BLOCK;
        h->blocks[i] = hash_block(h->bytes + from, count);
    }
}

static Status hash_bytes(const DataCache *cache, const u8 *bytes, i64 count, u64 *out) {
    i64 blocks = (count + BLOCK - 1) / BLOCK;
    Hashing h = { bytes, count, malloc(sizeof(u64) * (size_t)blocks) };
    if (!h.blocks) return mml_fail(MML_ENOMEM, "no memory to check the cache");
    mml_parallel(cache->threads, blocks, hash_blocks, &h);
    *out = hash_block((const u8 *)h.blocks, blocks * (i64)sizeof(u64));
    free(h.blocks);
    return mml_data_go_on();
}

/* ---- The folder ---- */

static int ends_with(const char *text, const char *ending) {
    size_t length = strlen(text), end = strlen(ending);
    return length > end && strcmp(text + length - end, ending) == 0;
}

/* Whose maker is gone is nobody's. */
static void remove_unfinished(int folder, const char *name) {
    int descriptor = openat(folder, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (descriptor < 0) return;
    if (flock(descriptor, LOCK_EX | LOCK_NB) == 0) unlinkat(folder, name, 0);
    close(descriptor);
}

Status mml_cache_open(const MmlCache *options, MmlThreads *threads, MmlArena *arena, DataCache **out) {
    DataCache *cache = *out = MML_NEW(arena, DataCache, 1);
    if (!cache) return MML_ENOMEM;
    *cache = (DataCache){ .folder = options->folder, .limit = options->limit, .say = options->say, .context = options->context,
                          .threads = threads, .arena = arena };
    DIR *folder = opendir(cache->folder);
    if (!folder) return mml_fail(MML_EIO, "--cache: can't look into the folder %s: %s", cache->folder, strerror(errno));
    for (struct dirent *entry; (entry = readdir(folder));)
        if (ends_with(entry->d_name, UNFINISHED)) remove_unfinished(dirfd(folder), entry->d_name);
    closedir(folder);
    return MML_OK;
}

const char *mml_cache_folder(const DataCache *cache) { return cache ? cache->folder : ""; }

const char *mml_cache_describe(DataCache *cache) {
    const char *found = "", *made = "";
    if (!cache) return NULL;
    if (!cache->found && !cache->made)
        return mml_arena_format(cache->arena, "%s, nothing to keep there: small data are held in memory", cache->folder);
    if (cache->found)
        found = mml_arena_format(cache->arena, ", %lld found (%.1f MiB)", (long long)cache->found, (double)cache->found_bytes / 0x1p20);
    if (cache->made)
        made = mml_arena_format(cache->arena, ", %lld made (%.1f MiB)", (long long)cache->made, (double)cache->made_bytes / 0x1p20);
    return mml_arena_format(cache->arena, "%s%s%s", cache->folder, found ? found : "", made ? made : "");
}

static void note_used(DataCache *cache, const DataStore *store) {
    const char *name = strrchr(store->path, '/') + 1;
    if (cache->used_count < (i64)(sizeof cache->used / sizeof *cache->used)) cache->used[cache->used_count++] = name;
}

static int is_used(const DataCache *cache, const char *name) {
    for (i64 i = 0; i < cache->used_count; i++)
        if (strcmp(cache->used[i], name) == 0) return 1;
    return 0;
}

/* Bytes in the folder, and the file that was used longest ago and not by this run (*oldest: malloc, NULL: none). */
static i64 weigh(const DataCache *cache, char **oldest) {
    DIR *folder = opendir(cache->folder);
    struct timespec least = { 0 };
    i64 sum = 0;
    *oldest = NULL;
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        struct stat info;
        if (!ends_with(entry->d_name, ENDING) || fstatat(dirfd(folder), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
        const struct timespec *time = &info.st_mtim;
        sum += (i64)info.st_size;
        if (is_used(cache, entry->d_name)) continue;
        if (*oldest && (time->tv_sec > least.tv_sec || (time->tv_sec == least.tv_sec && time->tv_nsec >= least.tv_nsec))) continue;
        free(*oldest);
        *oldest = strdup(entry->d_name);
        least = *time;
    }
    if (folder) closedir(folder);
    return sum;
}

/* Makes room below the limit by what was used longest ago. 0: there is none. */
static int fits_limit(const DataCache *cache, i64 bytes) {
    if (!cache->limit) return 1;
    for (;;) {
        char *oldest;
        i64 sum = weigh(cache, &oldest);
        if (sum <= cache->limit - bytes || !oldest || bytes > cache->limit) {
            free(oldest);
            return sum <= cache->limit - bytes;
        }
        char *path = NULL;
        if (asprintf(&path, "%s/%s", cache->folder, oldest) < 0) path = NULL;
        int gone = path && (unlink(path) == 0 || errno == ENOENT);
        free(path);
        free(oldest);
        if (!gone) return 0;
    }
}

/* ---- Files ---- */

static u64 own_hash(const Header *header) { return hash_block((const u8 *)header, (i64)offsetof(Header, own)); }

/* Maps HEADER + count bytes of the file. */
static Status map(DataStore *store, int descriptor, int writable) {
    size_t whole = (size_t)store->count + HEADER;
    void *bytes = mmap(NULL, whole, PROT_READ | (writable ? PROT_WRITE : 0), MAP_SHARED, descriptor, 0);
    if (bytes == MAP_FAILED)
        return mml_fail(MML_ENOMEM, "can't map the %lld bytes of '%s': %s (is the address space limited, ulimit -v?)",
                        (long long)store->count, store->path, strerror(errno));
    mml_mapped_watch(bytes, whole);
    store->bytes = (u8 *)bytes + HEADER;
    return MML_OK;
}

static void unmap(DataStore *store) {
    if (!store->bytes) return;
    mml_mapped_forget(store->bytes - HEADER);
    munmap(store->bytes - HEADER, (size_t)store->count + HEADER);
    store->bytes = NULL;
}

/* What is wrong with an open file; NULL: nothing, and it is mapped. */
static const char *check(DataStore *store, int descriptor, i64 expected) {
    Header header;
    struct stat info;
    u64 hash = 0;
    if (fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode)) return "it is no file";
    if (pread(descriptor, &header, sizeof header, 0) != (ssize_t)sizeof header) return "it is too short";
    if (memcmp(header.magic, magic, sizeof magic) != 0 || header.own != own_hash(&header)) return "its header is not one";
    if (memcmp(header.key, store->key.word, sizeof header.key) != 0 || (expected >= 0 && header.count != expected)) return "it is for other data";
    if ((i64)info.st_size != HEADER + header.count) return "its size is wrong";
    store->count = header.count;
    store->note = header.note;
    if (map(store, descriptor, 0) != MML_OK) return mml_message();
    if (hash_bytes(store->cache, store->bytes, store->count, &hash) == MML_OK && hash == header.hash && !mml_mapped_failed()) {
        /* The pages stay the system's; this process holds none of them yet. */
        madvise(store->bytes - HEADER, (size_t)store->count + HEADER, MADV_DONTNEED);
        return NULL;
    }
    unmap(store);
    return "its bytes are not those that were written";
}

static int is_at(int descriptor, const char *path) {
    struct stat mine, there;
    return fstat(descriptor, &mine) == 0 && stat(path, &there) == 0 && mine.st_ino == there.st_ino && mine.st_dev == there.st_dev;
}

/* 1: it was there and is open. */
static int find(DataStore *store, i64 expected) {
    DataCache *cache = store->cache;
    int descriptor = open(store->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);      /* a pipe would wait for a writer */
    if (descriptor < 0) return 0;
    const char *wrong = check(store, descriptor, expected);
    int damaged = wrong && !mml_stop_asked();
    if (damaged) say(cache, "'%s' is damaged (%s): it is made again", store->path, wrong);
    if (damaged && is_at(descriptor, store->path)) unlink(store->path);
    if (!wrong) futimens(descriptor, NULL);                             /* used last now; a folder of somebody else's doesn't mind */
    close(descriptor);
    if (wrong) return 0;
    store->ready = 1;
    cache->found++;
    cache->found_bytes += store->count;
    note_used(cache, store);
    return 1;
}

static void drop(DataStore *store) {
    unlink(store->temporary);
    close(store->descriptor);                                    /* and with it the lock */
    store->descriptor = -1;
}

/* Whether another run holds the file. It isn't waited for in flock, which signal handlers may make go on waiting. */
static int is_held(int descriptor) {
    return flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;      /* no locks (some network folders): two may make it */
}

/* Opens the unfinished file and holds it. 0: it can't be made, which is said, or a stop was asked for. */
static int hold(DataStore *store) {
    static const struct timespec moment = { 0, 20000000 };
    for (int waited = 0; !mml_stop_asked();) {
        int descriptor = store->descriptor = open(store->temporary, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (descriptor < 0) {
            say_unwritable(store->cache, errno);
            return 0;
        }
        int held = is_held(descriptor);
        if (!held && is_at(descriptor, store->temporary)) return 1;
        close(descriptor);                                       /* finished or removed meanwhile */
        if (held && !waited++) say(store->cache, "waits for another run that is making '%s'", store->path);
        if (held) nanosleep(&moment, NULL);
    }
    store->descriptor = -1;
    return 0;
}

/* Room on disk, before anything is computed for it. */
static int reserve(DataStore *store) {
    DataCache *cache = store->cache;
    i64 bytes = HEADER + store->count;
    if (!fits_limit(cache, bytes)) {
        say(cache, "'%s' would need %.1f MiB, more than --cache-limit leaves: this part of the data is held in memory", store->path,
            (double)bytes / 0x1p20);
        return 0;
    }
    int error = ftruncate(store->descriptor, 0) == 0 ? posix_fallocate(store->descriptor, 0, (off_t)bytes) : errno;
    if (!error) return 1;
    say(cache, "no room for the %.1f MiB of '%s' (%s): this part of the data is held in memory", (double)bytes / 0x1p20, store->path,
        strerror(error));
    return 0;
}

/* 1: found, or held to be made (descriptor >= 0). */
static int find_or_hold(DataStore *store, i64 expected) {
    if (find(store, expected)) return 1;
    if (!hold(store)) return 0;
    if (find(store, expected)) drop(store);                      /* made while this run waited */
    return 1;
}

static Status name_files(DataCache *cache, const char *name, DataKey key, DataStore *out) {
    const char *base = mml_arena_format(cache->arena, "%s/%s-%016llx%016llx", cache->folder, name, (unsigned long long)key.word[0],
                                        (unsigned long long)key.word[1]);
    out->cache = cache;
    out->key = key;
    if (!base) return MML_ENOMEM;
    out->path = mml_arena_format(cache->arena, "%s%s", base, ENDING);
    out->temporary = mml_arena_format(cache->arena, "%s%s", base, UNFINISHED);
    return out->path && out->temporary ? MML_OK : MML_ENOMEM;
}

/* ---- Blocks ---- */

static Status in_memory(i64 count, DataStore *out) {
    *out = (DataStore){ .count = count, .descriptor = -1, .bytes = calloc(1, (size_t)count + 1) };
    if (out->bytes) mml_prefer_huge_pages(out->bytes, (size_t)count);
    return out->bytes ? MML_OK : mml_fail(MML_ENOMEM, "no memory for %.1f MiB of data; --cache DIR keeps them in files", (double)count / 0x1p20);
}

static Status unless_stopped(DataStore *store, int held) {
    Status status = mml_data_go_on();
    if (status != MML_OK && held) drop(store);
    return status;
}

Status mml_store_open_file(DataCache *cache, const char *name, DataKey key, i64 count, DataStore *out) {
    *out = (DataStore){ .count = count, .descriptor = -1 };
    MML_TRY(name_files(cache, name, key, out));
    int there = find_or_hold(out, count);
    out->count = count;
    if (there && out->ready) return MML_OK;
    MML_TRY(unless_stopped(out, there));
    if (there && reserve(out)) {
        Status status = map(out, out->descriptor, 1);
        if (status != MML_OK) drop(out);
        return status;
    }
    if (there) drop(out);
    *out = (DataStore){ .descriptor = -1 };
    return MML_OK;
}

Status mml_store_open(DataCache *cache, const char *name, DataKey key, i64 count, DataStore *out) {
    *out = (DataStore){ .descriptor = -1 };
    if (cache && count >= DATA_STORE_LEAST) MML_TRY(mml_store_open_file(cache, name, key, count, out));
    return out->bytes ? MML_OK : in_memory(count, out);
}

Status mml_store_grow(DataCache *cache, const char *name, DataKey key, DataStore *out) {
    *out = (DataStore){ .descriptor = -1 };
    if (!cache) return MML_OK;
    MML_TRY(name_files(cache, name, key, out));
    if (!find_or_hold(out, -1)) {
        MML_TRY(unless_stopped(out, 0));
        *out = (DataStore){ .descriptor = -1 };
        return MML_OK;
    }
    if (out->ready) return MML_OK;
    MML_TRY(unless_stopped(out, 1));
    if (ftruncate(out->descriptor, 0) == 0) return MML_OK;
    say_unwritable(cache, errno);
    drop(out);
    return MML_OK;
}

void mml_store_give_up(DataStore *store, const char *why) {
    say(store->cache, "%s: this part of the data is held in memory", why);
    mml_store_close(store);
}

static Status above_limit(const DataStore *store) { return mml_fail(MML_EIO, "'%s' needs more than --cache-limit leaves", store->path); }

/* Files of this run, which are not removed for another. */
static i64 own_bytes(const DataCache *cache) { return cache->found_bytes + cache->made_bytes + HEADER * (cache->found + cache->made); }

Status mml_store_write(DataStore *store, i64 offset, const void *bytes, i64 count) {
    const u8 *from = bytes;
    if (store->cache->limit && HEADER + offset + count > store->cache->limit - own_bytes(store->cache)) return above_limit(store);
    while (count > 0) {
        ssize_t done = pwrite(store->descriptor, from, (size_t)count, (off_t)(HEADER + offset));
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return mml_fail(MML_EIO, "the cache can't write '%s' (%s)", store->temporary, strerror(done ? errno : ENOSPC));
        from += done;
        offset += done;
        count -= done;
    }
    return MML_OK;
}

Status mml_store_grown(DataStore *store, i64 count) {
    store->count = count;
    if (!fits_limit(store->cache, HEADER + count)) return above_limit(store);
    if (ftruncate(store->descriptor, (off_t)(HEADER + count)) != 0)
        return mml_fail(MML_EIO, "the cache can't write '%s' (%s)", store->temporary, strerror(errno));
    return map(store, store->descriptor, 1);
}

/* Written pages need not be on disk: bytes that a crash of the machine loses are found by the hash. */
void mml_store_seal(DataStore *store) {
    if (!store->cache || store->ready) return;
    DataCache *cache = store->cache;
    Header header = { .key = { store->key.word[0], store->key.word[1] }, .count = store->count, .note = store->note };
    memcpy(header.magic, magic, sizeof magic);
    int whole = hash_bytes(cache, store->bytes, store->count, &header.hash) == MML_OK && !mml_mapped_failed();
    header.own = own_hash(&header);
    if (whole && (pwrite(store->descriptor, &header, sizeof header, 0) != (ssize_t)sizeof header || rename(store->temporary, store->path) != 0)) {
        say_unwritable(cache, errno);
        whole = 0;
    }
    if (whole) {
        cache->made++;
        cache->made_bytes += store->count;
        note_used(cache, store);
        close(store->descriptor);
        store->descriptor = -1;
    } else {
        drop(store);
    }
    mprotect(store->bytes - HEADER, (size_t)store->count + HEADER, PROT_READ);
    madvise(store->bytes - HEADER, (size_t)store->count + HEADER, MADV_DONTNEED);
}

void mml_store_close(DataStore *store) {
    if (store->cache && store->descriptor >= 0) drop(store);
    if (store->cache) unmap(store);
    else free(store->bytes);
    *store = (DataStore){ .descriptor = -1 };
}
