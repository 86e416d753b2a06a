#include "mml/nn.h"

#include <math.h>
#include <string.h>

#include "mml/pages.h"

typedef struct {
    const MmlOptimizer *optimizer;
    i64                 steps;
    float              *p;
    const float        *g;
    float              *first, *second;
} Update;

/* Memory of the first update is made zero, in pieces that stay in the cache until the update reads them. */
#define FRESH 16384

static void forget(float *memory, i64 count) {
    mml_pages_fill(NULL, memory, sizeof *memory * (size_t)count);
    memset(memory, 0, sizeof *memory * (size_t)count);
}

static void sgd_plain(const Update *u, i64 begin, i64 end) {
    const float lr = (float)u->optimizer->lr, decay = (float)u->optimizer->weight_decay;
    float *p = u->p;
    const float *g = u->g;
    for (i64 i = begin; i < end; i++) p[i] -= lr * (g[i] + decay * p[i]);
}

static void sgd_momentum(const Update *u, i64 begin, i64 end) {
    const float lr = (float)u->optimizer->lr, decay = (float)u->optimizer->weight_decay;
    const float momentum = (float)u->optimizer->momentum;
    const int nesterov = u->optimizer->nesterov;
    float *p = u->p, *velocity = u->first;
    const float *g = u->g;
    for (i64 i = begin; i < end; i++) {
        float gradient = g[i] + decay * p[i];
        float v = momentum * velocity[i] + gradient;
        velocity[i] = v;
        p[i] -= lr * (nesterov ? gradient + momentum * v : v);
    }
}

/* The first velocity is the gradient itself, whatever the memory holds. */
static void sgd(const Update *u, i64 begin, i64 end) {
    if (u->optimizer->momentum == 0.0) {
        sgd_plain(u, begin, end);
        return;
    }
    for (i64 next = begin; u->steps == 0 && begin < end; begin = next) {
        next = end - begin < FRESH ? end : begin + FRESH;
        forget(u->first + begin, next - begin);
        sgd_momentum(u, begin, next);
    }
    if (begin < end) sgd_momentum(u, begin, end);
}

/* Kingma & Ba 2015, with the decay added to the gradient as in PyTorch's Adam. */
static void adam(const Update *u, i64 begin, i64 end) {
    const MmlOptimizer *o = u->optimizer;
    double updates = (double)(u->steps + 1);
    const float beta1 = (float)o->beta1, beta2 = (float)o->beta2, decay = (float)o->weight_decay;
    const float fresh1 = (float)(1.0 - o->beta1), fresh2 = (float)(1.0 - o->beta2), eps = (float)o->eps;
    const float step = (float)(o->lr / (1.0 - pow(o->beta1, updates)));
    const float correction = (float)(1.0 / sqrt(1.0 - pow(o->beta2, updates)));
    float *p = u->p, *mean = u->first, *square = u->second;
    const float *g = u->g;
    if (u->steps == 0)
        for (i64 i = begin; i < end; i++) mean[i] = square[i] = 0.0f;
    for (i64 i = begin; i < end; i++) {
        float gradient = g[i] + decay * p[i];
        mean[i] = beta1 * mean[i] + fresh1 * gradient;
        square[i] = beta2 * square[i] + fresh2 * gradient * gradient;
        p[i] -= step * mean[i] / (sqrtf(square[i]) * correction + eps);
    }
}

void mml_optimizer_step(const MmlOptimizer *o, i64 count, i64 steps, float *p, const float *g, float *first, float *second) {
    static void (*const rules[])(const Update *u, i64 begin, i64 end) = {[MML_SGD] = sgd, [MML_ADAM] = adam};
    Update update = {o, steps, p, g, first, second};
    rules[o->kind](&update, 0, count);
}
