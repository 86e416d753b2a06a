#include "ir/build.h"

#include "ir/gradient.h"
#include "ir/layout.h"
#include "ir/loss.h"

static Step *step_new(Arena *arena, const Program *program, const char *name, KernelHost host, int train) {
    Step *step = NEW(arena, Step);
    step->name    = name;
    step->program = program;
    step->host    = host;
    step->train   = train;
    step->reached = NEW_ARRAY(arena, char, program->parameters.count + 1);
    step->prediction = step->loss = -1;
    for (int m = 0; m < MML_MAX_MODALITIES; m++) step->features[m] = step->losses[m] = step->logits[m] = -1;
    step->logits[MML_MAX_MODALITIES] = -1;
    return step;
}

static int encode(Builder *b, int m) {
    const Modality *modality = &b->program->modalities.items[m];
    int input = graph_input(b, m);
    return graph_network(b, &modality->encoder, &input, m, arena_printf(b->arena, "encoder.%s", modality->name));
}

Step *build_unimodal(Arena *arena, const Program *program, const char *name, KernelHost host, int train) {
    Step *step = step_new(arena, program, name, host, train);
    step->unimodal = 1;
    Builder b = builder_new(arena, program, step);
    for (int m = 0; m < program->modalities.count; m++) {
        const Modality *modality = &program->modalities.items[m];
        int from = step->nodes.count;
        step->features[m] = encode(&b, m);
        step->logits[m]   = graph_network(&b, &modality->head, &step->features[m], m,
                                          arena_printf(arena, "head.%s", modality->name));
        Attribute classes = {.i = program->target.classes};
        step->losses[m] = graph_apply(&b, &(Operation){
            .op = IR_CE, .attributes = &classes, .input_count = 1, .inputs = &step->logits[m],
            .parameters = {-1, -1}, .statistics = {-1, -1}, .group = m, .factor = -1,
            .name = arena_printf(arena, "loss.%s", modality->name), .flops = 5 * classes.i, .span = modality->span});
        layout_blocked(&b, from);
        if (train) gradient_of(&b, step->losses[m], from);
    }
    return step;
}

Step *build_joint(Arena *arena, const Program *program, const Stage *stage, const char *name, KernelHost host, int train) {
    Step *step = step_new(arena, program, name, host, train);
    int modalities = program->modalities.count;
    Builder b = builder_new(arena, program, step);
    JointParts parts = {.b = &b};
    for (int m = 0; m < modalities; m++) step->features[m] = parts.features[m] = encode(&b, m);
    parts.joint = step->logits[modalities] = graph_network(&b, &program->fusion, parts.features, modalities, "fusion");
    for (int m = 0; m < modalities && !train; m++) joint_head(&parts, m);
    step->loss       = loss_lower(&parts, train ? stage->method->training_loss : stage->method->loss);
    step->prediction = stage->method->predict ? loss_lower(&parts, stage->method->predict) : parts.joint;
    layout_blocked(&b, 0);
    if (train) gradient_of(&b, step->loss, 0);
    return step;
}
