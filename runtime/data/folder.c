/* The source folder: a folder of pictures for each class.
 *
 * Classes are numbered by the folders' names in the order of their bytes, rows by
 * class and then by file name. Every picture is decoded once at the start, by
 * all threads: what can't be is skipped and counted, and keeps its row number.
 * Decoded pictures are kept as bytes as long as PIXELS_KEPT lasts; the others
 * are decoded again each time they are read. Pictures may differ in size: then
 * the field's shape is open and the first step must bring them to one size.
 */
#include "data/source.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "data/folder_list.h"
#include "data/picture.h"
#include "data/split.h"

/* As much as a pipeline may keep (DATA_CACHE_LIMIT): 7000 pictures of 3 x 224 x 224 bytes. */
#define PIXELS_KEPT ((i64)1 << 30)

typedef struct {
    Picture picture;                 /* pixels: NULL when not kept                  */
    u64     checksum;
    char   *why;                     /* why it was skipped; malloc                  */
} Row;

typedef struct {
    FolderList train, test;
    i64        count;                /* of both                                     */
    Row       *rows;
    u8        *missing;              /* [count]                                     */
    _Atomic i64 kept;                /* bytes                                       */
} Folder;

static const FolderFile *file_of(const Folder *folder, i64 row) {
    return row < folder->train.file_count ? &folder->train.files[row] : &folder->test.files[row - folder->train.file_count];
}

/* ---- Reading one picture ---- */

static Status decode(const char *path, u64 *checksum, Picture *out) {
    u8 *bytes = NULL;
    i64 count = 0;
    MML_TRY(mml_data_file_bytes(path, &bytes, &count));
    if (checksum) *checksum = mml_data_hash(MML_DATA_HASH_START, bytes, count);
    Status status = mml_picture_decode(path, bytes, count, out);
    free(bytes);
    return status;
}

static void open_rows(void *context, i64 begin, i64 end, int thread) {
    Folder *folder = context;
    for (i64 i = begin; i < end; i++) {
        Row *row = &folder->rows[i];
        if (decode(file_of(folder, i)->path, &row->checksum, &row->picture) != MML_OK) {
            folder->missing[i] = 1;
            row->why = strdup(mml_message());
            continue;
        }
        i64 bytes = 3 * row->picture.height * row->picture.width;
        if (atomic_fetch_add(&folder->kept, bytes) + bytes <= PIXELS_KEPT) continue;
        atomic_fetch_sub(&folder->kept, bytes);
        free(row->picture.pixels);
        row->picture.pixels = NULL;
    }
}

/* ---- What a source offers ---- */

/* To [3, height, width]. A file that could be decoded at the start and can't be any
 * more makes values that are not finite, which the batch reports. */
static void read_image(const DataSource *source, const DataField *field, i64 row, float *out) {
    const Folder *folder = source->reader;
    const Picture *known = &folder->rows[row].picture;
    i64 plane = known->height * known->width;
    Picture again = { 0 };
    const u8 *pixels = known->pixels;
    if (!pixels && decode(file_of(folder, row)->path, NULL, &again) == MML_OK && again.height == known->height &&
        again.width == known->width)
        pixels = again.pixels;
    for (i64 i = 0; i < plane; i++)
        for (int channel = 0; channel < 3; channel++) out[channel * plane + i] = pixels ? pixels[3 * i + channel] : NAN;
    free(again.pixels);
}

static void extent_of(const DataSource *source, const DataField *field, i64 row, i64 *height, i64 *width) {
    const Folder *folder = source->reader;
    *height = folder->rows[row].picture.height;
    *width = folder->rows[row].picture.width;
}

static i64 read_label(const DataSource *source, const DataField *field, i64 row) { return file_of(source->reader, row)->class; }

static const char *place_of(const DataSource *source, i64 row) { return file_of(source->reader, row)->path; }

static void close_folder(DataSource *source) {
    Folder *folder = source->reader;
    for (i64 i = 0; folder->rows && i < folder->count; i++) {
        free(folder->rows[i].picture.pixels);
        free(folder->rows[i].why);
    }
}

/* ---- Opening ---- */

static Status list_pictures(const DataSource *source, Folder *folder) {
    const MmlSource *program = source->program;
    DataOrigin root = mml_data_origin(source->settings, program, "root");
    MML_TRY(mml_folder_list(&root, NULL, source->arena, &folder->train));
    folder->count = folder->train.file_count;
    if (!mml_has(source->settings, "%s.test.file", program->path)) return MML_OK;
    DataOrigin test = mml_data_origin(source->settings, program, "test.file");
    MML_TRY(mml_folder_list(&test, &folder->train, source->arena, &folder->test));
    folder->count += folder->test.file_count;
    return MML_OK;
}

static Status count_skipped(DataSource *source, const Folder *folder) {
    for (i64 i = 0; i < folder->count; i++)
        if (folder->missing[i]) MML_TRY(mml_data_source_skip(source, 1, folder->rows[i].why ? folder->rows[i].why : "no memory"));
    return mml_data_source_skips(source, folder->count, "pictures");
}

static Status offer(DataSource *source, const Folder *folder) {
    i64 height = 0, width = 0, pixels = 0, first = -1, other = -1;
    for (i64 i = 0; i < folder->count; i++) {
        const Picture *picture = &folder->rows[i].picture;
        if (folder->missing[i]) continue;
        if (first < 0) first = i;
        if (picture->height != folder->rows[first].picture.height || picture->width != folder->rows[first].picture.width) other = i;
        if (picture->height > height) height = picture->height;
        if (picture->width > width) width = picture->width;
        if (picture->height * picture->width > pixels) pixels = picture->height * picture->width;
    }
    source->field_count = 2;
    source->fields[0] = (DataField){ .name = "image", .file = file_of(folder, first)->path, .shape = { 3, { 3, height, width } },
                                     .size = 3 * pixels, .read = read_image };
    source->fields[1] = (DataField){ .name = "label", .file = file_of(folder, first)->path, .label = read_label };
    if (other < 0) return MML_OK;
    const Picture *a = &folder->rows[first].picture, *b = &folder->rows[other].picture;
    source->fields[0].extent = extent_of;
    source->fields[0].sizes = mml_arena_format(source->arena, "'%s' is %lld x %lld pixels and '%s' %lld x %lld",
                                               file_of(folder, first)->path, (long long)a->height, (long long)a->width,
                                               file_of(folder, other)->path, (long long)b->height, (long long)b->width);
    return source->fields[0].sizes ? MML_OK : MML_ENOMEM;
}

Status mml_data_folder_open(DataSource *source) {
    Folder *folder = MML_NEW(source->arena, Folder, 1);
    source->fields = MML_NEW(source->arena, DataField, 2);
    if (!folder || !source->fields) return MML_ENOMEM;
    source->reader = folder;
    source->place = place_of;
    source->close = close_folder;
    MML_TRY(list_pictures(source, folder));
    folder->rows = MML_NEW(source->arena, Row, folder->count);
    folder->missing = MML_NEW(source->arena, u8, folder->count);
    if (!folder->rows || !folder->missing) return MML_ENOMEM;
    mml_parallel(source->threads, folder->count, open_rows, folder);
    for (i64 i = 0; i < folder->count; i++)
        source->checksum = mml_data_hash(source->checksum, &folder->rows[i].checksum, sizeof folder->rows[i].checksum);
    MML_TRY(count_skipped(source, folder));
    MML_TRY(offer(source, folder));
    source->class_count = folder->train.class_count;
    source->classes = folder->train.classes;
    return mml_data_split(source, folder->train.file_count, folder->test.file_count, folder->missing);
}
