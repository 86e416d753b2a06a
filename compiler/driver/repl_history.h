/* What was typed at the prompt, kept for the next session: at most HISTORY_LENGTH inputs in $XDG_STATE_HOME/mml/history
 * (~/.local/state/mml/history), in libedit's form, for the owner alone.
 *
 * The file is read at the start; at the end it is read again, this session's inputs are put behind what others have
 * added meanwhile, and it is replaced in one step. Where it can't be read or written there is none, and nobody is told.
 */
#ifndef DRIVER_REPL_HISTORY_H
#define DRIVER_REPL_HISTORY_H

#include <histedit.h>

enum { HISTORY_LENGTH = 1000 };

/* Puts what is kept into list, which the caller has made. */
void history_open(History *list);
/* Will be kept. */
void history_note(const char *text);
void history_close(void);

#endif
