/* Reading data files, plain or gzip, with messages that name the file and the
 * setting it came from.
 */
#ifndef DATA_FILE_H
#define DATA_FILE_H

#include <zlib.h>
#include "mml/settings.h"

/* Where a path came from, for messages: its setting and the value of that
 * setting (the path itself or a folder of it). */
typedef struct {
    const MmlSettings *settings;
    const MmlSource   *source;
    const char        *setting;      /* "data.digits.root"                       */
    const char        *value;
} DataOrigin;

typedef struct {
    const char *path;
    gzFile      stream;
    i64         disk_bytes;
    int         compressed;
    u64        *checksum;            /* every byte read is added to it; may be NULL */
} DataFile;

/* FNV-1a, 64 bits (Fowler, Noll, Vo): the start, and what further bytes make of it. */
#define MML_DATA_HASH_START 0xcbf29ce484222325u
u64 mml_data_hash(u64 hash, const void *bytes, i64 count);

/* MML_EINTERRUPT once a stop was asked for (mml_stop_ask): whatever reads or computes for long while data are opened looks at it. */
Status mml_data_go_on(void);

/* The origin of a positional file argument in a slot. */
DataOrigin mml_data_origin_slot(const MmlSettings *settings, const MmlSource *source, i64 slot);
/* The origin of argument `name` of a source ("root"). */
DataOrigin mml_data_origin(const MmlSettings *settings, const MmlSource *source, const char *name);

/* Fails with "there is no WHAT 'PATH' (SETTING, WHERE); give --PARAM". */
Status mml_data_missing(const DataOrigin *origin, const char *what, const char *path);

/* MML_EDATA unless the origin's value is a folder. */
Status mml_data_need_folder(const DataOrigin *origin);

/* Opens for reading; only regular files. */
Status mml_data_open_regular(const DataOrigin *origin, const char *path, int *descriptor, i64 *bytes);

/* All of a regular file of at most a GiB; the caller frees it. For files that a source
 * may skip: messages name the path only. */
Status mml_data_file_bytes(const char *path, u8 **bytes, i64 *count);

/* MML_EDATA when what a file promises is more than this machine's memory:
 * damage, or made to harm. what: "array images". */
Status mml_data_room(const char *path, const char *what, i64 bytes);

/* A deflate stream expands to at most this many times its size (zlib's technical notes). */
#define MML_DEFLATE_LIMIT 1032

/* path must outlive the file. Only regular files are read. */
Status mml_data_file_open(const DataOrigin *origin, const char *path, u64 *checksum, DataFile *out);
void   mml_data_file_close(DataFile *file);

/* Exactly `bytes` bytes; MML_EDATA when the file ends before or is damaged. what: "its header". */
Status mml_data_file_read(DataFile *file, void *out, i64 bytes, const char *what);
/* Up to `bytes` bytes; *count of them were there. */
Status mml_data_file_some(DataFile *file, void *out, i64 bytes, i64 *count);
/* MML_EDATA when anything is left to read or the gzip checksum is wrong. */
Status mml_data_file_finish(DataFile *file);
/* MML_EDATA when `bytes` can't be what is left: by the size on disk, or by the
 * most that deflate can expand. Asked before memory is taken. */
Status mml_data_file_holds(const DataFile *file, i64 header, i64 bytes);

/* All of a file with a final zero byte; the caller frees it. */
Status mml_data_file_text(const DataOrigin *origin, const char *path, u64 *checksum, char **out, i64 *length);

#endif
