#include "driver/fmt.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "driver/link.h"
#include "driver/say.h"
#include "driver/temporary.h"
#include "syntax/format.h"

static int cannot(const char *what, const char *path) {
    say_error("can't %s %s: %s", what, path, strerror(errno));
    return EXIT_SYSTEM;
}

/* The file takes the place of target in one step, with its permissions. */
static int replace_file(Arena *arena, const char *path, const char *text, size_t length) {
    const char *target = link_target(arena, path, "`mmlc fmt -` reads standard input and prints");
    struct stat old;
    if (!target) return EXIT_SYSTEM;
    if (stat(target, &old) != 0) return cannot("write", path);
    const char *unfinished = temporary_register(arena_printf(arena, "%s.%ld.part", target, (long)getpid()));
    FILE *file = fopen(unfinished, "wb");
    int   fine = file && fwrite(text, 1, length, file) == length && fflush(file) == 0 && fchmod(fileno(file), old.st_mode & 07777) == 0 &&
                 fsync(fileno(file)) == 0;
    int reason = errno;
    if (file && fclose(file) != 0 && fine) fine = 0, reason = errno;
    if (fine && rename(unfinished, target) == 0) {
        temporary_keep(unfinished);
        return EXIT_FINE;
    }
    if (!fine) errno = reason;
    int code = cannot("write", path);
    temporary_remove(unfinished);
    return code;
}

static int format_file(const Options *options, const char *path) {
    Arena *arena = arena_new();
    int is_stream = strcmp(path, "-") == 0, code = EXIT_FINE;
    const Source *source = source_read(arena, is_stream ? "/dev/stdin" : path);
    if (!source) {
        if (errno == EFBIG) say_error("can't read %s: it is larger than 16 MiB", path);
        else cannot("read", path);
        arena_free(arena);
        return EXIT_SYSTEM;
    }
    size_t length;
    Diagnostics *diagnostics = diagnostics_new(arena);
    const char  *text = format_source(arena, interner_new(arena), diagnostics, source, &length);
    diag_print(diagnostics, stderr, options->json ? DIAG_JSON : DIAG_TEXT, options_colored(options));
    int same = text && length == source->length && memcmp(text, source->text, length) == 0;
    if (!text) code = EXIT_PROGRAM;
    else if (options->check && !same) {
        printf("%s has another layout\n", is_stream ? "standard input" : path);
        code = EXIT_PROGRAM;
    } else if (!options->check && is_stream) fwrite(text, 1, length, stdout);
    else if (!options->check && !same) code = replace_file(arena, path, text, length);
    arena_free(arena);
    return code;
}

int fmt_command(const Options *options) {
    int code = EXIT_FINE;
    if (!options->files.count) {
        say_error("no program is given");
        say_help("`mmlc fmt FILE…` formats files in place; `mmlc fmt -` from standard input to standard output");
        return EXIT_CALL;
    }
    for (int i = 0; i < options->files.count; i++) {
        int one = format_file(options, options->files.items[i]);
        if (one > code) code = one;
    }
    return finish_output(code);
}
