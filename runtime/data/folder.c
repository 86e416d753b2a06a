/* The source folder: a folder of files for each class.
 *
 * Classes are numbered by the folders' names in the order of their bytes, rows by
 * class and then by name. The fields that a program reads say what a sample consists of: a
 * picture (image), a folder of numbered pictures (frames), a sound (wav: a file of its own, or that of the video), a video (video), or several of
 * these under one name. Samples that lack a part are skipped, as those are whose part can't be read.
 */
#include <stdio.h>
#include <string.h>
#include "data/clips.h"
#include "data/folder_list.h"
#include "data/sounds.h"
#include "data/split.h"
#include "data/video.h"

static const char *const field_names[FOLDER_PARTS] = { [FOLDER_IMAGE] = "image", [FOLDER_FRAMES] = "frames", [FOLDER_WAV] = "wav",
                                                       [FOLDER_VIDEO] = "video" };

enum { EXAMPLES = 3 };               /* named of those that lack a part             */

typedef struct {
    FolderList train, test;
    unsigned   wanted;               /* parts, 1 << part                            */
    i64        count;                /* rows of both                                */
    DataSound *sounds;               /* [count]; NULL: the program reads none       */
    DataClips  clips[FOLDER_PARTS];  /* of count rows where the part is wanted      */
} Folder;

static const FolderRow *row_of(const Folder *folder, i64 row) {
    return row < folder->train.row_count ? &folder->train.rows[row] : &folder->test.rows[row - folder->train.row_count];
}

static int is_wanted(const Folder *folder, int part) { return folder->wanted >> part & 1; }

/* ---- What a source offers ---- */

static const DataSound *sound_of(const DataSource *source, const DataField *field, i64 row) {
    return &((const Folder *)source->reader)->sounds[row];
}

static i64 read_label(const DataSource *source, const DataField *field, i64 row) { return row_of(source->reader, row)->class; }

static const char *place_of(const DataSource *source, i64 row) { return row_of(source->reader, row)->name; }

static void close_folder(DataSource *source) {
    Folder *folder = source->reader;
    if (folder->sounds) mml_sounds_free(folder->sounds, folder->count);
    for (int part = 0; part < FOLDER_PARTS; part++) mml_clips_free(&folder->clips[part]);
}

/* ---- Listing ---- */

static Status list_rows(const DataSource *source, Folder *folder) {
    const MmlSource *program = source->program;
    DataOrigin root = mml_data_origin(source->settings, program, "root");
    MML_TRY(mml_folder_list(&root, folder->wanted, NULL, source->arena, &folder->train));
    if (mml_has(source->settings, "%s.test.file", program->path)) {
        DataOrigin test = mml_data_origin(source->settings, program, "test.file");
        MML_TRY(mml_folder_list(&test, folder->wanted, &folder->train, source->arena, &folder->test));
    }
    folder->count = folder->train.row_count + folder->test.row_count;
    return MML_OK;
}

/* The first part that the row lacks, FOLDER_PARTS: none. */
static int lacks(const Folder *folder, i64 row) {
    int part = 0;
    const char *const *parts = row_of(folder, row)->parts;
    while (part < FOLDER_PARTS && (!is_wanted(folder, part) || parts[part] || (part == FOLDER_WAV && parts[FOLDER_VIDEO]))) part++;
    return part;
}

/* Skips the rows without that part; what was found of the first is named. */
static Status skip_lacking(DataSource *source, const Folder *folder, int part, u8 *missing) {
    const char *examples = "";
    i64 count = 0;
    for (i64 row = 0; row < folder->count; row++) {
        if (lacks(folder, row) != part) continue;
        missing[row] = 1;
        const FolderRow *r = row_of(folder, row);
        const char *there = r->name;
        for (int other = 0; other < FOLDER_PARTS; other++)
            if (r->parts[other]) there = r->parts[other];
        if (count < EXAMPLES) examples = mml_arena_format(source->arena, "%s%s'%s'", examples, count ? ", " : "", there);
        if (!examples) return MML_ENOMEM;
        count++;
    }
    if (count == 0) return MML_OK;
    const char *what = mml_folder_part((FolderPart)part), *why;
    if (count == 1) why = mml_arena_format(source->arena, "1 sample has no %s of its name: %s", what, examples);
    else why = mml_arena_format(source->arena, "%lld samples have no %s of their name: %s%s", (long long)count, what, examples,
                                count > EXAMPLES ? " …" : "");
    return mml_data_source_skip(source, count, why);
}

/* ---- Opening ---- */

static Status need_videos(const DataSource *source, const char *what, const char *remedy) {
    if (mml_video_ready() == MML_OK) return MML_OK;
    const char *why = mml_arena_format(source->arena, "%s", mml_message());
    if (!why) return MML_ENOMEM;
    return mml_fail(MML_EDATA, "%s (%s) reads %s, and %s. %s; done", source->program->path, source->program->where, what, why, remedy);
}

static Status open_sounds(DataSource *source, Folder *folder, const u8 *missing) {
    static const char remedy[] = "Sound files beside them are read: for f in */*.mp4; do ffmpeg -i \"$f\" \"${f%.*}.wav\"";
    folder->sounds = MML_NEW(source->arena, DataSound, folder->count);
    if (!folder->sounds) return MML_ENOMEM;
    for (i64 row = 0; row < folder->count; row++) {
        const char *const *parts = row_of(folder, row)->parts;
        DataSound *sound = &folder->sounds[row];
        if (missing[row]) continue;
        sound->of_video = !parts[FOLDER_WAV];
        sound->path = parts[sound->of_video ? FOLDER_VIDEO : FOLDER_WAV];
        if (sound->of_video) MML_TRY(need_videos(source, "the sound of videos", remedy));
    }
    return mml_sounds_open(source, folder->sounds, folder->count);
}

static Status open_clips(DataSource *source, Folder *folder, int part, const u8 *missing) {
    DataClips *clips = &folder->clips[part];
    MML_TRY(mml_clips_new(source->arena, folder->count, clips));
    for (i64 row = 0; row < folder->count; row++) {
        const char *path = row_of(folder, row)->parts[part];
        if (missing[row]) continue;
        if (part == FOLDER_IMAGE) MML_TRY(mml_clips_set_picture(clips, row, path, source->arena));
        else if (part == FOLDER_FRAMES) MML_TRY(mml_clips_set_folder(clips, row, path, 0, source->arena));
        else mml_clips_set_video(clips, row, path);
    }
    double sampled = part == FOLDER_VIDEO ? mml_clips_sampled_rate(source, field_names[part]) : 0;
    clips->sampled = sampled > 0 ? sampled : 0;
    const char *name = mml_arena_format(source->arena, "%s-%s", source->program->name, field_names[part]);
    return name ? mml_clips_open(clips, source, name) : MML_ENOMEM;
}

/* Says why the row's part can't be used; 0: it can. */
static int is_unreadable(const Folder *folder, int part, i64 row, const char **why) {
    if (!is_wanted(folder, part)) return 0;
    if (part == FOLDER_WAV) {
        *why = folder->sounds[row].why;
        return folder->sounds[row].samples == 0;
    }
    *why = folder->clips[part].rows[row].why;
    return folder->clips[part].rows[row].left_out;
}

/* Every file that can't be read is named; a row is counted once. */
static Status skip_unreadable(DataSource *source, const Folder *folder, u8 *missing) {
    for (i64 row = 0; row < folder->count; row++) {
        const char *why = NULL;
        if (missing[row]) continue;
        for (int part = 0; part < FOLDER_PARTS; part++) {
            if (!is_unreadable(folder, part, row, &why)) continue;
            MML_TRY(mml_data_source_skip(source, !missing[row], why));
            missing[row] = 1;
        }
    }
    int single = (folder->wanted & (folder->wanted - 1)) == 0;
    const char *what = single ? mml_folder_parts(folder->wanted, source->arena) : "samples";
    MML_TRY(what ? mml_data_source_skips(source, folder->count, what) : MML_ENOMEM);
    for (int part = 0; part < FOLDER_PARTS; part++)
        if (folder->clips[part].count) MML_TRY(mml_clips_tell_replaced(&folder->clips[part], source, missing));
    return MML_OK;
}

static Status read_rows(DataSource *source, Folder *folder, u8 *missing) {
    for (int part = 0; part < FOLDER_PARTS; part++)
        if (is_wanted(folder, part)) MML_TRY(skip_lacking(source, folder, part, missing));
    if (source->skipped) MML_TRY(mml_data_source_skips(source, folder->count, "samples"));
    for (int part = 0; part < FOLDER_PARTS; part++) {
        if (!is_wanted(folder, part)) continue;
        if (part == FOLDER_WAV) MML_TRY(open_sounds(source, folder, missing));
        else MML_TRY(open_clips(source, folder, part, missing));
    }
    return skip_unreadable(source, folder, missing);
}

static Status offer(DataSource *source, const Folder *folder) {
    const char *root = mml_data_origin(source->settings, source->program, "root").value;
    for (int part = 0; part < FOLDER_PARTS; part++) {
        DataField *field = &source->fields[source->field_count];
        if (!is_wanted(folder, part)) continue;
        if (part == FOLDER_WAV) *field = mml_sounds_field(folder->sounds, folder->count, field_names[part], root, sound_of);
        else MML_TRY(mml_clips_field(&folder->clips[part], field_names[part], part != FOLDER_IMAGE, source->arena, field));
        source->field_count++;
    }
    source->fields[source->field_count++] = (DataField){ .name = "label", .file = root, .label = read_label };
    source->class_count = folder->train.class_count;
    source->classes = folder->train.classes;
    return MML_OK;
}

Status mml_data_folder_open(DataSource *source) {
    Folder *folder = mml_data_source_begin(source, sizeof *folder, FOLDER_PARTS + 1, place_of, close_folder);
    if (!folder) return MML_ENOMEM;
    for (int part = 0; part < FOLDER_PARTS; part++)
        if (mml_data_source_used(source, field_names[part])) folder->wanted |= 1u << part;
    if (!folder->wanted) folder->wanted = 1u << FOLDER_IMAGE;            /* labels alone */
    if (is_wanted(folder, FOLDER_VIDEO))
        MML_TRY(need_videos(source, "videos", "Pictures that were taken out of them are read as `frames`, from one folder for each video: for f in "
                            "*/*.mp4; do d=${f%.*}; mkdir -p \"$d\"; ffmpeg -i \"$f\" \"$d/%05d.png\""));
    MML_TRY(list_rows(source, folder));
    u8 *missing = MML_NEW(source->arena, u8, folder->count);
    if (!missing) return MML_ENOMEM;
    MML_TRY(read_rows(source, folder, missing));
    MML_TRY(offer(source, folder));
    return mml_data_split(source, folder->train.row_count, folder->test.row_count, missing);
}
