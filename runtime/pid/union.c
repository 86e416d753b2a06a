#include "pid/union.h"

#include <math.h>
#include <string.h>

#include "pid/augmented.h"
#include "pid/certificate.h"
#include "pid/newton.h"
#include "pid/woodbury.h"

#define MOST_ITERATIONS 60
#define MOST_BYTES      2e9          /* of Newton's matrix, beyond which a solve takes minutes */
#define MOST_WORK       2e10         /* multiply-adds to assemble it or Woodbury's, likewise   */
#define MOST_AUGMENTED  2500         /* order of the augmented system: 50 MB, some seconds a solve     */
#define GOAL            1e-12        /* nats of gap at which to stop                           */
#define LOOK            1e-10        /* complementarity from which on certificates are tried   */
#define STALE           3            /* certificates in a row that don't halve the gap: rounding, stop */
#define SHORTEST_STEP   1e-9
#define LEAST_CUT       0.98         /* of a step that goes too far, and the most it is cut by at once */
#define MOST_CUT        0.3
#define PARABOLA        0.99         /* of the step at which the parabola reaches the limit            */
#define UNCENTRED_CUT   0.8          /* of a step that leaves some m_t s_t too small                   */

/* Attempts in turn. A step keeps 1 - tau of each s, and no m_t s_t falls below
 * gamma of its share of mu. power: see shares(). augmented: Newton's equations
 * in the form that bears many decades. */
typedef struct { double tau, gamma, power; int augmented; } Caution;
static const Caution CAUTION[] = {
    {0.95, 1e-3, 0.2, 0}, {0.9, 1e-2, 0, 0}, {0.95, 1e-3, 0.2, 1}, {0.9, 1e-2, 0, 1}, {0.7, 1e-2, 0.5, 1},
};
#define CAUTIONS ((int)(sizeof CAUTION / sizeof *CAUTION))

typedef struct {
    const MmlSupport *support;
    MmlArena *arena;
    int dense;
    MmlNewton *newton;                          /* made when it is needed                           */
    MmlAugmented *augmented;                    /* used in place of newton when not NULL            */
    MmlWoodbury *woodbury;                      /* likewise, until a step of it is refused          */
    double *u, *u_next, *du, *right;            /* [unknowns]      */
    double *s, *s_next, *ds, *m, *m_next, *dm;  /* [live]          */
    double *rc, *share, *flow;                  /* [live]          */
    double *pi, *pi_next;                       /* [live, labels]  */
    MmlCertificate best, trial;
} Solver;

static i64 unknown(const MmlSupport *support, i64 tuple, int k) {
    return support->start[k] + (i64)support->bin[tuple * support->sources + k] * support->labels;
}

/* ---- Support ---- */

static double source_mass(const MmlUnion *problem, int k, int x) {
    double mass = 0;
    for (int y = 0; y < problem->labels; y++) mass += problem->marginal[k][(i64)x * problem->labels + y];
    return mass;
}

static int compact_sizes(const MmlUnion *problem, MmlArena *arena, MmlSupport *out) {
    out->sources = problem->sources;
    out->label_of = MML_NEW(arena, int, problem->labels);
    if (!out->label_of) return 0;
    for (int y = 0; y < problem->labels; y++) {
        double mass = 0;
        for (int x = 0; x < problem->bins[0]; x++) mass += problem->marginal[0][(i64)x * problem->labels + y];
        if (mass > 0) out->label_of[out->labels++] = y;
    }
    for (int k = 0; k < problem->sources; k++) {
        out->bin_of[k] = MML_NEW(arena, int, problem->bins[k]);
        if (!out->bin_of[k]) return 0;
        for (int x = 0; x < problem->bins[k]; x++)
            if (source_mass(problem, k, x) > 0) out->bin_of[k][out->bins[k]++] = x;
        out->start[k + 1] = out->start[k] + (i64)out->bins[k] * out->labels;
        if (out->bins[k] > out->bins[out->rows]) out->rows = k;
    }
    return 1;
}

static int is_live(const MmlSupport *support, const int *bin) {
    for (int y = 0; y < support->labels; y++) {
        int active = 1;
        for (int k = 0; k < support->sources && active; k++)
            active = support->p[support->start[k] + (i64)bin[k] * support->labels + y] > 0;
        if (active) return 1;
    }
    return 0;
}

/* Counts live tuples, and writes their bins when bin isn't NULL. */
static i64 list_live(const MmlSupport *support, int *bin) {
    int at[MML_PID_SOURCES] = {0};
    i64 live = 0;
    for (;;) {
        if (is_live(support, at)) {
            if (bin) memcpy(bin + live * support->sources, at, sizeof(int) * (size_t)support->sources);
            live++;
        }
        int k = support->sources - 1;
        while (k >= 0 && ++at[k] == support->bins[k]) at[k--] = 0;
        if (k < 0) return live;
    }
}

static Status support_new(const MmlUnion *problem, MmlArena *arena, MmlSupport *out) {
    *out = (MmlSupport){0};
    if (!compact_sizes(problem, arena, out)) return MML_ENOMEM;
    out->p = MML_NEW(arena, double, out->start[out->sources]);
    out->label = MML_NEW(arena, double, out->labels);
    if (!out->p || !out->label) return MML_ENOMEM;
    for (int k = 0; k < out->sources; k++)
        for (int x = 0; x < out->bins[k]; x++)
            for (int y = 0; y < out->labels; y++) {
                double p = problem->marginal[k][(i64)out->bin_of[k][x] * problem->labels + out->label_of[y]];
                out->p[out->start[k] + (i64)x * out->labels + y] = p;
                if (k == 0) out->label[y] += p;
            }
    out->live = list_live(out, NULL);
    out->bin = MML_NEW(arena, int, out->live * out->sources);
    if (!out->bin) return MML_ENOMEM;
    list_live(out, out->bin);
    return MML_OK;
}

/* Whether Newton's matrix is small enough to be made. */
static int direct_fits(const MmlSupport *support, int dense) {
    double per_tuple = (double)support->sources * support->labels;
    double work = (double)support->live * per_tuple * per_tuple / 2;
    return mml_newton_bytes(support, dense) <= MOST_BYTES && work <= MOST_WORK;
}

static int woodbury_fits(const MmlSupport *support) {
    return mml_woodbury_bytes(support) <= MOST_BYTES && mml_woodbury_work(support) <= MOST_WORK;
}

static int takes_woodbury(const MmlSupport *support, int dense) {
    return !dense && mml_woodbury_pays(support) && woodbury_fits(support);
}

static Status refuse_hopeless(const MmlSupport *support, int dense) {
    if (takes_woodbury(support, dense) || direct_fits(support, dense)) return MML_OK;
    return mml_fail(MML_EINPUT, "%d sources with up to %d bins and %d labels are too many for the exact decomposition; "
                    "use fewer bins", support->sources, support->bins[support->rows], support->labels);
}

/* ---- The interior-point method ---- */

static Status solver_new(const MmlSupport *support, int dense, MmlArena *arena, Solver *out) {
    i64 unknowns = support->start[support->sources], live = support->live, cells = live * support->labels;
    double **vectors[] = {&out->u, &out->u_next, &out->du, &out->right,
                          &out->s, &out->s_next, &out->ds, &out->m, &out->m_next, &out->dm, &out->rc,
                          &out->share, &out->flow, &out->pi, &out->pi_next};
    i64 sizes[] = {unknowns, unknowns, unknowns, unknowns, live, live, live, live, live, live, live, live, live, cells, cells};
    *out = (Solver){.support = support, .arena = arena, .dense = dense};
    for (size_t v = 0; v < sizeof vectors / sizeof *vectors; v++)
        if (!(*vectors[v] = MML_NEW(arena, double, sizes[v]))) return MML_ENOMEM;
    if (!mml_certificate_new(support, arena, &out->best)
        || !mml_certificate_new(support, arena, &out->trial))
        return MML_ENOMEM;
    if (takes_woodbury(support, dense) && !(out->woodbury = mml_woodbury_new(support, arena))) return MML_ENOMEM;
    return MML_OK;
}

/* Tuple t's share of the central path m_t s_t = mu share_t: a power of the most
 * that Q can give it, sum_y min_k p_k(x_k, y), normalised. With equal shares a
 * tuple of tiny mass would need s = mu / mass, which Newton's steps don't reach;
 * in proportion to the mass, s shrinks too fast for the curvature of lse. On
 * tables of twelve decades powers from 0.1 to 0.25 fail least, and each power
 * fails on other tables. */
static void shares(Solver *z, double power) {
    const MmlSupport *support = z->support;
    double total = 0;
    for (i64 t = 0; t < support->live; t++) {
        z->share[t] = 0;
        for (int y = 0; y < support->labels; y++) {
            double least = INFINITY;
            for (int k = 0; k < support->sources; k++) least = fmin(least, support->p[unknown(support, t, k) + y]);
            z->share[t] += least;
        }
        z->share[t] = pow(z->share[t], power);
        total += z->share[t];
    }
    for (i64 t = 0; t < support->live; t++) z->share[t] /= total;
}

/* u_1 = log p(y|x_1) lowered until every s >= 1, u_k = log p(y|x_k) - log p(y);
 * m mostly the conditionally independent Q. */
static void start(Solver *z, double power) {
    const MmlSupport *support = z->support;
    int labels = support->labels, rows = support->rows;
    for (int k = 0; k < support->sources; k++)
        for (int x = 0; x < support->bins[k]; x++) {
            i64 first = support->start[k] + (i64)x * labels;
            double mass = 0;
            for (int y = 0; y < labels; y++) mass += support->p[first + y];
            for (int y = 0; y < labels; y++)
                z->u[first + y] = log(support->p[first + y] / (k == rows ? mass : mass * support->label[y]));
        }
    mml_tuple_softmax(support, z->u, z->s, NULL);
    double *least = z->right;                   /* scratch: [bins of rows] */
    for (int x = 0; x < support->bins[rows]; x++) least[x] = INFINITY;
    for (i64 t = 0; t < support->live; t++) {
        double *of_row = least + support->bin[t * support->sources + rows];
        *of_row = fmin(*of_row, z->s[t]);
    }
    for (int x = 0; x < support->bins[rows]; x++)
        for (int y = 0; y < labels; y++) z->u[support->start[rows] + (i64)x * labels + y] += least[x] - 1;
    mml_tuple_softmax(support, z->u, z->s, z->pi);
    shares(z, power);
    for (i64 t = 0; t < support->live; t++) {
        z->m[t] = 0.1 * z->share[t];
        for (int y = 0; y < labels; y++) {
            double q = 0.9 * support->label[y];
            for (int k = 0; k < support->sources; k++) q *= support->p[unknown(support, t, k) + y] / support->label[y];
            z->m[t] += q;
        }
    }
}

static double dot(const double *a, const double *b, i64 count) {
    double sum = 0;
    for (i64 c = 0; c < count; c++) sum += a[c] * b[c];
    return sum;
}

/* 0 too where the matrix is too large to be made, which only Woodbury's form can do without. */
static int factor_directly(Solver *z) {
    if (!z->newton && direct_fits(z->support, z->dense)) z->newton = mml_newton_new(z->support, z->dense, z->arena);
    return z->newton && mml_newton_factor(z->newton, z->m, z->s, z->pi);
}

static int factor(Solver *z) {
    if (z->augmented) return mml_augmented_factor(z->augmented, z->m, z->s, z->pi);
    if (z->woodbury && mml_woodbury_factor(z->woodbury, z->m, z->s, z->pi)) return 1;
    z->woodbury = NULL;
    return factor_directly(z);
}

/* du and flow of z->right; both 0 when Woodbury's are refused and newton can't factor. */
static void solve_factored(Solver *z) {
    if (z->augmented) {
        mml_augmented_solve(z->augmented, z->right, z->du, z->flow);
        return;
    }
    if (z->woodbury) {
        if (mml_woodbury_solve(z->woodbury, z->right, z->du, z->flow)) return;
        z->woodbury = NULL;
        if (!factor_directly(z)) {
            memset(z->du, 0, sizeof(double) * (size_t)z->support->start[z->support->sources]);
            memset(z->flow, 0, sizeof(double) * (size_t)z->support->live);
            return;
        }
    }
    mml_newton_solve(z->newton, z->right, z->du, z->flow);
}

/* du, dm and ds for the complementarity target rc. */
static void direction(Solver *z) {
    const MmlSupport *support = z->support;
    int labels = support->labels, sources = support->sources;
    memcpy(z->right, support->p, sizeof(double) * (size_t)support->start[sources]);
    for (i64 t = 0; t < support->live; t++) {
        double weight = z->m[t] + z->rc[t] / z->s[t];
        const double *pi = z->pi + t * labels;
        for (int k = 0; k < sources; k++) {
            double *right = z->right + unknown(support, t, k);
            for (int y = 0; y < labels; y++) right[y] -= weight * pi[y];
        }
    }
    solve_factored(z);
    for (i64 t = 0; t < support->live; t++) {
        z->ds[t] = -z->flow[t] * z->s[t] / z->m[t];
        z->dm[t] = z->flow[t] + z->rc[t] / z->s[t];
    }
}

/* Longest step in (0, 1] that the linear model allows. s is concave in u, so
 * its linear model is an upper bound. */
static double linear_limit(const Solver *z, double tau) {
    double limit = 1;
    for (i64 t = 0; t < z->support->live; t++) {
        if (z->m[t] + limit * z->dm[t] < (1 - tau) * z->m[t]) limit = -tau * z->m[t] / z->dm[t];
        if (z->s[t] + limit * z->ds[t] < (1 - tau) * z->s[t]) limit = -tau * z->s[t] / z->ds[t];
    }
    return limit;
}

/* Moves by *step into the _next fields. 1 when every s stays above 1 - tau of
 * itself; else *step is cut to what the parabola through s, its slope and its
 * new value allows. */
static int move(Solver *z, double *step, double tau, double *pi) {
    const MmlSupport *support = z->support;
    double allowed = INFINITY;
    for (i64 v = 0; v < support->start[support->sources]; v++) z->u_next[v] = z->u[v] + *step * z->du[v];
    mml_tuple_softmax(support, z->u_next, z->s_next, pi);
    for (i64 t = 0; t < support->live; t++) {
        double s = z->s[t], slope = z->ds[t];
        z->m_next[t] = z->m[t] + *step * z->dm[t];
        if (z->s_next[t] >= (1 - tau) * s) continue;
        double bend = fmin(0, (z->s_next[t] - s - slope * *step) / (*step * *step));
        allowed = fmin(allowed, 2 * tau * s / (sqrt(slope * slope - 4 * bend * tau * s) - slope));
    }
    if (allowed == INFINITY) return 1;
    *step *= fmin(LEAST_CUT, fmax(MOST_CUT, PARABOLA * allowed / *step));
    return 0;
}

/* Mehrotra's centring from an affine step; leaves that step's length in *length. */
static double centring(Solver *z, double mu, double *length) {
    const double tau = 0.9999;
    for (i64 t = 0; t < z->support->live; t++) z->rc[t] = -z->m[t] * z->s[t];
    direction(z);
    double step = linear_limit(z, tau);
    while (step > SHORTEST_STEP && !move(z, &step, tau, NULL)) {}
    if (step <= SHORTEST_STEP) {
        *length = 0;
        return 1;
    }
    *length = step;
    double ratio = dot(z->m_next, z->s_next, z->support->live) / mu;
    double sigma = fmin(1, fmax(1e-6, ratio * ratio));
    return step < 0.1 ? fmax(sigma, 0.3) : sigma;
}

static int centred(const Solver *z, double gamma) {
    i64 live = z->support->live;
    double mu = dot(z->m_next, z->s_next, live);
    for (i64 t = 0; t < live; t++)
        if (!(z->m_next[t] * z->s_next[t] >= gamma * mu * z->share[t])) return 0;
    return 1;
}

static void swap(double **a, double **b) {
    double *keep = *a;
    *a = *b;
    *b = keep;
}

/* One predictor-corrector step; the corrector takes off what dm ds and the
 * bend of s over the affine step add to m s. With that, and the affine step's
 * complementarity squared in place of cubed, 20x20x6 takes 18 steps, not 26;
 * 0 when no acceptable step was found. */
static int iterate(Solver *z, double tau, double gamma) {
    i64 live = z->support->live;
    if (!factor(z)) return 0;
    double mu = dot(z->m, z->s, live), affine;
    double sigma = centring(z, mu, &affine);
    for (i64 t = 0; t < live; t++) {
        double target = mu * z->share[t], second_order = 0;
        if (affine > 0) {
            double bend = z->s_next[t] - z->s[t] - affine * z->ds[t];
            second_order = affine * affine * z->dm[t] * z->ds[t] + z->m[t] * fmin(0, bend);
        }
        z->rc[t] = sigma * target - z->m[t] * z->s[t] - fmin(target, fmax(-target, second_order));
    }
    direction(z);
    double step = linear_limit(z, tau);
    while (step > SHORTEST_STEP) {
        if (!move(z, &step, tau, z->pi_next)) continue;
        if (centred(z, gamma)) break;
        step *= UNCENTRED_CUT;
    }
    if (!(step > SHORTEST_STEP)) return 0;
    swap(&z->u, &z->u_next);
    swap(&z->s, &z->s_next);
    swap(&z->m, &z->m_next);
    swap(&z->pi, &z->pi_next);
    return 1;
}

static double gap(const MmlCertificate *certificate) { return certificate->primal - certificate->dual; }

static void certify(Solver *z) {
    mml_certify(z->support, z->m, z->pi, z->u, z->right, &z->trial);
    if (!(gap(&z->trial) < gap(&z->best))) return;
    MmlCertificate keep = z->best;
    z->best = z->trial;
    z->trial = keep;
}

/* Returns the number of iterations; the best certificate is in z->best. */
static int attempt(Solver *z, const Caution *caution) {
    int stale = 0;
    start(z, caution->power);
    for (int iteration = 1;; iteration++) {
        int moved = iterate(z, caution->tau, caution->gamma), last = !moved || iteration == MOST_ITERATIONS || mml_solve_stopped();
        if (!last && dot(z->m, z->s, z->support->live) > LOOK) continue;
        double before = gap(&z->best);
        certify(z);
        stale = gap(&z->best) > before / 2 ? stale + 1 : 0;
        if (last || gap(&z->best) <= GOAL || (stale >= STALE && gap(&z->best) <= MML_UNION_GAP)) return iteration;
    }
}

/* ---- Back to the problem's bins and labels ---- */

static void expand(const MmlUnion *problem, const Solver *z, MmlUnionResult *out) {
    const MmlSupport *support = z->support;
    int labels = problem->labels;
    i64 offset[MML_PID_SOURCES + 1] = {0}, tuples = 1;
    for (int k = 0; k < problem->sources; k++) {
        offset[k + 1] = offset[k] + (i64)problem->bins[k] * labels;
        tuples *= problem->bins[k];
    }
    if (out->potentials) {
        for (i64 v = 0; v < offset[problem->sources]; v++) out->potentials[v] = MML_POTENTIAL_NONE;
        for (int k = 0; k < support->sources; k++)
            for (int x = 0; x < support->bins[k]; x++)
                for (int y = 0; y < support->labels; y++) {
                    i64 v = support->start[k] + (i64)x * support->labels + y;
                    if (support->p[v] > 0)
                        out->potentials[offset[k] + (i64)support->bin_of[k][x] * labels + support->label_of[y]] = z->best.u[v];
                }
    }
    if (!out->q) return;
    memset(out->q, 0, sizeof(double) * (size_t)(tuples * labels));
    for (i64 t = 0; t < support->live; t++) {
        i64 tuple = 0;
        for (int k = 0; k < support->sources; k++)
            tuple = tuple * problem->bins[k] + support->bin_of[k][support->bin[t * support->sources + k]];
        for (int y = 0; y < support->labels; y++)
            out->q[tuple * labels + support->label_of[y]] = z->best.q[t * support->labels + y];
    }
}

static Status solve(const MmlUnion *problem, int dense, MmlArena *arena, MmlUnionResult *out) {
    MmlSupport support;
    Solver     solver;
    MML_TRY(support_new(problem, arena, &support));
    MML_TRY(refuse_hopeless(&support, dense));
    MML_TRY(solver_new(&support, dense, arena, &solver));
    for (int c = 0; c < CAUTIONS && !(gap(&solver.best) <= MML_UNION_GAP); c++) {
        if (CAUTION[c].augmented && !solver.augmented) {
            if (mml_augmented_order(&support) > MOST_AUGMENTED) break;
            solver.augmented = mml_augmented_new(&support, arena);
            if (!solver.augmented) return MML_ENOMEM;
        }
        out->iterations = attempt(&solver, &CAUTION[c]);
        if (mml_solve_stopped() && !(gap(&solver.best) <= MML_UNION_GAP)) return mml_fail(MML_EINTERRUPT, "stopped in a decomposition");
    }
    if (!(gap(&solver.best) <= MML_UNION_GAP))
        return mml_fail(MML_ENUMERIC, "the decomposition did not converge: certified gap %.2g bits after %d iterations",
                        gap(&solver.best) / log(2), out->iterations);
    out->primal = solver.best.primal;
    out->dual = solver.best.dual;
    expand(problem, &solver, out);
    return MML_OK;
}

Status mml_union_solve(const MmlUnion *problem, int dense, MmlArena *arena, MmlUnionResult *out) {
    MmlArenaMark mark = mml_arena_mark(arena);
    Status status = solve(problem, dense, arena, out);
    mml_arena_release(arena, mark);
    return status;
}
