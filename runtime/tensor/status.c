#include "mml/base.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Long enough for two paths and a sentence; longer messages are cut. */
#define MESSAGE_SIZE 1024

static _Thread_local char message[MESSAGE_SIZE];

Status mml_fail(Status code, const char *format, ...) {
    char text[MESSAGE_SIZE];              /* an argument may be mml_message() itself */
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    memcpy(message, text, sizeof message);
    return code;
}

/* As much of `more` as fits. */
static void append(char *text, size_t *used, const char *more) {
    while (*more && *used + 1 < MESSAGE_SIZE) text[(*used)++] = *more++;
    text[*used] = 0;
}

Status mml_context(Status code, const char *format, ...) {
    char text[MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length < 0) return code;
    size_t used = (size_t)length < sizeof text ? (size_t)length : sizeof text - 1;
    append(text, &used, ": ");
    append(text, &used, message);
    memcpy(message, text, sizeof message);
    return code;
}

const char *mml_message(void) { return message; }

int mml_exit_code(Status code) {
    static const int exit_codes[] = {
        [MML_OK] = 0,      [MML_EINPUT] = 3, [MML_EDATA] = 3,      [MML_EIO] = 3, [MML_ENOMEM] = 3,
        [MML_ENUMERIC] = 1, [MML_ECALL] = 2, [MML_EINTERRUPT] = 130, [MML_EBUG] = 70,
    };
    size_t known = sizeof exit_codes / sizeof *exit_codes;
    return (size_t)code < known ? exit_codes[code] : exit_codes[MML_EBUG];
}
