/* Messages of mmlc itself, on standard error: about the call and the system. */
#ifndef DRIVER_SAY_H
#define DRIVER_SAY_H

enum { EXIT_FINE = 0, EXIT_PROGRAM = 1, EXIT_CALL = 2, EXIT_SYSTEM = 3 };

/* "mmlc: error: …" */
void say_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* "mmlc: warning: …" */
void say_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* "  help: …" */
void say_help(const char *format, ...)  __attribute__((format(printf, 1, 2)));
void say_note(const char *format, ...)  __attribute__((format(printf, 1, 2)));

/* Closes standard output; EXIT_SYSTEM with a message when not all of it could be written. */
int finish_output(int code);

#endif
