/* Reading ZIP archives: stored and deflated entries, with Zip64 (PKWARE's
 * APPNOTE 6.3.10, sections 4.3 to 4.5).
 *
 * The central directory at the end of the file is what counts: entries without
 * sizes in front of them (written to a pipe) are read like any other. Archives
 * in several parts and encrypted entries are refused. Nothing is believed that
 * can be checked: offsets against the file, sizes against what deflate can
 * expand, contents against their CRC.
 */
#ifndef DATA_ZIP_H
#define DATA_ZIP_H

#include <zlib.h>
#include "data/file.h"

typedef struct {
    const char *name;
    int         method, encrypted;
    u32         crc;
    i64         packed, size;        /* bytes in the archive, bytes unpacked        */
    i64         offset;              /* of its local header                         */
} ZipEntry;

typedef struct {
    const char *path;
    int         descriptor;
    i64         bytes;
    i64         count;
    ZipEntry   *entries;             /* in arena                                    */
} ZipArchive;

/* path must outlive the archive. On failure nothing is left open. */
Status mml_zip_open(const DataOrigin *origin, const char *path, MmlArena *arena, ZipArchive *out);
void   mml_zip_close(ZipArchive *archive);

/* An entry being read from its start to its end. */
typedef struct {
    const ZipArchive *archive;
    const ZipEntry   *entry;
    z_stream          inflater;
    i64               at, left;      /* next byte of the file, packed bytes behind it */
    i64               given;         /* unpacked bytes handed out                   */
    u32               crc;
    u64              *checksum;      /* every unpacked byte is added to it          */
    u8                packed[1 << 16];
} ZipStream;

/* stream: to be closed whether or not this succeeds. */
Status mml_zip_start(const ZipArchive *archive, const ZipEntry *entry, u64 *checksum, ZipStream *stream);
/* Exactly `bytes` more; MML_EDATA when the entry ends before or is damaged. */
Status mml_zip_read(ZipStream *stream, void *out, i64 bytes);
/* At the end of the entry: its size and CRC must be right. */
Status mml_zip_finish(ZipStream *stream);
void   mml_zip_stop(ZipStream *stream);

#endif
