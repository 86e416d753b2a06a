/* Listing a folder of classes: what lies in it, in an order that doesn't depend
 * on the file system.
 *
 * A sample is what has one name in a class's folder: NAME.png, the folder NAME of
 * numbered pictures, NAME.wav, NAME.mp4 are its parts. A name goes to its last dot, a
 * folder's to its end.
 */
#ifndef DATA_FOLDER_LIST_H
#define DATA_FOLDER_LIST_H

#include "data/file.h"

typedef enum { FOLDER_IMAGE, FOLDER_FRAMES, FOLDER_WAV, FOLDER_VIDEO, FOLDER_PARTS } FolderPart;

typedef struct {
    const char *name;                /* the path of its only part, of several without an ending */
    i64         class;
    const char *parts[FOLDER_PARTS]; /* paths; NULL: it has none, or none is wanted */
} FolderRow;

typedef struct {
    i64          class_count;
    const char **classes;            /* names of the sub-folders, by bytes; in arena */
    i64          row_count, capacity;
    FolderRow   *rows;               /* by class, then by name; paths in arena      */
} FolderList;

/* "picture", "clip", "sound", "video". */
const char *mml_folder_part(FolderPart part);
/* The parts of a set (1 << part), for messages: "pictures and sounds"; in arena, NULL: no memory. */
const char *mml_folder_parts(unsigned set, MmlArena *arena);

/* The sub-folders of origin's folder are the classes. Rows have the parts of the set `wanted`: what is a file of pictures, sound
 * or video says its ending (its content is not looked at). What begins with a dot is left out, as are files of other endings. Where
 * sounds are wanted videos are listed too: of a row without a sound file theirs is meant. With one
 * part to be listed each file is a row; with several a row may lack some, and two files of one part and name are
 * MML_EDATA. known: classes that must hold these (test folders), or NULL: then every class must have a row. */
Status mml_folder_list(const DataOrigin *origin, unsigned wanted, const FolderList *known, MmlArena *arena, FolderList *out);

/* The pictures in one folder, by bytes; paths in arena. MML_EDATA when it can't be looked into. */
Status mml_folder_pictures(const char *folder, MmlArena *arena, const char ***out, i64 *count);

#endif
