#include "data/fft.h"

#include <math.h>
#include <string.h>
#include "data/wide.h"

enum { LANES = FFT_LANES, LARGEST_PRIME = 50, MOST_FACTORS = 64 };

struct Fft {
    i64     n;
    int     factor_count;            /* 0: by Bluestein's convolution, or n = 1     */
    int     factors[MOST_FACTORS];
    double *roots;                   /* [n, 2] e^(-2 pi i j / n)                    */
    Fft    *inner;                   /* Bluestein: of a power of two >= 2 n - 1     */
    double *chirp;                   /* [n, 2] e^(-pi i j² / n)                     */
    double *filter;                  /* [inner n, 2] transform of the chirp's conjugate, over inner n */
};

/* ---- Plans ---- */

/* 0 when n has a prime factor above LARGEST_PRIME. */
static int factorise(i64 n, int *factors) {
    int count = 0;
    for (; n % 4 == 0; n /= 4) factors[count++] = 4;
    for (int p = 2; p <= LARGEST_PRIME; p++)
        for (; n % p == 0; n /= p) factors[count++] = p;
    return n == 1 ? count : 0;
}

/* [n, 2] e^(-pi i t / n), t = 2 j or j². */
static Status make_roots(i64 n, int squared, MmlArena *arena, double **out) {
    double *roots = *out = MML_NEW(arena, double, 2 * n);
    if (!roots) return MML_ENOMEM;
    for (i64 j = 0; j < n; j++) {
        i64 turns = squared ? j * j % (2 * n) : 2 * j;
        double angle = -M_PI * (double)turns / (double)n;
        roots[2 * j] = cos(angle);
        roots[2 * j + 1] = sin(angle);
    }
    return MML_OK;
}

static Status make_filter(Fft *fft, MmlArena *arena) {
    i64 n = fft->n, m = fft->inner->n;
    fft->filter = MML_NEW(arena, double, 2 * m);
    if (!fft->filter) return MML_ENOMEM;
    MmlArenaMark mark = mml_arena_mark(arena);
    double *memory = MML_NEW(arena, double, mml_fft_doubles(fft->inner));
    if (!memory) return MML_ENOMEM;
    for (i64 j = 0; j < n; j++)
        for (int side = 0; side < 2; side++) {
            i64 at = (side && j ? m - j : j) * LANES;
            memory[at] = fft->chirp[2 * j];
            memory[m * LANES + at] = -fft->chirp[2 * j + 1];
        }
    const double *spectrum = mml_fft_run(fft->inner, memory);
    for (i64 k = 0; k < m; k++) {
        fft->filter[2 * k] = spectrum[k * LANES] / (double)m;
        fft->filter[2 * k + 1] = spectrum[(m + k) * LANES] / (double)m;
    }
    mml_arena_release(arena, mark);
    return MML_OK;
}

Status mml_fft_new(i64 n, MmlArena *arena, Fft **out) {
    Fft *fft = *out = MML_NEW(arena, Fft, 1);
    if (!fft) return MML_ENOMEM;
    fft->n = n;
    fft->factor_count = factorise(n, fft->factors);
    if (n == 1) return MML_OK;
    if (fft->factor_count) return make_roots(n, 0, arena, &fft->roots);
    i64 power = 1;
    while (power < 2 * n - 1) power *= 2;
    MML_TRY(mml_fft_new(power, arena, &fft->inner));
    MML_TRY(make_roots(n, 1, arena, &fft->chirp));
    return make_filter(fft, arena);
}

i64 mml_fft_doubles(const Fft *fft) {
    i64 own = 4 * fft->n * LANES;
    return fft->inner ? own + mml_fft_doubles(fft->inner) : own;
}

/* ---- One pass of Stockham's algorithm: n = radix * m * stride; a block of the
 * input lies at q + stride (p + m j), of the output at q + stride (radix p + k), and
 * for each p the values of all q are contiguous. Real parts, then imaginary ones. ---- */

typedef double Lanes __attribute__((vector_size(8 * FFT_LANES), aligned(8), may_alias));

typedef struct {
    const double *roots;
    i64           n, m, stride;
    int           radix;
} Pass;

MML_WIDE_BODY void pass2(const Pass *pass, const Lanes *restrict x, Lanes *restrict y) {
    i64 n = pass->n, stride = pass->stride, half = pass->m * stride;
    for (i64 p = 0; p < pass->m; p++) {
        double re = pass->roots[2 * p * stride], im = pass->roots[2 * p * stride + 1];
        const Lanes *a = x + p * stride, *b = a + half;
        Lanes *even = y + 2 * p * stride, *odd = even + stride;
        for (i64 q = 0; q < stride; q++) {
            Lanes dr = a[q] - b[q], di = a[n + q] - b[n + q];
            even[q] = a[q] + b[q];
            even[n + q] = a[n + q] + b[n + q];
            odd[q] = dr * re - di * im;
            odd[n + q] = dr * im + di * re;
        }
    }
}

MML_WIDE_BODY void pass4(const Pass *pass, const Lanes *restrict x, Lanes *restrict y) {
    i64 n = pass->n, stride = pass->stride, quarter = pass->m * stride;
    for (i64 p = 0; p < pass->m; p++) {
        const double *w1 = pass->roots + 2 * p * stride, *w2 = pass->roots + 4 * p * stride, *w3 = pass->roots + 6 * p * stride;
        double r1 = w1[0], i1 = w1[1], r2 = w2[0], i2 = w2[1], r3 = w3[0], i3 = w3[1];
        const Lanes *a = x + p * stride, *b = a + quarter, *c = b + quarter, *d = c + quarter;
        Lanes *y0 = y + 4 * p * stride, *y1 = y0 + stride, *y2 = y1 + stride, *y3 = y2 + stride;
        for (i64 q = 0; q < stride; q++) {
            i64 j = n + q;
            Lanes sr = a[q] + c[q], si = a[j] + c[j], dr = a[q] - c[q], di = a[j] - c[j];
            Lanes tr = b[q] + d[q], ti = b[j] + d[j], er = b[q] - d[q], ei = b[j] - d[j];
            y0[q] = sr + tr;
            y0[j] = si + ti;
            Lanes ur = dr + ei, ui = di - er, vr = sr - tr, vi = si - ti, zr = dr - ei, zi = di + er;
            y1[q] = ur * r1 - ui * i1;
            y1[j] = ur * i1 + ui * r1;
            y2[q] = vr * r2 - vi * i2;
            y2[j] = vr * i2 + vi * r2;
            y3[q] = zr * r3 - zi * i3;
            y3[j] = zr * i3 + zi * r3;
        }
    }
}

/* Any radix: radix² products. */
MML_WIDE_BODY void pass_any(const Pass *pass, const Lanes *restrict x, Lanes *restrict y) {
    i64 n = pass->n, stride = pass->stride, radix = pass->radix, turn = n / radix;
    for (i64 p = 0; p < pass->m; p++)
        for (i64 k = 0; k < radix; k++) {
            Lanes *to = y + (radix * p + k) * stride;
            memset(to, 0, sizeof *to * (size_t)stride);
            memset(to + n, 0, sizeof *to * (size_t)stride);
            for (i64 j = 0; j < radix; j++) {
                const Lanes *from = x + (p + pass->m * j) * stride;
                const double *w = pass->roots + 2 * ((p * k * stride + j * k % radix * turn) % n);
                double re = w[0], im = w[1];
                for (i64 q = 0; q < stride; q++) {
                    to[q] += from[q] * re - from[n + q] * im;
                    to[n + q] += from[q] * im + from[n + q] * re;
                }
            }
        }
}

MML_WIDE_BODY const double *run_passes_body(const Fft *fft, double *memory) {
    Lanes *x = (Lanes *)memory, *y = x + 2 * fft->n;
    Pass pass = { fft->roots, fft->n, fft->n, 1, 0 };
    for (int i = 0; i < fft->factor_count; i++) {
        pass.radix = fft->factors[i];
        pass.m /= pass.radix;
        if (pass.radix == 4) pass4(&pass, x, y);
        else if (pass.radix == 2) pass2(&pass, x, y);
        else pass_any(&pass, x, y);
        pass.stride *= pass.radix;
        Lanes *swap = x;
        x = y;
        y = swap;
    }
    return (const double *)x;
}

MML_WIDE(const double *, run_passes, (const Fft *fft, double *memory), (fft, memory))

/* ---- Bluestein: j k = (j² + k² - (k - j)²) / 2 makes it a convolution with the chirp ---- */

static void multiply(double *re, double *im, const double *by, double sign) {
    for (int lane = 0; lane < LANES; lane++) {
        double r = re[lane], i = im[lane];
        re[lane] = r * by[0] - i * by[1];
        im[lane] = sign * (r * by[1] + i * by[0]);
    }
}

static const double *run_convolution(const Fft *fft, double *memory) {
    i64 n = fft->n, m = fft->inner->n;
    double *work = memory + 4 * n * LANES, *im = work + m * LANES;
    memset(work, 0, sizeof *work * (size_t)(2 * m * LANES));
    memcpy(work, memory, sizeof *work * (size_t)(n * LANES));
    memcpy(im, memory + n * LANES, sizeof *work * (size_t)(n * LANES));
    for (i64 j = 0; j < n; j++) multiply(work + j * LANES, im + j * LANES, fft->chirp + 2 * j, 1);
    /* The inverse transform is the conjugate of the transform of the conjugate. */
    double *spectrum = work + (mml_fft_run(fft->inner, work) - work);
    for (i64 k = 0; k < m; k++) multiply(spectrum + k * LANES, spectrum + (m + k) * LANES, fft->filter + 2 * k, -1);
    if (spectrum != work) memcpy(work, spectrum, sizeof *work * (size_t)(2 * m * LANES));
    const double *back = mml_fft_run(fft->inner, work);
    for (i64 k = 0; k < n; k++)
        for (int lane = 0; lane < LANES; lane++) {
            double r = back[k * LANES + lane], i = -back[(m + k) * LANES + lane];
            const double *c = fft->chirp + 2 * k;
            memory[k * LANES + lane] = r * c[0] - i * c[1];
            memory[(n + k) * LANES + lane] = r * c[1] + i * c[0];
        }
    return memory;
}

const double *mml_fft_run(const Fft *fft, double *memory) {
    return fft->inner ? run_convolution(fft, memory) : run_passes(fft, memory);
}
