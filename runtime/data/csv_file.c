#define _GNU_SOURCE                  /* stpcpy */
#include "data/csv_file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "data/text.h"

/* Floats that are written at once. */
#define CHUNK ((i64)1 << 18)

void mml_csv_file_free(CsvFile *file) {
    if (!file->store.bytes) {
        free(file->table.lines);
        free((void *)file->features);
        free((void *)file->marks);
    }
    mml_store_close(&file->store);
    free(file->labels);
    *file = (CsvFile){ .store = { .descriptor = -1 } };
}

/* ---- Rows as they are read ---- */

typedef struct {
    DataStore *store;                /* not NULL: features go there                 */
    i64        width, features, written;      /* floats: in values; before them, in the store */
    i64        rows, room, value_room;        /* room: of marks, of values           */
    float     *values;
    double    *marks;
    int        failed;               /* the store couldn't take some                */
} Filling;

static Status flush(Filling *f) {
    Status status = mml_store_write(f->store, 4 * f->written, f->values, 4 * f->features);
    f->failed = status != MML_OK;
    f->written += f->features;
    f->features = 0;
    return status;
}

static Status no_memory(const CsvTable *table) { return mml_fail(MML_ENOMEM, "no memory for the rows of '%s'", table->path); }

static Status make_room(Filling *f, const CsvTable *table) {
    if (f->store && f->features + f->width > CHUNK) MML_TRY(flush(f));
    if (f->features + f->width > f->value_room) {
        i64 room = f->store ? CHUNK + f->width : 2 * f->value_room + f->width + 1024;
        float *larger = realloc(f->values, sizeof *larger * (size_t)room);
        if (!larger) return no_memory(table);
        f->values = larger;
        f->value_room = room;
    }
    if (table->label < 0 || f->rows < f->room) return MML_OK;
    i64 room = 2 * f->room + 256;
    double *larger = realloc(f->marks, sizeof *larger * (size_t)room);
    if (!larger) return no_memory(table);
    f->marks = larger;
    f->room = room;
    return MML_OK;
}

static Status take_row(void *context, const CsvTable *table, const double *cells) {
    Filling *f = context;
    f->width = table->columns - (table->label >= 0);
    MML_TRY(make_room(f, table));
    for (i64 i = 0; i < table->columns; i++)
        if (i != table->label) f->values[f->features++] = (float)cells[i];
    if (table->label >= 0) f->marks[f->rows] = cells[table->label];
    f->rows++;
    return MML_OK;
}

/* ---- The file of the cache: features; then, at the note, the index: words, lines, marks, texts ---- */

enum { ROWS, COLUMNS, LABEL, NAMED, HEADER, CLASSES, CHECKSUM, TEXTS, WORDS };

static DataKey key_of(const DataSource *source, i64 index, const DataOrigin *origin, int header) {
    const MmlSource *program = source->program;
    const char *path = mml_arena_format(source->arena, "%s.label", program->path);
    const MmlSetting *label = path ? mml_setting_find(source->settings->experiment, path) : NULL;
    DataKey key = mml_data_source_key(source, "csv table", origin->value);
    mml_key_int(&key, index);
    mml_key_int(&key, header);
    mml_key_text(&key, index >= 0 && index < program->field_count ? program->fields[index] : "");
    mml_key_int(&key, label ? (i64)label->type : -1);
    if (label && label->type != MML_WORD) mml_key_text(&key, mml_string(source->settings, "%s", path));
    return key;
}

static i64 text_bytes(i64 count, const char *const *texts) {
    i64 bytes = 0;
    for (i64 i = 0; i < count; i++) bytes += (i64)strlen(texts[i]) + 1;
    return bytes;
}

static char *put_texts(char *at, i64 count, const char *const *texts) {
    for (i64 i = 0; i < count; i++) at = stpcpy(at, texts[i]) + 1;
    return at;
}

static Status write_index(const CsvTable *table, const CsvClasses *classes, u64 checksum, Filling *f) {
    i64 names = table->names ? table->columns : 0, at = (4 * f->written + 7) / 8 * 8;
    i64 texts = text_bytes(names, table->names) + text_bytes(classes->count, classes->names);
    const i64 words[WORDS] = { table->rows, table->columns, table->label, table->named, names, classes->count, (i64)checksum, texts };
    char *text = malloc((size_t)texts + 1);
    if (!text) return no_memory(table);
    put_texts(put_texts(text, names, table->names), classes->count, classes->names);
    f->store->note = (u64)at;
    Status status = mml_store_write(f->store, at, words, sizeof words);
    at += (i64)sizeof words;
    if (status == MML_OK) status = mml_store_write(f->store, at, table->lines, 8 * table->rows);
    at += 8 * table->rows;
    if (status == MML_OK && f->marks) status = mml_store_write(f->store, at, f->marks, 8 * table->rows);
    at += f->marks ? 8 * table->rows : 0;
    if (status == MML_OK) status = mml_store_write(f->store, at, text, texts);
    free(text);
    return status == MML_OK ? mml_store_grown(f->store, at + texts) : status;
}

/* `count` texts from *at on; 0: they aren't there. */
static int take_texts(const char **at, const char *end, i64 count, const char **out) {
    for (i64 i = 0; i < count; i++) {
        const char *zero = memchr(*at, 0, (size_t)(end - *at));
        if (!zero) return 0;
        out[i] = *at;
        *at = zero + 1;
    }
    return 1;
}

/* Sets out from its store, and classes and checksum as reading the text would; 0: what is there doesn't fit together. */
static int take_index(const DataStore *store, MmlArena *arena, CsvClasses *classes, u64 *checksum, CsvFile *out) {
    CsvTable *table = &out->table;
    i64 at = (i64)store->note, left = (store->count - at) / 8;
    const i64 *words = (const i64 *)(store->bytes + at);
    if (at < 0 || left < WORDS) return 0;
    i64 rows = words[ROWS], columns = words[COLUMNS], names = words[HEADER], count = words[CLASSES], marked = words[LABEL] >= 0;
    if (rows < 1 || rows > left || columns < 1 || words[LABEL] >= columns || (names && names != columns) || count < 0 || count > CSV_CLASSES) return 0;
    if ((columns - marked) * rows > at / 4 || (1 + marked) * rows > left - WORDS || words[TEXTS] < 0) return 0;
    const char *texts = (const char *)(words + WORDS + (1 + marked) * rows), *end = (const char *)store->bytes + store->count;
    const char **found = MML_NEW(arena, const char *, names + count + 1);
    if (!found || !take_texts(&texts, end, names + count, found) || mml_csv_classes_take(classes, count, found + names, arena) != MML_OK) return 0;
    table->names = names ? found : NULL;
    table->rows = rows;
    table->columns = columns;
    table->label = words[LABEL];
    table->named = words[NAMED] != 0;
    table->lines = (i64 *)(words + WORDS);
    out->width = columns - marked;
    out->features = (const float *)store->bytes;
    out->marks = marked ? (const double *)(words + WORDS + rows) : NULL;
    *checksum = (u64)words[CHECKSUM];
    return 1;
}

/* ---- Reading ---- */

static Status parse(DataSource *source, const DataOrigin *origin, int header, const CsvLabel *label, Filling *filling, CsvTable *table) {
    DataText text;
    CsvSink sink = { take_row, filling };
    MML_TRY(mml_data_text_open(origin, origin->value, source->cache ? mml_cache_folder(source->cache) : NULL, &text));
    Status status = mml_data_text_checksum(&text, &source->checksum);
    if (status == MML_OK) status = mml_csv_parse(origin->value, text.bytes, text.length, header, label, &sink, source->arena, table);
    Status whole = mml_data_text_check(&text, origin->value);       /* where it fails, of what was parsed wrongly too */
    if (whole != MML_OK) status = whole;
    mml_data_text_close(&text);
    return status;
}

static Status read_in_memory(DataSource *source, const DataOrigin *origin, int header, const CsvLabel *label, CsvFile *out) {
    Filling filling = { 0 };
    Status status = parse(source, origin, header, label, &filling, &out->table);
    out->width = filling.width;
    out->features = filling.values;
    out->marks = filling.marks;
    return status;
}

/* *made 0: the store couldn't take it, and is closed. */
static Status read_to_store(DataSource *source, const DataOrigin *origin, int header, const CsvLabel *label, CsvFile *out, int *made) {
    Filling filling = { .store = &out->store };
    u64 before = source->checksum;
    CsvTable table = { .label = -1 };
    Status status = parse(source, origin, header, label, &filling, &table);
    int parsed = status == MML_OK;
    if (parsed) status = flush(&filling);
    if (status == MML_OK) status = write_index(&table, label->classes, source->checksum, &filling);
    *made = status == MML_OK;
    if (*made) mml_store_seal(&out->store);
    else if (parsed || filling.failed) {
        mml_store_give_up(&out->store, mml_message());
        source->checksum = before;
        status = MML_OK;
    }
    free(parsed ? table.lines : NULL);
    free(filling.values);
    free(filling.marks);
    return status;
}

static int is_small(const DataOrigin *origin) {
    int descriptor;
    i64 bytes = 0;
    if (mml_data_open_regular(origin, origin->value, &descriptor, &bytes) != MML_OK) return 1;
    close(descriptor);
    return bytes < DATA_STORE_LEAST;
}

Status mml_csv_file_read(DataSource *source, i64 index, const DataOrigin *origin, int header, const CsvLabel *label, CsvFile *out) {
    const char *name = mml_arena_format(source->arena, "%s-table", source->program->name);
    u64 checksum = source->checksum;
    *out = (CsvFile){ .table = { .path = origin->value, .label = -1 }, .store = { .descriptor = -1 } };
    if (!name) return MML_ENOMEM;
    if (source->cache && !is_small(origin)) MML_TRY(mml_store_grow(source->cache, name, key_of(source, index, origin, header), &out->store));
    if (out->store.descriptor >= 0) {
        int made;
        MML_TRY(read_to_store(source, origin, header, label, out, &made));
        if (!made) return read_in_memory(source, origin, header, label, out);
    }
    if (out->store.bytes && take_index(&out->store, source->arena, label->classes, &checksum, out)) {
        source->checksum = checksum;
        return MML_OK;
    }
    mml_store_close(&out->store);
    return read_in_memory(source, origin, header, label, out);
}
