#include "train/modes.h"

#include "train/clusters.h"
#include "train/interrupt.h"
#include "train/predict.h"
#include "train/safetensors.h"
#include "train/step.h"
#include "train/summary.h"
#include "train/trainer.h"
#include "train/weights.h"

#include <math.h>

/* The stage's first train batch, as its first epoch would draw it. */
static Status load_first_batch(MmlRun *run, i64 index) {
    const MmlStageSettings *stage = &run->stages[index];
    i64 count = mml_data_count(run->data, MML_TRAIN), capacity = mml_work_capacity(&run->work, stage);
    MML_TRY(mml_data_order(run->data, stage->seed, index, 1, run->work.order));
    MmlBatchPlan plan = {MML_TRAIN, run->work.order, count < capacity ? count : capacity, 1, 1};
    return mml_work_load(&run->work, &plan);
}

/* ---- --check ---- */

Status mml_mode_check(MmlRun *run) {
    for (i64 i = 0; i < run->experiment->stage_count; i++) {
        const MmlStageSettings *stage = &run->stages[i];
        if (stage->epochs == 0) continue;
        MML_TRY(mml_trainer_begin_stage(run, i));
        MML_TRY(mml_clusters_refit(run, stage, 1));
        MML_TRY(load_first_batch(run, i));
        MML_TRY(mml_train_batch(run, stage, 1, 0));
        mml_screen_line(&run->screen, "%-9s one batch of %lld samples: loss %.4f", stage->stage->name,
                        (long long)run->work.frame.batch, run->work.frame.loss);
    }
    mml_screen_line(&run->screen, "%lld samples skipped; everything checked, nothing written", (long long)mml_data_skipped(run->data));
    return MML_OK;
}

/* ---- --overfit-batch ---- */

#define OVERFIT_STEPS 200

static double accuracy_of(const MmlRun *run, const MmlStage *stage) {
    i64 reached[MML_MAX_MODALITIES];
    for (int m = 0; m < MML_MAX_MODALITIES; m++) reached[m] = 1;
    MmlMetrics metrics = mml_tally_metrics(&run->state.tally, stage, run->experiment->modality_count, reached, run->state.at.active);
    double sum = 0;
    if (stage->kind == MML_STAGE_JOINT) return metrics.accuracy;
    for (i64 m = 0; m < run->experiment->modality_count; m++) sum += metrics.head_accuracy[m];
    return sum / (double)run->experiment->modality_count;
}

static Status overfit_stage(MmlRun *run, i64 index) {
    const MmlStageSettings *stage = &run->stages[index];
    double first = NAN, last = NAN;
    char text[16];
    mml_initialise(run->experiment, (u64)mml_int(&run->settings, "train.seed"), run->threads, run->model.parameters, run->model.statistics);
    MML_TRY(mml_trainer_begin_stage(run, index));
    MML_TRY(mml_clusters_refit(run, stage, 1));
    for (int step = 1; step <= OVERFIT_STEPS; step++) {
        if (mml_interrupted()) return mml_fail(MML_EINTERRUPT, "stopped");
        MML_TRY(load_first_batch(run, index));
        run->state.tally = (MmlTally){0};
        MML_TRY(mml_train_batch(run, stage, 1, step - 1));
        last = run->work.frame.loss;
        if (step == 1) first = last;
        if (step == 1 || step == 10 || step % 50 == 0)
            mml_screen_line(&run->screen, "%-9s step %3d: loss %.4f, accuracy on the batch %s", stage->stage->name, step,
                            last, mml_percent(accuracy_of(run, stage->stage), text));
    }
    if (last < first) return MML_OK;
    return mml_fail(MML_ENUMERIC,
                    "--overfit-batch: stage %s cannot fit one batch: its loss was %.4f and is %.4f after %d steps; look at its learning rate and encoders",
                    stage->stage->name, first, last, OVERFIT_STEPS);
}

Status mml_mode_overfit(MmlRun *run) {
    for (i64 i = 0; i < run->experiment->stage_count; i++)
        if (run->stages[i].epochs > 0) MML_TRY(overfit_stage(run, i));
    return MML_OK;
}

/* ---- --eval ---- */

/* A checkpoint of ours says which heads were trained and how long each stage ran; of other weights every head counts. */
static Status read_history(MmlRun *run) {
    MmlSafetensors *file;
    i64 modalities = run->experiment->modality_count, stages = run->experiment->stage_count;
    for (i64 m = 0; m < modalities; m++) run->state.head_reached[m] = run->state.at.active[m] = 1;
    MML_TRY(mml_safetensors_open(run->call.eval, &file));
    const MmlTensor *reached = mml_safetensors_find(file, "mml.state.head_reached"), *epochs = mml_safetensors_find(file,
            "mml.state.stage_epochs");
    Status status = MML_OK;
    if (reached && reached->dtype == MML_DTYPE_I64 && reached->count == modalities) status = mml_safetensors_read(file,
            reached, run->state.head_reached);
    if (status == MML_OK && epochs && epochs->dtype == MML_DTYPE_I64
        && epochs->count == stages) status = mml_safetensors_read(file, epochs, run->state.stage_epochs);
    mml_safetensors_close(file);
    return status;
}

Status mml_mode_eval(MmlRun *run) {
    MmlMatch match;
    MmlSummary summary;
    MML_TRY(mml_weights_read(run, run->call.eval, 1, -1, &match, NULL));
    MML_TRY(mml_fitted_read(run, run->call.eval));
    MML_TRY(read_history(run));
    const MmlStageSettings *stage = mml_last_stage(run);
    run->state.at.method = run->state.stages[stage - run->stages].method;
    MML_TRY(mml_summary_make(run, 1, &summary));
    mml_summary_eval_print(run, &summary);
    if (run->call.predict) MML_TRY(mml_predict_write(run, run->call.predict));
    if (!run->call.json) return MML_OK;
    MmlJson json = {0};
    mml_summary_eval_json(run, &summary, &json);
    Status status = mml_json_status(&json);
    if (status == MML_OK) fputs(json.text, stdout);
    mml_json_free(&json);
    return status;
}
