#include "pid/explog.h"

#include <string.h>

#define LEAST_EXPONENT (-708.0)
#define LOG2_E         1.4426950408889634
#define ROUNDING       0x1.8p52                  /* adding it rounds to an integer, in the low bits of the sum */
#define LN2_HIGH       0x1.62e42fefa3800p-1      /* 41 bits: its product with an exponent is exact */
#define LN2_LOW        0x1.ef35793c76730p-45     /* ln 2 - LN2_HIGH */
#define SQRT_HALF_BITS 0x3fe6a09e00000000u       /* a little below sqrt(1/2) */
#define ONE_BITS       0x3ff0000000000000u
#define MANTISSA       0x000fffffffffffffu

static inline u64 bits_of(double x) {
    u64 bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline double of_bits(u64 bits) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* x = k ln 2 + r with |r| <= ln 2 / 2: exp(x) = 2^k exp(r), exp(r) by its
 * Taylor series to r^13 (the rest is below 5e-18). */
static inline double exp_of(double x) {
    u64 keep = (u64)(x < LEAST_EXPONENT) - 1;               /* a mask, not a branch, so that it becomes vectors */
    double bounded = of_bits(bits_of(x) & keep);
    double shifted = bounded * LOG2_E + ROUNDING, k = shifted - ROUNDING;
    double high = bounded - k * LN2_HIGH, r = high - k * LN2_LOW, rest = (high - r) - k * LN2_LOW;
    double r2 = r * r, r4 = r2 * r2;                        /* pairs, not one after the other: the processor overlaps them */
    double low = (0.5 + r * (1.0 / 6)) + r2 * (1.0 / 24 + r * (1.0 / 120));
    double middle = (1.0 / 720 + r * (1.0 / 5040)) + r2 * (1.0 / 40320 + r * (1.0 / 362880));
    double top = (1.0 / 3628800 + r * (1.0 / 39916800)) + r2 * (1.0 / 479001600 + r * (1.0 / 6227020800));
    double q = low + r4 * (middle + r4 * top);
    double value = (1 + (r + (r2 * q + rest))) * of_bits((bits_of(shifted) << 52) + ONE_BITS);
    return of_bits(bits_of(value) & keep);
}

/* x = 2^k (1 + f) with 1 + f about in [sqrt(1/2), sqrt(2)). With s = f / (2 + f),
 * log(1 + f) = 2 atanh(s) = f - s (f - 2 s^2 (1/3 + s^2/5 + s^4/7 + …)); the
 * series to s^24 (the rest is below 1e-20). */
static inline double log_of(double x) {
    u64 offset = bits_of(x) - SQRT_HALF_BITS + ONE_BITS;     /* its exponent: k + 1023 */
    double k = of_bits((offset >> 52) + bits_of(0x1p52)) - (0x1p52 + 1023);
    double f = of_bits((offset & MANTISSA) + SQRT_HALF_BITS) - 1;
    double s = f / (2 + f), z = s * s;
    double z2 = z * z, z4 = z2 * z2;
    double low = (2.0 / 3 + z * (2.0 / 5)) + z2 * (2.0 / 7 + z * (2.0 / 9));
    double middle = (2.0 / 11 + z * (2.0 / 13)) + z2 * (2.0 / 15 + z * (2.0 / 17));
    double top = (2.0 / 19 + z * (2.0 / 21)) + z2 * (2.0 / 23 + z * (2.0 / 25));
    double q = low + z4 * (middle + z4 * top);
    double value = k * LN2_HIGH + (f - (s * (f - z * q) - k * LN2_LOW));
    return value + (x - x);                                 /* NaN and infinity give NaN */
}

#define EACH(f)                                                 \
    for (i64 c = 0; c < count; c++) x[c] = f(x[c])

void mml_exp_portable(double *x, i64 count) { EACH(exp_of); }
void mml_log_portable(double *x, i64 count) { EACH(log_of); }

#if defined(__x86_64__)

#define WIDE __attribute__((target("avx2,fma")))

WIDE static void exp_wide(double *x, i64 count) { EACH(exp_of); }
WIDE static void log_wide(double *x, i64 count) { EACH(log_of); }

static int wide(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

void mml_exp(double *x, i64 count) { wide() ? exp_wide(x, count) : mml_exp_portable(x, count); }
void mml_log(double *x, i64 count) { wide() ? log_wide(x, count) : mml_log_portable(x, count); }

#else

void mml_exp(double *x, i64 count) { mml_exp_portable(x, count); }
void mml_log(double *x, i64 count) { mml_log_portable(x, count); }

#endif
