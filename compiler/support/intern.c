#include "support/intern.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

typedef struct { Name name; size_t length; uint64_t hash; } Entry;

struct Interner {
    Arena *arena;
    Entry *entries;               /* open addressing; a power of two, at most half full */
    size_t count, capacity;
};

enum { FIRST_CAPACITY = 256, LONGEST_COMPARED = 64 };

/* FNV-1a, 64 bits. */
static uint64_t hash_of(const char *text, size_t length) {
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < length; i++) hash = (hash ^ (unsigned char)text[i]) * 1099511628211u;
    return hash;
}

Interner *interner_new(Arena *arena) {
    Interner *interner = NEW(arena, Interner);
    interner->arena    = arena;
    interner->capacity = FIRST_CAPACITY;
    interner->entries  = NEW_ARRAY(arena, Entry, FIRST_CAPACITY);
    return interner;
}

static Entry *slot_of(Interner *interner, uint64_t hash, const char *text, size_t length) {
    for (size_t i = hash & (interner->capacity - 1);; i = (i + 1) & (interner->capacity - 1)) {
        Entry *entry = &interner->entries[i];
        if (!entry->name) return entry;
        if (entry->hash == hash && entry->length == length && memcmp(entry->name, text, length) == 0) return entry;
    }
}

static void grow(Interner *interner) {
    Entry *old   = interner->entries;
    size_t count = interner->capacity;
    interner->capacity *= 2;
    interner->entries   = NEW_ARRAY(interner->arena, Entry, interner->capacity);
    for (size_t i = 0; i < count; i++)
        if (old[i].name) *slot_of(interner, old[i].hash, old[i].name, old[i].length) = old[i];
}

Name intern(Interner *interner, const char *text, size_t length) {
    uint64_t hash  = hash_of(text, length);
    Entry   *entry = slot_of(interner, hash, text, length);
    if (entry->name) return entry->name;
    if (2 * (interner->count + 1) > interner->capacity) {
        grow(interner);
        entry = slot_of(interner, hash, text, length);
    }
    *entry = (Entry){.name = arena_copy(interner->arena, text, length), .length = length, .hash = hash};
    interner->count++;
    return entry->name;
}

Name intern_text(Interner *interner, const char *text) { return intern(interner, text, strlen(text)); }

static int least(int a, int b) { return a < b ? a : b; }

/* Edit distance with neighbouring letters swapped as one edit (optimal string
 * alignment); another case alone is one edit. Above limit: anything above limit. */
static int edit_distance(const char *a, int n, const char *b, int m, int limit) {
    if (n - m > limit || m - n > limit) return limit + 1;
    if (n == m && strncasecmp(a, b, (size_t)n) == 0) return memcmp(a, b, (size_t)n) != 0;
    int rows[3][LONGEST_COMPARED + 1];
    for (int j = 0; j <= m; j++) rows[0][j] = j;
    for (int i = 1; i <= n; i++) {
        int *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];
        row[0] = i;
        for (int j = 1; j <= m; j++) {
            int best = above[j - 1] + (a[i - 1] != b[j - 1]);
            best = least(best, least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) best = least(best, two_above[j - 2] + 1);
            row[j] = best;
        }
    }
    return rows[n % 3][m];
}

const char *nearest_name(const char *name, const char *const *names, int count) {
    size_t length = strlen(name);
    if (length > LONGEST_COMPARED) return NULL;
    int limit = length < 6 ? 1 : (int)length / 3;
    const char *nearest = NULL;
    for (int i = 0; i < count; i++) {
        size_t other = strlen(names[i]);
        if (other > LONGEST_COMPARED) continue;
        int distance = edit_distance(name, (int)length, names[i], (int)other, limit);
        if (distance > limit) continue;
        if (distance == 0) return names[i];
        nearest = names[i];
        limit   = distance - 1;
    }
    return nearest;
}
