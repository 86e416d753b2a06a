/* One interner a compilation: equal names are equal pointers. */
#ifndef SUPPORT_INTERN_H
#define SUPPORT_INTERN_H

#include "support/arena.h"

typedef const char *Name;             /* interned, NUL-terminated */
typedef struct Interner Interner;

Interner *interner_new(Arena *arena);
Name      intern(Interner *interner, const char *text, size_t length);
Name      intern_text(Interner *interner, const char *text);

/* The entry of names[count] nearest to name (edit distance at most a third of
 * its length, at least 1 allowed), or NULL: for "did you mean". */
const char *nearest_name(const char *name, const char *const *names, int count);

#endif
