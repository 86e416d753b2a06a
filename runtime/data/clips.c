#include "data/clips.h"

#include <ctype.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "data/folder_list.h"
#include "data/video.h"

Status mml_clips_new(MmlArena *arena, i64 count, DataClips *out) {
    *out = (DataClips){ .count = count, .rows = MML_NEW(arena, DataClip, count > 0 ? count : 1), .store = { .descriptor = -1 } };
    return out->rows ? MML_OK : MML_ENOMEM;
}

void mml_clips_free(DataClips *clips) {
    for (i64 i = 0; clips->rows && i < clips->count; i++) {
        DataClip *row = &clips->rows[i];
        for (i64 frame = 0; frame < row->count && !clips->store.bytes; frame++) free(row->kept[frame].pixels);
        if (!row->files) free(row->kept);
        free(row->why);
    }
    mml_store_close(&clips->store);
    free(clips->failed);
}

/* ---- Listing ---- */

static Status set_files(DataClip *row, const char *name, i64 count, const char *const *files, MmlArena *arena) {
    *row = (DataClip){ .name = name, .count = count, .files = files, .kept = MML_NEW(arena, DataFrame, count) };
    return row->kept ? MML_OK : MML_ENOMEM;
}

Status mml_clips_set_picture(DataClips *clips, i64 row, const char *file, MmlArena *arena) {
    const char **files = MML_NEW(arena, const char *, 1);
    if (!files) return MML_ENOMEM;
    *files = file;
    return set_files(&clips->rows[row], file, 1, files, arena);
}

static void leave_out(DataClip *row) {
    row->left_out = 1;
    free(row->why);
    row->why = strdup(mml_message());
}

/* Runs of digits as numbers, everything else by bytes; equal numbers by their zeros. */
static int natural_order(const void *a, const void *b) {
    const char *x = *(const char *const *)a, *y = *(const char *const *)b, *left = x, *right = y;
    while (*x && *y) {
        if (!isdigit((unsigned char)*x) || !isdigit((unsigned char)*y)) {
            if (*x != *y) return (unsigned char)*x < (unsigned char)*y ? -1 : 1;
            x++;
            y++;
            continue;
        }
        x += strspn(x, "0");
        y += strspn(y, "0");
        size_t digits = strspn(x, "0123456789"), others = strspn(y, "0123456789");
        if (digits != others) return digits < others ? -1 : 1;
        int order = strncmp(x, y, digits);
        if (order) return order;
        x += digits;
        y += digits;
    }
    if (*x || *y) return *x ? 1 : -1;
    return strcmp(left, right);
}

Status mml_clips_set_folder(DataClips *clips, i64 row, const char *folder, double rate, MmlArena *arena) {
    DataClip *clip = &clips->rows[row];
    const char **files = NULL;
    i64 count = 0;
    Status status = mml_folder_pictures(folder, arena, &files, &count);
    if (status == MML_ENOMEM) return status;
    if (status == MML_OK && count > 0) {
        qsort(files, (size_t)count, sizeof *files, natural_order);
        MML_TRY(set_files(clip, folder, count, files, arena));
        clip->rate = rate;
        return MML_OK;
    }
    if (status == MML_OK) mml_fail(MML_EDATA, "'%s' holds no picture (PNG or JPEG)", folder);
    *clip = (DataClip){ .name = folder };
    leave_out(clip);
    return MML_OK;
}

void mml_clips_set_video(DataClips *clips, i64 row, const char *file) { clips->rows[row] = (DataClip){ .name = file }; }

/* ---- sample ---- */

/* Whole rates take what OGM-GE's and PMR's extraction keeps: frames whose place within the second is a multiple of
 * from div rate, and no more than rate of them. Other rates take frame floor(i * from / rate). */
int mml_clips_sampled(double rate, double from, i64 frame) {
    if (rate >= 1 && floor(rate) == rate && floor(from) == from) {
        i64 whole = (i64)from, taken = (i64)rate, interval = whole / taken, place = frame % whole;
        return place % interval == 0 && place < interval * taken;
    }
    double ratio = from / rate;
    return (i64)floor(ceil((double)frame / ratio) * ratio) == frame;
}

double mml_clips_sampled_rate(const DataSource *source, const char *field) {
    const MmlExperiment *experiment = source->settings->experiment;
    double most = -1;
    for (i64 m = 0; m < experiment->modality_count; m++) {
        const MmlModality *modality = &experiment->modalities[m];
        if (&experiment->sources[modality->source] != source->program || strcmp(modality->field, field) != 0) continue;
        if (modality->transform_count == 0) return 0;
        const MmlTransform *first = &modality->transforms[0];
        if (strcmp(first->name, "sample") != 0) return 0;
        double rate = mml_real(source->settings, "%s.rate", first->path);
        if (rate > most) most = rate;
    }
    return most;
}

/* ---- Decoding ---- */

/* Takes room for that many bytes where there is any. */
static int has_room(DataClips *clips, i64 bytes) {
    if (clips->writing) return 1;
    if (atomic_fetch_add(&clips->kept, bytes) + bytes <= CLIPS_KEPT) return 1;
    atomic_fetch_sub(&clips->kept, bytes);
    return 0;
}

static void fail(DataClips *clips) {
    char *none = NULL, *why = strdup(mml_message());
    if (!atomic_compare_exchange_strong(&clips->failed, &none, why)) free(why);
}

/* Into the cache's file, or as it is: room for it has been taken. */
static void keep(DataClips *clips, DataClip *row, i64 frame, Picture *picture) {
    i64 bytes = 3 * picture->height * picture->width;
    row->kept[frame] = (DataFrame){ picture->pixels, -1, 0 };
    if (!clips->writing) return;
    row->kept[frame] = (DataFrame){ NULL, atomic_fetch_add(&clips->written, bytes), 0 };
    if (!clips->failed && mml_store_write(&clips->store, row->kept[frame].place, picture->pixels, bytes) != MML_OK) fail(clips);
    free(picture->pixels);
}

/* What can't be decoded is marked by a shift past the end until the others are known; the first tells why. */
static Status decode_frame(DataClips *clips, DataClip *row, i64 frame) {
    Picture picture;
    row->kept[frame] = (DataFrame){ NULL, -1, 0 };
    if (mml_picture_read(row->files[frame], &row->checksum, &picture) != MML_OK) {
        row->kept[frame].shift = row->count;
        if (row->replaced++ == 0) row->why = strdup(mml_message());
        return MML_OK;
    }
    if (frame == row->replaced) {                /* the first good one */
        row->height = picture.height;
        row->width = picture.width;
    }
    int fits = picture.height == row->height && picture.width == row->width;
    if (fits && has_room(clips, 3 * picture.height * picture.width)) keep(clips, row, frame, &picture);
    else free(picture.pixels);
    if (fits) return MML_OK;
    i64 first = 0;
    while (row->kept[first].shift) first++;
    return mml_fail(MML_EDATA, "'%s' is %lld x %lld pixels and '%s', of the same clip, %lld x %lld", row->files[first], (long long)row->height,
                    (long long)row->width, row->files[frame], (long long)picture.height, (long long)picture.width);
}

static int is_good(const DataClip *row, i64 frame) { return frame >= 0 && frame < row->count && row->kept[frame].shift == 0; }

/* Marks stay until every shift is known: it is past the end for as long. */
static void replace_frames(DataClip *row) {
    for (i64 frame = 0; frame < row->count; frame++) {
        i64 away = 1;
        if (row->kept[frame].shift == 0) continue;
        while (!is_good(row, frame - away) && !is_good(row, frame + away)) away++;
        row->kept[frame].shift = is_good(row, frame - away) ? -away : away;
    }
}

typedef struct { DataClips *clips; DataClip *row; i64 room; } Opening;

/* Makes room for the frame's pixels; what `sample` would take is kept. */
static int wants_opening(void *context, const VideoInfo *info, i64 frame) {
    Opening *o = context;
    DataClip *row = o->row;
    if (mml_stop_asked()) return -1;
    if (frame >= o->room) {
        i64 room = 2 * frame + 64;
        DataFrame *larger = realloc(row->kept, sizeof *larger * (size_t)room);
        if (!larger) return -1;
        for (i64 i = o->room; i < room; i++) larger[i] = (DataFrame){ NULL, -1, 0 };
        row->kept = larger;
        o->room = room;
    }
    row->count = frame + 1;
    double sampled = o->clips->sampled;
    int taken = sampled <= 0 || (info->rate >= sampled && mml_clips_sampled(sampled, (double)info->rate, frame));
    return taken && has_room(o->clips, 3 * info->height * info->width);
}

static void take_opening(void *context, i64 frame, Picture *picture) {
    const Opening *o = context;
    keep(o->clips, o->row, frame, picture);
}

static Status open_video(DataClips *clips, DataClip *row) {
    Opening opening = { clips, row, 0 };
    VideoInfo info;
    MML_TRY(mml_video_decode(row->name, &row->checksum, &(VideoSink){ &opening, wants_opening, take_opening }, &info));
    row->rate = (double)info.rate;
    row->height = info.height;
    row->width = info.width;
    return row->count == info.frames ? MML_OK : mml_fail(MML_ENOMEM, "no memory for the frames of '%s'", row->name);
}

static void decode_row(DataClips *clips, DataClip *row) {
    if (row->left_out) return;
    row->checksum = MML_DATA_HASH_START;
    if (!row->files) {
        if (row->name && open_video(clips, row) != MML_OK) leave_out(row);
        return;
    }
    row->replaced = 0;
    free(row->why);
    row->why = NULL;
    for (i64 frame = 0; frame < row->count; frame++) {
        if (mml_stop_asked()) return;
        if (decode_frame(clips, row, frame) == MML_OK) continue;
        leave_out(row);
        return;
    }
    if (2 * row->replaced > row->count) row->left_out = 1;
    else replace_frames(row);
}

static void decode_rows(void *context, i64 begin, i64 end, int thread) {
    const DataClips *clips = context;
    for (i64 i = begin; i < end && !mml_stop_asked() && !clips->failed; i++) decode_row(context, &((DataClips *)context)->rows[i]);
}

Status mml_clips_decode(DataClips *clips, MmlThreads *threads) {
    mml_parallel(threads, clips->count, decode_rows, clips);
    return mml_data_go_on();
}

/* ---- What was replaced ---- */

Status mml_clips_tell_replaced(const DataClips *clips, DataSource *source, const u8 *missing) {
    i64 frames = 0, replaced = 0, rows = 0;
    const char *why = NULL;
    for (i64 i = 0; i < clips->count; i++) {
        const DataClip *row = &clips->rows[i];
        if (missing[i]) continue;
        frames += row->count;
        if (row->replaced == 0) continue;
        if (rows++ == 0) why = row->why;
        replaced += row->replaced;
    }
    return mml_data_source_replace(source, replaced, frames, rows, why);
}

/* ---- The field ---- */

typedef struct { i64 frame; Picture picture; } Again;

static int wants_again(void *context, const VideoInfo *info, i64 frame) {
    i64 wanted = ((const Again *)context)->frame;
    return frame < wanted ? 0 : frame == wanted ? 1 : -1;
}

static void take_again(void *context, i64 frame, Picture *picture) { ((Again *)context)->picture = *picture; }

static void read_again(const DataClip *row, i64 frame, Picture *out) {
    Again again = { .frame = frame };
    VideoInfo info;
    if (row->files) {
        if (mml_picture_read(row->files[frame], NULL, out) != MML_OK) *out = (Picture){ 0 };
        return;
    }
    mml_video_decode(row->name, NULL, &(VideoSink){ &again, wants_again, take_again }, &info);
    *out = again.picture;
}

static const u8 *pixels_of(const DataClip *row, i64 frame, u8 **own) {
    Picture again = { 0 };
    frame += row->kept[frame].shift;
    *own = NULL;
    if (row->kept[frame].pixels) return row->kept[frame].pixels;
    read_again(row, frame, &again);
    *own = again.pixels;
    return again.height == row->height && again.width == row->width ? *own : NULL;
}

static void put_planes(const u8 *pixels, i64 plane, float *restrict out) {
    float *restrict red = out, *restrict green = out + plane, *restrict blue = out + 2 * plane;
    for (i64 i = 0; i < plane; i++) {
        red[i] = pixels[3 * i];
        green[i] = pixels[3 * i + 1];
        blue[i] = pixels[3 * i + 2];
    }
}

/* To [3, height, width]. A file that could be decoded at the start and can't be any
 * more makes values that are not finite, which the batch reports. */
static void read_frame(const DataSource *source, const DataField *field, i64 index, i64 frame, float *out) {
    const DataClip *row = &((const DataClips *)field->store)->rows[index];
    i64 plane = row->height * row->width;
    u8 *own;
    const u8 *pixels = pixels_of(row, frame, &own);
    if (pixels) put_planes(pixels, plane, out);
    else for (i64 i = 0; i < 3 * plane; i++) out[i] = NAN;
    free(own);
}

static const u8 *picture_pixels(const DataSource *source, const DataField *field, i64 row, u8 **own) {
    return pixels_of(&((const DataClips *)field->store)->rows[row], 0, own);
}

static void read_picture(const DataSource *source, const DataField *field, i64 row, float *out) { read_frame(source, field, row, 0, out); }

static i64 frames_of(const DataSource *source, const DataField *field, i64 row) { return ((const DataClips *)field->store)->rows[row].count; }

static double rate_of(const DataSource *source, const DataField *field, i64 row) { return ((const DataClips *)field->store)->rows[row].rate; }

static void extent_of(const DataSource *source, const DataField *field, i64 row, i64 *height, i64 *width) {
    const DataClip *clip = &((const DataClips *)field->store)->rows[row];
    *height = clip->height;
    *width = clip->width;
}

static i64 larger(i64 a, i64 b) { return a > b ? a : b; }

Status mml_clips_field(const DataClips *clips, const char *name, int of_clips, MmlArena *arena, DataField *out) {
    const DataClip *first = NULL, *other = NULL;
    i64 height = 0, width = 0, pixels = 0;
    for (i64 i = 0; i < clips->count; i++) {
        const DataClip *row = &clips->rows[i];
        if (row->left_out || row->count == 0) continue;
        if (!first) first = row;
        if (row->height != first->height || row->width != first->width) other = row;
        height = larger(height, row->height);
        width = larger(width, row->width);
        pixels = larger(pixels, row->height * row->width);
    }
    if (!first) return mml_fail(MML_EBUG, "%s: a field of no picture", name);
    *out = (DataField){ .name = name, .file = first->name, .shape = { 3, { 3, height, width } }, .size = 3 * pixels, .store = clips };
    if (of_clips) {
        out->frames = frames_of;
        out->rate = rate_of;
        out->read_frame = read_frame;
    } else {
        out->read = read_picture;
        out->pixels = picture_pixels;
    }
    if (!other) return MML_OK;
    out->extent = extent_of;
    out->sizes = mml_arena_format(arena, "'%s' is %lld x %lld pixels and '%s' %lld x %lld", first->name, (long long)first->height,
                                  (long long)first->width, other->name, (long long)other->height, (long long)other->width);
    return out->sizes ? MML_OK : MML_ENOMEM;
}
