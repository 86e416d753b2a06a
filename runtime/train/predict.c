#define _GNU_SOURCE
#include "train/predict.h"

#include "train/evaluate.h"
#include "train/files.h"

#include <libgen.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The last joint stage, or NULL. */
static const MmlStageSettings *predicting_stage(const MmlRun *run) {
    for (i64 i = run->experiment->stage_count - 1; i >= 0; i--)
        if (run->stages[i].stage->kind == MML_STAGE_JOINT) return &run->stages[i];
    return NULL;
}

/* The file is replaced by a rename, which would put a plain file in the place
 * of a device or a link (/dev/stdout): only a plain file is replaced. */
static Status check_replaceable(const char *path) {
    struct stat status;
    if (lstat(path, &status) != 0 || S_ISREG(status.st_mode)) return MML_OK;
    return mml_fail(MML_EIO, "--predict: %s is not a regular file; name another", path);
}

Status mml_predict_check(const MmlRun *run, const char *path) {
    if (!mml_data_count(run->data, MML_TEST)) return mml_fail(MML_ECALL, "--predict: the data have no test split");
    if (!predicting_stage(run)) return mml_fail(MML_ECALL, "--predict: the program has no joint stage, so nothing predicts");
    MML_TRY(check_replaceable(path));
    char *copy = strdup(path);
    if (!copy) return mml_fail(MML_ENOMEM, "out of memory for a path");
    const char *folder = dirname(copy);
    Status status = mml_exists(folder) ? mml_folder_writable(folder) : mml_fail(MML_EIO, "--predict: there is no folder %s", folder);
    free(copy);
    return status;
}

typedef struct { MmlReplacement file; double *probability; } Output;

static void softmax(const float *logits, i64 k, double *out) {
    double largest = logits[mml_argmax(logits, k)], sum = 0;
    for (i64 i = 0; i < k; i++) sum += out[i] = exp(logits[i] - largest);
    for (i64 i = 0; i < k; i++) out[i] /= sum;
}

static Status put(Output *output, const char *format, ...) __attribute__((format(printf, 2, 3)));

static Status put(Output *output, const char *format, ...) {
    char text[64];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return mml_replace_write(&output->file, text, (size_t)length);
}

static Status put_batch(void *context, const MmlWork *work, i64 first) {
    Output *output = context;
    i64 k = work->experiment->target.classes;
    if (!work->frame.prediction) return mml_fail(MML_EBUG, "an evaluation step of a joint stage gives no prediction");
    for (i64 i = 0; i < work->frame.batch; i++) {
        const float *logits = work->frame.prediction + i * k;
        softmax(logits, k, output->probability);
        MML_TRY(put(output, "%lld,%lld", (long long)work->batch.labels[i], (long long)mml_argmax(logits, k)));
        for (i64 c = 0; c < k; c++) MML_TRY(put(output, ",%.9g", output->probability[c]));
        MML_TRY(put(output, "\n"));
    }
    return MML_OK;
}

static Status put_all(MmlRun *run, Output *output) {
    const MmlStageSettings *stage = predicting_stage(run);
    run->state.at.method = run->state.stages[stage - run->stages].method;
    MML_TRY(put(output, "label,prediction"));
    for (i64 c = 0; c < run->experiment->target.classes; c++) MML_TRY(put(output, ",p%lld", (long long)c));
    MML_TRY(put(output, "\n"));
    return mml_pass(run, stage, MML_TEST, NULL, mml_data_count(run->data, MML_TEST), 0, put_batch, output);
}

Status mml_predict_write(MmlRun *run, const char *path) {
    Output output = {.probability = MML_NEW(run->arena, double, run->experiment->target.classes)};
    if (!output.probability) return MML_ENOMEM;
    MML_TRY(mml_replace_begin(&output.file, path));
    Status status = put_all(run, &output);
    if (status == MML_OK) return mml_replace_commit(&output.file);
    mml_replace_abandon(&output.file);
    return status;
}
