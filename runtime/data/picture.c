#include "data/picture.h"

#include <stdlib.h>
#include <string.h>
#include "data/file.h"

typedef struct {
    const char *start;               /* how such a file begins                      */
    size_t      length;
    const char *name;
    Status    (*decode)(const char *path, const u8 *bytes, i64 count, Picture *out);     /* NULL: known, and not read */
} Format;

#define FORMAT(start, name, decode) { start, sizeof(start) - 1, name, decode }
static const Format formats[] = {
    FORMAT("\x89PNG\r\n\x1a\n",           "PNG",  mml_picture_png),
    FORMAT("\xff\xd8\xff",                "JPEG", mml_picture_jpeg),
    FORMAT("GIF8",                        "a GIF picture", NULL),
    FORMAT("BM",                          "a BMP picture", NULL),
    FORMAT("RIFF",                        "a WebP picture", NULL),
    FORMAT("II*\0",                       "a TIFF picture", NULL),
    FORMAT("MM\0*",                       "a TIFF picture", NULL),
    FORMAT("version https://git-lfs",     "a git-lfs pointer in place of the picture (git lfs pull fetches it)", NULL),
};

Status mml_picture_decode(const char *path, const u8 *bytes, i64 count, Picture *out) {
    *out = (Picture){ 0 };
    if (count == 0) return mml_fail(MML_EDATA, "'%s' is empty", path);
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        const Format *format = &formats[i];
        if ((size_t)count < format->length || memcmp(bytes, format->start, format->length) != 0) continue;
        if (!format->decode) return mml_fail(MML_EDATA, "'%s' is %s; PNG and JPEG are read", path, format->name);
        Status status = format->decode(path, bytes, count, out);
        if (status == MML_OK) return MML_OK;
        free(out->pixels);
        out->pixels = NULL;
        return status;
    }
    return mml_fail(MML_EDATA, "'%s' is neither PNG nor JPEG", path);
}

Status mml_picture_room(const char *path, u64 height, u64 width, Picture *out) {
    if (height < 1 || width < 1 || height > (u64)MML_PICTURE_PIXELS || width > (u64)MML_PICTURE_PIXELS / height)
        return mml_fail(MML_EDATA, "'%s' says it has %llu x %llu pixels; %lld are the most that is read", path,
                        (unsigned long long)height, (unsigned long long)width, (long long)MML_PICTURE_PIXELS);
    out->height = (i64)height;
    out->width = (i64)width;
    out->pixels = malloc((size_t)(3 * height * width));
    return out->pixels ? MML_OK : mml_fail(MML_ENOMEM, "no memory for '%s'", path);
}

/* ---- Files ---- */

Status mml_picture_read(const char *path, u64 *checksum, Picture *out) {
    u8 *bytes = NULL;
    i64 count = 0;
    *out = (Picture){ 0 };
    MML_TRY(mml_data_file_bytes(path, &bytes, &count));
    if (checksum) *checksum = mml_data_hash(*checksum, bytes, count);
    Status status = mml_picture_decode(path, bytes, count, out);
    free(bytes);
    return status;
}
