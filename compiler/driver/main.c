/* mmlc: the command line. */
#include <fcntl.h>
#include <llvm-c/Core.h>
#include <signal.h>
#include <unistd.h>

#include "driver/catalogue.h"
#include "driver/compile.h"
#include "driver/fmt.h"
#include "driver/pid.h"
#include "driver/repl.h"
#include "driver/say.h"

static int print_version(void) {
    unsigned major, minor, patch;
    LLVMGetVersion(&major, &minor, &patch);
    printf("mmlc %s (LLVM %u.%u.%u)\n", MML_VERSION, major, minor, patch);
    return finish_output(EXIT_FINE);
}

static int dispatch(Arena *arena, const Options *options, int argc, char **argv) {
    if (options->command == COMMAND_PID) return pid_command(argc - 1, argv + 1);
    if (options->help) {
        options_help(options->command, stdout);
        return finish_output(EXIT_FINE);
    }
    if (options->version) return print_version();
    switch (options->command) {
    case COMMAND_RUN:     return run_command(arena, options);
    case COMMAND_CHECK:   return check_command(arena, options);
    case COMMAND_EXPLAIN: return explain_command(options->operand);
    case COMMAND_FMT:     return fmt_command(options);
    case COMMAND_REPL:    return repl_command(options);
    default:              return build_command(arena, options);
    }
}

/* A descriptor 0 to 2 that is closed when the program starts would go to the
 * next file opened, and messages would end up in the result. */
static void hold_standard_streams(void) {
    int descriptor;
    do descriptor = open("/dev/null", O_RDWR);
    while (descriptor >= 0 && descriptor <= 2);
    if (descriptor > 2) close(descriptor);
}

int main(int argc, char **argv) {
    hold_standard_streams();
    signal(SIGXFSZ, SIG_IGN);                  /* a file over the limit is an error of its write, which is told */
    Arena *arena = arena_new();
    Options options;
    int code = options_read(arena, argc, argv, &options);
    if (!code) code = dispatch(arena, &options, argc, argv);
    arena_free(arena);
    return code;
}
