#include "ir/summary.h"

StepSummary step_summary(const Step *step) {
    StepSummary summary = {.name = step->name, .fixed_bytes = step->fixed_bytes, .sample_bytes = step->sample_bytes,
                           .thread_bytes = step->thread_bytes};
    for (int n = 0; n < step->nodes.count; n++) {
        const Node *node = &step->nodes.items[n];
        summary.flops += node->flops;
        if (!node->backward && node->guard != GUARD_ACTIVE) summary.forward_flops += node->flops;
    }
    for (int p = 0; p < step->program->parameters.count; p++)
        if (step->reached[p]) summary.parameters += step->program->parameters.items[p].count;
    return summary;
}
