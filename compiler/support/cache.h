/* What was made once, kept in files for the next call: compiled code, measured kernels.
 *
 * An entry is named by the kind and a key that hashes all that decides its
 * contents, so it is never out of date, only unused. It holds a hash of
 * its key and contents, and what doesn't agree with that counts as damaged. Entries are written beside
 * and renamed, so any number of processes may use a folder at once. Where nothing can be
 * kept (no folder, a full disk) nothing is, and nobody fails.
 */
#ifndef SUPPORT_CACHE_H
#define SUPPORT_CACHE_H

#include "support/arena.h"
#include "support/sha256.h"

/* All entries together; the ones that were used longest ago go first, down to three quarters of it. */
#define CACHE_BYTES (256ll << 20)

/* The folder of the cache, made if it isn't there: chosen, else $MML_CACHE, else mml below $XDG_CACHE_HOME
 * or ~/.cache; "off" is none. NULL when there is none or it can't be used; *reason says why then, when it was chosen
 * or named by MML_CACHE, and is NULL else. A folder that others own or may write to isn't used: an entry is code that runs. */
const char *cache_folder(Arena *arena, const char *chosen, const char **reason);

/* mkdir -p, for the owner alone; 0 with errno. */
int make_folders(Arena *arena, const char *path);

typedef enum { CACHE_NOTHING, CACHE_FOUND, CACHE_DAMAGED } CacheResult;

/* kind: some letters, the ending of the file's name. A NULL folder holds nothing. A damaged entry is removed. */
CacheResult cache_read(Arena *arena, const char *folder, const char *kind, Digest key, const char **bytes, size_t *size);
/* 1: it is kept. */
int         cache_write(Arena *arena, const char *folder, const char *kind, Digest key, const void *bytes, size_t size);
void        cache_remove(Arena *arena, const char *folder, const char *kind, Digest key);

#endif
