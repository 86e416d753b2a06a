#include <math.h>
#include "sema/declarations.h"

#define COUNT(a) ((int)(sizeof (a) / sizeof *(a)))

static const ArgumentRow SGD[] = {
    {"lr",           TYPE_REAL, ARGUMENT_REQUIRED, NULL, NULL,    0, HUGE_VAL},
    {"momentum",     TYPE_REAL, 0,                 NULL, "0",     0, 1},
    {"weight_decay", TYPE_REAL, 0,                 NULL, "0",     0, HUGE_VAL},
    {"nesterov",     TYPE_BOOL, 0,                 NULL, "false", 0, 0},
    {"clip",         TYPE_REAL, ARGUMENT_NAMED,    NULL, NULL,    1e-30, HUGE_VAL},
};
enum { SGD_MOMENTUM = 1, SGD_NESTEROV = 3 };

#define ADAM_ROWS(decay)                                                    \
    {"lr",           TYPE_REAL, 0,              NULL, "1e-3",  0, HUGE_VAL},    \
    {"beta1",        TYPE_REAL, 0,              NULL, "0.9",   0, 1},       \
    {"beta2",        TYPE_REAL, 0,              NULL, "0.999", 0, 1},       \
    {"eps",          TYPE_REAL, 0,              NULL, "1e-8",  0, HUGE_VAL},    \
    {"weight_decay", TYPE_REAL, 0,              NULL, decay,   0, HUGE_VAL},    \
    {"clip",         TYPE_REAL, ARGUMENT_NAMED, NULL, NULL,    1e-30, HUGE_VAL}

static const ArgumentRow ADAM[]  = {ADAM_ROWS("0")};
static const ArgumentRow ADAMW[] = {ADAM_ROWS("0.01")};

static const Choice OPTIMIZERS[] = {
    {"sgd",   SGD,   COUNT(SGD)},
    {"adam",  ADAM,  COUNT(ADAM)},
    {"adamw", ADAMW, COUNT(ADAMW)},
};

void optimizer_add(Sema *s, const Expr *expr, const char *path) {
    Argument out[COUNT(SGD) + COUNT(ADAM)] = {0};
    const Choice *choice = choice_add(s, expr, "sgd(lr = 1e-3, momentum = 0.9, weight_decay = 1e-4)", path, "optimizer",
                                      OPTIMIZERS, COUNT(OPTIMIZERS), out);
    if (!choice || choice->rows != SGD)
        return;
    const Value *nesterov = out[SGD_NESTEROV].value, *momentum = out[SGD_MOMENTUM].value;
    bool still = momentum && ((momentum->kind == VALUE_REAL && momentum->real == 0)
                              || (momentum->kind == VALUE_INTEGER && momentum->integer == 0));
    if (still && nesterov && nesterov->kind == VALUE_INTEGER && nesterov->integer) {
        Diagnostic *d = diag(s->diagnostics, E0234, nesterov->span, "`nesterov = true` needs a momentum above 0");
        diag_help(s->diagnostics, d, "add `momentum = 0.9`");
    }
}

/* ---- Schedules ---- */

/* A length in epochs or steps. */
#define LENGTH(name) {name, TYPE_NONE, ARGUMENT_REQUIRED | ARGUMENT_RAW, NULL, NULL, 0, 0}
#define CLOCK {"clock", TYPE_WORD, ARGUMENT_NAMED, "stage|modality", "stage", 0, 0}

static const ArgumentRow STEP[] = {
    LENGTH("every"),
    {"gamma", TYPE_REAL, 0, NULL, "0.1", 0, HUGE_VAL},
    CLOCK,
};
static const ArgumentRow COSINE[] = {
    LENGTH("over"),
    {"floor", TYPE_REAL, 0, NULL, "0", 0, HUGE_VAL},
    CLOCK,
};
static const ArgumentRow CONSTANT[] = {CLOCK};
static const ArgumentRow WARMUP[] = {
    LENGTH("epochs"),
    {"then", TYPE_NONE, ARGUMENT_RAW, NULL, NULL, 0, 0},
    CLOCK,
};
enum { WARMUP_THEN = 1 };

static const Choice SCHEDULES[] = {
    {"step",     STEP,     COUNT(STEP)},
    {"cosine",   COSINE,   COUNT(COSINE)},
    {"constant", CONSTANT, COUNT(CONSTANT)},
    {"warmup",   WARMUP,   COUNT(WARMUP)},
};

static void length_add(Sema *s, const Expr *expr, const char *name, const char *path) {
    Given *given = override_for(s, path);
    TypeKind type = TYPE_EPOCHS;
    if (given)
        expr = given_expr(s, given, (Type){.kind = TYPE_NONE});
    if (expr_wrong(expr))
        return;
    Value *value = value_of(s, &setting_scope, expr, (Type){.kind = TYPE_NONE});
    if (value->type.kind == TYPE_STEPS)
        type = TYPE_STEPS;
    ArgumentRow row = {name, type, 0, NULL, NULL, 1, HUGE_VAL};
    Argument out = {0};
    if (value->type.kind != TYPE_ERROR && argument_value(s, &row, "the schedule", expr, &out))
        setting_add(s, (Setting){.path = path, .type = {.kind = type}, .value = out.value, .span = expr->span, .low = 1, .high = HUGE_VAL});
}

/* Adds what choice_add leaves: the length, and what follows a warm-up. */
static void schedule_part(Sema *s, const Expr *expr, const char *path, int choices) {
    Argument out[COUNT(STEP) + COUNT(WARMUP)] = {0};
    const Choice *choice = choice_add(s, expr, "constant", path, "schedule", SCHEDULES, choices, out);
    if (choice && choice->rows != CONSTANT)
        length_add(s, out[0].raw, choice->rows[0].name, arena_printf(s->arena, "%s.%s", path, choice->rows[0].name));
    if (choice && choice->rows == WARMUP)        /* any schedule but another warm-up */
        schedule_part(s, out[WARMUP_THEN].raw, arena_printf(s->arena, "%s.then", path), COUNT(SCHEDULES) - 1);
}

void schedule_add(Sema *s, const Expr *expr, const char *path) {
    schedule_part(s, expr, path, COUNT(SCHEDULES));
}
