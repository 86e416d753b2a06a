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
#define FMA(a, b, c) _mm256_fmadd_pd(a, b, c)
#define EACH _Pragma("GCC unroll 2") for (int v = 0; v < VECTORS; v++)

/* Philox (random.c) on words that stand in the lower halves of 64 bits. */
WIDE void philox(u64 first_block, const MmlRandom *stream, __m256i words[4][VECTORS]) {
    const __m256i low = _mm256_set1_epi64x(0xffffffff), m0 = _mm256_set1_epi64x(0xD2511F53), m1 = _mm256_set1_epi64x(0xCD9E8D57);
    u32 k0 = stream->key[0], k1 = stream->key[1];
    EACH {
        u64 block = first_block + 4 * (u64)v;
        __m256i at = _mm256_add_epi64(_mm256_set1_epi64x((i64)block), _mm256_set_epi64x(3, 2, 1, 0));
        words[0][v] = _mm256_and_si256(at, low);
        words[1][v] = _mm256_srli_epi64(at, 32);
        words[2][v] = _mm256_set1_epi64x(stream->counter[2]);
        words[3][v] = _mm256_set1_epi64x(stream->counter[3]);
    }
    for (int round = 0; round < 10; round++) {
        const __m256i key0 = _mm256_set1_epi64x(k0), key1 = _mm256_set1_epi64x(k1);
        EACH {
            __m256i product0 = _mm256_mul_epu32(m0, words[0][v]), product1 = _mm256_mul_epu32(m1, words[2][v]);
            words[0][v] = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi64(product1, 32), words[1][v]), key0);
            words[2][v] = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi64(product0, 32), words[3][v]), key1);
            words[1][v] = _mm256_and_si256(product1, low);
            words[3][v] = _mm256_and_si256(product0, low);
        }
        k0 += 0x9E3779B9;
        k1 += 0xBB67AE85;
    }
}

/* A number below 2^52 as double. */
WIDE __m256d real(__m256i word) {
    const __m256i exponent = _mm256_set1_epi64x(0x4330000000000000);
    return _mm256_sub_pd(_mm256_castsi256_pd(_mm256_or_si256(word, exponent)), ALL(0x1p52));
}

/* mml_random_uniform of two words: exact. */
WIDE __m256d uniform(__m256i first, __m256i second) {
    return FMA(real(_mm256_srli_epi64(first, 5)), ALL(0x1p-27), _mm256_mul_pd(real(_mm256_srli_epi64(second, 6)), ALL(0x1p-53)));
}

/* log of x in (0, 1]: x = 2^k (1 + f), s = f / (2 + f), log(1 + f) = f - s (f - 2 s^2 (1/3 + s^2/5 + …)). */
WIDE __m256d logarithm(__m256d x) {
    const __m256i least = _mm256_set1_epi64x(0x3fe6a09e00000000), one = _mm256_set1_epi64x(0x3ff0000000000000);
    __m256i offset = _mm256_add_epi64(_mm256_sub_epi64(_mm256_castpd_si256(x), least), one);
    __m256d k = _mm256_sub_pd(real(_mm256_srli_epi64(offset, 52)), ALL(1023));
    __m256i mantissa = _mm256_and_si256(offset, _mm256_set1_epi64x(0x000fffffffffffff));
    __m256d f = _mm256_sub_pd(_mm256_castsi256_pd(_mm256_add_epi64(mantissa, least)), ALL(1));
    __m256d s = _mm256_div_pd(f, _mm256_add_pd(f, ALL(2))), z = _mm256_mul_pd(s, s);
    __m256d q = ALL(2.0 / 25);
    for (int i = 23; i >= 3; i -= 2) q = FMA(q, z, ALL(2.0 / i));
    __m256d rest = FMA(k, ALL(-0x1.ef35793c76730p-45), _mm256_mul_pd(s, _mm256_fnmadd_pd(z, q, f)));
    return FMA(k, ALL(0x1.62e42fefa3800p-1), _mm256_sub_pd(f, rest));
}

#define HALF_PI_HIGH 0x1.921fb54442d18p0
#define HALF_PI_LOW  0x1.1a62633145c07p-54

typedef struct { __m256d sine, cosine, reduced; } Turn;

/* Of an angle in [0, 2 pi], by Taylor's series around the nearest k pi/2: angle - k HALF_PI_HIGH is exact. */
WIDE Turn turn(__m256d angle) {
    __m256d k = _mm256_round_pd(_mm256_mul_pd(angle, ALL(0.63661977236758134)), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m256d r = _mm256_fnmadd_pd(k, ALL(HALF_PI_LOW), _mm256_fnmadd_pd(k, ALL(HALF_PI_HIGH), angle)), z = _mm256_mul_pd(r, r);
    static const double odd[] = {-1.0 / 6, 1.0 / 120, -1.0 / 5040, 1.0 / 362880, -1.0 / 39916800, 1.0 / 6227020800,
                                 -1.0 / 1307674368000, 1.0 / 355687428096000};
    static const double even[] = {1.0 / 24, -1.0 / 720, 1.0 / 40320, -1.0 / 3628800, 1.0 / 479001600, -1.0 / 87178291200,
                                  1.0 / 20922789888000};
    __m256d p = ALL(odd[7]), q = ALL(even[6]);
    for (int i = 6; i >= 0; i--) p = FMA(p, z, ALL(odd[i]));
    for (int i = 5; i >= 0; i--) q = FMA(q, z, ALL(even[i]));
    __m256d sine = FMA(_mm256_mul_pd(r, z), p, r);
    __m256d half = _mm256_mul_pd(z, ALL(0.5)), near = _mm256_sub_pd(ALL(1), half);
    __m256d cosine = _mm256_add_pd(near, FMA(_mm256_mul_pd(z, z), q, _mm256_sub_pd(_mm256_sub_pd(ALL(1), near), half)));
    __m256i quarter = _mm256_castpd_si256(_mm256_add_pd(k, ALL(0x1p52)));          /* k in its low bits */
    __m256d swap = _mm256_castsi256_pd(_mm256_slli_epi64(quarter, 63));
    __m256d minus_sine = _mm256_castsi256_pd(_mm256_slli_epi64(_mm256_srli_epi64(quarter, 1), 63));
    __m256d minus_cosine = _mm256_xor_pd(minus_sine, swap);
    return (Turn){.sine = _mm256_xor_pd(_mm256_blendv_pd(sine, cosine, swap), minus_sine),
                  .cosine = _mm256_xor_pd(_mm256_blendv_pd(cosine, sine, swap), minus_cosine), .reduced = r};
}

/* The float next to value, and whether it is also next to all numbers within 2^-49 of it. */
WIDE __m128 nearest(__m256d value, __m128 *doubtful) {
    __m128 low = _mm256_cvtpd_ps(_mm256_mul_pd(value, ALL(1 - 0x1p-49))), high = _mm256_cvtpd_ps(_mm256_mul_pd(value, ALL(1 + 0x1p-49)));
    *doubtful = _mm_or_ps(*doubtful, _mm_or_ps(_mm_cmpneq_ps(low, high), _mm_cmpeq_ps(low, _mm_setzero_ps())));
    return low;
}

/* The pairs from `pair` on; bit i of the result: out has something else than pair i there. */
WIDE unsigned several_pairs(const MmlRandom *stream, double deviation, u64 pair, float *out) {
    __m256i words[4][VECTORS];
    unsigned doubts = 0;
    philox(pair, stream, words);
    EACH {
        __m256d radius = _mm256_sqrt_pd(_mm256_mul_pd(ALL(-2), logarithm(_mm256_sub_pd(ALL(1), uniform(words[0][v], words[1][v])))));
        Turn t = turn(_mm256_mul_pd(ALL(2.0 * M_PI), uniform(words[2][v], words[3][v])));
        __m256d small = _mm256_cmp_pd(_mm256_andnot_pd(ALL(-0.0), t.reduced), ALL(0x1p-20), _CMP_LT_OQ);
        __m128 doubtful = _mm_setzero_ps();
        __m128 first = nearest(_mm256_mul_pd(ALL(deviation), _mm256_mul_pd(radius, t.cosine)), &doubtful);
        __m128 second = nearest(_mm256_mul_pd(ALL(deviation), _mm256_mul_pd(radius, t.sine)), &doubtful);
        _mm_storeu_ps(out + 8 * v, _mm_unpacklo_ps(first, second));
        _mm_storeu_ps(out + 8 * v + 4, _mm_unpackhi_ps(first, second));
        doubts |= (unsigned)(_mm_movemask_ps(doubtful) | _mm256_movemask_pd(small)) << 4 * v;
    }
    return doubts;
}

/* Numbers from `count` on are left; returns how many are done. */
__attribute__((target("avx2,fma")))
static i64 wide(const MmlRandom *stream, double deviation, u64 pair, i64 count, float *out) {
    i64 done = 0;
    for (; done + 2 * TOGETHER <= count; done += 2 * TOGETHER, pair += TOGETHER) {
        unsigned doubts = several_pairs(stream, deviation, pair, out + done);
        for (int i = 0; doubts; i++, doubts >>= 1)
            if (doubts & 1) one_pair(stream, deviation, pair + (u64)i, 2, out + done + 2 * i);
    }
    return done;
}

static i64 many(const MmlRandom *stream, double deviation, u64 pair, i64 count, float *out) {
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return 0;
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
