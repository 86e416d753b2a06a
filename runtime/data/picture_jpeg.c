/* JPEG through libjpeg. */
#include "data/picture.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <jpeglib.h>
#include <jerror.h>

/* libjpeg reports an error by calling error_exit, which must not return. */
typedef struct {
    struct jpeg_error_mgr manager;   /* first: libjpeg hands back its address       */
    struct jpeg_progress_mgr progress;
    jmp_buf     jump;
    const char *path;
    Picture    *out;
    u8         *line;                /* one row of CMYK                             */
    Status      status;
    char        why[JMSG_LENGTH_MAX];
} Jpeg;

static void on_error(j_common_ptr decoder) {
    Jpeg *j = (Jpeg *)decoder->err;
    decoder->err->format_message(decoder, j->why);
    longjmp(j->jump, 1);
}

/* Where the data end too early libjpeg fills with gray and warns: that is damage.
 * Other warnings (bytes too many between markers) leave the pixels right. */
static void on_message(j_common_ptr decoder, int level) {
    int code = decoder->err->msg_code;
    if (level < 0 && (code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER || code == JWRN_HUFF_BAD_CODE)) on_error(decoder);
}

static void say_nothing(j_common_ptr decoder) {}

/* A progressive picture of many scans over many pixels is work without end; cameras write about ten. */
static void on_progress(j_common_ptr decoder) {
    enum { SCAN_LIMIT = 100 };
    Jpeg *j = (Jpeg *)decoder->err;
    if (!decoder->is_decompressor || ((j_decompress_ptr)decoder)->input_scan_number <= SCAN_LIMIT) return;
    snprintf(j->why, sizeof j->why, "more than %d scans", SCAN_LIMIT);
    longjmp(j->jump, 1);
}

/* Stored inverted: 255 is no ink. */
static void from_cmyk(const u8 *in, i64 width, u8 *out) {
    for (i64 x = 0; x < width; x++, in += 4, out += 3)
        for (int c = 0; c < 3; c++) out[c] = (u8)((in[c] * in[3] + 127) / 255);
}

static void read_lines(struct jpeg_decompress_struct *decoder, Jpeg *j) {
    i64 width = j->out->width;
    while (decoder->output_scanline < decoder->output_height) {
        u8 *row = j->out->pixels + 3 * width * (i64)decoder->output_scanline;
        JSAMPROW line = j->line ? j->line : row;
        jpeg_read_scanlines(decoder, &line, 1);
        if (j->line) from_cmyk(j->line, width, row);
    }
}

static void decode(struct jpeg_decompress_struct *decoder, const u8 *bytes, i64 count, Jpeg *j) {
    if (setjmp(j->jump)) return;
    jpeg_create_decompress(decoder);
    decoder->progress = &j->progress;
    jpeg_mem_src(decoder, bytes, (unsigned long)count);
    jpeg_read_header(decoder, TRUE);
    int cmyk = decoder->jpeg_color_space == JCS_CMYK || decoder->jpeg_color_space == JCS_YCCK;
    decoder->out_color_space = cmyk ? JCS_CMYK : JCS_RGB;
    j->status = mml_picture_room(j->path, decoder->image_height, decoder->image_width, j->out);
    if (j->status != MML_OK) return;
    if (cmyk && !(j->line = malloc(4 * (size_t)decoder->image_width))) {
        j->status = mml_fail(MML_ENOMEM, "no memory for '%s'", j->path);
        return;
    }
    jpeg_start_decompress(decoder);
    read_lines(decoder, j);
    jpeg_finish_decompress(decoder);
}

Status mml_picture_jpeg(const char *path, const u8 *bytes, i64 count, Picture *out) {
    Jpeg j = { .path = path, .out = out };
    struct jpeg_decompress_struct decoder = { .err = jpeg_std_error(&j.manager) };
    j.manager.error_exit = on_error;
    j.manager.emit_message = on_message;
    j.manager.output_message = say_nothing;
    j.progress.progress_monitor = on_progress;
    decode(&decoder, bytes, count, &j);
    jpeg_destroy_decompress(&decoder);
    free(j.line);
    if (j.status != MML_OK) return j.status;
    return *j.why ? mml_fail(MML_EDATA, "'%s' is a damaged JPEG: %s", path, j.why) : MML_OK;
}
