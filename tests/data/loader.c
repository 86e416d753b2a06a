/* The loader: the same batches as mml_data_batch, whoever makes them and whatever was asked for. */
#include "program.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "mml/loader.h"

enum { SIDE = 48, BATCH = 40, TRAIN = 90 };

/* Costly enough for a batch to be made ahead: about a tenth of a millisecond a sample. */
static Program *costly(void) {
    Program *p = program_new();
    write_idx_set(p, TRAIN, 50, 40, 40, 5);
    add_idx(p, "digits");
    set_target(p, 5, "label");
    add_modality(p, "a", "image[3, 48, 48]", "image", 3, 3, SIDE, SIDE);
    add_step(p, "scale", 3, 1, 40, 40);
    step_real(p, "factor", 1.0 / 255);
    add_step(p, "colorize", 3, 3, 40, 40);
    step_text(p, "by", "digits.label");
    step_real(p, "jitter", 0.03);
    step_word(p, "train", "correlated");
    step_word(p, "test", "random");
    add_step(p, "random_resized_crop", 3, 3, SIDE, SIDE);
    step_int(p, "side", SIDE);
    add_modality(p, "b", "image[1, 20, 20]", "image", 3, 1, 20, 20);
    add_step(p, "resize", 3, 1, 20, 20);
    step_int(p, "height", 20);
    step_int(p, "width", 20);
    return p;
}

static const i64 sizes[2] = { 3 * SIDE * SIDE, 20 * 20 };

typedef struct { MmlData *data; MmlThreads *threads; MmlArena *arena; MmlLoader *loader; } Open;

static Open open_loader(Program *p, int threads) {
    Open o = { 0 };
    cr_assert_eq(mml_threads_new(threads, &o.threads), MML_OK);
    cr_assert_eq(mml_data_open(program_settings(p), 1, o.threads, &o.data), MML_OK, "%s", mml_message());
    o.arena = mml_arena_new();
    cr_assert_eq(mml_loader_new(o.data, o.threads, BATCH, o.arena, &o.loader), MML_OK);
    return o;
}

static void close_loader(Open *o) {
    mml_loader_free(o->loader);
    mml_data_close(o->data);
    mml_threads_free(o->threads);
    mml_arena_free(o->arena);
}

/* Plan number k: splits, sizes, epochs and augmentation in turn. rows: [BATCH]. */
static MmlBatchPlan plan_of(int k, i64 *rows) {
    MmlSplit split = k % 5 == 4 ? MML_TEST : MML_TRAIN;
    i64 n = k % 3 == 2 ? 7 : BATCH;
    for (i64 i = 0; i < n; i++) rows[i] = (i * 7 + k * 11) % (split == MML_TEST ? 50 : TRAIN);
    return (MmlBatchPlan){ split, rows, n, k / 2, split == MML_TRAIN };
}

static void expect_batch(MmlData *data, const MmlBatchPlan *plan, const MmlLoaded *loaded) {
    static float a[BATCH * 3 * SIDE * SIDE], b[BATCH * 400];
    i64 labels[BATCH], samples[BATCH];
    float *inputs[2] = { a, b };
    cr_assert_eq(mml_data_batch(data, plan->split, plan->rows, plan->n, plan->epoch, plan->augment, inputs, labels, samples), MML_OK);
    for (int m = 0; m < 2; m++)
        cr_assert_eq(memcmp(inputs[m], loaded->inputs[m], sizeof(float) * (size_t)(plan->n * sizes[m])), 0, "modality %d", m);
    cr_assert_eq(memcmp(labels, loaded->labels, sizeof(i64) * (size_t)plan->n), 0);
    cr_assert_eq(memcmp(samples, loaded->samples, sizeof(i64) * (size_t)plan->n), 0);
}

/* How long the trainer works on a batch before it takes the next: not at all, or as long as making one takes. */
static void work(int k, MmlData *data) {
    static float a[BATCH * 3 * SIDE * SIDE], b[BATCH * 400];
    i64 labels[BATCH], samples[BATCH], rows[BATCH];
    MmlBatchPlan plan = plan_of(0, rows);
    if (k % 4 < 2) mml_data_batch(data, plan.split, plan.rows, plan.n, plan.epoch, plan.augment, (float *[]){ a, b }, labels, samples);
}

Test(loader, gives_the_batches_of_mml_data_batch_bit_for_bit) {
    for (int threads = 1; threads <= 3; threads++) {
        Program *p = costly();
        Open o = open_loader(p, threads);
        for (int k = 0; k < 60; k++) {
            i64 rows[BATCH], next_rows[BATCH];
            MmlBatchPlan plan = plan_of(k, rows), next = plan_of(k + 1, next_rows);
            MmlLoaded loaded;
            cr_assert_eq(mml_loader_take(o.loader, &plan, &loaded), MML_OK);
            mml_loader_ask(o.loader, &next);
            memset(next_rows, 0xff, sizeof next_rows);           /* asking copied them */
            work(k, o.data);
            expect_batch(o.data, &plan, &loaded);
        }
        close_loader(&o);
        program_free(p);
    }
}

Test(loader, gives_a_batch_that_was_not_asked_for) {
    Program *p = costly();
    Open o = open_loader(p, 2);
    for (int k = 0; k < 60; k++) {
        i64 rows[BATCH], other_rows[BATCH];
        MmlBatchPlan plan = plan_of(k, rows), other = plan_of(k + 3, other_rows);
        MmlLoaded loaded;
        if (k % 3) mml_loader_ask(o.loader, &other);
        if (k % 3 == 2) mml_loader_ask(o.loader, &other);
        if (k % 7 == 3) mml_loader_forget(o.loader);
        work(k, o.data);
        cr_assert_eq(mml_loader_take(o.loader, &plan, &loaded), MML_OK);
        expect_batch(o.data, &plan, &loaded);
    }
    close_loader(&o);
    program_free(p);
}

/* The logarithm of pixels of 0. */
Test(loader, tells_of_a_sample_that_is_not_finite_whoever_made_it) {
    Program *p = costly();
    add_modality(p, "c", "image[1, 40, 40]", "image", 3, 1, 40, 40);
    add_step(p, "log", 3, 1, 40, 40);
    step_real(p, "add", 0);
    Open o = open_loader(p, 2);
    i64 rows[BATCH];
    MmlBatchPlan plan = plan_of(0, rows);
    MmlLoaded loaded;
    for (int asked = 0; asked < 2; asked++) {
        cr_assert_eq(mml_loader_take(o.loader, &plan, &loaded), MML_EDATA);
        expect_in(mml_message(), "log gives -inf for a sample of modality c");
        mml_loader_ask(o.loader, &plan);
    }
    close_loader(&o);
    program_free(p);
}

Test(loader, refuses_rows_and_sizes_that_are_not_there) {
    Program *p = costly();
    Open o = open_loader(p, 1);
    i64 rows[BATCH + 1] = { TRAIN };
    MmlLoaded loaded;
    MmlBatchPlan outside = { MML_TRAIN, rows, 1, 0, 0 }, large = { MML_TRAIN, rows, BATCH + 1, 0, 0 };
    mml_loader_ask(o.loader, &outside);
    cr_assert_eq(mml_loader_take(o.loader, &outside, &loaded), MML_EBUG);
    cr_assert_eq(mml_loader_take(o.loader, &large, &loaded), MML_EBUG);
    close_loader(&o);
    program_free(p);
}
