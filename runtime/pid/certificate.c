#include "pid/certificate.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "pid/explog.h"
#include "pid/table.h"

#define FITTING_SWEEPS 8
#define PIECE          512      /* cells at once, for the vectors of mml_exp */

int mml_certificate_new(const MmlSupport *support, MmlArena *arena, MmlCertificate *out) {
    out->q = MML_NEW(arena, double, support->live * support->labels);
    out->u = MML_NEW(arena, double, support->start[support->sources]);
    out->s = MML_NEW(arena, double, support->live);
    out->primal = INFINITY;
    out->dual = -INFINITY;
    return out->q && out->u && out->s;
}

static inline i64 unknown(const MmlSupport *support, i64 tuple, int k) {
    return support->start[k] + (i64)support->bin[tuple * support->sources + k] * support->labels;
}

/* sums[y] = sum_k u_k(x_k, y) less its largest value, which is returned. */
static double exponents(const MmlSupport *support, const double *u, i64 tuple, double *sums) {
    int labels = support->labels;
    double top = -INFINITY;
    const double *first = u + unknown(support, tuple, 0), *second = u + unknown(support, tuple, 1);
    for (int y = 0; y < labels; y++) sums[y] = first[y] + second[y];
    for (int k = 2; k < support->sources; k++) {
        const double *row = u + unknown(support, tuple, k);
        for (int y = 0; y < labels; y++) sums[y] += row[y];
    }
    for (int y = 0; y < labels; y++) top = sums[y] > top ? sums[y] : top;
    for (int y = 0; y < labels; y++) sums[y] -= top;
    return top;
}

/* In pieces of several tuples, for the vectors of mml_exp and mml_log. */
void mml_tuple_softmax(const MmlSupport *support, const double *u, double *s, double *pi) {
    int labels = support->labels, piece = labels < PIECE ? PIECE / labels : 1;
    double room[piece * labels], top[piece], total[piece];
    for (i64 from = 0; from < support->live; from += piece) {
        int count = support->live - from < piece ? (int)(support->live - from) : piece;
        double *e = pi ? pi + from * labels : room;
        for (int t = 0; t < count; t++) top[t] = exponents(support, u, from + t, e + (i64)t * labels);
        mml_exp(e, (i64)count * labels);
        for (int t = 0; t < count; t++) {
            double *row = e + (i64)t * labels, sum = 0;
            for (int y = 0; y < labels; y++) sum += row[y];
            total[t] = sum;
            if (!pi) continue;
            double inverse = 1 / sum;
            for (int y = 0; y < labels; y++) row[y] *= inverse;
        }
        mml_log(total, count);
        for (int t = 0; t < count; t++) s[from + t] = -(top[t] + total[t]);
    }
}

static void marginal_of(const MmlSupport *support, const double *q, int k, double *out) {
    int labels = support->labels;
    memset(out + support->start[k], 0, sizeof(double) * (size_t)(support->start[k + 1] - support->start[k]));
    for (i64 t = 0; t < support->live; t++) {
        double *row = out + unknown(support, t, k);
        for (int y = 0; y < labels; y++) row[y] += q[t * labels + y];
    }
}

/* Scales q by p / its marginal on source k, by at most `most`. */
static void scale_source(const MmlSupport *support, double *q, int k, double most, double *scratch) {
    int labels = support->labels;
    marginal_of(support, q, k, scratch);
    for (i64 v = support->start[k]; v < support->start[k + 1]; v++)
        scratch[v] = scratch[v] > 0 ? fmin(most, support->p[v] / scratch[v]) : 0;
    for (i64 t = 0; t < support->live; t++) {
        const double *factor = scratch + unknown(support, t, k);
        for (int y = 0; y < labels; y++) q[t * labels + y] *= factor[y];
    }
}

/* Adds what the scaled-down q lacks: for each label a product of the sources' rests. */
static void add_rest(const MmlSupport *support, double *q, double *scratch) {
    int labels = support->labels;
    double mass[labels];
    memset(mass, 0, sizeof mass);
    for (int k = 0; k < support->sources; k++) {
        double total[labels];
        memset(total, 0, sizeof total);
        marginal_of(support, q, k, scratch);
        for (i64 v = support->start[k]; v < support->start[k + 1]; v++) {
            scratch[v] = fmax(0, support->p[v] - scratch[v]);
            total[(v - support->start[k]) % labels] += scratch[v];
        }
        for (int y = 0; y < labels; y++) mass[y] = fmax(mass[y], total[y]);
    }
    for (i64 t = 0; t < support->live; t++)
        for (int y = 0; y < labels; y++) {
            if (mass[y] == 0) continue;
            double rest = mass[y];
            for (int k = 0; k < support->sources; k++) rest *= scratch[unknown(support, t, k) + y] / mass[y];
            q[t * labels + y] += rest;
        }
}

static void feasible_primal(const MmlSupport *support, const double *m, const double *pi,
                            double *scratch, MmlCertificate *out) {
    int labels = support->labels;
    for (i64 t = 0; t < support->live; t++)
        for (int y = 0; y < labels; y++) out->q[t * labels + y] = m[t] * pi[t * labels + y];
    for (int sweep = 0; sweep < FITTING_SWEEPS; sweep++)
        for (int k = 0; k < support->sources; k++) scale_source(support, out->q, k, INFINITY, scratch);
    for (int k = 0; k < support->sources; k++) scale_source(support, out->q, k, 1, scratch);
    add_rest(support, out->q, scratch);
    out->primal = mml_negative_conditional_entropy(out->q, support->live, labels);
}

/* Moves each label's largest potential of every source but the first to 0. */
static void fix_gauge(const MmlSupport *support, double *u) {
    int labels = support->labels;
    for (int k = 1; k < support->sources; k++)
        for (int y = 0; y < labels; y++) {
            double top = -INFINITY;
            for (i64 v = support->start[k] + y; v < support->start[k + 1]; v += labels) top = fmax(top, u[v]);
            for (i64 v = support->start[k] + y; v < support->start[k + 1]; v += labels) u[v] -= top;
            for (i64 v = support->start[0] + y; v < support->start[1]; v += labels) u[v] += top;
        }
}

static void feasible_dual(const MmlSupport *support, const double *u, double *scratch, MmlCertificate *out) {
    int labels = support->labels, sources = support->sources;
    i64 unknowns = support->start[sources];
    memcpy(out->u, u, sizeof(double) * (size_t)unknowns);
    fix_gauge(support, out->u);

    double largest = 1;
    for (i64 v = 0; v < unknowns; v++)
        if (support->p[v] > 0) largest = fmax(largest, fabs(out->u[v]));
    double *room = scratch;                    /* [bins of source 0] least s of its tuples */
    for (int x = 0; x < support->bins[0]; x++) room[x] = INFINITY;
    mml_tuple_softmax(support, out->u, out->s, NULL);
    for (i64 t = 0; t < support->live; t++) {
        double *least = room + support->bin[t * sources];
        *least = fmin(*least, out->s[t]);
    }
    /* A few roundings short of the border, so that it holds in any arithmetic. */
    for (int x = 0; x < support->bins[0]; x++)
        for (int y = 0; y < labels; y++) out->u[(i64)x * labels + y] += room[x] - 8 * DBL_EPSILON * largest;
    out->dual = 0;
    for (i64 v = 0; v < unknowns; v++)
        if (support->p[v] > 0) out->dual += support->p[v] * out->u[v];
}

void mml_certify(const MmlSupport *support, const double *m, const double *pi, const double *u,
                 double *scratch, MmlCertificate *out) {
    feasible_primal(support, m, pi, scratch, out);
    feasible_dual(support, u, scratch, out);
}
