/* Files that survive a kill at any moment.
 *
 * A file is replaced whole: written beside its place under the name + ".new",
 * forced to disk, renamed over the old one, and the folder forced to disk.
 * Whoever reads it sees the old bytes or the new ones. Logs grow by whole
 * lines and are cut back to a known number of lines. Every failure is MML_EIO
 * with the path and what the system said.
 */
#ifndef TRAIN_FILES_H
#define TRAIN_FILES_H

#include <stdio.h>
#include "mml/base.h"

typedef struct { int descriptor; char *path, *temporary; char *buffer; size_t used; } MmlReplacement;

Status mml_replace_begin(MmlReplacement *file, const char *path);
Status mml_replace_write(MmlReplacement *file, const void *bytes, size_t count);
Status mml_replace_commit(MmlReplacement *file);          /* releases file whether it succeeds or not */
void   mml_replace_abandon(MmlReplacement *file);         /* removes what was written; harmless after commit */

/* All of the above for bytes that are at hand. */
Status mml_replace_file(const char *path, const void *bytes, size_t count);

typedef void (*MmlFileWriter)(FILE *out, const void *content);

/* Replaces FOLDER/name by what write makes of content: a page, a picture, a table. */
Status mml_write_file(const char *folder, const char *name, MmlFileWriter write, const void *content);

/* The whole file with a 0 behind it, malloc'd. MML_EDATA when it isn't there or can't be read. */
Status mml_read_file(const char *path, char **bytes, size_t *count);

int    mml_exists(const char *path);
i64    mml_file_size(const char *path);                    /* 0 when there is none */

/* Makes path and its parents. created: 1 when path itself is new. */
Status mml_folder_make(const char *path, int *created);
/* Fails unless files can be made in path, or in the nearest parent that exists. Changes nothing. */
Status mml_folder_writable(const char *path);
/* Fails unless folder has room for so many bytes: claims them and gives them back. */
Status mml_folder_reserve(const char *folder, i64 bytes);

/* Cuts a log behind its line number `lines`; makes an empty one when lines is
 * 0. Fails with MML_EDATA when it has fewer. */
Status mml_log_keep(const char *path, i64 lines);
/* Opens for appending; descriptor is the caller's. */
Status mml_log_open(const char *path, int *descriptor);
Status mml_log_append(int descriptor, const char *path, const char *text, size_t count);
Status mml_log_sync(int descriptor, const char *path);

#endif
