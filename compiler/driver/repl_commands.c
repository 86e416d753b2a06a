#include "driver/repl_commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "driver/link.h"
#include "driver/repl_evaluate.h"
#include "driver/repl_say.h"
#include "driver/say.h"
#include "driver/temporary.h"
#include "ir/ir.h"
#include "syntax/input.h"

typedef void (*Command)(Session *session, const char *argument, CommandState *state);

/* ---- Files ---- */

int load_file(Session *session, const char *path) {
    Question question = question_new(session);
    const Source *source = source_read(question.arena, path);
    const char *added;
    int code = source ? EXIT_PROGRAM : EXIT_SYSTEM;
    if (!source && errno == EFBIG) repl_error("can't read %s: it is larger than 16 MiB", path);
    else if (!source) repl_error("can't read %s: %s", path, strerror(errno));
    else {
        session_set_path(session, path);
        if (session_define(&question, path, source->text, source->length, &added)) {
            printf("%s: %s\n", path, added);
            code = EXIT_FINE;
        }
    }
    question_end(&question);
    return code;
}

static void load(Session *session, const char *argument, CommandState *state) {
    if (*argument) load_file(session, argument);
    else repl_error(":load needs a file");
}

/* Written beside its place, then put there in one step. */
static int write_whole(Arena *arena, const char *path, const char *text) {
    const char *target = link_target(arena, path, "name another file");
    if (!target) {
        repl_note_error();
        return 0;
    }
    const char *unfinished = temporary_register(arena_printf(arena, "%s.%ld.part", target, (long)getpid()));
    FILE *file = fopen(unfinished, "wb");
    int   fine = file && fwrite(text, 1, strlen(text), file) == strlen(text) && fflush(file) == 0 && fsync(fileno(file)) == 0;
    int   reason = errno;
    if (file && fclose(file) != 0 && fine) fine = 0, reason = errno;
    if (fine && rename(unfinished, target) != 0) fine = 0, reason = errno;
    if (fine) temporary_keep(unfinished);
    else {
        repl_error("can't write %s: %s", path, strerror(reason));
        temporary_remove(unfinished);
    }
    return fine;
}

static void save(Session *session, const char *argument, CommandState *state) {
    Question question = question_new(session);
    if (!*argument) repl_error(":save needs a file");
    else if (write_whole(question.arena, argument, session_text(&question))) printf("saved %s\n", argument);
    question_end(&question);
}

/* ---- What there is ---- */

static void list_one(void *context, const char *name, const Answer *result) { printf("%s : %s\n", name, result->type); }

static void list(Session *session, const char *argument, CommandState *state) {
    Question question = question_new(session);
    fputs(session_text(&question), stdout);
    binding_each(list_one, NULL);
    question_end(&question);
}

static Expr *parse_argument(Question *question, const char *text) {
    const char *copy = arena_copy(question->arena, text, strlen(text));
    return input_expression(question->arena, question->names, question->diagnostics, source_from_text(question->arena, "prompt", copy, strlen(copy)), 0);
}

/* Functions of the prompt act when they are called: their type is known without. */
static void type(Session *session, const char *argument, CommandState *state) {
    static const struct { const char *name, *type; } functions[] = {
        {"pid", "decomposition"}, {"probe", "probe"}, {"replay", "nothing: it prints"}, {"compare", "nothing: it prints"},
        {"train", "nothing: it prints"}, {"step", "nothing: it prints"}, {"save", "nothing: it prints"}, {"restore", "nothing: it prints"},
    };
    Question question = question_new(session);
    Expr *expr = parse_argument(&question, argument);
    const char *name = expr->kind == EXPR_CALL && expr->base->kind == EXPR_NAME ? expr->base->name : "", *known = NULL;
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (!strcmp(functions[i].name, name)) known = functions[i].type;
    if (known && !question_failed(&question)) {
        printf("%s\n", known);
    } else {
        Answer result = evaluate(&question, expr);
        if (result.kind) printf("%s\n", result.type);
    }
    question_end(&question);
}

/* ---- Code ---- */

static void print_code(Session *session, const char *argument, EmitKind kind) {
    Question question = question_new(session);
    int for_training = !*argument;
    Program *program = NULL;
    if (!for_training) {
        Expr *expr = parse_argument(&question, argument);
        if (!question_failed(&question)) program = policy_program(&question, expr);
    } else if (session_has_experiment(session)) {
        program = session_program(&question);
    } else {
        repl_error("no experiment is loaded; a policy's code is shown by `:ir NAME(…)` and `:asm NAME(…)`");
    }
    const char *path = program ? temporary_new(question.arena, ".txt") : NULL;
    if (program && !path) repl_error("can't make a temporary file: %s", strerror(errno));
    if (path) {
        CodegenOptions options = session_code_options(&question, program, for_training);
        options.optimize = 2;
        if (codegen_file(question.arena, question.diagnostics, program, &options, kind, path)) {
            const Source *text = source_read(question.arena, path);
            if (text) fwrite(text->text, 1, text->length, stdout);
            else repl_error("can't read %s: %s", path, strerror(errno));
        }
        temporary_remove(path);
    }
    question_end(&question);
}

/* The experiment's graph, or a policy's LLVM code. */
static void ir(Session *session, const char *argument, CommandState *state) {
    if (*argument || !session_has_experiment(session)) {
        print_code(session, argument, EMIT_LLVM);
        return;
    }
    Question question = question_new(session);
    Program *program = session_program(&question);
    if (program) ir_print(ir_build(question.arena, program, session_host(&question)), stdout);
    question_end(&question);
}

static void assembly(Session *session, const char *argument, CommandState *state) { print_code(session, argument, EMIT_ASSEMBLY); }

static void timing(Session *session, const char *argument, CommandState *state) {
    state->timing = !state->timing;
    printf("times are %s\n", state->timing ? "shown" : "not shown");
}

static void quit(Session *session, const char *argument, CommandState *state) { state->quit = 1; }

static void help(Session *session, const char *argument, CommandState *state);

/* ---- The table ---- */

#define COMMANDS \
    COMMAND("help", help,     ":help",          "this") \
    COMMAND("type", type,     ":type EXPR",     "the type of what EXPR gives") \
    COMMAND("ir",   ir,       ":ir [POLICY]",   "a policy's LLVM code; alone: the experiment's graph") \
    COMMAND("asm",  assembly, ":asm [POLICY]",  "a policy's machine code; alone: the experiment's") \
    COMMAND("load", load,     ":load FILE",     "take in a file's definitions") \
    COMMAND("save", save,     ":save FILE",     "write all definitions") \
    COMMAND("list", list,     ":list",          "print them") \
    COMMAND("time", timing,   ":time",          "show or hide how long each input took") \
    COMMAND("quit", quit,     ":quit",          "leave (or Ctrl-D)")

static const struct { const char *name; Command run; const char *form, *help; } commands[] = {
#define COMMAND(name, function, form, help) {name, function, form, help},
    COMMANDS
#undef COMMAND
};
enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

const char *const command_names[] = {
#define COMMAND(name, function, form, help) name,
    COMMANDS
#undef COMMAND
    NULL
};

/* Aligned by characters, of which … has three bytes. */
static void help_line(const char *form, const char *text) {
    int width = 42;
    for (const char *s = form; *s; s++) width += (*s & 0xc0) == 0x80;
    printf("  %-*s %s\n", width, form, text);
}

static void help(Session *session, const char *argument, CommandState *state) {
    static const struct { const char *form, *help; } rows[] = {
        {"policy NAME(…) { … }", "a definition: also method, encoder, param, data, modality, target, fusion, train; later ones replace earlier ones"},
        {"EXPR", "prints value and type"},
        {"NAME = EXPR", "binds it: NAME.synergy of a decomposition"},
#define FUNCTION(name, function, form, help) {form, help},
        FUNCTIONS
#undef FUNCTION
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) help_line(rows[i].form, rows[i].help);
    for (int i = 0; i < COMMAND_COUNT; i++) help_line(commands[i].form, commands[i].help);
    printf("A line that ends in an operator, a comma or an open bracket goes on. Ctrl-C stops what runs.\n");
}

void command_run(Session *session, const char *line, CommandState *state) {
    char   name[32];
    size_t length = strcspn(line + 1, " \t");
    snprintf(name, sizeof name, "%.*s", (int)length, line + 1);
    const char *argument = line + 1 + length;
    argument += strspn(argument, " \t");
    Arena *arena = arena_new();
    size_t end = strlen(argument);
    while (end && strchr(" \t\r", argument[end - 1])) end--;
    const char *trimmed = arena_copy(arena, argument, end);
    int found = -1;
    for (int i = 0; i < COMMAND_COUNT; i++)
        if (!strcmp(commands[i].name, name)) found = i;
    if (found >= 0) {
        commands[found].run(session, trimmed, state);
    } else {
        const char *nearest = nearest_name(name, command_names, COMMAND_COUNT);
        repl_error("there is no command :%s", name);
        if (nearest) repl_help("did you mean :%s?", nearest);
        else repl_help(":help lists them");
    }
    arena_free(arena);
}
