#include <math.h>
#include <string.h>
#include "sema/declarations.h"

#define COUNT(a) ((int)(sizeof (a) / sizeof *(a)))

/* ---- The table of properties ---- */

typedef struct PropertyRow PropertyRow;
struct PropertyRow {
    ArgumentRow row;              /* name, type, words, default, range              */
    int         places;           /* IN_*: where it may stand                       */
    void      (*read)(Block *block, const PropertyRow *property);
    const char *doc;
};

static void plain_read(Block *block, const PropertyRow *property);
static void load_read(Block *block, const PropertyRow *property);
static void optimizer_read(Block *block, const PropertyRow *property);
static void schedule_read(Block *block, const PropertyRow *property);
static void kind_read(Block *block, const PropertyRow *property);
static void probe_read(Block *block, const PropertyRow *property);
static void watch_read(Block *block, const PropertyRow *property);
static void policy_read(Block *block, const PropertyRow *property);
static void method_read(Block *block, const PropertyRow *property);

#define EVERYWHERE (IN_TRAIN | IN_STAGE)
#define RAW(name) {name, TYPE_NONE, ARGUMENT_RAW, NULL, NULL, 0, 0}

static const PropertyRow PROPERTIES[] = {
    {{"kind",      TYPE_WORD,   0, "unimodal|joint", NULL, 0, 0}, IN_STAGE, kind_read,
     "whether each modality descends its own loss, or all a joint one"},
    {{"seed",      TYPE_INT,    0, NULL, "1",   0, HUGE_VAL}, EVERYWHERE, plain_read, "all random draws follow from it"},
    {{"batch",     TYPE_INT,    0, NULL, "64",  1, 1e9},  EVERYWHERE, plain_read, "samples in a step"},
    {RAW("optimizer"), EVERYWHERE, optimizer_read, "sgd, adam or adamw"},
    {RAW("schedule"),  EVERYWHERE, schedule_read,  "how the learning rate changes"},
    {{"epochs",    TYPE_EPOCHS, 0, NULL, "100", 0, HUGE_VAL}, IN_STAGE, plain_read, "at most"},
    {{"continue",  TYPE_BOOL,   0, NULL, "false", 0, 0},  IN_STAGE, plain_read, "keep the last stage's optimiser and schedule"},
    {{"load",      TYPE_PATH,   0, NULL, NULL, 0, 0},     IN_STAGE, load_read,  "weights to start from"},
    {{"save",      TYPE_EPOCHS, ARGUMENT_LIST, NULL, NULL, 1, HUGE_VAL}, IN_STAGE, plain_read, "epochs whose weights are kept"},
    {{"pause",     TYPE_WORD,   0, "still|zero_gradient", "still", 0, 0}, IN_STAGE, plain_read, "what a paused modality's step is"},
    {{"paused_batchnorm", TYPE_WORD, 0, "still|moves", "still", 0, 0}, IN_STAGE, plain_read, "running statistics while paused"},
    {RAW("probe"),  IN_STAGE, probe_read,  "what the policy sees"},
    {RAW("watch"),  IN_STAGE, watch_read,  "measurements logged beside the probe"},
    {RAW("policy"), IN_STAGE, policy_read, "decides what trains next"},
    {RAW("method"), IN_JOINT, method_read, "how a joint step treats the modalities"},
};

/* ---- Reading a block ---- */

static const char *path_of(Block *block, const PropertyRow *property) {
    return arena_printf(block->s->arena, "%s.%s", block->path, property->row.name);
}

static const Expr *raw_of(Block *block, const PropertyRow *property) {
    return property_of(block->s, block->decl->properties, block->path, property->row.name);
}

/* The train block's setting of that name, for a stage that says nothing of its own. */
static const char *inherited_path(Block *block, const PropertyRow *property) {
    return block->place != IN_TRAIN && (property->places & IN_TRAIN) ? arena_printf(block->s->arena, "train.%s", property->row.name) : NULL;
}

static void leave_unset(Block *block, const PropertyRow *property) {
    VECTOR_PUSH(block->s->arena, &block->s->program->unset, path_of(block, property));
}

/* A value by the property's own row. */
static void plain_read(Block *block, const PropertyRow *property) {
    Sema *s = block->s;
    const ArgumentRow *row = &property->row;
    Setting setting = {.path = path_of(block, property), .type = {.kind = row->type}, .words = row->words, .doc = property->doc,
                       .low = row->low, .high = row->high, .flags = row->flags & ARGUMENT_LIST ? SETTING_LIST : 0};
    Given *given = override_for(s, setting.path);
    const Expr *expr = given ? given_expr(s, given, setting.type) : property_find(s, block->decl->properties, row->name);
    const char *inherited = inherited_path(block, property);
    const Setting *from = !expr && inherited ? setting_find(s, inherited) : NULL;
    if (from) {
        setting.value = setting_value(s, from);
        setting.origin = inherited;
        setting.span = from->span;
    } else {
        if (!expr && !row->fallback) {
            leave_unset(block, property);
            return;
        }
        Argument out = {0};
        if (!argument_value(s, row, "the stage", expr ? expr : expr_of_text(s, row->fallback), &out))
            return;
        setting.value = out.value;
        memcpy(&setting.list, &out.list, sizeof out.list);
        setting.origin = expr ? NULL : "default";
        if (expr)
            setting.span = expr->span;
    }
    setting_add(s, setting);
}

/* One file, or one for each modality. */
static void load_read(Block *block, const PropertyRow *property) {
    Sema *s = block->s;
    const char *path = path_of(block, property);
    Given *given = override_for(s, path);
    Type type = {.kind = TYPE_PATH};
    type.each = given && strncmp(given->text, "each(", 5) == 0;
    const Expr *expr = given ? given_expr(s, given, type) : property_find(s, block->decl->properties, property->row.name);
    if (!expr)
        leave_unset(block, property);
    if (expr_wrong(expr))
        return;
    type.each = expr_callee(expr) && expr->kind == EXPR_CALL && strcmp(expr_callee(expr), "each") == 0;
    Value *value = value_of(s, &setting_scope, expr, type.each ? type : (Type){.kind = TYPE_NONE});
    if (value->type.kind == TYPE_STRING || value->type.kind == TYPE_PATH)
        type.each = value->type.each;
    else if (value->type.kind != TYPE_ERROR)
        value = value_of(s, &setting_scope, expr, type);         /* says what it should be */
    setting_add(s, (Setting){.path = path, .type = type, .value = value, .span = expr->span, .doc = property->doc});
}

static void optimizer_read(Block *block, const PropertyRow *property) {
    const Expr *expr = raw_of(block, property);
    const char *inherited = inherited_path(block, property);
    if (!expr && inherited)
        choice_inherit(block->s, inherited, path_of(block, property));
    else
        optimizer_add(block->s, expr, path_of(block, property));
}

static void schedule_read(Block *block, const PropertyRow *property) {
    const Expr *expr = raw_of(block, property);
    const char *inherited = inherited_path(block, property);
    if (!expr && inherited)
        choice_inherit(block->s, inherited, path_of(block, property));
    else
        schedule_add(block->s, expr, path_of(block, property));
}

/* The kind is settled before the table is walked. */
static void kind_read(Block *block, const PropertyRow *property) {
    (void)block;
    (void)property;
}

static void add_measurement(Block *block, const Expr *expr, const char *path, int *missing) {
    Measurement measurement;
    int lacks = 0;
    if (measurement_read(block->s, expr, path, &measurement, &lacks))
        VECTOR_PUSH(block->s->arena, &block->stage.measurements, measurement);
    *missing = lacks;
}

static void probe_read(Block *block, const PropertyRow *property) {
    const Expr *expr = raw_of(block, property);
    if (!expr)
        return;
    block->stage.has_probe = 1;
    add_measurement(block, expr, path_of(block, property), &block->missing);
}

static void watch_read(Block *block, const PropertyRow *property) {
    const Expr *expr = raw_of(block, property);
    int missing, number = 0;
    if (!expr)
        leave_unset(block, property);
    if (expr_wrong(expr))
        return;
    if (expr->kind != EXPR_LIST) {
        add_measurement(block, expr, arena_printf(block->s->arena, "%s%d", path_of(block, property), 1), &missing);
        return;
    }
    for (const Arg *item = expr->arguments; item; item = item->next)
        add_measurement(block, item->value, arena_printf(block->s->arena, "%s%d", path_of(block, property), ++number), &missing);
}

static void policy_read(Block *block, const PropertyRow *property) {
    const Expr *expr = raw_of(block, property);
    if (!expr_wrong(expr))
        block->stage.policy = policy_build(block->s, expr, path_of(block, property), block->stage.has_probe, block->missing);
}

static void method_read(Block *block, const PropertyRow *property) {
    const Expr *expr = raw_of(block, property);
    if (expr && expr_wrong(expr))
        return;
    bool lent = !expr && definitions_lend_uniform(block->s);
    block->stage.method = method_build(block->s, expr, path_of(block, property), &block->stage);
    if (lent)
        definitions_return_uniform(block->s);
}

/* ---- */

bool is_train_property(const char *name) {
    for (int i = 0; i < COUNT(PROPERTIES); i++)
        if ((PROPERTIES[i].places & IN_TRAIN) && strcmp(PROPERTIES[i].row.name, name) == 0)
            return true;
    return false;
}

/* A property of stages of the other kind is known, and has no place here. */
static void check_place(Block *block, const Property *given) {
    for (int i = 0; i < COUNT(PROPERTIES); i++) {
        const PropertyRow *property = &PROPERTIES[i];
        if (strcmp(property->row.name, given->name) != 0 || (property->places & block->place) || !(property->places & IN_STAGE))
            continue;
        if (block->place == IN_TRAIN)
            continue;
        Diagnostic *d = diag(block->s->diagnostics, E0227, given->name_span, "`%s` belongs to joint stages, and `%s` is unimodal", given->name,
                             block->decl->name);
        diag_help(block->s->diagnostics, d, "in a unimodal stage each modality descends its own head's loss");
    }
}

void block_read(Block *block) {
    Sema *s = block->s;
    const char *names[COUNT(PROPERTIES)];
    int count = 0;
    for (int i = 0; i < COUNT(PROPERTIES); i++)
        if (PROPERTIES[i].places & (block->place == IN_TRAIN ? IN_TRAIN : IN_STAGE))
            names[count++] = PROPERTIES[i].row.name;
    properties_check(s, block->decl->properties, block->place == IN_TRAIN ? "`train`" : "a stage", names, count);
    for (const Property *given = block->decl->properties; given; given = given->next)
        if (given->name)
            check_place(block, given);
    for (int i = 0; i < COUNT(PROPERTIES); i++)
        if (PROPERTIES[i].places & block->place)
            PROPERTIES[i].read(block, &PROPERTIES[i]);
}
