/* colorize: means, jitter, and which draws belong to what. */
#include "program.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

/* The palette of language.md, section 3. */
static const double palette[10][3] = {
    { .86, .08, .24 }, { 0, .50, .50 },   { .99, .91, 0 },   { 0, .28, .71 },   { .93, .57, .13 },
    { .55, .09, .55 }, { .27, .94, .94 }, { .94, .20, .90 }, { .75, .94, .20 }, { .98, .75, .83 },
};

/* White 1 x 1 images, 10 classes in turn. */
static Program *white(u32 train, u32 test, double jitter, const char *train_word, const char *test_word) {
    Program *p = program_new();
    static u8 bytes[16 + 8000];
    write_idx_set(p, train, test, 1, 1, 10);
    for (int split = 0; split < 2; split++) {
        size_t size = idx_images(bytes, split ? test : train, 1, 1, 0);
        memset(bytes + 16, 255, size - 16);
        write_bytes(p, split ? "t10k-images-idx3-ubyte" : "train-images-idx3-ubyte", bytes, size);
    }
    add_idx(p, "digits");
    add_modality(p, "color", "image[3, 1, 1]", "image", 3, 3, 1, 1);
    add_step(p, "scale", 3, 1, 1, 1);
    step_real(p, "factor", 1.0 / 255);
    add_step(p, "colorize", 3, 3, 1, 1);
    step_text(p, "by", "digits.label");
    step_real(p, "jitter", jitter);
    step_word(p, "train", train_word);
    step_word(p, "test", test_word);
    return p;
}

static int nearest(const float *color) {
    int best = -1;
    double least = INFINITY;
    for (int k = 0; k < 10; k++) {
        double distance = 0;
        for (int c = 0; c < 3; c++) distance += pow(color[c] - palette[k][c], 2);
        if (distance < least) {
            least = distance;
            best = k;
        }
    }
    return best;
}

Test(colorize, gives_train_samples_the_mean_of_their_label) {
    Program *p = white(20, 2, 0, "correlated", "none");
    MmlData *data = open_data(p);
    for (i64 row = 0; row < 20; row++) {
        float color[3];
        train_sample(p, data, row, color);
        for (int c = 0; c < 3; c++) expect_near(color[c], palette[row % 10][c], 1e-6, "colour");
    }
    float color[3];
    sample_of(data, MML_TEST, 1, 1, 0, p, 0, color, NULL, NULL);
    for (int c = 0; c < 3; c++) expect_near(color[c], 1, 1e-6, "none leaves grey");
    program_free(p);
}

/* Label 1's green and blue are .50: with a variance of .01 clipping at 0 and 1 is 5 deviations away. */
Test(colorize, jitter_is_a_variance_drawn_once_a_sample) {
    Program *p = white(8000, 2, 0.01, "correlated", "none");
    MmlData *data = open_data(p);
    double sum[3] = { 0 }, squares[3] = { 0 }, cross = 0;
    int n = 800;
    for (i64 i = 0; i < n; i++) {
        float color[3], again[3];
        sample_of(data, MML_TRAIN, 10 * i + 1, 1, 1, p, 0, color, NULL, NULL);
        sample_of(data, MML_TRAIN, 10 * i + 1, 7, 0, p, 0, again, NULL, NULL);
        cr_assert_eq(memcmp(color, again, sizeof color), 0, "epochs and augmentation don't change it");
        for (int c = 0; c < 3; c++) {
            cr_assert(color[c] >= 0 && color[c] <= 1);
            sum[c] += color[c];
            squares[c] += pow(color[c] - palette[1][c], 2);
        }
        cross += (color[1] - .5) * (color[2] - .5);
    }
    /* Standard errors at n = 800: mean 0.0035, variance 0.0005; red is a half normal at 0, mean 0.1 / sqrt(2 pi). */
    expect_near(sum[1] / n, .50, 0.0175, "mean of green");
    expect_near(sum[2] / n, .50, 0.0175, "mean of blue");
    expect_near(sum[0] / n, 0.1 / sqrt(2 * M_PI), 0.0105, "mean of red, clipped at 0");
    expect_near(squares[1] / n, 0.01, 0.0025, "variance of green");
    expect_near(squares[2] / n, 0.01, 0.0025, "variance of blue");
    expect_near(cross / n, 0, 0.0018, "channels are independent");
    program_free(p);
}

Test(colorize, test_samples_take_the_mean_of_a_random_label_without_jitter) {
    Program *p = white(10, 2000, 0.03, "correlated", "random");
    MmlData *data = open_data(p);
    int counts[10] = { 0 }, own = 0;
    for (i64 row = 0; row < 2000; row++) {
        float color[3];
        i64 label;
        sample_of(data, MML_TEST, row, 1, 0, p, 0, color, &label, NULL);
        int k = nearest(color);
        for (int c = 0; c < 3; c++) expect_near(color[c], palette[k][c], 1e-6, "no jitter");
        counts[k]++;
        own += k == label;
    }
    /* 200 each, standard deviation 13.4. */
    for (int k = 0; k < 10; k++) cr_assert(counts[k] > 133 && counts[k] < 267, "label %d drawn %d times", k, counts[k]);
    cr_assert(own > 133 && own < 267, "%d samples have their own label's colour", own);
    program_free(p);
}

Test(colorize, colours_validation_as_train_and_by_the_seed) {
    Program *p = white(50, 2, 0.02, "correlated", "random");
    set_real(p, "data.digits.holdout", 0.2);
    float colors[2][50][3];
    for (int run = 0; run < 2; run++) {
        MmlData *data = open_data_with(p, 1, run + 1);
        for (int split = MML_TRAIN; split <= MML_VALIDATION; split++)
            for (i64 i = 0; i < mml_data_count(data, (MmlSplit)split); i++) {
                float color[3];
                i64 number;
                sample_of(data, (MmlSplit)split, i, 1, 0, p, 0, color, NULL, &number);
                memcpy(colors[run][number], color, sizeof color);
                if (split == MML_VALIDATION)
                    for (int c = 0; c < 3; c++) expect_near(color[c], palette[number % 10][c], 0.71, "5 deviations");
            }
    }
    cr_assert_eq(memcmp(colors[0], colors[1], sizeof colors[0]), 0);
    MmlData *data = open_data_with(p, 2, 1);
    int changed = 0;
    for (i64 i = 0; i < mml_data_count(data, MML_TRAIN); i++) {
        float color[3];
        i64 number;
        sample_of(data, MML_TRAIN, i, 1, 0, p, 0, color, NULL, &number);
        changed += memcmp(colors[0][number], color, sizeof color) != 0;
    }
    cr_assert_gt(changed, 35);
    program_free(p);
}

Test(colorize, a_samples_colour_does_not_depend_on_limits_or_holdout) {
    Program *p = white(50, 2, 0.02, "correlated", "random");
    float plain[3], held[3];
    sample_of(open_data(p), MML_TRAIN, 7, 1, 0, p, 0, plain, NULL, NULL);
    set_int(p, "data.digits.limit", 20);
    set_real(p, "data.digits.holdout", 0.1);
    MmlData *data = open_data(p);
    int found = 0;
    for (int split = MML_TRAIN; split <= MML_VALIDATION; split++)
        for (i64 i = 0; i < mml_data_count(data, (MmlSplit)split); i++) {
            i64 number;
            sample_of(data, (MmlSplit)split, i, 1, 0, p, 0, held, NULL, &number);
            if (number != 7) continue;
            found++;
            cr_assert_eq(memcmp(plain, held, sizeof plain), 0);
        }
    cr_assert_eq(found, 1);
    program_free(p);
}

Test(colorize, refuses_what_is_no_label_or_not_grey) {
    Program *p = white(10, 10, 0.02, "correlated", "random");
    step_text(p, "by", "digits.image");
    expect_in(open_fails(p), "test.mml:21:5: colorize goes by digits.image, which is no label");
    step_text(p, "by", "others.label");
    expect_in(open_fails(p), "must be a field of digits");
    program_free(p);
}

Test(colorize, refuses_labels_beyond_its_ten_colours) {
    Program *p = white(10, 10, 0.02, "correlated", "random");
    u8 bytes[32];
    size_t size = idx_labels(bytes, 10, 10);
    bytes[8 + 4] = 12;
    write_bytes(p, "t10k-labels-idx1-ubyte", bytes, size);
    set_target(p, 13, "label");
    const char *message = open_fails(p);
    expect_in(message, "colours for the labels 0 … 9; label 12 (");
    expect_in(message, "t10k-labels-idx1-ubyte, sample 4");
    program_free(p);
}
