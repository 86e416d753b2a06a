/* What the prompt says beside results: errors, on standard error, and that there were any. */
#ifndef DRIVER_REPL_SAY_H
#define DRIVER_REPL_SAY_H

/* "error: …" */
void repl_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void repl_help(const char *format, ...)  __attribute__((format(printf, 1, 2)));

/* Something was wrong in what was typed; repl_errors counts it. */
void repl_note_error(void);
int  repl_errors(void);

#endif
