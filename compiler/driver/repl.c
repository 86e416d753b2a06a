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

enum { EXIT_INTERRUPTED = 130, LONGEST_INPUT = 16 * 1024 * 1024 };

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

/* line is added to *text; both malloc'd. */
static void add_line(char **text, char *line) {
    size_t length = *text ? strlen(*text) : 0, more = strlen(line);
    char  *longer = realloc(*text, length + more + 2);
    if (!longer || length + more > LONGEST_INPUT) arena_exhausted(length + more);
    if (length) longer[length++] = '\n';
    memcpy(longer + length, line, more + 1);
    *text = longer;
    free(line);
}

/* The next whole input, or NULL at the end. An interrupt gives up what was begun. */
static char *next_input(Session *session, int terminal, int *interrupted) {
    char *text = NULL, *line;
    int   open = 0;                   /* until a line closes a bracket the text need not be read again */
    for (;;) {
        mml_stop_forget();
        LineResult result = input_line(text != NULL, &line);
        if (result == LINE_END) return text;
        if (result == LINE_INTERRUPTED) {
            free(text);
            text = NULL;
            open = 0;
            if (terminal) continue;
            *interrupted = 1;
            return NULL;
        }
        int closes = strpbrk(line, ")]}") != NULL;
        add_line(&text, line);
        if (open && !closes) continue;
        if (*text == ':') return text;
        Input input = classify(session, text);
        if (input.kind != INPUT_UNFINISHED) return text;
        open = input.open;
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
