/* Files that must not outlive mmlc: removed by temporary_remove, and when a signal
 * (INT, TERM, HUP, PIPE; one that has no handler yet) ends the process. At most four at once. */
#ifndef DRIVER_TEMPORARY_H
#define DRIVER_TEMPORARY_H

#include "support/arena.h"

/* Registers a path that is about to be written, or made by mkstemps in $TMPDIR
 * (/tmp) with this ending; the latter is NULL with errno when it can't be made. */
const char *temporary_register(const char *path);
const char *temporary_new(Arena *arena, const char *ending);

/* Removes it (it need not exist) and forgets it; temporary_keep only forgets. */
void temporary_remove(const char *path);
void temporary_keep(const char *path);

#endif
