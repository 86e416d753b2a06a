#include <math.h>
#include <string.h>
#include "sema/declarations.h"
#include "sema/values.h"

#define COUNT(a) ((int)(sizeof (a) / sizeof *(a)))

/* ---- One row a source ---- */

struct SourceRow {
    const char        *name;
    const ArgumentRow *rows;
    int                row_count;
    const Field       *fields;              /* NULL: from the arguments */
    int                field_count;
    bool               validation;          /* comes with a validation split */
    bool               test_files;          /* has test rows in files of its own: `test` names no file */
    /* What the rows above can't say: files, label, test … */
    bool (*rest)(Sema *s, const SourceRow *row, const Expr *call, const char *path, const Argument *arguments,
                 DataSource *source, SourceInfo *info);
};

#define ROOT {"root", TYPE_PATH, ARGUMENT_REQUIRED, NULL, NULL, 0, 0}
#define EVERY_SOURCE                                                          \
    {"holdout", TYPE_SHARE, ARGUMENT_NAMED, NULL, NULL, 0.001, 0.999},        \
    {"skip",    TYPE_SHARE, ARGUMENT_NAMED, NULL, "1 %", 0, 1}
#define LIMITS                                                                \
    {"limit",      TYPE_INT, ARGUMENT_NAMED, NULL, NULL, 1, HUGE_VAL},            \
    {"test_limit", TYPE_INT, ARGUMENT_NAMED, NULL, NULL, 1, HUGE_VAL}

#define TEST {"test", TYPE_NONE, ARGUMENT_RAW | ARGUMENT_NAMED, NULL, NULL, 0, 0}
#define SHAPE(r, ...) {.rank = (r), .size = {__VA_ARGS__}}
#define LABEL_FIELD(n) {n, CONTENT_LABEL, {0}}

static const ArgumentRow IDX[] = {ROOT, LIMITS, TEST, EVERY_SOURCE};
static const Field IDX_FIELDS[] = {{"image", CONTENT_IMAGE, SHAPE(3, 1, -1, -1)}, LABEL_FIELD("label")};

static const ArgumentRow COLORED_MNIST[] = {ROOT, {"file", TYPE_PATH, ARGUMENT_REQUIRED, NULL, NULL, 0, 0}, LIMITS, TEST, EVERY_SOURCE};
static const Field COLORED_MNIST_FIELDS[] = {
    {"gray", CONTENT_IMAGE, SHAPE(3, 1, 28, 28)}, {"color", CONTENT_IMAGE, SHAPE(3, 3, 28, 28)}, LABEL_FIELD("label"),
};

static const ArgumentRow CREMA_D[] = {
    ROOT, {"train", TYPE_PATH, ARGUMENT_NAMED, NULL, NULL, 0, 0}, {"test", TYPE_PATH, ARGUMENT_NAMED, NULL, NULL, 0, 0}, LIMITS,
    EVERY_SOURCE,
};
static const Field CREMA_D_FIELDS[] = {
    {"wav", CONTENT_SOUND_FILE, {0}}, {"video", CONTENT_VIDEO_FILE, {0}}, {"frames", CONTENT_FRAMES, {0}}, LABEL_FIELD("emotion"),
};

static const ArgumentRow AVE[] = {ROOT, EVERY_SOURCE};
static const Field AVE_FIELDS[] = {
    {"wav", CONTENT_SOUND_FILE, {0}}, {"video", CONTENT_VIDEO_FILE, {0}}, {"frames", CONTENT_FRAMES, {0}}, LABEL_FIELD("event"),
};

static const ArgumentRow UCF101[] = {ROOT, {"split", TYPE_INT, 0, NULL, "1", 1, 3}, EVERY_SOURCE};
static const Field UCF101_FIELDS[] = {
    {"video", CONTENT_VIDEO_FILE, {0}}, {"rgb", CONTENT_FRAMES, {0}}, {"flow", CONTENT_FLOW_FRAMES, {0}}, LABEL_FIELD("action"),
};

static const ArgumentRow AV_DIGITS[] = {ROOT, EVERY_SOURCE};
static const Field AV_DIGITS_FIELDS[] = {
    {"wav", CONTENT_SOUND_FILE, {0}}, {"image", CONTENT_IMAGE, SHAPE(3, 1, 28, 28)}, LABEL_FIELD("label"),
};

static const ArgumentRow CSV[] = {
    {"label",  TYPE_NONE, ARGUMENT_RAW | ARGUMENT_NAMED, NULL, NULL, 0, 0},
    {"header", TYPE_BOOL, ARGUMENT_NAMED, NULL, "true", 0, 0},
    LIMITS, TEST, EVERY_SOURCE,
};
enum { CSV_LABEL };

static const ArgumentRow NPZ[] = {
    {"file", TYPE_PATH, ARGUMENT_REQUIRED, NULL, NULL, 0, 0},
    LIMITS, TEST, EVERY_SOURCE,
};

static const ArgumentRow FOLDER[] = {ROOT, LIMITS, TEST, EVERY_SOURCE};
static const Field FOLDER_FIELDS[] = {
    {"image", CONTENT_IMAGE, SHAPE(3, 3, -1, -1)}, {"frames", CONTENT_FRAMES, {0}},
    {"wav", CONTENT_SOUND_FILE, {0}}, {"video", CONTENT_VIDEO_FILE, {0}}, LABEL_FIELD("label"),
};

static const ArgumentRow SPARSE_CODING[] = {
    {"classes",      TYPE_INT,   ARGUMENT_REQUIRED | ARGUMENT_FIXED, NULL, NULL, 2, 1e6},
    {"dimension",    TYPE_INT,   ARGUMENT_FIXED, NULL, "64",   1, 1e6},
    {"sufficient",   TYPE_SHARE, 0,              NULL, "50 %", 0, 1},
    {"noise",        TYPE_REAL,  0,              NULL, "0.1",  0, 1e6},
    {"samples",      TYPE_INT,   0,              NULL, "4000", 1, 1e9},
    {"test_samples", TYPE_INT,   0,              NULL, "1000", 1, 1e9},
    EVERY_SOURCE,
};
enum { SPARSE_DIMENSION = 1 };

/* ---- csv: files, label, test ---- */

/* The field's name: the last part of the path without its endings, as far as it is literal. NULL after a report. */
static const char *field_stem(Sema *s, const Expr *file) {
    const StringPart *last = file->kind == EXPR_STRING ? file->parts : NULL;
    while (last && last->next)
        last = last->next;
    const char *slash = NULL;
    for (size_t i = 0; last && !last->expr && i < last->length; i++)
        if (last->text[i] == '/')
            slash = last->text + i;
    if (!last || last->expr || (!slash && last != file->parts)) {
        Diagnostic *d = diag(s->diagnostics, E0215, file->span, "a field is named by its file, so the file's name must stand here as text");
        diag_help(s->diagnostics, d, "interpolate the folder only, as in \"{root}/left.csv\"");
        return NULL;
    }
    const char *begin = slash ? slash + 1 : last->text, *end = last->text + last->length;
    if (end - begin > 3 && memcmp(end - 3, ".gz", 3) == 0)
        end -= 3;
    for (const char *dot = end; dot > begin; dot--) {
        if (dot[-1] == '.' && dot - 1 > begin) {
            end = dot - 1;
            break;
        }
    }
    if (begin == end) {
        diag(s->diagnostics, E0215, file->span, "this names a folder, not a file");
        return NULL;
    }
    /* A name doesn't begin with a digit. */
    char *stem = arena_printf(s->arena, "%s%.*s", *begin >= '0' && *begin <= '9' ? "_" : "", (int)(end - begin), begin);
    for (char *c = stem; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || *c == '_'))
            *c = '_';
    return stem;
}

static void add_test_every(Sema *s, const Expr *test, const char *path) {
    static const ArgumentRow rows[] = {
        {"every", TYPE_INT, ARGUMENT_REQUIRED, NULL, NULL, 2, HUGE_VAL},
        {"of",    TYPE_INT, ARGUMENT_REQUIRED, NULL, NULL, 0, HUGE_VAL},
    };
    Argument out[COUNT(rows)] = {0};
    if (!arguments_of(s, test, "every", path, rows, COUNT(rows), out))
        return;
    const Value *every = out[0].value, *of = out[1].value;
    if (every->kind == VALUE_INTEGER && of->kind == VALUE_INTEGER && of->integer >= every->integer) {
        diag(s->diagnostics, E0231, of->span, "no index leaves the remainder %lld when divided by %lld",
             (long long)of->integer, (long long)every->integer);
        return;
    }
    setting_add_choice(s, path, "every", test->span, NULL);
    settings_add_arguments(s, path, "every", rows, COUNT(rows), out);
}

/* every(n, k), a share, or a file (for a folder: a folder). files: how many the source reads. */
static void test_read(Sema *s, const SourceRow *source, const Expr *test, const char *prefix, int files) {
    static const ArgumentRow share = {"share", TYPE_SHARE, 0, NULL, NULL, 0.001, 0.999};
    static const ArgumentRow file  = {"file",  TYPE_PATH,  0, NULL, NULL, 0, 0};
    const char *path = arena_printf(s->arena, "%s.test", prefix);
    if (expr_wrong(test))
        return;
    if (expr_callee(test) && strcmp(expr_callee(test), "every") == 0 && test->kind == EXPR_CALL) {
        add_test_every(s, test, path);
        return;
    }
    Value *value = value_of(s, &setting_scope, test, (Type){.kind = TYPE_NONE});
    if (value->type.kind == TYPE_ERROR)
        return;
    bool is_share = value->type.kind == TYPE_SHARE;
    if (value->type.each || (!is_share && value->type.kind != TYPE_STRING && value->type.kind != TYPE_PATH)) {
        diag(s->diagnostics, E0228, test->span, "`test` is `every(n, k)`, a share as in `20 %%`, or a file, not %s",
             type_article(s->arena, value->type));
        return;
    }
    if (!is_share && source->test_files) {
        Diagnostic *d = diag(s->diagnostics, E0234, test->span, "the test rows of %s lie beside its train rows, in files of their own", source->name);
        diag_help(s->diagnostics, d, "leave `test` out, or take `every(n, k)` or a share of the train rows in their place");
        return;
    }
    if (!is_share && files > 1) {
        Diagnostic *d = diag(s->diagnostics, E0234, test->span, "a file of test rows goes with one csv file, and here are %d", files);
        diag_help(s->diagnostics, d, "take `every(n, k)` or a share");
        return;
    }
    const ArgumentRow *row = is_share ? &share : &file;
    Argument out = {0};
    if (!argument_value(s, row, source->name, test, &out))
        return;
    setting_add_choice(s, path, row->name, test->span, NULL);
    settings_add_arguments(s, path, row->name, row, 1, &out);
}

/* `last`, or a column's name. */
static bool label_read(Sema *s, const Expr *label, const char *path) {
    if (expr_wrong(label))
        return label != NULL;
    if (label->kind == EXPR_NAME && strcmp(label->name, "last") == 0) {
        setting_add(s, (Setting){.path = path, .type = {.kind = TYPE_WORD}, .words = "last", .span = label->span,
                                 .value = value_integer(s, TYPE_WORD, 0, label->span)});
        return true;
    }
    if (label->kind != EXPR_STRING) {
        diag(s->diagnostics, E0228, label->span, "`label` is `last`, or a column's name in quotes");
        return true;
    }
    Value *value = value_of(s, &setting_scope, label, (Type){.kind = TYPE_STRING});
    if (value->type.kind != TYPE_ERROR)
        setting_add(s, (Setting){.path = path, .type = {.kind = TYPE_STRING}, .value = value, .span = label->span});
    return true;
}

static void add_file(Sema *s, const Expr *file, const char *path, DataSource *source, SourceInfo *info) {
    const char *stem = field_stem(s, file);
    for (int i = 0; stem && i < info->fields.count; i++) {
        if (strcmp(info->fields.items[i].name, stem) == 0) {
            diag(s->diagnostics, E0215, file->span, "two files give a field of the same name, `%s`", stem);
            stem = NULL;
        }
    }
    const char *slot_path = arena_printf(s->arena, "%s.file%d", path, source->file_slots.count + 1);
    Value *value = value_of(s, &setting_scope, file, (Type){.kind = TYPE_PATH});
    Value *setting = setting_add(s, (Setting){.path = slot_path, .type = {.kind = TYPE_PATH}, .value = value, .span = file->span});
    VECTOR_PUSH(s->arena, &source->file_slots, setting->number);
    if (!stem) {
        info->any_field = true;                  /* its name is not known: say nothing where it is read */
        return;
    }
    VECTOR_PUSH(s->arena, &source->fields, stem);
    VECTOR_PUSH(s->arena, &info->fields, ((Field){stem, CONTENT_VECTOR, SHAPE(1, -1)}));
}

static bool csv_rest(Sema *s, const SourceRow *row, const Expr *call, const char *path, const Argument *arguments,
                     DataSource *source, SourceInfo *info) {
    for (const Arg *argument = call->kind == EXPR_CALL ? call->arguments : NULL; argument; argument = argument->next) {
        if (argument->name)
            continue;
        if (expr_wrong(argument->value))
            info->any_field = true;
        else
            add_file(s, argument->value, path, source, info);
    }
    if (source->file_slots.count == 0 && !info->any_field) {
        Diagnostic *d = diag(s->diagnostics, E0215, call->span, "csv reads at least one file");
        diag_help(s->diagnostics, d, "csv(\"data/left.csv\", \"data/right.csv\", label = last, test = 20 %%)");
        info->any_field = true;
    }
    if (label_read(s, arguments[CSV_LABEL].raw, arena_printf(s->arena, "%s.label", path))) {
        VECTOR_PUSH(s->arena, &source->fields, "label");
        VECTOR_PUSH(s->arena, &info->fields, ((Field)LABEL_FIELD("label")));
    }
    return true;
}

static bool npz_rest(Sema *s, const SourceRow *row, const Expr *call, const char *path, const Argument *arguments,
                     DataSource *source, SourceInfo *info) {
    info->any_field = true;
    return true;
}

static bool sparse_coding_rest(Sema *s, const SourceRow *row, const Expr *call, const char *path, const Argument *arguments,
                               DataSource *source, SourceInfo *info) {
    static const char *const names[] = {"x1", "x2"};
    int64_t dimension;
    if (!value_fold_int(s, arguments[SPARSE_DIMENSION].value, "the dimension", &dimension))
        return false;
    for (int i = 0; i < COUNT(names); i++)
        VECTOR_PUSH(s->arena, &info->fields, ((Field){names[i], CONTENT_VECTOR, SHAPE(1, dimension)}));
    VECTOR_PUSH(s->arena, &info->fields, ((Field)LABEL_FIELD("label")));
    for (int i = 0; i < info->fields.count; i++)
        VECTOR_PUSH(s->arena, &source->fields, info->fields.items[i].name);
    return true;
}

#define SOURCE(name, ROWS, FIELDS, validation, test_files) {name, ROWS, COUNT(ROWS), FIELDS, COUNT(FIELDS), validation, test_files, NULL}

static const SourceRow SOURCES[] = {
    SOURCE("idx",           IDX,           IDX_FIELDS,           false, true),
    SOURCE("colored_mnist", COLORED_MNIST, COLORED_MNIST_FIELDS, false, true),
    SOURCE("crema_d",       CREMA_D,       CREMA_D_FIELDS,       false, true),
    SOURCE("ave",           AVE,           AVE_FIELDS,           true,  true),
    SOURCE("ucf101",        UCF101,        UCF101_FIELDS,        false, true),
    SOURCE("av_digits",     AV_DIGITS,     AV_DIGITS_FIELDS,     true,  true),
    SOURCE("folder",        FOLDER,        FOLDER_FIELDS,        false, false),
    {"csv",           CSV,           COUNT(CSV),           NULL, 0, false, false, csv_rest},
    {"npz",           NPZ,           COUNT(NPZ),           NULL, 0, false, false, npz_rest},
    {"sparse_coding", SPARSE_CODING, COUNT(SPARSE_CODING), NULL, 0, false, true,  sparse_coding_rest},
};
enum { MOST_ARGUMENTS = 16 };

/* ---- Declarations ---- */

static const SourceRow *find_row(Sema *s, const Expr *call) {
    Name name = expr_callee(call);
    const char *names[COUNT(SOURCES)];
    for (int i = 0; i < COUNT(SOURCES); i++) {
        names[i] = SOURCES[i].name;
        if (name && strcmp(name, names[i]) == 0)
            return &SOURCES[i];
    }
    Diagnostic *d = name ? diag(s->diagnostics, E0214, expr_callee_span(call), "there is no source `%s`", name)
                         : diag(s->diagnostics, E0214, call->span, "data comes from a source, as in `idx(\"data/mnist\")`");
    help_names(s, d, name, names, COUNT(SOURCES), "the sources are");
    return NULL;
}

/* csv's positional arguments are its files: the rest, as a call of its own. */
static const Expr *without_files(Sema *s, const Expr *call) {
    if (call->kind != EXPR_CALL)
        return call;
    Expr *named = expr_new(s, EXPR_CALL, call->span);
    *named = *call;
    named->arguments = NULL;
    Arg **end = &named->arguments;
    for (const Arg *argument = call->arguments; argument; argument = argument->next) {
        if (!argument->name)
            continue;
        *end = NEW(s->arena, Arg);
        **end = *argument;
        (*end)->next = NULL;
        end = &(*end)->next;
    }
    return named;
}

/* False: what the source offers isn't known, so nothing is said about what is read from it. */
static bool source_read_call(Sema *s, const Expr *call, const char *path, DataSource *source, SourceInfo *info) {
    const SourceRow *row = expr_wrong(call) ? NULL : find_row(s, call);
    if (!row)
        return false;
    Argument arguments[MOST_ARGUMENTS] = {0};
    const Expr *named = row->rest == csv_rest ? without_files(s, call) : call;
    info->row = row;
    info->validation = row->validation;
    source->kind = row->name;
    for (int i = 0; i < row->field_count; i++) {
        VECTOR_PUSH(s->arena, &source->fields, row->fields[i].name);
        VECTOR_PUSH(s->arena, &info->fields, row->fields[i]);
    }
    bool bound = arguments_of(s, named, row->name, path, row->rows, row->row_count, arguments);
    for (int i = 0; i < row->row_count; i++)
        if (strcmp(row->rows[i].name, "holdout") == 0 && (arguments[i].raw || arguments[i].value || !bound))
            info->validation = true;
    if (!bound)
        return row->fields != NULL;
    setting_add_choice(s, path, row->name, call->span, NULL);
    settings_add_arguments(s, path, row->name, row->rows, row->row_count, arguments);
    if (row->rest && !row->rest(s, row, call, path, arguments, source, info))
        return false;
    for (int i = 0; i < row->row_count; i++)
        if (strcmp(row->rows[i].name, "test") == 0 && row->rows[i].flags & ARGUMENT_RAW)
            test_read(s, row, arguments[i].raw, path, source->file_slots.count);
    return true;
}

void data_read(Sema *s) {
    for (int i = 0; i < s->data.count; i++) {
        const Decl *decl = s->data.items[i];
        DataSource source = {.name = decl->name, .path = arena_printf(s->arena, "data.%s", decl->name),
                             .where = place_line(s, decl->span)};
        SourceInfo info = {.span = decl->name_span};
        const Expr *call = override_expr(s, source.path, decl->value);
        if (!source_read_call(s, call, source.path, &source, &info)) {
            info.any_field = true;
            info.row = NULL;
        }
        VECTOR_PUSH(s->arena, &s->program->sources, source);
        VECTOR_PUSH(s->arena, &s->analysis->sources, info);
    }
}

/* ---- Fields ---- */

static int find_data(Sema *s, Name name) {
    for (int i = 0; i < s->program->sources.count; i++)
        if (s->program->sources.items[i].name == name)
            return i;
    return -1;
}

static void report_data(Sema *s, const Expr *base) {
    int count = s->program->sources.count;
    const char **names = NEW_ARRAY(s->arena, const char *, count + 1);
    for (int i = 0; i < count; i++)
        names[i] = s->program->sources.items[i].name;
    Diagnostic *d = diag(s->diagnostics, E0216, base->span, "there is no data `%s`", base->name);
    help_names(s, d, base->name, names, count, "declared are");
}

bool data_field(Sema *s, const Expr *expr, int *source, Field *field) {
    if (expr_wrong(expr) || (expr->kind == EXPR_FIELD && expr_wrong(expr->base)))
        return false;
    if (expr->kind != EXPR_FIELD || expr->base->kind != EXPR_NAME) {
        diag(s->diagnostics, E0218, expr->span, "a field of the data must stand here, as in `digits.image`");
        return false;
    }
    *source = find_data(s, expr->base->name);
    if (*source < 0) {
        if (!s->analysis->broken_syntax)         /* else its declaration may be what could not be read */
            report_data(s, expr->base);
        return false;
    }
    SourceInfo *info = &s->analysis->sources.items[*source];
    info->used = true;
    for (int i = 0; i < info->fields.count; i++) {
        if (expr->name && strcmp(info->fields.items[i].name, expr->name) == 0) {
            *field = info->fields.items[i];
            return true;
        }
    }
    if (info->any_field && expr->name) {
        bool array = info->row && info->row->rest == npz_rest;
        *field = (Field){expr->name, array ? CONTENT_ARRAY : CONTENT_ERROR, {0}};
        if (array) {
            VECTOR_PUSH(s->arena, &s->program->sources.items[*source].fields, (const char *)expr->name);
            VECTOR_PUSH(s->arena, &info->fields, *field);
        }
        return true;
    }
    if (!expr->name)
        return false;
    const char **names = NEW_ARRAY(s->arena, const char *, info->fields.count + 1);
    for (int i = 0; i < info->fields.count; i++)
        names[i] = info->fields.items[i].name;
    Diagnostic *d = diag(s->diagnostics, E0217, expr->name_span.source ? expr->name_span : expr->span, "`%s` has no field `%s`",
                         expr->base->name, expr->name);
    if (info->row && info->row->rest == csv_rest && strcmp(expr->name, "label") == 0)
        diag_help(s->diagnostics, d, "say which column is the label: `label = last`");
    help_names(s, d, expr->name, names, info->fields.count, "its fields are");
    return false;
}
