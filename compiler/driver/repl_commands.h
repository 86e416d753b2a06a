/* Commands of the prompt: a colon and a word. */
#ifndef DRIVER_REPL_COMMANDS_H
#define DRIVER_REPL_COMMANDS_H

#include "driver/repl_session.h"

extern const char *const command_names[];          /* without the colon, NULL-terminated */

typedef struct { int quit, timing; } CommandState;

/* line begins with a colon. */
void command_run(Session *session, const char *line, CommandState *state);

/* Takes in a file's definitions. EXIT_FINE, EXIT_PROGRAM, or EXIT_SYSTEM when it can't be read. */
int  load_file(Session *session, const char *path);

#endif
