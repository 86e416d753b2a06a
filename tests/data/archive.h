/* NPY arrays and ZIP archives written byte by byte, from their specifications
 * and without what the readers use.
 */
#ifndef TESTS_DATA_ARCHIVE_H
#define TESTS_DATA_ARCHIVE_H

#include "program.h"

/* Bytes that grow. Zero-initialised; free() its bytes. */
typedef struct { u8 *bytes; size_t count, capacity; } Bytes;

void put(Bytes *b, const void *bytes, size_t count);
void put_text(Bytes *b, const char *text);
void put_little(Bytes *b, u64 value, int bytes);

/* An NPY array: version 1, 2 or 3; dict as it stands in the header; then the values. */
void put_npy(Bytes *b, int version, const char *dict, const void *values, size_t count);

#define ZIP_DEFLATE   1
#define ZIP_64        2      /* sizes and offsets in Zip64 fields, and a Zip64 directory */
#define ZIP_STREAMED  4      /* sizes and CRC behind the data, as written to a pipe      */

typedef struct { Bytes bytes, directory; int entries, flags; } Zip;

/* What the last entry says can be altered through its record in the directory. */
void  zip_add(Zip *zip, const char *name, const void *bytes, size_t count, int flags);
/* The last entry's record in the directory: 16 CRC, 20 packed, 24 size, 42 offset. */
u8   *zip_record(Zip *zip);
/* Writes the archive, its last `cut` bytes left out, and frees it. */
void  zip_write(Zip *zip, Program *p, const char *name, size_t cut);

#endif
