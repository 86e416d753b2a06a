/* Transforms against closed forms. */
#include "program.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "data/resample.h"

/* ---- Numbers: one csv file of vectors ---- */

static Program *vectors(const char *text, int width) {
    Program *p = program_new();
    write_text(p, "a.csv", text);
    add_csv(p, "rows", "a.csv", NULL);
    set_word(p, "data.rows.label", "last");
    add_modality(p, "a", "vector[…]", "a", 1, width);
    return p;
}

static void expect_row(Program *p, i64 row, int count, const double *expected) {
    float out[64];
    train_sample(p, open_data(p), row, out);
    for (int i = 0; i < count; i++) expect_near(out[i], expected[i], 1e-6 * (1 + fabs(expected[i])), "value");
}

#define EXPECT(p, row, ...) do {                                          \
        const double expected_values[] = { __VA_ARGS__ };                 \
        expect_row(p, row, (int)(sizeof expected_values / sizeof *expected_values), expected_values); \
        program_free(p);                                                  \
    } while (0)

#define ROW4 "a,b,c,d,k\n1,2,4,8,0\n"

Test(transforms, scale_multiplies_and_shift_adds_in_the_order_written) {
    Program *p = vectors(ROW4, 4);
    add_step(p, "scale", 1, 4);
    step_real(p, "factor", 0.5);
    add_step(p, "shift", 1, 4);
    step_real(p, "by", -3);
    add_step(p, "scale", 1, 4);
    step_real(p, "factor", 2);
    EXPECT(p, 0, -5, -4, -2, 2);
}

Test(transforms, normalize_takes_one_mean_and_std_for_all) {
    Program *p = vectors(ROW4, 4);
    add_step(p, "normalize", 1, 4);
    step_word(p, "by", "numbers");
    step_real(p, "mean", 2);
    step_real(p, "std", 4);
    EXPECT(p, 0, -0.25, 0, 0.5, 1.5);
}

Test(transforms, normalize_takes_a_mean_and_std_for_each) {
    Program *p = vectors(ROW4, 4);
    add_step(p, "normalize", 1, 4);
    step_word(p, "by", "numbers");
    step_reals(p, "mean", 4, (double[]){ 1, 1, 1, 1 });
    step_reals(p, "std", 4, (double[]){ 1, 2, 3, 7 });
    EXPECT(p, 0, 0, 0.5, 1, 1);
}

Test(transforms, normalize_refuses_a_wrong_number_of_values_and_a_std_of_zero) {
    Program *p = vectors(ROW4, 4);
    add_step(p, "normalize", 1, 4);
    step_word(p, "by", "numbers");
    step_reals(p, "mean", 3, (double[]){ 1, 1, 1 });
    step_real(p, "std", 0);
    expect_in(open_fails(p), "test.mml:20:5: normalize has 3 values of mean for 4 channels");
    program_free(p);
    p = vectors(ROW4, 4);
    add_step(p, "normalize", 1, 4);
    step_word(p, "by", "numbers");
    step_real(p, "mean", 0);
    step_real(p, "std", 0);
    expect_in(open_fails(p), "std of 0");
    program_free(p);
}

Test(transforms, standardize_gives_each_sample_mean_zero_and_deviation_one) {
    Program *p = vectors("a,b,c,d,k\n1,2,3,4,0\n5,5,5,5,0\n", 4);
    add_step(p, "standardize", 1, 4);
    double d = sqrt(1.25);
    float constant[4];
    train_sample(p, open_data(p), 1, constant);
    for (int i = 0; i < 4; i++) cr_assert_eq(constant[i], 0);
    EXPECT(p, 0, -1.5 / d, -0.5 / d, 0.5 / d, 1.5 / d);
}

Test(transforms, log_adds_before_it_takes_the_logarithm) {
    Program *p = vectors("a,b,k\n0,1,0\n", 2);
    add_step(p, "log", 1, 2);
    step_real(p, "add", 1e-7);
    EXPECT(p, 0, log(1e-7), log(1 + 1e-7));
}

Test(transforms, a_value_that_becomes_infinite_or_nan_names_step_and_sample) {
    Program *p = vectors("a,b,k\n0,1,0\n-1,1,0\n", 2);
    add_step(p, "scale", 1, 2);
    step_real(p, "factor", 1);
    add_step(p, "log", 1, 2);
    step_real(p, "add", 0);
    MmlData *data = open_data(p);
    float values[4], *inputs[1] = { values };
    i64 rows[2] = { 1, 0 }, labels[2], samples[2];
    cr_assert_eq(mml_data_batch(data, MML_TRAIN, rows, 2, 1, 0, inputs, labels, samples), MML_EDATA);
    expect_in(mml_message(), "test.mml:21:5: log gives ");
    expect_in(mml_message(), "nan for a sample of modality a (");
    expect_in(mml_message(), "a.csv:3)");
    cr_assert_eq(mml_data_batch(data, MML_TRAIN, rows + 1, 1, 1, 0, inputs, labels, samples), MML_EDATA);
    expect_in(mml_message(), "log gives -inf");
    program_free(p);
}

Test(transforms, clip_limits_both_sides) {
    Program *p = vectors(ROW4, 4);
    add_step(p, "clip", 1, 4);
    step_real(p, "low", 1.5);
    step_real(p, "high", 5);
    EXPECT(p, 0, 1.5, 2, 4, 5);
}

Test(transforms, cols_and_select_pick_values_of_a_vector) {
    Program *p = vectors(ROW4, 2);
    add_step(p, "cols", 1, 2);
    step_int(p, "first", 1);
    step_int(p, "count", 2);
    EXPECT(p, 0, 2, 4);
    p = vectors(ROW4, 3);
    add_step(p, "select", 1, 3);
    step_ints(p, "columns", 3, (i64[]){ 3, 0, 3 });
    EXPECT(p, 0, 8, 1, 8);
}

Test(transforms, picking_outside_is_refused_with_the_place) {
    Program *p = vectors(ROW4, 2);
    add_step(p, "cols", 1, 2);
    step_int(p, "first", 3);
    step_int(p, "count", 2);
    expect_in(open_fails(p), "test.mml:20:5: cols takes columns 3 … 4 of 4");
    program_free(p);
    p = vectors(ROW4, 1);
    add_step(p, "select", 1, 1);
    step_ints(p, "columns", 1, (i64[]){ 4 });
    expect_in(open_fails(p), "select takes column 4 of 4");
    program_free(p);
}

Test(transforms, a_step_whose_result_does_not_fit_names_file_step_and_both_shapes) {
    Program *p = vectors(ROW4, 3);
    add_step(p, "scale", 1, -1);
    step_real(p, "factor", 1);
    const char *message = open_fails(p);
    expect_in(message, "test.mml:20:5: scale makes [4] of ");
    expect_in(message, "a.csv'; [3] is needed for modality a");
    program_free(p);
}

/* ---- normalize(train) ---- */

Test(transforms, normalize_train_learns_from_the_train_split_alone) {
    Program *p = vectors("a,b,k\n1,7,0\n100,100,0\n3,7,0\n200,200,0\n8,7,0\n300,300,0\n", 2);
    set_word(p, "data.rows.test", "every");
    set_int(p, "data.rows.test.every", 2);
    set_int(p, "data.rows.test.of", 1);
    add_step(p, "normalize", 1, 2);
    step_word(p, "by", "train");
    MmlData *data = open_data(p);
    double mean = 4, deviation = sqrt((9 + 1 + 16) / 3.0);
    float out[2];
    for (i64 i = 0; i < 3; i++) {
        train_sample(p, data, i, out);
        expect_near(out[0], ((const double[]){ 1, 3, 8 }[i] - mean) / deviation, 1e-6, "first");
        expect_near(out[1], 0, 0, "a constant value is centred");
    }
    sample_of(data, MML_TEST, 0, 1, 0, p, 0, out, NULL, NULL);
    expect_near(out[0], (100 - mean) / deviation, 1e-5, "test");
    expect_near(out[1], 93, 0, "test");

    const char *name;
    float *values;
    i64 count;
    cr_assert(mml_data_fitted(data, 0, &name, &values, &count));
    cr_assert_str_eq(name, "data.a.normalize.mean");
    cr_assert_eq(count, 2);
    expect_near(values[0], mean, 1e-6, "mean");
    cr_assert(mml_data_fitted(data, 1, &name, &values, &count));
    cr_assert_str_eq(name, "data.a.normalize.deviation");
    expect_near(values[0], deviation, 1e-6, "deviation");
    cr_assert_eq(values[1], 1);
    cr_assert_not(mml_data_fitted(data, 2, &name, &values, &count));
    values[0] = 2;                                    /* a checkpoint's */
    train_sample(p, data, 0, out);
    expect_near(out[0], (1 - mean) / 2, 1e-6, "what a checkpoint put there is used");
    program_free(p);
}

Test(transforms, normalize_train_agrees_with_a_two_pass_computation_on_many_samples) {
    Program *p = program_new();
    static u8 bytes[16 + 1000 * 12];
    write_idx_set(p, 1000, 1, 3, 4, 10);
    size_t size = idx_images(bytes, 1000, 3, 4, 0);
    for (size_t i = 16; i < size; i++) bytes[i] = (u8)(i * i * 31 >> 3 ^ i);
    write_bytes(p, "train-images-idx3-ubyte", bytes, size);
    add_idx(p, "digits");
    add_modality(p, "gray", "image[1, 3, 4]", "image", 3, 1, 3, 4);
    add_step(p, "normalize", 3, 1, 3, 4);
    step_word(p, "by", "train");
    const char *name;
    float *mean, *deviation, one[24];
    i64 count;
    MmlData *data = open_data_with(p, 1, 1);
    mml_data_fitted(data, 0, &name, &mean, &count);
    mml_data_fitted(data, 1, &name, &deviation, &count);
    for (int j = 0; j < 12; j++) {
        double sum = 0, squares = 0;
        for (int i = 0; i < 1000; i++) sum += bytes[16 + i * 12 + j];
        for (int i = 0; i < 1000; i++) squares += pow(bytes[16 + i * 12 + j] - sum / 1000, 2);
        expect_near(mean[j], sum / 1000, 1e-4, "mean");
        expect_near(deviation[j], sqrt(squares / 1000), 1e-4, "deviation");
    }
    memcpy(one, mean, 12 * sizeof *one);
    memcpy(one + 12, deviation, 12 * sizeof *one);
    data = open_data_with(p, 1, 3);
    mml_data_fitted(data, 0, &name, &mean, &count);
    mml_data_fitted(data, 1, &name, &deviation, &count);
    cr_assert_eq(memcmp(one, mean, 12 * sizeof *one), 0, "threads don't matter");
    cr_assert_eq(memcmp(one + 12, deviation, 12 * sizeof *one), 0);
    program_free(p);
}

/* ---- Images: train sample 0 of an IDX set counts up from 0 ---- */

static Program *images(u32 height, u32 width, const char *type, int channels, int out_height, int out_width) {
    Program *p = program_new();
    write_idx_set(p, 8, 2, height, width, 4);
    add_idx(p, "digits");
    add_modality(p, "gray", type, "image", 3, channels, out_height, out_width);
    return p;
}

Test(transforms, rows_and_cols_take_strips_of_an_image) {
    Program *p = images(3, 4, "image", 1, 2, 4);
    add_step(p, "rows", 3, 1, 2, 4);
    step_int(p, "first", 1);
    step_int(p, "count", 2);
    EXPECT(p, 0, 4, 5, 6, 7, 8, 9, 10, 11);
    p = images(3, 4, "image", 1, 3, 2);
    add_step(p, "cols", 3, 1, 3, 2);
    step_int(p, "first", 1);
    step_int(p, "count", 2);
    EXPECT(p, 0, 1, 2, 5, 6, 9, 10);
}

Test(transforms, flatten_keeps_the_order) {
    Program *p = program_new();
    write_idx_set(p, 8, 2, 2, 3, 4);
    add_idx(p, "digits");
    add_modality(p, "gray", "vector[6]", "image", 1, 6);
    add_step(p, "flatten", 1, 6);
    EXPECT(p, 0, 0, 1, 2, 3, 4, 5);
}

Test(transforms, crop_takes_the_centre) {
    Program *p = images(4, 4, "image", 1, 2, 2);
    add_step(p, "crop", 3, 1, 2, 2);
    step_int(p, "height", 2);
    step_int(p, "width", 2);
    EXPECT(p, 0, 5, 6, 9, 10);
    p = images(4, 4, "image", 1, 5, 2);
    add_step(p, "crop", 3, 1, 5, 2);
    step_int(p, "height", 5);
    step_int(p, "width", 2);
    expect_in(open_fails(p), "crop takes 5 x 2 out of 4 x 4");
    program_free(p);
}

Test(transforms, pad_puts_zeros_around) {
    Program *p = images(1, 2, "image", 1, 3, 4);
    add_step(p, "shift", 3, 1, 1, 2);
    step_real(p, "by", 1);
    add_step(p, "pad", 3, 1, 3, 4);
    step_int(p, "pixels", 1);
    EXPECT(p, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0);
}

/* Halving with PIL's antialiased triangle: weights 1 3 3 1 over 8 inside, 3 3 1 over 7 at the edge. */
Test(transforms, resize_halves_with_a_widened_triangle) {
    Program *p = images(1, 8, "image", 1, 1, 4);
    add_step(p, "resize", 3, 1, 1, 4);
    step_int(p, "height", 1);
    step_int(p, "width", 4);
    EXPECT(p, 0, (0 * 3 + 1 * 3 + 2) / 7.0, (1 + 2 * 3 + 3 * 3 + 4) / 8.0, (3 + 4 * 3 + 5 * 3 + 6) / 8.0,
           (5 + 6 * 3 + 7 * 3) / 7.0);
}

/* Doubling is plain bilinear interpolation between pixel centres. */
Test(transforms, resize_doubles_by_interpolation) {
    Program *p = images(2, 1, "image", 1, 4, 1);
    add_step(p, "resize", 3, 1, 4, 1);
    step_int(p, "height", 4);
    step_int(p, "width", 1);
    EXPECT(p, 0, 0, 0.25, 0.75, 1);
}

Test(transforms, resize_to_the_same_size_changes_nothing) {
    Program *p = images(2, 3, "image", 1, 2, 3);
    add_step(p, "resize", 3, 1, 2, 3);
    step_int(p, "height", 2);
    step_int(p, "width", 3);
    EXPECT(p, 0, 0, 1, 2, 3, 4, 5);
}

Test(transforms, resize_of_one_side_keeps_the_ratio) {
    Program *p = images(4, 7, "image", 1, 2, 3);
    add_step(p, "resize", 3, 1, 2, 3);
    step_int(p, "side", 2);
    open_data(p);
    program_free(p);
    p = images(7, 4, "image", 1, 3, 2);
    add_step(p, "resize", 3, 1, 3, 2);
    step_int(p, "side", 2);
    open_data(p);
    program_free(p);
}

Test(transforms, flip_mirrors_in_training_and_rests_elsewhere) {
    Program *p = images(1, 3, "image", 1, 1, 3);
    add_step(p, "flip", 3, 1, 1, 3);
    step_real(p, "p", 1);
    MmlData *data = open_data(p);
    float out[3];
    sample_of(data, MML_TRAIN, 0, 1, 1, p, 0, out, NULL, NULL);
    for (int i = 0; i < 3; i++) cr_assert_eq(out[i], 2 - i);
    sample_of(data, MML_TRAIN, 0, 1, 0, p, 0, out, NULL, NULL);
    for (int i = 0; i < 3; i++) cr_assert_eq(out[i], i);
    program_free(p);
}

Test(transforms, flip_negates_the_horizontal_component_of_flow) {
    Program *p = images(1, 3, "flow[1, 1, 3]", 1, 1, 3);
    add_step(p, "flip", 3, 1, 1, 3);
    step_real(p, "p", 1);
    float out[3];
    sample_of(open_data(p), MML_TRAIN, 0, 1, 1, p, 0, out, NULL, NULL);
    for (int i = 0; i < 3; i++) cr_assert_eq(out[i], i - 2);
    program_free(p);
}

Test(transforms, flip_draws_anew_for_each_sample_and_epoch) {
    Program *p = program_new();
    write_idx_set(p, 100, 2, 1, 3, 4);
    add_idx(p, "digits");
    add_modality(p, "gray", "image", "image", 3, 1, 1, 3);
    add_step(p, "flip", 3, 1, 1, 3);
    step_real(p, "p", 0.3);
    MmlData *data = open_data(p);
    int flipped = 0, changed = 0;
    for (i64 row = 0; row < 100; row++) {
        float first[3], again[3], plain[3];
        sample_of(data, MML_TRAIN, row, 1, 1, p, 0, first, NULL, NULL);
        sample_of(data, MML_TRAIN, row, 2, 1, p, 0, again, NULL, NULL);
        train_sample(p, data, row, plain);
        flipped += first[0] != plain[0];
        changed += first[0] != again[0];
    }
    /* 30 and 42 expected of 100; 5 standard deviations around. */
    cr_assert(flipped > 7 && flipped < 53, "%d flipped", flipped);
    cr_assert(changed > 17 && changed < 67, "%d changed", changed);
    program_free(p);
}

Test(transforms, random_resized_crop_of_the_whole_area_is_a_resize) {
    Program *p = images(4, 4, "image", 1, 2, 2);
    add_step(p, "random_resized_crop", 3, 1, 2, 2);
    step_int(p, "side", 2);
    step_real(p, "area_low", 1);
    step_real(p, "area_high", 1);
    step_real(p, "ratio_low", 1);
    step_real(p, "ratio_high", 1);
    MmlData *data = open_data(p);
    float cropped[4], resized[4];
    sample_of(data, MML_TRAIN, 1, 3, 1, p, 0, cropped, NULL, NULL);
    train_sample(p, data, 1, resized);
    cr_assert_eq(memcmp(cropped, resized, sizeof cropped), 0);
    program_free(p);
}

/* On a plane x + 10 y interpolation is exact inside, so the crop's box can be read off its values. */
Test(transforms, random_resized_crop_keeps_area_and_ratio_in_their_ranges) {
    Program *p = program_new();
    static u8 bytes[16 + 20 * 400];
    size_t size = idx_images(bytes, 20, 20, 20, 0);
    for (int i = 0; i < 20 * 400; i++) bytes[16 + i] = (u8)(i % 20 + 10 * (i / 20 % 20) + 5);
    write_idx_set(p, 20, 1, 20, 20, 4);
    write_bytes(p, "train-images-idx3-ubyte", bytes, size);
    add_idx(p, "digits");
    add_modality(p, "gray", "image", "image", 3, 1, 40, 40);
    add_step(p, "random_resized_crop", 3, 1, 40, 40);
    step_int(p, "side", 40);
    step_real(p, "area_low", 0.25);
    step_real(p, "area_high", 0.5);
    step_real(p, "ratio_low", 0.75);
    step_real(p, "ratio_high", 1.5);
    MmlData *data = open_data(p);
    double left_least = 20, left_most = 0;
    for (i64 row = 0; row < 20; row++)
        for (i64 epoch = 1; epoch < 4; epoch++) {
            static float out[1600];
            sample_of(data, MML_TRAIN, row, epoch, 1, p, 0, out, NULL, NULL);
            double width = (out[20 * 40 + 21] - out[20 * 40 + 20]) * 40, height = (out[21 * 40 + 20] - out[20 * 40 + 20]) * 4;
            double left = out[20 * 40 + 20] - 10 * floor((out[20 * 40 + 20] - 5) / 10);
            cr_assert(width * height > 0.25 * 400 - 15 && width * height < 0.5 * 400 + 15, "area %g", width * height);
            cr_assert(width / height > 0.65 && width / height < 1.7, "ratio %g", width / height);
            left_least = fmin(left_least, left);
            left_most = fmax(left_most, left);
        }
    cr_assert(left_most - left_least > 2, "crops lie in different places");
    program_free(p);
}

Test(transforms, gray_weighs_red_green_and_blue_by_bt601) {
    Program *p = images(1, 2, "image", 1, 1, 2);
    add_step(p, "shift", 3, 1, 1, 2);
    step_real(p, "by", 1);
    add_step(p, "colorize", 3, 3, 1, 2);
    step_text(p, "by", "label");
    step_real(p, "jitter", 0);
    step_word(p, "train", "correlated");
    step_word(p, "test", "none");
    add_step(p, "gray", 3, 1, 1, 2);
    double red = 0.299 * .86 + 0.587 * .08 + 0.114 * .24;       /* label 0 is red */
    EXPECT(p, 0, red, 2 * red);
}

Test(transforms, normalize_imagenet_divides_by_255_first) {
    Program *p = images(1, 1, "image", 3, 1, 1);
    add_step(p, "shift", 3, 1, 1, 1);
    step_real(p, "by", 255);
    add_step(p, "colorize", 3, 3, 1, 1);
    step_text(p, "by", "label");
    step_real(p, "jitter", 0);
    step_word(p, "train", "none");
    step_word(p, "test", "none");
    add_step(p, "normalize", 3, 3, 1, 1);
    step_word(p, "by", "imagenet");
    EXPECT(p, 0, (1 - .485) / .229, (1 - .456) / .224, (1 - .406) / .225);
    p = images(1, 1, "image", 1, 1, 1);
    add_step(p, "normalize", 3, 1, 1, 1);
    step_word(p, "by", "imagenet");
    expect_in(open_fails(p), "needs 3 channels, not 1");
    program_free(p);
}

Test(transforms, normalize_takes_a_mean_for_each_channel_of_an_image) {
    Program *p = images(1, 2, "image", 3, 1, 2);
    add_step(p, "colorize", 3, 3, 1, 2);
    step_text(p, "by", "label");
    step_real(p, "jitter", 0);
    step_word(p, "train", "none");
    step_word(p, "test", "none");
    add_step(p, "normalize", 3, 3, 1, 2);
    step_word(p, "by", "numbers");
    step_reals(p, "mean", 3, (double[]){ 0, 1, 2 });
    step_reals(p, "std", 3, (double[]){ 1, 2, 4 });
    EXPECT(p, 0, 0, 1, -0.5, 0, -0.5, -0.25);
}

Test(transforms, an_unknown_step_is_one_message) {
    Program *p = images(1, 2, "image", 1, 1, 2);
    add_step(p, "warp", 3, 1, 1, 2);
    cr_assert_str_eq(open_fails(p), "test.mml:20:5: this version can't do warp");
    program_free(p);
}

/* Of boxes of many sizes, at the picture's edges too; the bytes end where their memory does (found by the sanitizer). */
Test(transforms, pictures_as_bytes_are_resampled_as_floats_are) {
    enum { HEIGHT = 13, WIDTH = 17, MOST = 24 };
    static float planes[3 * HEIGHT * WIDTH], expected[3 * MOST * MOST], got[3 * MOST * MOST];
    u8 *pixels = malloc(3 * HEIGHT * WIDTH);
    for (int i = 0; i < HEIGHT * WIDTH; i++)
        for (int c = 0; c < 3; c++) planes[c * HEIGHT * WIDTH + i] = pixels[3 * i + c] = (u8)(i * 31 + c * 77 + i * i % 13);
    for (i64 top = 0; top < HEIGHT; top += 3)
        for (i64 left = 0; left < WIDTH; left += 2)
            for (i64 side = 1; side <= MOST; side += 6) {
                DataBox box = { top, left, HEIGHT - top - top / 2 % 2, WIDTH - left };
                float *memory[2] = { malloc(sizeof(float) * (size_t)mml_data_axis_floats(box.height, side)),
                                     malloc(sizeof(float) * (size_t)mml_data_axis_floats(box.width, side)) };
                float *between = malloc(sizeof(float) * (size_t)mml_data_resample_between(box.height, box.width, side));
                DataAxis rows = mml_data_axis(box.height, side, memory[0]), columns = mml_data_axis(box.width, side, memory[1]);
                mml_data_resample(planes, 3, HEIGHT, WIDTH, box, &rows, &columns, between, expected);
                mml_data_resample_pixels(pixels, WIDTH, box, &rows, &columns, between, got);
                cr_assert_eq(memcmp(got, expected, sizeof(float) * (size_t)(3 * side * side)), 0, "%lld %lld %lld", (long long)top, (long long)left,
                             (long long)side);
                free(memory[0]);
                free(memory[1]);
                free(between);
            }
    free(pixels);
}
