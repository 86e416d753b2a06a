#include <math.h>
#include <string.h>
#include "sema/declarations.h"
#include "sema/values.h"

#define COUNT(a) ((int)(sizeof (a) / sizeof *(a)))

enum { MOST_CELLS = 1 << 22 };       /* of a table: 16 MiB of gradient for each atom */

/* ---- Tables ---- */

enum { X, BINS, ASSIGNMENT, TEMPERATURE, EVERY, SAMPLES };
static const ArgumentRow SOFT[] = {
    [X]           = {"x",           TYPE_NONE,   ARGUMENT_RAW | ARGUMENT_REQUIRED,  NULL,              NULL,      0,    0},
    [BINS]        = {"bins",        TYPE_NONE,   ARGUMENT_RAW | ARGUMENT_NAMED,     NULL,              NULL,      0,    0},
    [ASSIGNMENT]  = {"assignment",  TYPE_WORD,   ARGUMENT_FIXED | ARGUMENT_NAMED,   "softmax|student", "softmax", 0,    0},
    [TEMPERATURE] = {"temperature", TYPE_REAL,   ARGUMENT_NAMED,                    NULL,              "1.0",     1e-6, HUGE_VAL},
    [EVERY]       = {"every",       TYPE_EPOCHS, ARGUMENT_FIXED | ARGUMENT_NAMED,   NULL,              "1",       1,    HUGE_VAL},
    [SAMPLES]     = {"samples",     TYPE_INT,    ARGUMENT_FIXED | ARGUMENT_NAMED,   "all",             "2000",    1,    HUGE_VAL},
};

/* A probe's, known when compiling. */
enum { K, PCA, NORMALIZE, RESTARTS };
static const ArgumentRow KMEANS[] = {
    [K]         = {"k",         TYPE_INT,  ARGUMENT_FIXED | ARGUMENT_REQUIRED, NULL,      NULL, 2, 65536},
    [PCA]       = {"pca",       TYPE_INT,  ARGUMENT_FIXED,                     NULL,      "5",  0, 65536},
    [NORMALIZE] = {"normalize", TYPE_WORD, ARGUMENT_FIXED,                     "l2|none", "l2", 0, 0},
    [RESTARTS]  = {"restarts",  TYPE_INT,  ARGUMENT_FIXED,                     NULL,      "4",  1, 1e6},
};

static const struct { const char *name; Function function; } ATOMS[] = {
    {"redundancy", FN_REDUNDANCY}, {"synergy", FN_SYNERGY}, {"unique", FN_UNIQUE},
};

static Value *refuse(Sema *s, Span span, const char *text) {
    diag(s->diagnostics, E0371, span, "%s", text);
    return value_error(s, span);
}

/* ---- Clusters ---- */

/* The scope that says which stage uses the method, or NULL. */
static const Scope *use_of(const Scope *scope) {
    while (scope && !scope->stage)
        scope = scope->parent;
    return scope;
}

static void settle(Clustering *c, const int64_t kmeans[]) {
    c->bins = kmeans[K];
    c->components = kmeans[PCA];
    c->normalize = kmeans[NORMALIZE] == 0;
    c->restarts = kmeans[RESTARTS];
}

static bool own_clusters(Sema *s, const Scope *scope, const Expr *bins, Clustering *c) {
    if (expr_wrong(bins))
        return false;
    Name name = expr_callee(bins);
    if (!name || strcmp(name, "kmeans") != 0) {
        diag(s->diagnostics, E0376, bins->span, "soft assignments need clusters with centres: `bins = kmeans(8, pca = 5)`");
        return false;
    }
    Argument arguments[COUNT(KMEANS)];
    if (!arguments_bind(s, scope, bins, "kmeans", KMEANS, COUNT(KMEANS), arguments))
        return false;
    int64_t values[COUNT(KMEANS)];
    for (int i = 0; i < COUNT(KMEANS); i++)
        values[i] = arguments[i].value->integer;
    settle(c, values);
    return true;
}

/* The stage's probe, when it has clusters; else says how to get some. */
static bool probe_clusters(Sema *s, const Scope *use, Span span, Clustering *c) {
    const Stage *stage = use->stage;
    const Measurement *probe = stage->has_probe && stage->measurements.count ? &stage->measurements.items[0] : NULL;
    const Setting *bins = probe ? setting_find(s, arena_printf(s->arena, "%s.bins", probe->path)) : NULL;
    if (!bins || strcmp(bins->words, "kmeans") != 0) {
        const char *lack = bins ? arena_printf(s->arena, "whose bins are `%s`: they have no centres", bins->words)
                                : arena_printf(s->arena, "and `%s` has none", stage->name);
        Diagnostic *d = diag(s->diagnostics, E0376, use->event_use, "this method's `soft` takes the clusters of the stage's probe, %s", lack);
        diag_note(s->diagnostics, d, span, "`soft` is used here");
        diag_help(s->diagnostics, d, "give it its own: `soft(feature, bins = kmeans(8, pca = 5))`");
        diag_help(s->diagnostics, d, bins ? "or the probe such bins: `bins = kmeans(20, pca = 5)`"
                                          : "or give the stage a probe: `probe = pid(bins = kmeans(20, pca = 5))`");
        return false;
    }
    int64_t values[COUNT(KMEANS)];
    for (int i = 0; i < COUNT(KMEANS); i++) {
        const Setting *setting = setting_find(s, arena_printf(s->arena, "%s.bins.%s", probe->path, KMEANS[i].name));
        Value known;
        if (!setting || !value_fold(s, setting_value(s, setting), "the clusters of a soft assignment", &known))
            return false;
        values[i] = known.integer;
    }
    settle(c, values);
    c->probe = 1;
    return true;
}

static bool same_clusters(const Clustering *a, const Clustering *b) {
    return a->stage == b->stage && a->modality == b->modality && a->probe == b->probe && a->bins == b->bins && a->components == b->components
        && a->normalize == b->normalize && a->restarts == b->restarts && a->every == b->every && a->samples == b->samples;
}

/* The index of these clusters, which are added unless the stage has them already. */
static int add_clusters(Sema *s, Clustering c, const Stage *stage, int64_t width) {
    Program *program = s->program;
    int number = 1;
    for (int i = 0; i < program->clusterings.count; i++) {
        const Clustering *other = &program->clusterings.items[i];
        if (same_clusters(other, &c))
            return i;
        number += other->stage == c.stage && other->modality == c.modality;
    }
    const char *modality = program->modalities.items[c.modality].name;
    c.name = number == 1 ? arena_printf(s->arena, "%s.%s", stage->name, modality) : arena_printf(s->arena, "%s.%s.%d", stage->name, modality, number);
    int64_t rows = c.components ? 1 + c.components : 0, columns = c.components ? c.components : width;
    c.floats = 2 + rows * width + c.bins * columns;
    c.offset = program->cluster_floats;
    program->cluster_floats += (c.floats + 15) / 16 * 16;
    VECTOR_PUSH(s->arena, &program->clusterings, c);
    return program->clusterings.count - 1;
}

/* ---- soft(feature, …) ---- */

/* The modality whose feature this is, untouched but for `stop`; -1: none. */
static int modality_of(const Value *value) {
    while (value->kind == VALUE_CALL && (value->function == FN_STOP || value->function == FN_SOFT))
        value = value->operands[0];
    return value->kind == VALUE_FEATURE ? value->number : -1;
}

/* `feature`, `feature[m]`, or a name for one of them. */
static Value *features(Sema *s, const Scope *scope, const Expr *expr) {
    if (expr->kind != EXPR_NAME || !is_name(expr, "feature") || scope_find(scope, expr->name))
        return value_of(s, scope, expr, SCALAR(TYPE_NONE));
    int modalities = modality_count(s);
    Value **each = NEW_ARRAY(s->arena, Value *, modalities + 1);
    for (int m = 0; m < modalities; m++) {
        int64_t width = m < s->program->modalities.count ? s->program->modalities.items[m].width : 0;
        each[m] = value_new(s, VALUE_FEATURE, (Type){.kind = TYPE_FEATURE, .width = width}, expr->span);
        each[m]->number = m;
    }
    return value_with(s, VALUE_EACH, EACH(TYPE_FEATURE), expr->span, modalities, each);
}

static Value *soft_of(Sema *s, const Expr *call, Value *feature, Value *temperature, int64_t kernel, Clustering clusters, const Stage *stage) {
    int m = modality_of(feature);
    if (feature->type.kind != TYPE_FEATURE || m < 0)
        return refuse(s, feature->span, arena_printf(s->arena, "`soft` assigns a modality's features to their clusters: it needs `feature` or "
                                                     "`feature[m]`, and this is %s", type_article(s->arena, feature->type)));
    int64_t width = feature->type.width;
    Value *value = value_call(s, FN_SOFT, (Type){.kind = TYPE_SOFT}, call->span, 2, (Value *[]){feature, temperature});
    value->number = -1;
    value->integer = kernel;
    if (!stage || width <= 0 || clusters.bins == 0)       /* checked on its own, or reported */
        return value;
    clusters.modality = m;
    if (clusters.components > width)
        clusters.components = width;
    value->number = add_clusters(s, clusters, stage, width);
    value->type.width = clusters.bins;
    return value;
}

static bool check_own(Sema *s, const Argument arguments[]) {
    bool fine = true;
    for (int i = EVERY; i <= SAMPLES; i++) {
        if (!arguments[i].raw)
            continue;
        diag(s->diagnostics, E0376, arguments[i].raw->span, "`%s` goes with `bins`: without them the clusters are those of the stage's probe", SOFT[i].name);
        fine = false;
    }
    return fine;
}

static Value *soft_call(Sema *s, const Scope *scope, const Expr *expr) {
    Argument arguments[COUNT(SOFT)];
    if (!arguments_bind(s, scope, expr, "soft", SOFT, COUNT(SOFT), arguments))
        return value_error(s, expr->span);
    const Expr *bins = arguments[BINS].raw;
    const Scope *use = use_of(scope);
    const Stage *stage = use ? use->stage : NULL;
    Clustering clusters = {.stage = stage ? stage->path : NULL};
    Value *of = features(s, scope, arguments[X].raw), *temperature = arguments[TEMPERATURE].value;
    bool fine = !value_wrong(of) && (bins || check_own(s, arguments));
    if (bins) {
        fine &= own_clusters(s, scope, bins, &clusters);
        clusters.every = arguments[EVERY].value->integer;
        clusters.samples = arguments[SAMPLES].value->type.kind == TYPE_WORD ? -1 : arguments[SAMPLES].value->integer;
    } else if (fine && stage) {
        fine = probe_clusters(s, use, expr->span, &clusters);
    }
    if (!fine)
        return value_error(s, expr->span);
    int64_t kernel = arguments[ASSIGNMENT].value->integer;
    if (!of->type.each)
        return soft_of(s, expr, of, temperature, kernel, clusters, stage);
    int modalities = modality_count(s);
    Value **each = NEW_ARRAY(s->arena, Value *, modalities + 1);
    for (int m = 0; m < modalities; m++) {
        each[m] = soft_of(s, expr, value_share(s, of, m), temperature, kernel, clusters, stage);
        if (value_wrong(each[m]))
            return each[m];
    }
    return value_with(s, VALUE_EACH, EACH(TYPE_SOFT), expr->span, modalities, each);
}

/* ---- synergy(…), redundancy(…), unique(…, m) ---- */

enum { MOST_ARGUMENTS = 18 };
typedef struct { int count; Value *items[MOST_ARGUMENTS]; } Values;

/* Adds an argument's values: an assignment for each modality is so many of them. */
static bool take(Sema *s, const Arg *argument, const Scope *scope, Values *out) {
    if (argument->name) {
        diag(s->diagnostics, E0305, argument->name_span, "the arguments of a loss have no names, so none is `%s`", argument->name);
        return false;
    }
    Value *value = value_of(s, scope, argument->value, SCALAR(TYPE_NONE));
    if (value_wrong(value))
        return false;
    int parts = value->type.each ? modality_count(s) : 1;
    for (int i = 0; i < parts && out->count < MOST_ARGUMENTS; i++)
        out->items[out->count++] = value_share(s, value, i);
    return true;
}

/* The number (0, 1) of the assignment that is of the modality; -1 after a report. */
static int which_of(Sema *s, const Scope *scope, Value *index, Value *const soft[2]) {
    int64_t m;
    if (value_reads_run(index)) {
        if (!scope_unused(scope))
            diag(s->diagnostics, E0370, index->span, "this version has no losses whose modality changes while the program runs");
        return -1;
    }
    if (!scope_unused(scope) && !value_fold_int(s, index, "the modality in a loss", &m))
        return -1;
    for (int i = 0; i < 2 && !scope_unused(scope); i++)
        if (modality_of(soft[i]) == m)
            return i;
    if (!scope_unused(scope))
        diag(s->diagnostics, E0377, index->span, "neither of the two soft assignments is of this modality");
    return -1;
}

/* Says what the arguments should be; false when they are not that. soft: how many of the first are assignments. */
static bool check_form(Sema *s, const Expr *expr, const char *name, bool unique, const Values *given, int soft) {
    if (given->count == 0) {
        diag(s->diagnostics, E0305, expr->span, "`%s` takes soft assignments: `%s(soft(feature)%s)`", name, name, unique ? ", m" : "");
        return false;
    }
    if (soft == 0 || soft < given->count - unique) {
        Value *wrong = given->items[soft];
        refuse(s, wrong->span, arena_printf(s->arena, "`%s` needs soft assignments, such as `soft(feature)`, and this is %s", name,
                                            type_article(s->arena, wrong->type)));
        return false;
    }
    Type index = soft < given->count ? given->items[soft]->type : SCALAR(TYPE_NONE);
    if (!unique || (!index.each && (index.kind == TYPE_MODALITY || index.kind == TYPE_INT)))
        return true;
    diag(s->diagnostics, E0305, expr->span, "`unique` takes soft assignments and one of their modalities: `unique(soft(feature), m)`");
    return false;
}

/* Two assignments, whose table a step can hold. */
static bool check_two(Sema *s, const Scope *scope, const Expr *expr, const char *name, bool unique, const Values *given, int soft) {
    if (soft != 2) {
        if (scope_unused(scope))
            return false;
        Diagnostic *d = diag(s->diagnostics, E0377, expr->span, "`%s` decomposes what two modalities know of the label, and here %s %d", name,
                             soft == 1 ? "is" : "are", soft);
        if (modality_count(s) > 1)
            diag_help(s->diagnostics, d, "name two of them: `%s(soft(feature[%s]), soft(feature[%s])%s)`", name, s->modalities.items[0]->name,
                      s->modalities.items[1]->name, unique ? ", m" : "");
        return false;
    }
    if (modality_of(given->items[0]) == modality_of(given->items[1])) {
        if (!scope_unused(scope))
            diag(s->diagnostics, E0377, expr->span, "`%s` decomposes what two modalities know of the label, and both of these are of one", name);
        return false;
    }
    int64_t first = given->items[0]->type.width, second = given->items[1]->type.width, classes = s->program->target.classes;
    if (first <= 0 || second <= 0 || classes * first <= MOST_CELLS / second)
        return true;
    refuse(s, expr->span, arena_printf(s->arena, "the table of %lld by %lld clusters and %lld classes is too large for a minibatch; take fewer clusters",
                                       (long long)first, (long long)second, (long long)classes));
    return false;
}

static Value *atom_call(Sema *s, const Scope *scope, const Expr *expr, const char *name, Function function) {
    Values given = {0};
    bool unique = function == FN_UNIQUE;
    for (const Arg *argument = expr->arguments; argument; argument = argument->next)
        if (!take(s, argument, scope, &given))
            return value_error(s, expr->span);
    int soft = 0;
    while (soft < given.count && given.items[soft]->type.kind == TYPE_SOFT)
        soft++;
    if (!check_form(s, expr, name, unique, &given, soft) || !check_two(s, scope, expr, name, unique, &given, soft))
        return value_error(s, expr->span);
    int number = unique ? which_of(s, scope, given.items[soft], given.items) : 0;
    if (number < 0)
        return value_error(s, expr->span);
    Value *value = value_call(s, function, SCALAR(TYPE_LOSS), expr->span, 2, given.items);
    value->number = number;
    return value;
}

Value *soft_function(Sema *s, const Scope *scope, const Expr *expr) {
    if (is_name(expr->base, "soft"))
        return soft_call(s, scope, expr);
    for (int i = 0; i < COUNT(ATOMS); i++)
        if (is_name(expr->base, ATOMS[i].name))
            return atom_call(s, scope, expr, ATOMS[i].name, ATOMS[i].function);
    return NULL;
}
