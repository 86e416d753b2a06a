#define _GNU_SOURCE
#include "driver/repl_input.h"

#include <errno.h>
#include <histedit.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "driver/repl_commands.h"
#include "driver/repl_evaluate.h"
#include "driver/repl_history.h"
#include "driver/repl_pid.h"
#include "driver/repl_say.h"
#include "sema/library.h"

enum { MOST_SHOWN = 100, CTRL_D = 4 };

static EditLine      *editor;
static History       *history_list;
static const Session *session_at_hand;
static int            continuing, at_first_character;

/* ---- Completion ---- */

static const char *const words[] = {
    "and", "or", "not", "div", "mod", "if", "then", "else", "for", "in", "let", "return", "true", "false", "inf",
    "use", "param", "data", "modality", "target", "fusion", "train", "stage", "encoder", "policy", "method", "state", "weight", "on", "requires",
    "only", "all", "pause", "resume", "finish", "say", "modalities", "active", "trained", "count", "first", "other",
    "max", "min", "abs", "log", "log2", "exp", "pow", "sqrt", "tanh", "clamp", "argmax", "argmin", "sum", "mean", "each",
    "start", "probe", "epoch", "end_epoch",
    "input", "head", "seed", "batch", "optimizer", "schedule", "epochs", "kind", "watch", "continue", "load", "save", "paused_batchnorm",
    "lr", "momentum", "weight_decay", "every", "when", "untrained", "bins", "split", "samples", "solver", "estimator",
    "sgd", "adam", "adamw", "step", "cosine", "constant", "warmup", "kmeans", "quantile", "mutual_information",
};
static const char *const fields[] = {"redundancy", "unique", "synergy", "synergy_plugin", "synergy_error", "mutual", "total", "entropy", "gap", "epoch",
                                     "index", "loss", "accuracy", "validation"};

typedef struct { const char *word; size_t length; char *found[MOST_SHOWN]; int count; } Matches;

static void offer(Matches *m, const char *name) {
    if (strncmp(name, m->word, m->length) || m->count == MOST_SHOWN) return;
    for (int i = 0; i < m->count; i++)
        if (!strcmp(m->found[i], name)) return;
    char *copy = strdup(name);
    if (copy) m->found[m->count++] = copy;
}

static void offer_definition(void *context, DeclKind kind, const char *name, const char *path) { offer(context, name); }
static void offer_binding(void *context, const char *name, const Answer *result)               { offer(context, name); }

static void offer_library(Matches *m) {
    Question question = question_new((Session *)session_at_hand);
    for (int i = 0; i < library_text_count; i++) {
        const char *text = (const char *)library_texts[i].text;
        for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
            char kind[16], name[64];
            if (sscanf(line, "%15[a-z] %63[A-Za-z0-9_](", kind, name) == 2 && (!strcmp(kind, "policy") || !strcmp(kind, "encoder") || !strcmp(kind, "method"))) offer(m, name);
        }
    }
    question_end(&question);
}

static void offer_all(Matches *m, char before) {
    static const char *const functions[] = {
#define FUNCTION(name, function, form, help) name,
        FUNCTIONS
#undef FUNCTION
    };
    if (before == ':') {
        for (int i = 0; command_names[i]; i++) offer(m, command_names[i]);
        return;
    }
    for (size_t i = 0; i < sizeof fields / sizeof *fields && before == '.'; i++) offer(m, fields[i]);
    if (before == '.') return;
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) offer(m, functions[i]);
    for (int i = 0; gate_names[i]; i++) offer(m, gate_names[i]);
    session_each(session_at_hand, offer_definition, m);
    binding_each(offer_binding, m);
    offer_library(m);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) offer(m, words[i]);
}

static size_t common_length(const Matches *m) {
    size_t length = strlen(m->found[0]);
    for (int i = 1; i < m->count; i++)
        while (strncmp(m->found[i], m->found[0], length)) length--;
    return length;
}

static int is_name_char(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

static unsigned char complete(EditLine *el, int key) {
    const LineInfo *line = el_line(el);
    const char *start = line->cursor;
    while (start > line->buffer && is_name_char(start[-1])) start--;
    Matches m = {.word = start, .length = (size_t)(line->cursor - start)};
    offer_all(&m, start > line->buffer ? start[-1] : 0);
    unsigned char result = CC_ERROR;
    if (m.count) {
        size_t length = common_length(&m);
        char   more[128];
        snprintf(more, sizeof more, "%.*s", (int)(length - m.length), m.found[0] + m.length);
        if (*more && el_insertstr(el, more) == 0) result = CC_REFRESH;
        else if (m.count > 1) {
            putchar('\n');
            for (int i = 0; i < m.count; i++) printf("%s%s", m.found[i], i + 1 < m.count ? "  " : "\n");
            result = CC_REDISPLAY;
        }
    }
    for (int i = 0; i < m.count; i++) free(m.found[i]);
    return result;
}

/* ---- Characters ---- */

/* Waits for input with SIGINT let through only while waiting, so that none is lost between a look and a read. */
static int wait_for_input(void) {
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    sigset_t interrupt, before;
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    sigprocmask(SIG_BLOCK, &interrupt, &before);
    int ready = 0;
    while (!mml_stop_asked() && !ready) {
        int result = ppoll(&input, 1, NULL, &before);
        if (result < 0 && errno != EINTR) ready = -1;
        else ready = result > 0;
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (ready == 0) errno = EINTR;
    return ready > 0;
}

static int is_waiting(void) { return poll(&(struct pollfd){.fd = STDIN_FILENO, .events = POLLIN}, 1, 0) > 0; }

/* One character of the terminal's encoding; 0 at the end, -1 with errno. A Ctrl-D that was typed while the terminal
 * still read whole lines is kept by it as a NUL: at the head of a line it is what it was. */
static int read_character(EditLine *el, wchar_t *out) {
    mbstate_t state = {0};
    int typed_ahead = at_first_character && is_waiting();
    at_first_character = 0;
    for (;;) {
        char byte;
        if (!wait_for_input()) return -1;
        ssize_t got = read(STDIN_FILENO, &byte, 1);
        if (got <= 0) return (int)got;
        if (!byte && typed_ahead) byte = CTRL_D;
        size_t length = mbrtowc(out, &byte, 1, &state);
        if (length == (size_t)-2) continue;                    /* more bytes belong to it */
        if (length == (size_t)-1) memset(&state, 0, sizeof state);
        else return 1;
    }
}

/* ---- Lines ---- */

static char *prompt(EditLine *el) {
    static char first[] = "> ", further[] = "| ";
    return continuing ? further : first;
}

void input_open(const Session *session, const char *program, int terminal) {
    HistEvent event;
    session_at_hand = session;
    if (!terminal) return;
    editor = el_init(program, stdin, stdout, stderr);
    history_list = history_init();
    if (!editor || !history_list) return;
    history(history_list, &event, H_SETSIZE, HISTORY_LENGTH);
    history(history_list, &event, H_SETUNIQUE, 1);
    history_open(history_list);
    el_set(editor, EL_PROMPT, prompt);
    el_set(editor, EL_EDITOR, "emacs");
    el_set(editor, EL_HIST, history, history_list);
    el_set(editor, EL_SIGNAL, 0);
    el_set(editor, EL_GETCFN, read_character);
    el_set(editor, EL_ADDFN, "complete", "complete names", complete);
    el_set(editor, EL_BIND, "^I", "complete", NULL);
    el_set(editor, EL_BIND, "^R", "em-inc-search-prev", NULL);
    el_set(editor, EL_BIND, "^[x", "ed-unassigned", NULL);    /* libedit's own command line: a text without end crashes it */
    el_source(editor, NULL);
}

void input_close(void) {
    if (history_list) history_close();
    if (history_list) history_end(history_list);
    if (editor) el_end(editor);
    editor = NULL;
    history_list = NULL;
}

/* One byte more for the line; what is beyond the longest input is counted only. */
static void add_byte(char **line, size_t *room, size_t *length, char byte) {
    if (*length + 1 >= *room && *room <= LONGEST_INPUT) {
        *room = *room ? 2 * *room : 128;
        char *longer = realloc(*line, *room);
        if (!longer) arena_exhausted(*room);
        *line = longer;
    }
    if (*length + 1 < *room) (*line)[*length] = byte;
    (*length)++;
}

static LineResult plain_line(char **line) {
    size_t room = 0, length = 0;
    int    byte, has_nul = 0;
    *line = NULL;
    errno = 0;
    while ((byte = getc_unlocked(stdin)) != EOF && byte != '\n') {
        add_byte(line, &room, &length, (char)byte);
        has_nul |= !byte;
    }
    LineResult result = length > LONGEST_INPUT ? LINE_TOO_LONG : LINE_READ;
    if (byte == EOF && errno == EINTR) result = LINE_INTERRUPTED;
    else if (byte == EOF && !length) result = LINE_END;
    if (byte == EOF) clearerr(stdin);
    if (result != LINE_READ) {
        free(*line);
        *line = NULL;
        return result;
    }
    if (has_nul) {
        repl_error("a NUL byte stands in a line of the input; the line is left out");
        length = 0;
    }
    if (!length) add_byte(line, &room, &(size_t){0}, 0);
    if (length && (*line)[length - 1] == '\r') length--;
    (*line)[length] = 0;
    return LINE_READ;
}

LineResult input_line(int go_on, char **line) {
    int length = 0;
    continuing = go_on;
    fflush(stdout);
    if (!editor) return plain_line(line);
    errno = 0;
    at_first_character = 1;
    el_set(editor, EL_PREP_TERM, 1);                          /* single characters before the prompt shows */
    const char *text = el_gets(editor, &length);
    if (!text || length <= 0) {
        int interrupted = errno == EINTR || length < 0;
        el_reset(editor);
        putchar('\n');
        return interrupted ? LINE_INTERRUPTED : LINE_END;
    }
    if (length > LONGEST_INPUT) return LINE_TOO_LONG;
    *line = strndup(text, (size_t)length - (text[length - 1] == '\n'));
    if (!*line) arena_exhausted((size_t)length);
    return LINE_READ;
}

void input_remember(const char *text) {
    HistEvent event;
    if (!history_list || !text[strspn(text, " \t\n")]) return;
    history(history_list, &event, H_ENTER, text);
    history_note(text);
}
