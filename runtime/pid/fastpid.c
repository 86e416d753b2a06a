#include "pid/fastpid.h"

#include <math.h>
#include <string.h>

#include "mml/random.h"

#define BETA1   0.9
#define BETA2   0.999
#define EPSILON 1e-8

/* factor[2 * sweep] scales (x2, y), factor[2 * sweep + 1] (x1, y). */
typedef struct {
    const MmlJoint      *joint;
    const MmlPidOptions *options;
    i64     cells;
    double *logits, *initial, *q, *previous, *gradient;   /* [cells]; initial: the softmax   */
    double *first, *second;                               /* [cells] Adam's moments          */
    double **factor;                                      /* [2 * most sweeps] made as needed */
    double *sums;                                         /* [larger pair table]             */
    int     sweeps;                                       /* of the last projection          */
    MmlArena *arena;
} FastPid;

static Status check(const MmlJoint *joint, const MmlPidOptions *options) {
    if (joint->sources != 2)
        return mml_fail(MML_EINPUT, "solver adam (FastPID) decomposes two sources, not %d; use newton", joint->sources);
    if (options->iterations < 1 || options->sinkhorn < 1)
        return mml_fail(MML_EINPUT, "solver adam needs at least 1 iteration and 1 sweep, not %d and %d",
                        options->iterations, options->sinkhorn);
    if (!(options->lr > 0) || isinf(options->lr) || !(options->tolerance >= 0) || !(options->until >= 0))
        return mml_fail(MML_EINPUT, "solver adam needs lr > 0, tolerance >= 0 and until >= 0, not %g, %g and %g",
                        options->lr, options->tolerance, options->until);
    return MML_OK;
}

static Status fastpid_new(const MmlJoint *joint, const MmlPidOptions *options, MmlArena *arena, FastPid *out) {
    MML_TRY(check(joint, options));
    *out = (FastPid){.joint = joint, .options = options, .cells = joint->tuples * joint->labels, .arena = arena};
    double **vectors[] = {&out->logits, &out->initial, &out->q, &out->previous, &out->gradient, &out->first, &out->second};
    for (size_t v = 0; v < sizeof vectors / sizeof *vectors; v++)
        if (!(*vectors[v] = MML_NEW(arena, double, out->cells))) return MML_ENOMEM;
    int bins = joint->bins[0] > joint->bins[1] ? joint->bins[0] : joint->bins[1];
    out->factor = MML_NEW(arena, double *, 2 * (i64)options->sinkhorn);
    out->sums = MML_NEW(arena, double, (i64)bins * joint->labels);
    return out->factor && out->sums ? MML_OK : MML_ENOMEM;
}

static i64 pair_size(const MmlJoint *joint, int source) { return (i64)joint->bins[source] * joint->labels; }

/* Row of a tuple in source's pair table. */
static inline i64 pair_row(const MmlJoint *joint, i64 tuple, int source) {
    return (source == 0 ? tuple / joint->bins[1] : tuple % joint->bins[1]) * joint->labels;
}

static void start(FastPid *f) {
    const MmlJoint *joint = f->joint;
    MmlRandom random = mml_random(f->options->seed, MML_STREAM_PROBE, 0, 0);
    for (i64 t = 0; t < joint->tuples; t++)
        for (int y = 0; y < joint->labels; y++) {
            double p1 = joint->marginal[0][pair_row(joint, t, 0) + y], p2 = joint->marginal[1][pair_row(joint, t, 1) + y];
            double *logit = f->logits + t * joint->labels + y;
            switch (f->options->start) {
            case MML_PID_ANALYTIC: *logit = p1 > 0 && p2 > 0 ? log(p1 * p2 / joint->label[y]) : -INFINITY; break;
            case MML_PID_UNIFORM:  *logit = 0; break;
            case MML_PID_GAUSSIAN: *logit = mml_random_normal(&random); break;
            }
        }
}

static int softmax(const FastPid *f) {
    double top = -INFINITY, total = 0;
    for (i64 c = 0; c < f->cells; c++) top = fmax(top, f->logits[c]);
    for (i64 c = 0; c < f->cells; c++) total += f->initial[c] = exp(f->logits[c] - top);
    for (i64 c = 0; c < f->cells; c++) f->initial[c] /= total;
    return isfinite(top) && isfinite(total);
}

static double residual_of(FastPid *f, int source) {
    mml_joint_marginal(f->joint, f->q, source, f->sums);
    double residual = 0;
    for (i64 c = 0; c < pair_size(f->joint, source); c++) residual += fabs(f->sums[c] - f->joint->marginal[source][c]);
    return residual;
}

static int scale_source(FastPid *f, int source, int step) {
    const MmlJoint *joint = f->joint;
    i64 size = pair_size(joint, source);
    if (!f->factor[step] && !(f->factor[step] = MML_NEW(f->arena, double, size))) return 0;
    double *factor = f->factor[step];
    mml_joint_marginal(joint, f->q, source, factor);
    for (i64 c = 0; c < size; c++) factor[c] = factor[c] > 0 ? joint->marginal[source][c] / factor[c] : 0;
    for (i64 t = 0; t < joint->tuples; t++) {
        const double *row = factor + pair_row(joint, t, source);
        for (int y = 0; y < joint->labels; y++) f->q[t * joint->labels + y] *= row[y];
    }
    return 1;
}

/* After a sweep the (x1, y) marginal holds, so that the residual is (x2, y)'s. */
static Status project(FastPid *f) {
    memcpy(f->q, f->initial, sizeof(double) * (size_t)f->cells);
    for (f->sweeps = 0; f->sweeps < f->options->sinkhorn;) {
        if (!scale_source(f, 1, 2 * f->sweeps) || !scale_source(f, 0, 2 * f->sweeps + 1)) return MML_ENOMEM;
        f->sweeps++;
        if (f->options->until > 0 && residual_of(f, 1) <= f->options->until) break;
    }
    return MML_OK;
}

/* d loss / d q = log(q / q(x1, x2)). */
static void gradient_at_q(FastPid *f) {
    int labels = f->joint->labels;
    for (i64 t = 0; t < f->joint->tuples; t++) {
        double mass = 0;
        for (int y = 0; y < labels; y++) mass += f->q[t * labels + y];
        for (i64 c = t * labels; c < (t + 1) * labels; c++) f->gradient[c] = f->q[c] > 0 ? log(f->q[c] / mass) : 0;
    }
}

/* q' = q factor, factor = p / sum of q: g <- factor (g' - sum g' q' / p), and q' back to q. */
static void unscale_source(FastPid *f, int source, int step) {
    const MmlJoint *joint = f->joint;
    int labels = joint->labels;
    const double *p = joint->marginal[source], *factor = f->factor[step];
    memset(f->sums, 0, sizeof(double) * (size_t)pair_size(joint, source));
    for (i64 t = 0; t < joint->tuples; t++) {
        double *sum = f->sums + pair_row(joint, t, source);
        for (int y = 0; y < labels; y++) sum[y] += f->gradient[t * labels + y] * f->q[t * labels + y];
    }
    for (i64 t = 0; t < joint->tuples; t++) {
        i64 row = pair_row(joint, t, source);
        for (int y = 0; y < labels; y++) {
            double *g = f->gradient + t * labels + y, *q = f->q + t * labels + y;
            double scale = factor[row + y];
            *g = scale > 0 ? scale * (*g - f->sums[row + y] / p[row + y]) : 0;
            *q = scale > 0 ? *q / scale : 0;
        }
    }
}

static void gradient_at_logits(FastPid *f) {
    gradient_at_q(f);
    for (int step = 2 * f->sweeps - 1; step >= 0; step--) unscale_source(f, step % 2 ? 0 : 1, step);
    double mean = 0;
    for (i64 c = 0; c < f->cells; c++) mean += f->gradient[c] * f->initial[c];
    for (i64 c = 0; c < f->cells; c++) f->gradient[c] = f->initial[c] * (f->gradient[c] - mean);
}

static void adam(FastPid *f, int step) {
    double correction1 = 1 - pow(BETA1, step), correction2 = 1 - pow(BETA2, step);
    for (i64 c = 0; c < f->cells; c++) {
        double g = f->gradient[c];
        f->first[c] = BETA1 * f->first[c] + (1 - BETA1) * g;
        f->second[c] = BETA2 * f->second[c] + (1 - BETA2) * g * g;
        f->logits[c] -= f->options->lr * (f->first[c] / correction1) / (sqrt(f->second[c] / correction2) + EPSILON);
    }
}

/* max |q - previous|, in units of max q when the tolerance is relative. */
static double change(const FastPid *f) {
    double largest = 0, top = 0;
    for (i64 c = 0; c < f->cells; c++) {
        largest = fmax(largest, fabs(f->q[c] - f->previous[c]));
        top = fmax(top, f->q[c]);
    }
    return f->options->relative ? largest / top : largest;
}

static Status blown_up(int step) {
    return mml_fail(MML_ENUMERIC, "solver adam: the logits are not finite after %d steps; use a smaller lr or newton", step);
}

static Status refine(FastPid *f, int *steps) {
    start(f);
    for (*steps = 0; *steps < f->options->iterations;) {
        if (!softmax(f)) return blown_up(*steps);
        MML_TRY(project(f));
        double changed = *steps > 0 ? change(f) : INFINITY;
        memcpy(f->previous, f->q, sizeof(double) * (size_t)f->cells);
        gradient_at_logits(f);
        adam(f, ++*steps);
        if (changed < f->options->tolerance) break;
    }
    return softmax(f) ? project(f) : blown_up(*steps);
}

Status mml_fastpid(const MmlJoint *joint, const MmlPidOptions *options, MmlArena *arena, double *q, int *steps) {
    MmlArenaMark mark = mml_arena_mark(arena);
    FastPid f;
    Status status = fastpid_new(joint, options, arena, &f);
    if (status == MML_OK) status = refine(&f, steps);
    if (status == MML_OK) memcpy(q, f.q, sizeof(double) * (size_t)f.cells);
    mml_arena_release(arena, mark);
    return status;
}

static Status loss_at(FastPid *f, const double *logits, double *loss, double *gradient) {
    memcpy(f->logits, logits, sizeof(double) * (size_t)f->cells);
    if (!softmax(f)) return blown_up(0);
    MML_TRY(project(f));
    *loss = mml_negative_conditional_entropy(f->q, f->joint->tuples, f->joint->labels);
    if (!gradient) return MML_OK;
    gradient_at_logits(f);
    memcpy(gradient, f->gradient, sizeof(double) * (size_t)f->cells);
    return MML_OK;
}

Status mml_fastpid_loss(const MmlJoint *joint, const MmlPidOptions *options, const double *logits,
                        MmlArena *arena, double *loss, double *gradient) {
    MmlArenaMark mark = mml_arena_mark(arena);
    FastPid f;
    Status status = fastpid_new(joint, options, arena, &f);
    if (status == MML_OK) status = loss_at(&f, logits, loss, gradient);
    mml_arena_release(arena, mark);
    return status;
}
