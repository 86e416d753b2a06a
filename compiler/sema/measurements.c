#include <math.h>
#include <string.h>
#include "sema/declarations.h"

#define COUNT(a) ((int)(sizeof (a) / sizeof *(a)))

/* ---- Tables ---- */

#define SCHEDULE_ROWS                                                                          \
    {"every",     TYPE_EPOCHS, 0,            NULL,                    "5",      1, HUGE_VAL},      \
    {"when",      TYPE_WORD,   0,            "before|after",          "before", 0, 0},         \
    {"untrained", TYPE_BOOL,   0,            NULL,                    "false",  0, 0},         \
    {"bins",      TYPE_NONE,   ARGUMENT_RAW, NULL,                    NULL,     0, 0},         \
    {"split",     TYPE_WORD,   0,            "train|validation|test", "train",  0, 0},         \
    {"samples",   TYPE_NONE,   ARGUMENT_RAW, NULL,                    NULL,     0, 0}
enum { EVERY, WHEN, UNTRAINED, BINS, SPLIT, SAMPLES, SOLVER };

static const ArgumentRow PID[] = {
    SCHEDULE_ROWS,
    {"solver",    TYPE_NONE, ARGUMENT_RAW, NULL, NULL, 0, 0},
    {"estimator", TYPE_WORD, 0, "adjusted|plugin", "adjusted", 0, 0},
};
static const ArgumentRow MUTUAL_INFORMATION[] = {SCHEDULE_ROWS};

static const ArgumentRow KMEANS[] = {
    {"k",         TYPE_INT,  ARGUMENT_REQUIRED, NULL,      NULL, 2, 65536},
    {"pca",       TYPE_INT,  0,                 NULL,      "5",  0, 65536},       /* 0: none */
    {"normalize", TYPE_WORD, 0,                 "l2|none", "l2", 0, 0},
    {"restarts",  TYPE_INT,  0,                 NULL,      "4",  1, 1e6},
};
static const ArgumentRow QUANTILE[] = {{"k", TYPE_INT, ARGUMENT_REQUIRED, NULL, NULL, 2, 65536}};

static const Choice BIN_CHOICES[] = {
    {"kmeans", KMEANS, COUNT(KMEANS)}, {"quantile", QUANTILE, COUNT(QUANTILE)}, {"argmax", NULL, 0},
};

static const ArgumentRow ADAM[] = {
    {"iterations", TYPE_INT,  0, NULL, "2000", 1, 1e9},
    {"lr",         TYPE_REAL, 0, NULL, "0.1",  0, HUGE_VAL},
    {"tolerance",  TYPE_REAL, 0, NULL, "1e-5", 0, HUGE_VAL},
    {"relative",   TYPE_BOOL, 0, NULL, "false", 0, 0},
    {"sinkhorn",   TYPE_NONE, ARGUMENT_RAW, NULL, NULL, 0, 0},
    {"init",       TYPE_WORD, 0, "analytic|uniform|gaussian", "analytic", 0, 0},
};
enum { SINKHORN = 4 };

/* `sinkhorn` is a number of sweeps or until(tolerance, sweeps): one or the other is a setting. */
static const ArgumentRow SWEEPS = {"sinkhorn", TYPE_INT, 0, NULL, "10", 1, 1e9};
static const ArgumentRow UNTIL[] = {
    {"until",  TYPE_REAL, ARGUMENT_REQUIRED, NULL, NULL,   1e-15, 1},
    {"sweeps", TYPE_INT,  0,                 NULL, "1000", 1,     1e9},
};
static const Choice SOLVER_CHOICES[] = {{"newton", NULL, 0}, {"adam", ADAM, COUNT(ADAM)}};

#define BIT(field) (1 << PROBE_##field)

static const struct { const char *name; Measure measure; const ArgumentRow *rows; int count; int missing; } MEASUREMENTS[] = {
    {"pid", MEASURE_PID, PID, COUNT(PID), 0},
    {"mutual_information", MEASURE_MUTUAL_INFORMATION, MUTUAL_INFORMATION, COUNT(MUTUAL_INFORMATION),
     BIT(REDUNDANCY) | BIT(UNIQUE) | BIT(SYNERGY) | BIT(SYNERGY_PLUGIN) | BIT(SYNERGY_ERROR) | BIT(GAP)},
};

/* ---- Reading ---- */

/* `all` or a number; -1 is all. */
static void samples_add(Sema *s, const Expr *expr, const char *path) {
    static const ArgumentRow number = {"samples", TYPE_INT, 0, NULL, NULL, 1, HUGE_VAL};
    Given *given = override_for(s, path);
    if (given)
        expr = given_expr(s, given, (Type){.kind = TYPE_INT});
    Setting setting = {.path = path, .type = {.kind = TYPE_INT}, .low = -1, .high = HUGE_VAL};
    if (!expr || (expr->kind == EXPR_NAME && strcmp(expr->name, "all") == 0)) {
        setting.value = value_integer(s, TYPE_INT, -1, expr ? expr->span : (Span){0});
        setting.origin = expr ? NULL : "default";
    } else {
        Argument out = {0};
        if (!argument_value(s, &number, "pid", expr, &out))
            return;
        setting.value = out.value;
    }
    setting.span = setting.value->span;
    if (given)
        setting.origin = given_origin(s, given);
    setting_add_settled(s, setting);
}

static void sinkhorn_add(Sema *s, const Expr *expr, const char *path) {
    Name name = expr ? expr_callee(expr) : NULL;
    if (name && strcmp(name, "until") == 0) {
        Argument arguments[COUNT(UNTIL)] = {0};
        if (arguments_of(s, expr, "until", path, UNTIL, COUNT(UNTIL), arguments))
            settings_add_arguments(s, path, "until", UNTIL, COUNT(UNTIL), arguments);
        return;
    }
    Given *given = override_for(s, arena_printf(s->arena, "%s.sinkhorn", path));
    Argument argument = {0};
    const char *origin = given ? given_origin(s, given) : expr ? NULL : "default of adam";      /* expr is what was given: arguments_of */
    if (!expr)
        expr = expr_of_text(s, SWEEPS.fallback);
    if (!argument_value(s, &SWEEPS, "adam", expr, &argument))
        return;
    Setting setting = {.path = arena_printf(s->arena, "%s.sinkhorn", path), .type = {.kind = TYPE_INT}, .value = argument.value,
                       .low = SWEEPS.low, .high = SWEEPS.high, .span = argument.value->span,
                       .origin = origin};
    setting_add_settled(s, setting);
}

static void check_split(Sema *s, const Argument *split) {
    const Expr *raw = split->raw;
    if (!raw || raw->kind != EXPR_NAME)
        return;
    if (strcmp(raw->name, "test") == 0) {
        diag(s->diagnostics, W0201, raw->span, "this measures the test split: what it steers is fitted to the test samples");
        return;
    }
    if (strcmp(raw->name, "validation") != 0)
        return;
    bool *reported = NEW_ARRAY(s->arena, bool, s->program->sources.count + 1);
    for (int m = 0; m < s->program->modalities.count; m++) {
        const Modality *modality = &s->program->modalities.items[m];
        const SourceInfo *info = modality->field ? &s->analysis->sources.items[modality->source] : NULL;
        if (!info || !info->row || info->validation || reported[modality->source])
            continue;
        reported[modality->source] = true;
        const DataSource *source = &s->program->sources.items[modality->source];
        Diagnostic *d = diag(s->diagnostics, E0229, raw->span, "`%s` has no validation split", source->name);
        diag_note(s->diagnostics, d, info->span, "declared here");
        diag_help(s->diagnostics, d, "add `holdout = 10 %%` to it");
    }
}

bool measurement_read(Sema *s, const Expr *expr, const char *path, Measurement *out, int *missing) {
    Argument arguments[COUNT(PID)] = {0};
    *missing = 0;
    if (expr_wrong(expr))
        return false;
    const char *names[COUNT(MEASUREMENTS)];
    int found = -1;
    Name name = expr_callee(expr);
    for (int i = 0; i < COUNT(MEASUREMENTS); i++) {
        names[i] = MEASUREMENTS[i].name;
        if (name && strcmp(name, names[i]) == 0)
            found = i;
    }
    if (found < 0) {
        Diagnostic *d = name ? diag(s->diagnostics, E0228, expr_callee_span(expr), "there is no measurement `%s`", name)
                             : diag(s->diagnostics, E0228, expr->span, "a measurement is one of %s", list_text(s, names, COUNT(names), " and "));
        if (name)
            help_names(s, d, name, names, COUNT(names), "it is one of");
        return false;
    }
    const ArgumentRow *rows = MEASUREMENTS[found].rows;
    int count = MEASUREMENTS[found].count;
    bool pid = MEASUREMENTS[found].measure == MEASURE_PID;
    if (pid && modality_count(s) == 1 && !s->incomplete) {
        Diagnostic *d = diag(s->diagnostics, E0230, expr->span, "`pid` needs two modalities or more, and here is one");
        diag_help(s->diagnostics, d, "with one modality there is `mutual_information(…)`");
        return false;
    }
    bool fine = arguments_of(s, expr, names[found], path, rows, count, arguments);
    check_split(s, &arguments[SPLIT]);
    if (fine)
        settings_add_arguments(s, path, names[found], rows, count, arguments);
    samples_add(s, arguments[SAMPLES].raw, arena_printf(s->arena, "%s.samples", path));
    choice_add(s, arguments[BINS].raw, "kmeans(20, pca = 5)", arena_printf(s->arena, "%s.bins", path), "way to bin", BIN_CHOICES,
               COUNT(BIN_CHOICES), NULL);
    *missing = MEASUREMENTS[found].missing;
    if (pid) {
        Argument options[COUNT(ADAM)] = {0};
        const char *solver_path = arena_printf(s->arena, "%s.solver", path);
        const Choice *solver = choice_add(s, arguments[SOLVER].raw, "newton", solver_path, "solver", SOLVER_CHOICES, COUNT(SOLVER_CHOICES),
                                          options);
        if (solver && solver->rows == ADAM)
            sinkhorn_add(s, options[SINKHORN].raw, solver_path);
        if (solver && solver->rows == ADAM && modality_count(s) > 2)
            diag(s->diagnostics, E0230, expr_callee_span(arguments[SOLVER].raw), "the solver `adam` decomposes two modalities, and here are %d",
                 modality_count(s));
    }
    *out = (Measurement){path, MEASUREMENTS[found].measure};
    return fine;
}
