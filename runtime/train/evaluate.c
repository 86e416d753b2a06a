#include "train/evaluate.h"

#include "train/interrupt.h"

i64 mml_argmax(const float *logits, i64 k) {
    i64 best = 0;
    for (i64 i = 1; i < k; i++)
        if (logits[i] > logits[best]) best = i;
    return best;
}

Status mml_pass(MmlRun *run, const MmlStageSettings *stage, MmlSplit split, const i64 *rows, i64 n, int loss,
                MmlBatchVisitor visit, void *context) {
    MmlWork *work = &run->work;
    i64 capacity = mml_work_capacity(work, stage);
    mml_work_evaluate_flags(work, run->state.at.active);
    work->frame.seed = stage->seed;
    work->frame.step = (u64)run->state.steps;
    work->frame.state = run->state.at.method;
    work->frame.decomposer = loss ? work->decomposer : NULL;
    for (i64 from = 0; from < n; from += capacity) {
        if (mml_interrupted()) return mml_fail(MML_EINTERRUPT, "stopped in stage %s, outside of training", stage->stage->name);
        i64 count = n - from < capacity ? n - from : capacity;
        for (i64 i = 0; i < count; i++) work->order[i] = rows ? rows[from + i] : from + i;
        MML_TRY(mml_work_load(work, split, work->order, count, run->state.epochs + 1, 0));
        mml_work_run(work, stage->stage->evaluate, capacity);
        const char *failure = mml_decomposer_failure(work->frame.decomposer);
        if (failure) return mml_fail(MML_ENUMERIC, "stage %s, evaluation: the loss: %s", stage->stage->name, failure);
        MML_TRY(visit(context, work, from));
    }
    return MML_OK;
}

typedef struct { MmlTally tally; const MmlStage *stage; i64 *confusion; } Evaluation;

static Status add_batch(void *context, const MmlWork *work, i64 first) {
    Evaluation *evaluation = context;
    mml_tally_add(&evaluation->tally, work, evaluation->stage);
    if (!evaluation->confusion || !work->frame.prediction) return MML_OK;
    i64 classes = work->experiment->target.classes;
    for (i64 i = 0; i < work->frame.batch; i++)
        evaluation->confusion[work->labels[i] * classes + mml_argmax(work->frame.prediction + i * classes, classes)]++;
    return MML_OK;
}

Status mml_evaluate(MmlRun *run, const MmlStageSettings *stage, MmlSplit split, MmlMetrics *out, i64 *confusion) {
    double started = mml_now();
    Evaluation evaluation = {.stage = stage->stage, .confusion = confusion};
    MML_TRY(mml_pass(run, stage, split, NULL, mml_data_count(run->data, split), 1, add_batch, &evaluation));
    *out = mml_tally_metrics(&evaluation.tally, stage->stage, run->experiment->modality_count, run->state.head_reached, run->state.at.active);
    out->seconds = mml_now() - started;
    return MML_OK;
}
