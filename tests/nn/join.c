/* Sums, copies, concatenation, products, modulation and dropout. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

/* ---- concat: count size0 size1 … ---- */

static void concat_sizes(const MmlValue *a, Sizes *s) {
    for (i64 part = 0; part < a[0].i; part++) {
        s->input[part] = a[1 + part].i;
        s->output += a[1 + part].i;
    }
}

static void concat_reference(const Problem *p, double *const *in, double *out) {
    for (i64 n = 0; n < p->batch; n++)
        for (i64 part = 0; part < p->a[0].i; part++)
            for (i64 i = 0; i < p->a[1 + part].i; i++) *out++ = in[part][n * p->a[1 + part].i + i];
}

static const Layer concat = {
    KERNEL_concat_forward, KERNEL_concat_backward, "y012", "dABC", "xxx", 0, "", concat_sizes, concat_reference, 0, 0, 0,
};

Test(concat, lays_the_rows_of_a_sample_one_behind_the_other) {
    check_layer(&concat, (MmlValue[]){INT(3), INT(2), INT(5), INT(3)}, (Setting){.batch = 4, .capacity = 6, .threads = 1});
    check_layer(&concat, (MmlValue[]){INT(3), INT(1), INT(1), INT(4)}, (Setting){.batch = 1, .capacity = 1, .threads = 2});
    check_layer(&concat, (MmlValue[]){INT(3), INT(201), INT(64), INT(512)}, (Setting){.batch = 61, .capacity = 64, .threads = 2});
}

/* ---- multiply, film: size ---- */

static void multiply_sizes(const MmlValue *a, Sizes *s) { s->input[0] = s->input[1] = s->output = a[0].i; }

static void multiply_reference(const Problem *p, double *const *in, double *out) {
    for (i64 i = 0; i < p->batch * p->a[0].i; i++) out[i] = in[0][i] * in[1][i];
}

static void film_sizes(const MmlValue *a, Sizes *s) {
    s->input[0] = 2 * a[0].i;
    s->input[1] = s->output = a[0].i;
}

static void film_reference(const Problem *p, double *const *in, double *out) {
    i64 size = p->a[0].i;
    for (i64 n = 0; n < p->batch; n++)
        for (i64 i = 0; i < size; i++)
            out[n * size + i] = in[0][2 * n * size + i] * in[1][n * size + i] + in[0][(2 * n + 1) * size + i];
}

static const Layer multiply = {KERNEL_multiply_forward, KERNEL_multiply_backward, "01y", "d01AB", "xx", 0, "", multiply_sizes, multiply_reference, 0, 0, 0};
static const Layer film = {KERNEL_film_forward, KERNEL_film_backward, "01y", "d01AB", "xx", 0, "", film_sizes, film_reference, 0, 0, 0};

static void check_product(const Layer *layer) {
    check_layer(layer, (MmlValue[]){INT(3)}, (Setting){.batch = 4, .capacity = 6, .threads = 1});
    check_layer(layer, (MmlValue[]){INT(1)}, (Setting){.batch = 1, .capacity = 1, .threads = 2});
    check_layer(layer, (MmlValue[]){INT(301)}, (Setting){.batch = 61, .capacity = 64, .threads = 2});
}

Test(multiply, is_the_product_of_every_pair)                    { check_product(&multiply); }
Test(film, scales_by_the_first_half_and_shifts_by_the_second)   { check_product(&film); }

/* ---- add, accumulate, zero, copy ---- */

enum { LARGE = 20000 };

typedef struct { float a[LARGE + 1], b[LARGE + 1], y[LARGE + 1]; } Rows;

static Rows *rows_with(i64 filled) {
    Rows *r = calloc(1, sizeof *r);
    for (i64 i = 0; i <= filled; i++) {
        r->a[i] = (float)i;
        r->b[i] = 2.5f * (float)i;
        r->y[i] = -1.0f;
    }
    return r;
}

static void run_plain(int kernel, i64 size, i64 fixed, i64 batch, int threads, float *const *operand) {
    MmlValue a[] = {INT(size), INT(fixed)};
    TestFrame f;
    open_frame(&f, (Setting){.batch = batch, .capacity = batch, .threads = threads}, kernel, a);
    call_kernel(&f, kernel, a, operand);
    close_frame(&f);
}

static const struct { i64 size, fixed, batch; } extents[] = {{5, 0, 3}, {15, 1, 3}, {4, 0, 1}, {2000, 0, 10}, {LARGE, 1, 64}};
#define EXTENTS (sizeof extents / sizeof *extents)

static i64 floats_of(size_t e) { return extents[e].fixed ? extents[e].size : extents[e].size * extents[e].batch; }

Test(join, add_sums_two_activations) {
    Rows *r = rows_with(LARGE);
    run_plain(KERNEL_add, 2000, 0, 10, 2, (float *[]){r->a, r->b, r->y});
    for (int i = 0; i < LARGE; i++) cr_assert_eq(r->y[i], 3.5f * (float)i);
    cr_assert_eq(r->y[LARGE], -1.0f);
    free(r);
}

Test(join, accumulate_adds_to_what_is_there) {
    for (size_t e = 0; e < EXTENTS; e++) {
        i64 count = floats_of(e);
        Rows *r = rows_with(count);
        run_plain(KERNEL_accumulate, extents[e].size, extents[e].fixed, extents[e].batch, 2, (float *[]){r->a, r->y});
        for (i64 i = 0; i < count; i++) cr_assert_eq(r->y[i], (float)i - 1.0f);
        cr_assert_eq(r->y[count], -1.0f);
        free(r);
    }
}

Test(join, zero_clears_no_more_than_asked) {
    for (size_t e = 0; e < EXTENTS; e++) {
        i64 count = floats_of(e);
        Rows *r = rows_with(count);
        run_plain(KERNEL_zero, extents[e].size, extents[e].fixed, extents[e].batch, 2, (float *[]){r->y});
        for (i64 i = 0; i < count; i++) cr_assert_eq(r->y[i], 0.0f);
        cr_assert_eq(r->y[count], -1.0f);
        free(r);
    }
}

Test(join, copy_copies_no_more_than_asked) {
    for (size_t e = 0; e < EXTENTS; e++) {
        i64 count = floats_of(e);
        Rows *r = rows_with(count);
        run_plain(KERNEL_copy, extents[e].size, extents[e].fixed, extents[e].batch, 2, (float *[]){r->a, r->y});
        for (i64 i = 0; i < count; i++) cr_assert_eq(r->y[i], (float)i);
        cr_assert_eq(r->y[count], -1.0f);
        free(r);
    }
}

/* ---- dropout: size p group layer ---- */

static void drop(int kernel, double p, i64 layer, u64 step, const i64 *samples, int training, i64 batch, i64 size,
                 int threads, float *x, float *y) {
    MmlValue a[] = {INT(size), REAL(p), INT(0), INT(layer)};
    TestFrame f;
    open_frame(&f, (Setting){.batch = batch, .capacity = batch, .threads = threads, .training = training}, kernel, a);
    f.frame.step = step;
    for (i64 i = 0; i < batch; i++) f.samples[i] = samples[i];
    call_kernel(&f, kernel, a, (float *[]){x, y});
    close_frame(&f);
}

#define WIDTH 2500
static float ones[4 * WIDTH], first[4 * WIDTH], second[4 * WIDTH];
static const i64 samples[] = {7, 100, 3, 59999};

static void fill_ones(void) {
    for (int i = 0; i < 4 * WIDTH; i++) ones[i] = 1.0f;
}

/* Of 10,000 draws with p = 0.3 the share kept has deviation 0.0046; five of them. */
Test(dropout, keeps_the_share_and_the_expectation) {
    fill_ones();
    drop(KERNEL_dropout_forward, 0.3, 2, 9, samples, 1, 4, WIDTH, 1, ones, first);
    int kept = 0;
    for (int i = 0; i < 4 * WIDTH; i++) {
        cr_assert(first[i] == 0.0f || fabsf(first[i] - 1.0f / 0.7f) < 1e-6f);
        kept += first[i] != 0.0f;
    }
    cr_assert_float_eq(kept / (4.0 * WIDTH), 0.7, 0.023);
}

Test(dropout, draws_the_same_mask_backward) {
    fill_ones();
    drop(KERNEL_dropout_forward, 0.5, 2, 9, samples, 1, 4, WIDTH, 1, ones, first);
    drop(KERNEL_dropout_backward, 0.5, 2, 9, samples, 1, 4, WIDTH, 2, ones, second);
    cr_assert_arr_eq(first, second, sizeof first);
}

Test(dropout, belongs_to_the_sample_wherever_it_lies_in_the_batch) {
    fill_ones();
    i64 turned[] = {59999, 3, 100, 7};
    drop(KERNEL_dropout_forward, 0.5, 2, 9, samples, 1, 4, WIDTH, 1, ones, first);
    drop(KERNEL_dropout_forward, 0.5, 2, 9, turned, 1, 4, WIDTH, 2, ones, second);
    for (int i = 0; i < 4; i++) cr_assert_arr_eq(first + i * WIDTH, second + (3 - i) * WIDTH, WIDTH * sizeof(float));
}

Test(dropout, draws_anew_for_another_step_and_another_layer) {
    fill_ones();
    drop(KERNEL_dropout_forward, 0.5, 2, 9, samples, 1, 4, WIDTH, 1, ones, first);
    drop(KERNEL_dropout_forward, 0.5, 2, 10, samples, 1, 4, WIDTH, 1, ones, second);
    cr_assert_arr_neq(first, second, sizeof first);
    drop(KERNEL_dropout_forward, 0.5, 3, 9, samples, 1, 4, WIDTH, 1, ones, second);
    cr_assert_arr_neq(first, second, sizeof first);
}

Test(dropout, changes_nothing_in_evaluation) {
    fill_ones();
    drop(KERNEL_dropout_forward, 0.5, 2, 9, samples, 0, 4, WIDTH, 2, ones, first);
    cr_assert_arr_eq(first, ones, sizeof first);
}

Test(dropout, of_nothing_keeps_everything) {
    fill_ones();
    drop(KERNEL_dropout_forward, 0.0, 2, 9, samples, 1, 4, WIDTH, 1, ones, first);
    cr_assert_arr_eq(first, ones, sizeof first);
}
