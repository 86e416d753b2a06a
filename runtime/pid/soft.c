/* Soft assignments of features to clusters and the decomposition of the tables
 * that two of them make: the kernels soft, decompose and atom of mml/abi.def.
 *
 * A minibatch's table is P(i, j, y) = mean_s a_s(i) b_s(j) [y_s = y]. The atoms'
 * gradients by P come from the dual (envelope theorem, mml_pid_gradient); from
 * there the chain rule leads to the assignments and, through the distances, the
 * projection and the normalisation, to the features. Assignments: softmax of
 * negative squared distances, or Student's t with one degree of freedom (van der
 * Maaten & Hinton 2008; Xie et al. 2016). All sums are in double precision.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mml/nn.h"
#include "mml/pid.h"

/* ---- Assignments ---- */

enum { WIDTH, TEMPERATURE, COMPONENTS, BINS, NORMALIZE, KERNEL, OFFSET };
enum { SOFTMAX, STUDENT };

typedef struct {
    MmlFrame    *frame;
    float *const *operand;
    i64          width, components, columns, bins, found;
    int          normalize, kernel;
    double       scale;                    /* temperature * spread                     */
    const float *mean, *axes, *centres;    /* [width], [components, width], [bins, columns] */
} Soft;

/* One sample on its way; rows in a thread's scratch. */
typedef struct {
    double *u, *du;                        /* [width] the normalised row and its gradient   */
    double *t, *dt;                        /* [columns] its projection; u, du without one   */
    double *distance, *share;              /* [bins]                                        */
    double  inverse_norm;
} Sample;

static Soft soft_new(MmlFrame *frame, const MmlValue *a, float *const *operand) {
    const float *block = frame->clusters ? frame->clusters + a[OFFSET].i : NULL;
    Soft s = {.frame = frame, .operand = operand, .width = a[WIDTH].i, .components = a[COMPONENTS].i, .bins = a[BINS].i,
              .normalize = a[NORMALIZE].i != 0, .kernel = (int)a[KERNEL].i};
    s.columns = s.components ? s.components : s.width;
    if (!block) return s;
    s.found = (i64)block[0];
    s.scale = a[TEMPERATURE].r * (double)block[1];
    s.mean = block + 2;
    s.axes = s.mean + s.width;
    s.centres = s.components ? s.axes + s.components * s.width : s.mean;
    return s;
}

static Sample sample_in(const Soft *s, int thread) {
    double *at = (double *)(void *)s->frame->scratch[thread];
    Sample x = {.u = at, .du = at + s->width, .t = at, .dt = at + s->width};
    at += 2 * s->width;
    if (s->components) {
        x.t = at;
        x.dt = at + s->components;
        at += 2 * s->components;
    }
    x.distance = at;
    x.share = at + s->bins;
    return x;
}

static void project(const Soft *s, const float *row, Sample *x) {
    double square = 0;
    for (i64 c = 0; c < s->width; c++) square += (double)row[c] * (double)row[c];
    x->inverse_norm = !s->normalize ? 1 : square == 0 ? 0 : 1 / sqrt(square);      /* a zero row stays zero */
    for (i64 c = 0; c < s->width; c++) x->u[c] = (double)row[c] * x->inverse_norm;
    for (i64 v = 0; v < s->components; v++) {
        const float *axis = s->axes + v * s->width;
        double score = 0;
        for (i64 c = 0; c < s->width; c++) score += (x->u[c] - (double)s->mean[c]) * (double)axis[c];
        x->t[v] = score;
    }
}

static void assign(const Soft *s, Sample *x) {
    double largest = -INFINITY, sum = 0;
    for (i64 i = 0; i < s->found; i++) {
        const float *centre = s->centres + i * s->columns;
        double square = 0;
        for (i64 v = 0; v < s->columns; v++) square += (x->t[v] - (double)centre[v]) * (x->t[v] - (double)centre[v]);
        x->distance[i] = square;
        x->share[i] = s->kernel == STUDENT ? -log1p(square / s->scale) : -square / s->scale;
        if (!(x->share[i] <= largest)) largest = x->share[i];      /* NaN wins, and shows */
    }
    for (i64 i = 0; i < s->found; i++) sum += x->share[i] = exp(x->share[i] - largest);
    for (i64 i = 0; i < s->found; i++) x->share[i] /= sum;
    for (i64 i = s->found; i < s->bins; i++) x->share[i] = 0;
}

static void assign_samples(void *context, i64 begin, i64 end, int thread) {
    const Soft *s = context;
    Sample x = sample_in(s, thread);
    for (i64 n = begin; n < end; n++) {
        float *share = s->operand[1] + n * s->bins;
        if (s->found) {
            project(s, s->operand[0] + n * s->width, &x);
            assign(s, &x);
        }
        for (i64 i = 0; i < s->bins; i++) share[i] = s->found ? (float)x.share[i] : NAN;
    }
}

void mml_soft_forward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    Soft s = soft_new(frame, attr, operand);
    mml_parallel(frame->threads, frame->batch, assign_samples, &s);
}

/* dt from the shares' gradient: share = softmax(l), l a function of the squared distance. */
static void through_distances(const Soft *s, const float *dshare, Sample *x) {
    double mean = 0;
    for (i64 i = 0; i < s->found; i++) mean += x->share[i] * (double)dshare[i];
    for (i64 v = 0; v < s->columns; v++) x->dt[v] = 0;
    for (i64 i = 0; i < s->found; i++) {
        const float *centre = s->centres + i * s->columns;
        double dl = x->share[i] * ((double)dshare[i] - mean);
        double factor = -2 * dl / (s->kernel == STUDENT ? s->scale + x->distance[i] : s->scale);
        for (i64 v = 0; v < s->columns; v++) x->dt[v] += factor * (x->t[v] - (double)centre[v]);
    }
}

/* dx from dt: back through the projection and u = x / |x|. */
static void through_projection(const Soft *s, Sample *x, float *dx) {
    double along = 0;
    if (s->components) memset(x->du, 0, sizeof *x->du * (size_t)s->width);
    for (i64 v = 0; v < s->components; v++)
        for (i64 c = 0; c < s->width; c++) x->du[c] += x->dt[v] * (double)s->axes[v * s->width + c];
    for (i64 c = 0; c < s->width && s->normalize; c++) along += x->u[c] * x->du[c];
    for (i64 c = 0; c < s->width; c++) dx[c] = (float)((x->du[c] - along * x->u[c]) * x->inverse_norm);
}

static void gradient_samples(void *context, i64 begin, i64 end, int thread) {
    const Soft *s = context;
    Sample x = sample_in(s, thread);
    for (i64 n = begin; n < end; n++) {
        float *dx = s->operand[2] + n * s->width;
        memset(dx, 0, sizeof *dx * (size_t)s->width);
        if (!s->found) continue;
        project(s, s->operand[1] + n * s->width, &x);
        assign(s, &x);
        through_distances(s, s->operand[0] + n * s->bins, &x);
        through_projection(s, &x, dx);
    }
}

void mml_soft_backward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    Soft s = soft_new(frame, attr, operand);
    if (operand[2]) mml_parallel(frame->threads, frame->batch, gradient_samples, &s);
}

/* ---- Decomposition ---- */

struct MmlDecomposer {
    MmlArena    *arena;
    MmlArenaMark empty;                    /* its first block, unused */
    int          failed;
    char         message[512];
};

/* Doubles for each cell and each pair of unknowns: with 1 and 4 nothing more was allocated from
 * 5 x 5 x 4 to 40 x 40 x 10 and 20 x 20 x 101 cells. Above the limit each step allocates the rest. */
#define DOUBLES_A_CELL 16
#define DOUBLES_A_PAIR 4
#define SPARE_BYTES    ((size_t)1 << 20)
#define MOST_BYTES     ((size_t)256 << 20)

Status mml_decomposer_new(i64 cells, i64 unknowns, MmlDecomposer **out) {
    MmlDecomposer *d = *out = calloc(1, sizeof *d);
    if (!d) return mml_fail(MML_ENOMEM, "out of memory for the decompositions of a loss");
    /* One block for all: what lies in blocks behind the mark goes back to the system in each step. */
    double bytes = sizeof(double) * (DOUBLES_A_CELL * (double)cells + DOUBLES_A_PAIR * (double)unknowns * (double)unknowns);
    d->arena = mml_arena_new();
    if (!d->arena || !mml_arena_alloc(d->arena, SPARE_BYTES + (bytes < (double)MOST_BYTES ? (size_t)bytes : MOST_BYTES))) {
        mml_decomposer_free(d);
        *out = NULL;
        return MML_ENOMEM;
    }
    d->empty = mml_arena_mark(d->arena);
    d->empty.used = 0;
    mml_arena_release(d->arena, d->empty);
    return MML_OK;
}

void mml_decomposer_free(MmlDecomposer *decomposer) {
    if (!decomposer) return;
    mml_arena_free(decomposer->arena);
    free(decomposer);
}

const char *mml_decomposer_failure(MmlDecomposer *decomposer) {
    if (!decomposer || !decomposer->failed) return NULL;
    decomposer->failed = 0;
    return decomposer->message;
}

enum { BINS_1, BINS_2, CLASSES, WHICH };
#define ATOMS 4

static i64 cells_of(const MmlValue *a) { return a[BINS_1].i * a[BINS_2].i * a[CLASSES].i; }

/* Cells with less of the mass count as zero, where gradients are masked: at first less than the first, and
 * when the solver finds no certificate less than the second. Shares fall off over tens of orders of magnitude,
 * and cells just above the solver's own limit (1e-15) kept it from a certificate in one of some 8000 steps of
 * bench/soft_synergy. On that table the atoms change by 1e-8 and 5e-6 bit. */
static const double NEGLIGIBLE[] = {1e-10, 1e-7};

/* Adds the batch up into p[bins 1, bins 2, classes]; 0 when an assignment is not finite. */
static int add_up(const MmlFrame *frame, const MmlValue *a, const float *first, const float *second, double *p) {
    i64 n1 = a[BINS_1].i, n2 = a[BINS_2].i, classes = a[CLASSES].i;
    double sum = 0;
    for (i64 n = 0; n < frame->batch; n++)
        for (i64 i = 0; i < n1; i++) {
            double weight = (double)first[n * n1 + i] / (double)frame->batch;
            double *row = p + i * n2 * classes + frame->labels[n];
            for (i64 j = 0; j < n2; j++) row[j * classes] += weight * (double)second[n * n2 + j];
        }
    for (i64 c = 0; c < n1 * n2 * classes; c++) sum += p[c];
    return isfinite(sum);
}

/* mml_pid_solve of the table without its negligible cells. */
static Status solve(const MmlTable *table, double *p, i64 cells, MmlArena *arena, MmlPid *pid) {
    Status status = MML_OK;
    for (size_t i = 0; i < sizeof NEGLIGIBLE / sizeof *NEGLIGIBLE; i++) {
        for (i64 c = 0; c < cells; c++)
            if (p[c] < NEGLIGIBLE[i]) p[c] = 0;
        status = mml_pid_solve(table, NULL, arena, pid);
        if (status != MML_ENUMERIC) break;
    }
    return status;
}

static Status decompose(const MmlFrame *frame, const MmlValue *a, float *const *operand, MmlArena *arena) {
    i64 cells = cells_of(a);
    double *p = MML_NEW(arena, double, cells), *gradient = MML_NEW(arena, double, ATOMS * cells);
    if (!p || !gradient) return MML_ENOMEM;
    float *t = operand[2];
    if (!add_up(frame, a, operand[0], operand[1], p)) {        /* what made it so is named by the trace */
        for (i64 c = 0; c < ATOMS + ATOMS * cells; c++) t[c] = NAN;
        return MML_OK;
    }
    MmlTable table = {.sources = 2, .bins = {(int)a[BINS_1].i, (int)a[BINS_2].i}, .labels = (int)a[CLASSES].i, .p = p};
    MmlPid pid;
    MML_TRY(solve(&table, p, cells, arena, &pid));
    MML_TRY(mml_pid_gradient(&table, &pid, arena, gradient));
    t[0] = (float)pid.redundancy;
    t[1] = (float)pid.unique[0];
    t[2] = (float)pid.unique[1];
    t[3] = (float)pid.synergy;
    for (i64 c = 0; c < ATOMS * cells; c++) t[ATOMS + c] = (float)gradient[c];
    return MML_OK;
}

void mml_decompose_forward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    MmlDecomposer *d = frame->decomposer;
    i64 floats = ATOMS + ATOMS * cells_of(attr);
    if (!d) {
        memset(operand[2], 0, sizeof *operand[2] * (size_t)floats);
        return;
    }
    Status status = decompose(frame, attr, operand, d->arena);
    mml_arena_release(d->arena, d->empty);
    if (status == MML_OK) return;
    d->failed = 1;
    snprintf(d->message, sizeof d->message, "%s", mml_message());
    for (i64 c = 0; c < floats; c++) operand[2][c] = NAN;
}

void mml_atom_forward(MmlFrame *frame, const MmlValue *attr, float *const *operand) { *operand[3] = operand[2][attr[WHICH].i]; }

/* da_i = dl / batch * sum_j G(i, j, label) b_j, and so for b. */
void mml_atom_backward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    i64 n1 = attr[BINS_1].i, n2 = attr[BINS_2].i, classes = attr[CLASSES].i;
    const float *first = operand[1], *second = operand[2];
    const float *by_cell = operand[3] + ATOMS + attr[WHICH].i * cells_of(attr);
    float *dfirst = operand[4], *dsecond = operand[5];
    double factor = (double)*operand[0] / (double)frame->batch;
    for (i64 n = 0; n < frame->batch; n++) {
        const float *a = first + n * n1, *b = second + n * n2, *of_label = by_cell + frame->labels[n];
        for (i64 i = 0; dfirst && i < n1; i++) {
            double sum = 0;
            for (i64 j = 0; j < n2; j++) sum += (double)of_label[(i * n2 + j) * classes] * (double)b[j];
            dfirst[n * n1 + i] = (float)(factor * sum);
        }
        for (i64 j = 0; dsecond && j < n2; j++) {
            double sum = 0;
            for (i64 i = 0; i < n1; i++) sum += (double)of_label[(i * n2 + j) * classes] * (double)a[i];
            dsecond[n * n2 + j] = (float)(factor * sum);
        }
    }
}
