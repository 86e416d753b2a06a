#include "driver/pid.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/pid_estimate.h"
#include "driver/pid_input.h"
#include "driver/pid_output.h"
#include "mml/threads.h"
#include "support/intern.h"

/* ---- The call ---- */

typedef enum { FLAG, WHOLE, REAL, WORD } OptionType;
typedef enum { ANY, ADAM, MANY } OptionUse;        /* MANY: --null or --bootstrap */

typedef struct {
    const char *name;
    OptionType  type;
    size_t      offset;          /* in Call: int, int (or u64 seed), double, int index of the word */
    const char *words;           /* WORD: "newton|adam"                                            */
    double      low, high;
    OptionUse   use;             /* what it belongs to                                             */
    const char *help;
} Option;

typedef struct {
    const char        *file;
    int                help, solver, start, seed, seeded, threads, bins;
    MmlPidOptions      pid;
    PidEstimateOptions estimate;
    PidOutput          output;
} Call;

#define AT(field) offsetof(Call, field)

static const Option OPTIONS[] = {
    {"--solver", WORD, AT(solver), "newton|adam", 0, 0, ANY, "newton: exact, certified; adam: FastPID as published (default newton)"},
    {"--json", FLAG, AT(output.json), NULL, 0, 0, ANY, "a line of JSON for each distribution"},
    {"--certificate", FLAG, AT(output.certificate), NULL, 0, 0, ANY, "adds the optimal q and the dual a, b that prove the gap"},
    {"--gradient", FLAG, AT(output.gradient), NULL, 0, 0, ANY, "adds the derivatives of the atoms by P"},
    {"--bins", WHOLE, AT(bins), NULL, 2, 4096, ANY, "CSV: x1, x2 of more numbers than N get N bins of equal count, >= 2"},
    {"--null", WHOLE, AT(estimate.shuffles), NULL, 2, 1e7, ANY, "p-value of the synergy from N shuffles within labels, >= 2"},
    {"--bootstrap", WHOLE, AT(estimate.resamples), NULL, 2, 1e7, ANY, "95 % intervals from N random halves of the samples, >= 2"},
    {"--halved", FLAG, AT(estimate.halved), NULL, 0, 0, ANY, "redundancy and unique corrected: 2 X(n) - X(n / 2)"},
    {"--seed", WHOLE, AT(seed), NULL, 0, 2147483647, ANY, "of shuffles, halves and --start gaussian, >= 0 (default 0)"},
    {"--threads", WHOLE, AT(threads), NULL, 1, 1024, MANY, "of --null and --bootstrap, >= 1 (default: the CPUs it may use)"},
    {"--iterations", WHOLE, AT(pid.iterations), NULL, 1, 1e9, ADAM, "steps at most, >= 1 (default 2000)"},
    {"--lr", REAL, AT(pid.lr), NULL, 1e-12, 1e6, ADAM, "learning rate, > 0 (default 0.1)"},
    {"--tolerance", REAL, AT(pid.tolerance), NULL, 0, 1e6, ADAM, "stops when no cell of q moves by more, >= 0 (default 1e-5)"},
    {"--relative", FLAG, AT(pid.relative), NULL, 0, 0, ADAM, "the tolerance counts in units of the largest cell"},
    {"--sinkhorn", WHOLE, AT(pid.sinkhorn), NULL, 1, 1e6, ADAM, "sweeps of a projection, with --until at most, >= 1 (default 10)"},
    {"--until", REAL, AT(pid.until), NULL, 0, 1, ADAM, "a projection ends at this marginal residual; 0: after all sweeps (default 0)"},
    {"--start", WORD, AT(start), "analytic|uniform|gaussian", 0, 0, ADAM, "first q (default analytic)"},
    {"--help", FLAG, AT(help), NULL, 0, 0, ANY, "prints this"},
};
#define OPTION_COUNT ((int)(sizeof OPTIONS / sizeof *OPTIONS))

static void print_help(void) {
    printf("Usage: mmlc pid FILE [OPTION]...\n\n"
           "Decomposes the information that X1 and X2 have of Y into redundancy, unique and\n"
           "synergistic parts, in bits.\n\n"
           "FILE (- for standard input), by its form:\n"
           "  JSON   {\"P\": [[[...]]]} or {\"counts\": [[[...]]]}, indexed x1, x2, y; a list of\n"
           "         such objects, or {\"cases\": [...]}; \"name\" names a distribution\n"
           "  CSV    a header and three columns x1,x2,y (or …,label); a sample a row, each distinct value a bin\n"
           "         (--bins N: real numbers in N bins)\n"
           "  .npy   an array of rank 3: integers are counts, floats weights\n"
           "Weights are normalised to a sum of 1; a table may have %lld cells.\n\n", (long long)PID_INPUT_CELLS);
    for (int o = 0; o < OPTION_COUNT; o++) {
        char left[64];
        snprintf(left, sizeof left, "%s%s%s", OPTIONS[o].name,
                 OPTIONS[o].type == WORD ? " " : OPTIONS[o].type == WHOLE ? " N" : OPTIONS[o].type == REAL ? " X" : "",
                 OPTIONS[o].words ? OPTIONS[o].words : "");
        printf("  %-35s %s%s\n", left, OPTIONS[o].use == ADAM ? "adam: " : "", OPTIONS[o].help);
    }
    printf("\nWith --json each line has name, redundancy, unique [u1, u2], synergy, mutual\n"
           "[I(X1;Y), I(X2;Y)], total I(X1,X2;Y), entropy H(Y), gap, iterations, seconds; for\n"
           "adam the gap is null, residual is the L1 distance of q's marginals from P's and\n"
           "converged is false when it ended by --iterations. Samples and counts add samples,\n"
           "synergy_adjusted (less what shuffles within labels have) and synergy_error (their\n"
           "standard deviation); --null adds null: {shuffles, p, mean, quantile}, mean and\n"
           "95 %% quantile of the shuffles' synergy; --bootstrap adds bootstrap: {resamples,\n"
           "redundancy, unique, synergy}, 95 %% intervals of the corrected redundancy and\n"
           "unique and of the adjusted synergy; --halved adds halved: {redundancy, unique}.\n"
           "These three need samples or counts.\n"
           "--certificate adds P (normalised), q, a and b: q has the marginals P(x1,y) and\n"
           "P(x2,y), and log sum_y exp(a[x1][y] + b[x2][y]) <= 0 everywhere (-1000 stands for\n"
           "minus infinity where the marginal is 0), so that -H_q(Y|X1,X2) - <P(x1,y), a> -\n"
           "<P(x2,y), b>, in nats, bounds the error. --gradient adds gradient: {redundancy,\n"
           "unique, synergy}, shifted so that <P, gradient> = 0; cells with P = 0 have 0.\n"
           "With either, a CSV file adds values: what stands behind the bins of x1, x2, y.\n\n"
           "Exit codes: 0 fine, 1 no certified answer, 2 wrong call, 3 the file can't be used.\n");
}

static int call_error(const char *text) {
    fprintf(stderr, "mmlc pid: %s\n", text);
    return 2;
}

static Status find_option(const char *argument, const Option **out) {
    const char *names[OPTION_COUNT], *equals = strchr(argument, '=');
    size_t length = equals ? (size_t)(equals - argument) : strlen(argument);
    for (int o = 0; o < OPTION_COUNT; o++) {
        names[o] = OPTIONS[o].name;
        *out = &OPTIONS[o];
        if (strlen(names[o]) == length && strncmp(names[o], argument, length) == 0) return MML_OK;
    }
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)length, argument);
    const char *nearest = nearest_name(name, names, OPTION_COUNT);
    return mml_fail(MML_ECALL, "unknown option %s%s%s%s", name, nearest ? "; did you mean " : "; see mmlc pid --help",
                    nearest ? nearest : "", nearest ? "?" : "");
}

static Status set_word(const Option *option, const char *value, int *out) {
    const char *names[8];
    char words[64];
    int count = 0;
    snprintf(words, sizeof words, "%s", option->words);
    for (char *rest, *word = strtok_r(words, "|", &rest); word; word = strtok_r(NULL, "|", &rest)) {
        if (strcmp(word, value) == 0) {
            *out = count;
            return MML_OK;
        }
        names[count++] = word;
    }
    const char *nearest = nearest_name(value, names, count);
    return mml_fail(MML_ECALL, "%s is %s, not \"%s\"%s%s%s", option->name, option->words, value,
                    nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
}

static Status set_number(const Option *option, const char *value, double *out) {
    char *end;
    *out = strtod(value, &end);
    if (end == value || *end || !(*out >= option->low && *out <= option->high) || (option->type == WHOLE && *out != floor(*out)))
        return mml_fail(MML_ECALL, "%s takes a %snumber from %g to %g, not \"%s\"", option->name,
                        option->type == WHOLE ? "whole " : "", option->low, option->high, value);
    return MML_OK;
}

static Status set_option(const Option *option, const char *value, Call *call) {
    void *field = (char *)call + option->offset;
    double number;
    switch (option->type) {
    case FLAG:
        if (value) return mml_fail(MML_ECALL, "%s takes no value", option->name);
        *(int *)field = 1;
        return MML_OK;
    case WORD:
        return set_word(option, value, field);
    case WHOLE:
        MML_TRY(set_number(option, value, &number));
        *(int *)field = (int)number;
        return MML_OK;
    case REAL:
        return set_number(option, value, field);
    }
    return MML_EBUG;
}

/* What options say together. given: by row of OPTIONS. */
static Status check_call(Call *call, const int *given) {
    if (!call->file) return mml_fail(MML_ECALL, "no file; say mmlc pid FILE, or mmlc pid --help");
    call->pid.solver = call->solver == 0 ? MML_PID_NEWTON : MML_PID_ADAM;
    call->pid.start = (MmlPidStart)call->start;
    call->pid.seed = call->estimate.seed = (u64)call->seed;
    int many = call->estimate.shuffles || call->estimate.resamples;
    for (int o = 0; o < OPTION_COUNT; o++) {
        if (!given[o]) continue;
        if (OPTIONS[o].use == ADAM && call->pid.solver != MML_PID_ADAM)
            return mml_fail(MML_ECALL, "%s belongs to --solver adam", OPTIONS[o].name);
        if (OPTIONS[o].use == MANY && !many)
            return mml_fail(MML_ECALL, "%s belongs to --null or --bootstrap", OPTIONS[o].name);
        call->seeded |= OPTIONS[o].offset == AT(seed);
    }
    if (call->threads == 0) call->threads = many ? mml_threads_available() : 1;
    if (call->pid.solver == MML_PID_ADAM && (call->output.certificate || call->output.gradient))
        return mml_fail(MML_ECALL, "%s needs --solver newton", call->output.certificate ? "--certificate" : "--gradient");
    return MML_OK;
}

static Status read_call(int argc, char **argv, Call *call) {
    int given[OPTION_COUNT] = {0}, options_end = 0;
    *call = (Call){.pid = mml_pid_defaults()};
    for (int i = 1; i < argc; i++) {
        const char *argument = argv[i];
        if (!options_end && strcmp(argument, "--") == 0) {
            options_end = 1;
        } else if (options_end || argument[0] != '-' || !argument[1]) {
            if (call->file) return mml_fail(MML_ECALL, "one file at a time; \"%s\" is a second one", argument);
            call->file = argument;
        } else {
            const Option *option;
            MML_TRY(find_option(argument, &option));
            const char *equals = strchr(argument, '='), *value = equals ? equals + 1 : NULL;
            if (!value && option->type != FLAG && !(value = i + 1 < argc ? argv[++i] : NULL))
                return mml_fail(MML_ECALL, "%s needs a value", option->name);
            MML_TRY(set_option(option, value, call));
            given[option - OPTIONS] = 1;
            if (call->help) return MML_OK;
        }
    }
    return check_call(call, given);
}

/* ---- The work ---- */

static Status solve_one(const Call *call, const PidDistribution *distribution, MmlThreads *threads, MmlArena *arena) {
    MmlPid pid;
    PidEstimates estimates;
    MML_TRY(mml_pid_solve(&distribution->table, &call->pid, arena, &pid));
    if (!pid.converged)
        fprintf(stderr, "mmlc pid: warning: %s: %s: adam ended after %d iterations without meeting its tolerance; "
                "give more --iterations, or use --solver newton\n", call->file, distribution->name, pid.iterations);
    if (distribution->counted) MML_TRY(pid_estimate(&call->estimate, distribution, &pid, &call->pid, threads, arena, &estimates));
    return pid_output_write(&call->output, distribution, &pid, distribution->counted ? &estimates : NULL, arena);
}

static Status solve_all(const Call *call, const PidInput *input, MmlThreads *threads, MmlArena *arena) {
    pid_output_begin(&call->output, input);
    for (int i = 0; i < input->count; i++) {
        MmlArenaMark mark = mml_arena_mark(arena);
        Status status = solve_one(call, &input->items[i], threads, arena);
        mml_arena_release(arena, mark);
        if (status != MML_OK) return mml_context(status, "%s: %s", call->file, input->items[i].name);
        if (ferror(stdout)) break;
    }
    return MML_OK;
}

/* Random streams serve the estimates from samples and adam's gaussian start. */
static Status check_seed(const Call *call, const PidInput *input) {
    int used = !call->seeded || (call->pid.solver == MML_PID_ADAM && call->pid.start == MML_PID_GAUSSIAN);
    for (int i = 0; i < input->count && !used; i++) used = input->items[i].counted;
    return used ? MML_OK : mml_fail(MML_ECALL, "--seed belongs to samples, counts and --start gaussian");
}

int pid_command(int argc, char **argv) {
    Call call;
    if (read_call(argc, argv, &call) != MML_OK) return call_error(mml_message());
    if (call.help) {
        print_help();
        return 0;
    }
    MmlThreads *threads = NULL;                /* also keeps OpenBLAS from starting its own */
    MmlArena *arena = mml_arena_new();
    PidInput input;
    Status status = arena ? mml_threads_new(call.threads, &threads) : MML_ENOMEM;
    if (status == MML_OK) status = pid_input_read(call.file, call.bins, arena, &input);
    if (status == MML_OK) status = pid_estimate_check(&call.estimate, call.file, &input);
    if (status == MML_OK) status = check_seed(&call, &input);
    if (status == MML_OK) status = solve_all(&call, &input, threads, arena);
    if (status == MML_OK && (fflush(stdout) != 0 || ferror(stdout)))
        status = mml_fail(MML_EIO, "cannot write the results: %s", strerror(errno));
    if (status != MML_OK) fprintf(stderr, "mmlc pid: %s\n", mml_message());
    mml_threads_free(threads);
    mml_arena_free(arena);
    return mml_exit_code(status);
}
