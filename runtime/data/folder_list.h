/* Listing a folder of classes: what lies in it, in an order that doesn't depend
 * on the file system.
 */
#ifndef DATA_FOLDER_LIST_H
#define DATA_FOLDER_LIST_H

#include "data/file.h"

typedef struct { const char *path; i64 class; } FolderFile;

typedef struct {
    i64          class_count;
    const char **classes;            /* names of the sub-folders, by bytes; in arena */
    i64          file_count, capacity;
    FolderFile  *files;              /* by class, then by name; paths in arena      */
} FolderList;

/* The sub-folders of origin's folder are the classes; the pictures in each are found by
 * the endings of picture files (their content is not looked at), with of_clips the folders in
 * each. What begins with a dot is left out, as are files of other endings. known: classes that
 * must hold these (test folders), or NULL: then every class must have one. */
Status mml_folder_list(const DataOrigin *origin, int of_clips, const FolderList *known, MmlArena *arena, FolderList *out);

/* The pictures in one folder, by bytes; paths in arena. MML_EDATA when it can't be looked into. */
Status mml_folder_pictures(const char *folder, MmlArena *arena, const char ***out, i64 *count);

#endif
