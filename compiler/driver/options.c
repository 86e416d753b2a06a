#include "driver/options.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "driver/say.h"

typedef enum {
    OPTION_OUTPUT, OPTION_DEFINE, OPTION_SET, OPTION_EMIT, OPTION_OPTIMIZE, OPTION_CPU, OPTION_DEBUG, OPTION_INCLUDE,
    OPTION_STATIC_BLAS, OPTION_CHECK, OPTION_EXPLAIN, OPTION_DATA, OPTION_JSON, OPTION_COLOR, OPTION_TIME, OPTION_HELP, OPTION_VERSION,
    OPTION_CACHE, OPTION_TUNE
} OptionId;

#define ON(command) (1 << (command))
#define CODE    (ON(COMMAND_BUILD) | ON(COMMAND_RUN) | ON(COMMAND_REPL))
#define SOURCE  (CODE | ON(COMMAND_CHECK))
#define TUNABLE (ON(COMMAND_BUILD) | ON(COMMAND_RUN) | ON(COMMAND_CHECK))
#define TEXTS   (SOURCE | ON(COMMAND_FMT))
#define ANY     (SOURCE | ON(COMMAND_EXPLAIN) | ON(COMMAND_FMT) | ON(COMMAND_REPL))

typedef struct {
    OptionId    id;
    char        letter;               /* 0: none    */
    const char *name;                 /* NULL: none */
    const char *argument;             /* NULL: none */
    int         commands;
    const char *help;
} OptionRow;

static const OptionRow rows[] = {
    {OPTION_OUTPUT,      'o', "output",     "FILE",       ON(COMMAND_BUILD), "where the result goes (default: named after FILE.mml, in the current folder)"},
    {OPTION_DEFINE,      'D', "define",     "NAME=VALUE", SOURCE,            "value of a param, fixed in the program (may be repeated)"},
    {OPTION_SET,         0,   "set",        "PATH=EXPR",  SOURCE,            "value of any property, as train.joint.epochs=3 (may be repeated)"},
    {OPTION_EMIT,        0,   "emit",       "KIND",       ON(COMMAND_BUILD), "stop at a stage: tokens, ast, ir, llvm, asm (to standard output) or obj (to NAME.o)"},
    {OPTION_OPTIMIZE,    'O', NULL,         "LEVEL",      CODE,              "optimisation, 0 to 3 (default: 2)"},
    {OPTION_CPU,         0,   "target-cpu", "CPU",        CODE,              "processor to make code for, as x86-64-v2 (default: native)"},
    {OPTION_DEBUG,       'g', NULL,         NULL,         CODE,              "debug information: gdb steps through the lines of FILE.mml (default: none)"},
    {OPTION_STATIC_BLAS, 0,   "static-blas", NULL,        ON(COMMAND_BUILD), "link OpenBLAS into the executable (default: shared)"},
    {OPTION_CHECK,       0,   "check",      NULL,         ON(COMMAND_FMT),   "write nothing; name the files that have another layout, and exit with 1"},
    {OPTION_EXPLAIN,     0,   "explain",    NULL,         ON(COMMAND_CHECK), "print the experiment: every setting and its origin, shapes, parameters, FLOPs, memory"},
    {OPTION_DATA,        0,   "data",       NULL,         ON(COMMAND_CHECK), "read the data too; the trainer's own options stand behind `--`"},
    {OPTION_CACHE,       0,   "cache",      "DIR",        TUNABLE,           "folder of compiled code and of what --tune measured, off: none (default: see below)"},
    {OPTION_TUNE,        0,   "tune",       NULL,         TUNABLE,           "first measure on this machine which kernels the convolutions are fastest on; later calls know it"},
    {OPTION_INCLUDE,     'I', "include",    "DIR",        SOURCE,            "where else modules are looked for (may be repeated)"},
    {OPTION_JSON,        0,   "json",       NULL,         TEXTS,             "diagnostics as JSON, one object a line; with --explain the experiment too"},
    {OPTION_COLOR,       0,   "color",      "WHEN",       TEXTS,             "colours in diagnostics: auto, always or never (default: auto)"},
    {OPTION_TIME,        0,   "time",       NULL,         SOURCE,            "print the time of each pass and its share"},
    {OPTION_HELP,        'h', "help",       NULL,         ANY,               "print this"},
    {OPTION_VERSION,     0,   "version",    NULL,         ANY,               "print the version"},
};
enum { ROWS = sizeof rows / sizeof *rows };

static const struct { const char *name; CommandId id; const char *usage, *help; } commands[] = {
    {NULL,      COMMAND_BUILD,   "FILE.mml [-o OUT]",                     "compile to a native executable"},
    {"run",     COMMAND_RUN,     "run FILE.mml [-- ARGS]",                "compile in memory and train; ARGS are the trainer's"},
    {"check",   COMMAND_CHECK,   "check FILE.mml [--explain] [--json]",   "check everything and make no code"},
    {"pid",     COMMAND_PID,     "pid FILE [--solver newton|adam] …",     "decompose a distribution or samples (see mmlc pid --help)"},
    {"explain", COMMAND_EXPLAIN, "explain [E0123]",                       "what a diagnostic means, with its repair; alone: all of them"},
    {"fmt",     COMMAND_FMT,     "fmt [--check] FILE…",                   "the one layout, in place; - is from standard input to output"},
    {"repl",    COMMAND_REPL,    "repl [FILE.mml] [-- ARGS]",                     "the prompt: policies tried, replayed and trained; ARGS are the trainer's"},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

/* ---- Values ---- */

static const char *const emit_names[]  = {"executable", "tokens", "ast", "ir", "llvm", "asm", "obj"};
static const char *const color_names[] = {"auto", "always", "never"};

/* The index of text in names from first on, or -1 after a message. */
static int choose(const OptionRow *row, const char *text, const char *const *names, int first, int count) {
    for (int i = first; i < count; i++)
        if (strcmp(names[i], text) == 0) return i;
    say_error("--%s knows no `%s`", row->name, text);
    const char *nearest = nearest_name(text, names + first, count - first);
    if (nearest) say_help("did you mean `%s`?", nearest);
    else say_help("%s", row->help);
    return -1;
}

static int split_define(Arena *arena, const char *option, const char *what, const char *text, Define *out) {
    const char *sign = strchr(text, '=');
    if (!sign || sign == text) {
        say_error("%s needs %s, not `%s`", option, what, text);
        return EXIT_CALL;
    }
    *out = (Define){arena_copy(arena, text, (size_t)(sign - text)), sign + 1};
    return EXIT_FINE;
}

static int apply(Arena *arena, Options *o, const OptionRow *row, const char *value) {
    Define define;
    int index;
    switch (row->id) {
    case OPTION_OUTPUT:  o->output = value; break;
    case OPTION_CPU:     o->cpu = value; break;
    case OPTION_INCLUDE: VECTOR_PUSH(arena, &o->include, value); break;
    case OPTION_DEFINE:
        if (split_define(arena, "-D", "NAME=VALUE", value, &define)) return EXIT_CALL;
        VECTOR_PUSH(arena, &o->defines, define);
        break;
    case OPTION_SET:
        if (split_define(arena, "--set", "PATH=EXPR", value, &define)) return EXIT_CALL;
        VECTOR_PUSH(arena, &o->sets, define);
        break;
    case OPTION_EMIT:
        if ((index = choose(row, value, emit_names, 1, sizeof emit_names / sizeof *emit_names)) < 0) return EXIT_CALL;
        o->emit = (Result)index;
        break;
    case OPTION_COLOR:
        if ((index = choose(row, value, color_names, 0, sizeof color_names / sizeof *color_names)) < 0) return EXIT_CALL;
        o->color = (Color)index;
        break;
    case OPTION_OPTIMIZE:
        if (value[0] < '0' || value[0] > '3' || value[1]) {
            say_error("-O takes a level from 0 to 3, not `%s`", value);
            return EXIT_CALL;
        }
        o->optimize = value[0] - '0';
        break;
    case OPTION_CACHE:
        if (!*value) {
            say_error("--cache needs a folder, or off");
            return EXIT_CALL;
        }
        o->cache = value;
        break;
    case OPTION_DEBUG:       o->debug = 1; break;
    case OPTION_STATIC_BLAS: o->static_blas = 1; break;
    case OPTION_CHECK:       o->check = 1; break;
    case OPTION_EXPLAIN:     o->explain = 1; break;
    case OPTION_DATA:        o->data = 1; break;
    case OPTION_JSON:        o->json = 1; break;
    case OPTION_TIME:        o->time = 1; break;
    case OPTION_HELP:        o->help = 1; break;
    case OPTION_VERSION:     o->version = 1; break;
    case OPTION_TUNE:        o->tune = 1; break;
    }
    return EXIT_FINE;
}

/* ---- Options ---- */

static const char *command_name(CommandId id) {
    for (int i = 0; i < COMMANDS; i++)
        if (commands[i].id == id && commands[i].name) return commands[i].name;
    return NULL;
}

static const char *row_text(Arena *arena, const OptionRow *row) {
    return row->name ? arena_printf(arena, "--%s", row->name) : arena_printf(arena, "-%c", row->letter);
}

static int unknown(Arena *arena, const Options *o, const char *written) {
    const char *names[ROWS];
    int count = 0;
    for (int i = 0; i < ROWS; i++)
        if (rows[i].name && (rows[i].commands & ON(o->command))) names[count++] = rows[i].name;
    const char *nearest = written[1] == '-' ? nearest_name(written + 2, names, count) : NULL;
    say_error("there is no option `%s`", written);
    if (nearest) say_help("did you mean `--%s`?", nearest);
    else if (o->command == COMMAND_RUN) say_help("the trainer's options stand behind `--`; those of `mmlc run` are in `mmlc run --help`");
    else say_help("`mmlc%s%s --help` lists them", command_name(o->command) ? " " : "", command_name(o->command) ? command_name(o->command) : "");
    return EXIT_CALL;
}

/* A long name may be cut as long as one option begins with it. */
static const OptionRow *long_option(const char *name, size_t length, int *ambiguous) {
    const OptionRow *found = NULL;
    *ambiguous = 0;
    for (int i = 0; i < ROWS; i++) {
        if (!rows[i].name || strncmp(rows[i].name, name, length) != 0) continue;
        if (!rows[i].name[length]) {
            *ambiguous = 0;
            return &rows[i];
        }
        if (found) *ambiguous = 1;
        found = &rows[i];
    }
    return found;
}

static const OptionRow *short_option(char letter) {
    for (int i = 0; i < ROWS; i++)
        if (rows[i].letter == letter) return &rows[i];
    return NULL;
}

static int take(Arena *arena, Options *o, const OptionRow *row, const char *value) {
    if (row->commands && !(row->commands & ON(o->command))) {
        const char *name = command_name(o->command);
        say_error("%s has no meaning for `mmlc%s%s`", row_text(arena, row), name ? " " : " FILE.mml", name ? name : "");
        return EXIT_CALL;
    }
    return apply(arena, o, row, value);
}

static int missing_value(Arena *arena, const OptionRow *row) {
    say_error("%s needs a value: %s", row_text(arena, row), row->argument);
    return EXIT_CALL;
}

static int read_long(Arena *arena, Options *o, char **argv, int argc, int *at) {
    const char *written = argv[*at], *name = written + 2, *sign = strchr(name, '=');
    size_t length = sign ? (size_t)(sign - name) : strlen(name);
    int ambiguous;
    const OptionRow *row = length ? long_option(name, length, &ambiguous) : NULL;
    if (!row) return unknown(arena, o, arena_copy(arena, written, length + 2));
    if (ambiguous) {
        say_error("`%s` may be more than one option", written);
        return EXIT_CALL;
    }
    if (!row->argument && sign) {
        say_error("--%s takes no value", row->name);
        return EXIT_CALL;
    }
    if (!row->argument) return take(arena, o, row, NULL);
    if (sign) return take(arena, o, row, sign + 1);
    if (*at + 1 == argc) return missing_value(arena, row);
    return take(arena, o, row, argv[++*at]);
}

/* -gO2, -oOUT, -o OUT. */
static int read_short(Arena *arena, Options *o, char **argv, int argc, int *at) {
    for (const char *letter = argv[*at] + 1; *letter; letter++) {
        const OptionRow *row = short_option(*letter);
        if (!row) return unknown(arena, o, arena_printf(arena, "-%s", letter));
        int code;
        if (!row->argument) {
            if ((code = take(arena, o, row, NULL))) return code;
            continue;
        }
        if (letter[1]) return take(arena, o, row, letter + 1);
        if (*at + 1 == argc) return missing_value(arena, row);
        return take(arena, o, row, argv[++*at]);
    }
    return EXIT_FINE;
}

/* Does the option argv[at] take the next argument as its value? */
static int takes_next(const char *text) {
    int ambiguous;
    if (text[1] == '-') {
        const OptionRow *row = strchr(text, '=') || !text[2] ? NULL : long_option(text + 2, strlen(text + 2), &ambiguous);
        return row && row->argument;
    }
    for (const char *letter = text + 1; *letter; letter++) {
        const OptionRow *row = short_option(*letter);
        if (row && row->argument) return !letter[1];
    }
    return 0;
}

/* The command is the first argument that is no option, or else it is to build. Writes its index (0: none). */
static CommandId command_of(int argc, char **argv, int *index) {
    int at = 1;
    while (at < argc && argv[at][0] == '-' && argv[at][1] && strcmp(argv[at], "--") != 0) at += 1 + takes_next(argv[at]);
    for (int i = 0; at < argc && i < COMMANDS; i++)
        if (commands[i].name && strcmp(commands[i].name, argv[at]) == 0) {
            *index = at;
            return commands[i].id;
        }
    *index = 0;
    return COMMAND_BUILD;
}

static int take_operand(Arena *arena, Options *o, const char *text) {
    if (o->command == COMMAND_FMT) {
        VECTOR_PUSH(arena, &o->files, text);
        return EXIT_FINE;
    }
    if (o->operand) {
        say_error("one file at a time: `%s` and `%s` are given", o->operand, text);
        if (o->command == COMMAND_RUN) say_help("the trainer's arguments stand behind `--`");
        return EXIT_CALL;
    }
    o->operand = text;
    return EXIT_FINE;
}

static int check_together(const Options *o) {
    if (o->rest_count && o->command != COMMAND_RUN && o->command != COMMAND_REPL && !o->data) {
        say_error("arguments behind `--` are for `mmlc run`, `mmlc repl` and `mmlc check --data`");
        return EXIT_CALL;
    }
    if (o->tune && (o->emit == RESULT_TOKENS || o->emit == RESULT_AST)) {
        say_error("--tune is about code, and --emit %s stops before it", emit_names[o->emit]);
        return EXIT_CALL;
    }
    if (o->tune && strcmp(o->cpu, "native") != 0) {
        say_error("--tune measures this machine, and --target-cpu %s is about another", o->cpu);
        return EXIT_CALL;
    }
    if (o->emit && o->static_blas) {
        say_error("--static-blas is about linking, and --emit stops before it");
        return EXIT_CALL;
    }
    return EXIT_FINE;
}

int options_read(Arena *arena, int argc, char **argv, Options *out) {
    int command, code = EXIT_FINE;
    *out = (Options){.optimize = 2, .cpu = "native"};
    out->command = command_of(argc, argv, &command);
    if (out->command == COMMAND_PID && command == 1) return EXIT_FINE;
    for (int at = 1; at < argc && !code; at++) {
        const char *text = argv[at];
        if (at == command) continue;
        if (strcmp(text, "--") == 0) {
            out->rest       = argv + at + 1;
            out->rest_count = argc - at - 1;
            break;
        }
        if (text[0] == '-' && text[1] == '-') code = read_long(arena, out, argv, argc, &at);
        else if (text[0] == '-' && text[1]) code = read_short(arena, out, argv, argc, &at);
        else code = take_operand(arena, out, text);
    }
    return code ? code : check_together(out);
}

/* ---- Texts ---- */

void options_help(CommandId command, FILE *out) {
    fputs("Usage:", out);
    for (int i = 0; i < COMMANDS; i++)
        if (command == COMMAND_BUILD || commands[i].id == command)
            fprintf(out, "%s mmlc %-38s %s\n", i && command == COMMAND_BUILD ? "      " : "", commands[i].usage, commands[i].help);
    fputs("\nOptions:\n", out);
    for (int i = 0; i < ROWS; i++) {
        const OptionRow *row = &rows[i];
        int shown = command == COMMAND_BUILD ? row->commands : row->commands & ON(command);
        if (!shown) continue;
        char left[64];
        snprintf(left, sizeof left, "%c%c%s%s%s%s%s", row->letter ? '-' : ' ', row->letter ? row->letter : ' ', row->letter && row->name ? ", " : row->name ? "  " : "",
                 row->name ? "--" : "", row->name ? row->name : "", row->argument ? " " : "", row->argument ? row->argument : "");
        fprintf(out, "  %-26s %s\n", left, row->help);
    }
    if (ON(command) & TUNABLE)
        fputs("\nWhat is compiled, and what --tune measured, is kept below $MML_CACHE, else $XDG_CACHE_HOME/mml, else ~/.cache/mml,\n"
              "256 MiB at most: the same program for the same processor takes its code from there. MML_CACHE=off keeps nothing.\n",
              out);
    if (command == COMMAND_REPL)
        fputs("\nWhat is typed at a terminal is kept for the next session in $XDG_STATE_HOME/mml/history, else ~/.local/state/mml/history.\n", out);
    if (command == COMMAND_BUILD)
        fputs("\nExit codes: 0 fine, 1 the program is wrong, 2 the call is wrong, 3 the system failed\n"
              "(file, disk, memory, linker), 70 a bug in mmlc.\n", out);
}

int options_colored(const Options *o) {
    if (o->color != COLOR_AUTO) return o->color == COLOR_ALWAYS;
    const char *terminal = getenv("TERM"), *no_color = getenv("NO_COLOR");
    return isatty(STDERR_FILENO) && !(no_color && *no_color) && !(terminal && strcmp(terminal, "dumb") == 0);
}

const char *options_flags(Arena *arena, const Options *o) {
    const char *text = arena_printf(arena, "-O%d --target-cpu=%s%s", o->optimize, o->cpu, o->debug ? " -g" : "");
    for (int i = 0; i < o->defines.count; i++) text = arena_printf(arena, "%s -D %s=%s", text, o->defines.items[i].name, o->defines.items[i].value);
    for (int i = 0; i < o->sets.count; i++) text = arena_printf(arena, "%s --set %s=%s", text, o->sets.items[i].name, o->sets.items[i].value);
    return text;
}
