#include "driver/compile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "driver/explain.h"
#include "driver/link.h"
#include "driver/say.h"
#include "driver/stopwatch.h"
#include "driver/temporary.h"
#include "driver/tune.h"
#include "ir/ir.h"
#include "jit/jit.h"
#include "mml/train.h"
#include "support/cache.h"
#include "syntax/parse.h"

#define OTHER_FILE "name another file with -o"

/* One compilation. */
typedef struct {
    Arena         *arena;
    const Options *options;
    Interner      *names;
    Diagnostics   *diagnostics;
    Stopwatch      watch;
    const Source  *source;
    const File    *file;
    Program       *program;
    const char    *cache;             /* folder, or NULL */
    KernelHost     host;
} Compilation;

static Compilation compilation_new(Arena *arena, const Options *options) {
    Compilation c = {.arena = arena, .options = options, .names = interner_new(arena), .diagnostics = diagnostics_new(arena)};
    const char *reason;
    stopwatch_start(&c.watch);
    c.cache = cache_folder(arena, options->cache, &reason);
    if (reason) say_warning("the cache can't be used: %s", reason);
    return c;
}

/* Prints what was reported and how long it took; the end of every command. */
static int finish(Compilation *c, int code) {
    diag_print(c->diagnostics, stderr, c->options->json ? DIAG_JSON : DIAG_TEXT, options_colored(c->options));
    if (c->options->time) stopwatch_print(&c->watch, stderr);
    return finish_output(code);
}

/* ---- Front ---- */

static int read_source(Compilation *c) {
    const char *path = c->options->operand;
    if (!path) {
        say_error("no program is given");
        say_help("`mmlc FILE.mml` compiles one; `mmlc --help` lists what else there is");
        return EXIT_CALL;
    }
    c->source = source_read(c->arena, path);
    stopwatch_pass(&c->watch, "read");
    if (c->source) return EXIT_FINE;
    if (errno == EFBIG) say_error("can't read %s: it is larger than 16 MiB", path);
    else say_error("can't read %s: %s", path, strerror(errno));
    return EXIT_SYSTEM;
}

/* The kernels of the program's convolutions, which only code and its explanation need. */
static int choose_kernels(Compilation *c) {
    const Options *o = c->options;
    if (o->command == COMMAND_CHECK && !o->explain && !o->data && !o->tune) return EXIT_FINE;
    c->host = tune_host(c->arena, o->cpu, c->cache);
    if (!o->tune) return EXIT_FINE;
    if (!c->cache) {
        say_error("--tune has no folder to keep what it measures");
        say_help("name one with --cache DIR");
        return EXIT_SYSTEM;
    }
    int fine = tune_program(c->arena, c->program, c->cache, &c->host);
    stopwatch_pass(&c->watch, "measurement");
    return fine ? EXIT_FINE : EXIT_SYSTEM;
}

/* An experiment without errors, or the exit code. */
static int analyse_source(Compilation *c) {
    const Options *o = c->options;
    int code = read_source(c);
    if (code) return code;
    c->file = parse_file(c->arena, c->names, c->diagnostics, c->source);
    stopwatch_pass(&c->watch, "syntax");
    AnalyseOptions analysis = {
        .defines = o->defines.items, .define_count = o->defines.count,
        .sets    = o->sets.items,    .set_count    = o->sets.count,
        .include = o->include.items, .include_count = o->include.count,
    };
    c->program = analyse(c->arena, c->names, c->diagnostics, c->file, &analysis);
    stopwatch_pass(&c->watch, "names and types");
    return c->program ? choose_kernels(c) : EXIT_PROGRAM;
}

/* ---- Back ---- */

static void code_passed(void *watch, const char *pass) { stopwatch_pass(watch, pass); }

static CodegenOptions codegen_options(Compilation *c) {
    const Options *o = c->options;
    return (CodegenOptions){.optimize = o->optimize, .cpu = o->cpu, .debug = o->debug, .compiler = "mmlc " MML_VERSION,
                            .flags = arena_printf(c->arena, "%s%s", options_flags(c->arena, o), tune_flag(c->arena, c->program, c->host)),
                            .times = c->host.times, .cache = c->cache, .passed = code_passed, .watch = &c->watch};
}

/* What a failure behind the front means: the processor's name is of the call, the rest of the system. */
static int code_of_failure(const Compilation *c) {
    return diag_has(c->diagnostics, E0401) ? EXIT_CALL : EXIT_SYSTEM;
}

static int make_file(Compilation *c, EmitKind kind, const char *path) {
    CodegenOptions options = codegen_options(c);
    int fine = codegen_file(c->arena, c->diagnostics, c->program, &options, kind, path);
    return fine ? EXIT_FINE : code_of_failure(c);
}

static const char *new_temporary(Compilation *c, const char *ending) {
    const char *path = temporary_new(c->arena, ending);
    if (path) return path;
    const char *folder = getenv("TMPDIR");
    say_error("can't make a temporary file in %s: %s", folder && *folder ? folder : "/tmp", strerror(errno));
    say_help("set TMPDIR to a folder that has room");
    return NULL;
}

static int same_file(const char *a, const char *b) {
    char *first = realpath(a, NULL), *second = realpath(b, NULL);
    int   same  = first && second && strcmp(first, second) == 0;
    free(first);
    free(second);
    return same;
}

/* Where the result goes: -o, else NAME and the ending in the current folder. NULL after a message. */
static const char *target_path(Compilation *c, const char *ending) {
    const char *path = c->options->output ? c->options->output : arena_printf(c->arena, "%s%s", c->program->name, ending);
    if (same_file(path, c->options->operand)) {
        say_error("the result would overwrite the program %s", path);
        say_help(OTHER_FILE);
        return NULL;
    }
    return link_target(c->arena, path, OTHER_FILE);
}

static int make_executable(Compilation *c) {
    const char *target = target_path(c, "");
    if (!target) return EXIT_SYSTEM;
    const char *object = temporary_register(arena_printf(c->arena, "%s.%ld.o", target, (long)getpid()));
    int code = make_file(c, EMIT_OBJECT, object);
    if (!code) {
        code = link_program(c->arena, object, target, c->options->static_blas);
        stopwatch_pass(&c->watch, "link");
    }
    temporary_remove(object);
    return code;
}

/* ---- --emit ---- */

static int copy_to_output(const char *path) {
    FILE *in = fopen(path, "rb");
    if (!in) {
        say_error("can't read %s: %s", path, strerror(errno));
        return EXIT_SYSTEM;
    }
    char bytes[64 * 1024];
    for (size_t got; (got = fread(bytes, 1, sizeof bytes, in)) > 0;) fwrite(bytes, 1, got, stdout);
    fclose(in);
    return EXIT_FINE;
}

static int emit_code(Compilation *c, EmitKind kind) {
    const char *output = c->options->output;
    if (kind == EMIT_OBJECT || (output && strcmp(output, "-") != 0)) {
        const char *target = target_path(c, ".o");
        return target ? make_file(c, kind, target) : EXIT_SYSTEM;
    }
    const char *file = new_temporary(c, ".txt");
    if (!file) return EXIT_SYSTEM;
    int code = make_file(c, kind, file);
    if (!code) code = copy_to_output(file);
    temporary_remove(file);
    return code;
}

static void print_stage(Compilation *c, FILE *out) {
    switch (c->options->emit) {
    case RESULT_TOKENS: print_tokens(c->arena, c->names, c->source, out); break;
    case RESULT_AST:    print_ast(c->file, out); break;
    default:            ir_print(ir_build(c->arena, c->program, c->host), out); break;
    }
}

/* Into -o whole or not at all, else to standard output. */
static int emit_text(Compilation *c) {
    const char *output = c->options->output;
    if (!output || strcmp(output, "-") == 0) {
        print_stage(c, stdout);
        return EXIT_FINE;
    }
    const char *target = link_target(c->arena, output, OTHER_FILE);
    if (!target) return EXIT_SYSTEM;
    const char *unfinished = temporary_register(arena_printf(c->arena, "%s.%ld.part", target, (long)getpid()));
    FILE *file = fopen(unfinished, "w");
    int error = file ? 0 : errno;
    if (file) {
        print_stage(c, file);
        if (ferror(file) | fclose(file)) error = errno;
    }
    if (!error && rename(unfinished, target) != 0) error = errno;
    if (error) {
        say_error("can't write %s: %s", output, strerror(error));
        temporary_remove(unfinished);
        return EXIT_SYSTEM;
    }
    temporary_keep(unfinished);
    return EXIT_FINE;
}

/* ---- Commands ---- */

int build_command(Arena *arena, const Options *options) {
    Compilation c = compilation_new(arena, options);
    if (options->emit == RESULT_TOKENS || options->emit == RESULT_AST) {
        int code = read_source(&c);
        if (code) return finish(&c, code);
        c.file = parse_file(arena, c.names, c.diagnostics, c.source);
        stopwatch_pass(&c.watch, "syntax");
        code = emit_text(&c);
        return finish(&c, code ? code : diag_errors(c.diagnostics) ? EXIT_PROGRAM : EXIT_FINE);
    }
    int code = analyse_source(&c);
    if (code) return finish(&c, code);
    switch (options->emit) {
    case RESULT_IR:   code = emit_text(&c); break;
    case RESULT_LLVM: code = emit_code(&c, EMIT_LLVM); break;
    case RESULT_ASM:  code = emit_code(&c, EMIT_ASSEMBLY); break;
    case RESULT_OBJ:  code = emit_code(&c, EMIT_OBJECT); break;
    default:          code = make_executable(&c); break;
    }
    return finish(&c, code);
}

/* Compiles into memory and runs the trainer with arguments[count]. */
static int train(Compilation *c, int count, char **arguments) {
    CodegenOptions options = codegen_options(c);
    Jit *jit = jit_compile(c->arena, c->diagnostics, c->program, &options);
    stopwatch_pass(&c->watch, "machine code");
    int code = finish(c, jit ? EXIT_FINE : code_of_failure(c));
    if (jit && !code) code = mml_main(count, arguments, jit_experiment(jit));
    jit_free(jit);
    return code;
}

/* argv of the trainer: how it is called ("to go on: mmlc run FILE -- --resume …"), an option of ours or NULL, the arguments behind `--`. */
static int train_with(Compilation *c, const char *option) {
    char **arguments = NEW_ARRAY(c->arena, char *, c->options->rest_count + 3);
    int count = 0;
    arguments[count++] = arena_printf(c->arena, "mmlc run %s --", c->options->operand);
    if (option) arguments[count++] = arena_copy(c->arena, option, strlen(option));
    for (int i = 0; i < c->options->rest_count; i++) arguments[count++] = c->options->rest[i];
    return train(c, count, arguments);
}

/* Whether this machine is of the level of processors that cpu names; true of other names. */
static int machine_has(const char *cpu) {
#ifdef __x86_64__
    if (strcmp(cpu, "x86-64-v2") == 0) return __builtin_cpu_supports("x86-64-v2") != 0;
    if (strcmp(cpu, "x86-64-v3") == 0) return __builtin_cpu_supports("x86-64-v3") != 0;
    if (strcmp(cpu, "x86-64-v4") == 0) return __builtin_cpu_supports("x86-64-v4") != 0;
#endif
    return 1;
}

/* Code that is run at once has to be for this machine. */
static int check_machine(const Options *options) {
    if (machine_has(options->cpu)) return EXIT_FINE;
    say_error("this machine can't run code for `%s`", options->cpu);
    say_help("leave --target-cpu out: the default is this machine");
    return EXIT_CALL;
}

int run_command(Arena *arena, const Options *options) {
    if (check_machine(options)) return EXIT_CALL;
    Compilation c = compilation_new(arena, options);
    int code = analyse_source(&c);
    return code ? finish(&c, code) : train_with(&c, NULL);
}

int check_command(Arena *arena, const Options *options) {
    if (options->data && check_machine(options)) return EXIT_CALL;
    Compilation c = compilation_new(arena, options);
    int code = analyse_source(&c);
    if (!code && options->explain) {
        Explanation explanation = {.program = c.program, .file = c.file, .names = c.names, .diagnostics = c.diagnostics, .arena = arena,
                                   .host = c.host};
        if (options->json) explain_json(&explanation, stdout);
        else explain_text(&explanation, stdout);
        stopwatch_pass(&c.watch, "explanation");
    }
    return !code && options->data ? train_with(&c, "--check") : finish(&c, code);
}
