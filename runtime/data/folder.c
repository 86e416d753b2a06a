/* The source folder: a folder of pictures, or of clips, for each class.
 *
 * Classes are numbered by the folders' names in the order of their bytes, rows by
 * class and then by name. With the field `image` a row is a picture, with `frames`
 * a folder of numbered pictures; a program reads one of the two.
 */
#include <string.h>
#include "data/clips.h"
#include "data/folder_list.h"
#include "data/split.h"

typedef struct {
    FolderList train, test;
    DataClips  rows;                 /* of both                                     */
} Folder;

static const FolderFile *file_of(const Folder *folder, i64 row) {
    return row < folder->train.file_count ? &folder->train.files[row] : &folder->test.files[row - folder->train.file_count];
}

static i64 read_label(const DataSource *source, const DataField *field, i64 row) { return file_of(source->reader, row)->class; }

static const char *place_of(const DataSource *source, i64 row) { return file_of(source->reader, row)->path; }

static void close_folder(DataSource *source) { mml_clips_free(&((Folder *)source->reader)->rows); }

/* ---- Opening ---- */

/* 1: the program reads clips. */
static Status find_kind(const DataSource *source, int *of_clips) {
    int pictures = mml_data_source_used(source, "image");
    *of_clips = mml_data_source_used(source, "frames");
    if (!pictures || !*of_clips) return MML_OK;
    return mml_fail(MML_EDATA, "%s (%s) is read as `image`, a picture a sample, and as `frames`, a folder of pictures a sample: "
                    "give each a folder of its own", source->program->path, source->program->where);
}

static Status list_rows(const DataSource *source, int of_clips, Folder *folder) {
    const MmlSource *program = source->program;
    DataOrigin root = mml_data_origin(source->settings, program, "root");
    MML_TRY(mml_folder_list(&root, of_clips, NULL, source->arena, &folder->train));
    if (!mml_has(source->settings, "%s.test.file", program->path)) return MML_OK;
    DataOrigin test = mml_data_origin(source->settings, program, "test.file");
    return mml_folder_list(&test, of_clips, &folder->train, source->arena, &folder->test);
}

static Status read_rows(DataSource *source, int of_clips, Folder *folder, u8 *missing) {
    DataClips *rows = &folder->rows;
    for (i64 i = 0; i < rows->count; i++) {
        const char *path = file_of(folder, i)->path;
        if (of_clips) MML_TRY(mml_clips_set_folder(rows, i, path, 0, source->arena));
        else MML_TRY(mml_clips_set_picture(rows, i, path, source->arena));
    }
    const char *name = mml_arena_format(source->arena, "%s-pictures", source->program->name);
    if (!name) return MML_ENOMEM;
    MML_TRY(mml_clips_open(rows, source, name));
    for (i64 i = 0; i < rows->count; i++) {
        const DataClip *row = &rows->rows[i];
        missing[i] = row->left_out != 0;
        if (missing[i]) MML_TRY(mml_data_source_skip(source, 1, row->why));
    }
    return mml_data_source_skips(source, rows->count, of_clips ? "clips" : "pictures");
}

Status mml_data_folder_open(DataSource *source) {
    Folder *folder = MML_NEW(source->arena, Folder, 1);
    source->fields = MML_NEW(source->arena, DataField, 2);
    if (!folder || !source->fields) return MML_ENOMEM;
    source->reader = folder;
    source->place = place_of;
    source->close = close_folder;
    int of_clips = 0;
    MML_TRY(find_kind(source, &of_clips));
    MML_TRY(list_rows(source, of_clips, folder));
    MML_TRY(mml_clips_new(source->arena, folder->train.file_count + folder->test.file_count, &folder->rows));
    u8 *missing = MML_NEW(source->arena, u8, folder->rows.count);
    if (!missing) return MML_ENOMEM;
    MML_TRY(read_rows(source, of_clips, folder, missing));
    source->field_count = 2;
    MML_TRY(mml_clips_field(&folder->rows, of_clips ? "frames" : "image", of_clips, source->arena, &source->fields[0]));
    source->fields[1] = (DataField){ .name = "label", .file = source->fields[0].file, .label = read_label };
    source->class_count = folder->train.class_count;
    source->classes = folder->train.classes;
    return mml_data_split(source, folder->train.file_count, folder->test.file_count, missing);
}
