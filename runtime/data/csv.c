/* The source csv: several files joined by position, numbers and a class label. */
#include "data/source.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "data/csv_text.h"
#include "data/split.h"

typedef struct {
    CsvTable table;
    i64      label;                  /* column of the label, or -1                  */
    i64      width;                  /* columns that are features                   */
    float   *features;               /* [rows, width]                               */
    i64     *labels;                 /* [rows], or NULL                             */
} CsvFile;

typedef struct {
    i64      count;                  /* files                                       */
    CsvFile *files;
    CsvFile  test;                   /* test = "FILE": rows behind those of files[0] */
    i64      labelled;               /* the file that labels are taken from, or -1  */
    i64      rows, test_rows;        /* of each file, of the test file              */
} Csv;

/* The file that holds a row, and the row in it. */
static const CsvFile *file_of(const Csv *csv, i64 file, i64 *row) {
    if (*row < csv->rows) return &csv->files[file];
    *row -= csv->rows;
    return &csv->test;
}

static void read_features(const DataSource *source, const DataField *field, i64 row, float *out) {
    const CsvFile *file = file_of(source->reader, field->index, &row);
    memcpy(out, file->features + row * file->width, sizeof *out * (size_t)file->width);
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

static void free_file(CsvFile *file) {
    free(file->table.cells);
    free(file->table.lines);
    free(file->features);
    free(file->labels);
}

static void close_csv(DataSource *source) {
    Csv *csv = source->reader;
    for (i64 i = 0; i < csv->count; i++) free_file(&csv->files[i]);
    free_file(&csv->test);
}

/* ---- Reading ---- */

static Status read_file(DataSource *source, const DataOrigin *origin, CsvFile *file) {
    char *text = NULL;
    i64 length = 0;
    int header = !mml_has(source->settings, "%s.header", source->program->path)
              || mml_int(source->settings, "%s.header", source->program->path);
    MML_TRY(mml_data_file_text(origin, origin->value, &source->checksum, &text, &length));
    Status status = mml_csv_parse(origin->value, text, length, header, source->arena, &file->table);
    free(text);
    return status;
}

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

/* Which column of each file is the label: its last, the column of that name in
 * the files that have it, or the one column of the field of that name. */
static Status find_labels(const DataSource *source, Csv *csv) {
    const MmlSource *program = source->program;
    const MmlSettings *settings = source->settings;
    csv->labelled = -1;
    for (i64 i = 0; i < csv->count; i++) csv->files[i].label = -1;
    const MmlSetting *setting = mml_setting_find(settings->experiment,
                                                 mml_arena_format(source->arena, "%s.label", program->path));
    if (!setting) return MML_OK;
    int last = setting->type == MML_WORD;             /* the one word there is */
    const char *name = last ? mml_word(settings, "%s.label", program->path)
                            : mml_string(settings, "%s.label", program->path);
    for (i64 i = 0; i < csv->count; i++) {
        CsvFile *file = &csv->files[i];
        if (last) {
            file->label = file->table.columns - 1;
        } else if (i < program->field_count && strcmp(program->fields[i], name) == 0) {
            if (file->table.columns != 1)
                return mml_fail(MML_EDATA, "'%s' has %lld columns; as the label (%s.label = %s, %s) it needs one",
                                file->table.path, (long long)file->table.columns, program->path, name, program->where);
            file->label = 0;
        } else {
            MML_TRY(named_column(&file->table, name, &file->label));
        }
        if (file->label >= 0 && csv->labelled < 0) csv->labelled = i;
    }
    if (csv->labelled < 0)
        return mml_fail(MML_EDATA, "no file of %s (%s) has a column named '%s'; give label = last or a name that the header has",
                        program->path, program->where, name);
    return MML_OK;
}

/* The label column as classes. */
static Status take_labels(CsvFile *file) {
    const CsvTable *table = &file->table;
    if (file->label < 0) return MML_OK;
    file->labels = malloc(sizeof *file->labels * (size_t)table->rows);
    if (!file->labels) return mml_fail(MML_ENOMEM, "no memory for the labels of '%s'", table->path);
    for (i64 row = 0; row < table->rows; row++) {
        double label = table->cells[row * table->columns + file->label];
        if (label != floor(label) || fabs(label) > 1e9)
            return mml_fail(MML_EDATA, "%s:%lld: column %lld: label %g is no class; classes are the integers 0, 1, 2 …",
                            table->path, (long long)table->lines[row], (long long)file->label + 1, label);
        file->labels[row] = (i64)label;
    }
    return MML_OK;
}

/* All other columns. The cells are not needed afterwards. */
static Status take_features(CsvFile *file) {
    CsvTable *table = &file->table;
    file->width = table->columns - (file->label >= 0);
    file->features = malloc(sizeof *file->features * (size_t)(table->rows * file->width + 1));
    if (!file->features) return mml_fail(MML_ENOMEM, "no memory for the rows of '%s'", table->path);
    float *out = file->features;
    for (i64 row = 0; row < table->rows; row++)
        for (i64 column = 0; column < table->columns; column++)
            if (column != file->label) *out++ = (float)table->cells[row * table->columns + column];
    free(table->cells);
    table->cells = NULL;
    return MML_OK;
}

static Status check_agreement(const Csv *csv) {
    const CsvFile *first = &csv->files[csv->labelled < 0 ? 0 : csv->labelled];
    for (i64 i = 1; i < csv->count; i++) {
        const CsvFile *file = &csv->files[i];
        if (file->table.rows != csv->files[0].table.rows)
            return mml_fail(MML_EDATA, "'%s' has %lld rows and '%s' %lld; rows are joined by position", file->table.path,
                            (long long)file->table.rows, csv->files[0].table.path, (long long)csv->files[0].table.rows);
        for (i64 row = 0; file != first && file->label >= 0 && row < file->table.rows; row++)
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
    MML_TRY(read_file(source, &origin, &csv->test));
    const CsvFile *train = &csv->files[0];
    csv->test.label = train->label;
    if (csv->test.table.columns != train->table.columns)
        return mml_fail(MML_EDATA, "'%s' has %lld columns and '%s' %lld", origin.value, (long long)csv->test.table.columns,
                        train->table.path, (long long)train->table.columns);
    for (i64 i = 0; train->table.names && i < train->table.columns; i++)
        if (strcmp(train->table.names[i], csv->test.table.names[i]) != 0)
            return mml_fail(MML_EDATA, "column %lld is '%s' in '%s' and '%s' in '%s'", (long long)i + 1,
                            train->table.names[i], train->table.path, csv->test.table.names[i], origin.value);
    csv->test_rows = csv->test.table.rows;
    MML_TRY(take_labels(&csv->test));
    return take_features(&csv->test);
}

static Status name_fields(DataSource *source, const Csv *csv) {
    source->fields = MML_NEW(source->arena, DataField, csv->count + 1);
    if (!source->fields) return MML_ENOMEM;
    for (i64 i = 0; i < csv->count; i++) {
        const CsvFile *file = &csv->files[i];
        source->fields[i] = (DataField){ .name = source->program->fields[i], .file = file->table.path,
                                         .shape = { 1, { file->width } }, .size = file->width, .index = i,
                                         .read = read_features };
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
        MML_TRY(read_file(source, &origin, &csv->files[i]));
    }
    MML_TRY(find_labels(source, csv));
    csv->rows = csv->files[0].table.rows;
    for (i64 i = 0; i < csv->count; i++) MML_TRY(take_labels(&csv->files[i]));
    MML_TRY(check_agreement(csv));
    for (i64 i = 0; i < csv->count; i++) MML_TRY(take_features(&csv->files[i]));
    if (mml_has(source->settings, "%s.test.file", program->path)) MML_TRY(read_test_file(source, csv));
    MML_TRY(mml_data_split(source, csv->rows, csv->test_rows, NULL));
    return name_fields(source, csv);
}
