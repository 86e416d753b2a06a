/* Pictures on disk as the rows of a source: single ones, and clips, which are
 * folders of numbered pictures or videos.
 *
 * A row's frames are its files in natural order (runs of digits count as
 * numbers, so 2.png comes before 10.png; else by bytes). Every picture is decoded
 * once at the start, by all threads: a single one that can't be, and a clip with more of them than
 * good ones or with good ones of several sizes is left out and says why. In place of other frames that can't be
 * decoded their nearest good neighbour is shown, the earlier of two. Decoded pictures are kept as bytes as long as CLIPS_KEPT lasts; the
 * others are decoded again each time they are read. With --cache all are kept in a file
 * (clips_cache.c), and the next run decodes nothing. Rows may differ in size, the
 * frames of a row don't. Videos (video.h) are decoded likewise, and of them the frames that
 * `sample` would take are kept.
 */
#ifndef DATA_CLIPS_H
#define DATA_CLIPS_H

#include "data/source.h"

/* As much as a pipeline may keep (DATA_CACHE_LIMIT): 7000 pictures of 3 x 224 x 224 bytes. */
#define CLIPS_KEPT ((i64)1 << 30)

typedef struct {
    u8 *pixels;                      /* [height, width, 3]; NULL: not kept          */
    i64 place;                       /* in the file of the cache that is being written, -1 */
    i64 shift;                       /* to the frame that is shown in its place; 0: it is good */
} DataFrame;

typedef struct {
    const char        *name;         /* the picture, the folder or the video        */
    double             rate;         /* frames a second; 0: not known               */
    i64                count;        /* frames                                      */
    const char *const *files;        /* [count]; NULL: a video                      */
    DataFrame         *kept;         /* [count]                                     */
    i64                height, width;
    u64                checksum;
    i64                replaced;     /* frames that others are shown for            */
    int                left_out;
    char              *why;          /* of left_out or of the first frame that is replaced; malloc; NULL also when there was no memory */
} DataClip;

typedef struct {
    i64         count;
    DataClip   *rows;                /* [count]; one that nothing was set for is empty */
    double      sampled;             /* frames a second that are wanted of videos; 0: all */
    _Atomic i64 kept;                /* bytes                                       */
    DataStore   store;               /* of the cache; bytes NULL: pixels are memory of our own */
    int         writing;             /* pixels go into the store                    */
    _Atomic i64 written;             /* bytes                                       */
    _Atomic(char *) failed;          /* why the store couldn't take some; malloc    */
} DataClips;

/* count rows, to be set. */
Status mml_clips_new(MmlArena *arena, i64 count, DataClips *out);
/* Row `row` is one picture. */
Status mml_clips_set_picture(DataClips *clips, i64 row, const char *file, MmlArena *arena);
/* Row `row` is a folder of pictures, rate of them a second. One that isn't there or has none is left out. */
Status mml_clips_set_folder(DataClips *clips, i64 row, const char *folder, double rate, MmlArena *arena);
/* Row `row` is a video. mml_video_ready() must hold. */
void   mml_clips_set_video(DataClips *clips, i64 row, const char *file);
/* Reads every picture of the rows that aren't left out, or takes what an earlier run has kept in the cache. name: of
 * the file there. Their checksums are added to the source's. */
Status mml_clips_open(DataClips *clips, DataSource *source, const char *name);
/* The same without the cache, for mml_clips_open. */
Status mml_clips_decode(DataClips *clips, MmlThreads *threads);
/* Tells the source which frames are replaced, of rows that aren't missing[row]; MML_EDATA when they are more than the share
 * `skip` of all frames of these rows. */
Status mml_clips_tell_replaced(const DataClips *clips, DataSource *source, const u8 *missing);
void   mml_clips_free(DataClips *clips);

/* Whether `sample` at `rate` frames a second takes a frame of a clip that has `from` of them; rate <= from. */
int    mml_clips_sampled(double rate, double from, i64 frame);
/* Frames a second that the program samples of a field; 0 where it takes all of them, -1 where it reads none. */
double mml_clips_sampled_rate(const DataSource *source, const char *field);

/* The field of single pictures (`read`) or of clips (`frames` and `read_frame`) over these rows.
 * At least one row must be there. */
Status mml_clips_field(const DataClips *clips, const char *name, int of_clips, MmlArena *arena, DataField *out);

#endif
