#include <criterion/criterion.h>
#include <math.h>

#include "mml/random.h"

/* Random123 1.09, tests/kat_vectors: philox4x32-10. */
Test(random, philox_gives_the_published_vectors) {
    static const struct { u32 counter[4], key[2], want[4]; } rows[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        u32 got[4];
        mml_philox(rows[i].counter, rows[i].key, got);
        cr_assert_arr_eq(got, rows[i].want, sizeof got);
    }
}

Test(random, a_stream_repeats_and_a_copy_goes_on_from_its_place) {
    MmlRandom a = mml_random(1, MML_STREAM_SHUFFLE, 2, 3), b = mml_random(1, MML_STREAM_SHUFFLE, 2, 3);
    for (int i = 0; i < 11; i++) cr_assert_eq(mml_random_u32(&a), mml_random_u32(&b));
    MmlRandom copy = a;
    for (int i = 0; i < 11; i++) cr_assert_eq(mml_random_u32(&a), mml_random_u32(&copy));
}

Test(random, every_part_of_a_name_gives_another_stream) {
    MmlRandom streams[] = {
        mml_random(1, MML_STREAM_SHUFFLE, 2, 3), mml_random(2, MML_STREAM_SHUFFLE, 2, 3),
        mml_random(1, MML_STREAM_AUGMENT, 2, 3), mml_random(1, MML_STREAM_SHUFFLE, 3, 3),
        mml_random(1, MML_STREAM_SHUFFLE, 2, 4), mml_random(1, MML_STREAM_SHUFFLE, 3, 2),
        mml_random(1ull << 32 | 1, MML_STREAM_SHUFFLE, 2, 3), mml_random(1, MML_STREAM_SHUFFLE, 1ull << 32 | 2, 3),
        mml_random(1, MML_STREAM_SHUFFLE, 2, 1ull << 32 | 3),
    };
    enum { COUNT = sizeof streams / sizeof *streams };
    u64 first[COUNT];
    for (int i = 0; i < COUNT; i++) {
        u64 high = mml_random_u32(&streams[i]);
        first[i] = high << 32 | mml_random_u32(&streams[i]);
        for (int j = 0; j < i; j++) cr_assert_neq(first[i], first[j], "streams %d and %d agree", i, j);
    }
}

/* 100,000 draws: the mean has deviation 0.00091; a share of a tenth 0.00095. Five of them. */
Test(random, uniform_fills_the_unit_interval_evenly) {
    enum { DRAWS = 100000 };
    MmlRandom r = mml_random(9, MML_STREAM_RULE, 0, 0);
    double sum = 0;
    int tenth[10] = {0};
    for (int i = 0; i < DRAWS; i++) {
        double u = mml_random_uniform(&r);
        cr_assert(u >= 0 && u < 1);
        sum += u;
        tenth[(int)(10 * u)]++;
    }
    cr_assert_float_eq(sum / DRAWS, 0.5, 0.0046);
    for (int i = 0; i < 10; i++) cr_assert_float_eq(tenth[i] / (double)DRAWS, 0.1, 0.0048);
}

/* Mean, variance and fourth moment of N(0, 1) are 0, 1, 3, with deviations
 * 0.0032, 0.0045 and 0.031 over 100,000 draws. */
Test(random, normal_has_the_moments_of_the_normal_distribution) {
    enum { DRAWS = 100000 };
    MmlRandom r = mml_random(9, MML_STREAM_RULE, 1, 0);
    double sum = 0, square = 0, fourth = 0, product = 0;
    for (int i = 0; i < DRAWS / 2; i++) {
        double pair[2];
        mml_random_normal_pair(&r, pair);
        product += pair[0] * pair[1];
        for (int j = 0; j < 2; j++) {
            sum += pair[j];
            square += pair[j] * pair[j];
            fourth += pow(pair[j], 4);
        }
    }
    cr_assert_float_eq(sum / DRAWS, 0, 0.016);
    cr_assert_float_eq(square / DRAWS, 1, 0.023);
    cr_assert_float_eq(fourth / DRAWS, 3, 0.16);
    cr_assert_float_eq(product / (DRAWS / 2), 0, 0.023);
}

/* As many as a layer of ResNet-18 has, so that some can't be told apart from a float's neighbour at first; an odd
 * count, a block number beyond 32 bits, deviations that make denormal, zero and infinite floats. */
Test(random, normals_have_the_bits_of_single_pairs) {
    enum { COUNT = 300001 };
    static const struct { u64 seed; double deviation; i64 first, count; } rows[] = {
        {1, 0.0294, 0, COUNT}, {2, 1, 1 << 20, COUNT}, {3, 0.37, ((i64)1 << 33) - 8, 4099},
        {4, 1e-38, 0, 9001}, {5, 1e-45, 0, 33}, {6, 1, 0, 1}, {7, 7.9e-31, 0, 9001}, {8, 1.2e30, 0, 9001}, {9, 1e38, 0, 9001},
    };
    static float got[COUNT];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        MmlRandom stream = mml_random(rows[i].seed, MML_STREAM_INIT, i, 5), one = stream;
        mml_random_normals(&stream, rows[i].deviation, rows[i].first, rows[i].count, got);
        one.counter[0] = (u32)(rows[i].first / 2);
        one.counter[1] = (u32)((u64)rows[i].first / 2 >> 32);
        for (i64 j = 0; j < rows[i].count; j += 2) {
            double pair[2];
            mml_random_normal_pair(&one, pair);
            for (i64 k = j; k < j + 2 && k < rows[i].count; k++) {
                float want = (float)(rows[i].deviation * pair[k - j]);
                cr_assert_arr_eq(&got[k], &want, sizeof want, "row %zu, number %lld: %a, not %a", i, (long long)k, (double)got[k],
                                 (double)want);
            }
        }
    }
}

/* 60,000 throws of a die: 10,000 each, deviation 91. */
Test(random, below_is_even_and_stays_below) {
    MmlRandom r = mml_random(9, MML_STREAM_RULE, 2, 0);
    int seen[6] = {0};
    for (int i = 0; i < 60000; i++) {
        u64 n = mml_random_below(&r, 6);
        cr_assert(n < 6);
        seen[n]++;
    }
    for (int i = 0; i < 6; i++) cr_assert_float_eq(seen[i], 10000, 460);
    for (int i = 0; i < 100; i++) {
        cr_assert_eq(mml_random_below(&r, 1), 0);
        cr_assert(mml_random_below(&r, 3ull << 62) < 3ull << 62);
    }
}

Test(random, shuffle_keeps_every_item_and_reaches_every_order) {
    MmlRandom r = mml_random(9, MML_STREAM_SHUFFLE, 0, 0);
    int seen[27] = {0}, orders = 0;
    for (int round = 0; round < 300; round++) {
        i64 items[] = {0, 1, 2};
        mml_random_shuffle(&r, items, 3);
        cr_assert_eq(1 << items[0] | 1 << items[1] | 1 << items[2], 7);
        orders += seen[items[0] * 9 + items[1] * 3 + items[2]]++ == 0;
    }
    cr_assert_eq(orders, 6);
    mml_random_shuffle(&r, NULL, 0);
}
