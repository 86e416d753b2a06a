#include "pid/laplacian.h"

#include <string.h>

#include "pid/lanes.h"

/* Scratch of four labels at once, in lanes. */
typedef struct {
    MmlLanes *p;             /* [rows, columns] w / its row's sum, 0 at the ground      */
    MmlLanes *c;             /* [columns, columns] conductances left between columns    */
    MmlLanes *l;             /* [columns, columns] factor, then its inverse             */
    MmlLanes *g;             /* [columns, columns] inverse                              */
    MmlLanes *b;             /* [rows, columns]                                         */
    MmlLanes *row;           /* [rows] 1 / sum                                          */
    MmlLanes *keep, *lead, *pivot;   /* [columns] 0 at the ground; to the ground; 1 / T */
} Lanes;

static i64 scratch_doubles(i64 rows, i64 columns) {
    return MML_LANES * (2 * rows * columns + 3 * columns * columns + rows + 3 * columns);
}

static i64 groups(int labels) { return (labels + MML_LANES - 1) / MML_LANES; }

double mml_laplacian_bytes(int rows, int columns, int labels) {
    double width = MML_LANES_UP(columns);
    return sizeof(double) * labels * (2.0 * rows * width + (double)rows * rows + width * width);
}

int mml_laplacian_new(int rows, int columns, int labels, MmlArena *arena, MmlLaplacian *out) {
    *out = (MmlLaplacian){.rows = rows, .columns = columns, .labels = labels, .width = MML_LANES_UP(columns)};
    out->ground = MML_NEW(arena, int, labels);
    out->w = MML_NEW(arena, double, groups(labels) * MML_LANES * rows * columns);
    out->rr = MML_NEW(arena, double, (i64)labels * rows * rows);
    out->rc = MML_NEW(arena, double, (i64)labels * rows * out->width);
    out->cc = MML_NEW(arena, double, (i64)labels * out->width * out->width);
    out->scratch = MML_NEW(arena, double, scratch_doubles(rows, columns));
    return out->ground && out->w && out->rr && out->rc && out->cc && out->scratch;
}

static Lanes lanes_of(const MmlLaplacian *l) {
    i64 rows = l->rows, columns = l->columns;
    MmlLanes *at = (MmlLanes *)l->scratch;
    Lanes out = {.p = at};
    out.c = out.p + rows * columns;
    out.l = out.c + columns * columns;
    out.g = out.l + columns * columns;
    out.b = out.g + columns * columns;
    out.row = out.b + rows * columns;
    out.keep = out.row + rows;
    out.lead = out.keep + columns;
    out.pivot = out.lead + columns;
    return out;
}

/* 1 / x, and 0 where x is not positive. */
MML_LANES_BODY void reciprocal(const MmlLanes *x, MmlLanes *out) {
    MmlMask positive = *x > 0.0;
    *out = (MmlLanes)((MmlMask)(1.0 / *x) & positive);
}

/* Rows out: c and lead are what columns have between them and to the ground. */
MML_LANES_BODY void eliminate_rows(const MmlLanes *w, int rows, int n, const Lanes *z) {
    memset(z->c, 0, sizeof(MmlLanes) * (size_t)n * (size_t)n);
    memset(z->lead, 0, sizeof(MmlLanes) * (size_t)n);
    for (int i = 0; i < rows; i++) {
        const MmlLanes *of = w + (i64)i * n;
        MmlLanes *p = z->p + (i64)i * n, sum = {0}, grounded = {0};
        for (int j = 0; j < n; j++) sum += of[j];
        reciprocal(&sum, &z->row[i]);
        for (int j = 0; j < n; j++) {
            MmlLanes share = of[j] * z->row[i];
            p[j] = share * z->keep[j];
            grounded += share - p[j];
        }
        for (int j = 0; j < n; j++) {
            MmlLanes to = of[j] * z->keep[j];
            z->lead[j] += to * grounded;
            for (int k = j + 1; k < n; k++) z->c[(i64)j * n + k] += to * p[k];
        }
    }
}

/* l: unit lower triangular less the unit, below the diagonal, positive. */
MML_LANES_BODY void eliminate_columns(int n, const Lanes *z) {
    for (int k = 0; k < n; k++) {
        const MmlLanes *from = z->c + (i64)k * n;
        MmlLanes total = z->lead[k], lead = z->lead[k], others = {0};
        for (int j = k + 1; j < n; j++) others += from[j];
        total += others;
        reciprocal(&total, &z->pivot[k]);
        for (int j = k + 1; j < n; j++) {
            MmlLanes share = from[j] * z->pivot[k];
            z->l[(i64)j * n + k] = share;
            z->lead[j] += share * lead;
            for (int m = j + 1; m < n; m++) z->c[(i64)j * n + m] += share * from[m];
        }
    }
}

/* g = N^T pivot N with N the inverse of the unit lower factor, made in place of it. */
MML_LANES_BODY void invert_columns(int n, const Lanes *z) {
    for (int j = 0; j < n; j++) {
        MmlLanes *row = z->l + (i64)j * n;
        for (int m = 0; m < j; m++) {               /* ascending: row[m] is still the factor's */
            const MmlLanes *done = z->l + (i64)m * n;
            MmlLanes share = row[m];
            for (int k = 0; k < m; k++) row[k] += share * done[k];
        }
        row[j] = (MmlLanes){1, 1, 1, 1};
    }
    memset(z->g, 0, sizeof(MmlLanes) * (size_t)n * (size_t)n);
    for (int k = 0; k < n; k++) {
        const MmlLanes *row = z->l + (i64)k * n;
        for (int j = 0; j <= k; j++) {
            MmlLanes share = row[j] * z->pivot[k];
            for (int m = 0; m <= j; m++) z->g[(i64)j * n + m] += share * row[m];
        }
    }
    for (int j = 0; j < n; j++)
        for (int m = 0; m < j; m++) z->g[(i64)m * n + j] = z->g[(i64)j * n + m];
}

MML_LANES_BODY void store(MmlLaplacian *l, int first, const Lanes *z) {
    int rows = l->rows, n = l->columns, width = l->width, count = l->labels - first < MML_LANES ? l->labels - first : MML_LANES;
    for (int i = 0; i < rows; i++) {
        MmlLanes *b = z->b + (i64)i * n;
        memset(b, 0, sizeof(MmlLanes) * (size_t)n);
        for (int k = 0; k < n; k++) {
            MmlLanes share = z->p[(i64)i * n + k];
            for (int j = 0; j < n; j++) b[j] += share * z->g[(i64)k * n + j];
        }
        for (int j = 0; j < n; j++)
            for (int y = 0; y < count; y++) l->rc[((i64)(first + y) * rows + i) * width + j] = b[j][y];
        for (int k = 0; k <= i; k++) {
            MmlLanes sum = {0};
            for (int j = 0; j < n; j++) sum += b[j] * z->p[(i64)k * n + j];
            if (k == i) sum += z->row[i];
            for (int y = 0; y < count; y++)
                l->rr[((i64)(first + y) * rows + i) * rows + k] = l->rr[((i64)(first + y) * rows + k) * rows + i] = sum[y];
        }
    }
    for (int j = 0; j < n; j++)
        for (int m = 0; m < n; m++)
            for (int y = 0; y < count; y++) l->cc[((i64)(first + y) * width + j) * width + m] = z->g[(i64)j * n + m][y];
}

MML_LANES_BODY void invert_body(MmlLaplacian *l) {
    Lanes z = lanes_of(l);
    for (int first = 0; first < l->labels; first += MML_LANES) {
        const MmlLanes *w = (const MmlLanes *)(l->w + (i64)first * l->rows * l->columns);
        for (int j = 0; j < l->columns; j++)
            for (int y = 0; y < MML_LANES; y++) z.keep[j][y] = first + y < l->labels && l->ground[first + y] != j;
        eliminate_rows(w, l->rows, l->columns, &z);
        eliminate_columns(l->columns, &z);
        invert_columns(l->columns, &z);
        store(l, first, &z);
    }
}

MML_LANES_EACH(void, invert, invert_body, (MmlLaplacian *l), (l))

/* A column with conductance whose pivot was 0 has 0 on the diagonal. */
static int all_grounded(const MmlLaplacian *l) {
    for (int y = 0; y < l->labels; y++)
        for (int j = 0; j < l->columns; j++) {
            if (j == l->ground[y] || l->cc[((i64)y * l->width + j) * l->width + j] > 0) continue;
            for (int i = 0; i < l->rows; i++)
                if (l->w[mml_laplacian_at(l, i, j, y)] > 0) return 0;
        }
    return 1;
}

int mml_laplacian_invert(MmlLaplacian *l) {
    invert(l);
    return all_grounded(l);
}
