#include "data/clips.h"

#include <ctype.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "data/folder_list.h"
#include "data/picture.h"

Status mml_clips_new(MmlArena *arena, i64 count, DataClips *out) {
    *out = (DataClips){ .count = count, .rows = MML_NEW(arena, DataClip, count > 0 ? count : 1) };
    return out->rows ? MML_OK : MML_ENOMEM;
}

void mml_clips_free(DataClips *clips) {
    for (i64 i = 0; clips->rows && i < clips->count; i++) {
        for (i64 frame = 0; frame < clips->rows[i].count; frame++) free(clips->rows[i].pixels[frame]);
        free(clips->rows[i].why);
    }
}

/* ---- Listing ---- */

static Status set_files(DataClip *row, const char *name, i64 count, const char *const *files, MmlArena *arena) {
    *row = (DataClip){ .name = name, .count = count, .files = files, .pixels = MML_NEW(arena, u8 *, count) };
    return row->pixels ? MML_OK : MML_ENOMEM;
}

Status mml_clips_set_picture(DataClips *clips, i64 row, const char *file, MmlArena *arena) {
    const char **files = MML_NEW(arena, const char *, 1);
    if (!files) return MML_ENOMEM;
    *files = file;
    return set_files(&clips->rows[row], file, 1, files, arena);
}

static void leave_out(DataClip *row) {
    row->left_out = 1;
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

Status mml_clips_set_folder(DataClips *clips, i64 row, const char *folder, MmlArena *arena) {
    DataClip *clip = &clips->rows[row];
    const char **files = NULL;
    i64 count = 0;
    Status status = mml_folder_pictures(folder, arena, &files, &count);
    if (status == MML_ENOMEM) return status;
    if (status == MML_OK && count > 0) {
        qsort(files, (size_t)count, sizeof *files, natural_order);
        return set_files(clip, folder, count, files, arena);
    }
    if (status == MML_OK) mml_fail(MML_EDATA, "'%s' holds no picture (PNG or JPEG)", folder);
    *clip = (DataClip){ .name = folder };
    leave_out(clip);
    return MML_OK;
}

/* ---- Decoding ---- */

/* The pixels stay where there is room for them. */
static void keep(DataClips *clips, DataClip *row, i64 frame, Picture *picture) {
    i64 bytes = 3 * picture->height * picture->width;
    if (atomic_fetch_add(&clips->kept, bytes) + bytes <= CLIPS_KEPT) {
        row->pixels[frame] = picture->pixels;
        return;
    }
    atomic_fetch_sub(&clips->kept, bytes);
    free(picture->pixels);
}

static Status decode_frame(DataClips *clips, DataClip *row, i64 frame) {
    Picture picture;
    MML_TRY(mml_picture_read(row->files[frame], &row->checksum, &picture));
    if (frame == 0) {
        row->height = picture.height;
        row->width = picture.width;
    }
    int fits = picture.height == row->height && picture.width == row->width;
    if (fits) keep(clips, row, frame, &picture);
    else free(picture.pixels);
    if (fits) return MML_OK;
    return mml_fail(MML_EDATA, "'%s' is %lld x %lld pixels and '%s', of the same clip, %lld x %lld", row->files[0], (long long)row->height,
                    (long long)row->width, row->files[frame], (long long)picture.height, (long long)picture.width);
}

static void decode_rows(void *context, i64 begin, i64 end, int thread) {
    DataClips *clips = context;
    for (i64 i = begin; i < end; i++) {
        DataClip *row = &clips->rows[i];
        row->checksum = MML_DATA_HASH_START;
        for (i64 frame = 0; frame < row->count && !row->left_out; frame++)
            if (decode_frame(clips, row, frame) != MML_OK) leave_out(row);
    }
}

void mml_clips_decode(DataClips *clips, MmlThreads *threads) { mml_parallel(threads, clips->count, decode_rows, clips); }

/* ---- The field ---- */

/* To [3, height, width]. A file that could be decoded at the start and can't be any
 * more makes values that are not finite, which the batch reports. */
static void read_frame(const DataSource *source, const DataField *field, i64 index, i64 frame, float *out) {
    const DataClip *row = &((const DataClips *)field->store)->rows[index];
    i64 plane = row->height * row->width;
    Picture again = { 0 };
    const u8 *pixels = row->pixels[frame];
    if (!pixels && mml_picture_read(row->files[frame], NULL, &again) == MML_OK && again.height == row->height && again.width == row->width)
        pixels = again.pixels;
    for (i64 i = 0; i < plane; i++)
        for (int channel = 0; channel < 3; channel++) out[channel * plane + i] = pixels ? pixels[3 * i + channel] : NAN;
    free(again.pixels);
}

static void read_picture(const DataSource *source, const DataField *field, i64 row, float *out) { read_frame(source, field, row, 0, out); }

static i64 frames_of(const DataSource *source, const DataField *field, i64 row) { return ((const DataClips *)field->store)->rows[row].count; }

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
        out->read_frame = read_frame;
    } else {
        out->read = read_picture;
    }
    if (!other) return MML_OK;
    out->extent = extent_of;
    out->sizes = mml_arena_format(arena, "'%s' is %lld x %lld pixels and '%s' %lld x %lld", first->name, (long long)first->height,
                                  (long long)first->width, other->name, (long long)other->height, (long long)other->width);
    return out->sizes ? MML_OK : MML_ENOMEM;
}
