#include "mml/random.h"

#include <math.h>

/* One pair, as mml_random_normal_pair has it. */
static void one_pair(const MmlRandom *stream, double deviation, u64 pair, i64 wanted, float *out) {
    MmlRandom random = *stream;
    double z[2];
    random.counter[0] = (u32)pair;
    random.counter[1] = (u32)(pair >> 32);
    mml_random_normal_pair(&random, z);
    for (i64 i = 0; i < wanted; i++) out[i] = (float)(deviation * z[i]);
}

#if defined(__x86_64__)
#include <immintrin.h>

/* Eight pairs at once, two vectors of four: the chains of one fill the pauses of the other. */
#define VECTORS 2
#define TOGETHER (4 * VECTORS)

#define WIDE static inline __attribute__((always_inline, target("avx2,fma")))

#define ALL(x) _mm256_set1_pd(x)
#define BITS(x) _mm256_set1_epi64x(x)
#define FMA(a, b, c) _mm256_fmadd_pd(a, b, c)
#define EACH _Pragma("GCC unroll 2") for (int v = 0; v < VECTORS; v++)

/* An angle's distance from the axes (in quarters of a turn) and a radius below this make a doubtful pair: there the double
 * of a single pair, whose angle is rounded to 2^-50, has more than 2^-39 of relative error. */
#define LEAST 0x1p-11
/* Of deviations between these no float is denormal, zero or infinite. */
#define LEAST_DEVIATION 0x1p-100
#define MOST_DEVIATION  0x1p100

/* Minimax polynomials of relative error, found by Remez' exchange, lowest power first:
 * log_terms(s^2) = -2 log((1 + s) / (1 - s)) / s for |s| <= 3 - sqrt(8), to 2^-37.8;
 * sine_terms(d^2) = sin(d pi/2) / d and cosine_terms(d^2) = cos(d pi/2) for |d| <= 1/2, to 2^-47 and 2^-43. */
static const double log_terms[] = {-0x1.0000000004a23p+2, -0x1.555554dac5cc9p+0, -0x1.999a9ca1b6723p-1, -0x1.2432bbde68b9dp-1,
                                   -0x1.e3b04d445bb7bp-2};
static const double sine_terms[] = {0x1.921fb54442cf8p+0, -0x1.4abbce62577b9p-1, 0x1.466bc670fd117p-4, -0x1.32d2c6298a07bp-8,
                                    0x1.5071bed3b6f2dp-13, -0x1.dd4e53d31132dp-19};
static const double cosine_terms[] = {0x1.ffffffffffdb1p-1, -0x1.3bd3cc9bd098ap+0, 0x1.03c1f073cd28dp-2, -0x1.55d3b9724efa1p-6,
                                      0x1.e1e76126bc1f5p-11, -0x1.a0d8aa51b1bf8p-16};

WIDE __m256d polynomial(const double *terms, int count, __m256d x) {
    __m256d sum = ALL(terms[count - 1]);
    for (int i = count - 2; i >= 0; i--) sum = FMA(sum, x, ALL(terms[i]));
    return sum;
}

/* The keys of the ten rounds of Philox (random.c). */
typedef struct { __m256i first[10], second[10]; } Keys;

WIDE void make_keys(const MmlRandom *stream, Keys *keys) {
    u32 k0 = stream->key[0], k1 = stream->key[1];
    for (int round = 0; round < 10; round++, k0 += 0x9E3779B9, k1 += 0xBB67AE85) {
        keys->first[round] = BITS(k0);
        keys->second[round] = BITS(k1);
    }
}

/* Philox on words that stand in the lower halves of 64 bits. Upper halves are anything until the end, since products take
 * the lower ones alone. */
WIDE void philox(u64 first_block, const MmlRandom *stream, const Keys *keys, __m256i words[4][VECTORS]) {
    const __m256i low = BITS(0xffffffff), m0 = BITS(0xD2511F53), m1 = BITS(0xCD9E8D57);
    EACH {
        __m256i at = _mm256_add_epi64(BITS((i64)(first_block + 4 * (u64)v)), _mm256_set_epi64x(3, 2, 1, 0));
        words[0][v] = at;
        words[1][v] = _mm256_srli_epi64(at, 32);
        words[2][v] = BITS(stream->counter[2]);
        words[3][v] = BITS(stream->counter[3]);
    }
    _Pragma("GCC unroll 10")
    for (int round = 0; round < 10; round++)
        EACH {
            __m256i product0 = _mm256_mul_epu32(m0, words[0][v]), product1 = _mm256_mul_epu32(m1, words[2][v]);
            words[0][v] = _mm256_xor_si256(_mm256_xor_si256(words[1][v], keys->first[round]), _mm256_srli_epi64(product1, 32));
            words[2][v] = _mm256_xor_si256(_mm256_xor_si256(words[3][v], keys->second[round]), _mm256_srli_epi64(product0, 32));
            words[1][v] = product1;
            words[3][v] = product0;
        }
    for (int w = 0; w < 4; w++) EACH words[w][v] = _mm256_and_si256(words[w][v], low);
}

/* A number below 2^52, and 2^52 more. */
WIDE __m256d above(__m256i number) { return _mm256_castsi256_pd(_mm256_or_si256(number, BITS(0x4330000000000000))); }

/* offset + scale (u - 1/2) for u = mml_random_uniform of two words: 2^-27 of the first's 27 bits and 2^-53 of the second's 26. */
WIDE __m256d scaled_uniform(__m256i first, __m256i second, double scale, double offset) {
    __m256d high = above(_mm256_srli_epi64(first, 5)), low = above(_mm256_srli_epi64(second, 6));
    return FMA(low, ALL(scale * 0x1p-53), FMA(high, ALL(scale * 0x1p-27), ALL(offset - scale * (0x1p25 + 1))));
}

/* -2 log of x in (0, 1]: x = 2^k m, m in [sqrt 1/2, sqrt 2), s = (m - 1) / (m + 1). */
WIDE __m256d twice_minus_log(__m256d x) {
    const __m256i least = BITS(0x3fe6a09e00000000), one = BITS(0x3ff0000000000000);
    __m256i offset = _mm256_add_epi64(_mm256_castpd_si256(x), _mm256_sub_epi64(one, least));
    __m256d k = _mm256_sub_pd(above(_mm256_srli_epi64(offset, 52)), ALL(0x1p52 + 1023));
    __m256d m = _mm256_castsi256_pd(_mm256_add_epi64(_mm256_and_si256(offset, BITS(0x000fffffffffffff)), least));
    __m256d s = _mm256_div_pd(_mm256_sub_pd(m, ALL(1)), _mm256_add_pd(m, ALL(1)));
    return FMA(k, ALL(-2 * M_LN2), _mm256_mul_pd(s, polynomial(log_terms, 5, _mm256_mul_pd(s, s))));
}

/* The doubles around the middle between two floats: of the 29 bits that a float hasn't, from middle - WINDOW to middle + WINDOW.
 * Pairs are exact to 2^-38, which is less than half of WINDOW. */
#define WINDOW (1 << 16)

WIDE __m256i above_window(__m256d value) {
    return _mm256_and_si256(_mm256_sub_epi64(_mm256_castpd_si256(value), BITS((1 << 28) - WINDOW)), BITS((1 << 29) - 1));
}

/* The pairs from `pair` on; bit i of the result: out may have another float than pair i there. */
WIDE unsigned several_pairs(const MmlRandom *stream, const Keys *keys, double deviation, u64 pair, float *out) {
    const __m256d magic = ALL(0x1.8p52), sign = ALL(-0.0);
    __m256i words[4][VECTORS];
    unsigned doubts = 0;
    philox(pair, stream, keys, words);
    EACH {
        __m256d radius = _mm256_sqrt_pd(twice_minus_log(scaled_uniform(words[0][v], words[1][v], -1, 0.5)));
        __m256d quarters = scaled_uniform(words[2][v], words[3][v], 4, 2), turned = _mm256_add_pd(quarters, magic);
        __m256d d = _mm256_sub_pd(quarters, _mm256_sub_pd(turned, magic)), z = _mm256_mul_pd(d, d);
        __m256d sine = _mm256_mul_pd(d, polynomial(sine_terms, 6, z)), cosine = polynomial(cosine_terms, 6, z);
        __m256d odd = _mm256_castsi256_pd(_mm256_slli_epi64(_mm256_castpd_si256(turned), 63));
        __m256d half_turn = _mm256_and_pd(_mm256_castsi256_pd(_mm256_slli_epi64(_mm256_castpd_si256(turned), 62)), sign);
        __m256d scale = _mm256_xor_pd(_mm256_mul_pd(ALL(deviation), radius), half_turn);
        __m256d first = _mm256_mul_pd(scale, _mm256_xor_pd(_mm256_blendv_pd(cosine, sine, odd), odd));
        __m256d second = _mm256_mul_pd(scale, _mm256_blendv_pd(sine, cosine, odd));
        __m128 lower = _mm256_cvtpd_ps(first), upper = _mm256_cvtpd_ps(second);
        _mm_storeu_ps(out + 8 * v, _mm_unpacklo_ps(lower, upper));
        _mm_storeu_ps(out + 8 * v + 4, _mm_unpackhi_ps(lower, upper));
        __m256i nearer = _mm256_min_epu32(above_window(first), above_window(second));
        __m256d doubtful = _mm256_castsi256_pd(_mm256_cmpgt_epi64(BITS(2 * WINDOW + 1), nearer));
        __m256d small = _mm256_cmp_pd(_mm256_min_pd(_mm256_andnot_pd(sign, d), radius), ALL(LEAST), _CMP_LT_OQ);
        doubts |= (unsigned)_mm256_movemask_pd(_mm256_or_pd(doubtful, small)) << 4 * v;
    }
    return doubts;
}

/* Numbers from `count` on are left; returns how many are done. */
__attribute__((target("avx2,fma")))
static i64 wide(const MmlRandom *stream, double deviation, u64 pair, i64 count, float *out) {
    i64 done = 0;
    Keys keys;
    make_keys(stream, &keys);
    for (; done + 2 * TOGETHER <= count; done += 2 * TOGETHER, pair += TOGETHER) {
        unsigned doubts = several_pairs(stream, &keys, deviation, pair, out + done);
        for (int i = 0; doubts; i++, doubts >>= 1)
            if (doubts & 1) one_pair(stream, deviation, pair + (u64)i, 2, out + done + 2 * i);
    }
    return done;
}

static i64 many(const MmlRandom *stream, double deviation, u64 pair, i64 count, float *out) {
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return 0;
    if (!(deviation >= LEAST_DEVIATION && deviation <= MOST_DEVIATION)) return 0;
    return wide(stream, deviation, pair, count, out);
}

#else

static i64 many(const MmlRandom *stream, double deviation, u64 pair, i64 count, float *out) { return 0; }

#endif

void mml_random_normals(const MmlRandom *stream, double deviation, i64 first, i64 count, float *out) {
    u64 pair = (u64)first / 2;
    for (i64 i = many(stream, deviation, pair, count, out); i < count; i += 2)
        one_pair(stream, deviation, pair + (u64)i / 2, count - i < 2 ? 1 : 2, out + i);
}
