#include "pid/fastpid.h"

#include <math.h>
#include <string.h>

#include "mml/experiment.h"
#include "mml/random.h"
#include "pid/explog.h"

typedef struct {
    const MmlJoint         *joint;
    const MmlPidOptions    *options;
    const MmlFastPidKernel *kernel;
    const MmlFastPidCode   *code;               /* for these sizes, or NULL          */
    i64      bins1, bins2, planes, cells;       /* cells: with those of unused lanes */
    i64      room;                              /* sweeps that the history holds     */
    MmlArena *arena;
    MmlFastPidState state;
} FastPid;

#define SIZES(f) (f)->bins1, (f)->bins2, (f)->planes

static Status check(const MmlJoint *joint, const MmlPidOptions *options) {
    if (joint->sources != 2)
        return mml_fail(MML_EINPUT, "solver adam (FastPID) decomposes two sources, not %d; use newton", joint->sources);
    if (options->iterations < 1 || options->sinkhorn < 1)
        return mml_fail(MML_EINPUT, "solver adam needs at least 1 iteration and 1 sweep, not %d and %d",
                        options->iterations, options->sinkhorn);
    if (options->start < MML_PID_ANALYTIC || options->start > MML_PID_GAUSSIAN)
        return mml_fail(MML_EINPUT, "solver adam knows no start number %d", (int)options->start);
    if (!(options->lr > 0) || isinf(options->lr) || !(options->tolerance >= 0) || !(options->until >= 0))
        return mml_fail(MML_EINPUT, "solver adam needs lr > 0, tolerance >= 0 and until >= 0, not %g, %g and %g",
                        options->lr, options->tolerance, options->until);
    return MML_OK;
}

/* ---- Loops, made for these sizes where they are ---- */

static const MmlFastPidCode *fitting_code(const FastPid *f) {
    const MmlFastPidCode *code = f->options->code;
    int fits = code && code->bins1 == f->bins1 && code->bins2 == f->bins2 && code->planes == f->planes && code->lanes == f->kernel->lanes;
    return fits ? code : NULL;
}

static void sweep(FastPid *f, i64 first, i64 last) {
    if (f->code) f->code->sweep(&f->state, first, last);
    else f->kernel->sweep(&f->state, first, last, SIZES(f));
}

static void differentiate(FastPid *f) {
    if (f->code) f->code->differentiate(&f->state);
    else f->kernel->differentiate(&f->state, SIZES(f));
}

/* ---- Layout ---- */

/* Where [rows, labels] goes in [planes][rows][lanes]. */
static i64 place(const FastPid *f, i64 row, int y, i64 rows) {
    i64 lanes = f->kernel->lanes;
    return (y / lanes * rows + row) * lanes + y % lanes;
}

static void to_planes(const FastPid *f, const double *from, i64 rows, double *to) {
    for (i64 row = 0; row < rows; row++)
        for (int y = 0; y < f->joint->labels; y++) to[place(f, row, y, rows)] = from[row * f->joint->labels + y];
}

static void from_planes(const FastPid *f, const double *from, i64 rows, double *to) {
    for (i64 row = 0; row < rows; row++)
        for (int y = 0; y < f->joint->labels; y++) to[row * f->joint->labels + y] = from[place(f, row, y, rows)];
}

static i64 history_size(const FastPid *f, i64 bins, i64 sweeps) { return (2 * sweeps + 1) * f->planes * bins * f->kernel->lanes; }

/* Room for that many sweeps, keeping those done. */
static Status make_room(FastPid *f, i64 sweeps) {
    MmlFastPidState *s = &f->state;
    double *left = MML_NEW(f->arena, double, history_size(f, f->bins1, sweeps));
    double *right = MML_NEW(f->arena, double, history_size(f, f->bins2, sweeps));
    if (!left || !right) return MML_ENOMEM;
    if (f->room > 0) {
        memcpy(left, s->left, sizeof(double) * (size_t)history_size(f, f->bins1, f->room));
        memcpy(right, s->right, sizeof(double) * (size_t)history_size(f, f->bins2, f->room));
    } else {
        for (i64 c = 0; c < history_size(f, f->bins1, 0); c++) left[c] = 1;
    }
    s->left = left;
    s->right = right;
    f->room = sweeps;
    return MML_OK;
}

#define FIRST_ROOM 32

/* Tables start at different offsets in their pages, for a load waits for an
 * earlier store to the same offset of another page. 5 lines of cache. */
#define STAGGER 40

static Status fastpid_new(const MmlJoint *joint, const MmlPidOptions *options, const MmlFastPidKernel *kernel,
                          MmlArena *arena, FastPid *out) {
    MML_TRY(check(joint, options));
    *out = (FastPid){.joint = joint, .options = options, .kernel = kernel, .bins1 = joint->bins[0], .bins2 = joint->bins[1],
                     .planes = (joint->labels + kernel->lanes - 1) / kernel->lanes, .arena = arena};
    out->code = fitting_code(out);
    out->cells = out->planes * out->bins1 * out->bins2 * kernel->lanes;
    MmlFastPidState *s = &out->state;
    i64 pair1 = out->planes * out->bins1 * kernel->lanes, pair2 = out->planes * out->bins2 * kernel->lanes;
    const struct { double **vector; i64 size; } vectors[] = {
        {&s->logits, out->cells}, {&s->k, out->cells}, {&s->q, out->cells}, {&s->gradient, out->cells},
        {&s->moment1, out->cells}, {&s->moment2, out->cells}, {&s->mass, out->bins1 * out->bins2},
        {&s->marginal1, pair1}, {&s->log1, pair1}, {&s->adjoint1, pair1},
        {&s->marginal2, pair2}, {&s->log2, pair2}, {&s->adjoint2, pair2},
    };
    for (size_t v = 0; v < sizeof vectors / sizeof *vectors; v++) {
        double *memory = MML_NEW(arena, double, vectors[v].size + STAGGER * (i64)v);
        if (!memory) return MML_ENOMEM;
        *vectors[v].vector = memory + STAGGER * v;
    }
    s->log = mml_log;
    to_planes(out, joint->marginal[0], out->bins1, s->marginal1);
    to_planes(out, joint->marginal[1], out->bins2, s->marginal2);
    return make_room(out, options->until > 0 && options->sinkhorn > FIRST_ROOM ? FIRST_ROOM : options->sinkhorn);
}

/* ---- Algorithm 2 ---- */

static double first_logit(const FastPid *f, i64 tuple, int y, MmlRandom *random) {
    const MmlJoint *joint = f->joint;
    int labels = joint->labels;
    double p1 = joint->marginal[0][tuple / joint->bins[1] * labels + y], p2 = joint->marginal[1][tuple % joint->bins[1] * labels + y];
    switch (f->options->start) {
    case MML_PID_ANALYTIC: return p1 > 0 && p2 > 0 ? log(p1 * p2 / joint->label[y]) : -INFINITY;
    case MML_PID_UNIFORM:  return 0;
    case MML_PID_GAUSSIAN: return mml_random_normal(random);
    }
    return NAN;
}

static void clear_logits(FastPid *f) {
    for (i64 c = 0; c < f->cells; c++) f->state.logits[c] = -INFINITY;
}

static void start(FastPid *f) {
    MmlRandom random = mml_random(f->options->seed, MML_STREAM_PROBE, 0, 0);
    clear_logits(f);
    for (i64 t = 0; t < f->joint->tuples; t++)
        for (int y = 0; y < f->joint->labels; y++)
            f->state.logits[place(f, t, y, f->joint->tuples)] = first_logit(f, t, y, &random);
}

static Status blown_up(int step) {
    return mml_fail(MML_ENUMERIC, "solver adam: the logits are not finite after %d steps; use a smaller lr or newton", step);
}

static Status sweep_until(FastPid *f) {
    const MmlPidOptions *options = f->options;
    for (i64 t = 0; t < options->sinkhorn; t++) {
        if (t == f->room) MML_TRY(make_room(f, 2 * t < options->sinkhorn ? 2 * t : options->sinkhorn));
        sweep(f, t, t + 1);
        if (f->kernel->residual(&f->state, SIZES(f)) <= options->until) break;
    }
    return MML_OK;
}

/* k holds the logits less `top`. */
static Status shift(FastPid *f, int step) {
    return isfinite(f->kernel->shift(&f->state, f->cells)) ? MML_OK : blown_up(step);
}

/* The projection of the present logits; how far it lies from the last one, in
 * units of max q when the tolerance is relative. */
static Status project(FastPid *f, double *changed) {
    double largest;
    mml_exp(f->state.k, f->cells);
    if (f->options->until > 0) MML_TRY(sweep_until(f));
    else sweep(f, 0, f->options->sinkhorn);
    *changed = f->code ? f->code->project(&f->state, &largest) : f->kernel->project(&f->state, &largest, SIZES(f));
    if (f->options->relative) *changed /= largest;
    return MML_OK;
}

/* K may be as large as exp(DRIFT) before the logits are shifted anew. */
#define DRIFT 1.0

static Status refine(FastPid *f, int *steps) {
    double changed;
    start(f);
    MML_TRY(shift(f, 0));
    for (*steps = 0; *steps < f->options->iterations;) {
        if (mml_solve_stopped()) return mml_fail(MML_EINTERRUPT, "stopped in a decomposition");
        MML_TRY(project(f, &changed));
        int stop = *steps > 0 && changed < f->options->tolerance;
        differentiate(f);
        double top = f->kernel->descend(&f->state, f->options->lr, ++*steps, f->cells);
        if (!(fabs(top - f->state.top) < DRIFT)) MML_TRY(shift(f, *steps));
        if (stop) break;
    }
    return project(f, &changed);
}

/* ---- Entries ---- */

static const MmlFastPidKernel *best_kernel(void) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return &mml_fastpid_wide;
#endif
    return &mml_fastpid_portable;
}

Status mml_fastpid_with(const MmlJoint *joint, const MmlPidOptions *options, const MmlFastPidKernel *kernel, MmlArena *arena,
                        double *q, int *steps) {
    MmlArenaMark mark = mml_arena_mark(arena);
    FastPid f;
    Status status = fastpid_new(joint, options, kernel, arena, &f);
    if (status == MML_OK) status = refine(&f, steps);
    if (status == MML_OK) from_planes(&f, f.state.q, joint->tuples, q);
    mml_arena_release(arena, mark);
    return status;
}

Status mml_fastpid(const MmlJoint *joint, const MmlPidOptions *options, MmlArena *arena, double *q, int *steps) {
    return mml_fastpid_with(joint, options, best_kernel(), arena, q, steps);
}

static Status loss_at(FastPid *f, const double *logits, double *q, double *loss, double *gradient) {
    double changed;
    clear_logits(f);
    to_planes(f, logits, f->joint->tuples, f->state.logits);
    MML_TRY(shift(f, 0));
    MML_TRY(project(f, &changed));
    from_planes(f, f->state.q, f->joint->tuples, q);
    *loss = mml_negative_conditional_entropy(q, f->joint->tuples, f->joint->labels);
    if (!gradient) return MML_OK;
    differentiate(f);
    from_planes(f, f->state.gradient, f->joint->tuples, gradient);
    return MML_OK;
}

Status mml_fastpid_loss(const MmlJoint *joint, const MmlPidOptions *options, const MmlFastPidKernel *kernel,
                        const double *logits, MmlArena *arena, double *loss, double *gradient) {
    MmlArenaMark mark = mml_arena_mark(arena);
    double *q = MML_NEW(arena, double, joint->tuples * joint->labels);
    FastPid f;
    Status status = q ? fastpid_new(joint, options, kernel, arena, &f) : MML_ENOMEM;
    if (status == MML_OK) status = loss_at(&f, logits, q, loss, gradient);
    mml_arena_release(arena, mark);
    return status;
}
