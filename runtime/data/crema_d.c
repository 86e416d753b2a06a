/* The source crema_d: CREMA-D's clips of speech and face (Cao et al. 2014), in the folders of its repository.
 *
 * AudioWAV/CLIP.wav is the sound. Frames are pictures that the user has taken out of VideoFlash/CLIP.flv
 * into Image-NN-FPS/CLIP/, NN of them a second, or are decoded from the videos where FFmpeg's libraries are. Which
 * clips are for training and for testing say two lists of rows `CLIP,EMOTION` without a header, as OGM-GE's code and
 * its successors publish them. The label is the acted emotion in the clip's name (actor_sentence_EMOTION_level),
 * numbered as in that code. Rows are numbered train, then test; one whose sound or frames can't be read is skipped, as
 * far as the program reads them.
 */
#include "data/source.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "data/clips.h"
#include "data/csv_cells.h"
#include "data/sounds.h"
#include "data/split.h"
#include "data/video.h"

enum { FIELD_WAV, FIELD_VIDEO, FIELD_FRAMES, FIELD_EMOTION, FIELDS };
static const char *const field_names[FIELDS] = { "wav", "video", "frames", "emotion" };

enum { LIST_TRAIN, LIST_TEST, LISTS };
static const char *const list_names[LISTS] = { "train", "test" };

/* In the order of the public codes' numbers. */
static const char *const emotions[] = { "NEU", "HAP", "SAD", "FEA", "DIS", "ANG" };
#define EMOTIONS (i64)(sizeof emotions / sizeof *emotions)

#define VIDEOS "VideoFlash"

typedef struct { const char *name; i64 label; } Row;

typedef struct {
    CsvTexts   lists[LISTS];
    i64        count;                /* rows of both                                */
    Row       *rows;
    DataSound *sounds;               /* [count]; NULL: the program reads none       */
    DataClips  clips[FIELDS];        /* of the fields video and frames              */
} CremaD;

/* ---- What a source offers ---- */

static const DataSound *sound_of(const DataSource *source, const DataField *field, i64 row) {
    return &((const CremaD *)source->reader)->sounds[row];
}

static i64 read_label(const DataSource *source, const DataField *field, i64 row) { return ((const CremaD *)source->reader)->rows[row].label; }

static const char *place_of(const DataSource *source, i64 row) {
    const CremaD *crema = source->reader;
    const CsvTexts *list = &crema->lists[LIST_TRAIN];
    if (row >= list->rows) {
        row -= list->rows;
        list = &crema->lists[LIST_TEST];
    }
    return mml_arena_format(source->arena, "%s:%lld", list->path, (long long)list->lines[row]);
}

static void close_crema_d(DataSource *source) {
    CremaD *crema = source->reader;
    if (crema->sounds) mml_sounds_free(crema->sounds, crema->count);
    for (int field = 0; field < FIELDS; field++) mml_clips_free(&crema->clips[field]);
}

/* ---- Lists ---- */

/* As `train =` and `test =` say; a name that isn't there is looked for in root. Without them, where the repositories
 * of public codes have them. */
static Status find_list(const DataSource *source, const DataOrigin *root, int list, DataOrigin *origin, const char **path) {
    static const char *const places[] = { "", "splits/", "data/CREMAD/" };
    const char *name = list_names[list];
    *origin = *root;
    if (mml_has(source->settings, "%s.%s", source->program->path, name)) {
        *origin = mml_data_origin(source->settings, source->program, name);
        *path = origin->value;
        if (access(*path, F_OK) == 0) return MML_OK;
        const char *inside = mml_arena_format(source->arena, "%s/%s", root->value, *path);
        if (inside && access(inside, F_OK) == 0) *path = inside;
        return inside ? MML_OK : MML_ENOMEM;
    }
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        *path = mml_arena_format(source->arena, "%s/%s%s.csv", root->value, places[i], name);
        if (!*path) return MML_ENOMEM;
        if (access(*path, F_OK) == 0) return MML_OK;
    }
    return mml_fail(MML_EDATA, "'%s' has no list of %s clips (%s, %s): put %s.csv with rows like 1001_DFA_ANG_XX,ANG into it or its folder "
                    "splits, as OGM-GE's code has it in data/CREMAD, or give crema_d(root, %s = \"FILE\")", root->value, name, root->setting,
                    root->source->where, name, name);
}

static Status read_list(DataSource *source, const DataOrigin *root, int number, CsvTexts *list) {
    DataOrigin origin;
    const char *path = NULL;
    char *text = NULL;
    i64 length = 0;
    MML_TRY(find_list(source, root, number, &origin, &path));
    MML_TRY(mml_data_file_text(&origin, path, &source->checksum, &text, &length));
    Status status = mml_csv_texts(path, text, length, 0, source->arena, list);
    free(text);
    if (status != MML_OK || list->columns == 2) return status;
    return mml_fail(MML_EDATA, "'%s' has %lld columns; a list has the clip and its emotion, as in 1001_DFA_ANG_XX,ANG", path,
                    (long long)list->columns);
}

/* 1001_DFA_ANG_XX: the parts' lengths and what they consist of. */
static int is_name(const char *name) {
    static const char form[] = "9999_AAA_AAA_AA";
    if (strlen(name) != sizeof form - 1) return 0;
    for (size_t i = 0; form[i]; i++) {
        int fits = form[i] == '9' ? name[i] >= '0' && name[i] <= '9' : form[i] == 'A' ? name[i] >= 'A' && name[i] <= 'Z' : name[i] == '_';
        if (!fits) return 0;
    }
    return 1;
}

static Status read_row(const CsvTexts *list, i64 row, Row *out) {
    const char *name = list->cells[2 * row], *emotion = list->cells[2 * row + 1];
    while (is_name(name) && out->label < EMOTIONS && strncmp(name + 9, emotions[out->label], 3) != 0) out->label++;
    if (!is_name(name) || out->label == EMOTIONS)
        return mml_fail(MML_EDATA, "%s:%lld: '%.40s' is no clip's name: 1001_DFA_ANG_XX is actor, sentence, emotion (NEU, HAP, SAD, FEA, DIS "
                        "or ANG) and level", list->path, (long long)list->lines[row], name);
    if (strcmp(emotion, emotions[out->label]) != 0)
        return mml_fail(MML_EDATA, "%s:%lld: the clip %s has the emotion %s in its name and '%.40s' in the list", list->path,
                        (long long)list->lines[row], name, emotions[out->label], emotion);
    out->name = name;
    return MML_OK;
}

static int by_name(const void *a, const void *b) { return strcmp((*(const Row *const *)a)->name, (*(const Row *const *)b)->name); }

/* A clip that is trained on and tested with would flatter the result. */
static Status check_apart(const DataSource *source, const CremaD *crema) {
    const Row **sorted = MML_NEW(source->arena, const Row *, crema->count);
    if (!sorted) return MML_ENOMEM;
    for (i64 i = 0; i < crema->count; i++) sorted[i] = &crema->rows[i];
    qsort(sorted, (size_t)crema->count, sizeof *sorted, by_name);
    for (i64 i = 1; i < crema->count; i++)
        if (strcmp(sorted[i]->name, sorted[i - 1]->name) == 0)
            return mml_fail(MML_EDATA, "%s: the clip %s stands at %s too", place_of(source, sorted[i] - crema->rows), sorted[i]->name,
                            place_of(source, sorted[i - 1] - crema->rows));
    return MML_OK;
}

static Status read_lists(DataSource *source, const DataOrigin *root, CremaD *crema) {
    for (int list = 0; list < LISTS; list++) {
        MML_TRY(read_list(source, root, list, &crema->lists[list]));
        crema->count += crema->lists[list].rows;
    }
    crema->rows = MML_NEW(source->arena, Row, crema->count);
    if (!crema->rows) return MML_ENOMEM;
    for (i64 list = 0, next = 0; list < LISTS; list++)
        for (i64 row = 0; row < crema->lists[list].rows; row++) MML_TRY(read_row(&crema->lists[list], row, &crema->rows[next++]));
    return check_apart(source, crema);
}

/* ---- Sounds and frames ---- */

static Status open_sounds(DataSource *source, const DataOrigin *root, CremaD *crema) {
    crema->sounds = MML_NEW(source->arena, DataSound, crema->count);
    if (!crema->sounds) return MML_ENOMEM;
    for (i64 i = 0; i < crema->count; i++) {
        crema->sounds[i].path = mml_arena_format(source->arena, "%s/AudioWAV/%s.wav", root->value, crema->rows[i].name);
        if (!crema->sounds[i].path) return MML_ENOMEM;
    }
    MML_TRY(mml_sounds_open(source, crema->sounds, crema->count));
    source->fields[source->field_count++] = mml_sounds_field(crema->sounds, crema->count, field_names[FIELD_WAV], crema->lists[LIST_TRAIN].path,
                                                             sound_of);
    return MML_OK;
}

/* The folder Image-NN-FPS with the fewest frames a second that are enough, else that with the most: 0 when there is none. */
static i64 find_rate(const DataOrigin *root, double enough, const char **name, MmlArena *arena) {
    DIR *folder = opendir(root->value);
    i64 best = 0;
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        int rate = 0, end = 0;
        if (sscanf(entry->d_name, "Image-%4d-FPS%n", &rate, &end) != 1 || end == 0 || entry->d_name[end] || rate < 1) continue;
        int better = best == 0 || ((double)best >= enough ? (double)rate >= enough && rate < best : rate > best);
        if (!better) continue;
        best = rate;
        *name = mml_arena_format(arena, "%s", entry->d_name);
    }
    if (folder) closedir(folder);
    return *name ? best : 0;
}

static Status no_frames(const DataSource *source, const DataOrigin *root) {
    const char *why = mml_video_ready() == MML_OK ? "there are no videos in VideoFlash either" : mml_message();
    why = mml_arena_format(source->arena, "%s", why);
    if (!why) return MML_ENOMEM;
    return mml_fail(MML_EDATA, "'%s' has no folder Image-NN-FPS of frames (%s, %s), and %s. One frame a second into Image-01-FPS: cd '%s' && "
                    "for f in VideoFlash/*.flv; do d=Image-01-FPS/$(basename $f .flv); mkdir -p $d; ffmpeg -i $f "
                    "-vf 'select=not(mod(n\\,29))' -vsync 0 -q:v 2 $d/%%05d.jpg; done", root->value, root->setting, root->source->where, why,
                    root->value);
}

static Status set_row(const DataSource *source, const DataOrigin *root, const char *folder, double rate, i64 row, DataClips *clips) {
    const char *clip = ((const CremaD *)source->reader)->rows[row].name;
    const char *path = mml_arena_format(source->arena, folder ? "%s/%s/%s" : "%s/%s/%s.flv", root->value, folder ? folder : VIDEOS, clip);
    if (!path) return MML_ENOMEM;
    if (folder) return mml_clips_set_folder(clips, row, path, rate, source->arena);
    mml_clips_set_video(clips, row, path);
    return MML_OK;
}

/* Pictures where they are enough, else the videos where they can be decoded, else what pictures there are. */
static Status open_frames(DataSource *source, const DataOrigin *root, int field, CremaD *crema) {
    DataClips *clips = &crema->clips[field];
    const char *folder = NULL, *videos = mml_arena_format(source->arena, "%s/%s", root->value, VIDEOS);
    double wanted = field == FIELD_VIDEO ? mml_clips_sampled_rate(source, field_names[field]) : 1, enough = wanted > 0 ? wanted : INFINITY;
    i64 rate = find_rate(root, enough, &folder, source->arena);
    if (!videos) return MML_ENOMEM;
    if (field == FIELD_VIDEO && (double)rate < enough && access(videos, F_OK) == 0 && mml_video_ready() == MML_OK) folder = NULL;
    else if (rate == 0) return no_frames(source, root);
    MML_TRY(mml_clips_new(source->arena, crema->count, clips));
    clips->sampled = wanted > 0 ? wanted : 0;
    for (i64 i = 0; i < crema->count; i++) MML_TRY(set_row(source, root, folder, (double)rate, i, clips));
    const char *name = mml_arena_format(source->arena, "%s-%s", source->program->name, field_names[field]);
    if (!name) return MML_ENOMEM;
    return mml_clips_open(clips, source, name);
}

/* 1: the row can't be used, and *why. */
static u8 is_missing(const CremaD *crema, i64 row, const char **why) {
    u8 missing = 0;
    for (int field = 0; field < FIELDS; field++) {
        const DataClips *clips = &crema->clips[field];
        if (!clips->count || !clips->rows[row].left_out) continue;
        missing = 1;
        *why = clips->rows[row].why;
    }
    if (!crema->sounds || crema->sounds[row].samples) return missing;
    *why = crema->sounds[row].why;
    return 1;
}

static Status skip_rows(DataSource *source, const CremaD *crema, u8 *missing) {
    for (i64 i = 0; i < crema->count; i++) {
        const char *why = NULL;
        missing[i] = is_missing(crema, i, &why);
        if (missing[i]) MML_TRY(mml_data_source_skip(source, 1, why));
    }
    MML_TRY(mml_data_source_skips(source, crema->count, "clips"));
    for (int field = 0; field < FIELDS; field++)
        if (crema->clips[field].count) MML_TRY(mml_clips_tell_replaced(&crema->clips[field], source, missing));
    return MML_OK;
}

Status mml_data_crema_d_open(DataSource *source) {
    CremaD *crema = mml_data_source_begin(source, sizeof *crema, FIELDS, place_of, close_crema_d);
    if (!crema) return MML_ENOMEM;
    source->class_count = EMOTIONS;
    source->classes = emotions;
    DataOrigin root;
    MML_TRY(mml_data_source_root(source, &root));
    MML_TRY(read_lists(source, &root, crema));
    u8 *missing = MML_NEW(source->arena, u8, crema->count);
    if (!missing) return MML_ENOMEM;
    for (int field = FIELD_VIDEO; field <= FIELD_FRAMES; field++)
        if (mml_data_source_used(source, field_names[field])) MML_TRY(open_frames(source, &root, field, crema));
    if (mml_data_source_used(source, field_names[FIELD_WAV])) MML_TRY(open_sounds(source, &root, crema));
    MML_TRY(skip_rows(source, crema, missing));
    for (int field = FIELD_VIDEO; field <= FIELD_FRAMES; field++) {
        DataField *out = &source->fields[source->field_count];
        if (crema->clips[field].count == 0) continue;
        MML_TRY(mml_clips_field(&crema->clips[field], field_names[field], 1, source->arena, out));
        source->field_count++;
    }
    source->fields[source->field_count++] = (DataField){ .name = field_names[FIELD_EMOTION], .file = crema->lists[LIST_TRAIN].path,
                                                         .label = read_label };
    return mml_data_split(source, crema->lists[LIST_TRAIN].rows, crema->lists[LIST_TEST].rows, missing);
}
