#define _GNU_SOURCE
#include "train/safetensors.h"

#include "train/files.h"
#include "train/json.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PREFIX 8                      /* bytes of the header's length                    */
#define LARGEST_HEADER (100 << 20)    /* the format's own limit                          */

typedef struct { const char *name; MmlDtype dtype; i64 bytes; } DtypeRow;

/* Those that are written first; of the others the size must be known to check a file. */
static const DtypeRow dtypes[] = {
    {"F32", MML_DTYPE_F32, 4},    {"F64", MML_DTYPE_F64, 8},    {"I64", MML_DTYPE_I64, 8},    {"U8", MML_DTYPE_U8, 1},
    {"BOOL", MML_DTYPE_OTHER, 1}, {"I8", MML_DTYPE_OTHER, 1},   {"I16", MML_DTYPE_OTHER, 2},  {"U16", MML_DTYPE_OTHER, 2},
    {"F16", MML_DTYPE_OTHER, 2},  {"BF16", MML_DTYPE_OTHER, 2}, {"I32", MML_DTYPE_OTHER, 4},  {"U32", MML_DTYPE_OTHER, 4},
    {"U64", MML_DTYPE_OTHER, 8},  {"F8_E4M3", MML_DTYPE_OTHER, 1}, {"F8_E5M2", MML_DTYPE_OTHER, 1},
};

static const DtypeRow *row_named(const char *name) {
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++)
        if (!strcmp(dtypes[i].name, name)) return &dtypes[i];
    return NULL;
}

const char *mml_tensor_shape_text(const MmlTensor *tensor, char text[160]) {
    size_t used = 0;
    for (int i = 0; i < tensor->rank && used < 120; i++)
        used += (size_t)snprintf(text + used, 160 - used, "%s%lld", i ? ", " : "[", (long long)tensor->size[i]);
    snprintf(text + used, 160 - used, "%s", tensor->rank ? "]" : "[]");
    return text;
}

/* ---- Writing ---- */

static i64 bytes_of(const MmlTensor *tensor) { return tensor->count * dtypes[tensor->dtype].bytes; }

static int goes_first(const MmlTensor *tensor) { return dtypes[tensor->dtype].bytes == 8; }

/* Tensors in the order of the data: those of 8 bytes, then the others. */
static const MmlTensor *in_order(const MmlTensor *tensors, int pass, i64 i) {
    return goes_first(&tensors[i]) == (pass == 0) ? &tensors[i] : NULL;
}

static void put_entry(MmlJson *header, const MmlTensor *tensor, i64 begin) {
    mml_json_key(header, tensor->name);
    mml_json_open(header, '{');
    mml_json_key(header, "dtype");
    mml_json_text(header, dtypes[tensor->dtype].name);
    mml_json_key(header, "shape");
    mml_json_open(header, '[');
    for (int i = 0; i < tensor->rank; i++) mml_json_int(header, tensor->size[i]);
    mml_json_close(header, ']');
    mml_json_key(header, "data_offsets");
    mml_json_open(header, '[');
    mml_json_int(header, begin);
    mml_json_int(header, begin + bytes_of(tensor));
    mml_json_close(header, ']');
    mml_json_close(header, '}');
}

/* The header, padded so that the data starts at a multiple of 8. Returns the bytes of the data. */
static i64 make_header(MmlJson *header, const MmlTensor *tensors, i64 count, const MmlMetadata *metadata, i64 metadata_count) {
    mml_json_open(header, '{');
    if (metadata_count) {
        mml_json_key(header, "__metadata__");
        mml_json_open(header, '{');
        for (i64 i = 0; i < metadata_count; i++) {
            mml_json_key(header, metadata[i].key);
            mml_json_text(header, metadata[i].value);
        }
        mml_json_close(header, '}');
    }
    i64 at = 0;
    for (int pass = 0; pass < 2; pass++)
        for (i64 i = 0; i < count; i++) {
            const MmlTensor *tensor = in_order(tensors, pass, i);
            if (!tensor) continue;
            put_entry(header, tensor, at);
            at += bytes_of(tensor);
        }
    mml_json_close(header, '}');
    return at;
}

static size_t padding_of(size_t used) { return (8 - used % 8) % 8; }

i64 mml_safetensors_size(const MmlTensor *tensors, i64 count, const MmlMetadata *metadata, i64 metadata_count) {
    MmlJson header = {0};
    i64 data = make_header(&header, tensors, count, metadata, metadata_count);
    i64 size = PREFIX + (i64)(header.used + padding_of(header.used)) + data;
    mml_json_free(&header);
    return size;
}

static Status write_parts(MmlReplacement *file, const MmlJson *header, const MmlTensor *tensors, i64 count) {
    size_t padding = padding_of(header->used);
    u64 length = header->used + padding;
    MML_TRY(mml_replace_write(file, &length, sizeof length));
    MML_TRY(mml_replace_write(file, header->text, header->used));
    MML_TRY(mml_replace_write(file, "        ", padding));
    for (int pass = 0; pass < 2; pass++)
        for (i64 i = 0; i < count; i++) {
            const MmlTensor *tensor = in_order(tensors, pass, i);
            if (tensor) MML_TRY(mml_replace_write(file, tensor->data, (size_t)bytes_of(tensor)));
        }
    return MML_OK;
}

Status mml_safetensors_write(const char *path, const MmlTensor *tensors, i64 count,
                             const MmlMetadata *metadata, i64 metadata_count) {
    MmlJson header = {0};
    make_header(&header, tensors, count, metadata, metadata_count);
    MmlReplacement file;
    Status status = mml_json_status(&header);
    if (status == MML_OK) status = mml_replace_begin(&file, path);
    if (status == MML_OK) {
        status = write_parts(&file, &header, tensors, count);
        if (status == MML_OK) status = mml_replace_commit(&file);
        else mml_replace_abandon(&file);
    }
    mml_json_free(&header);
    return status;
}

/* ---- Reading ---- */

struct MmlSafetensors {
    int         descriptor;
    char       *path;
    json_t     *header;
    i64         data;                /* offset of the data in the file */
    i64         count;
    MmlTensor  *tensors;
};

void mml_safetensors_close(MmlSafetensors *file) {
    if (!file) return;
    if (file->descriptor >= 0) close(file->descriptor);
    if (file->header) json_decref(file->header);
    free(file->tensors);
    free(file->path);
    free(file);
}

static Status damaged(const MmlSafetensors *file, const char *what) {
    return mml_fail(MML_EDATA, "%s is no whole safetensors file: %s", file->path, what);
}

static Status read_at(const MmlSafetensors *file, void *out, size_t count, i64 offset) {
    char *next = out;
    while (count) {
        ssize_t got = pread(file->descriptor, next, count, (off_t)offset);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return mml_fail(MML_EDATA, "cannot read %s: %s", file->path, strerror(errno));
        if (got == 0) return damaged(file, "it ends too early");
        next += got;
        offset += got;
        count -= (size_t)got;
    }
    return MML_OK;
}

static Status read_header(MmlSafetensors *file) {
    u64 length;
    i64 size = (i64)lseek(file->descriptor, 0, SEEK_END);
    if (size < PREFIX) return damaged(file, "it is shorter than the length of its header");
    MML_TRY(read_at(file, &length, sizeof length, 0));
    if (length > LARGEST_HEADER || (i64)length > size - PREFIX) return damaged(file,
            "its header is longer than the file (cut off, or of another format)");
    char *text = malloc(length + 1);
    if (!text) return mml_fail(MML_ENOMEM, "out of memory to read %s", file->path);
    Status status = read_at(file, text, length, PREFIX);
    json_error_t error;
    if (status == MML_OK) {
        file->header = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
        if (!json_is_object(file->header)) status = damaged(file, "its header is not JSON");
    }
    free(text);
    file->data = PREFIX + (i64)length;
    return status;
}

static int fill_tensor(MmlTensor *tensor, const char *name, const json_t *entry) {
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    const json_t *shape = json_object_get(entry, "shape"), *offsets = json_object_get(entry, "data_offsets");
    const DtypeRow *row = dtype ? row_named(dtype) : NULL;
    if (!row || !json_is_array(shape) || json_array_size(shape) > MML_TENSOR_RANK || json_array_size(offsets) != 2) return 0;
    *tensor = (MmlTensor){.name = name, .dtype = row->dtype, .rank = (int)json_array_size(shape), .count = 1};
    for (int i = 0; i < tensor->rank; i++) {
        const json_t *extent = json_array_get(shape, (size_t)i);
        tensor->size[i] = json_integer_value(extent);
        if (!json_is_integer(extent) || tensor->size[i] < 0 || __builtin_mul_overflow(tensor->count, tensor->size[i],
                &tensor->count)) return 0;
    }
    const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
    tensor->begin = json_integer_value(begin);
    i64 expected;
    if (!json_is_integer(begin) || !json_is_integer(end) || tensor->begin < 0 || __builtin_mul_overflow(tensor->count,
            row->bytes, &expected)) return 0;
    tensor->bytes = json_integer_value(end) - tensor->begin;
    return tensor->bytes == expected;
}

static int by_place(const void *a, const void *b) {
    const MmlTensor *x = a, *y = b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    return x->bytes < y->bytes ? -1 : x->bytes > y->bytes;
}

static Status read_entries(MmlSafetensors *file) {
    file->tensors = calloc(json_object_size(file->header) + 1, sizeof *file->tensors);
    if (!file->tensors) return mml_fail(MML_ENOMEM, "out of memory to read %s", file->path);
    const char *name;
    json_t *entry;
    json_object_foreach(file->header, name, entry) {
        if (!strcmp(name, "__metadata__")) continue;
        if (!fill_tensor(&file->tensors[file->count], name, entry))
            return mml_fail(MML_EDATA, "%s is no whole safetensors file: its entry '%s' is wrong", file->path, name);
        file->count++;
    }
    qsort(file->tensors, (size_t)file->count, sizeof *file->tensors, by_place);
    i64 at = 0;
    for (i64 i = 0; i < file->count; i++) {
        if (file->tensors[i].begin != at)
            return mml_fail(MML_EDATA,
                            "%s is no whole safetensors file: '%s' does not start where the tensor before it ends", file->path, file->tensors[i].name);
        at += file->tensors[i].bytes;
    }
    i64 present = (i64)lseek(file->descriptor, 0, SEEK_END) - file->data;
    if (present < at) return mml_fail(MML_EDATA, "%s is no whole safetensors file: %lld bytes of its data are missing",
                                      file->path, (long long)(at - present));
    if (present > at) return damaged(file, "there is something behind its data");
    return MML_OK;
}

Status mml_safetensors_open(const char *path, MmlSafetensors **out) {
    *out = NULL;
    MmlSafetensors *file = calloc(1, sizeof *file);
    if (!file) return mml_fail(MML_ENOMEM, "out of memory to read %s", path);
    file->path = strdup(path);
    file->descriptor = open(path, O_RDONLY | O_CLOEXEC);
    Status status = MML_OK;
    if (!file->path) status = mml_fail(MML_ENOMEM, "out of memory to read %s", path);
    else if (file->descriptor < 0) status = mml_fail(MML_EDATA, "cannot read %s: %s", path, strerror(errno));
    if (status == MML_OK) status = read_header(file);
    if (status == MML_OK) status = read_entries(file);
    if (status != MML_OK) {
        mml_safetensors_close(file);
        return status;
    }
    *out = file;
    return MML_OK;
}

const char *mml_safetensors_path(const MmlSafetensors *file) { return file->path; }
i64 mml_safetensors_count(const MmlSafetensors *file) { return file->count; }
const MmlTensor *mml_safetensors_at(const MmlSafetensors *file, i64 index) { return &file->tensors[index]; }

const MmlTensor *mml_safetensors_find(const MmlSafetensors *file, const char *name) {
    for (i64 i = 0; i < file->count; i++)
        if (!strcmp(file->tensors[i].name, name)) return &file->tensors[i];
    return NULL;
}

const char *mml_safetensors_metadata(const MmlSafetensors *file, const char *key) {
    return json_string_value(json_object_get(json_object_get(file->header, "__metadata__"), key));
}

Status mml_safetensors_read(const MmlSafetensors *file, const MmlTensor *tensor, void *out) {
    return read_at(file, out, (size_t)tensor->bytes, file->data + tensor->begin);
}
