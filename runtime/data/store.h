/* Blocks of bytes that a reader or a pipeline makes once: in memory, or with --cache in files that are mapped.
 *
 * A cache folder holds a file for each block, NAME-KEY.mmlcache: a page of header (magic, key, size, a
 * hash of the bytes), then the bytes. The key is a hash of all that the bytes depend on (of files: path,
 * size, times and inode; settings; versions), so a file that is there is right or damaged; damage is
 * found by the hash when it is opened, told, and mended by making the block again. A block is made in
 * NAME-KEY.new, which its maker holds by flock, and renamed when it is whole: readers see whole files
 * alone, whoever comes second waits (until a stop is asked for) and finds it made, and a killed maker leaves a file that the next one
 * takes over or removes. Mapped bytes are the system's to drop and read again, so that memory for them
 * is bounded however many there are. Where a file can't be made (no room, no permission, above the
 * limit) that is said, and the block lies in memory.
 */
#ifndef DATA_STORE_H
#define DATA_STORE_H

#include "mml/data.h"
#include "mml/threads.h"

/* Smaller blocks are not worth a file. */
#define DATA_STORE_LEAST ((i64)1 << 16)

typedef struct DataCache DataCache;

/* The folder must be there. Removes what killed runs left unfinished. Memory from arena; threads: for hashing. */
Status mml_cache_open(const MmlCache *options, MmlThreads *threads, MmlArena *arena, DataCache **out);
const char *mml_cache_folder(const DataCache *cache);      /* "" for NULL */
/* What was found and made, for people; NULL: there is no cache. */
const char *mml_cache_describe(DataCache *cache);

/* ---- Keys ---- */

typedef struct { u64 word[2]; } DataKey;

/* Begins with the versions of this format and of the compiler, whose runtime comes with it. what: "idx images". */
DataKey mml_key(const char *compiler, const char *what);
void    mml_key_text(DataKey *key, const char *text);
void    mml_key_int(DataKey *key, i64 value);
void    mml_key_bytes(DataKey *key, const void *bytes, i64 count);
/* Where a file is, its inode, size and times of change; of one that isn't there, that. */
void    mml_key_file(DataKey *key, const char *path);

/* ---- Blocks ---- */

typedef struct {
    u8         *bytes;               /* [count]                                     */
    i64         count;
    u64         note;                /* a word that is kept with the bytes; set it before sealing */
    int         ready;               /* 1: made before; nothing may be written      */
    DataCache  *cache;               /* not NULL: in a file                         */
    DataKey     key;
    int         descriptor;          /* of the file being made, else -1             */
    const char *path, *temporary;
} DataStore;

/* A block of `count` bytes called name ("digits-image"): found, or room for it, zeroed. cache NULL: in
 * memory. MML_ENOMEM where neither has room. */
Status mml_store_open(DataCache *cache, const char *name, DataKey key, i64 count, DataStore *out);

/* The same in a file alone: bytes NULL where it can't be made. */
Status mml_store_open_file(DataCache *cache, const char *name, DataKey key, i64 count, DataStore *out);

/* The same where the count isn't known before: found (ready), or begun in a file, to be written by
 * mml_store_write from any thread and sealed with its count; bytes NULL and descriptor -1: neither. */
Status mml_store_grow(DataCache *cache, const char *name, DataKey key, DataStore *out);
/* MML_EIO when there is no room; give the block up then, and hold what goes there in memory. */
Status mml_store_write(DataStore *store, i64 offset, const void *bytes, i64 count);
/* Sets count and maps what was written; fails likewise. */
Status mml_store_grown(DataStore *store, i64 count);
/* Closes a block that can't be made, and says why. */
void   mml_store_give_up(DataStore *store, const char *why);

/* The bytes are whole: they may only be read from now on, and others find them. */
void   mml_store_seal(DataStore *store);
/* What isn't sealed is gone. */
void   mml_store_close(DataStore *store);

#endif
