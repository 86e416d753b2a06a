/* From an object file to an executable: `cc` with the runtime and its libraries. */
#ifndef DRIVER_LINK_H
#define DRIVER_LINK_H

#include "support/arena.h"

/* Can a file be put at path? The path it has behind symbolic links, or NULL after a message, which
 * ends with the caller's remedy: "name another file with -o". */
const char *link_target(Arena *arena, const char *path, const char *remedy);

/* Links object into path (of link_target), whole or not at all. Returns the exit
 * code; messages are said. */
int link_program(Arena *arena, const char *object, const char *path, int static_blas);

#endif
