#include "pid/fastpid_kernel.h"

#include <float.h>
#include <math.h>

/* fastpid_wide.c includes this source with more lanes; MML_BITCODE is defined by
 * the compiler's generated.cmake. */
#if defined(MML_BITCODE) && defined(__AVX2__)
#define MML_FASTPID_LANES  4
#elif !defined(MML_FASTPID_LANES)
#define MML_FASTPID_LANES  2               /* 16 bytes are a register of every x86-64 and ARMv8 */
#define MML_FASTPID_KERNEL mml_fastpid_portable
#endif
#define LANES MML_FASTPID_LANES

#define BETA1   0.9
#define BETA2   0.999
#define EPSILON 1e-8

typedef double Vector __attribute__((vector_size(8 * LANES), may_alias));
typedef i64    Mask   __attribute__((vector_size(8 * LANES), may_alias));

#define INLINE static inline __attribute__((always_inline))

#ifdef MML_BITCODE
#define SIZED                              /* found by name */
#define KEEP_LOOP _Pragma("clang loop unroll(disable)")
#else
#define SIZED static
#define KEEP_LOOP
#endif

INLINE Vector keep(Mask where, Vector x) { return (Vector)(where & (Mask)x); }
/* gcc makes four instructions of a comparison, and a chain of them bounds loops over all cells. */
INLINE Vector larger(Vector a, Vector b) {
#if defined(__AVX__) && MML_FASTPID_LANES == 4
    return (Vector)__builtin_ia32_maxpd256(a, b);
#else
    Mask first = a > b;
    return (Vector)((first & (Mask)a) | (~first & (Mask)b));
#endif
}
INLINE Vector magnitude(Vector x) { return (Vector)((Mask)x & INT64_MAX); }

INLINE double total(Vector x) {
    double sum = x[0];
    for (int l = 1; l < LANES; l++) sum += x[l];
    return sum;
}

INLINE double maximum(Vector x) {
    double most = x[0];
    for (int l = 1; l < LANES; l++) most = x[l] > most ? x[l] : most;
    return most;
}

/* 1 / x; 0 where x is too small to divide by. */
INLINE Vector inverse(Vector x) {
    Mask fine = x > DBL_MIN;
    return keep(fine, 1 / larger(x, (Vector){0} + DBL_MIN));
}

/* ---- Products of one plane K[bins1, bins2] with a vector ----
 * STRIP sums at a time hide the latency of an addition. A strip of fewer rows
 * has several sums a row, of every second, fourth or eighth term. What is done
 * with the sums is done strip by strip, so that divisions overlap the next. */

#define STRIP 8

typedef enum { FORWARD, BACKWARD, BACKWARD_ADD } Use;

/* FORWARD:  inverse = 1 / sum, factor = p inverse.
 * BACKWARD: inverse = -(sum inverse) factor, the derivative by the sum that was inverted:
 *           x = p / u has d loss / d u = -(d loss / d x) x / u. _ADD: plus p for the sum. */
typedef struct { const Vector *p; Vector *inverse, *factor; } Half;

INLINE void use_sums(const Vector *sum, Half half, i64 from, int count, Use use) {
    const Vector *p = half.p + from;
    Vector *inverses = half.inverse + from, *factor = half.factor + from;
    for (int c = 0; c < count; c++) {
        if (use == FORWARD) {
            inverses[c] = inverse(sum[c]);
            factor[c] = p[c] * inverses[c];
        } else {
            Vector by_factor = sum[c];
            if (use == BACKWARD_ADD) by_factor += p[c];
            inverses[c] = -(by_factor * inverses[c]) * factor[c];
        }
    }
}

/* sum_j K[r, j] b[j] of `count` rows from `from` on. */
INLINE void row_strip(const Vector *k, const Vector *b, Half half, i64 from, i64 bins2, int count, Use use) {
    const int ways = STRIP / count;
    Vector sum[STRIP] = {0};
    i64 j = 0;
    k += from * bins2;
    KEEP_LOOP
    for (; j + ways <= bins2; j += ways)
        for (int w = 0; w < ways; w++)
            for (int r = 0; r < count; r++) sum[w * count + r] += k[r * bins2 + j + w] * b[j + w];
    KEEP_LOOP
    for (; j < bins2; j++)
        for (int r = 0; r < count; r++) sum[r] += k[r * bins2 + j] * b[j];
    for (int w = 1; w < ways; w++)
        for (int r = 0; r < count; r++) sum[r] += sum[w * count + r];
    use_sums(sum, half, from, count, use);
}

/* sum_i K[i, c] a[i] of `count` columns from `from` on. */
INLINE void column_strip(const Vector *k, const Vector *a, Half half, i64 from, i64 bins1, i64 bins2, int count, Use use) {
    const int ways = STRIP / count;
    Vector sum[STRIP] = {0};
    i64 i = 0;
    k += from;
    KEEP_LOOP
    for (; i + ways <= bins1; i += ways)
        for (int w = 0; w < ways; w++)
            for (int c = 0; c < count; c++) sum[w * count + c] += k[(i + w) * bins2 + c] * a[i + w];
    KEEP_LOOP
    for (; i < bins1; i++)
        for (int c = 0; c < count; c++) sum[c] += k[i * bins2 + c] * a[i];
    for (int w = 1; w < ways; w++)
        for (int c = 0; c < count; c++) sum[c] += sum[w * count + c];
    use_sums(sum, half, from, count, use);
}

INLINE void over_columns(const Vector *k, const Vector *b, Half half, i64 bins1, i64 bins2, Use use) {
    i64 i = 0;
    KEEP_LOOP
    for (; i + STRIP <= bins1; i += STRIP) row_strip(k, b, half, i, bins2, STRIP, use);
    if (bins1 & 4) row_strip(k, b, half, i, bins2, 4, use), i += 4;
    if (bins1 & 2) row_strip(k, b, half, i, bins2, 2, use), i += 2;
    if (bins1 & 1) row_strip(k, b, half, i, bins2, 1, use);
}

INLINE void over_rows(const Vector *k, const Vector *a, Half half, i64 bins1, i64 bins2, Use use) {
    i64 j = 0;
    KEEP_LOOP
    for (; j + STRIP <= bins2; j += STRIP) column_strip(k, a, half, j, bins1, bins2, STRIP, use);
    if (bins2 & 4) column_strip(k, a, half, j, bins1, bins2, 4, use), j += 4;
    if (bins2 & 2) column_strip(k, a, half, j, bins1, bins2, 2, use), j += 2;
    if (bins2 & 1) column_strip(k, a, half, j, bins1, bins2, 1, use);
}

/* ---- Projection ---- */

/* Row `step` of the history of a plane. */
INLINE Vector *at(double *history, i64 step, i64 plane, i64 planes, i64 bins) {
    return (Vector *)history + (step * planes + plane) * bins;
}

/* Sweep t's two halves: of b_(t+1) and of a_(t+1). */
INLINE Half column_half(MmlFastPidState *s, i64 t, i64 plane, i64 planes, i64 bins2) {
    return (Half){(Vector *)s->marginal2 + plane * bins2, at(s->right, 2 * t, plane, planes, bins2),
                  at(s->right, 2 * t + 1, plane, planes, bins2)};
}

INLINE Half row_half(MmlFastPidState *s, i64 t, i64 plane, i64 planes, i64 bins1) {
    return (Half){(Vector *)s->marginal1 + plane * bins1, at(s->left, 2 * t + 1, plane, planes, bins1),
                  at(s->left, 2 * t + 2, plane, planes, bins1)};
}

SIZED void mml_fastpid_sweep(MmlFastPidState *s, i64 first, i64 last, MML_FASTPID_SIZES) {
    for (i64 plane = 0; plane < planes; plane++) {
        const Vector *k = (Vector *)s->k + plane * bins1 * bins2;
        for (i64 t = first; t < last; t++) {
            Half columns = column_half(s, t, plane, planes, bins2);
            over_rows(k, at(s->left, 2 * t, plane, planes, bins1), columns, bins1, bins2, FORWARD);
            over_columns(k, columns.factor, row_half(s, t, plane, planes, bins1), bins1, bins2, FORWARD);
        }
    }
    s->sweeps = last;
}

SIZED double mml_fastpid_project(MmlFastPidState *s, double *largest, MML_FASTPID_SIZES) {
    Vector changed = {0}, most = {0};
    for (i64 plane = 0; plane < planes; plane++) {
        const Vector *a = at(s->left, 2 * s->sweeps, plane, planes, bins1);
        const Vector *b = at(s->right, 2 * s->sweeps - 1, plane, planes, bins2);
        KEEP_LOOP
        for (i64 i = 0; i < bins1; i++) {
            i64 row = (plane * bins1 + i) * bins2;
            const Vector *k = (Vector *)s->k + row;
            Vector *q = (Vector *)s->q + row;
            double *mass = s->mass + i * bins2;
            KEEP_LOOP
            for (i64 j = 0; j < bins2; j++) {
                Vector now = k[j] * a[i] * b[j];
                changed = larger(changed, magnitude(now - q[j]));
                most = larger(most, now);
                q[j] = now;
                mass[j] = total(now) + (plane > 0 ? mass[j] : 0);
            }
        }
    }
    *largest = maximum(most);
    return maximum(changed);
}

/* ---- Gradient ---- */

/* out = log x; where x is 0 some number, which is multiplied by 0 or masked. */
INLINE void logs(const MmlFastPidState *s, const double *x, double *out, i64 count) {
    for (i64 c = 0; c < count; c++) out[c] = x[c] > DBL_MIN ? x[c] : DBL_MIN;
    s->log(out, count);
}

/* d loss / d q = log(q / mass) = logits - top + log a + log b - log mass. Fills
 * gradient with K times it and the derivatives by the last a and b. */
INLINE void by_projection(MmlFastPidState *s, i64 plane, MML_FASTPID_SIZES) {
    const Vector *a = at(s->left, 2 * s->sweeps, plane, planes, bins1);
    const Vector *b = at(s->right, 2 * s->sweeps - 1, plane, planes, bins2);
    const Vector *log1 = (Vector *)s->log1 + plane * bins1, *log2 = (Vector *)s->log2 + plane * bins2;
    Vector *by_a = (Vector *)s->adjoint1 + plane * bins1, *by_b = (Vector *)s->adjoint2 + plane * bins2;
    KEEP_LOOP
    for (i64 j = 0; j < bins2; j++) by_b[j] = (Vector){0};
    KEEP_LOOP
    for (i64 i = 0; i < bins1; i++) {
        i64 row = (plane * bins1 + i) * bins2;
        const Vector *k = (Vector *)s->k + row, *q = (Vector *)s->q + row, *logits = (Vector *)s->logits + row;
        const double *mass = s->mass + i * bins2;
        Vector *gradient = (Vector *)s->gradient + row, offset = log1[i] - s->top, sum = {0};
        KEEP_LOOP
        for (i64 j = 0; j < bins2; j++) {
            Vector scaled = keep(q[j] > 0, k[j] * (logits[j] + (offset + log2[j] - mass[j])));
            gradient[j] = scaled;
            sum += scaled * b[j];
            by_b[j] += scaled * a[i];
        }
        by_a[i] = sum;
    }
}

/* Back through the sweeps: the inverses become derivatives by the sums. */
INLINE void by_sums(MmlFastPidState *s, i64 plane, MML_FASTPID_SIZES) {
    const Vector *k = (Vector *)s->k + plane * bins1 * bins2, *by_a = (Vector *)s->adjoint1 + plane * bins1;
    Half rows = row_half(s, s->sweeps - 1, plane, planes, bins1);
    use_sums(by_a, rows, 0, (int)bins1, BACKWARD);
    for (i64 t = s->sweeps - 1; t >= 0; t--) {
        Half columns = column_half(s, t, plane, planes, bins2);
        if (t == s->sweeps - 1) {
            columns.p = (Vector *)s->adjoint2 + plane * bins2;
            over_rows(k, rows.inverse, columns, bins1, bins2, BACKWARD_ADD);
        } else {
            over_rows(k, rows.inverse, columns, bins1, bins2, BACKWARD);
        }
        if (t == 0) break;
        rows = row_half(s, t - 1, plane, planes, bins1);
        over_columns(k, columns.inverse, rows, bins1, bins2, BACKWARD);
    }
}

/* gradient = gradient a b + K sum_s left[s] right[s] of rows x columns cells. */
#define TILE_ROWS    2
#define TILE_COLUMNS 4

INLINE void tile(MmlFastPidState *s, i64 plane, i64 i, i64 j, MML_FASTPID_SIZES, int rows, int columns) {
    Vector sum[TILE_ROWS][TILE_COLUMNS] = {{{0}}};
    const Vector *left = (Vector *)s->left + plane * bins1 + i, *right = (Vector *)s->right + plane * bins2 + j;
    KEEP_LOOP
    for (i64 step = 0; step < 2 * s->sweeps; step++) {
        for (int r = 0; r < rows; r++)
            for (int c = 0; c < columns; c++) sum[r][c] += left[r] * right[c];
        left += planes * bins1;
        right += planes * bins2;
    }
    const Vector *a = left, *b = right - planes * bins2;
    for (int r = 0; r < rows; r++) {
        i64 cell = (plane * bins1 + i + r) * bins2 + j;
        const Vector *k = (Vector *)s->k + cell;
        Vector *gradient = (Vector *)s->gradient + cell;
        for (int c = 0; c < columns; c++) gradient[c] = gradient[c] * (a[r] * b[c]) + k[c] * sum[r][c];
    }
}

INLINE void tile_rows(MmlFastPidState *s, i64 plane, i64 i, MML_FASTPID_SIZES, int rows) {
    i64 j = 0;
    KEEP_LOOP
    for (; j + TILE_COLUMNS <= bins2; j += TILE_COLUMNS) tile(s, plane, i, j, bins1, bins2, planes, rows, TILE_COLUMNS);
    KEEP_LOOP
    for (; j < bins2; j++) tile(s, plane, i, j, bins1, bins2, planes, rows, 1);
}

SIZED void mml_fastpid_differentiate(MmlFastPidState *s, MML_FASTPID_SIZES) {
    logs(s, (double *)at(s->left, 2 * s->sweeps, 0, planes, bins1), s->log1, planes * bins1 * LANES);
    logs(s, (double *)at(s->right, 2 * s->sweeps - 1, 0, planes, bins2), s->log2, planes * bins2 * LANES);
    logs(s, s->mass, s->mass, bins1 * bins2);
    for (i64 plane = 0; plane < planes; plane++) {
        by_projection(s, plane, bins1, bins2, planes);
        by_sums(s, plane, bins1, bins2, planes);
        i64 i = 0;
        KEEP_LOOP
        for (; i + TILE_ROWS <= bins1; i += TILE_ROWS) tile_rows(s, plane, i, bins1, bins2, planes, TILE_ROWS);
        if (i < bins1) tile_rows(s, plane, i, bins1, bins2, planes, 1);
    }
}

#ifndef MML_BITCODE

/* ---- What isn't specialised ---- */

static double residual(MmlFastPidState *s, MML_FASTPID_SIZES) {
    double distance = 0;
    for (i64 plane = 0; plane < planes; plane++) {
        const Vector *k = (Vector *)s->k + plane * bins1 * bins2, *a = at(s->left, 2 * s->sweeps, plane, planes, bins1);
        Half columns = column_half(s, s->sweeps - 1, plane, planes, bins2);
        for (i64 j = 0; j < bins2; j++) {
            Vector sum = {0};
            for (i64 i = 0; i < bins1; i++) sum += k[i * bins2 + j] * a[i];
            distance += total(magnitude(columns.factor[j] * sum - columns.p[j]));
        }
    }
    return distance;
}

static double shift(MmlFastPidState *s, i64 count) {
    Vector most = (Vector){0} - INFINITY, wrong = {0};
    for (i64 c = 0; c < count / LANES; c++) {
        Vector logits = ((Vector *)s->logits)[c];
        most = larger(most, logits);
        wrong += keep(logits != logits, logits);
    }
    s->top = maximum(most) + total(wrong);
    for (i64 c = 0; c < count; c++) s->k[c] = s->logits[c] - s->top;
    return s->top;
}

INLINE Vector root(Vector x) {
    for (int l = 0; l < LANES; l++) x[l] = sqrt(x[l]);
    return x;
}

static double descend(MmlFastPidState *s, double rate, i64 step, i64 count) {
    double scale1 = rate / (1 - pow(BETA1, (double)step)), scale2 = 1 / sqrt(1 - pow(BETA2, (double)step));
    Vector most = (Vector){0} - INFINITY, *logits = (Vector *)s->logits, *k = (Vector *)s->k;
    Vector *moment1 = (Vector *)s->moment1, *moment2 = (Vector *)s->moment2;
    const Vector *gradient = (Vector *)s->gradient;
    for (i64 c = 0; c < count / LANES; c++) {
        Vector g = gradient[c];
        moment1[c] = BETA1 * moment1[c] + (1 - BETA1) * g;
        moment2[c] = BETA2 * moment2[c] + (1 - BETA2) * g * g;
        Vector now = logits[c] - scale1 * moment1[c] / (root(moment2[c]) * scale2 + EPSILON);
        most = larger(most, keep(now == now, now) + keep(now != now, (Vector){0} + INFINITY));
        k[c] = now - s->top;
        logits[c] = now;
    }
    return maximum(most);
}

const MmlFastPidKernel MML_FASTPID_KERNEL = {LANES, shift, mml_fastpid_sweep, residual, mml_fastpid_project,
                                             mml_fastpid_differentiate, descend};

#endif
