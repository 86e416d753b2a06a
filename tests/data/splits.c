/* Holdout, orders, batches: what depends on the seed and on nothing else. */
#include "program.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* 1 x 1 images whose pixel is their number in the file, mod 256. */
static Program *numbered(u32 train, u32 test) {
    Program *p = program_new();
    write_idx_set(p, train, test, 1, 1, 5);
    add_idx(p, "digits");
    add_modality(p, "dot", "image[1, 1, 1]", "image", 3, 1, 1, 1);
    set_target(p, 5, "label");
    return p;
}

static void numbers_of(Program *p, MmlData *data, MmlSplit split, i64 *numbers) {
    for (i64 i = 0; i < mml_data_count(data, split); i++) {
        float pixel;
        i64 label;
        sample_of(data, split, i, 1, 0, p, 0, &pixel, &label, &numbers[i]);
        if (split != MML_TEST) {
            cr_assert_eq(pixel, (float)(numbers[i] % 256));
            cr_assert_eq(label, numbers[i] % 5);
        }
    }
}

Test(splits, holdout_takes_a_share_off_train_and_no_sample_twice) {
    Program *p = numbered(200, 7);
    set_real(p, "data.digits.holdout", 0.2);
    MmlData *data = open_data(p);
    cr_assert_str_eq(mml_data_describe(data), "160 train, 40 validation, 7 test");
    i64 train[160], validation[40], seen[200] = { 0 };
    numbers_of(p, data, MML_TRAIN, train);
    numbers_of(p, data, MML_VALIDATION, validation);
    for (int i = 0; i < 160; i++) seen[train[i]]++;
    for (int i = 0; i < 40; i++) seen[validation[i]]++;
    for (int i = 0; i < 200; i++) cr_assert_eq(seen[i], 1);
    program_free(p);
}

Test(splits, holdout_depends_on_the_seed_alone) {
    Program *p = numbered(200, 7);
    set_real(p, "data.digits.holdout", 0.1);
    i64 first[20], again[20], other[20];
    numbers_of(p, open_data_with(p, 3, 1), MML_VALIDATION, first);
    numbers_of(p, open_data_with(p, 3, 2), MML_VALIDATION, again);
    numbers_of(p, open_data_with(p, 4, 1), MML_VALIDATION, other);
    cr_assert_eq(memcmp(first, again, sizeof first), 0);
    cr_assert_neq(memcmp(first, other, sizeof first), 0);
    program_free(p);
}

Test(splits, a_limit_is_taken_before_the_holdout) {
    Program *p = numbered(200, 7);
    set_int(p, "data.digits.limit", 50);
    set_real(p, "data.digits.holdout", 0.1);
    MmlData *data = open_data(p);
    cr_assert_str_eq(mml_data_describe(data), "45 train, 5 validation, 7 test");
    i64 validation[5];
    numbers_of(p, data, MML_VALIDATION, validation);
    for (int i = 0; i < 5; i++) cr_assert_lt(validation[i], 50);
    program_free(p);
}

Test(splits, refuses_a_holdout_that_leaves_a_side_empty) {
    Program *p = numbered(4, 2);
    set_real(p, "data.digits.holdout", 0.05);
    expect_in(open_fails(p), "data.digits.holdout = 5 % of 4 samples leaves one side empty");
    program_free(p);
}

Test(splits, an_order_is_a_permutation_of_seed_stage_and_epoch) {
    Program *p = numbered(100, 2);
    MmlData *data = open_data(p);
    i64 order[100], again[100], others[3][100], seen[100] = { 0 };
    cr_assert_eq(mml_data_order(data, 5, 1, 2, order), MML_OK);
    cr_assert_eq(mml_data_order(data, 5, 1, 2, again), MML_OK);
    mml_data_order(data, 6, 1, 2, others[0]);
    mml_data_order(data, 5, 0, 2, others[1]);
    mml_data_order(data, 5, 1, 3, others[2]);
    for (int i = 0; i < 100; i++) seen[order[i]]++;
    for (int i = 0; i < 100; i++) cr_assert_eq(seen[i], 1);
    cr_assert_eq(memcmp(order, again, sizeof order), 0);
    for (int i = 0; i < 3; i++) cr_assert_neq(memcmp(order, others[i], sizeof order), 0);
    program_free(p);
}

/* Everything random and costly at once, in two modalities. */
static Program *busy(void) {
    Program *p = program_new();
    write_idx_set(p, 60, 20, 6, 7, 5);
    add_idx(p, "digits");
    set_target(p, 5, "label");
    set_real(p, "data.digits.holdout", 0.25);
    add_modality(p, "a", "image[3, 4, 4]", "image", 3, 3, 4, 4);
    add_step(p, "scale", 3, 1, 6, 7);
    step_real(p, "factor", 1.0 / 255);
    add_step(p, "colorize", 3, 3, 6, 7);
    step_text(p, "by", "digits.label");
    step_real(p, "jitter", 0.03);
    step_word(p, "train", "correlated");
    step_word(p, "test", "random");
    add_step(p, "random_resized_crop", 3, 3, 4, 4);
    step_int(p, "side", 4);
    add_step(p, "normalize", 3, 3, 4, 4);
    step_word(p, "by", "train");
    add_modality(p, "b", "image[1, 5, 5]", "image", 3, 1, 5, 5);
    add_step(p, "resize", 3, 1, 5, 5);
    step_int(p, "height", 5);
    step_int(p, "width", 5);
    add_step(p, "flip", 3, 1, 5, 5);
    step_real(p, "p", 0.5);
    return p;
}

enum { BATCH = 45, A = 48, B = 25 };
typedef struct { float a[BATCH * A], b[BATCH * B]; i64 labels[BATCH], samples[BATCH]; } Values;

static void batch_of(MmlData *data, i64 epoch, int augment, Values *out) {
    i64 rows[BATCH];
    for (int i = 0; i < BATCH; i++) rows[i] = (i * 7) % BATCH;
    float *inputs[2] = { out->a, out->b };
    Status status = mml_data_batch(data, MML_TRAIN, rows, BATCH, epoch, augment, inputs, out->labels, out->samples);
    cr_assert_eq(status, MML_OK, "%s", mml_message());
}

Test(splits, a_batch_does_not_depend_on_threads_nor_on_what_was_asked_before) {
    Program *p = busy();
    Values *one = calloc(1, sizeof *one), *three = calloc(1, sizeof *three), *later = calloc(1, sizeof *later);
    batch_of(open_data_with(p, 1, 1), 4, 1, one);
    MmlData *data = open_data_with(p, 1, 3);
    batch_of(data, 4, 1, three);
    batch_of(data, 9, 1, later);
    cr_assert_neq(memcmp(one->a, later->a, sizeof one->a), 0, "another epoch crops otherwise");
    batch_of(data, 9, 0, later);
    batch_of(data, 4, 1, later);
    cr_assert_eq(memcmp(one, three, sizeof *one), 0);
    cr_assert_eq(memcmp(one, later, sizeof *one), 0);
    free(one);
    free(three);
    free(later);
    program_free(p);
}

Test(splits, a_batch_gives_each_row_what_it_gets_alone) {
    Program *p = busy();
    MmlData *data = open_data_with(p, 1, 2);
    Values *all = calloc(1, sizeof *all);
    batch_of(data, 2, 1, all);
    for (int i = 0; i < BATCH; i++) {
        float a[A], b[B];
        i64 label, number;
        sample_of(data, MML_TRAIN, (i * 7) % BATCH, 2, 1, p, 0, a, &label, &number);
        sample_of(data, MML_TRAIN, (i * 7) % BATCH, 2, 1, p, 1, b, NULL, NULL);
        cr_assert_eq(memcmp(a, all->a + i * A, sizeof a), 0);
        cr_assert_eq(memcmp(b, all->b + i * B, sizeof b), 0);
        cr_assert_eq(label, all->labels[i]);
        cr_assert_eq(number, all->samples[i]);
    }
    free(all);
    program_free(p);
}

Test(splits, the_same_row_twice_in_a_batch_is_the_same_sample) {
    Program *p = busy();
    MmlData *data = open_data_with(p, 1, 4);
    i64 rows[16] = { 0 }, labels[16], samples[16];
    float *a = malloc(sizeof(float) * 16 * A), *b = malloc(sizeof(float) * 16 * B);
    float *inputs[2] = { a, b };
    cr_assert_eq(mml_data_batch(data, MML_TRAIN, rows, 16, 1, 1, inputs, labels, samples), MML_OK);
    for (int i = 1; i < 16; i++) {
        cr_assert_eq(memcmp(a, a + i * A, A * sizeof(float)), 0);
        cr_assert_eq(memcmp(b, b + i * B, B * sizeof(float)), 0);
    }
    free(a);
    free(b);
    program_free(p);
}

Test(splits, without_augmentation_epochs_are_alike) {
    Program *p = busy();
    MmlData *data = open_data(p);
    Values *first = calloc(1, sizeof *first), *second = calloc(1, sizeof *second);
    batch_of(data, 1, 0, first);
    batch_of(data, 2, 0, second);
    cr_assert_eq(memcmp(first, second, sizeof *first), 0);
    free(first);
    free(second);
    program_free(p);
}

Test(splits, a_row_outside_of_its_split_is_refused) {
    Program *p = numbered(10, 2);
    MmlData *data = open_data(p);
    float pixel, *inputs[1] = { &pixel };
    i64 row = 2, label, number;
    cr_assert_eq(mml_data_batch(data, MML_TEST, &row, 1, 1, 0, inputs, &label, &number), MML_EBUG);
    program_free(p);
}

/* ---- Several sources ---- */

static Program *idx_beside_csv(const char *csv) {
    Program *p = numbered(4, 2);
    write_text(p, "a.csv", csv);
    add_csv(p, "rows", "a.csv", NULL);
    set_word(p, "data.rows.label", "last");
    set_word(p, "data.rows.test", "every");
    set_int(p, "data.rows.test.every", 3);
    set_int(p, "data.rows.test.of", 2);
    add_modality(p, "a", "vector[1]", "a", 1, 1);
    return p;
}

Test(splits, sources_are_joined_by_position) {
    Program *p = idx_beside_csv("x,c\n10,0\n11,1\n20,0\n12,2\n13,3\n21,1\n");
    MmlData *data = open_data(p);
    float value;
    i64 number;
    sample_of(data, MML_TRAIN, 2, 1, 0, p, 1, &value, NULL, &number);
    cr_assert_eq(value, 12);
    cr_assert_eq(number, 2, "the target's source numbers the samples");
    program_free(p);
}

Test(splits, refuses_sources_of_different_count) {
    Program *p = idx_beside_csv("x,c\n10,0\n11,1\n20,0\n12,2\n13,3\n");
    expect_in(open_fails(p), "data rows has 1 test samples and data digits (test.mml:9) 2");
    program_free(p);
}

Test(splits, refuses_sources_whose_labels_disagree) {
    Program *p = idx_beside_csv("x,c\n10,0\n11,1\n20,0\n12,2\n13,4\n21,1\n");
    const char *message = open_fails(p);
    expect_in(message, "a.csv:6: label 4 disagrees with label 3 of");
    expect_in(message, "train-labels-idx1-ubyte, sample 3");
    program_free(p);
}
