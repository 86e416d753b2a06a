#include "pid/pca.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

/* LAPACK's eigenvalues first … last (from 1, ascending) of a symmetric matrix;
 * the three last arguments are Fortran's hidden lengths. */
extern void dsyevr_(const char *vectors, const char *range, const char *triangle, const int *n, double *a, const int *lda,
                    const double *low, const double *high, const int *first, const int *last, const double *tolerance,
                    int *found, double *values, double *z, const int *ldz, int *support,
                    double *work, const int *work_size, int *iwork, const int *iwork_size, int *info,
                    size_t, size_t, size_t);

#define BLOCK 128      /* rows made double and centred at a time */

/* Variance below this share of the mean square of the rows is rounding: rows are floats. */
#define NOISE 1e-20

typedef struct {
    const float *rows, *scale;
    i64     n;
    int     width, components, threads;
    double *mean;             /* [width]                              */
    double *partial;          /* [threads, width + 1]: sums, square   */
    double *covariance;       /* [threads, width, width] upper halves */
    double *block;            /* [threads, BLOCK, width]              */
    double *loadings;         /* [components, width]                  */
    float  *scores;
    float  *axes;             /* [1 + components, width] or NULL      */
} Pca;

static inline double value(const Pca *p, i64 i, int c) {
    double scale = p->scale ? p->scale[i] : 1;
    return scale * p->rows[i * p->width + c];
}

static void sum_rows(void *context, i64 begin, i64 end, int thread) {
    Pca *p = context;
    double *sum = p->partial + (i64)thread * (p->width + 1);
    for (i64 i = begin; i < end; i++)
        for (int c = 0; c < p->width; c++) {
            double v = value(p, i, c);
            sum[c] += v;
            sum[p->width] += v * v;
        }
}

/* Sets mean; returns the sum of squares of all rows. */
static double centre(Pca *p, MmlThreads *threads) {
    mml_parallel(threads, p->n, sum_rows, p);
    double square = 0;
    for (int thread = 0; thread < p->threads; thread++) {
        const double *sum = p->partial + (i64)thread * (p->width + 1);
        for (int c = 0; c < p->width; c++) p->mean[c] += sum[c] / (double)p->n;
        square += sum[p->width];
    }
    return square;
}

static void centred_rows(const Pca *p, i64 begin, i64 count, double *out) {
    for (i64 i = 0; i < count; i++)
        for (int c = 0; c < p->width; c++) out[i * p->width + c] = value(p, begin + i, c) - p->mean[c];
}

static void add_covariance(void *context, i64 begin, i64 end, int thread) {
    Pca *p = context;
    double *block = p->block + (i64)thread * BLOCK * p->width;
    double *covariance = p->covariance + (i64)thread * p->width * p->width;
    for (i64 i = begin; i < end; i += BLOCK) {
        i64 count = end - i < BLOCK ? end - i : BLOCK;
        centred_rows(p, i, count, block);
        cblas_dsyrk(CblasColMajor, CblasLower, CblasNoTrans, p->width, (int)count, 1, block, p->width, 1,
                    covariance, p->width);
    }
}

/* The largest `want` eigenvalues of a[n, n] (destroyed), ascending, and their vectors in the columns of z. */
static Status eigen(double *a, int n, int want, MmlArena *arena, double *values, double *z) {
    int first = n - want + 1, found = 0, info = 0, work_size = 26 * n + 32 * n, iwork_size = 10 * n;
    double none = 0;
    int *support = MML_NEW(arena, int, 2 * n), *iwork = MML_NEW(arena, int, iwork_size);
    double *work = MML_NEW(arena, double, work_size);
    if (!support || !iwork || !work) return MML_ENOMEM;
    dsyevr_("V", "I", "L", &n, a, &n, &none, &none, &first, &n, &none, &found, values, z, &n, support,
            work, &work_size, iwork, &iwork_size, &info, 1, 1, 1);
    if (info != 0 || found != want)
        return mml_fail(MML_ENUMERIC, "principal components of the features did not converge");
    return MML_OK;
}

static Status from_covariance(Pca *p, double square, MmlThreads *threads, MmlArena *arena) {
    i64 size = (i64)p->width * p->width;
    int want = p->components;
    p->covariance = MML_NEW(arena, double, p->threads * size);
    p->block = MML_NEW(arena, double, (i64)p->threads * BLOCK * p->width);
    double *values = MML_NEW(arena, double, p->width), *z = MML_NEW(arena, double, (i64)p->width * want);
    if (!p->covariance || !p->block || !values || !z) return MML_ENOMEM;
    mml_parallel(threads, p->n, add_covariance, p);
    for (int thread = 1; thread < p->threads; thread++)
        for (i64 c = 0; c < size; c++) p->covariance[c] += p->covariance[thread * size + c];
    MML_TRY(eigen(p->covariance, p->width, want, arena, values, z));
    for (int v = 0; v < want; v++)
        if (values[want - 1 - v] > NOISE * square)
            memcpy(p->loadings + (i64)v * p->width, z + (i64)(want - 1 - v) * p->width, sizeof(double) * (size_t)p->width);
    return MML_OK;
}

/* X X^T v = l v gives the covariance's eigenvector X^T v / sqrt(l). */
static Status from_gram(Pca *p, double square, MmlArena *arena) {
    int n = (int)p->n, want = p->components < n ? p->components : n;
    double *x = MML_NEW(arena, double, (i64)n * p->width), *gram = MML_NEW(arena, double, (i64)n * n);
    double *values = MML_NEW(arena, double, n), *z = MML_NEW(arena, double, (i64)n * want);
    if (!x || !gram || !values || !z) return MML_ENOMEM;
    centred_rows(p, 0, n, x);
    cblas_dsyrk(CblasColMajor, CblasLower, CblasTrans, n, p->width, 1, x, p->width, 0, gram, n);
    MML_TRY(eigen(gram, n, want, arena, values, z));
    for (int v = 0; v < want; v++) {
        double eigenvalue = values[want - 1 - v];
        if (eigenvalue > NOISE * square)
            cblas_dgemv(CblasColMajor, CblasNoTrans, p->width, n, 1 / sqrt(eigenvalue), x, p->width,
                        z + (i64)(want - 1 - v) * n, 1, 0, p->loadings + (i64)v * p->width, 1);
    }
    return MML_OK;
}

static void project_rows(void *context, i64 begin, i64 end, int thread) {
    const Pca *p = context;
    for (i64 i = begin; i < end; i++)
        for (int v = 0; v < p->components; v++) {
            const double *loading = p->loadings + (i64)v * p->width;
            double score = 0;
            for (int c = 0; c < p->width; c++) score += (value(p, i, c) - p->mean[c]) * loading[c];
            p->scores[i * p->components + v] = (float)score;
        }
}

static void orient(const Pca *p) {
    for (int v = 0; v < p->components; v++) {
        float largest = 0;
        for (i64 i = 0; i < p->n; i++) {
            float score = p->scores[i * p->components + v];
            if (fabsf(score) > fabsf(largest)) largest = score;
        }
        for (i64 i = 0; i < p->n && largest < 0; i++) p->scores[i * p->components + v] *= -1;
        for (int c = 0; c < p->width && largest < 0; c++) p->loadings[(i64)v * p->width + c] *= -1;
    }
}

static Status analyse(Pca *p, MmlThreads *threads, MmlArena *arena) {
    p->mean = MML_NEW(arena, double, p->width);
    p->partial = MML_NEW(arena, double, (i64)p->threads * (p->width + 1));
    p->loadings = MML_NEW(arena, double, (i64)p->components * p->width);
    if (!p->mean || !p->partial || !p->loadings) return MML_ENOMEM;
    double square = centre(p, threads);
    MML_TRY(p->n < p->width ? from_gram(p, square, arena) : from_covariance(p, square, threads, arena));
    mml_parallel(threads, p->n, project_rows, p);
    orient(p);
    for (int c = 0; c < p->width && p->axes; c++) p->axes[c] = (float)p->mean[c];
    for (i64 c = 0; c < (i64)p->components * p->width && p->axes; c++) p->axes[p->width + c] = (float)p->loadings[c];
    return MML_OK;
}

Status mml_pca(const float *rows, const float *scale, i64 n, int width, int components,
               MmlThreads *threads, MmlArena *arena, float *scores) {
    return mml_pca_axes(rows, scale, n, width, components, threads, arena, scores, NULL);
}

Status mml_pca_axes(const float *rows, const float *scale, i64 n, int width, int components,
                    MmlThreads *threads, MmlArena *arena, float *scores, float *axes) {
    Pca pca = {.rows = rows, .scale = scale, .n = n, .width = width, .components = components,
               .threads = mml_threads_count(threads), .scores = scores, .axes = axes};
    MmlArenaMark mark = mml_arena_mark(arena);
    Status status = analyse(&pca, threads, arena);
    mml_arena_release(arena, mark);
    return status;
}
