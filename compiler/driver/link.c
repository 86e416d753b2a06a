#include "driver/link.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "driver/say.h"
#include "driver/temporary.h"

extern char **environ;

/* Debian's lld-19 alone has no ld.lld on the path. */
#define LLD_FOLDER "/usr/lib/llvm-19/bin"

#if defined(__SANITIZE_ADDRESS__)              /* gcc */
#define SANITIZED 1
#elif defined(__has_feature)                   /* clang */
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

enum { SAID_BYTES = 16 * 1024, SAID_LINES = 12, LITTLE_SPACE = 1024 * 1024 };

typedef VECTOR(const char *) Words;

static const char *folder_of(Arena *arena, const char *path) {
    const char *slash = strrchr(path, '/');
    if (!slash) return ".";
    return slash == path ? "/" : arena_copy(arena, path, (size_t)(slash - path));
}

const char *link_target(Arena *arena, const char *path, const char *remedy) {
    struct stat file;
    const char *reason = NULL;
    int has_no_folder = 0;
    char *behind = realpath(path, NULL);
    const char *target = behind ? arena_copy(arena, behind, strlen(behind)) : path;
    free(behind);
    if (!*path) reason = "the name is empty";
    else if (path[strlen(path) - 1] == '/') reason = "it names a folder";
    else if (stat(path, &file) == 0) {
        if (S_ISDIR(file.st_mode)) reason = "it is a folder";
        else if (!S_ISREG(file.st_mode)) reason = "it is not a regular file";
        else if (access(path, W_OK) != 0) reason = strerror(errno);
    } else if (errno != ENOENT) {
        reason = strerror(errno);
    }
    if (!reason && access(folder_of(arena, target), W_OK | X_OK) != 0) {
        reason = arena_printf(arena, "%s: %s", folder_of(arena, target), strerror(errno));
        has_no_folder = errno == ENOENT;
    }
    if (!reason) return target;
    say_error("can't write %s: %s", path, reason);
    say_help("%s%s", has_no_folder ? "make the folder first, or " : "", remedy);
    return NULL;
}

/* ---- The runtime ---- */

/* Beside mmlc: installed as PREFIX/lib/mml/libmml.a, built as BUILD/runtime/libmml.a. */
static const char *runtime_library(Arena *arena) {
    static const char *const places[] = {"../lib/mml/libmml.a", "../runtime/libmml.a"};
    char own[4096];
    ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);
    if (length < 0) {
        say_error("can't find the runtime: /proc/self/exe: %s", strerror(errno));
        return NULL;
    }
    own[length] = 0;
    const char *folder = folder_of(arena, own);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const char *path = arena_printf(arena, "%s/%s", folder, places[i]);
        if (access(path, R_OK) == 0) return path;
    }
    say_error("can't find the runtime: there is no %s/%s", folder, places[0]);
    say_help("mmlc and lib/mml/libmml.a are installed together; install MML again");
    return NULL;
}

/* ---- cc ---- */

static Words command_line(Arena *arena, const char *object, const char *library, const char *output, int lld, int static_blas) {
    static const char *const shared[] = {"-lopenblas"}, *const fixed[] = {"-l:libopenblas.a", "-l:libgfortran.a", "-l:libquadmath.a"};
    static const char *const libraries[] = {"-ljansson", "-lpng", "-ljpeg", "-lz", "-lm", "-lpthread"};
    Words words = {0};
    VECTOR_PUSH(arena, &words, "cc");
    if (lld) {
        VECTOR_PUSH(arena, &words, "-fuse-ld=lld");
        if (access(LLD_FOLDER, X_OK) == 0) VECTOR_PUSH(arena, &words, "-B" LLD_FOLDER);
    }
#ifdef SANITIZED
    VECTOR_PUSH(arena, &words, "-fsanitize=address,undefined");       /* as the library beside this mmlc */
#endif
    VECTOR_PUSH(arena, &words, "-o");
    VECTOR_PUSH(arena, &words, output);
    VECTOR_PUSH(arena, &words, object);
    VECTOR_PUSH(arena, &words, library);
    for (int i = 0; i < (static_blas ? 3 : 1); i++) VECTOR_PUSH(arena, &words, static_blas ? fixed[i] : shared[i]);
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) VECTOR_PUSH(arena, &words, libraries[i]);
    VECTOR_PUSH(arena, &words, NULL);
    return words;
}

typedef struct { int code; int error; char said[SAID_BYTES]; } Outcome;      /* error: errno when it could not start */

static void read_said(int file, Outcome *outcome) {
    size_t count = 0;
    char rest[1024];
    for (;;) {
        int    full = count == sizeof outcome->said - 1;
        ssize_t got = full ? read(file, rest, sizeof rest) : read(file, outcome->said + count, sizeof outcome->said - 1 - count);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        if (!full) count += (size_t)got;
    }
    outcome->said[count] = 0;
}

/* Runs it with its output caught. */
static void run(const Words *words, Outcome *outcome) {
    int pipe_ends[2], status = 0;
    pid_t process;
    posix_spawn_file_actions_t actions;
    *outcome = (Outcome){.code = -1};
    if (pipe(pipe_ends) != 0) {
        outcome->error = errno;
        return;
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDERR_FILENO);
    posix_spawn_file_actions_addclose(&actions, pipe_ends[0]);
    posix_spawn_file_actions_addclose(&actions, pipe_ends[1]);
    outcome->error = posix_spawnp(&process, words->items[0], &actions, NULL, (char *const *)words->items, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(pipe_ends[1]);
    if (!outcome->error) {
        read_said(pipe_ends[0], outcome);
        while (waitpid(process, &status, 0) < 0 && errno == EINTR) {}
        outcome->code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    close(pipe_ends[0]);
}

/* ---- Failure ---- */

static int is_full(const char *folder) {
    struct statvfs disk;
    return statvfs(folder, &disk) == 0 && (double)disk.f_bavail * (double)disk.f_frsize < LITTLE_SPACE;
}

static void say_failure(Arena *arena, const Outcome *outcome, const char *path) {
    if (outcome->error == ENOENT) {
        say_error("can't link %s: there is no `cc` on the path", path);
        say_help("install a C compiler (Debian: gcc or clang); `--emit obj` needs none");
        return;
    }
    if (outcome->error) {
        say_error("can't link %s: cc: %s", path, strerror(outcome->error));
        return;
    }
    const char *folder = folder_of(arena, path);
    if (is_full(folder)) {
        say_error("can't link %s: no space is left in %s", path, folder);
        return;
    }
    say_error("can't link %s: `cc` failed with code %d", path, outcome->code);
    const char *line = outcome->said;
    for (int i = 0; i < SAID_LINES && *line; i++) {
        size_t length = strcspn(line, "\n");
        fprintf(stderr, "  | %.*s\n", (int)length, line);
        line += length + (line[length] == '\n');
    }
}

int link_program(Arena *arena, const char *object, const char *path, int static_blas) {
    const char *library = runtime_library(arena);
    if (!library) return EXIT_SYSTEM;
    const char *unfinished = temporary_register(arena_printf(arena, "%s.%ld.part", path, (long)getpid()));
    Outcome *outcome = NEW(arena, Outcome);
    for (int lld = 1; lld >= 0; lld--) {
        Words words = command_line(arena, object, library, unfinished, lld, static_blas);
        run(&words, outcome);
        if (outcome->error || outcome->code == 0) break;
    }
    if (outcome->error || outcome->code != 0) {
        say_failure(arena, outcome, path);
        if (static_blas && !outcome->error) say_help("--static-blas needs libopenblas.a, libgfortran.a and libquadmath.a (Debian: libopenblas-dev, gfortran)");
        temporary_remove(unfinished);
        return EXIT_SYSTEM;
    }
    if (rename(unfinished, path) != 0) {
        say_error("can't write %s: %s", path, strerror(errno));
        temporary_remove(unfinished);
        return EXIT_SYSTEM;
    }
    temporary_keep(unfinished);
    return EXIT_FINE;
}
