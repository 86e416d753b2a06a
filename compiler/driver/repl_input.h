/* Lines for the prompt: from a terminal with editing, history and completion (libedit), or plainly. */
#ifndef DRIVER_REPL_INPUT_H
#define DRIVER_REPL_INPUT_H

#include "driver/repl_session.h"

enum { LONGEST_INPUT = 16 * 1024 * 1024 };        /* bytes, of a line and of what several lines make up */

/* TOO_LONG: all of the line has been read, and none of it is kept. */
typedef enum { LINE_READ, LINE_TOO_LONG, LINE_INTERRUPTED, LINE_END } LineResult;

/* terminal: standard input and output are one. session: whose names are completed. */
void       input_open(const Session *session, const char *program, int terminal);
void       input_close(void);

/* The next line without its line break, malloc'd; go_on: the prompt of a continuation. */
LineResult input_line(int go_on, char **line);
/* A whole input, for the history. */
void       input_remember(const char *text);

#endif
