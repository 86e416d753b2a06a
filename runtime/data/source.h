/* Sources: a row of a table opens each kind; all look alike afterwards.
 *
 * A source has rows numbered 0 … as they lie in its files (train first, then
 * test where those are files of their own). That number names the sample in
 * random streams: neither limits nor holdout change it. Each split is a list
 * of row numbers in rising order.
 */
#ifndef DATA_SOURCE_H
#define DATA_SOURCE_H

#include "mml/data.h"
#include "mml/threads.h"
#include "data/file.h"
#include "data/store.h"

typedef struct DataSource DataSource;

typedef struct DataField {
    const char *name;
    const char *file;                /* what messages about its shape name          */
    MmlShape    shape;               /* of one sample; rank 0: a label              */
    i64         size;
    i64         index;               /* the reader's own                            */
    /* Feature fields: one sample as floats. NULL for labels. */
    void      (*read)(const DataSource *source, const struct DataField *field, i64 row, float *out);
    /* Where the floats of one sample lie as read gives them, to be fetched before they are read; NULL: nowhere. */
    const float *(*floats)(const DataSource *source, const struct DataField *field, i64 row);
    /* The class, not yet checked against K. NULL for what can't be a label. */
    i64       (*label)(const DataSource *source, const struct DataField *field, i64 row);
    const char *no_label;            /* why it can't, for messages; may be NULL     */
    int         loose;               /* an array without a content of its own: taken as what the
                                        modality declares, see mml_data_pipeline_open */
    /* Clips: how many frames a row has, and one of them; shape and size are one frame's. `read` is NULL then. */
    i64       (*frames)(const DataSource *source, const struct DataField *field, i64 row);
    void      (*read_frame)(const DataSource *source, const struct DataField *field, i64 row, i64 frame, float *out);
    double    (*rate)(const DataSource *source, const struct DataField *field, i64 row);      /* frames a second; 0: not known */
    const void *store;               /* the reader's own                            */
    /* Pictures: one as bytes [height, width, 3], which read gives as floats [3, height, width]; NULL: it can't be read any
     * more. *own: memory that the caller frees, or NULL. */
    const u8 *(*pixels)(const DataSource *source, const struct DataField *field, i64 row, u8 **own);
    /* Pictures of several sizes: height and width of one. shape then holds the
     * largest of each, size the values of the largest picture, sizes two that differ
     * ("'a.png' is 3 x 4 pixels and …"). NULL where all have shape. */
    void      (*extent)(const DataSource *source, const struct DataField *field, i64 row, i64 *height, i64 *width);
    const char *sizes;
    /* Sounds: the file of a row. shape then has rank 0 and read writes the mean of its
     * channels at its own rate, size being the values of the longest. NULL for other fields. */
    const struct DataSound *(*sound)(const DataSource *source, const struct DataField *field, i64 row);
} DataField;

struct DataSource {
    const MmlSettings *settings;
    const MmlSource   *program;
    MmlArena          *arena;
    u64                seed;
    MmlThreads        *threads;      /* for opening                                 */
    DataCache         *cache;        /* where large arrays go (store.h), or NULL    */
    i64                field_count;
    DataField         *fields;
    i64               *rows[MML_SPLITS];
    i64                counts[MML_SPLITS];
    i64                skipped;
    i64                skip_count;   /* of skips                                    */
    const char        *skips[MML_DATA_SKIPS_NAMED];     /* what the first were, and why */
    i64                replaced;     /* frames of clips that a neighbour is shown for */
    const char        *replacement;  /* that, for people; NULL: none                */
    i64                class_count;  /* 0: classes have no names                    */
    const char *const *classes;
    u64                checksum;
    void              *reader;       /* the kind's own state                        */
    /* Where a row's label stands, "b.csv:5"; in arena. */
    const char      *(*place)(const DataSource *source, i64 row);
    void             (*close)(DataSource *source);      /* frees what isn't in the arena; may be NULL */
};

/* Opens by kind and makes the splits. On failure nothing is left open. */
Status mml_data_source_open(const MmlSettings *settings, const MmlSource *program, u64 seed, MmlThreads *threads,
                            DataCache *cache, MmlArena *arena, DataSource *out);
void   mml_data_source_close(DataSource *source);

/* The field of that name, or NULL. */
const DataField *mml_data_source_field(const DataSource *source, const char *name);

/* ---- For readers ---- */

/* What readers begin with: a state of their own of that many bytes, zeroed, which is returned; room for `fields` fields; where a row's label
 * stands; what frees the state. NULL: no memory. */
void  *mml_data_source_begin(DataSource *source, size_t bytes, i64 fields, const char *(*place)(const DataSource *source, i64 row),
                             void (*close)(DataSource *source));
/* Where the path `root` comes from; MML_EDATA unless it is a folder. */
Status mml_data_source_root(const DataSource *source, DataOrigin *root);

/* The key of what a reader makes of a file for this source, before what it makes of it. */
DataKey mml_data_source_key(const DataSource *source, const char *what, const char *path);

/* Reads limit and test_limit: how many rows of `split` (train or test) are to be
 * used out of `count`. */
Status mml_data_source_limit(const DataSource *source, MmlSplit split, i64 count, i64 *out);
/* 1: the program reads the field of that name (inputs and target). */
int    mml_data_source_used(const DataSource *source, const char *field);
/* count row numbers of a split, to be filled; NULL with MML_ENOMEM set. */
i64   *mml_data_source_rows(DataSource *source, MmlSplit split, i64 count);

/* Counts `samples` more that can't be read for one reason, which is copied while there is room; why NULL: no memory to tell. */
Status mml_data_source_skip(DataSource *source, i64 samples, const char *why);
/* Counts `replaced` of `frames` frames, in `clips` clips, that can't be read and that a neighbour is shown for; why: of the first.
 * MML_EDATA when they are more than the share `skip`. */
Status mml_data_source_replace(DataSource *source, i64 replaced, i64 frames, i64 clips, const char *why);
/* MML_EDATA when all `count` samples were skipped, or more than the share `skip` of them. what: "pictures". */
Status mml_data_source_skips(const DataSource *source, i64 count, const char *what);

/* Readers: the opening functions of the table. */
Status mml_data_idx_open(DataSource *source);
Status mml_data_csv_open(DataSource *source);
Status mml_data_npz_open(DataSource *source);
Status mml_data_colored_open(DataSource *source);
Status mml_data_folder_open(DataSource *source);
Status mml_data_crema_d_open(DataSource *source);
Status mml_data_av_digits_open(DataSource *source);
/* Kinds that the language knows and this version doesn't read: says what is missing. */
Status mml_data_unread_open(DataSource *source);

#endif
