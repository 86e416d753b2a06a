#include "driver/repl.h"

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "driver/repl_commands.h"
#include "driver/repl_evaluate.h"
#include "driver/repl_input.h"
#include "driver/repl_say.h"
#include "driver/repl_train.h"
#include "driver/say.h"
#include "syntax/input.h"

enum { EXIT_INTERRUPTED = 130 };

/* ---- Ctrl-C ---- */

static void on_interrupt(int signal_number) { mml_stop_ask(); }

static void handle_interrupts(void) {
    struct sigaction action = {.sa_handler = on_interrupt};       /* no SA_RESTART: a read at the prompt ends */
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    mml_solves_stop(1);
}

/* ---- One input ---- */

/* A decomposition under the name of a param would hide it, and the other way round. */
static void bind(Question *question, const Input *input, Expr *expr) {
    char  *name = strdup(input->name);
    Answer result = evaluate(question, expr);
    if (!name) arena_exhausted(strlen(input->name));
    if (result.kind == ANSWER_TABLE || result.kind == ANSWER_PID) {
        printf("%s = ", name);
        answer_print(&result);
        binding_store(name, &result);
    } else if (result.kind == ANSWER_SCALAR && result.literal) {
        const char *text = arena_printf(question->arena, "%s = %s : %s\n", name, result.text, result.type);
        if (session_bind(question, input->name, result.type, result.literal)) {
            fputs(text, stdout);
            binding_forget(name);
        }
    } else if (result.kind) {
        wrong(question, expr, "a %s can't be bound to a name; a definition gives it one", result.type);
    }
    free(name);
}

static void run_input(Session *session, const char *text) {
    Question question = question_new(session);
    const char *copy = arena_copy(question.arena, text, strlen(text)), *added;
    const Source *source = source_from_text(question.arena, "prompt", copy, strlen(copy));
    Input input = input_classify(question.arena, question.names, source);
    if (input.kind == INPUT_DEFINITION) {
        if (session_define(&question, "prompt", copy, strlen(copy), &added)) printf("%s\n", added);
    } else if (input.kind != INPUT_NOTHING) {
        Expr *expr = input_expression(question.arena, question.names, question.diagnostics, source, input.kind == INPUT_BINDING ? input.value : 0);
        if (question_failed(&question)) ;
        else if (input.kind == INPUT_BINDING) bind(&question, &input, expr);
        else {
            Answer result = evaluate(&question, expr);
            answer_print(&result);
        }
    }
    question_end(&question);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* ---- The loop ---- */

static Input classify(Session *session, const char *text) {
    Question question = question_new(session);
    const char *copy = arena_copy(question.arena, text, strlen(text));
    Input input = input_classify(question.arena, question.names, source_from_text(question.arena, "prompt", copy, strlen(copy)));
    question_end(&question);
    return input;
}

/* An input as it grows; the text is malloc'd, NULL before the first line. */
typedef struct {
    char  *text;
    size_t length, room;
    int    open;                      /* brackets; until a line closes one the text need not be read again */
} Growing;

static void grow(Growing *input, const char *line, size_t more) {
    if (input->length + more + 2 > input->room) {
        input->room = 2 * (input->length + more + 2);
        char *longer = realloc(input->text, input->room);
        if (!longer) arena_exhausted(input->room);
        input->text = longer;
    }
    if (input->length) input->text[input->length++] = '\n';
    memcpy(input->text + input->length, line, more + 1);
    input->length += more;
}

static void give_up(Growing *input) {
    free(input->text);
    *input = (Growing){0};
}

static void say_too_long(void) {
    repl_error("an input is longer than %d MiB; it is left out", LONGEST_INPUT / 1024 / 1024);
    repl_help("a large table is read from a file: pid(\"FILE\")");
}

/* Can an input with open brackets be whole, or wrong beyond repair, with the line that is added? A long one
 * is read again only then: reading it for each line would take time by the square of its length. */
static int may_end(Session *session, Growing *input, const char *line) {
    if (!strpbrk(line, "()[]{}")) return 0;
    Question question = question_new(session);
    int faulty;
    input->open += input_opens(question.arena, question.names, source_from_text(question.arena, "prompt", line, strlen(line)), &faulty);
    question_end(&question);
    return strpbrk(line, ")]}") && (input->length <= LONG_INPUT || input->open <= 0 || faulty);
}

/* The next whole input, or NULL at the end. An interrupt gives up what was begun. */
static char *next_input(Session *session, int terminal, int *interrupted) {
    Growing growing = {0};
    char   *line;
    for (;;) {
        mml_stop_forget();
        LineResult result = input_line(growing.text != NULL, &line);
        if (result == LINE_END) return growing.text;
        if (result == LINE_INTERRUPTED) {
            give_up(&growing);
            if (terminal) continue;
            *interrupted = 1;
            return NULL;
        }
        size_t length = result == LINE_READ ? strlen(line) : 0;
        if (result == LINE_TOO_LONG || growing.length + length > LONGEST_INPUT) {
            say_too_long();
            give_up(&growing);
            if (result == LINE_READ) free(line);
            continue;
        }
        grow(&growing, line, length);
        int waits = growing.open && !may_end(session, &growing, line);
        free(line);
        if (waits) continue;
        if (*growing.text == ':') return growing.text;
        Input input = classify(session, growing.text);
        if (input.kind != INPUT_UNFINISHED) return growing.text;
        growing.open = input.open;
    }
}

static void take(Session *session, const char *text, CommandState *state) {
    double begun = now();
    mml_stop_forget();
    if (*text == ':') command_run(session, text, state);
    else run_input(session, text);
    if (state->timing) printf("%.1f ms\n", 1e3 * (now() - begun));
    fflush(stdout);
}

static int run_loop(Session *session, int terminal) {
    CommandState state = {0};
    int   interrupted = 0;
    char *text;
    while (!state.quit && !interrupted && (text = next_input(session, terminal, &interrupted))) {
        take(session, text, &state);
        input_remember(text);
        free(text);
        interrupted = !terminal && mml_stop_asked();
    }
    if (interrupted) return EXIT_INTERRUPTED;
    return !terminal && repl_errors() ? EXIT_PROGRAM : EXIT_FINE;
}

int repl_command(const Options *options) {
    int terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    if (!setlocale(LC_CTYPE, "")) setlocale(LC_CTYPE, "C.UTF-8");
    Session *session = session_new(options);
    handle_interrupts();
    int code = options->operand ? load_file(session, options->operand) : EXIT_FINE;
    if (!code) {
        input_open(session, "mmlc", terminal);
        code = run_loop(session, terminal);
        input_close();
    }
    training_free();
    bindings_free();
    session_free(session);
    int written = finish_output(EXIT_FINE);
    return code ? code : written;
}
