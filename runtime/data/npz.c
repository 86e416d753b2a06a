/* The source npz: the arrays of a NumPy archive that the program names, each
 * with one sample a row.
 *
 * An array of one axis can be a label as well as a value. What stands in an
 * array is taken as what the modality declares, so its fields are loose
 * (source.h). `test = "FILE"` is a second archive with the same arrays.
 */
#include "data/source.h"

#include <stdlib.h>
#include <string.h>
#include "data/npy.h"
#include "data/split.h"
#include "data/zip.h"

typedef struct {
    NpyArray  *arrays;               /* [fields]                                    */
    DataStore *stores;               /* [fields] of their values                    */
    i64        rows;
} NpzFile;

typedef struct { NpzFile train, test; i64 label; } Npz;     /* label: the target's field, or -1 */

/* The file that holds a row, and the row in it. */
static const NpzFile *file_of(const Npz *npz, i64 *row) {
    if (*row < npz->train.rows) return &npz->train;
    *row -= npz->train.rows;
    return &npz->test;
}

static void read_values(const DataSource *source, const DataField *field, i64 row, float *out) {
    const NpzFile *file = file_of(source->reader, &row);
    mml_npy_floats(&file->arrays[field->index], row * field->size, field->size, out);
}

static i64 read_label(const DataSource *source, const DataField *field, i64 row) {
    const NpzFile *file = file_of(source->reader, &row);
    i64 label = 0;
    mml_npy_integer(&file->arrays[field->index], row, &label);
    return label;
}

static const char *place_of(const DataSource *source, i64 row) {
    const Npz *npz = source->reader;
    const NpzFile *file = file_of(npz, &row);
    return mml_arena_format(source->arena, "%s, sample %lld", file->arrays[npz->label < 0 ? 0 : npz->label].what, (long long)row);
}

static void close_npz(DataSource *source) {
    const Npz *npz = source->reader;
    for (i64 i = 0; i < source->program->field_count; i++) {
        if (npz->train.stores) mml_store_close(&npz->train.stores[i]);
        if (npz->test.stores) mml_store_close(&npz->test.stores[i]);
    }
}

/* ---- Finding ---- */

/* Whether an entry's name is that of a field: without .npy and with `_` for what
 * a name can't have, as for csv's files. */
static int is_named(const char *entry, const char *field) {
    size_t length = strlen(entry);
    if (length > 4 && strcmp(entry + length - 4, ".npy") == 0) length -= 4;
    if (length && entry[0] >= '0' && entry[0] <= '9' && *field++ != '_') return 0;
    if (strlen(field) != length) return 0;
    for (size_t i = 0; i < length; i++) {
        char c = entry[i];
        int fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        if (field[i] != (fits ? c : '_')) return 0;
    }
    return 1;
}

/* Names of what there is, for a message. */
static const char *list_arrays(const ZipArchive *archive, MmlArena *arena) {
    const char *list = "";
    for (i64 i = 0; i < archive->count && i < 12 && list; i++) {
        const char *name = archive->entries[i].name;
        size_t length = strlen(name);
        int shown = (int)(length > 4 && strcmp(name + length - 4, ".npy") == 0 ? length - 4 : length);
        list = mml_arena_format(arena, "%s%s%.*s", list, i ? ", " : "", shown > 60 ? 60 : shown, name);
    }
    return list && archive->count > 12 ? mml_arena_format(arena, "%s …", list) : list;
}

static Status find_array(const DataSource *source, const ZipArchive *archive, const char *name, const ZipEntry **out) {
    *out = NULL;
    for (i64 i = 0; i < archive->count; i++) {
        if (!is_named(archive->entries[i].name, name)) continue;
        if (*out)
            return mml_fail(MML_EDATA, "'%s' has two arrays by the name %s: %s and %s", archive->path, name, (*out)->name,
                            archive->entries[i].name);
        *out = &archive->entries[i];
    }
    if (*out) return MML_OK;
    const char *list = archive->count ? list_arrays(archive, source->arena) : "none";
    return mml_fail(MML_EDATA, "'%s' has no array %s (%s, %s); its arrays are %s", archive->path, name, source->program->path,
                    source->program->where, list ? list : "?");
}

/* ---- Reading ---- */

/* Values in C order: those of a Fortran array take memory of their own meanwhile. */
static Status unpack(ZipStream *stream, NpyArray *array, u8 *out) {
    i64 bytes = array->count * array->item;
    array->values = array->fortran ? malloc((size_t)bytes) : out;
    if (!array->values)
        return mml_fail(MML_ENOMEM, "no memory for the %lld bytes of '%s', which is in Fortran order", (long long)bytes, array->what);
    Status status = mml_zip_read(stream, array->values, bytes);
    if (status == MML_OK) status = mml_zip_finish(stream);
    if (status == MML_OK) status = mml_npy_settle(array);
    if (array->values != out && status == MML_OK) memcpy(out, array->values, (size_t)bytes);
    if (array->values != out) free(array->values);
    array->values = out;
    return status;
}

static Status check_finite(const NpyArray *array) {
    i64 odd = mml_npy_not_finite(array);
    if (odd < 0) return MML_OK;
    return mml_fail(MML_EDATA, "'%s', sample %lld: %s %g", array->what, (long long)(odd / (array->count / array->size[0])),
                    "not a finite single-precision number:", mml_npy_number(array, odd));
}

/* Values of an earlier run come unpacked and checked, with the checksum that reading them gave. */
static Status take_values(DataSource *source, ZipStream *stream, NpyArray *array, DataStore *store) {
    i64 bytes = array->count * array->item;
    DataKey key = mml_data_source_key(source, "npz array", stream->archive->path);
    mml_key_text(&key, stream->entry->name);
    if (!source->cache) MML_TRY(mml_data_room(stream->archive->path, array->what, bytes));
    MML_TRY(mml_store_open(source->cache, mml_arena_format(source->arena, "%s-array", source->program->name), key, bytes, store));
    if (store->ready) {
        array->values = store->bytes;
        array->fortran = array->swapped = 0;
        source->checksum = store->note;
        return MML_OK;
    }
    MML_TRY(unpack(stream, array, store->bytes));
    MML_TRY(check_finite(array));
    store->note = source->checksum;
    mml_store_seal(store);
    return MML_OK;
}

static Status read_array(DataSource *source, ZipStream *stream, NpyArray *array, DataStore *store) {
    const char *what = array->what;
    u8 *header = malloc(NPY_HEADER_LIMIT);
    i64 length = 0;
    if (!header) return mml_fail(MML_ENOMEM, "no memory to read '%s'", what);
    Status status = mml_zip_read(stream, header, NPY_PREFIX);
    if (status == MML_OK) status = mml_npy_length(what, header, &length);
    if (status == MML_OK) status = mml_zip_read(stream, header + NPY_PREFIX, length - NPY_PREFIX);
    if (status == MML_OK) status = mml_npy_header(what, header, length, 0, array);
    free(header);
    if (status != MML_OK) return status;
    i64 bytes = array->count * array->item;
    if (bytes != stream->entry->size - length)
        return mml_fail(MML_EDATA, "'%s' is damaged: its header promises %lld bytes of values and there are %lld", what,
                        (long long)bytes, (long long)(stream->entry->size - length));
    if (array->rank == 0)
        return mml_fail(MML_EDATA, "'%s' is a single value; an array has a row for each sample", what);
    if (array->count == 0) return mml_fail(MML_EDATA, "'%s' has no samples: a size in its shape is 0", what);
    if (array->rank - 1 > MML_MAX_RANK)
        return mml_fail(MML_EDATA, "'%s' has samples of %lld axes; %d are the most", what, (long long)array->rank - 1, MML_MAX_RANK);
    return take_values(source, stream, array, store);
}

static Status read_arrays(DataSource *source, const ZipArchive *archive, NpzFile *file) {
    const MmlSource *program = source->program;
    ZipStream *stream = malloc(sizeof *stream);
    Status status = stream ? MML_OK : mml_fail(MML_ENOMEM, "no memory to read '%s'", archive->path);
    for (i64 i = 0; i < program->field_count && status == MML_OK; i++) {
        const ZipEntry *entry = NULL;
        NpyArray *array = &file->arrays[i];
        array->what = mml_arena_format(source->arena, "%s[%s]", archive->path, program->fields[i]);
        status = array->what ? find_array(source, archive, program->fields[i], &entry) : MML_ENOMEM;
        if (status != MML_OK) break;
        status = mml_zip_start(archive, entry, &source->checksum, stream);
        if (status == MML_OK) status = read_array(source, stream, array, &file->stores[i]);
        mml_zip_stop(stream);
        if (status == MML_OK && i == 0) file->rows = array->size[0];
        if (status == MML_OK && array->size[0] != file->rows)
            status = mml_fail(MML_EDATA, "'%s' has %lld samples and '%s' %lld; they are joined by position", array->what,
                              (long long)array->size[0], file->arrays[0].what, (long long)file->rows);
    }
    free(stream);
    return status;
}

static Status read_file(DataSource *source, const char *setting, NpzFile *file) {
    DataOrigin origin = mml_data_origin(source->settings, source->program, setting);
    ZipArchive archive;
    /* What mml_npy_header overwrites are the values, which are NULL until then. */
    file->arrays = MML_NEW(source->arena, NpyArray, source->program->field_count + 1);
    file->stores = MML_NEW(source->arena, DataStore, source->program->field_count + 1);
    if (!file->arrays || !file->stores) return MML_ENOMEM;
    MML_TRY(mml_zip_open(&origin, origin.value, source->arena, &archive));
    Status status = read_arrays(source, &archive, file);
    mml_zip_close(&archive);
    return status;
}

/* ---- What a source offers ---- */

/* Why an array can't be a label; NULL when it can. */
static const char *no_label(const DataSource *source, const NpyArray *array) {
    if (array->rank != 1)
        return mml_arena_format(source->arena, "'%s' has %lld axes; a label is one whole number a sample", array->what,
                                (long long)array->rank);
    for (i64 i = 0; i < array->count; i++) {
        i64 label;
        if (!mml_npy_integer(array, i, &label))
            return mml_arena_format(source->arena, "'%s', sample %lld: %g is no class; classes are the integers 0, 1, 2 …",
                                    array->what, (long long)i, mml_npy_number(array, i));
    }
    return NULL;
}

static Status offer(DataSource *source, const Npz *npz, i64 index) {
    const NpyArray *array = &npz->train.arrays[index];
    DataField *field = &source->fields[index];
    *field = (DataField){ .name = source->program->fields[index], .file = array->what, .index = index, .loose = 1,
                          .size = array->count / array->size[0], .read = read_values, .shape = { 1, { 1 } } };
    if (array->rank > 1) field->shape.rank = array->rank - 1;
    for (i64 i = 1; i < array->rank; i++) field->shape.size[i - 1] = array->size[i];
    field->no_label = no_label(source, array);
    if (npz->test.rows) {
        const NpyArray *test = &npz->test.arrays[index];
        if (test->rank != array->rank || memcmp(test->size + 1, array->size + 1, sizeof(i64) * (size_t)(array->rank - 1)) != 0)
            return mml_fail(MML_EDATA, "'%s' has samples of another shape than '%s'", test->what, array->what);
        if (!field->no_label) field->no_label = no_label(source, test);
    }
    if (!field->no_label) field->label = read_label;
    return MML_OK;
}

static i64 target_field(const DataSource *source) {
    const MmlTarget *target = &source->settings->experiment->target;
    const MmlSource *program = source->program;
    for (i64 i = 0; i < program->field_count; i++)
        if (&source->settings->experiment->sources[target->source] == program && strcmp(program->fields[i], target->field) == 0)
            return i;
    return -1;
}

Status mml_data_npz_open(DataSource *source) {
    Npz *npz = mml_data_source_begin(source, sizeof *npz, source->program->field_count + 1, place_of, close_npz);
    if (!npz) return MML_ENOMEM;
    npz->label = target_field(source);
    MML_TRY(read_file(source, "file", &npz->train));
    if (mml_has(source->settings, "%s.test.file", source->program->path)) MML_TRY(read_file(source, "test.file", &npz->test));
    source->field_count = source->program->field_count;
    for (i64 i = 0; i < source->field_count; i++) MML_TRY(offer(source, npz, i));
    return mml_data_split(source, npz->train.rows, npz->test.rows, NULL);
}
