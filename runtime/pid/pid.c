#include "mml/pid.h"

#include <math.h>

#include "pid/fastpid.h"
#include "pid/table.h"
#include "pid/union.h"

#define BITS (1 / 0.69314718055994530942)

MmlPidOptions mml_pid_defaults(void) {
    return (MmlPidOptions){.solver = MML_PID_NEWTON, .iterations = 2000, .lr = 0.1, .tolerance = 1e-5, .sinkhorn = 10,
                           .start = MML_PID_ANALYTIC};
}

static void mutual_informations(const MmlJoint *joint, MmlPid *out) {
    out->entropy = BITS * mml_entropy(joint->label, joint->labels);
    out->total = BITS * mml_pair_information(joint->p, joint->tuples, joint->labels);
    for (int k = 0; k < joint->sources; k++)
        out->mutual[k] = BITS * mml_pair_information(joint->marginal[k], joint->bins[k], joint->labels);
}

static Status marginal_residual(const MmlJoint *joint, MmlArena *arena, MmlPid *out) {
    for (int k = 0; k < joint->sources; k++) {
        i64 size = (i64)joint->bins[k] * joint->labels;
        double *marginal = MML_NEW(arena, double, size);
        if (!marginal) return MML_ENOMEM;
        mml_joint_marginal(joint, out->q, k, marginal);
        for (i64 c = 0; c < size; c++) out->residual += fabs(marginal[c] - joint->marginal[k][c]);
    }
    return MML_OK;
}

/* The union information of all sources but `without` (-1: all), in bits; q and
 * potentials may be NULL. */
static Status union_information(const MmlJoint *joint, int without, MmlArena *arena, MmlPid *out,
                                double *q, double *potentials, double *information) {
    MmlUnion problem = {.labels = joint->labels};
    for (int k = 0; k < joint->sources; k++) {
        if (k == without) continue;
        problem.bins[problem.sources] = joint->bins[k];
        problem.marginal[problem.sources++] = joint->marginal[k];
    }
    MmlUnionResult result = {.q = q, .potentials = potentials};
    MML_TRY(mml_union_solve(&problem, 0, arena, &result));
    *information = out->entropy + BITS * (result.primal + result.dual) / 2;
    out->gap = fmax(out->gap, BITS * (result.primal - result.dual));
    if (without < 0) out->iterations = result.iterations;
    return MML_OK;
}

/* Puts a value known only to the gap into the interval where all atoms are >= 0. */
static double between(double low, double value, double high) { return fmin(fmax(low, value), high); }

static Status newton(const MmlJoint *joint, MmlArena *arena, MmlPid *out) {
    double sum = 0, most = 0, all;
    for (int k = 0; k < joint->sources; k++) {
        sum += out->mutual[k];
        most = fmax(most, out->mutual[k]);
    }
    MML_TRY(union_information(joint, -1, arena, out, out->q, out->dual, &all));
    double rest[MML_PID_SOURCES];
    for (int k = 0; k < joint->sources && joint->sources > 2; k++) {
        MML_TRY(union_information(joint, k, arena, out, NULL, NULL, &rest[k]));
        most = fmax(most, rest[k]);
    }
    all = between(most, all, fmin(out->total, sum));
    out->synergy = fmax(0, out->total - all);
    if (joint->sources == 2) {
        rest[0] = out->mutual[1];
        rest[1] = out->mutual[0];
    }
    out->redundancy = fmax(0, sum - all);
    for (int k = 0; k < joint->sources; k++) out->unique[k] = fmax(0, all - rest[k]);
    out->converged = 1;
    return MML_OK;
}

/* The published atoms come from the marginals of q, not of P. */
static Status adam(const MmlJoint *joint, const MmlPidOptions *options, MmlArena *arena, MmlPid *out) {
    MML_TRY(mml_fastpid(joint, options, arena, out->q, &out->iterations));
    double of_q[2];
    for (int k = 0; k < 2; k++) {
        double *pair = MML_NEW(arena, double, (i64)joint->bins[k] * joint->labels);
        if (!pair) return MML_ENOMEM;
        mml_joint_marginal(joint, out->q, k, pair);
        of_q[k] = BITS * mml_pair_information(pair, joint->bins[k], joint->labels);
    }
    double iq = BITS * mml_pair_information(out->q, joint->tuples, joint->labels);
    out->redundancy = of_q[0] + of_q[1] - iq;
    out->unique[0] = iq - of_q[1];
    out->unique[1] = iq - of_q[0];
    out->synergy = out->total - iq;
    out->gap = NAN;
    out->converged = out->iterations < options->iterations;
    return MML_OK;
}

/* q and dual before all scratch, so that only they stay in the arena. */
static Status allocate(const MmlTable *table, const MmlPidOptions *options, MmlArena *arena, MmlPid *out) {
    i64 cells, unknowns = 0;
    MML_TRY(mml_table_cells(table, &cells));
    for (int k = 0; k < table->sources; k++) unknowns += (i64)table->bins[k] * table->labels;
    out->q = MML_NEW(arena, double, cells);
    if (options->solver == MML_PID_NEWTON) out->dual = MML_NEW(arena, double, unknowns);
    return out->q && (out->dual || options->solver != MML_PID_NEWTON) ? MML_OK : MML_ENOMEM;
}

static Status decompose(const MmlTable *table, const MmlPidOptions *options, MmlArena *arena, MmlPid *out) {
    MmlJoint joint;
    MML_TRY(mml_joint_new(table, arena, &joint));
    mutual_informations(&joint, out);
    MML_TRY(options->solver == MML_PID_ADAM ? adam(&joint, options, arena, out) : newton(&joint, arena, out));
    return marginal_residual(&joint, arena, out);
}

Status mml_pid_solve(const MmlTable *table, const MmlPidOptions *options, MmlArena *arena, MmlPid *out) {
    if (!table || !table->p || !arena || !out) return mml_fail(MML_EINPUT, "mml_pid_solve: an argument is NULL");
    double began = mml_pid_clock();
    MmlPidOptions chosen = options ? *options : mml_pid_defaults();
    if (chosen.solver != MML_PID_NEWTON && chosen.solver != MML_PID_ADAM)
        return mml_fail(MML_EINPUT, "there is no solver number %d; MML_PID_NEWTON is %d, MML_PID_ADAM %d", (int)chosen.solver, MML_PID_NEWTON,
                        MML_PID_ADAM);
    *out = (MmlPid){0};
    MML_TRY(allocate(table, &chosen, arena, out));
    MmlArenaMark mark = mml_arena_mark(arena);
    Status status = decompose(table, &chosen, arena, out);
    mml_arena_release(arena, mark);
    out->seconds = mml_pid_clock() - began;
    return status;
}

/* ---- Gradient (envelope theorem; pid.md 2) ---- */

/* log p(y|x) of every cell of a pair table; 0 where p = 0. */
static double *log_conditional(const double *pair, i64 rows, int labels, MmlArena *arena) {
    double *out = MML_NEW(arena, double, rows * labels);
    for (i64 x = 0; out && x < rows; x++) {
        double mass = 0;
        for (int y = 0; y < labels; y++) mass += pair[x * labels + y];
        for (int y = 0; y < labels; y++)
            if (pair[x * labels + y] > 0) out[x * labels + y] = log(pair[x * labels + y] / mass);
    }
    return out;
}

static Status gradient(const MmlJoint *joint, const MmlPid *pid, MmlArena *arena, double *out) {
    int labels = joint->labels;
    i64 cells = joint->tuples * labels, second = (i64)joint->bins[0] * labels;
    double *given1 = log_conditional(joint->marginal[0], joint->bins[0], labels, arena);
    double *given2 = log_conditional(joint->marginal[1], joint->bins[1], labels, arena);
    double *given12 = log_conditional(joint->p, joint->tuples, labels, arena);
    if (!given1 || !given2 || !given12) return MML_ENOMEM;
    double mean[4] = {0};
    for (i64 c = 0; c < cells; c++) {
        for (int atom = 0; atom < 4; atom++) out[atom * cells + c] = 0;
        if (joint->p[c] == 0) continue;
        i64 y = c % labels, tuple = c / labels;
        i64 v1 = tuple / joint->bins[1] * labels + y, v2 = tuple % joint->bins[1] * labels + y;
        double dual = pid->dual[v1] + pid->dual[second + v2];
        double by[4] = {given1[v1] + given2[v2] - log(joint->label[y]) - dual, dual - given2[v2], dual - given1[v1],
                        given12[c] - dual};
        for (int atom = 0; atom < 4; atom++) {
            out[atom * cells + c] = BITS * by[atom];
            mean[atom] += joint->p[c] * BITS * by[atom];
        }
    }
    for (i64 c = 0; c < cells; c++)
        for (int atom = 0; atom < 4 && joint->p[c] > 0; atom++) out[atom * cells + c] -= mean[atom];
    return MML_OK;
}

Status mml_pid_gradient(const MmlTable *table, const MmlPid *pid, MmlArena *arena, double *out) {
    if (!table || !table->p || !pid || !arena || !out) return mml_fail(MML_EINPUT, "mml_pid_gradient: an argument is NULL");
    if (table->sources != 2 || !pid->dual)
        return mml_fail(MML_EINPUT, "gradients need a newton result of two sources");
    MmlArenaMark mark = mml_arena_mark(arena);
    MmlJoint joint;
    Status status = mml_joint_new(table, arena, &joint);
    if (status == MML_OK) status = gradient(&joint, pid, arena, out);
    mml_arena_release(arena, mark);
    return status;
}
