/* Decoding PNG and JPEG pictures to 8-bit RGB, as PIL's convert("RGB") gives them.
 *
 * What a file is says its content, never its name. Gray becomes three equal
 * channels, a palette its colours; transparency is left out; 16 bits a channel are
 * scaled to 8; CMYK is turned into RGB, taken as inverted as Adobe's programs
 * write it. Pixels come as they are stored: an EXIF orientation is not applied,
 * and gamma and colour profiles are not either.
 */
#ifndef DATA_PICTURE_H
#define DATA_PICTURE_H

#include "mml/base.h"

/* Beyond it a picture is refused before memory is taken: 8192 x 8192. */
#define MML_PICTURE_PIXELS ((i64)1 << 26)

typedef struct {
    i64 height, width;
    u8 *pixels;                      /* [height, width, 3]; the caller frees        */
} Picture;

/* path: for messages. MML_EDATA for what is neither, is damaged, or ends too
 * early; nothing is left to free then. Threads may decode at once. */
Status mml_picture_decode(const char *path, const u8 *bytes, i64 count, Picture *out);

/* A whole file; of regular files alone. checksum: its bytes are added, NULL: they aren't. */
Status mml_picture_read(const char *path, u64 *checksum, Picture *out);

/* ---- By format ---- */

Status mml_picture_png(const char *path, const u8 *bytes, i64 count, Picture *out);
Status mml_picture_jpeg(const char *path, const u8 *bytes, i64 count, Picture *out);
/* Takes memory for the pixels of a picture of that size. */
Status mml_picture_room(const char *path, u64 height, u64 width, Picture *out);

#endif
