#include "driver/temporary.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/diag.h"

enum { MOST = 4 };

/* Read by the signal handler: a slot is set last and cleared first. */
static const char *volatile paths[MOST];

/* unlink and raise are safe in a handler; SA_RESETHAND makes the raised signal final. */
static void remove_all(int signal_number) {
    for (int i = 0; i < MOST; i++)
        if (paths[i]) unlink(paths[i]);
    raise(signal_number);
}

/* What is ignored, or handled already (the prompt's Ctrl-C ends what runs and nothing else), stays so. */
static void handle_signals(void) {
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    static int done;
    if (done) return;
    done = 1;
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct sigaction old, action = {.sa_handler = remove_all, .sa_flags = SA_RESETHAND};
        sigemptyset(&action.sa_mask);
        if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL) sigaction(signals[i], &action, NULL);
    }
}

const char *temporary_register(const char *path) {
    handle_signals();
    for (int i = 0; i < MOST; i++)
        if (!paths[i]) return paths[i] = path;
    mml_ice("more than %d temporary files at once", MOST);
}

const char *temporary_new(Arena *arena, const char *ending) {
    const char *folder = getenv("TMPDIR");
    char *path = arena_printf(arena, "%s/mmlc-XXXXXX%s", folder && *folder ? folder : "/tmp", ending);
    int file = mkstemps(path, (int)strlen(ending));
    if (file < 0) return NULL;
    close(file);
    return temporary_register(path);
}

void temporary_keep(const char *path) {
    for (int i = 0; i < MOST; i++)
        if (paths[i] == path) paths[i] = NULL;
}

void temporary_remove(const char *path) {
    unlink(path);
    temporary_keep(path);
}
