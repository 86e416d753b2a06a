#include "train/tensor_list.h"

#include <string.h>

static void add(MmlTensorList *list, const char *name, MmlDtype dtype, int rank, const i64 *size, i64 count, void *data) {
    if (!name) list->status = MML_ENOMEM;
    if (list->status != MML_OK || !count) return;
    MmlTensor *tensors = MML_GROW(list->arena, list->tensors, list->count, &list->room, 128);
    if (!tensors) {
        list->status = MML_ENOMEM;
        return;
    }
    list->tensors = tensors;
    MmlTensor *tensor = &list->tensors[list->count++];
    *tensor = (MmlTensor){.name = name, .dtype = dtype, .rank = rank, .count = count, .data = data};
    for (int i = 0; i < rank; i++) tensor->size[i] = size[i];
}

static void add_vector(MmlTensorList *list, const char *name, MmlDtype dtype, i64 count, void *data) {
    add(list, name, dtype, 1, &count, count, data);
}

void mml_list_parameters(MmlTensorList *list, MmlRun *run) {
    const MmlExperiment *experiment = run->experiment;
    for (i64 i = 0; i < experiment->parameter_count; i++) {
        const MmlParameter *p = &experiment->parameters[i];
        add(list, p->name, MML_DTYPE_F32, (int)p->shape.rank, p->shape.size, p->count, run->model.parameters + p->offset);
    }
    for (i64 i = 0; i < experiment->statistic_count; i++) {
        const MmlStatistic *s = &experiment->statistics[i];
        add_vector(list, s->name, MML_DTYPE_F32, s->count, run->model.statistics + s->offset);
    }
}

/* PyTorch keeps a counter beside each pair of running statistics. */
static void add_tracked(MmlTensorList *list, MmlRun *run) {
    static const char mean[] = ".running_mean";
    for (i64 i = 0; i < run->experiment->statistic_count; i++) {
        const MmlStatistic *s = &run->experiment->statistics[i];
        size_t length = strlen(s->name), ending = sizeof mean - 1;
        if (length <= ending || strcmp(s->name + length - ending, mean)) continue;
        const char *name = mml_arena_format(list->arena, "%.*s.num_batches_tracked", (int)(length - ending), s->name);
        add(list, name, MML_DTYPE_I64, 0, NULL, 1, &run->model.tracked[s->group]);
    }
}

static void add_fitted(MmlTensorList *list, MmlRun *run) {
    const char *name;
    float *values;
    i64 count;
    for (i64 i = 0; mml_data_fitted(run->data, i, &name, &values, &count); i++) add_vector(list, name, MML_DTYPE_F32, count, values);
}

static void add_optimizer(MmlTensorList *list, MmlRun *run) {
    const MmlExperiment *experiment = run->experiment;
    MmlModel *model = &run->model;
    add_vector(list, "mml.optimizer.first", MML_DTYPE_F32, experiment->parameter_floats, model->first);
    if (model->second) add_vector(list, "mml.optimizer.second", MML_DTYPE_F32, experiment->parameter_floats, model->second);
    add_vector(list, "mml.optimizer.updates", MML_DTYPE_I64, experiment->parameter_count, model->updates);
    add_vector(list, "mml.tracked", MML_DTYPE_I64, experiment->modality_count + 1, model->tracked);
}

static int is_text(const MmlState *state) { return state->type == MML_STRING || state->type == MML_PATH; }

/* Words of a rule: integers and doubles as they lie in memory. A text is a
 * pointer, different in every process: when writing, zero stands in its place. */
static void add_rule(MmlTensorList *list, MmlRun *run, const MmlStage *stage, const char *role, const MmlRule *rule,
                     MmlValue *values) {
    if (!rule || !rule->state_count) return;
    MmlValue *words = values;
    if (list->writing) {
        words = MML_NEW(list->arena, MmlValue, rule->state_count);
        if (!words) {
            list->status = MML_ENOMEM;
            return;
        }
        memcpy(words, values, sizeof *words * (size_t)rule->state_count);
        for (i64 s = 0; s < rule->named_count; s++) {
            const MmlState *state = &rule->states[s];
            i64 width = state->each ? run->experiment->modality_count : 1;
            for (i64 w = 0; is_text(state) && w < width; w++) words[state->slot + w].i = 0;
        }
    }
    add_vector(list, mml_arena_format(list->arena, "mml.%s.%s", stage->name, role), MML_DTYPE_I64, rule->state_count, words);
}

static void add_rules(MmlTensorList *list, MmlRun *run) {
    for (i64 i = 0; i < run->experiment->stage_count; i++) {
        const MmlStage *stage = &run->experiment->stages[i];
        add_rule(list, run, stage, "policy", stage->policy, run->state.stages[i].policy);
        add_rule(list, run, stage, "method", stage->method, run->state.stages[i].method);
    }
}

static void add_state(MmlTensorList *list, MmlRun *run) {
    MmlStateField fields[MML_STATE_FIELDS];
    i64 count = mml_state_fields(&run->state, run->experiment, fields);
    for (i64 i = 0; i < count; i++)
        add_vector(list, mml_arena_format(list->arena, "mml.state.%s", fields[i].name),
                   fields[i].real ? MML_DTYPE_F64 : MML_DTYPE_I64, fields[i].count, fields[i].place);
}

void mml_list_clusters(MmlTensorList *list, MmlRun *run) {
    for (i64 i = 0; i < run->experiment->stage_count; i++)
        for (i64 c = 0; c < run->experiment->stages[i].clustering_count; c++) {
            const MmlClustering *clustering = &run->experiment->stages[i].clusterings[c];
            add_vector(list, mml_arena_format(list->arena, "mml.clusters.%s", clustering->name), MML_DTYPE_F32, clustering->floats,
                       run->work.frame.clusters + clustering->offset);
        }
}

/* ---- Texts ---- */

static void add_text(MmlTensorList *list, const char *key, const char *value) {
    if (!key) list->status = MML_ENOMEM;
    else if (value) list->metadata[list->metadata_count++] = (MmlMetadata){key, value};
}

void mml_each_state_text(MmlTensorList *list, MmlRun *run, MmlTextVisitor visit, void *context) {
    for (i64 i = 0; i < run->experiment->stage_count; i++) {
        const MmlStage *stage = &run->experiment->stages[i];
        MmlStageState *state = &run->state.stages[i];
        const MmlRule *rules[] = {stage->policy, stage->method};
        MmlValue *values[] = {state->policy, state->method};
        for (int r = 0; r < 2; r++)
            for (i64 s = 0; rules[r] && s < rules[r]->named_count; s++) {
                const MmlState *named = &rules[r]->states[s];
                i64 width = named->each ? run->experiment->modality_count : 1;
                for (i64 w = 0; is_text(named) && w < width; w++)
                    visit(list, mml_arena_format(list->arena, "%s.%s.%s.%lld", stage->name, r ? "method" : "policy",
                                                 named->name, (long long)w),
                          &values[r][named->slot + w].s, context);
            }
    }
}

static void put_state_text(MmlTensorList *list, const char *key, const char **text, void *context) { add_text(list, key, *text); }

static void count_state_text(MmlTensorList *list, const char *key, const char **text, void *context) { ++*(i64 *)context; }

static void add_texts(MmlTensorList *list, MmlRun *run) {
    i64 stages = run->experiment->stage_count, texts = 0;
    mml_each_state_text(list, run, count_state_text, &texts);
    list->metadata = MML_NEW(list->arena, MmlMetadata, stages + texts + 8);
    if (!list->metadata) {
        list->status = MML_ENOMEM;
        return;
    }
    add_text(list, "format", MML_CHECKPOINT_FORMAT);
    add_text(list, "experiment", run->experiment->name);
    add_text(list, "hash", run->experiment->hash);
    add_text(list, "reason", run->state.at.reason);
    for (i64 i = 0; i < stages; i++) add_text(list, mml_arena_format(list->arena, "reason.%lld", (long long)i),
                                              run->state.stage_reasons[i]);
    mml_each_state_text(list, run, put_state_text, NULL);
}

MmlTensorList mml_list_weights(MmlRun *run, MmlArena *arena, int writing) {
    MmlTensorList list = {.arena = arena, .writing = writing};
    mml_list_parameters(&list, run);
    add_tracked(&list, run);
    add_fitted(&list, run);
    return list;
}

MmlTensorList mml_list_all(MmlRun *run, MmlArena *arena, int writing) {
    MmlTensorList list = mml_list_weights(run, arena, writing);
    add_optimizer(&list, run);
    add_rules(&list, run);
    mml_list_clusters(&list, run);
    add_state(&list, run);
    add_texts(&list, run);
    return list;
}

int mml_same_shape(const MmlTensor *a, const MmlTensor *b) {
    if (a->dtype != b->dtype || a->rank != b->rank) return 0;
    for (int i = 0; i < a->rank; i++)
        if (a->size[i] != b->size[i]) return 0;
    return 1;
}

Status mml_tensor_differs(const MmlSafetensors *file, const MmlTensor *here) {
    const MmlTensor *there = mml_safetensors_find(file, here->name);
    char ours[160], theirs[160];
    mml_tensor_shape_text(here, ours);
    if (!there) return mml_fail(MML_EDATA, "%s is of another model: it has no tensor '%s' %s", mml_safetensors_path(file),
                                here->name, ours);
    return mml_fail(MML_EDATA, "%s is of another model: its tensor '%s' is %s, here it is %s", mml_safetensors_path(file), here->name,
                    mml_tensor_shape_text(there, theirs), ours);
}
