#include "pid/woodbury.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

#include "pid/lanes.h"
#include "pid/laplacian.h"
#include "pid/newton.h"

/* LAPACK's Cholesky, part of OpenBLAS; the last argument is Fortran's hidden length. */
extern void dpotrf_(const char *triangle, const int *n, double *a, const int *lda, int *info, size_t length);

#define REFINEMENTS 6
#define ENOUGH      1e-10    /* residual, relative to the right side, that needs no refinement */
#define REFUSED     1e-6     /* likewise, above which the step is refused */
#define ROWS        4        /* of S at once */

/* Positions on the grid are [rows, columns], rows being the source with most bins. */
struct MmlWoodbury {
    const MmlSupport *support;
    int          rows, columns, labels, width;      /* width: columns in whole lanes */
    i64          live;
    MmlLaplacian laplacian;
    int         *tuple;                   /* [rows, width] live tuple, -1 where there is none    */
    int         *order;                   /* [live] place of a tuple in S: positive weights first */
    int          positive;                /* how many                                            */
    double      *sign, *weight;           /* [live] of D, sqrt|D|                                */
    double      *pi_grid;                 /* [labels, rows, width] pi sqrt|D|, 0 where no tuple  */
    double      *share;                   /* [labels, width] pi (rr - rc) of one pair of rows    */
    double      *block;                   /* [width, width] S of one pair of rows                */
    double      *s_matrix;                /* [live, live] column-major, lower                    */
    double      *z;                       /* [live] */
    double      *row_part, *column_part;  /* [labels, rows], [labels, width] */
    double      *scale;                   /* [unknowns] 1 / sqrt of K's diagonal, 0 where no unknown */
    double      *residual, *correction, *trial_flow, *v;
    const double *m, *s, *pi;
};

static int rows_of(const MmlSupport *support) { return support->rows; }
static int columns_of(const MmlSupport *support) { return !support->rows; }

/* Multiply-adds of OpenBLAS's matrix product that take the time of one of these,
 * about, from profiles of 20x20x28 (bench/pid_certified, perf). */
#define ASSEMBLY_COST  3.0      /* of S, a tile at a time and scattered           */
#define CHOLESKY_COST  2.0      /* of S: half of its work is in narrow panels     */
#define LAPLACIAN_COST 3.0      /* of the inverses of K_y                         */

double mml_woodbury_work(const MmlSupport *support) {
    double rows = support->bins[rows_of(support)], columns = support->bins[columns_of(support)];
    double grid = rows * MML_LANES_UP((int)columns), labels = support->labels, live = (double)support->live;
    double inverses = labels * (rows * columns * (rows / 2 + 1.5 * columns) + columns * columns * columns / 2);
    return ASSEMBLY_COST * grid * grid / 2 * labels + CHOLESKY_COST * live * live * live / 6 + LAPLACIAN_COST * inverses;
}

int mml_woodbury_pays(const MmlSupport *support) {
    return support->sources == 2 && mml_woodbury_work(support) < mml_newton_work(support);
}

double mml_woodbury_bytes(const MmlSupport *support) {
    int rows = support->bins[rows_of(support)], columns = support->bins[columns_of(support)], width = MML_LANES_UP(columns);
    double labels = support->labels, live = (double)support->live;
    return mml_laplacian_bytes(rows, columns, support->labels) + sizeof(double) * (labels * (rows + 1) * width + live * live);
}

static void index_tuples(MmlWoodbury *w) {
    const MmlSupport *support = w->support;
    for (i64 c = 0; c < (i64)w->rows * w->width; c++) w->tuple[c] = -1;
    for (i64 t = 0; t < w->live; t++)
        w->tuple[(i64)support->bin[2 * t + rows_of(support)] * w->width + support->bin[2 * t + columns_of(support)]] = (int)t;
    for (int y = 0; y < w->labels; y++) w->laplacian.ground[y] = mml_gauge_bin(support, columns_of(support), y);
}

MmlWoodbury *mml_woodbury_new(const MmlSupport *support, MmlArena *arena) {
    MmlWoodbury *w = MML_NEW(arena, MmlWoodbury, 1);
    if (!w) return NULL;
    w->support = support;
    w->rows = support->bins[rows_of(support)];
    w->columns = support->bins[columns_of(support)];
    w->width = MML_LANES_UP(w->columns);
    w->labels = support->labels;
    w->live = support->live;
    i64 unknowns = support->start[2], live = w->live, labels = w->labels, width = w->width;
    struct { double **at; i64 size; } vectors[] = {
        {&w->sign, live}, {&w->weight, live}, {&w->pi_grid, labels * w->rows * width}, {&w->share, labels * width},
        {&w->block, width * width}, {&w->s_matrix, live * live}, {&w->z, live}, {&w->row_part, labels * w->rows},
        {&w->column_part, labels * width}, {&w->scale, unknowns}, {&w->residual, unknowns}, {&w->correction, unknowns},
        {&w->trial_flow, live}, {&w->v, labels},
    };
    for (size_t c = 0; c < sizeof vectors / sizeof *vectors; c++)
        if (!(*vectors[c].at = MML_NEW(arena, double, vectors[c].size))) return NULL;
    w->tuple = MML_NEW(arena, int, w->rows * width);
    w->order = MML_NEW(arena, int, live);
    if (!w->tuple || !w->order || !mml_laplacian_new(w->rows, w->columns, w->labels, arena, &w->laplacian)) return NULL;
    index_tuples(w);
    return w;
}

/* ---- Factoring ---- */

static void weigh(MmlWoodbury *w) {
    int negative = 0;
    w->positive = 0;
    for (i64 t = 0; t < w->live; t++) {
        double d = w->m[t] / w->s[t] - w->m[t];
        w->weight[t] = sqrt(fabs(d));
        w->sign[t] = d < 0 ? -1 : 1;
        w->positive += d >= 0;
    }
    for (i64 t = 0, at = 0; t < w->live; t++) w->order[t] = w->sign[t] > 0 ? (int)at++ : w->positive + negative++;
}

/* Conductances, their sums and pi by label. */
static void spread(MmlWoodbury *w) {
    const MmlSupport *support = w->support;
    int labels = w->labels;
    double *row_mass = w->scale + support->start[rows_of(support)], *column_mass = w->scale + support->start[columns_of(support)];
    memset(w->scale, 0, sizeof(double) * (size_t)support->start[2]);
    for (int i = 0; i < w->rows; i++)
        for (int j = 0; j < w->columns; j++) {
            i64 t = w->tuple[(i64)i * w->width + j];
            if (t < 0) continue;
            const double *pi = w->pi + t * labels;
            for (int y = 0; y < labels; y++) {
                double mass = w->m[t] * pi[y];
                w->laplacian.w[mml_laplacian_at(&w->laplacian, i, j, y)] = mass;
                w->pi_grid[((i64)y * w->rows + i) * w->width + j] = pi[y] * w->weight[t];
                row_mass[i * labels + y] += mass;
                column_mass[j * labels + y] += mass;
            }
        }
    for (i64 u = 0; u < support->start[2]; u++) w->scale[u] = w->scale[u] > 0 ? 1 / sqrt(w->scale[u]) : 0;
    for (int y = 0; y < labels; y++) w->scale[support->start[columns_of(support)] + w->laplacian.ground[y] * labels + y] = 0;
}

/* Block of rows i and k at j … j + ROWS - 1 and m … m + 4 lanes - 1. */
MML_LANES_BODY void tile(MmlWoodbury *w, int i, int k, int j, int m, int lanes) {
    const MmlLaplacian *l = &w->laplacian;
    i64 width = w->width, grid = w->rows * width, square = width * width;
    const double *of_i = w->pi_grid + i * width + j, *of_k = w->pi_grid + k * width + m;
    const double *across = l->rc + k * width + j, *between = l->cc + j * width + m, *share = w->share + m;
    MmlLanes sum[ROWS][2] = {{{0}}};
    for (int y = 0; y < w->labels; y++) {
        for (int r = 0; r < ROWS; r++)
            for (int c = 0; c < lanes; c++) {
                const MmlLanes *pi = (const MmlLanes *)of_k + c, *cc = (const MmlLanes *)(between + r * width) + c;
                const MmlLanes *rest = (const MmlLanes *)share + c;
                sum[r][c] += of_i[r] * (*rest + *pi * (*cc - across[r]));
            }
        of_i += grid;
        of_k += grid;
        across += grid;
        between += square;
        share += width;
    }
    for (int r = 0; r < ROWS; r++)
        for (int c = 0; c < lanes; c++) ((MmlLanes *)(w->block + (j + r) * width + m))[c] = sum[r][c];
}

MML_LANES_BODY void pair_of_rows(MmlWoodbury *w, int i, int k) {
    const MmlLaplacian *l = &w->laplacian;
    int width = w->width;
    for (int y = 0; y < w->labels; y++) {
        const double *pi = w->pi_grid + ((i64)y * w->rows + k) * width, *rc = l->rc + ((i64)y * w->rows + i) * width;
        double rr = l->rr[((i64)y * w->rows + i) * w->rows + k], *share = w->share + (i64)y * width;
        for (int m = 0; m < width; m++) share[m] = pi[m] * (rr - rc[m]);
    }
    for (int j = 0; j < width; j += ROWS) {
        int m = 0;
        for (; m + 2 * MML_LANES <= width; m += 2 * MML_LANES) tile(w, i, k, j, m, 2);
        if (m < width) tile(w, i, k, j, m, 1);
    }
}

/* The block's live part to its place in the lower triangle of S; what concerns
 * only negative weights is negated, for its Cholesky. */
static void place(MmlWoodbury *w, int i, int k) {
    int live = (int)w->live;
    for (int j = 0; j < w->columns; j++) {
        int t = w->tuple[(i64)i * w->width + j];
        if (t < 0) continue;
        int row = w->order[t];
        for (int m = 0; m < w->columns; m++) {
            int other = w->tuple[(i64)k * w->width + m];
            if (other < 0) continue;
            int column = w->order[other], low = row > column ? row : column, high = row > column ? column : row;
            double entry = w->block[(i64)j * w->width + m];
            w->s_matrix[(i64)high * live + low] = high >= w->positive ? -entry : entry;
        }
    }
}

MML_LANES_BODY void assemble_body(MmlWoodbury *w) {
    for (int i = 0; i < w->rows; i++)
        for (int k = 0; k <= i; k++) {
            pair_of_rows(w, i, k);
            place(w, i, k);
        }
}

MML_LANES_EACH(void, assemble, assemble_body, (MmlWoodbury *w), (w))

static int factor_symmetric(MmlWoodbury *w) {
    int live = (int)w->live, positive = w->positive, negative = live - positive, info = 0;
    double *a = w->s_matrix, *below = a + positive, *rest = a + (i64)positive * live + positive;
    for (i64 t = 0; t < live; t++) a[t * live + t] += 1;
    if (positive > 0) dpotrf_("L", &positive, a, &live, &info, 1);
    if (info) return 0;
    if (positive > 0 && negative > 0) {
        cblas_dtrsm(CblasColMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit, negative, positive, 1, a, live, below, live);
        cblas_dsyrk(CblasColMajor, CblasLower, CblasNoTrans, negative, positive, 1, below, live, 1, rest, live);
    }
    if (negative > 0) dpotrf_("L", &negative, rest, &live, &info, 1);
    return info == 0;
}

int mml_woodbury_factor(MmlWoodbury *w, const double *m, const double *s, const double *pi) {
    w->m = m;
    w->s = s;
    w->pi = pi;
    weigh(w);
    spread(w);
    if (!mml_laplacian_invert(&w->laplacian)) return 0;
    assemble(w);
    return factor_symmetric(w);
}

/* ---- Solving ---- */

/* In place in row_part and column_part, label by label. */
MML_LANES_BODY void invert_label(MmlWoodbury *w, int y, double *out_row, double *out_column) {
    const MmlLaplacian *l = &w->laplacian;
    int rows = w->rows, width = w->width;
    double *row = w->row_part + (i64)y * rows, *column = w->column_part + (i64)y * width;
    memset(out_row, 0, sizeof(double) * (size_t)rows);
    memset(out_column, 0, sizeof(double) * (size_t)width);
    for (int i = 0; i < rows; i++) {
        const double *rr = l->rr + ((i64)y * rows + i) * rows, *rc = l->rc + ((i64)y * rows + i) * width;
        MmlLanes across = {0};
        for (int k = 0; k < rows; k++) out_row[k] += rr[k] * row[i];
        for (int j = 0; j < width; j += MML_LANES) across += *(const MmlLanes *)(rc + j) * *(const MmlLanes *)(column + j);
        for (int j = 0; j < width; j++) out_column[j] -= rc[j] * row[i];
        out_row[i] -= across[0] + across[1] + across[2] + across[3];
    }
    for (int j = 0; j < w->columns; j++) {
        const double *cc = l->cc + ((i64)y * width + j) * width;
        for (int m = 0; m < width; m++) out_column[m] += cc[m] * column[j];
    }
    memcpy(row, out_row, sizeof(double) * (size_t)rows);
    memcpy(column, out_column, sizeof(double) * (size_t)width);
}

MML_LANES_BODY void invert_labels_body(MmlWoodbury *w) {
    double out_row[w->rows], out_column[w->width];
    for (int y = 0; y < w->labels; y++) invert_label(w, y, out_row, out_column);
}

MML_LANES_EACH(void, invert_labels, invert_labels_body, (MmlWoodbury *w), (w))

static void gather(MmlWoodbury *w, const double *full) {
    const MmlSupport *support = w->support;
    const double *row = full + support->start[rows_of(support)], *column = full + support->start[columns_of(support)];
    for (int y = 0; y < w->labels; y++) {
        for (int i = 0; i < w->rows; i++) w->row_part[(i64)y * w->rows + i] = row[(i64)i * w->labels + y];
        for (int j = 0; j < w->columns; j++) w->column_part[(i64)y * w->width + j] = column[(i64)j * w->labels + y];
    }
}

/* full += factor * the two parts. */
static void scatter(const MmlWoodbury *w, double factor, double *full) {
    const MmlSupport *support = w->support;
    double *row = full + support->start[rows_of(support)], *column = full + support->start[columns_of(support)];
    for (int y = 0; y < w->labels; y++) {
        for (int i = 0; i < w->rows; i++) row[(i64)i * w->labels + y] += factor * w->row_part[(i64)y * w->rows + i];
        for (int j = 0; j < w->columns; j++) column[(i64)j * w->labels + y] += factor * w->column_part[(i64)y * w->width + j];
    }
}

static i64 first_of(const MmlWoodbury *w, i64 t, int k) {
    return w->support->start[k] + (i64)w->support->bin[2 * t + k] * w->labels;
}

/* z = S^-1 sqrt|D| V^T x, then side = V sqrt|D| z. */
static void through_tuples(MmlWoodbury *w, const double *x, double *side) {
    int live = (int)w->live, labels = w->labels;
    for (i64 t = 0; t < live; t++) {
        const double *pi = w->pi + t * labels, *a = x + first_of(w, t, 0), *b = x + first_of(w, t, 1);
        double sum = 0;
        for (int y = 0; y < labels; y++) sum += pi[y] * (a[y] + b[y]);
        w->z[w->order[t]] = w->weight[t] * sum;
    }
    cblas_dtrsv(CblasColMajor, CblasLower, CblasNoTrans, CblasNonUnit, live, w->s_matrix, live, w->z, 1);
    for (int t = w->positive; t < live; t++) w->z[t] = -w->z[t];
    cblas_dtrsv(CblasColMajor, CblasLower, CblasTrans, CblasNonUnit, live, w->s_matrix, live, w->z, 1);
    memset(side, 0, sizeof(double) * (size_t)w->support->start[2]);
    for (i64 t = 0; t < live; t++) {
        const double *pi = w->pi + t * labels;
        double *a = side + first_of(w, t, 0), *b = side + first_of(w, t, 1), z = w->weight[t] * w->z[w->order[t]];
        for (int y = 0; y < labels; y++) {
            a[y] += pi[y] * z;
            b[y] += pi[y] * z;
        }
    }
}

/* side = M^-1 side. x: [unknowns]. */
static void solve_factored(MmlWoodbury *w, double *side, double *x) {
    gather(w, side);
    invert_labels(w);
    memset(x, 0, sizeof(double) * (size_t)w->support->start[2]);
    scatter(w, 1, x);
    through_tuples(w, x, side);
    gather(w, side);
    invert_labels(w);
    scatter(w, -1, x);
}

/* residual = right - M du and flow, tuple by tuple. */
static double residual_norm(MmlWoodbury *w, const double *right, const double *du, double *flow) {
    const MmlSupport *support = w->support;
    int labels = w->labels;
    double square = 0;
    memcpy(w->residual, right, sizeof(double) * (size_t)support->start[2]);
    for (i64 t = 0; t < w->live; t++) {
        const double *pi = w->pi + t * labels;
        i64 i = first_of(w, t, 0), j = first_of(w, t, 1);
        double d = 0, m = w->m[t];
        for (int y = 0; y < labels; y++) d += pi[y] * (w->v[y] = du[i + y] + du[j + y]);
        flow[t] = m / w->s[t] * d;
        for (int y = 0; y < labels; y++) {
            double change = pi[y] * (m * (w->v[y] - d) + flow[t]);
            w->residual[i + y] -= change;
            w->residual[j + y] -= change;
        }
    }
    for (i64 u = 0; u < support->start[2]; u++) square += w->residual[u] * w->scale[u] * (w->residual[u] * w->scale[u]);
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
        memcpy(flow, w->trial_flow, sizeof(double) * (size_t)w->live);
        norm = better;
    }
    return norm <= REFUSED * whole;
}
