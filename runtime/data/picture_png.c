/* PNG through libpng. */
#include "data/picture.h"

#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

/* libpng reports an error by a jump out of its functions; everything the jump
 * must not lose is here. */
typedef struct {
    const char *path;
    const u8   *at, *end;
    Picture    *out;
    png_bytep  *rows;
    Status      status;              /* of our own failures                         */
    char        why[160];            /* libpng's                                    */
} Png;

static void on_error(png_structp png, png_const_charp message) {
    Png *p = png_get_error_ptr(png);
    size_t length = strnlen(message, sizeof p->why - 1);
    memcpy(p->why, message, length);
    p->why[length] = 0;
    longjmp(png_jmpbuf(png), 1);
}

/* Odd ancillary chunks don't change the pixels. */
static void on_warning(png_structp png, png_const_charp message) {}

static void read_bytes(png_structp png, png_bytep out, size_t count) {
    Png *p = png_get_io_ptr(png);
    if (count > (size_t)(p->end - p->at)) png_error(png, "it ends too early");
    memcpy(out, p->at, count);
    p->at += count;
}

/* Whatever there is comes out as 8-bit RGB. */
static void ask_for_rgb(png_structp png, png_infop info) {
    png_set_scale_16(png);
    png_set_expand_gray_1_2_4_to_8(png);
    png_set_palette_to_rgb(png);
    png_set_gray_to_rgb(png);
    png_set_strip_alpha(png);
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
}

static void decode(png_structp png, png_infop info, Png *p) {
    if (setjmp(png_jmpbuf(png))) return;
    png_set_read_fn(png, p, read_bytes);
    png_set_user_limits(png, MML_PICTURE_PIXELS, MML_PICTURE_PIXELS);
    png_set_chunk_malloc_max(png, 1 << 22);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, 0);
    png_read_info(png, info);
    png_uint_32 height = png_get_image_height(png, info), width = png_get_image_width(png, info);
    p->status = mml_picture_room(p->path, height, width, p->out);
    if (p->status != MML_OK) return;
    ask_for_rgb(png, info);
    if (png_get_rowbytes(png, info) != 3 * (size_t)width) png_error(png, "its rows are no RGB");
    p->rows = malloc(sizeof *p->rows * height);
    if (!p->rows) {
        p->status = mml_fail(MML_ENOMEM, "no memory for '%s'", p->path);
        return;
    }
    for (png_uint_32 y = 0; y < height; y++) p->rows[y] = p->out->pixels + 3 * (size_t)width * y;
    png_read_image(png, p->rows);
    png_read_end(png, NULL);
}

Status mml_picture_png(const char *path, const u8 *bytes, i64 count, Picture *out) {
    Png p = { .path = path, .at = bytes, .end = bytes + count, .out = out };
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &p, on_error, on_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (info) decode(png, info, &p);
    else p.status = mml_fail(MML_ENOMEM, "no memory to read '%s'", path);
    png_destroy_read_struct(&png, &info, NULL);
    free(p.rows);
    if (p.status != MML_OK) return p.status;
    return *p.why ? mml_fail(MML_EDATA, "'%s' is a damaged PNG: %s", path, p.why) : MML_OK;
}
