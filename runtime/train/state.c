#include "train/state.h"

i64 mml_state_fields(MmlRunState *s, const MmlExperiment *experiment, MmlStateField fields[MML_STATE_FIELDS]) {
    i64 modalities = experiment->modality_count, groups = modalities + 1;
    const MmlStateField list[] = {
        {"stage",               0, 1, &s->stage},
        {"begun",               0, 1, &s->begun},
        {"epoch",               0, 1, &s->at.epoch},
        {"phase",               0, 1, &s->at.phase},
        {"measurement",         0, 1, &s->at.measurement},
        {"done",                0, 1, &s->at.done},
        {"finished",            0, 1, &s->at.finished},
        {"active",              0, modalities, s->at.active},
        {"trained",             0, modalities, s->at.trained},
        {"batch",               0, 1, &s->batch},
        {"steps",               0, 1, &s->steps},
        {"epochs",              0, 1, &s->epochs},
        {"optimizer.kind",      0, 1, &s->optimizer},
        {"clock.epochs",        0, 1, &s->clock.epochs},
        {"clock.steps",         0, 1, &s->clock.steps},
        {"clock.group_epochs",  0, groups, s->group_epochs},
        {"clock.group_steps",   0, groups, s->group_steps},
        {"head_reached",        0, modalities, s->head_reached},
        {"metrics_lines",       0, 1, &s->metrics_lines},
        {"probes_lines",        0, 1, &s->probes_lines},
        {"best.epoch",          0, 1, &s->best_epoch},
        {"best.stage",          0, 1, &s->best_stage},
        {"best.pending",        0, 1, &s->best_pending},
        {"best.accuracy",       1, 1, &s->best_accuracy},
        {"tally.loss",          1, 1, &s->tally.loss},
        {"tally.samples",       0, 1, &s->tally.samples},
        {"tally.loss_samples",  0, 1, &s->tally.loss_samples},
        {"tally.predicted",     0, 1, &s->tally.predicted},
        {"tally.right",         0, 1, &s->tally.right},
        {"tally.head_loss",     1, modalities, s->tally.head_loss},
        {"tally.head_samples",  0, modalities, s->tally.head_samples},
        {"tally.head_right",    0, modalities, s->tally.head_right},
        {"stage_epochs",        0, experiment->stage_count, s->stage_epochs},
    };
    i64 count = sizeof list / sizeof *list;
    for (i64 i = 0; i < count; i++) fields[i] = list[i];
    return count;
}
