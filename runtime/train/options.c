#include "train/options.h"

#include "train/nearest.h"
#include "train/settings_text.h"

#include <math.h>
#include <string.h>

typedef struct Option Option;
typedef Status (*Accept)(MmlSettings *settings, MmlCall *call, const Option *option, const char *value);

struct Option {
    const char *name;
    const char *argument;         /* in --help; NULL: takes none                   */
    Accept      accept;
    size_t      offset;           /* of the field in MmlCall that set_* fill       */
    const char *help;             /* with range and default                        */
};

/* ---- What an option does with its value ---- */

static Status set_flag(MmlSettings *settings, MmlCall *call, const Option *option, const char *value) {
    *(int *)((char *)call + option->offset) = 1;
    return MML_OK;
}

static Status set_text(MmlSettings *settings, MmlCall *call, const Option *option, const char *value) {
    if (!*value) return mml_fail(MML_ECALL, "--%s: empty; expected %s", option->name, option->argument);
    *(const char **)((char *)call + option->offset) = value;
    return MML_OK;
}

static Status set_number(MmlSettings *settings, MmlCall *call, const Option *option, const char *value, i64 type,
                         double low, double high) {
    MmlSetting shape = {.path = option->name, .type = type, .low = low, .high = high};
    MmlValue number;
    const MmlExperiment *experiment = settings->experiment;
    if (mml_value_parse(experiment, &shape, value, &number, settings->arena) != MML_OK || (double)number.i < low
        || (double)number.i > high) {
        const char *range = mml_setting_range_text(experiment, &shape, settings->arena);
        return mml_fail(MML_ECALL, "--%s: '%s' is not a number of %s", option->name, value, range ? range : "");
    }
    *(i64 *)((char *)call + option->offset) = number.i;
    return MML_OK;
}

static Status set_threads(MmlSettings *settings, MmlCall *call, const Option *option, const char *value) {
    return set_number(settings, call, option, value, MML_INT, 1, 1024);
}

static Status set_bytes(MmlSettings *settings, MmlCall *call, const Option *option, const char *value) {
    return set_number(settings, call, option, value, MML_BYTES, 1, INFINITY);
}

static Status set_seed(MmlSettings *settings, MmlCall *call, const Option *option, const char *value) {
    const MmlSetting *seed = mml_setting_find(settings->experiment, "train.seed");
    return mml_setting_give(settings, seed, value);
}

/* Properties that shape the program, or that it leaves out, are no settings of
 * the trainer; only the compiler knows their names. */
static Status unknown_setting(MmlSettings *settings, const char *path, const char *value) {
    const MmlExperiment *experiment = settings->experiment;
    const char *call = mml_compile_call(experiment, "--set", path, value, settings->arena);
    MmlNearest nearest = mml_nearest(path);
    for (i64 i = 0; i < experiment->setting_count; i++) mml_nearest_offer(&nearest, experiment->settings[i].path);
    if (nearest.best)
        return mml_fail(MML_ECALL, "--set: no setting '%s'; did you mean '%s'? Others are set when compiling: %s", path,
                        nearest.best, call);
    return mml_fail(MML_ECALL, "--set: no setting '%s': `mmlc check --explain %s` lists them; others are set when compiling: %s",
                    path, experiment->file, call);
}

static Status set_setting(MmlSettings *settings, MmlCall *call, const Option *option, const char *value) {
    const char *equals = strchr(value, '=');
    if (!equals) return mml_fail(MML_ECALL, "--set: '%s' is not PATH=VALUE (train.joint.epochs=3)", value);
    char *path = mml_arena_format(settings->arena, "%.*s", (int)(equals - value), value);
    if (!path) return MML_ENOMEM;
    for (size_t i = strlen(path); i > 0 && path[i - 1] == ' '; i--) path[i - 1] = 0;
    const MmlSetting *setting = mml_setting_find(settings->experiment, path);
    if (!setting) return unknown_setting(settings, path, equals + 1);
    return mml_setting_give(settings, setting, equals + 1);
}

static Status set_device(MmlSettings *settings, MmlCall *call, const Option *option, const char *value) {
    if (!strcmp(value, "cpu")) return MML_OK;
    if (!strcmp(value, "cuda")) return mml_fail(MML_ECALL, "--device: this build has no CUDA; use --device cpu");
    return mml_fail(MML_ECALL, "--device: '%s' is neither cpu nor cuda", value);
}

static Status set_kernels(MmlSettings *settings, MmlCall *call, const Option *option, const char *value) {
    call->kernels = value;
    if (!strcmp(value, "fast") || !strcmp(value, "reference")) return MML_OK;
    return mml_fail(MML_ECALL, "--kernels: '%s' is neither fast nor reference", value);
}

static Status add_sweep(MmlSettings *settings, MmlCall *call, const Option *option, const char *value) {
    const char **all = MML_NEW(settings->arena, const char *, call->sweep_count + 1);
    if (!all) return MML_ENOMEM;
    if (call->sweep_count) memcpy(all, call->sweep, (size_t)call->sweep_count * sizeof *all);
    all[call->sweep_count++] = value;
    call->sweep = all;
    return MML_OK;
}

static Status set_jobs(MmlSettings *settings, MmlCall *call, const Option *option, const char *value) {
    return set_number(settings, call, option, value, MML_INT, 1, 1024);
}

/* The first stage has nothing before it. */
static Status set_until(MmlSettings *settings, MmlCall *call, const Option *option, const char *value) {
    const MmlExperiment *experiment = settings->experiment;
    MmlNearest nearest = mml_nearest(value);
    for (i64 i = 0; i < experiment->stage_count; i++) {
        mml_nearest_offer(&nearest, experiment->stages[i].name);
        if (strcmp(experiment->stages[i].name, value)) continue;
        if (i == 0) return mml_fail(MML_ECALL, "--until: %s is the first stage; nothing comes before it", value);
        call->until = value;
        return MML_OK;
    }
    return mml_fail(MML_ECALL, "--until: no stage '%s'%s%s%s", value, nearest.best ? "; did you mean '" : "", nearest.best ? nearest.best : "", nearest.best ? "'?" : "");
}

#define FIELD(name) offsetof(MmlCall, name)

static const Option options[] = {
    {"set",           "PATH=VALUE", set_setting,  0,                    "a property that changes neither shape nor program (train.joint.epochs=3); repeatable"},
    {"seed",          "N",          set_seed,     0,                    "seed of every random stream; int, at least 0 (default: train.seed of the program)"},
    {"threads",       "N",          set_threads,  FIELD(threads),       "threads; int, 1 to 1024 (default: the CPUs this process may use)"},
    {"device",        "DEVICE",     set_device,   0,                    "cpu|cuda; this build has cpu (default: cpu)"},
    {"out",           "DIR",        set_text,     FIELD(out),           "output folder, new or without a run in it (default: runs/NAME-<date>-<seed>)"},
    {"resume",        "DIR",        set_text,     FIELD(resume),        "go on with the run in DIR (default: a new run)"},
    {"eval",          "FILE",       set_text,     FIELD(eval),          "load weights (.safetensors), evaluate, stop (default: train)"},
    {"init",          "FILE",       set_text,     FIELD(init),          "start from the weights in FILE (.safetensors) whose names match (default: by seed)"},
    {"predict",       "FILE",       set_text,     FIELD(predict),       "write label, prediction and probabilities of each test sample (.csv; default: none)"},
    {"check",         NULL,         set_flag,     FIELD(check),         "read the data, say what would be skipped, run one batch of each stage, stop"},
    {"overfit-batch", NULL,         set_flag,     FIELD(overfit_batch), "train each stage on one batch alone to see its loss fall, write nothing, stop"},
    {"quiet",         NULL,         set_flag,     FIELD(quiet),         "print nothing but errors and warnings"},
    {"json",          NULL,         set_flag,     FIELD(json),          "the summary as one JSON object on standard output, the rest on standard error"},
    {"cache",         "DIR",        set_text,     FIELD(cache),         "folder for read and prepared data: found by later runs, and mapped, so that data may be larger than memory (default: none)"},
    {"cache-limit",   "SIZE",       set_bytes,    FIELD(cache_limit),   "most bytes in the cache, what was used longest ago goes; B, KiB, MiB, GiB, at least 1 B (default: no limit)"},
    {"kernels",       "NAME",       set_kernels,  0,                    "fast|reference: as the compiler chose, or plain ones alone, to compare with (default: fast)"},
    {"until",         "STAGE",      set_until,    FIELD(until),         "stop before STAGE begins; --resume goes on with it (default: all stages)"},
    {"sweep",         "PATH=LIST",  add_sweep,    FIELD(sweep),         "a run for each value (tau=1.5,5,inf; seed=1..5); repeatable: the grid of all"},
    {"jobs",          "N",          set_jobs,     FIELD(jobs),          "runs of a sweep at a time, each with 1 thread or --threads; int, 1 to 1024 (default: what the CPUs take)"},
    {"help",          NULL,         set_flag,     FIELD(help),          "print this and stop"},
    {"version",       NULL,         set_flag,     FIELD(version),       "print the program's hash, compiler and flags, and stop"},
};

#define OPTIONS (sizeof options / sizeof *options)

/* ---- Parsing ---- */

static const Option *find_option(const char *name) {
    for (size_t i = 0; i < OPTIONS; i++)
        if (!strcmp(options[i].name, name)) return &options[i];
    return NULL;
}

/* A param by its name; - may stand for _, as GNU options have it. */
static const MmlSetting *find_param(const MmlExperiment *experiment, const char *name) {
    for (i64 i = 0; i < experiment->setting_count; i++) {
        const MmlSetting *setting = &experiment->settings[i];
        if (!(setting->flags & MML_SETTING_PARAM)) continue;
        const char *a = setting->path, *b = name;
        while (*a && *b && (*a == *b || (*a == '_' && *b == '-'))) a++, b++;
        if (!*a && !*b) return setting;
    }
    return NULL;
}

static Status unknown_option(const MmlExperiment *experiment, const char *name) {
    MmlNearest nearest = mml_nearest(name);
    for (size_t i = 0; i < OPTIONS; i++) mml_nearest_offer(&nearest, options[i].name);
    for (i64 i = 0; i < experiment->setting_count; i++)
        if (experiment->settings[i].flags & MML_SETTING_PARAM) mml_nearest_offer(&nearest, experiment->settings[i].path);
    if (nearest.best) return mml_fail(MML_ECALL, "unknown option --%s; did you mean --%s?", name, nearest.best);
    return mml_fail(MML_ECALL, "unknown option --%s; --help lists them all", name);
}

/* A bool param without a value means true. */
static int takes_next(const MmlSetting *param, const char *next) {
    if (!next) return 0;
    if (!param || param->type != MML_BOOL || param->each) return 1;
    return !strcmp(next, "true") || !strcmp(next, "false");
}

/* Reads the option at argv[*at]; *at ends on its last word. */
static Status parse_one(MmlSettings *settings, MmlCall *call, int argc, char **argv, int *at) {
    const char *word = argv[*at];
    if (!strcmp(word, "-h")) word = "--help";
    if (strncmp(word, "--", 2) || !word[2])
        return mml_fail(MML_ECALL, "'%s' is not an option; options begin with -- (see --help)", word);
    const char *equals = strchr(word, '=');
    char *name = mml_arena_format(settings->arena, "%.*s", equals ? (int)(equals - word - 2) : (int)strlen(word + 2), word + 2);
    if (!name) return MML_ENOMEM;
    const char *value = equals ? equals + 1 : NULL;
    const char *next = *at + 1 < argc && strncmp(argv[*at + 1], "--", 2) ? argv[*at + 1] : NULL;

    const Option *option = find_option(name);
    if (option && !option->argument) {
        if (value) return mml_fail(MML_ECALL, "--%s takes no value", name);
        return option->accept(settings, call, option, NULL);
    }
    const MmlSetting *param = option ? NULL : find_param(settings->experiment, name);
    if (!option && !param) return unknown_option(settings->experiment, name);
    if (!value && takes_next(param, next)) {
        value = next;
        ++*at;
    }
    if (!value && param && param->type == MML_BOOL) value = "true";
    if (!value) return mml_fail(MML_ECALL, "--%s needs a value (%s)", name,
                                option ? option->argument : mml_setting_type_text(param, settings->arena));
    if (option) return option->accept(settings, call, option, value);
    return mml_setting_give(settings, param, value);
}

typedef struct { const char *one, *other; size_t a, b; } Conflict;

static Status check_conflicts(const MmlCall *call) {
    static const Conflict conflicts[] = {
        {"resume", "out",  FIELD(resume), FIELD(out)},  {"resume", "init", FIELD(resume), FIELD(init)},
        {"resume", "eval", FIELD(resume), FIELD(eval)}, {"eval",   "init", FIELD(eval),   FIELD(init)},
        {"eval",   "out",  FIELD(eval),   FIELD(out)},
    };
    for (size_t i = 0; i < sizeof conflicts / sizeof *conflicts; i++) {
        const Conflict *c = &conflicts[i];
        if (*(const char *const *)((const char *)call + c->a) && *(const char *const *)((const char *)call + c->b))
            return mml_fail(MML_ECALL, "--%s and --%s exclude each other", c->one, c->other);
    }
    if ((call->check || call->overfit_batch) && (call->resume || call->eval || call->out || call->predict))
        return mml_fail(MML_ECALL, "--%s trains nothing and writes nothing: leave out --out, --resume, --eval and --predict",
                        call->check ? "check" : "overfit-batch");
    if (call->check && call->overfit_batch) return mml_fail(MML_ECALL, "--check and --overfit-batch exclude each other");
    if (call->sweep_count && (call->check || call->overfit_batch || call->eval || call->predict || call->resume || call->until))
        return mml_fail(MML_ECALL, "--sweep starts runs: leave out --check, --overfit-batch, --eval, --predict, --until and --resume");
    if (call->until && (call->check || call->overfit_batch || call->eval || call->predict))
        return mml_fail(MML_ECALL, "--until stops a run that trains: leave out --check, --overfit-batch, --eval and --predict");
    if (call->jobs && !call->sweep_count && !call->resume) return mml_fail(MML_ECALL, "--jobs needs --sweep PATH=LIST, or --resume of a sweep");
    if (call->cache_limit && !call->cache) return mml_fail(MML_ECALL, "--cache-limit needs --cache DIR");
    return MML_OK;
}

Status mml_options_parse(int argc, char **argv, MmlSettings *settings, MmlCall *call) {
    *call = (MmlCall){.program = argv[0], .argc = argc, .argv = argv};
    for (int i = 1; i < argc; i++) MML_TRY(parse_one(settings, call, argc, argv, &i));
    return check_conflicts(call);
}

/* ---- Help ---- */

#define HELP_COLUMN 26

static void help_line(FILE *stream, const char *left, const char *right) {
    int width = (int)strlen(left);
    if (width > HELP_COLUMN - 2) fprintf(stream, "  %s\n  %*s%s\n", left, HELP_COLUMN, "", right);
    else fprintf(stream, "  %-*s%s\n", HELP_COLUMN, left, right);
}

/* The params' own defaults; required ones hold an empty text or zero meanwhile. */
static Status evaluate_defaults(MmlArena *arena, const MmlExperiment *experiment, MmlSettings *out) {
    MML_TRY(mml_settings_new(arena, experiment, out));
    for (i64 i = 0; i < experiment->setting_count; i++) {
        const MmlSetting *setting = &experiment->settings[i];
        if (!(setting->flags & MML_SETTING_REQUIRED)) continue;
        for (i64 m = 0; m < (setting->each ? experiment->modality_count : 1); m++) {
            out->given[setting->slot + m] = 1;
            if (mml_type_held(setting->type) < 0) out->values[setting->slot + m].s = "";
        }
    }
    if (experiment->evaluate) experiment->evaluate(out->values, out->given, out->text);
    return MML_OK;
}

static Status help_param(FILE *stream, const MmlSettings *defaults, const MmlSetting *setting, MmlArena *arena) {
    const char *type = mml_setting_type_text(setting, arena);
    const char *range = mml_setting_range_text(defaults->experiment, setting, arena);
    const char *left = mml_arena_format(arena, "--%s VALUE", setting->path);
    if (!type || !range || !left) return MML_ENOMEM;
    const char *ending = setting->flags & MML_SETTING_REQUIRED ? "required"
                       : mml_arena_format(arena, "default: %s", mml_setting_text(defaults, setting, arena));
    const char *fixed = setting->flags & MML_SETTING_FIXED ? "; fixed when compiling, mmlc -D changes it" : "";
    const char *right = mml_arena_format(arena, "%s%s%s%s%s (%s%s)", setting->doc ? setting->doc : "", setting->doc ? "; " : "",
                                         type, *range ? ", " : "", range, ending ? ending : "", fixed);
    if (!ending || !right) return MML_ENOMEM;
    help_line(stream, left, right);
    return MML_OK;
}

Status mml_options_help(FILE *stream, const MmlExperiment *experiment, const char *program, MmlArena *arena) {
    MmlSettings defaults;
    MML_TRY(evaluate_defaults(arena, experiment, &defaults));
    fprintf(stream, "Usage: %s [OPTION]…\nTrains the experiment %s, compiled from %s.\n", program, experiment->name, experiment->file);
    int params = 0;
    for (i64 i = 0; i < experiment->setting_count; i++) {
        const MmlSetting *setting = &experiment->settings[i];
        if (!(setting->flags & MML_SETTING_PARAM)) continue;
        if (!params++) fprintf(stream, "\nParams of the experiment (units may be left out):\n");
        MML_TRY(help_param(stream, &defaults, setting, arena));
    }
    fprintf(stream, "\nOptions:\n");
    for (size_t i = 0; i < OPTIONS; i++) {
        const Option *option = &options[i];
        const char *left = mml_arena_format(arena, "--%s%s%s", option->name, option->argument ? " " : "",
                                            option->argument ? option->argument : "");
        if (!left) return MML_ENOMEM;
        help_line(stream, left, option->help);
    }
    fprintf(stream, "\nExit codes: 0 done; 1 training failed; 2 wrong call; 3 data, file or disk; 70 a bug; 130 interrupted.\n"
                    "`mmlc check --explain %s` shows every property that --set can change.\n", experiment->file);
    return MML_OK;
}

void mml_options_version(FILE *stream, const MmlExperiment *experiment) {
    fprintf(stream, "%s, program %s\ncompiled by %s (flags: %s)\nruntime %s\n", experiment->name, experiment->hash,
            experiment->compiler, experiment->flags && *experiment->flags ? experiment->flags : "none", MML_RUNTIME_VERSION);
}
