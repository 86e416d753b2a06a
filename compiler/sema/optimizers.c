#include "sema/declarations.h"

#define COUNT(a) ((int)(sizeof (a) / sizeof *(a)))

static const ArgumentRow SGD[] = {
    {"lr",           TYPE_REAL, ARGUMENT_REQUIRED, NULL, NULL,    0, 1e30},
    {"momentum",     TYPE_REAL, 0,                 NULL, "0",     0, 1},
    {"weight_decay", TYPE_REAL, 0,                 NULL, "0",     0, 1e30},
    {"nesterov",     TYPE_BOOL, 0,                 NULL, "false", 0, 0},
    {"clip",         TYPE_REAL, ARGUMENT_NAMED,    NULL, NULL,    1e-30, 1e30},
};
enum { SGD_MOMENTUM = 1, SGD_NESTEROV = 3 };

#define ADAM_ROWS(decay)                                                    \
    {"lr",           TYPE_REAL, 0,              NULL, "1e-3",  0, 1e30},    \
    {"beta1",        TYPE_REAL, 0,              NULL, "0.9",   0, 1},       \
    {"beta2",        TYPE_REAL, 0,              NULL, "0.999", 0, 1},       \
    {"eps",          TYPE_REAL, 0,              NULL, "1e-8",  0, 1e30},    \
    {"weight_decay", TYPE_REAL, 0,              NULL, decay,   0, 1e30},    \
    {"clip",         TYPE_REAL, ARGUMENT_NAMED, NULL, NULL,    1e-30, 1e30}

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

#define CLOCK {"clock", TYPE_WORD, ARGUMENT_NAMED, "stage|modality", "stage", 0, 0}

static const ArgumentRow STEP[] = {
    {"every", TYPE_EPOCHS, ARGUMENT_REQUIRED, NULL, NULL,  1, 1e15},
    {"gamma", TYPE_REAL,   0,                 NULL, "0.1", 0, 1e30},
    CLOCK,
};
static const ArgumentRow COSINE[] = {
    {"over",  TYPE_EPOCHS, ARGUMENT_REQUIRED, NULL, NULL,  1, 1e15},
    {"floor", TYPE_REAL,   0,                 NULL, "0",   0, 1e30},
    CLOCK,
};
static const ArgumentRow CONSTANT[] = {CLOCK};
static const ArgumentRow WARMUP[] = {
    {"epochs", TYPE_EPOCHS, ARGUMENT_REQUIRED, NULL, NULL, 1, 1e15},
    {"then",   TYPE_NONE,   ARGUMENT_RAW,      NULL, NULL, 0, 0},
    CLOCK,
};
enum { WARMUP_THEN = 1 };

static const Choice SCHEDULES[] = {
    {"step",     STEP,     COUNT(STEP)},
    {"cosine",   COSINE,   COUNT(COSINE)},
    {"constant", CONSTANT, COUNT(CONSTANT)},
    {"warmup",   WARMUP,   COUNT(WARMUP)},
};

void schedule_add(Sema *s, const Expr *expr, const char *path) {
    Argument out[COUNT(WARMUP)] = {0};
    const Choice *choice = choice_add(s, expr, "constant", path, "schedule", SCHEDULES, COUNT(SCHEDULES), out);
    if (choice && choice->rows == WARMUP)        /* what follows the warm-up: any schedule but another warm-up */
        choice_add(s, out[WARMUP_THEN].raw, "constant", arena_printf(s->arena, "%s.then", path), "schedule",
                   SCHEDULES, COUNT(SCHEDULES) - 1, NULL);
}
