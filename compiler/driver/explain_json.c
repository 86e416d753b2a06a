#include <jansson.h>
#include <math.h>
#include <string.h>

#include "driver/explain.h"
#include "ir/branches.h"
#include "ir/ir.h"
#include "ir/kernels.h"
#include "ir/summary.h"

static json_t *text(const char *value) { return value ? json_string(value) : json_null(); }

static json_t *shape_json(Shape shape) {
    json_t *list = json_array();
    for (int i = 0; i < shape.rank; i++)
        json_array_append_new(list, shape.size[i] < 0 ? json_null() : json_integer(shape.size[i]));
    return list;
}

static json_t *settings_json(const Explanation *x) {
    json_t *list = json_array();
    for (int i = 0; i < x->program->settings.count; i++) {
        const Setting *setting = &x->program->settings.items[i];
        json_t *row = json_object();
        json_object_set_new(row, "path", text(setting->path));
        json_object_set_new(row, "type", text(type_text(x->arena, setting->type)));
        json_object_set_new(row, "value", setting->flags & SETTING_REQUIRED ? json_null() : text(setting_value_text(x, setting)));
        json_object_set_new(row, "expression", text(setting_source_text(x, setting)));
        json_object_set_new(row, "origin", text(setting->origin));
        json_object_set_new(row, "param", json_boolean(setting->flags & SETTING_PARAM));
        json_object_set_new(row, "fixed", json_boolean(setting->flags & SETTING_FIXED));
        json_object_set_new(row, "required", json_boolean(setting->flags & SETTING_REQUIRED));
        json_object_set_new(row, "doc", text(setting->doc));
        json_array_append_new(list, row);
    }
    return list;
}

static json_t *unset_json(const Explanation *x) {
    json_t *list = json_array();
    for (int i = 0; i < x->program->unset.count; i++) json_array_append_new(list, text(x->program->unset.items[i]));
    return list;
}

/* A number for each kernel; null: doesn't take the shape. */
static json_t *by_algorithm(const double *numbers, double frames) {
    json_t *object = json_object();
    for (int k = 0; k < ALGORITHMS; k++)
        json_object_set_new(object, algorithm_name((Algorithm)k), numbers[k] < INFINITY ? json_real(frames * numbers[k]) : json_null());
    return object;
}

/* Which kernel a convolution runs on, the estimates, and the seconds where measurement decided. */
static json_t *kernel_json(const Explanation *x, const Layer *layer) {
    KernelChoice choice = kernel_choice(layer->attr, x->host);
    double frames = (double)layer->frames;
    json_t *object = json_object(), *measured = choice.measured ? json_object() : json_null();
    if (choice.measured) {
        json_object_set_new(measured, "forward", by_algorithm(choice.measured->forward, frames));
        json_object_set_new(measured, "backward", by_algorithm(choice.measured->backward, frames));
    }
    json_object_set_new(object, "name", text(algorithm_name(choice.algorithm)));
    json_object_set_new(object, "block", json_integer(x->host.block));
    json_object_set_new(object, "cycles", by_algorithm(choice.cycles, frames));
    json_object_set_new(object, "seconds", measured);
    return object;
}

static json_t *network_json(const Explanation *x, const Network *network) {
    json_t *layers = json_array(), *object = json_object();
    for (int i = 0; i < network->layers.count; i++) {
        const Layer *layer = &network->layers.items[i];
        json_t *row = json_object();
        json_object_set_new(row, "name", text(layer->name));
        json_object_set_new(row, "kind", text(layer_name(layer->kind)));
        json_object_set_new(row, "shape", shape_json(layer->shape));
        json_object_set_new(row, "frames", json_integer(layer->frames));
        json_object_set_new(row, "parameters", json_integer(layer_parameters(x->program, layer)));
        json_object_set_new(row, "flops", json_integer(layer->flops));
        if (layer->kind == LAYER_CONV) json_object_set_new(row, "kernel", kernel_json(x, layer));
        json_array_append_new(layers, row);
    }
    Cost cost = network_cost(x->program, network, NULL, 0);
    json_object_set_new(object, "parameters", json_integer(cost.parameters));
    json_object_set_new(object, "flops", json_integer(cost.flops));
    json_object_set_new(object, "layers", layers);
    return object;
}

static json_t *modalities_json(const Explanation *x) {
    json_t *list = json_array();
    for (int i = 0; i < x->program->modalities.count; i++) {
        const Modality *modality = &x->program->modalities.items[i];
        json_t *row = json_object(), *steps = json_array();
        for (int j = 0; j < modality->steps.count; j++) {
            const TransformStep *step = &modality->steps.items[j];
            json_t *item = json_object();
            json_object_set_new(item, "name", text(step->name));
            json_object_set_new(item, "in", shape_json(step->in));
            json_object_set_new(item, "out", shape_json(step->out));
            json_array_append_new(steps, item);
        }
        json_object_set_new(row, "name", text(modality->name));
        json_object_set_new(row, "type", text(modality->type_text));
        json_object_set_new(row, "shape", shape_json(modality->shape));
        json_object_set_new(row, "source", text(x->program->sources.items[modality->source].name));
        json_object_set_new(row, "field", text(modality->field));
        json_object_set_new(row, "input", steps);
        json_object_set_new(row, "encoder", network_json(x, &modality->encoder));
        json_object_set_new(row, "head", network_json(x, &modality->head));
        json_array_append_new(list, row);
    }
    return list;
}

/* Branches of the modalities: whether they run side by side on this machine's threads, and the cycles of either way. */
static json_t *branches_json(const Step *step) {
    json_t *list = json_array();
    for (int r = 0; r < step->regions.count; r++) {
        const Region *region = &step->regions.items[r];
        MmlBranchPlan plan = branches_plan(region, thread_count());
        json_t *row = json_object(), *modalities = json_array();
        for (int i = 0; i < region->model.count; i++)
            json_array_append_new(modalities, text(step->program->modalities.items[region->model.branches[i].group].name));
        json_object_set_new(row, "part", text(branches_part(region)));
        json_object_set_new(row, "modalities", modalities);
        json_object_set_new(row, "side_by_side", json_boolean(branches_apart(region, thread_count())));
        json_object_set_new(row, "cycles_side_by_side", json_real(plan.apart));
        json_object_set_new(row, "cycles_one_after_the_other", json_real(plan.together));
        json_array_append_new(list, row);
    }
    return list;
}

static json_t *step_json(const Ir *ir, int index) {
    if (index < 0) return json_null();
    const Step *step = ir->steps.items[index];
    StepSummary s = step_summary(step);
    json_t *object = json_object();
    json_object_set_new(object, "fixed_bytes", json_integer(s.fixed_bytes));
    json_object_set_new(object, "sample_bytes", json_integer(s.sample_bytes));
    json_object_set_new(object, "thread_bytes", json_integer(s.thread_bytes));
    json_object_set_new(object, "flops", json_integer(s.flops));
    json_object_set_new(object, "parameters", json_integer(s.parameters));
    json_object_set_new(object, "branches", branches_json(step));
    return object;
}

/* Of the soft assignments in the stage's loss; every and samples are null where they are the probe's. */
static json_t *clusters_json(const Explanation *x, const Stage *stage) {
    json_t *list = json_array();
    for (int i = 0; i < x->program->clusterings.count; i++) {
        const Clustering *c = &x->program->clusterings.items[i];
        if (c->stage != stage->path) continue;
        json_t *row = json_object();
        json_object_set_new(row, "name", text(c->name));
        json_object_set_new(row, "modality", text(x->program->modalities.items[c->modality].name));
        json_object_set_new(row, "bins", json_integer(c->bins));
        json_object_set_new(row, "components", json_integer(c->components));
        json_object_set_new(row, "normalize", json_boolean(c->normalize));
        json_object_set_new(row, "restarts", json_integer(c->restarts));
        json_object_set_new(row, "probe", json_boolean(c->probe));
        json_object_set_new(row, "every", c->probe ? json_null() : json_integer(c->every));
        json_object_set_new(row, "samples", c->probe ? json_null() : json_integer(c->samples));
        json_array_append_new(list, row);
    }
    return list;
}

static json_t *stages_json(const Explanation *x) {
    Ir *ir = ir_build(x->arena, x->program, x->host);
    json_t *list = json_array();
    for (int i = 0; i < x->program->stages.count; i++) {
        const Stage *stage = &x->program->stages.items[i];
        json_t *row = json_object();
        json_object_set_new(row, "name", text(stage->name));
        json_object_set_new(row, "kind", text(stage->kind == STAGE_JOINT ? "joint" : "unimodal"));
        json_object_set_new(row, "policy", text(stage->policy ? stage->policy->name : NULL));
        json_object_set_new(row, "method", text(stage->method ? stage->method->name : NULL));
        json_object_set_new(row, "clusters", clusters_json(x, stage));
        json_object_set_new(row, "step", step_json(ir, ir->train[i]));
        json_object_set_new(row, "evaluation", step_json(ir, ir->evaluate[i]));
        json_array_append_new(list, row);
    }
    return list;
}

void explain_json(const Explanation *x, FILE *out) {
    const Program *program = x->program;
    json_t *object = json_object(), *target = json_object();
    int64_t total = 0;
    for (int i = 0; i < program->parameters.count; i++) total += program->parameters.items[i].count;
    json_object_set_new(target, "name", text(program->target.name));
    json_object_set_new(target, "classes", json_integer(program->target.classes));
    json_object_set_new(object, "name", text(program->name));
    json_object_set_new(object, "file", text(program->source->path));
    json_object_set_new(object, "parameters", json_integer(total));
    json_object_set_new(object, "settings", settings_json(x));
    json_object_set_new(object, "unset", unset_json(x));
    json_object_set_new(object, "modalities", modalities_json(x));
    json_object_set_new(object, "target", target);
    json_object_set_new(object, "fusion", program->has_fusion ? network_json(x, &program->fusion) : json_null());
    json_object_set_new(object, "stages", stages_json(x));
    char *line = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    if (!line) arena_exhausted(1);
    fprintf(out, "%s\n", line);
    free(line);
}
