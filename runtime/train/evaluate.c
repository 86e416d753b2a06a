#include "train/evaluate.h"

#include "train/interrupt.h"

i64 mml_argmax(const float *logits, i64 k) {
    i64 best = 0;
    for (i64 i = 1; i < k; i++)
        if (logits[i] > logits[best]) best = i;
    return best;
}

/* The batch from the order's row number `from` on. */
static MmlBatchPlan plan_at(const MmlRun *run, MmlSplit split, i64 n, i64 from, i64 capacity) {
    return (MmlBatchPlan){split, run->work.order + from, n - from < capacity ? n - from : capacity, run->state.epochs + 1, 0};
}

static Status pass(MmlRun *run, const MmlStageSettings *stage, MmlSplit split, const i64 *rows, i64 n, int loss,
                   MmlBatchVisitor visit, void *context) {
    MmlWork *work = &run->work;
    i64 capacity = mml_work_capacity(work, stage);
    mml_work_evaluate_flags(work, run->state.at.active);
    work->frame.seed = stage->seed;
    work->frame.step = (u64)run->state.steps;
    work->frame.state = run->state.at.method;
    work->frame.decomposer = loss ? work->decomposer : NULL;
    for (i64 i = 0; i < n; i++) work->order[i] = rows ? rows[i] : i;
    for (i64 from = 0; from < n; from += capacity) {
        if (mml_interrupted()) return mml_fail(MML_EINTERRUPT, "stopped in stage %s, outside of training", stage->stage->name);
        MmlBatchPlan plan = plan_at(run, split, n, from, capacity), next = plan_at(run, split, n, from + capacity, capacity);
        MML_TRY(mml_work_load(work, &plan));
        if (next.n > 0) mml_work_load_ahead(work, &next);
        mml_work_run(work, stage->stage->evaluate, capacity);
        const char *failure = mml_decomposer_failure(work->frame.decomposer);
        if (failure) return mml_fail(MML_ENUMERIC, "stage %s, evaluation: the loss: %s", stage->stage->name, failure);
        MML_TRY(visit(context, work, from));
    }
    return MML_OK;
}

/* What was asked for and not taken, after a failure, must not go on reading. */
Status mml_pass(MmlRun *run, const MmlStageSettings *stage, MmlSplit split, const i64 *rows, i64 n, int loss,
                MmlBatchVisitor visit, void *context) {
    Status status = pass(run, stage, split, rows, n, loss, visit, context);
    if (status != MML_OK) mml_loader_forget(run->work.loader);
    return status;
}

typedef struct { MmlTally tally; const MmlStage *stage; i64 *confusion; } Evaluation;

static Status add_batch(void *context, const MmlWork *work, i64 first) {
    Evaluation *evaluation = context;
    mml_tally_add(&evaluation->tally, work, evaluation->stage);
    if (!evaluation->confusion || !work->frame.prediction) return MML_OK;
    i64 classes = work->experiment->target.classes;
    for (i64 i = 0; i < work->frame.batch; i++)
        evaluation->confusion[work->batch.labels[i] * classes + mml_argmax(work->frame.prediction + i * classes, classes)]++;
    return MML_OK;
}

Status mml_evaluate(MmlRun *run, const MmlStageSettings *stage, MmlSplit split, MmlMetrics *out, i64 *confusion) {
    double started = mml_now(), waited = run->work.load_seconds;
    Evaluation evaluation = {.stage = stage->stage, .confusion = confusion};
    MML_TRY(mml_pass(run, stage, split, NULL, mml_data_count(run->data, split), 1, add_batch, &evaluation));
    *out = mml_tally_metrics(&evaluation.tally, stage->stage, run->experiment->modality_count, run->state.head_reached, run->state.at.active);
    out->seconds = mml_now() - started;
    out->load_seconds = run->work.load_seconds - waited;
    return MML_OK;
}
