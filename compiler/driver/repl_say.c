#include "driver/repl_say.h"

#include <stdarg.h>
#include <stdio.h>

static int errors;

void repl_note_error(void) { errors++; }
int  repl_errors(void)     { return errors; }

#define SAY(before) do {                          \
        va_list arguments;                        \
        fflush(stdout);                           \
        fputs((before), stderr);                  \
        va_start(arguments, format);              \
        vfprintf(stderr, format, arguments);      \
        va_end(arguments);                        \
        fputc('\n', stderr);                      \
    } while (0)

void repl_error(const char *format, ...) {
    repl_note_error();
    SAY("error: ");
}

void repl_help(const char *format, ...) { SAY("  help: "); }
