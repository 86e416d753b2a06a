/* Reading one set (images and labels) of the IDX files. */
#ifndef DATA_IDX_H
#define DATA_IDX_H

#include "data/source.h"

typedef struct {
    const char *images_file, *labels_file;
    i64         total;               /* in the files                                 */
    i64         used;                /* the first of them, in memory                 */
    i64         height, width;
    DataStore   store;               /* of images                                    */
    u8         *images, *labels;     /* mml_idx_free                                 */
} IdxPart;

/* SET-images-idx3-ubyte and SET-labels-idx1-ubyte (or .gz) in a folder; set: "train"
 * or "t10k"; root: for messages. The first `most` are read. What was read stays in
 * part even on failure. */
Status mml_idx_read(DataSource *source, const DataOrigin *root, const char *folder, const char *set, i64 most, IdxPart *part);
/* 1 when the folder has the images of that set. */
int    mml_idx_there(const DataSource *source, const char *folder, const char *set);
void   mml_idx_free(IdxPart *part);

#endif
