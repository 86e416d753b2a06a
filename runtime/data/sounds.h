/* Sound files, and the sound of videos, of a source: each is read whole once at the start, by all threads,
 * so that what can't be read is known; a sample is decoded again each time it is
 * read (what a pipeline makes of it is kept there).
 */
#ifndef DATA_SOUNDS_H
#define DATA_SOUNDS_H

#include "mml/threads.h"
#include "data/source.h"

typedef struct DataSound {
    const char *path;                /* the caller's; NULL: a row without a sound   */
    int         of_video;            /* path is a video                             */
    i64         rate, samples;       /* one channel's; 0 when it can't be read      */
    u64         checksum;
    char       *why;                 /* why it can't be read, else NULL; malloc     */
} DataSound;

/* Fills in what the files at sounds[i].path are, and adds their checksums to the source's. */
Status mml_sounds_open(DataSource *source, DataSound *sounds, i64 count);
void mml_sounds_free(DataSound *sounds, i64 count);

/* The field of these sounds; sound: that of a row. file: for messages. */
DataField mml_sounds_field(const DataSound *sounds, i64 count, const char *name, const char *file,
                           const DataSound *(*sound)(const DataSource *source, const DataField *field, i64 row));

/* The mean of its channels: out[samples]. A file that has become another since the start
 * makes values that are not finite, which the batch reports. */
void mml_sound_read(const DataSound *sound, float *out);

#endif
