#include "pid/newton.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

/* LAPACK's Cholesky, part of OpenBLAS; the last argument is Fortran's hidden length. */
extern void dpotrf_(const char *triangle, const int *n, double *a, const int *lda, int *info, size_t length);

#define RIDGE_FIRST 1e-14
#define RIDGE_LAST  1.0
#define REFINEMENTS 3
#define ENOUGH      1e-10    /* residual, relative to the right side, that needs no refinement */

/* Unknowns of one source (or of all, dense) numbered without gaps: those of bin
 * x are first[x] … first[x + 1] - 1, and label[v] is the label of unknown v. */
typedef struct {
    int  count;
    int *first;          /* [bins + 1]            */
    int *label;          /* [count]               */
    i64 *unknown;        /* [count] full position */
    double *scale;       /* [count] Jacobi: 1 / sqrt of M's diagonal */
} Numbering;

struct MmlNewton {
    const MmlSupport *support;
    int        dense;
    Numbering  of[MML_PID_SOURCES];
    int        base[MML_PID_SOURCES];   /* dense: first number of each source in `full` */
    int        rows, columns;           /* block form: which source is which            */
    int        row_count, full_count;   /* orders: rows part; Schur complement or dense */
    i64       *block;                   /* [bins[rows]] offsets of the diagonal blocks  */
    i64        block_doubles;
    double    *blocks;                  /* column-major, lower                          */
    double    *coupling;                /* [row_count x full_count] column-major        */
    double    *full;                    /* [full_count x full_count] column-major, lower */
    double    *e;                       /* [sources * labels] scaled pi of one tuple     */
    double    *row_side, *full_side;    /* right sides                                  */
    const double *m, *s, *pi;           /* of the last factorisation                    */
    double    *residual, *correction;   /* [unknowns]                                   */
    double    *flow;                    /* [live]                                       */
};

static int widest(const MmlSupport *support, int k) {
    int widest_bin = 0;
    for (int x = 0; x < support->bins[k]; x++) {
        int count = 0;
        for (int y = 0; y < support->labels; y++)
            count += support->p[support->start[k] + (i64)x * support->labels + y] > 0;
        if (count > widest_bin) widest_bin = count;
    }
    return widest_bin;
}

static int is_block(const MmlSupport *support, int dense) { return support->sources == 2 && !dense; }

double mml_newton_bytes(const MmlSupport *support, int dense) {
    double size[2] = {0, 0};                       /* rows, others */
    for (int k = 0; k < support->sources; k++)
        for (i64 v = support->start[k]; v < support->start[k + 1]; v++)
            size[k != support->rows] += support->p[v] > 0;
    if (!is_block(support, dense)) return sizeof(double) * (size[0] + size[1]) * (size[0] + size[1]);
    return sizeof(double) * (size[1] * size[1] + size[0] * size[1]
                             + size[0] * widest(support, support->rows));
}

double mml_newton_work(const MmlSupport *support) {
    double size[2] = {0, 0}, square[2] = {0, 0};   /* unknowns of rows, others; squares of the rows' blocks */
    for (int k = 0; k < support->sources; k++)
        for (int x = 0; x < support->bins[k]; x++) {
            double count = 0;
            for (int y = 0; y < support->labels; y++)
                count += support->p[support->start[k] + (i64)x * support->labels + y] > 0;
            size[k != support->rows] += count;
            square[k != support->rows] += count * count;
        }
    return size[1] * size[1] * size[0] / 2 + size[1] * square[0] / 2 + size[1] * size[1] * size[1] / 6;
}

int mml_gauge_bin(const MmlSupport *support, int k, int y) {
    if (k == support->rows) return -1;
    const double *p = support->p + support->start[k] + y;
    int fixed = 0;
    for (int x = 1; x < support->bins[k]; x++)
        if (p[(i64)x * support->labels] > p[(i64)fixed * support->labels]) fixed = x;
    return fixed;
}

static int number(const MmlSupport *support, int k, MmlArena *arena, Numbering *out) {
    int labels = support->labels, bins = support->bins[k];
    i64 most = (i64)bins * labels;
    out->first = MML_NEW(arena, int, bins + 1);
    out->label = MML_NEW(arena, int, most);
    out->unknown = MML_NEW(arena, i64, most);
    out->scale = MML_NEW(arena, double, most);
    int *fixed = MML_NEW(arena, int, labels);
    if (!out->first || !out->label || !out->unknown || !out->scale || !fixed) return 0;
    const double *p = support->p + support->start[k];
    for (int y = 0; y < labels; y++) fixed[y] = mml_gauge_bin(support, k, y);
    for (int x = 0; x < bins; x++) {
        out->first[x] = out->count;
        for (int y = 0; y < labels; y++) {
            if (p[(i64)x * labels + y] == 0 || fixed[y] == x) continue;
            out->label[out->count] = y;
            out->unknown[out->count++] = support->start[k] + (i64)x * labels + y;
        }
    }
    out->first[bins] = out->count;
    return 1;
}

static int allocate(MmlNewton *newton, MmlArena *arena) {
    const MmlSupport *support = newton->support;
    if (is_block(support, newton->dense)) {
        const Numbering *rows = &newton->of[newton->rows];
        newton->row_count = rows->count;
        newton->full_count = newton->of[newton->columns].count;
        newton->block = MML_NEW(arena, i64, support->bins[newton->rows]);
        if (!newton->block) return 0;
        for (int x = 0; x < support->bins[newton->rows]; x++) {
            newton->block[x] = newton->block_doubles;
            i64 order = rows->first[x + 1] - rows->first[x];
            newton->block_doubles += order * order;
        }
        newton->blocks = MML_NEW(arena, double, newton->block_doubles + 1);
        newton->coupling = MML_NEW(arena, double, (i64)newton->row_count * newton->full_count + 1);
        if (!newton->blocks || !newton->coupling) return 0;
    } else {
        for (int k = 0; k < support->sources; k++) {
            newton->base[k] = newton->full_count;
            newton->full_count += newton->of[k].count;
        }
    }
    newton->full = MML_NEW(arena, double, (i64)newton->full_count * newton->full_count + 1);
    newton->e = MML_NEW(arena, double, (i64)support->sources * support->labels);
    newton->row_side = MML_NEW(arena, double, newton->row_count + 1);
    newton->full_side = MML_NEW(arena, double, newton->full_count + 1);
    newton->residual = MML_NEW(arena, double, support->start[support->sources]);
    newton->correction = MML_NEW(arena, double, support->start[support->sources]);
    newton->flow = MML_NEW(arena, double, support->live);
    return newton->full && newton->e && newton->row_side && newton->full_side && newton->residual && newton->correction
           && newton->flow;
}

MmlNewton *mml_newton_new(const MmlSupport *support, int dense, MmlArena *arena) {
    MmlNewton *newton = MML_NEW(arena, MmlNewton, 1);
    if (!newton) return NULL;
    newton->support = support;
    newton->dense = dense;
    newton->rows = support->rows;
    newton->columns = support->rows == 0 ? 1 : 0;
    for (int k = 0; k < support->sources; k++)
        if (!number(support, k, arena, &newton->of[k])) return NULL;
    return allocate(newton, arena) ? newton : NULL;
}

static inline int bin(const MmlNewton *newton, i64 tuple, int k) {
    return newton->support->bin[tuple * newton->support->sources + k];
}

/* M's diagonal is sum m pi + (m/s - m) pi^2 over the tuples of the bin. */
static void scales(MmlNewton *newton, const double *m, const double *s, const double *pi) {
    const MmlSupport *support = newton->support;
    for (int k = 0; k < support->sources; k++) {
        Numbering *of = &newton->of[k];
        memset(of->scale, 0, sizeof(double) * (size_t)of->count);
        for (i64 t = 0; t < support->live; t++) {
            const double *row = pi + t * support->labels;
            int x = bin(newton, t, k);
            for (int v = of->first[x]; v < of->first[x + 1]; v++) {
                double share = row[of->label[v]];
                of->scale[v] += m[t] * share * (1 - share) + m[t] / s[t] * share * share;
            }
        }
        for (int v = 0; v < of->count; v++) of->scale[v] = of->scale[v] > 0 ? 1 / sqrt(of->scale[v]) : 1;
    }
}

/* e[v - first] = pi scaled, for the unknowns of bin x. Returns how many. */
static inline int scaled_softmax(const Numbering *of, int x, const double *row, double *e) {
    int first = of->first[x], count = of->first[x + 1] - first;
    for (int v = 0; v < count; v++) e[v] = row[of->label[first + v]] * of->scale[first + v];
    return count;
}

/* Adds g e e^T + diag(m e scale) to the lower triangle at a. */
static inline void add_diagonal_block(const Numbering *of, int x, const double *e, int count,
                                      double g, double m, double *a, i64 lda) {
    for (int c = 0; c < count; c++) {
        double ge = g * e[c];
        for (int r = c; r < count; r++) a[c * lda + r] += ge * e[r];
        a[c * lda + c] += m * e[c] * of->scale[of->first[x] + c];
    }
}

/* Adds g e f^T, and m e scale where row and column have the same label. */
static inline void add_coupling(const Numbering *row, int i, const double *e, int rows,
                                const Numbering *column, int j, const double *f, int columns,
                                double g, double m, double *a, i64 lda) {
    const int *row_label = row->label + row->first[i], *column_label = column->label + column->first[j];
    int same = 0;
    for (int c = 0; c < columns; c++) {
        double gf = g * f[c];
        for (int r = 0; r < rows; r++) a[c * lda + r] += gf * e[r];
        while (same < rows && row_label[same] < column_label[c]) same++;       /* both ascend */
        if (same < rows && row_label[same] == column_label[c])
            a[c * lda + same] += m * f[c] * row->scale[row->first[i] + same];
    }
}

static void assemble_blocks(MmlNewton *newton, const double *m, const double *s, const double *pi) {
    const MmlSupport *support = newton->support;
    const Numbering *rows = &newton->of[newton->rows], *columns = &newton->of[newton->columns];
    memset(newton->blocks, 0, sizeof(double) * (size_t)newton->block_doubles);
    memset(newton->coupling, 0, sizeof(double) * (size_t)newton->row_count * (size_t)newton->full_count);
    double *e = newton->e, *f = newton->e + support->labels;
    for (i64 t = 0; t < support->live; t++) {
        int i = bin(newton, t, newton->rows), j = bin(newton, t, newton->columns);
        double g = m[t] / s[t] - m[t];
        int row_count = scaled_softmax(rows, i, pi + t * support->labels, e);
        int column_count = scaled_softmax(columns, j, pi + t * support->labels, f);
        add_diagonal_block(rows, i, e, row_count, g, m[t], newton->blocks + newton->block[i], row_count);
        add_diagonal_block(columns, j, f, column_count, g, m[t],
                           newton->full + (i64)columns->first[j] * newton->full_count + columns->first[j],
                           newton->full_count);
        add_coupling(rows, i, e, row_count, columns, j, f, column_count, g, m[t],
                     newton->coupling + (i64)columns->first[j] * newton->row_count + rows->first[i],
                     newton->row_count);
    }
}

static void assemble_dense(MmlNewton *newton, const double *m, const double *s, const double *pi) {
    const MmlSupport *support = newton->support;
    int sources = support->sources, labels = support->labels;
    i64 n = newton->full_count;
    for (i64 t = 0; t < support->live; t++) {
        double g = m[t] / s[t] - m[t];
        int count[MML_PID_SOURCES];
        for (int k = 0; k < sources; k++)
            count[k] = scaled_softmax(&newton->of[k], bin(newton, t, k), pi + t * labels, newton->e + (i64)k * labels);
        for (int k = 0; k < sources; k++) {
            int x = bin(newton, t, k);
            i64 column = newton->base[k] + newton->of[k].first[x];
            const double *e = newton->e + (i64)k * labels;
            add_diagonal_block(&newton->of[k], x, e, count[k], g, m[t], newton->full + column * n + column, n);
            for (int l = k + 1; l < sources; l++) {
                int z = bin(newton, t, l);
                i64 row = newton->base[l] + newton->of[l].first[z];
                add_coupling(&newton->of[l], z, newton->e + (i64)l * labels, count[l],
                             &newton->of[k], x, e, count[k], g, m[t], newton->full + column * n + row, n);
            }
        }
    }
}

static int cholesky(double *a, int n, double ridge) {
    int info = 0;
    for (i64 v = 0; v < n; v++) a[v * n + v] += ridge;
    if (n > 0) dpotrf_("L", &n, a, &n, &info, 1);
    return info == 0;
}

static int factor_once(MmlNewton *newton, const double *m, const double *s, const double *pi, double ridge) {
    const MmlSupport *support = newton->support;
    int n = newton->full_count, rows = newton->row_count;
    memset(newton->full, 0, sizeof(double) * (size_t)n * (size_t)n);
    if (!is_block(support, newton->dense)) {
        assemble_dense(newton, m, s, pi);
        return cholesky(newton->full, n, ridge);
    }
    assemble_blocks(newton, m, s, pi);
    const Numbering *of = &newton->of[newton->rows];
    for (int x = 0; x < support->bins[newton->rows]; x++) {
        double *block = newton->blocks + newton->block[x];
        int order = of->first[x + 1] - of->first[x];
        if (!cholesky(block, order, ridge)) return 0;
        if (order > 0 && n > 0)
            cblas_dtrsm(CblasColMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, order, n, 1,
                        block, order, newton->coupling + of->first[x], rows);
    }
    if (n > 0 && rows > 0)
        cblas_dsyrk(CblasColMajor, CblasLower, CblasTrans, n, rows, -1, newton->coupling, rows, 1, newton->full, n);
    return cholesky(newton->full, n, ridge);
}

int mml_newton_factor(MmlNewton *newton, const double *m, const double *s, const double *pi) {
    newton->m = m;
    newton->s = s;
    newton->pi = pi;
    scales(newton, m, s, pi);
    for (double ridge = RIDGE_FIRST; ridge <= RIDGE_LAST; ridge *= 10)
        if (factor_once(newton, m, s, pi, ridge)) return 1;
    return 0;
}

static void gather(const Numbering *of, const double *full, double *out) {
    for (int v = 0; v < of->count; v++) out[v] = full[of->unknown[v]] * of->scale[v];
}

static void scatter(const Numbering *of, const double *in, double *full) {
    for (int v = 0; v < of->count; v++) full[of->unknown[v]] = in[v] * of->scale[v];
}

static void triangular(const double *a, int n, double *x, CBLAS_TRANSPOSE transpose) {
    if (n > 0) cblas_dtrsv(CblasColMajor, CblasLower, transpose, CblasNonUnit, n, a, n, x, 1);
}

static void solve_blocks(MmlNewton *newton, CBLAS_TRANSPOSE transpose) {
    const Numbering *of = &newton->of[newton->rows];
    for (int x = 0; x < newton->support->bins[newton->rows]; x++)
        triangular(newton->blocks + newton->block[x], of->first[x + 1] - of->first[x],
                   newton->row_side + of->first[x], transpose);
}

static void solve_factored(MmlNewton *newton, const double *right, double *du) {
    const MmlSupport *support = newton->support;
    int n = newton->full_count, rows = newton->row_count;
    memset(du, 0, sizeof(double) * (size_t)support->start[support->sources]);
    if (!is_block(support, newton->dense)) {
        for (int k = 0; k < support->sources; k++) gather(&newton->of[k], right, newton->full_side + newton->base[k]);
        triangular(newton->full, n, newton->full_side, CblasNoTrans);
        triangular(newton->full, n, newton->full_side, CblasTrans);
        for (int k = 0; k < support->sources; k++) scatter(&newton->of[k], newton->full_side + newton->base[k], du);
        return;
    }
    const Numbering *row = &newton->of[newton->rows], *column = &newton->of[newton->columns];
    gather(row, right, newton->row_side);
    gather(column, right, newton->full_side);
    solve_blocks(newton, CblasNoTrans);
    if (n > 0 && rows > 0)
        cblas_dgemv(CblasColMajor, CblasTrans, rows, n, -1, newton->coupling, rows, newton->row_side, 1,
                    1, newton->full_side, 1);
    triangular(newton->full, n, newton->full_side, CblasNoTrans);
    triangular(newton->full, n, newton->full_side, CblasTrans);
    if (n > 0 && rows > 0)
        cblas_dgemv(CblasColMajor, CblasNoTrans, rows, n, -1, newton->coupling, rows, newton->full_side, 1,
                    1, newton->row_side, 1);
    solve_blocks(newton, CblasTrans);
    scatter(row, newton->row_side, du);
    scatter(column, newton->full_side, du);
}

static double scaled_norm(const MmlNewton *newton, const double *residual) {
    double square = 0;
    for (int k = 0; k < newton->support->sources; k++) {
        const Numbering *of = &newton->of[k];
        for (int v = 0; v < of->count; v++) {
            double r = residual[of->unknown[v]] * of->scale[v];
            square += r * r;
        }
    }
    return sqrt(square);
}

/* residual = right - M du and flow, tuple by tuple: m pi (v - d) + flow pi with
 * v the change of each label's exponent, d = pi . v and flow = m/s d loses
 * nothing where M's entries cancel. */
static double residual_norm(MmlNewton *newton, const double *right, const double *du, double *flow) {
    const MmlSupport *support = newton->support;
    int labels = support->labels, sources = support->sources;
    double *v = newton->e;
    memcpy(newton->residual, right, sizeof(double) * (size_t)support->start[sources]);
    for (i64 t = 0; t < support->live; t++) {
        const double *pi = newton->pi + t * labels;
        const double *first = du + support->start[0] + (i64)bin(newton, t, 0) * labels;
        const double *second = du + support->start[1] + (i64)bin(newton, t, 1) * labels;
        double d = 0, m = newton->m[t];
        for (int y = 0; y < labels; y++) v[y] = first[y] + second[y];
        for (int k = 2; k < sources; k++) {
            const double *change = du + support->start[k] + (i64)bin(newton, t, k) * labels;
            for (int y = 0; y < labels; y++) v[y] += change[y];
        }
        for (int y = 0; y < labels; y++) d += pi[y] * v[y];
        flow[t] = m / newton->s[t] * d;
        for (int y = 0; y < labels; y++) v[y] = pi[y] * (m * (v[y] - d) + flow[t]);
        for (int k = 0; k < sources; k++) {
            double *out = newton->residual + support->start[k] + (i64)bin(newton, t, k) * labels;
            for (int y = 0; y < labels; y++) out[y] -= v[y];
        }
    }
    return scaled_norm(newton, newton->residual);
}

void mml_newton_solve(MmlNewton *newton, const double *right, double *du, double *flow) {
    i64 unknowns = newton->support->start[newton->support->sources];
    solve_factored(newton, right, du);
    double norm = residual_norm(newton, right, du, flow), enough = ENOUGH * scaled_norm(newton, right);
    for (int pass = 0; pass < REFINEMENTS && !(norm <= enough); pass++) {
        solve_factored(newton, newton->residual, newton->correction);
        for (i64 v = 0; v < unknowns; v++) newton->correction[v] += du[v];
        double better = residual_norm(newton, right, newton->correction, newton->flow);
        if (!(better < norm)) return;
        memcpy(du, newton->correction, sizeof(double) * (size_t)unknowns);
        memcpy(flow, newton->flow, sizeof(double) * (size_t)newton->support->live);
        if (better > norm / 2) return;
        norm = better;
    }
}
