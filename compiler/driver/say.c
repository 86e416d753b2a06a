#include "driver/say.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 2, 0)))
static void say(const char *before, const char *format, va_list arguments) {
    fputs(before, stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
}

#define SAY(before) do {                 \
        va_list arguments;               \
        va_start(arguments, format);     \
        say((before), format, arguments); \
        va_end(arguments);               \
    } while (0)

void say_error(const char *format, ...) { SAY("mmlc: error: "); }
void say_warning(const char *format, ...) { SAY("mmlc: warning: "); }
void say_help(const char *format, ...)  { SAY("  help: "); }
void say_note(const char *format, ...)  { SAY("  note: "); }

int finish_output(int code) {
    int failed = ferror(stdout) | fflush(stdout);
    if (!failed || code != EXIT_FINE) return code;
    say_error("can't write to standard output: %s", strerror(errno));
    return EXIT_SYSTEM;
}
