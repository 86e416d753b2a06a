/* A whole file as text, plain or gzip: in memory, or mapped, so that it may be larger than memory. */
#ifndef DATA_TEXT_H
#define DATA_TEXT_H

#include "data/file.h"

typedef struct {
    char  *bytes;                    /* [length], then a zero byte                  */
    i64    length;
    size_t mapped;                   /* bytes of the mapping, 0: in memory          */
} DataText;

/* folder NULL: in memory. Else a plain file is mapped as it is, and what a gzip file unpacks to as a file in folder that has
 * no name, where it has room; a page that can't be read later is zeros (mml_mapped_failed). */
Status mml_data_text_open(const DataOrigin *origin, const char *path, const char *folder, DataText *out);
/* Adds its bytes, as reading it by file.h would. */
Status mml_data_text_checksum(const DataText *text, u64 *checksum);
/* After its last byte was read: MML_EIO when a page couldn't be. */
Status mml_data_text_check(const DataText *text, const char *path);
void   mml_data_text_close(DataText *text);

#endif
