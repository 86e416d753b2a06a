#define _GNU_SOURCE
#include "driver/repl_history.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "driver/temporary.h"
#include "support/cache.h"

enum { LONGEST_KEPT = 1 << 16, LARGEST_FILE = 1 << 26 };      /* bytes: of an input; of a file that is read */

static Arena      *arena;
static const char *path;                          /* NULL: nothing is kept     */
static History    *typed;                         /* of this session           */

/* Relative paths don't count (XDG Base Directory Specification). */
static const char *folder_of_states(void) {
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if (state && *state == '/') return arena_printf(arena, "%s/mml", state);
    return home && *home == '/' ? arena_printf(arena, "%s/.local/state/mml", home) : NULL;
}

static void load(History *list) {
    struct stat file;
    HistEvent   event;
    if (stat(path, &file) == 0 && S_ISREG(file.st_mode) && file.st_size <= LARGEST_FILE) history(list, &event, H_LOAD, path);
}

static History *new_list(void) {
    HistEvent event;
    History  *list = history_init();
    if (list) history(list, &event, H_SETSIZE, HISTORY_LENGTH);
    if (list) history(list, &event, H_SETUNIQUE, 1);
    return list;
}

void history_open(History *list) {
    arena = arena_new();
    const char *folder = folder_of_states();
    if (!folder || !make_folders(arena, folder)) return;
    path = arena_printf(arena, "%s/history", folder);
    char *target = realpath(path, NULL);          /* a link stays one */
    if (target) path = arena_copy(arena, target, strlen(target));
    free(target);
    typed = new_list();
    load(list);
}

void history_note(const char *text) {
    HistEvent event;
    if (typed && strlen(text) <= LONGEST_KEPT) history(typed, &event, H_ENTER, text);
}

static void write_all(History *all) {
    HistEvent   event;
    const char *unfinished = temporary_register(arena_printf(arena, "%s.%ld.part", path, (long)getpid()));
    if (history(all, &event, H_SAVE, unfinished) >= 0 && rename(unfinished, path) == 0) temporary_keep(unfinished);
    else temporary_remove(unfinished);
}

void history_close(void) {
    HistEvent event;
    if (!arena) return;
    History  *all = typed && history(typed, &event, H_LAST) >= 0 ? new_list() : NULL;
    if (all) {
        load(all);
        for (int more = history(typed, &event, H_LAST); more >= 0; more = history(typed, &event, H_PREV)) {
            HistEvent entered;
            history(all, &entered, H_ENTER, event.str);
        }
        write_all(all);
        history_end(all);
    }
    if (typed) history_end(typed);
    arena_free(arena);
    typed = NULL;
    path = NULL;
    arena = NULL;
}
