#include "pid/woodbury.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

#include "pid/newton.h"

/* LAPACK's Cholesky and symmetric indefinite factorisation; the last argument is Fortran's hidden length. */
extern void dpotrf_(const char *triangle, const int *n, double *a, const int *lda, int *info, size_t length);
extern void dsytrf_(const char *triangle, const int *n, double *a, const int *lda, int *pivots,
                    double *work, const int *work_size, int *info, size_t length);
extern void dsytrs_(const char *triangle, const int *n, const int *columns, const double *a, const int *lda,
                    const int *pivots, double *b, const int *ldb, int *info, size_t length);

#define PANEL       32       /* LAPACK's usual block size, for its work space */
#define RIDGE       1e-14
#define REFINEMENTS 6
#define ENOUGH      1e-10    /* residual, relative to the right side, that needs no refinement */
#define REFUSED     1e-6     /* likewise, above which the step is refused */
#define SLOWNESS    1.7      /* of this form's multiply-adds against the direct form's: the smaller
                                matrices, the indefinite factorisation */

struct MmlWoodbury {
    const MmlSupport *support;
    int     n;                                /* unknowns, label by label             */
    int    *first;                            /* [labels + 1]                         */
    int    *number;                           /* [unknowns] place, -1 where none      */
    i64    *offset;                           /* [labels] of K_y's factor in `factors`*/
    double *factors, *scale;                  /* scale: [n] Jacobi of K               */
    double *b;                                /* [n, live] column-major               */
    double *capacitance, *work;               /* [live, live]                         */
    int    *pivots;
    double *weight, *side, *z;                /* [live], [n], [live]                  */
    double *residual, *correction, *trial_flow;
    double *v;                                /* [labels]                             */
    const double *m, *s, *pi;
};

int mml_woodbury_pays(const MmlSupport *support) {
    if (support->sources != 2) return 0;
    double rows = support->bins[support->rows], columns = support->bins[!support->rows];
    double labels = support->labels, live = (double)support->live, order = columns * labels;
    double direct = order * order * (rows * labels + order / 3);
    return live * live * (labels * (rows + columns) + live / 3) * SLOWNESS < direct;
}

static void number(MmlWoodbury *w) {
    const MmlSupport *support = w->support;
    for (int y = 0; y < support->labels; y++) {
        w->first[y] = w->n;
        for (int k = 0; k < 2; k++) {
            int fixed = mml_gauge_bin(support, k, y);
            for (int x = 0; x < support->bins[k]; x++) {
                i64 u = support->start[k] + (i64)x * support->labels + y;
                w->number[u] = support->p[u] > 0 && x != fixed ? w->n++ : -1;
            }
        }
    }
    w->first[support->labels] = w->n;
}

MmlWoodbury *mml_woodbury_new(const MmlSupport *support, MmlArena *arena) {
    MmlWoodbury *w = MML_NEW(arena, MmlWoodbury, 1);
    if (!w) return NULL;
    i64 unknowns = support->start[2], live = support->live, doubles = 0;
    w->support = support;
    w->first = MML_NEW(arena, int, support->labels + 1);
    w->number = MML_NEW(arena, int, unknowns);
    w->offset = MML_NEW(arena, i64, support->labels);
    if (!w->first || !w->number || !w->offset) return NULL;
    number(w);
    for (int y = 0; y < support->labels; y++) {
        i64 order = w->first[y + 1] - w->first[y];
        w->offset[y] = doubles;
        doubles += order * order;
    }
    struct { double **at; i64 size; } vectors[] = {
        {&w->factors, doubles + 1}, {&w->scale, w->n + 1}, {&w->b, w->n * live + 1}, {&w->capacitance, live * live},
        {&w->work, live * PANEL}, {&w->weight, live}, {&w->side, w->n + 1}, {&w->z, live}, {&w->residual, unknowns},
        {&w->correction, unknowns}, {&w->trial_flow, live}, {&w->v, support->labels},
    };
    for (size_t c = 0; c < sizeof vectors / sizeof *vectors; c++)
        if (!(*vectors[c].at = MML_NEW(arena, double, vectors[c].size))) return NULL;
    w->pivots = MML_NEW(arena, int, live);
    return w->pivots ? w : NULL;
}

static inline int place(const MmlWoodbury *w, i64 tuple, int k, int y) {
    const MmlSupport *support = w->support;
    return w->number[support->start[k] + (i64)support->bin[tuple * 2 + k] * support->labels + y];
}

/* K_y scaled to a unit diagonal, and V sqrt|D| likewise in b. */
static void assemble(MmlWoodbury *w, int y) {
    const MmlSupport *support = w->support;
    int first = w->first[y], order = w->first[y + 1] - first;
    double *a = w->factors + w->offset[y];
    memset(a, 0, sizeof(double) * (size_t)order * (size_t)order);
    for (i64 t = 0; t < support->live; t++) {
        double pi = w->pi[t * support->labels + y], mass = w->m[t] * pi;
        int i = place(w, t, 0, y) - first, j = place(w, t, 1, y) - first;
        double *column = w->b + t * w->n + first;
        memset(column, 0, sizeof(double) * (size_t)order);
        if (i >= 0) a[(i64)i * order + i] += mass;
        if (j >= 0) a[(i64)j * order + j] += mass;
        if (i >= 0 && j >= 0) a[(i64)i * order + j] += mass;
        if (i >= 0) column[i] = pi * w->weight[t];
        if (j >= 0) column[j] = pi * w->weight[t];
    }
    for (int v = 0; v < order; v++) {
        double diagonal = a[(i64)v * order + v];
        w->scale[first + v] = diagonal > 0 ? 1 / sqrt(diagonal) : 1;
    }
    for (int c = 0; c < order; c++)
        for (int r = c; r < order; r++) a[(i64)c * order + r] *= w->scale[first + c] * w->scale[first + r];
    for (int v = 0; v < order; v++) a[(i64)v * order + v] += RIDGE;
}

int mml_woodbury_factor(MmlWoodbury *w, const double *m, const double *s, const double *pi) {
    const MmlSupport *support = w->support;
    int live = (int)support->live, info = 0, work_size = live * PANEL;
    w->m = m;
    w->s = s;
    w->pi = pi;
    for (int t = 0; t < live; t++) w->weight[t] = sqrt(fabs(m[t] / s[t] - m[t]));
    for (int y = 0; y < support->labels; y++) {
        int first = w->first[y], order = w->first[y + 1] - first;
        if (order == 0) continue;
        assemble(w, y);
        dpotrf_("L", &order, w->factors + w->offset[y], &order, &info, 1);
        if (info) return 0;
        for (int t = 0; t < live; t++)
            for (int v = first; v < first + order; v++) w->b[(i64)t * w->n + v] *= w->scale[v];
        cblas_dtrsm(CblasColMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, order, live, 1,
                    w->factors + w->offset[y], order, w->b + first, w->n);
    }
    cblas_dsyrk(CblasColMajor, CblasLower, CblasTrans, live, w->n, 1, w->b, w->n, 0, w->capacitance, live);
    for (int t = 0; t < live; t++) w->capacitance[(i64)t * live + t] += s[t] > 1 ? -1 : 1;
    dsytrf_("L", &live, w->capacitance, &live, w->pivots, w->work, &work_size, &info, 1);
    return info == 0;
}

static void triangular(MmlWoodbury *w, CBLAS_TRANSPOSE transpose) {
    for (int y = 0; y < w->support->labels; y++) {
        int order = w->first[y + 1] - w->first[y];
        if (order > 0)
            cblas_dtrsv(CblasColMajor, CblasLower, transpose, CblasNonUnit, order, w->factors + w->offset[y], order,
                        w->side + w->first[y], 1);
    }
}

static void solve_factored(MmlWoodbury *w, const double *right, double *du) {
    const int one = 1, live = (int)w->support->live;
    int info;
    i64 unknowns = w->support->start[2];
    for (i64 u = 0; u < unknowns; u++)
        if (w->number[u] >= 0) w->side[w->number[u]] = right[u] * w->scale[w->number[u]];
    triangular(w, CblasNoTrans);
    cblas_dgemv(CblasColMajor, CblasTrans, w->n, live, 1, w->b, w->n, w->side, 1, 0, w->z, 1);
    dsytrs_("L", &live, &one, w->capacitance, &live, w->pivots, w->z, &live, &info, 1);
    cblas_dgemv(CblasColMajor, CblasNoTrans, w->n, live, -1, w->b, w->n, w->z, 1, 1, w->side, 1);
    triangular(w, CblasTrans);
    for (i64 u = 0; u < unknowns; u++) du[u] = w->number[u] < 0 ? 0 : w->side[w->number[u]] * w->scale[w->number[u]];
}

/* residual = right - M du and flow, tuple by tuple. */
static double residual_norm(MmlWoodbury *w, const double *right, const double *du, double *flow) {
    const MmlSupport *support = w->support;
    int labels = support->labels;
    double square = 0;
    memcpy(w->residual, right, sizeof(double) * (size_t)support->start[2]);
    for (i64 t = 0; t < support->live; t++) {
        const double *pi = w->pi + t * labels;
        i64 i = support->start[0] + (i64)support->bin[t * 2] * labels, j = support->start[1] + (i64)support->bin[t * 2 + 1] * labels;
        double d = 0, m = w->m[t];
        for (int y = 0; y < labels; y++) d += pi[y] * (w->v[y] = du[i + y] + du[j + y]);
        flow[t] = m / w->s[t] * d;
        for (int y = 0; y < labels; y++) {
            double change = pi[y] * (m * (w->v[y] - d) + flow[t]);
            w->residual[i + y] -= change;
            w->residual[j + y] -= change;
        }
    }
    for (i64 u = 0; u < support->start[2]; u++)
        if (w->number[u] >= 0) square += w->residual[u] * w->scale[w->number[u]] * (w->residual[u] * w->scale[w->number[u]]);
    return sqrt(square);
}

int mml_woodbury_solve(MmlWoodbury *w, const double *right, double *du, double *flow) {
    i64 unknowns = w->support->start[2];
    memset(du, 0, sizeof(double) * (size_t)unknowns);
    double whole = residual_norm(w, right, du, flow), norm = whole;
    for (int pass = 0; pass <= REFINEMENTS && !(norm <= ENOUGH * whole); pass++) {
        solve_factored(w, w->residual, w->correction);
        for (i64 u = 0; u < unknowns; u++) w->correction[u] += du[u];
        double better = residual_norm(w, right, w->correction, w->trial_flow);
        if (!(better < norm)) break;
        memcpy(du, w->correction, sizeof(double) * (size_t)unknowns);
        memcpy(flow, w->trial_flow, sizeof(double) * (size_t)w->support->live);
        norm = better;
    }
    return norm <= REFUSED * whole;
}
