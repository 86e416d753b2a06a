/* Decoded pictures in a file of the cache: all pixels one behind the other, in the order in which threads
 * come to them, then an index of words (its place is the file's note): for each row whether it is left out, how many
 * frames are replaced, its frames, height, width, rate, checksum, the place of each frame (-1: not kept, -2 - i: frame i is shown instead)
 * and the length and text of why it is left out or a frame replaced. The key is of the rows' names and of their files' places, sizes and times, so that nothing is
 * read when the file is there. */
#include "data/clips.h"

#include <stdlib.h>
#include <string.h>

static DataKey key_of(const DataClips *clips, const DataSource *source) {
    DataKey key = mml_key(source->settings->experiment->compiler, "clips and what is shown");
    mml_key_bytes(&key, &clips->sampled, sizeof clips->sampled);
    for (i64 i = 0; i < clips->count; i++) {
        const DataClip *row = &clips->rows[i];
        mml_key_text(&key, row->name ? row->name : "");
        mml_key_int(&key, row->left_out ? -1 : row->files ? row->count : -2);
        mml_key_bytes(&key, &row->rate, sizeof row->rate);
        for (i64 frame = 0; row->files && frame < row->count; frame++) mml_key_file(&key, row->files[frame]);
        if (!row->files && row->name) mml_key_file(&key, row->name);
    }
    return key;
}

/* ---- The index ---- */

enum { LEFT_OUT, REPLACED, FRAMES, HEIGHT, WIDTH, RATE, CHECKSUM, REASON, WORDS };      /* of a row, before its places and its reason */

static i64 words_of(i64 bytes) { return (bytes + 7) / 8; }

static i64 reason_bytes(const DataClip *row) { return row->why ? (i64)strlen(row->why) : 0; }

static i64 index_words(const DataClips *clips) {
    i64 words = 0;
    for (i64 i = 0; i < clips->count; i++) words += WORDS + clips->rows[i].count + words_of(reason_bytes(&clips->rows[i]));
    return words;
}

static void put_row(const DataClip *row, i64 **at) {
    i64 *words = *at, reason = reason_bytes(row);
    words[LEFT_OUT] = row->left_out;
    words[REPLACED] = row->replaced;
    words[FRAMES] = row->count;
    words[HEIGHT] = row->height;
    words[WIDTH] = row->width;
    memcpy(&words[RATE], &row->rate, sizeof row->rate);
    memcpy(&words[CHECKSUM], &row->checksum, sizeof row->checksum);
    words[REASON] = reason;
    for (i64 frame = 0; frame < row->count; frame++) {
        const DataFrame *kept = &row->kept[frame];
        words[WORDS + frame] = kept->shift ? -2 - (frame + kept->shift) : kept->place;
    }
    if (reason) memcpy(words + WORDS + row->count, row->why, (size_t)reason);
    *at += WORDS + row->count + words_of(reason);
}

static Status write_index(DataClips *clips) {
    i64 words = index_words(clips), *index = calloc((size_t)words + 1, sizeof *index), *at = index;
    if (!index) return mml_fail(MML_ENOMEM, "no memory for an index of %lld clips", (long long)clips->count);
    for (i64 i = 0; i < clips->count; i++) put_row(&clips->rows[i], &at);
    Status status = mml_store_write(&clips->store, clips->written, index, 8 * words);
    free(index);
    clips->store.note = (u64)clips->written;
    return status == MML_OK ? mml_store_grown(&clips->store, clips->written + 8 * words) : status;
}

/* Sets a row from its words; 0: they don't fit it. */
static int take_row(const DataClips *clips, DataClip *row, const i64 *words, i64 left) {
    i64 count = left >= WORDS ? words[FRAMES] : -1, reason = left >= WORDS ? words[REASON] : -1;
    if (count < 0 || reason < 0 || count > left - WORDS || words_of(reason) > left - WORDS - count) return 0;
    if (row->files ? count != row->count : row->left_out && count != 0) return 0;
    if (!row->files && count > 0 && !(row->kept = calloc((size_t)count, sizeof *row->kept))) return 0;
    if (reason && !row->why) row->why = strndup((const char *)(words + WORDS + count), (size_t)reason);
    row->left_out = words[LEFT_OUT] != 0;
    row->replaced = words[REPLACED];
    row->count = count;
    row->height = words[HEIGHT];
    row->width = words[WIDTH];
    memcpy(&row->rate, &words[RATE], sizeof row->rate);
    memcpy(&row->checksum, &words[CHECKSUM], sizeof row->checksum);
    i64 bytes = 3 * row->height * row->width, pixels = (i64)clips->store.note;
    for (i64 frame = 0; frame < count; frame++) {
        i64 place = words[WORDS + frame];
        i64 shown = place <= -2 && !row->left_out ? -2 - place : frame;
        if (place >= 0 && (bytes < 0 || place > pixels - bytes)) return 0;
        if (shown != frame && (shown >= count || words[WORDS + shown] < -1)) return 0;
        row->kept[frame] = (DataFrame){ place < 0 ? NULL : clips->store.bytes + place, place < 0 ? -1 : place, shown - frame };
    }
    return 1;
}

/* From the file; 0: it doesn't fit these rows, some of which may have been set. */
static int read_index(DataClips *clips) {
    i64 at = (i64)clips->store.note, words = (clips->store.count - at) / 8;
    i64 *index = at >= 0 && words > 0 ? malloc(8 * (size_t)words) : NULL, *row = index;
    int fits = index != NULL;
    if (index) memcpy(index, clips->store.bytes + at, 8 * (size_t)words);
    for (i64 i = 0; i < clips->count && fits; i++) {
        fits = take_row(clips, &clips->rows[i], row, words - (row - index));
        if (fits) row += WORDS + row[FRAMES] + words_of(row[REASON]);
    }
    free(index);
    return fits;
}

/* ---- Opening ---- */

/* As before the file was looked at or written; rows that were left out stay so. */
static void forget(DataClips *clips) {
    clips->writing = 0;
    for (i64 i = 0; i < clips->count; i++) {
        DataClip *row = &clips->rows[i];
        if (row->files) continue;
        free(row->kept);
        row->kept = NULL;
        row->count = 0;
    }
}

static Status find_or_decode(DataClips *clips, const DataSource *source, const char *name) {
    if (source->cache) MML_TRY(mml_store_grow(source->cache, name, key_of(clips, source), &clips->store));
    if (clips->store.ready && read_index(clips)) return MML_OK;
    if (clips->store.ready) {
        mml_store_close(&clips->store);
        forget(clips);
    }
    clips->writing = clips->store.descriptor >= 0;
    MML_TRY(mml_clips_decode(clips, source->threads));
    if (!clips->writing) return MML_OK;
    if (!clips->failed && write_index(clips) == MML_OK) {
        mml_store_seal(&clips->store);
        for (i64 i = 0; i < clips->count; i++)
            for (i64 frame = 0; frame < clips->rows[i].count; frame++) {
                DataFrame *kept = &clips->rows[i].kept[frame];
                kept->pixels = kept->place < 0 ? NULL : clips->store.bytes + kept->place;
            }
        clips->writing = 0;
        return MML_OK;
    }
    mml_store_give_up(&clips->store, clips->failed ? clips->failed : mml_message());      /* in memory, as far as that goes */
    free(clips->failed);
    clips->failed = NULL;
    forget(clips);
    return mml_clips_decode(clips, source->threads);
}

Status mml_clips_open(DataClips *clips, DataSource *source, const char *name) {
    MML_TRY(find_or_decode(clips, source, name));
    for (i64 i = 0; i < clips->count; i++)
        source->checksum = mml_data_hash(source->checksum, &clips->rows[i].checksum, sizeof clips->rows[i].checksum);
    return MML_OK;
}
