/* The source av_digits: spoken digits (Free Spoken Digit Dataset) paired with written
 * ones (MNIST) by three lists, avdigits/train.csv, val.csv and test.csv.
 *
 * A list has the columns label, wav (a path from root), mnist_set (train or t10k) and
 * mnist_index (from 0); others, such as id, aren't read. Rows are numbered train, then
 * test, then validation. The label must be MNIST's. A sound that can't be read makes
 * its rows skipped; with `holdout` the validation split is taken off train and val.csv is left alone.
 */
#include "data/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "data/csv_cells.h"
#include "data/idx.h"
#include "data/sounds.h"
#include "data/split.h"

enum { FIELD_WAV, FIELD_IMAGE, FIELD_LABEL, FIELDS };
enum { LIST_TRAIN, LIST_TEST, LIST_VALIDATION, LISTS };
enum { SET_TRAIN, SET_T10K, SETS };
static const char *const set_names[SETS] = { "train", "t10k" };

typedef struct { i64 label, set, image, sound; } Row;

typedef struct {
    CsvTexts   lists[LISTS];
    IdxPart    sets[SETS];
    i64        count;                /* rows of all lists                           */
    Row       *rows;
    i64        sound_count;
    DataSound *sounds;               /* every file once                             */
} AvDigits;

/* ---- What a source offers ---- */

static const DataSound *sound_of(const DataSource *source, const DataField *field, i64 row) {
    const AvDigits *digits = source->reader;
    return &digits->sounds[digits->rows[row].sound];
}

static void read_image(const DataSource *source, const DataField *field, i64 row, float *out) {
    const AvDigits *digits = source->reader;
    const Row *r = &digits->rows[row];
    const u8 *pixels = digits->sets[r->set].images + r->image * field->size;
    for (i64 i = 0; i < field->size; i++) out[i] = pixels[i];
}

static i64 read_label(const DataSource *source, const DataField *field, i64 row) {
    const AvDigits *digits = source->reader;
    return digits->rows[row].label;
}

/* The list of a row, which becomes the number within it. */
static const CsvTexts *list_of(const AvDigits *digits, i64 *row) {
    int list = 0;
    while (*row >= digits->lists[list].rows) *row -= digits->lists[list++].rows;
    return &digits->lists[list];
}

static const char *place_of(const DataSource *source, i64 row) {
    const CsvTexts *list = list_of(source->reader, &row);
    return mml_arena_format(source->arena, "%s:%lld", list->path, (long long)list->lines[row]);
}

static void close_av_digits(DataSource *source) {
    AvDigits *digits = source->reader;
    for (int set = 0; set < SETS; set++) mml_idx_free(&digits->sets[set]);
    mml_sounds_free(digits->sounds, digits->sound_count);
}

/* ---- Opening ---- */

static Status read_list(DataSource *source, const DataOrigin *root, const char *name, CsvTexts *list) {
    const char *path = mml_arena_format(source->arena, "%s/avdigits/%s", root->value, name);
    char *text = NULL;
    i64 length = 0;
    if (!path) return MML_ENOMEM;
    MML_TRY(mml_data_file_text(root, path, &source->checksum, &text, &length));
    Status status = mml_csv_texts(path, text, length, 1, source->arena, list);
    free(text);
    return status;
}

static Status read_set(DataSource *source, const DataOrigin *root, int set, AvDigits *digits) {
    static const char *const places[] = { "mnist", "mnist/raw", "MNIST/raw" };
    const char *folder = NULL;
    for (size_t i = sizeof places / sizeof *places; i-- > 0;) {
        const char *place = mml_arena_format(source->arena, "%s/%s", root->value, places[i]);
        if (!place) return MML_ENOMEM;
        if (i == 0 || mml_idx_there(source, place, set_names[set])) folder = place;
    }
    return mml_idx_read(source, root, folder, set_names[set], INT64_MAX, &digits->sets[set]);
}

static Status list_fail(const CsvTexts *list, i64 row, const char *column, const char *text, const char *wanted) {
    return mml_fail(MML_EDATA, "%s:%lld: %s is '%.40s'; it is %s", list->path, (long long)list->lines[row], column, text, wanted);
}

/* A whole number of 0 or more. */
static int whole(const char *text, i64 *out) {
    char *end = NULL;
    errno = 0;
    *out = strtoll(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == 0 && errno == 0;
}

static const char *cell_of(const CsvTexts *list, i64 row, i64 column) { return list->cells[row * list->columns + column]; }

typedef struct { i64 label, wav, set, image; } Columns;

static Status find_columns(const CsvTexts *list, Columns *out) {
    const struct { const char *name; i64 *column; } wanted[] = {
        { "label", &out->label }, { "wav", &out->wav }, { "mnist_set", &out->set }, { "mnist_index", &out->image },
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        *wanted[i].column = mml_csv_column(list, wanted[i].name);
        if (*wanted[i].column < 0)
            return mml_fail(MML_EDATA, "'%s' has no column %s; a list of av_digits has id,label,wav,mnist_set,mnist_index", list->path,
                            wanted[i].name);
    }
    return MML_OK;
}

static Status read_row(const AvDigits *digits, const CsvTexts *list, i64 row, const Columns *columns, Row *out) {
    const char *label = cell_of(list, row, columns->label), *set = cell_of(list, row, columns->set);
    const char *image = cell_of(list, row, columns->image);
    if (!*cell_of(list, row, columns->wav)) return list_fail(list, row, "wav", "", "a file's path from root");
    if (!whole(label, &out->label)) return list_fail(list, row, "label", label, "a whole number");
    while (out->set < SETS && strcmp(set, set_names[out->set]) != 0) out->set++;
    if (out->set == SETS) return list_fail(list, row, "mnist_set", set, "train or t10k");
    const IdxPart *part = &digits->sets[out->set];
    if (!whole(image, &out->image) || out->image >= part->used)
        return mml_fail(MML_EDATA, "%s:%lld: mnist_index is '%.40s'; '%s' has images 0 to %lld", list->path, (long long)list->lines[row],
                        image, part->images_file, (long long)part->used - 1);
    if (part->labels[out->image] != out->label)
        return mml_fail(MML_EDATA, "%s:%lld: label %lld disagrees with label %d of image %lld of '%s'; the files do not belong together",
                        list->path, (long long)list->lines[row], (long long)out->label, part->labels[out->image], (long long)out->image,
                        part->labels_file);
    return MML_OK;
}

/* ---- Sounds: each file once, in the order of their names ---- */

typedef struct { const char *wav; i64 row; } Use;

static int by_name(const void *a, const void *b) { return strcmp(((const Use *)a)->wav, ((const Use *)b)->wav); }

static Status number_sounds(DataSource *source, const DataOrigin *root, AvDigits *digits, Use *uses) {
    qsort(uses, (size_t)digits->count, sizeof *uses, by_name);
    digits->sounds = MML_NEW(source->arena, DataSound, digits->count);
    if (!digits->sounds) return MML_ENOMEM;
    for (i64 i = 0; i < digits->count; i++) {
        if (i == 0 || strcmp(uses[i].wav, uses[i - 1].wav) != 0) {
            const char *path = mml_arena_format(source->arena, "%s/%s", root->value, uses[i].wav);
            if (!path) return MML_ENOMEM;
            digits->sounds[digits->sound_count++] = (DataSound){ .path = path };
        }
        digits->rows[uses[i].row].sound = digits->sound_count - 1;
    }
    return MML_OK;
}

static Status read_rows(DataSource *source, const DataOrigin *root, AvDigits *digits) {
    for (int list = 0; list < LISTS; list++) digits->count += digits->lists[list].rows;
    digits->rows = MML_NEW(source->arena, Row, digits->count);
    Use *uses = MML_NEW(source->arena, Use, digits->count);
    if (!digits->rows || !uses) return MML_ENOMEM;
    i64 next = 0;
    for (int l = 0; l < LISTS; l++) {
        const CsvTexts *list = &digits->lists[l];
        Columns columns;
        if (list->rows) MML_TRY(find_columns(list, &columns));
        for (i64 row = 0; row < list->rows; row++, next++) {
            MML_TRY(read_row(digits, list, row, &columns, &digits->rows[next]));
            uses[next] = (Use){ cell_of(list, row, columns.wav), next };
        }
    }
    return number_sounds(source, root, digits, uses);
}

/* missing[row] becomes 1 where the sound can't be read. */
static Status read_sounds(DataSource *source, AvDigits *digits, u8 *missing) {
    MML_TRY(mml_sounds_open(source, digits->sounds, digits->sound_count));
    i64 *uses = MML_NEW(source->arena, i64, digits->sound_count);
    if (!uses) return MML_ENOMEM;
    for (i64 row = 0; row < digits->count; row++) {
        i64 sound = digits->rows[row].sound;
        missing[row] = digits->sounds[sound].samples == 0;
        uses[sound]++;
    }
    for (i64 i = 0; i < digits->sound_count; i++) {
        const DataSound *sound = &digits->sounds[i];
        if (sound->samples == 0) MML_TRY(mml_data_source_skip(source, uses[i], sound->why));
    }
    return mml_data_source_skips(source, digits->count, "samples");
}

static Status offer(DataSource *source, const AvDigits *digits) {
    const IdxPart *train = &digits->sets[SET_TRAIN], *test = &digits->sets[SET_T10K];
    if (train->height != test->height || train->width != test->width)
        return mml_fail(MML_EDATA, "'%s' and '%s' have images of different size", train->images_file, test->images_file);
    source->field_count = FIELDS;
    source->fields[FIELD_WAV] = mml_sounds_field(digits->sounds, digits->sound_count, "wav", digits->lists[LIST_TRAIN].path, sound_of);
    source->fields[FIELD_IMAGE] = (DataField){ .name = "image", .file = train->images_file, .size = train->height * train->width,
                                               .shape = { 3, { 1, train->height, train->width } }, .read = read_image };
    source->fields[FIELD_LABEL] = (DataField){ .name = "label", .file = digits->lists[LIST_TRAIN].path, .label = read_label };
    return MML_OK;
}

static Status list_validation(DataSource *source, const AvDigits *digits, const u8 *missing) {
    i64 count = digits->lists[LIST_VALIDATION].rows, first = digits->count - count, there = 0;
    if (count == 0) return MML_OK;
    i64 *rows = mml_data_source_rows(source, MML_VALIDATION, count);
    if (!rows) return MML_ENOMEM;
    for (i64 row = first; row < digits->count; row++)
        if (!missing[row]) rows[there++] = row;
    source->counts[MML_VALIDATION] = there;
    return MML_OK;
}

Status mml_data_av_digits_open(DataSource *source) {
    AvDigits *digits = mml_data_source_begin(source, sizeof *digits, FIELDS, place_of, close_av_digits);
    if (!digits) return MML_ENOMEM;
    DataOrigin root;
    MML_TRY(mml_data_source_root(source, &root));
    MML_TRY(read_list(source, &root, "train.csv", &digits->lists[LIST_TRAIN]));
    MML_TRY(read_list(source, &root, "test.csv", &digits->lists[LIST_TEST]));
    if (!mml_has(source->settings, "%s.holdout", source->program->path))
        MML_TRY(read_list(source, &root, "val.csv", &digits->lists[LIST_VALIDATION]));
    for (int set = 0; set < SETS; set++) MML_TRY(read_set(source, &root, set, digits));
    MML_TRY(read_rows(source, &root, digits));
    u8 *missing = MML_NEW(source->arena, u8, digits->count);
    if (!missing) return MML_ENOMEM;
    MML_TRY(read_sounds(source, digits, missing));
    MML_TRY(offer(source, digits));
    MML_TRY(list_validation(source, digits, missing));
    return mml_data_split(source, digits->lists[LIST_TRAIN].rows, digits->lists[LIST_TEST].rows, missing);
}
