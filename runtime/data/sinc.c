#include "data/sinc.h"

#include <math.h>
#include <string.h>
#include "data/wide.h"

#define ATTENUATION 100.0            /* dB                                          */
#define PASSES      0.92             /* of the lower Nyquist frequency              */
#define TABLE_LIMIT ((i64)1 << 22)   /* floats                                      */

/* I0, the modified Bessel function, by its power series. */
static double bessel(double x) {
    double sum = 1, term = 1;
    for (int k = 1; term > 1e-18 * sum; k++) {
        term *= x * x / (4.0 * k * k);
        sum += term;
    }
    return sum;
}

/* Kaiser's formulas for the window's shape and length. */
#define SHAPE (0.1102 * (ATTENUATION - 8.7))

static double lower(const Sinc *sinc) { return sinc->to < sinc->from ? sinc->to / sinc->from : 1; }

/* The filter at a distance in input samples. */
static double weight(const Sinc *sinc, double distance) {
    double place = distance / (double)sinc->half, angle = M_PI * sinc->cutoff * distance;
    if (!(fabs(place) < 1)) return 0;
    double window = bessel(SHAPE * sqrt(1 - place * place)) / sinc->peak;
    return sinc->cutoff * window * (fabs(angle) < 1e-9 ? 1 : sin(angle) / angle);
}

static i64 greatest_common(i64 a, i64 b) {
    while (b) {
        i64 rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

Status mml_sinc_new(i64 from, double to, MmlArena *arena, Sinc *out) {
    *out = (Sinc){ .from = (double)from, .to = to, .peak = bessel(SHAPE) };
    double width = M_PI * (1 - PASSES) * lower(out);
    out->half = (i64)ceil((ATTENUATION - 7.95) / (2.285 * width) / 2);
    out->cutoff = (1 + PASSES) / 2 * lower(out);
    if (to != floor(to)) return MML_OK;
    i64 common = greatest_common(from, (i64)to), taps = 2 * out->half;
    out->up = (i64)to / common;
    out->down = from / common;
    if (out->up == out->down || out->up > TABLE_LIMIT / taps) return MML_OK;
    out->table = MML_NEW(arena, float, out->up * taps);
    if (!out->table) return MML_ENOMEM;
    for (i64 phase = 0; phase < out->up; phase++)
        for (i64 j = 0; j < taps; j++)
            out->table[phase * taps + j] = (float)weight(out, (double)(j - out->half + 1) - (double)phase / (double)out->up);
    return MML_OK;
}

i64 mml_sinc_length(const Sinc *sinc, i64 samples) {
    if (sinc->up) return (samples * sinc->up + sinc->down - 1) / sinc->down;
    return (i64)ceil((double)samples * sinc->to / sinc->from);
}

typedef float Sums __attribute__((vector_size(32), aligned(4), may_alias));

/* The sum of a[i] * b[i]: 32 sums side by side, then the rest. */
MML_WIDE_BODY double product_body(const float *a, const float *b, i64 count) {
    Sums s0 = { 0 }, s1 = { 0 }, s2 = { 0 }, s3 = { 0 };
    i64 i = 0;
    for (; i + 32 <= count; i += 32) {
        const Sums *x = (const Sums *)(a + i), *y = (const Sums *)(b + i);
        s0 += x[0] * y[0];
        s1 += x[1] * y[1];
        s2 += x[2] * y[2];
        s3 += x[3] * y[3];
    }
    for (; i + 8 <= count; i += 8) s0 += *(const Sums *)(a + i) * *(const Sums *)(b + i);
    s0 = (s0 + s1) + (s2 + s3);
    double sum = 0;
    for (int lane = 0; lane < 8; lane++) sum += (double)s0[lane];
    for (; i < count; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}

MML_WIDE(double, product, (const float *a, const float *b, i64 count), (a, b, count))

/* The output at input position first + fraction (0 <= fraction < 1), without a table. */
static double computed(const Sinc *sinc, const float *in, i64 samples, i64 first, double fraction) {
    i64 begin = first - sinc->half + 1, end = first + sinc->half + 1;
    double sum = 0;
    for (i64 i = begin < 0 ? 0 : begin; i < end && i < samples; i++)
        sum += weight(sinc, (double)(i - first) - fraction) * (double)in[i];
    return sum;
}

static float output(const Sinc *sinc, const float *in, i64 samples, i64 n) {
    double position = (double)n * sinc->from / sinc->to;
    i64 first = sinc->up ? n * sinc->down / sinc->up : (i64)position, phase = sinc->up ? n * sinc->down % sinc->up : 0;
    if (!sinc->table)
        return (float)computed(sinc, in, samples, first, sinc->up ? (double)phase / (double)sinc->up : position - (double)first);
    i64 taps = 2 * sinc->half, begin = first - sinc->half + 1, skip = begin < 0 ? -begin : 0;
    i64 end = begin + taps > samples ? samples - begin : taps;
    return (float)product(in + (begin + skip), sinc->table + phase * taps + skip, end - skip);
}

/* Every up-th output has the same row of the table: some of them after each other, while row
 * and input lie in the nearest cache. */
enum { TURNS = 8 };

void mml_sinc_run(const Sinc *sinc, const float *in, i64 samples, float *out) {
    i64 length = mml_sinc_length(sinc, samples), rows = sinc->table ? sinc->up : 1;
    if (sinc->up && sinc->up == sinc->down) {
        memcpy(out, in, sizeof *out * (size_t)samples);
        return;
    }
    for (i64 block = 0; block < length; block += TURNS * rows) {
        i64 end = block + TURNS * rows < length ? block + TURNS * rows : length;
        for (i64 row = block; row < block + rows && row < end; row++)
            for (i64 n = row; n < end; n += rows) out[n] = output(sinc, in, samples, n);
    }
}
