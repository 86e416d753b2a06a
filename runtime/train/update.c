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

void mml_update(MmlModel *model, const MmlStageSettings *stage, const i64 *reached, const i64 *group_moves,
                const double *rates, MmlThreads *threads) {
    const MmlExperiment *experiment = model->experiment;
    Update u = {.model = model, .reached = reached, .moves = group_moves};
    zero_paused_gradients(&u);
    if (stage->clip > 0) {
        int each = stage->stage->kind == MML_STAGE_UNIMODAL;
        for (i64 g = each ? 0 : -1; g < (each ? experiment->modality_count : 0); g++) clip_gradients(&u, stage->clip, g);
    }
    for (i64 p = 0; p < experiment->parameter_count; p++) {
        if (!moves(&u, p)) continue;
        const MmlParameter *parameter = &experiment->parameters[p];
        float *second = model->second ? model->second + parameter->offset : NULL;
        MmlOptimizer optimizer = stage->optimizer;
        optimizer.lr = rates[parameter->group];
        if (stage->decoupled) {
            decay(model->parameters + parameter->offset, parameter->count, 1 - optimizer.lr * optimizer.weight_decay);
            optimizer.weight_decay = 0;
        }
        mml_optimizer_step(&optimizer, threads, parameter->count, model->updates[p], model->parameters + parameter->offset,
                           model->gradients + parameter->offset, model->first + parameter->offset, second);
        model->updates[p]++;
    }
}
