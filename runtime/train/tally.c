#include "train/tally.h"

#include <math.h>

void mml_tally_add(MmlTally *tally, const MmlWork *work, const MmlStage *stage) {
    const MmlFrame *frame = &work->frame;
    i64 n = frame->batch, classes = work->experiment->target.classes, right;
    double cross_entropy, prediction = NAN;
    for (i64 m = 0; m + 1 < work->groups; m++) {
        if (!work->logits[m]) continue;
        mml_score(work->logits[m], work->batch.labels, n, classes, &cross_entropy, &right);
        tally->head_loss[m] += cross_entropy * (double)n;
        tally->head_right[m] += right;
        tally->head_samples[m] += n;
    }
    if (frame->prediction) {
        mml_score(frame->prediction, work->batch.labels, n, classes, &prediction, &right);
        tally->right += right;
        tally->predicted += n;
    }
    tally->samples += n;
    if (stage->kind == MML_STAGE_UNIMODAL) return;
    tally->loss += (isnan(frame->loss) ? prediction : frame->loss) * (double)n;
    tally->loss_samples += n;
}

static double ratio(double sum, i64 count) { return count ? sum / (double)count : NAN; }

double mml_active_loss(const double *head_loss, const i64 *active, i64 modalities) {
    double sum = 0;
    int any = 0;
    for (i64 m = 0; m < modalities; m++) {
        if (!active[m]) continue;
        sum += head_loss[m];
        any = 1;
    }
    return any ? sum : NAN;
}

MmlMetrics mml_tally_metrics(const MmlTally *tally, const MmlStage *stage, i64 modalities, const i64 *reached, const i64 *active) {
    MmlMetrics metrics = {
        .loss = ratio(tally->loss, tally->loss_samples),
        .accuracy = stage->kind == MML_STAGE_JOINT ? ratio((double)tally->right, tally->predicted) : NAN,
        .samples = tally->samples,
    };
    for (i64 m = 0; m < MML_MAX_MODALITIES; m++) {
        int reported = m < modalities && reached[m];
        metrics.head_accuracy[m] = reported ? ratio((double)tally->head_right[m], tally->head_samples[m]) : NAN;
        metrics.head_loss[m] = reported ? ratio(tally->head_loss[m], tally->head_samples[m]) : NAN;
    }
    if (stage->kind == MML_STAGE_UNIMODAL) metrics.loss = mml_active_loss(metrics.head_loss, active, modalities);
    return metrics;
}
