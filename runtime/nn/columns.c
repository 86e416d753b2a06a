#include "columns.h"

#include <string.h>

#include "mml/nn.h"

Conv mml_conv_from(const MmlValue *a) {
    Conv c = {
        .in_channels = a[0].i, .in_height = a[1].i, .in_width = a[2].i, .out_channels = a[3].i,
        .kernel_height = a[4].i, .kernel_width = a[5].i, .stride = a[6].i, .pad = a[7].i,
        .dilation = a[8].i, .groups = a[9].i, .out_height = a[10].i, .out_width = a[11].i,
        .images = MML_CONV_IMAGES,
    };
    c.group_in = c.in_channels / c.groups;
    c.group_out = c.out_channels / c.groups;
    c.in_plane = c.in_height * c.in_width;
    c.out_plane = c.out_height * c.out_width;
    c.depth = c.group_in * c.kernel_height * c.kernel_width;
    c.padded_width = c.in_width + 2 * c.pad;
    c.padded_plane = (c.in_height + 2 * c.pad) * c.padded_width;
    c.pointwise = c.kernel_height == 1 && c.kernel_width == 1 && c.stride == 1 && c.pad == 0;
    return c;
}

/* Rows are short (7 to 56 floats), too short for a call of memcpy: blocks of
 * four, and the last four again. */
static inline void copy_row(float *to, const float *from, i64 count) {
    if (count < 4) {
        for (i64 i = 0; i < count; i++) to[i] = from[i];
        return;
    }
    for (i64 i = 0; i + 4 <= count; i += 4) memcpy(to + i, from + i, 4 * sizeof *to);
    memcpy(to + count - 4, from + count - 4, 4 * sizeof *to);
}

static void add_border(const Conv *c, const float *image, float *padded) {
    memset(padded, 0, (size_t)(c->group_in * c->padded_plane) * sizeof *padded);
    for (i64 channel = 0; channel < c->group_in; channel++)
        for (i64 row = 0; row < c->in_height; row++)
            copy_row(padded + channel * c->padded_plane + (row + c->pad) * c->padded_width + c->pad,
                     image + channel * c->in_plane + row * c->in_width, c->in_width);
}

static void drop_border(const Conv *c, const float *padded, float *image) {
    for (i64 channel = 0; channel < c->group_in; channel++)
        for (i64 row = 0; row < c->in_height; row++)
            copy_row(image + channel * c->in_plane + row * c->in_width,
                     padded + channel * c->padded_plane + (row + c->pad) * c->padded_width + c->pad, c->in_width);
}

static inline __attribute__((always_inline)) void take_rows(const Conv *c, i64 width, const float *from, float *to) {
    for (i64 row = 0; row < c->out_height; row++, from += c->padded_width, to += width) copy_row(to, from, width);
}

static inline __attribute__((always_inline)) void add_rows(const Conv *c, i64 width, const float *from, float *to) {
    for (i64 row = 0; row < c->out_height; row++, from += width, to += c->padded_width)
        for (i64 i = 0; i < width; i++) to[i] += from[i];
}

/* The widths of maps of 28 and 224 pixels, halved again and again, are worth
 * code of their own: twice as fast as rows of unknown length. */
#define COMMON_WIDTHS(ROW) ROW(7) ROW(14) ROW(28) ROW(56)

static void take_plane(const Conv *c, const float *from, float *to) {
#define TAKE(width) case width: take_rows(c, width, from, to); return;
    switch (c->stride == 1 ? c->out_width : 0) {
        COMMON_WIDTHS(TAKE)
    }
    if (c->stride == 1) {
        take_rows(c, c->out_width, from, to);
        return;
    }
    for (i64 row = 0; row < c->out_height; row++, from += c->stride * c->padded_width, to += c->out_width)
        for (i64 i = 0; i < c->out_width; i++) to[i] = from[i * c->stride];
}

static void add_plane(const Conv *c, const float *from, float *to) {
#define ADD(width) case width: add_rows(c, width, from, to); return;
    switch (c->stride == 1 ? c->out_width : 0) {
        COMMON_WIDTHS(ADD)
    }
    if (c->stride == 1) {
        add_rows(c, c->out_width, from, to);
        return;
    }
    for (i64 row = 0; row < c->out_height; row++, from += c->out_width, to += c->stride * c->padded_width)
        for (i64 i = 0; i < c->out_width; i++) to[i * c->stride] += from[i];
}

/* Where the kernel's pixel lies in a padded plane for the first output pixel. */
static i64 kernel_offset(const Conv *c, i64 row, i64 column) {
    return row * c->dilation * c->padded_width + column * c->dilation;
}

void mml_columns_from_images(const Conv *c, const float *x, i64 count, float *columns, float *border) {
    i64 width = count * c->out_plane;
    for (i64 image = 0; image < count; image++) {
        const float *padded = x + image * c->in_channels * c->in_plane;
        if (c->pad > 0) {
            add_border(c, padded, border);
            padded = border;
        }
        float *to = columns + image * c->out_plane;
        for (i64 channel = 0; channel < c->group_in; channel++)
            for (i64 row = 0; row < c->kernel_height; row++)
                for (i64 column = 0; column < c->kernel_width; column++, to += width)
                    take_plane(c, padded + channel * c->padded_plane + kernel_offset(c, row, column), to);
    }
}

void mml_images_from_columns(const Conv *c, const float *columns, i64 count, float *dx, float *border) {
    i64 width = count * c->out_plane;
    for (i64 image = 0; image < count; image++) {
        float *target = dx + image * c->in_channels * c->in_plane;
        float *sums = c->pad > 0 ? border : target;
        memset(sums, 0, (size_t)(c->group_in * c->padded_plane) * sizeof *sums);
        const float *from = columns + image * c->out_plane;
        for (i64 channel = 0; channel < c->group_in; channel++)
            for (i64 row = 0; row < c->kernel_height; row++)
                for (i64 column = 0; column < c->kernel_width; column++, from += width)
                    add_plane(c, from, sums + channel * c->padded_plane + kernel_offset(c, row, column));
        if (c->pad > 0) drop_border(c, sums, target);
    }
}
