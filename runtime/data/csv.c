/* The source csv: several files joined by position, numbers and a class label.
 *
 * Labels are integers, or the names of classes: those are numbered in the order of
 * their bytes over the train files, as scikit-learn's LabelEncoder does.
 */
#include "data/source.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "data/csv_file.h"
#include "data/split.h"

typedef struct {
    i64      count;                  /* files                                       */
    CsvFile *files;
    CsvFile  test;                   /* test = "FILE": rows behind those of files[0] */
    i64      labelled;               /* the file that labels are taken from, or -1  */
    i64      rows, test_rows;        /* of each file, of the test file              */
    CsvClasses classes;              /* by name, where labels are names             */
    i64     *ranks;                  /* [classes.count] a name's place when sorted  */
} Csv;

/* The file that holds a row, and the row in it. */
static const CsvFile *file_of(const Csv *csv, i64 file, i64 *row) {
    if (*row < csv->rows) return &csv->files[file];
    *row -= csv->rows;
    return &csv->test;
}

static const float *features_of(const DataSource *source, const DataField *field, i64 row) {
    const CsvFile *file = file_of(source->reader, field->index, &row);
    return file->features + row * file->width;
}

static void read_features(const DataSource *source, const DataField *field, i64 row, float *out) {
    memcpy(out, features_of(source, field, row), sizeof *out * (size_t)field->size);
}

static i64 read_label(const DataSource *source, const DataField *field, i64 row) {
    const Csv *csv = source->reader;
    const CsvFile *file = file_of(csv, csv->labelled, &row);
    return file->labels[row];
}

static const char *place_of(const DataSource *source, i64 row) {
    const Csv *csv = source->reader;
    const CsvFile *file = file_of(csv, csv->labelled < 0 ? 0 : csv->labelled, &row);
    return mml_arena_format(source->arena, "%s:%lld", file->table.path, (long long)file->table.lines[row]);
}

static void close_csv(DataSource *source) {
    Csv *csv = source->reader;
    for (i64 i = 0; i < csv->count; i++) mml_csv_file_free(&csv->files[i]);
    mml_csv_file_free(&csv->test);
}

/* ---- The label's column ---- */

/* A file while it is parsed; index: its number, -1 for the test file. */
typedef struct { const DataSource *source; const Csv *csv; i64 index; } Parsed;

/* The only column of that name, -1 when there is none. */
static Status named_column(const CsvTable *table, const char *name, i64 *out) {
    *out = -1;
    for (i64 i = 0; table->names && i < table->columns; i++) {
        if (strcmp(table->names[i], name) != 0) continue;
        if (*out >= 0) return mml_fail(MML_EDATA, "'%s' has two columns named '%s'", table->path, name);
        *out = i;
    }
    return MML_OK;
}

/* Which column is the label: the last, the one of that name where the file has it, or
 * the one column of the field of that name. */
static Status label_column(const void *context, const CsvTable *table, i64 *out) {
    const Parsed *parsed = context;
    const MmlSource *program = parsed->source->program;
    const MmlSettings *settings = parsed->source->settings;
    const char *path = mml_arena_format(parsed->source->arena, "%s.label", program->path);
    if (!path) return MML_ENOMEM;
    const MmlSetting *setting = mml_setting_find(settings->experiment, path);
    *out = -1;
    if (!setting) return MML_OK;
    if (setting->type == MML_WORD) {                  /* `last`, the one word there is */
        *out = table->columns - 1;
        return MML_OK;
    }
    if (parsed->index < 0) {
        *out = parsed->csv->files[0].table.label;
        return MML_OK;
    }
    const char *name = mml_string(settings, "%s.label", program->path);
    if (parsed->index >= program->field_count || strcmp(program->fields[parsed->index], name) != 0)
        return named_column(table, name, out);
    if (table->columns != 1)
        return mml_fail(MML_EDATA, "'%s' has %lld columns; as the label (%s = %s, %s) it needs one", table->path,
                        (long long)table->columns, path, name, program->where);
    *out = 0;
    return MML_OK;
}

/* The first file that has a label. */
static Status find_labelled(const DataSource *source, Csv *csv) {
    const MmlSource *program = source->program;
    csv->labelled = -1;
    for (i64 i = csv->count - 1; i >= 0; i--)
        if (csv->files[i].table.label >= 0) csv->labelled = i;
    if (csv->labelled >= 0 || !mml_has(source->settings, "%s.label", program->path)) return MML_OK;
    return mml_fail(MML_EDATA, "no file of %s (%s) has a column named '%s'; give label = last or a name that the header has",
                    program->path, program->where, mml_string(source->settings, "%s.label", program->path));
}

/* ---- Class names ---- */

static int compare_names(const void *a, const void *b) { return strcmp(**(const char *const *const *)a, **(const char *const *const *)b); }

/* Sorts the names that the train files gave, and closes the list. */
static Status sort_classes(DataSource *source, Csv *csv) {
    CsvClasses *classes = &csv->classes;
    const char ***order = MML_NEW(source->arena, const char **, classes->count + 1);
    const char **sorted = MML_NEW(source->arena, const char *, classes->count + 1);
    csv->ranks = MML_NEW(source->arena, i64, classes->count + 1);
    if (!order || !sorted || !csv->ranks) return MML_ENOMEM;
    for (i64 i = 0; i < classes->count; i++) order[i] = &classes->names[i];
    if (classes->count) qsort(order, (size_t)classes->count, sizeof *order, compare_names);
    for (i64 i = 0; i < classes->count; i++) {
        sorted[i] = *order[i];
        csv->ranks[order[i] - classes->names] = i;
    }
    classes->closed = 1;
    if (csv->labelled >= 0) classes->first = csv->files[csv->labelled].table.path;
    source->classes = sorted;
    source->class_count = classes->count;
    return MML_OK;
}

static Status check_named(const Csv *csv, const CsvFile *file) {
    if (csv->labelled < 0 || file->table.label < 0 || file->table.named == csv->files[csv->labelled].table.named) return MML_OK;
    const CsvFile *first = &csv->files[csv->labelled];
    return mml_fail(MML_EDATA, "the labels of '%s' are %s and those of '%s' %s", file->table.path,
                    file->table.named ? "names" : "numbers", first->table.path, first->table.named ? "names" : "numbers");
}

/* ---- Reading ---- */

static Status read_file(DataSource *source, Csv *csv, i64 index, const DataOrigin *origin, CsvFile *file) {
    int header = !mml_has(source->settings, "%s.header", source->program->path)
              || mml_int(source->settings, "%s.header", source->program->path);
    Parsed parsed = { source, csv, index };
    CsvLabel label = { label_column, &parsed, &csv->classes };
    return mml_csv_file_read(source, index, origin, header, &label, file);
}

/* The label column as classes. */
static Status take_labels(const Csv *csv, CsvFile *file) {
    const CsvTable *table = &file->table;
    if (table->label < 0) return MML_OK;
    file->labels = malloc(sizeof *file->labels * (size_t)table->rows);
    if (!file->labels) return mml_fail(MML_ENOMEM, "no memory for the labels of '%s'", table->path);
    for (i64 row = 0; row < table->rows; row++) {
        double label = file->marks[row];
        if (label != floor(label) || fabs(label) > 1e9)
            return mml_fail(MML_EDATA, "%s:%lld: column %lld: label %g is no class; classes are the integers 0, 1, 2 … or names (is this "
                            "the label's column? label = \"NAME\" names another)", table->path, (long long)table->lines[row],
                            (long long)table->label + 1, label);
        file->labels[row] = table->named ? csv->ranks[(i64)label] : (i64)label;
    }
    return MML_OK;
}

static Status check_agreement(const Csv *csv) {
    const CsvFile *first = &csv->files[csv->labelled < 0 ? 0 : csv->labelled];
    for (i64 i = 1; i < csv->count; i++) {
        const CsvFile *file = &csv->files[i];
        if (file->table.rows != csv->files[0].table.rows)
            return mml_fail(MML_EDATA, "'%s' has %lld rows and '%s' %lld; rows are joined by position", file->table.path,
                            (long long)file->table.rows, csv->files[0].table.path, (long long)csv->files[0].table.rows);
        for (i64 row = 0; file != first && file->table.label >= 0 && row < file->table.rows; row++)
            if (file->labels[row] != first->labels[row])
                return mml_fail(MML_EDATA, "%s:%lld: label %lld disagrees with label %lld of %s:%lld", file->table.path,
                                (long long)file->table.lines[row], (long long)file->labels[row],
                                (long long)first->labels[row], first->table.path, (long long)first->table.lines[row]);
    }
    return MML_OK;
}

static Status read_test_file(DataSource *source, Csv *csv) {
    const MmlSource *program = source->program;
    if (csv->count != 1)
        return mml_fail(MML_EDATA, "%s.test names a file, which works with one csv file; this source has %lld (%s): "
                        "use every(n, k) or a share", program->path, (long long)csv->count, program->where);
    DataOrigin origin = mml_data_origin(source->settings, program, "test.file");
    MML_TRY(read_file(source, csv, -1, &origin, &csv->test));
    const CsvFile *train = &csv->files[0];
    if (csv->test.table.columns != train->table.columns)
        return mml_fail(MML_EDATA, "'%s' has %lld columns and '%s' %lld", origin.value, (long long)csv->test.table.columns,
                        train->table.path, (long long)train->table.columns);
    for (i64 i = 0; train->table.names && i < train->table.columns; i++)
        if (strcmp(train->table.names[i], csv->test.table.names[i]) != 0)
            return mml_fail(MML_EDATA, "column %lld is '%s' in '%s' and '%s' in '%s'", (long long)i + 1,
                            train->table.names[i], train->table.path, csv->test.table.names[i], origin.value);
    csv->test_rows = csv->test.table.rows;
    MML_TRY(check_named(csv, &csv->test));
    return take_labels(csv, &csv->test);
}

static Status name_fields(DataSource *source, const Csv *csv) {
    source->fields = MML_NEW(source->arena, DataField, csv->count + 1);
    if (!source->fields) return MML_ENOMEM;
    for (i64 i = 0; i < csv->count; i++) {
        const CsvFile *file = &csv->files[i];
        source->fields[i] = (DataField){ .name = source->program->fields[i], .file = file->table.path,
                                         .shape = { 1, { file->width } }, .size = file->width, .index = i,
                                         .read = read_features, .floats = features_of };
    }
    source->field_count = csv->count;
    if (csv->labelled >= 0)
        source->fields[source->field_count++] = (DataField){ .name = "label", .label = read_label,
                                                             .file = csv->files[csv->labelled].table.path };
    return MML_OK;
}

Status mml_data_csv_open(DataSource *source) {
    const MmlSource *program = source->program;
    Csv *csv = MML_NEW(source->arena, Csv, 1);
    if (!csv) return MML_ENOMEM;
    if (program->file_count < 1 || program->field_count < program->file_count)
        return mml_fail(MML_EBUG, "%s: csv without a field for each of its files", program->where);
    csv->files = MML_NEW(source->arena, CsvFile, program->file_count);
    if (!csv->files) return MML_ENOMEM;
    csv->count = program->file_count;
    source->reader = csv;
    source->place = place_of;
    source->close = close_csv;
    for (i64 i = 0; i < csv->count; i++) {
        DataOrigin origin = mml_data_origin_slot(source->settings, program, program->file_slots[i]);
        MML_TRY(read_file(source, csv, i, &origin, &csv->files[i]));
    }
    MML_TRY(find_labelled(source, csv));
    MML_TRY(sort_classes(source, csv));
    csv->rows = csv->files[0].table.rows;
    for (i64 i = 0; i < csv->count; i++) {
        MML_TRY(check_named(csv, &csv->files[i]));
        MML_TRY(take_labels(csv, &csv->files[i]));
    }
    MML_TRY(check_agreement(csv));
    if (mml_has(source->settings, "%s.test.file", program->path)) MML_TRY(read_test_file(source, csv));
    MML_TRY(mml_data_split(source, csv->rows, csv->test_rows, NULL));
    return name_fields(source, csv);
}
