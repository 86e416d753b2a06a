#include <criterion/criterion.h>

#include "harness.h"

enum { IN_CHANNELS, IN_HEIGHT, IN_WIDTH, OUT_CHANNELS, KERNEL_HEIGHT, KERNEL_WIDTH, STRIDE, PAD, DILATION, GROUPS, OUT_HEIGHT, OUT_WIDTH };

static void sizes(const MmlValue *a, Sizes *s) {
    s->input[0] = a[IN_CHANNELS].i * a[IN_HEIGHT].i * a[IN_WIDTH].i;
    s->input[1] = a[OUT_CHANNELS].i * a[IN_CHANNELS].i / a[GROUPS].i * a[KERNEL_HEIGHT].i * a[KERNEL_WIDTH].i;
    s->input[2] = a[OUT_CHANNELS].i;
    s->output = a[OUT_CHANNELS].i * a[OUT_HEIGHT].i * a[OUT_WIDTH].i;
}

/* One output pixel by the definition. */
static double pixel(const MmlValue *a, const double *x, const double *w, i64 out, i64 row, i64 column) {
    i64 group_in = a[IN_CHANNELS].i / a[GROUPS].i, group = out / (a[OUT_CHANNELS].i / a[GROUPS].i);
    double sum = 0;
    for (i64 c = 0; c < group_in; c++)
        for (i64 i = 0; i < a[KERNEL_HEIGHT].i; i++)
            for (i64 j = 0; j < a[KERNEL_WIDTH].i; j++) {
                i64 y = row * a[STRIDE].i - a[PAD].i + i * a[DILATION].i;
                i64 z = column * a[STRIDE].i - a[PAD].i + j * a[DILATION].i;
                if (y < 0 || z < 0 || y >= a[IN_HEIGHT].i || z >= a[IN_WIDTH].i) continue;
                sum += x[((group * group_in + c) * a[IN_HEIGHT].i + y) * a[IN_WIDTH].i + z]
                     * w[((out * group_in + c) * a[KERNEL_HEIGHT].i + i) * a[KERNEL_WIDTH].i + j];
            }
    return sum;
}

static void reference(const Problem *p, double *const *in, double *out) {
    Sizes s;
    sizes(p->a, &s);
    for (i64 n = 0; n < p->batch; n++)
        for (i64 o = 0; o < p->a[OUT_CHANNELS].i; o++)
            for (i64 row = 0; row < p->a[OUT_HEIGHT].i; row++)
                for (i64 column = 0; column < p->a[OUT_WIDTH].i; column++)
                    *out++ = in[2][o] + pixel(p->a, in[0] + n * s.input[0], in[1], o, row, column);
}

static const Layer conv = {
    KERNEL_conv_forward, KERNEL_conv_backward, "012y", "d01ABC", "xww", 0, "", sizes, reference, 0, 0, 0,
};

typedef struct { i64 channels, height, width, out, kernel_height, kernel_width, stride, pad, dilation, groups; } Shape;

static void check(Shape s, i64 batch, i64 capacity, int threads) {
    i64 out_height = (s.height + 2 * s.pad - s.dilation * (s.kernel_height - 1) - 1) / s.stride + 1;
    i64 out_width = (s.width + 2 * s.pad - s.dilation * (s.kernel_width - 1) - 1) / s.stride + 1;
    MmlValue a[] = {INT(s.channels), INT(s.height), INT(s.width), INT(s.out), INT(s.kernel_height), INT(s.kernel_width),
                    INT(s.stride), INT(s.pad), INT(s.dilation), INT(s.groups), INT(out_height), INT(out_width)};
    check_layer(&conv, a, (Setting){.batch = batch, .capacity = capacity, .threads = threads});
}

Test(conv, agrees_with_the_definition_for_a_padded_3_by_3) { check((Shape){3, 7, 5, 4, 3, 3, 1, 1, 1, 1}, 3, 3, 1); }
Test(conv, takes_strides_that_leave_a_rest)                { check((Shape){2, 9, 8, 3, 3, 3, 2, 1, 1, 1}, 2, 2, 1); }
Test(conv, takes_even_kernels_without_padding)             { check((Shape){2, 6, 7, 3, 2, 4, 1, 0, 1, 1}, 2, 2, 1); }
Test(conv, dilates)                                        { check((Shape){2, 9, 9, 2, 3, 3, 1, 2, 2, 1}, 2, 2, 1); }
Test(conv, dilates_with_stride_and_groups)                 { check((Shape){4, 11, 9, 6, 3, 2, 3, 2, 2, 2}, 3, 3, 1); }
Test(conv, splits_channels_in_groups)                      { check((Shape){6, 5, 5, 9, 3, 3, 1, 1, 1, 3}, 2, 2, 1); }
Test(conv, is_depthwise_with_as_many_groups_as_channels)   { check((Shape){5, 6, 4, 5, 3, 3, 1, 1, 1, 5}, 2, 2, 1); }
Test(conv, needs_no_columns_for_1_by_1)                    { check((Shape){4, 12, 13, 3, 1, 1, 1, 0, 1, 1}, 2, 2, 1); }
Test(conv, takes_1_by_1_on_a_small_map)                    { check((Shape){4, 3, 3, 6, 1, 1, 1, 0, 1, 2}, 3, 3, 1); }
Test(conv, takes_1_by_1_with_stride)                       { check((Shape){3, 7, 7, 4, 1, 1, 2, 0, 1, 1}, 2, 2, 1); }
Test(conv, covers_the_whole_image_with_one_window)         { check((Shape){2, 4, 5, 3, 4, 5, 1, 0, 1, 1}, 4, 4, 1); }
Test(conv, takes_a_border_wider_than_the_image)            { check((Shape){1, 2, 1, 2, 5, 5, 1, 4, 1, 1}, 2, 2, 1); }
Test(conv, works_on_one_sample)                            { check((Shape){2, 5, 6, 3, 3, 3, 1, 1, 1, 1}, 1, 1, 2); }
Test(conv, leaves_what_lies_beyond_a_short_batch)          { check((Shape){2, 5, 6, 3, 3, 3, 2, 1, 1, 1}, 3, 8, 2); }
Test(conv, splits_a_large_map_over_two_threads)            { check((Shape){3, 15, 14, 8, 5, 5, 1, 2, 1, 1}, 7, 8, 2); }
Test(conv, splits_small_maps_over_two_threads)             { check((Shape){8, 7, 7, 16, 3, 3, 1, 1, 1, 1}, 13, 16, 2); }
Test(conv, splits_groups_over_three_threads)               { check((Shape){8, 7, 7, 16, 3, 3, 2, 1, 1, 4}, 22, 24, 3); }
