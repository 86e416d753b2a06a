#define _GNU_SOURCE
#include "train/trajectory.h"

#include "train/checkpoint.h"
#include "train/files.h"
#include "train/folder.h"
#include "train/json_read.h"
#include "train/safetensors.h"
#include "train/step.h"
#include "train/tensor_list.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct MmlTrajectory {
    MmlRun  *run;
    i64      lines;                          /* epochs logged                              */
    json_t **logged[MML_SPLITS];             /* [lines] lines of metrics.jsonl, or NULL    */
    i64      epoch;                          /* the one taken over last                    */
    i64      last[MML_MAX_MODALITIES];       /* the last in which each was trained; 0: none */
};

static const char *kept_path(const char *folder, i64 epoch, MmlArena *arena) {
    return mml_arena_format(arena, "%s/epoch-%lld.trajectory", folder, (long long)epoch);
}

Status mml_trajectory_keep(MmlRun *run) {
    const char *path = kept_path(run->folder, run->state.at.done, run->arena);
    return path ? mml_checkpoint_write(run, path) : MML_ENOMEM;
}

/* ---- What was logged ---- */

static i64 split_of(const json_t *line) {
    const char *name = json_string_value(json_object_get(line, "split"));
    for (int split = 0; name && split < MML_SPLITS; split++)
        if (!strcmp(mml_split_name(split), name)) return split;
    return -1;
}

static void take_line(MmlTrajectory *t, const char *stage, json_t *line) {
    const char *of = json_string_value(json_object_get(line, "stage"));
    i64 epoch = json_integer_value(json_object_get(line, "epoch")), split = split_of(line);
    if (of && !strcmp(of, stage) && split >= 0 && epoch >= 1 && epoch <= t->lines && !t->logged[split][epoch - 1])
        t->logged[split][epoch - 1] = json_incref(line);
}

static Status read_lines(MmlTrajectory *t, char *bytes) {
    MmlRun *run = t->run;
    t->lines = run->stages[0].epochs;
    for (int split = 0; split < MML_SPLITS; split++) {
        t->logged[split] = MML_NEW(run->arena, json_t *, t->lines + 1);
        if (!t->logged[split]) return MML_ENOMEM;
    }
    for (char *text; (text = strsep(&bytes, "\n"));) {
        json_t *line = json_loads(text, 0, NULL);
        if (line) take_line(t, run->experiment->stages[0].name, line);
        json_decref(line);
    }
    return MML_OK;
}

Status mml_trajectory_open(MmlRun *run, MmlTrajectory **out) {
    MmlTrajectory *t = MML_NEW(run->arena, MmlTrajectory, 1);
    const char *path = mml_arena_format(run->arena, "%s/metrics.jsonl", run->share->from);
    char *bytes;
    size_t count;
    *out = t;
    if (!t || !path) return MML_ENOMEM;
    t->run = run;
    MML_TRY(mml_read_file(path, &bytes, &count));
    Status status = read_lines(t, bytes);
    free(bytes);
    return status;
}

void mml_trajectory_close(MmlTrajectory *t) {
    for (int split = 0; t && split < MML_SPLITS; split++)
        for (i64 e = 0; t->logged[split] && e < t->lines; e++) json_decref(t->logged[split][e]);
}

/* ---- Epochs ---- */

void mml_trajectory_train(MmlTrajectory *t, const MmlStageSettings *stage, i64 epoch) {
    mml_pass_epoch(t->run, stage);
    t->epoch = epoch;
    for (i64 m = 0; m < t->run->experiment->modality_count; m++)
        if (t->run->state.at.active[m]) t->last[m] = epoch;
}

/* A modality that pauses is not run in a train pass, and stays what it was in the others. */
Status mml_trajectory_metrics(MmlTrajectory *t, MmlSplit split, MmlMetrics *out) {
    const MmlRun *run = t->run;
    const i64 *active = run->state.at.active;
    i64 any = 0;
    *out = (MmlMetrics){.accuracy = NAN};
    for (i64 m = 0; m < MML_MAX_MODALITIES; m++) out->head_accuracy[m] = out->head_loss[m] = NAN;
    for (i64 m = 0; m < run->experiment->modality_count; m++) {
        i64 epoch = split == MML_TRAIN && !active[m] ? 0 : t->last[m];
        const json_t *line = epoch ? t->logged[split][epoch - 1] : NULL;
        if (epoch && !line)
            return mml_fail(MML_EDATA, "%s/metrics.jsonl has no line of epoch %lld, split %s", run->share->from, (long long)epoch, mml_split_name(split));
        any |= active[m];
        if (!epoch) continue;
        out->head_accuracy[m] = mml_json_number(line, "head", run->experiment->modalities[m].name);
        out->head_loss[m] = mml_json_number(line, "head_loss", run->experiment->modalities[m].name);
    }
    out->loss = mml_active_loss(out->head_loss, active, run->experiment->modality_count);
    out->samples = split != MML_TRAIN || any ? mml_data_count(run->data, split) : 0;
    return MML_OK;
}

/* ---- Weights ---- */

static Status read_whole(const MmlSafetensors *file, const MmlTensor *here) {
    const MmlTensor *there = mml_safetensors_find(file, here->name);
    return there && mml_same_shape(here, there) ? mml_safetensors_read(file, there, here->data) : mml_tensor_differs(file, here);
}

static Status read_vector(const MmlSafetensors *file, const char *name, MmlDtype dtype, i64 count, void *out) {
    MmlTensor here = {.name = name, .dtype = dtype, .rank = 1, .size = {count}, .count = count, .data = out};
    return read_whole(file, &here);
}

/* Parameters and statistics have tensors of their own. */
static Status read_named(MmlRun *run, const MmlSafetensors *file, i64 group, MmlArena *arena) {
    MmlTensorList list = {.arena = arena};
    const MmlExperiment *experiment = run->experiment;
    mml_list_parameters(&list, run);
    MML_TRY(list.status);
    for (i64 i = 0; i < list.count; i++) {
        i64 of = i < experiment->parameter_count ? experiment->parameters[i].group : experiment->statistics[i - experiment->parameter_count].group;
        if (of == group) MML_TRY(read_whole(file, &list.tensors[i]));
    }
    return MML_OK;
}

/* The optimiser's memory lies in one vector over all groups. */
static Status read_memory(MmlRun *run, const MmlSafetensors *file, i64 group, MmlArena *arena) {
    const MmlExperiment *experiment = run->experiment;
    MmlModel *model = &run->model;
    i64 floats = experiment->parameter_floats, parameters = experiment->parameter_count, tracked[MML_MAX_GROUPS];
    float *memory = MML_NEW(arena, float, floats), *own[] = {model->first, model->second};
    i64 *updates = MML_NEW(arena, i64, parameters);
    static const char *const names[] = {"mml.optimizer.first", "mml.optimizer.second"};
    if (!memory || !updates) return MML_ENOMEM;
    for (int i = 0; i < 2 && own[i]; i++) {
        MML_TRY(read_vector(file, names[i], MML_DTYPE_F32, floats, memory));
        for (i64 p = 0; p < parameters; p++) {
            const MmlParameter *parameter = &experiment->parameters[p];
            if (parameter->group == group)
                memcpy(own[i] + parameter->offset, memory + parameter->offset, sizeof(float) * (size_t)parameter->count);
        }
    }
    MML_TRY(read_vector(file, "mml.optimizer.updates", MML_DTYPE_I64, parameters, updates));
    MML_TRY(read_vector(file, "mml.tracked", MML_DTYPE_I64, experiment->modality_count + 1, tracked));
    for (i64 p = 0; p < parameters; p++)
        if (experiment->parameters[p].group == group) model->updates[p] = updates[p];
    model->tracked[group] = tracked[group];
    return MML_OK;
}

static Status read_modality(MmlRun *run, const char *path, i64 m) {
    MmlSafetensors *file;
    MML_TRY(mml_safetensors_open(path, &file));
    MmlArena *arena = mml_arena_new();
    Status status = arena ? read_named(run, file, m, arena) : MML_ENOMEM;
    if (status == MML_OK) status = read_memory(run, file, m, arena);
    mml_arena_free(arena);
    mml_safetensors_close(file);
    return status;
}

Status mml_trajectory_weights(MmlTrajectory *t) {
    MmlRun *run = t->run;
    for (i64 m = 0; m < run->experiment->modality_count; m++) {
        if (!t->last[m]) continue;
        const char *path = kept_path(run->share->from, t->last[m], run->arena);
        if (!path) return MML_ENOMEM;
        MML_TRY(read_modality(run, path, m));
    }
    return MML_OK;
}
