#include "train/update.h"

#include <math.h>
#include <string.h>

typedef struct { MmlModel *model; const i64 *reached, *moves; } Update;

static int moves(const Update *u, i64 p) {
    return u->reached[p] && u->moves[u->model->experiment->parameters[p].group];
}

static void zero_paused_gradients(const Update *u) {
    const MmlExperiment *experiment = u->model->experiment;
    for (i64 p = 0; p < experiment->parameter_count; p++) {
        const MmlParameter *parameter = &experiment->parameters[p];
        if (moves(u, p) && u->moves[parameter->group] == 2)
            memset(u->model->gradients + parameter->offset, 0, sizeof(float) * (size_t)parameter->count);
    }
}

/* Squared norm of the gradients that move, of one group or (group < 0) of all. */
static double squared_norm(const Update *u, i64 group) {
    const MmlExperiment *experiment = u->model->experiment;
    double sum = 0;
    for (i64 p = 0; p < experiment->parameter_count; p++) {
        const MmlParameter *parameter = &experiment->parameters[p];
        if (!moves(u, p) || (group >= 0 && parameter->group != group)) continue;
        const float *gradient = u->model->gradients + parameter->offset;
        for (i64 i = 0; i < parameter->count; i++) sum += (double)gradient[i] * gradient[i];
    }
    return sum;
}

static void scale_gradients(const Update *u, i64 group, float factor) {
    const MmlExperiment *experiment = u->model->experiment;
    for (i64 p = 0; p < experiment->parameter_count; p++) {
        const MmlParameter *parameter = &experiment->parameters[p];
        if (!moves(u, p) || (group >= 0 && parameter->group != group)) continue;
        float *gradient = u->model->gradients + parameter->offset;
        for (i64 i = 0; i < parameter->count; i++) gradient[i] *= factor;
    }
}

/* As torch.nn.utils.clip_grad_norm_: the factor is clip / (norm + 1e-6), at most 1. */
static void clip_gradients(const Update *u, double clip, i64 group) {
    double factor = clip / (sqrt(squared_norm(u, group)) + 1e-6);
    if (factor < 1) scale_gradients(u, group, (float)factor);
}

/* AdamW (Loshchilov and Hutter 2019): weights shrink by lr · decay, apart from the gradient. */
static void decay(float *p, i64 count, double factor) {
    for (i64 i = 0; i < count; i++) p[i] = (float)((double)p[i] * factor);
}

/* ---- Over the threads ---- */

/* A piece is a cache line of a parameter, so that no two threads write one. Below so many waiting for the others costs
 * more than they save. */
#define PIECE         16
#define SERIAL_PIECES 1024

typedef struct { Update u; const MmlStageSettings *stage; const double *rates; } Moving;

static i64 pieces_of(const MmlParameter *parameter) { return (parameter->count + PIECE - 1) / PIECE; }

/* Floats [first, first + count) of parameter p. */
static void move(const Moving *m, i64 p, i64 first, i64 count) {
    MmlModel *model = m->u.model;
    const MmlParameter *parameter = &model->experiment->parameters[p];
    i64 at = parameter->offset + first;
    MmlOptimizer optimizer = m->stage->optimizer;
    optimizer.lr = m->rates[parameter->group];
    if (m->stage->decoupled) {
        decay(model->parameters + at, count, 1 - optimizer.lr * optimizer.weight_decay);
        optimizer.weight_decay = 0;
    }
    mml_optimizer_step(&optimizer, count, model->updates[p], model->parameters + at, model->gradients + at, model->first + at,
                       model->second ? model->second + at : NULL);
}

/* Of the pieces of all parameters that move, one parameter's behind the other's. A modality's lie together, so that what
 * a thread updates is mostly what its branch has computed (mml/branches.h). */
static void move_pieces(void *context, i64 begin, i64 end, int thread) {
    const Moving *m = context;
    const MmlExperiment *experiment = m->u.model->experiment;
    i64 before = 0;
    for (i64 p = 0; p < experiment->parameter_count && before < end; p++) {
        if (!moves(&m->u, p)) continue;
        i64 pieces = pieces_of(&experiment->parameters[p]), from = begin - before, to = end - before;
        before += pieces;
        if (from >= pieces) continue;
        i64 first = from > 0 ? from * PIECE : 0;
        move(m, p, first, (to < pieces ? to * PIECE : experiment->parameters[p].count) - first);
    }
}

void mml_update(MmlModel *model, const MmlStageSettings *stage, const i64 *reached, const i64 *group_moves,
                const double *rates, MmlThreads *threads) {
    const MmlExperiment *experiment = model->experiment;
    Moving m = {.u = {.model = model, .reached = reached, .moves = group_moves}, .stage = stage, .rates = rates};
    zero_paused_gradients(&m.u);
    if (stage->clip > 0) {
        int each = stage->stage->kind == MML_STAGE_UNIMODAL;
        for (i64 g = each ? 0 : -1; g < (each ? experiment->modality_count : 0); g++) clip_gradients(&m.u, stage->clip, g);
    }
    i64 pieces = 0;
    for (i64 p = 0; p < experiment->parameter_count; p++)
        if (moves(&m.u, p)) pieces += pieces_of(&experiment->parameters[p]);
    mml_parallel(pieces < SERIAL_PIECES ? NULL : threads, pieces, move_pieces, &m);
    for (i64 p = 0; p < experiment->parameter_count; p++)
        if (moves(&m.u, p)) model->updates[p]++;
}
