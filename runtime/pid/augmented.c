#include "pid/augmented.h"

#include <math.h>
#include <string.h>

#include "pid/newton.h"

/* LAPACK's symmetric indefinite factorisation and solve; the last argument is Fortran's hidden length. */
extern void dsytrf_(const char *triangle, const int *n, double *a, const int *lda, int *pivots,
                    double *work, const int *work_size, int *info, size_t length);
extern void dsytrs_(const char *triangle, const int *n, const int *columns, const double *a, const int *lda,
                    const int *pivots, double *b, const int *ldb, int *info, size_t length);

#define PANEL       32      /* LAPACK's usual block size, for its work space */
#define REFINEMENTS 2

struct MmlAugmented {
    const MmlSupport *support;
    int          n, potentials;        /* order; unknowns of du, before the live tuples' flows */
    int         *number;               /* [unknowns] row of each, -1 where there is none       */
    int         *pivots;
    double      *matrix;               /* [n, n] column-major, lower */
    double      *work, *side, *residual, *solution;      /* [n] but work                      */
    double      *scale;                /* [n]: 1/sqrt(p) of potentials, sqrt(m) of flows       */
    double      *v;                    /* [labels] */
    const double *m, *s, *pi;
};

static inline i64 unknown(const MmlSupport *support, i64 tuple, int k) {
    return support->start[k] + (i64)support->bin[tuple * support->sources + k] * support->labels;
}

i64 mml_augmented_order(const MmlSupport *support) { return support->start[support->sources] + support->live; }

static void number(MmlAugmented *a) {
    const MmlSupport *support = a->support;
    for (int k = 0; k < support->sources; k++)
        for (int y = 0; y < support->labels; y++) {
            int fixed = mml_gauge_bin(support, k, y);
            for (int x = 0; x < support->bins[k]; x++) {
                i64 v = support->start[k] + (i64)x * support->labels + y;
                a->number[v] = support->p[v] > 0 && x != fixed ? a->potentials++ : -1;
                if (a->number[v] >= 0) a->scale[a->number[v]] = 1 / sqrt(support->p[v]);
            }
        }
    a->n = a->potentials + (int)support->live;
}

MmlAugmented *mml_augmented_new(const MmlSupport *support, MmlArena *arena) {
    i64 most = mml_augmented_order(support);
    MmlAugmented *a = MML_NEW(arena, MmlAugmented, 1);
    if (!a) return NULL;
    a->support = support;
    a->number = MML_NEW(arena, int, support->start[support->sources]);
    a->pivots = MML_NEW(arena, int, most);
    a->scale = MML_NEW(arena, double, most);
    a->work = MML_NEW(arena, double, most * PANEL);
    a->side = MML_NEW(arena, double, most);
    a->residual = MML_NEW(arena, double, most);
    a->solution = MML_NEW(arena, double, most);
    a->v = MML_NEW(arena, double, support->labels);
    if (!a->number || !a->pivots || !a->scale || !a->work || !a->side || !a->residual || !a->solution || !a->v) return NULL;
    number(a);
    a->matrix = MML_NEW(arena, double, (i64)a->n * a->n);
    return a->matrix ? a : NULL;
}

static void add_tuple(MmlAugmented *a, i64 t) {
    const MmlSupport *support = a->support;
    int labels = support->labels, row = a->potentials + (int)t;
    const double *pi = a->pi + t * labels;
    double m = a->m[t];
    a->scale[row] = sqrt(m);
    a->matrix[(i64)row * a->n + row] = -a->s[t];
    for (int k = 0; k < support->sources; k++)
        for (int y = 0; y < labels; y++) {
            int i = a->number[unknown(support, t, k) + y];
            if (i < 0) continue;
            a->matrix[(i64)i * a->n + row] = a->scale[i] * pi[y] * a->scale[row];
            for (int l = 0; l < support->sources; l++)
                for (int z = 0; z < labels; z++) {
                    int j = a->number[unknown(support, t, l) + z];
                    if (j < i) continue;
                    double h = y == z ? m * pi[y] * (1 - pi[y]) : -m * pi[y] * pi[z];
                    a->matrix[(i64)i * a->n + j] += a->scale[i] * a->scale[j] * h;
                }
        }
}

int mml_augmented_factor(MmlAugmented *a, const double *m, const double *s, const double *pi) {
    int info, work_size = a->n * PANEL;
    a->m = m;
    a->s = s;
    a->pi = pi;
    memset(a->matrix, 0, sizeof(double) * (size_t)a->n * (size_t)a->n);
    for (i64 t = 0; t < a->support->live; t++) add_tuple(a, t);
    dsytrf_("L", &a->n, a->matrix, &a->n, a->pivots, a->work, &work_size, &info, 1);
    return info == 0;
}

/* residual = right side - system, scaled; returns its norm. */
static double residual_norm(MmlAugmented *a, const double *right, const double *solution) {
    const MmlSupport *support = a->support;
    int labels = support->labels;
    double square = 0;
    for (i64 u = 0; u < support->start[support->sources]; u++)
        if (a->number[u] >= 0) a->residual[a->number[u]] = a->scale[a->number[u]] * right[u];
    for (i64 t = 0; t < support->live; t++) {
        const double *pi = a->pi + t * labels;
        int row = a->potentials + (int)t;
        double d = 0, m = a->m[t], flow = solution[row] * a->scale[row];
        for (int y = 0; y < labels; y++) {
            a->v[y] = 0;
            for (int k = 0; k < support->sources; k++) {
                int i = a->number[unknown(support, t, k) + y];
                if (i >= 0) a->v[y] += solution[i] * a->scale[i];
            }
            d += pi[y] * a->v[y];
        }
        a->residual[row] = -a->scale[row] * (d - a->s[t] / m * flow);
        for (int k = 0; k < support->sources; k++)
            for (int y = 0; y < labels; y++) {
                int i = a->number[unknown(support, t, k) + y];
                if (i >= 0) a->residual[i] -= a->scale[i] * pi[y] * (m * (a->v[y] - d) + flow);
            }
    }
    for (int i = 0; i < a->n; i++) square += a->residual[i] * a->residual[i];
    return sqrt(square);
}

void mml_augmented_solve(MmlAugmented *a, const double *right, double *du, double *flow) {
    const int one = 1;
    int info;
    memset(a->solution, 0, sizeof(double) * (size_t)a->n);
    double norm = residual_norm(a, right, a->solution);
    for (int pass = 0; pass <= REFINEMENTS; pass++) {
        memcpy(a->side, a->residual, sizeof(double) * (size_t)a->n);
        dsytrs_("L", &a->n, &one, a->matrix, &a->n, a->pivots, a->side, &a->n, &info, 1);
        for (int i = 0; i < a->n; i++) a->side[i] += a->solution[i];
        double better = residual_norm(a, right, a->side);
        if (!(better < norm)) break;
        memcpy(a->solution, a->side, sizeof(double) * (size_t)a->n);
        norm = better;
    }
    for (i64 u = 0; u < a->support->start[a->support->sources]; u++)
        du[u] = a->number[u] < 0 ? 0 : a->solution[a->number[u]] * a->scale[a->number[u]];
    for (i64 t = 0; t < a->support->live; t++)
        flow[t] = a->solution[a->potentials + t] * a->scale[a->potentials + t];
}
