#include "train/model.h"

#include <math.h>
#include <string.h>

Status mml_model_new(const MmlExperiment *experiment, u64 seed, int needs_second, MmlThreads *threads, MmlArena *arena, MmlModel *out) {
    i64 floats = experiment->parameter_floats;
    *out = (MmlModel){.experiment = experiment};
    out->parameters = MML_NEW(arena, float, floats);
    out->gradients = MML_NEW(arena, float, floats);
    out->statistics = MML_NEW(arena, float, experiment->statistic_floats);
    out->first = MML_NEW(arena, float, floats);
    out->updates = MML_NEW(arena, i64, experiment->parameter_count);
    if (needs_second) out->second = MML_NEW(arena, float, floats);
    if (!out->parameters || !out->gradients || !out->statistics || !out->first || !out->updates || (needs_second && !out->second))
        return MML_ENOMEM;
    return mml_initialise_begin(experiment, seed, threads, out->parameters, out->statistics, &out->fresh);
}

void mml_model_ready(MmlModel *model, MmlThreads *threads) {
    mml_initialise_end(model->fresh, threads);
    model->fresh = NULL;
}

void mml_model_free(MmlModel *model) {
    mml_initialise_abandon(model->fresh);
    model->fresh = NULL;
}

/* Memory of a parameter that was never updated is zero already. */
void mml_model_forget_updates(MmlModel *model) {
    for (i64 p = 0; p < model->experiment->parameter_count; p++) {
        const MmlParameter *parameter = &model->experiment->parameters[p];
        size_t bytes = sizeof(float) * (size_t)parameter->count;
        if (!model->updates[p]) continue;
        memset(model->first + parameter->offset, 0, bytes);
        if (model->second) memset(model->second + parameter->offset, 0, bytes);
        model->updates[p] = 0;
    }
}

const char *mml_model_first_bad(const MmlModel *model) {
    for (i64 p = 0; p < model->experiment->parameter_count; p++) {
        const MmlParameter *parameter = &model->experiment->parameters[p];
        const float *values = model->parameters + parameter->offset;
        for (i64 i = 0; i < parameter->count; i++)
            if (!isfinite(values[i])) return parameter->name;
    }
    return NULL;
}
